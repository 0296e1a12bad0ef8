//! The page of figures and the guide's table, against the list they both come from.

use super::labels::FrameType;
use super::*;
use std::fmt::Write;

fn page_of(registry: &Registry) -> String {
    let mut page = String::new();
    prometheus_client::encoding::text::encode(&mut page, registry).expect("writing into a text cannot fail");
    page
}

fn fresh() -> (Metrics, Registry) {
    let mut registry = Registry::default();
    (Metrics::registered(&mut registry), registry)
}

#[test]
fn every_figure_is_described_and_every_closed_series_is_there_at_0() {
    let page = page_of(&fresh().1);
    for metric in Metric::ALL {
        let name = format!("{PREFIX}_{}", metric.short_name());
        let described = format!(
            "# HELP {name} {}.\n# TYPE {name} {}\n",
            metric.help(),
            metric.kind().as_str()
        );
        assert!(page.contains(&described), "{described} is not on:\n{page}");
    }
    let mut expected = vec![
        "crier_live_connections{transport=\"poll\"} 0".to_owned(),
        "crier_live_admissions_total{kind=\"resume\",result=\"4202\"} 0".to_owned(),
        "crier_live_sends_total{door=\"batch\",result=\"ok\"} 0".to_owned(),
        "crier_live_sends_total{door=\"page\",result=\"1102\"} 0".to_owned(),
        "crier_live_frames_total{direction=\"in\",type=\"unknown\"} 0".to_owned(),
        "crier_live_frames_total{direction=\"out\",type=\"message\"} 0".to_owned(),
        "crier_live_byes_total{code=\"4306\"} 0".to_owned(),
        "crier_live_gaps_total{reason=\"damaged\"} 0".to_owned(),
        "crier_live_accept_seconds_bucket{le=\"0.0001\",mode=\"durable\"} 0".to_owned(),
        "crier_live_accept_to_acked_seconds_bucket{le=\"60.0\",fanout=\"focused\"} 0".to_owned(),
        "crier_live_broker_up 1".to_owned(),
    ];
    expected.extend(Overflow::ALL.iter().map(|bound| {
        let name = bound.as_str();
        format!("crier_live_overflow_total{{name=\"{name}\"}} 0")
    }));
    for line in expected {
        assert!(
            page.lines().any(|known| known == line),
            "{line} is not on:\n{page}"
        );
    }
}

#[test]
fn the_bounds_that_are_counted_are_those_of_the_table_of_limits() {
    // The column "overflow name" of live section 12, in its order, less `send_queue`, which the page counts itself.
    let table = "event_name message collapse_key ttl mailbox_ring mailbox_app mailbox_node head quota rate_recipient rate_send \
        rate_frames frame_size frame_items handlers tickets_outstanding authorised connections_user connections_address \
        connections hello request_head request_body admit ping page_gone outbox no_progress waiters status timeline \
        receipt_queue receipt_expired broker acks_held stop";
    let counted: Vec<_> = Overflow::ALL.iter().map(|bound| bound.as_str()).collect();
    assert_eq!(counted, table.split_whitespace().collect::<Vec<_>>());
}

#[test]
fn a_duration_counts_in_the_first_span_that_is_long_enough() {
    let (metrics, registry) = fresh();
    for micros in [0, 100, 101, 60_000_000, 60_000_001] {
        metrics.accepted_in(Mode::Memory, micros);
    }
    let page = page_of(&registry);
    for (le, count) in [
        ("0.0001", 2),
        ("0.00025", 3),
        ("30.0", 3),
        ("60.0", 4),
        ("+Inf", 5),
    ] {
        let line = format!("crier_live_accept_seconds_bucket{{le=\"{le}\",mode=\"memory\"}} {count}\n");
        assert!(page.contains(&line), "{line} is not on:\n{page}");
    }
    assert!(
        page.contains("crier_live_accept_seconds_sum{mode=\"memory\"} 120.000202\n"),
        "{page}"
    );
    assert!(page.contains("crier_live_accept_seconds_count{mode=\"memory\"} 5\n"));
}

#[test]
fn a_frame_in_the_outbox_says_its_type_itself() {
    use crier_proto::frame::{Bye, ServerFrame};
    for (frame, kind) in [
        (ServerFrame::bye(Bye::Moved, None).to_json(), FrameType::Bye),
        (ServerFrame::Ping { at: 1, seq: 2 }.to_json(), FrameType::Ping),
        (ServerFrame::Drain { retry_after: 1 }.to_json(), FrameType::Drain),
        (r#"{"type":"message","id":"x"}"#.to_owned(), FrameType::Message),
    ] {
        assert_eq!(FrameType::of_server(frame.as_bytes()), Some(kind), "{frame}");
        assert_eq!(kind.direction(), "out");
    }
    assert_eq!(FrameType::of_server(br#"{"type":"hello"}"#), None);
    assert_eq!(FrameType::Unknown.direction(), "in");
}

#[test]
fn every_value_of_a_label_has_the_index_at_which_it_stands() {
    fn stands<L: Closed>() {
        for (at, value) in L::all().into_iter().enumerate() {
            assert_eq!(value.index(), at, "{}", value.word());
        }
    }
    stands::<Overflow>();
    stands::<Judged<Bye>>();
    stands::<Judged<Code>>();
    stands::<GapReason>();
    stands::<Fanout>();
    stands::<Door>();
    stands::<Coming>();
    stands::<Ending>();
    stands::<FrameType>();
    stands::<ReceiptFate>();
}

#[test]
fn every_value_of_a_set_of_ours_is_described_by_a_sentence() {
    let sentences = [
        Overflow::ALL.iter().map(|value| value.help()).collect::<Vec<_>>(),
        Transport::ALL.iter().map(|value| value.help()).collect(),
        TicketFate::ALL.iter().map(|value| value.help()).collect(),
        Mode::ALL.iter().map(|value| value.help()).collect(),
        Ending::ALL.iter().map(|value| value.help()).collect(),
        FrameType::ALL.iter().map(|value| value.help()).collect(),
        ReceiptFate::ALL.iter().map(|value| value.help()).collect(),
    ];
    for sentence in sentences.concat() {
        assert!(sentence.ends_with('.') && sentence.len() > 2, "{sentence}");
    }
}

/// The guide's two tables, as they follow from the lists.
fn tables() -> String {
    let mut text = String::from("| figure | kind | what it says |\n|---|---|---|\n");
    for metric in Metric::ALL {
        let (name, kind, help) = (metric.name(), metric.kind().as_str(), metric.help());
        let labels = metric.labels().join(",");
        let labels = if labels.is_empty() {
            labels
        } else {
            format!("{{{labels}}}")
        };
        writeln!(text, "| `{name}{labels}` | {kind} | {help} |").expect("writing into a text cannot fail");
    }
    text.push_str("\n| `name` | the bound that was reached |\n|---|---|\n");
    for bound in Overflow::ALL {
        let (name, what) = (bound.as_str(), bound.help());
        writeln!(text, "| `{name}` | {what} |").expect("writing into a text cannot fail");
    }
    text
}

#[test]
fn the_guide_s_tables_are_these() {
    let guide = include_str!("../../../../docs/guide/metrics.md");
    let tables = tables();
    assert!(
        guide.contains(&tables),
        "docs/guide/metrics.md must hold:\n\n{tables}"
    );
}
