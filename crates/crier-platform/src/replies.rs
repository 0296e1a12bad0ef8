//! Values that more than one method answers: the outcome object, and what `liveMessage.status` adds to it (protocol 16.1, 16.4).

use crate::model::message::{Delivery, Happening, Status};
use crier_proto::reply::Reply;

/// The outcome object, fields in the order of protocol 16.1.
pub(crate) fn outcome_object(delivery: &Delivery) -> Reply {
    Reply::Object(outcome_fields(delivery))
}

/// The outcome object, then failures, slow readers and the timeline, in the order of protocol 16.4.
pub(crate) fn status_object(status: &Status) -> Reply {
    let mut fields = outcome_fields(&status.delivery);
    fields.extend([
        ("failed", count(status.failed)),
        ("lagging", count(status.lagging)),
        (
            "timeline",
            Reply::List(status.timeline.iter().map(happening).collect()),
        ),
    ]);
    Reply::Object(fields)
}

fn outcome_fields(delivery: &Delivery) -> Vec<(&'static str, Reply)> {
    vec![
        ("id", Reply::Text(delivery.id.to_string())),
        (
            "seq",
            Reply::Integer(i64::try_from(delivery.seq).unwrap_or(i64::MAX)),
        ),
        ("epoch", Reply::Text(delivery.epoch.to_string())),
        ("state", Reply::Text(delivery.state.as_str().into())),
        ("pages", count(delivery.pages)),
        ("handlers", count(delivery.handlers)),
        ("written", count(delivery.written)),
        ("acked", count(delivery.acked)),
        (
            "expires_at",
            Reply::Integer(delivery.expires_at.secs_rounded_up()),
        ),
    ]
}

/// `page` is there only where there is one.
fn happening(entry: &Happening) -> Reply {
    let mut fields = vec![
        ("at", Reply::Integer(entry.at.0)),
        ("what", Reply::Text(entry.what.as_str().into())),
    ];
    fields.extend(
        entry
            .page
            .as_ref()
            .map(|page| ("page", Reply::Text(page.to_string()))),
    );
    Reply::Object(fields)
}

fn count(number: u32) -> Reply {
    Reply::Integer(number.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::{DeliveryState, What};
    use crate::model::time::WallMs;
    use crier_proto::ids::{Epoch, MessageId};

    const DELIVERY: Delivery = Delivery {
        id: MessageId::from_bytes([0x3F; 16]),
        seq: 42,
        epoch: Epoch::from_bytes([0x9D; 8]),
        state: DeliveryState::NoHandler,
        pages: 2,
        handlers: 0,
        written: 0,
        acked: 0,
        expires_at: WallMs(1_795_290_659_001),
    };

    fn fields(reply: Reply) -> Vec<(&'static str, Reply)> {
        let Reply::Object(fields) = reply else {
            panic!("an object, not {reply:?}")
        };
        fields
    }

    fn names(fields: &[(&'static str, Reply)]) -> Vec<&'static str> {
        fields.iter().map(|(name, _)| *name).collect()
    }

    const OUTCOME: [&str; 9] = [
        "id",
        "seq",
        "epoch",
        "state",
        "pages",
        "handlers",
        "written",
        "acked",
        "expires_at",
    ];

    #[test]
    fn the_outcome_object_has_the_fields_of_its_page_in_order() {
        let fields = fields(outcome_object(&DELIVERY));
        assert_eq!(names(&fields), OUTCOME);
        assert_eq!(fields[3].1, Reply::Text("no_handler".into()));
        assert_eq!(fields[8].1, Reply::Integer(1_795_290_660));
    }

    #[test]
    fn the_status_adds_its_three_fields_and_a_page_only_where_there_is_one() {
        let entry = |what, page: Option<&str>| Happening {
            at: WallMs(1_795_290_600_123),
            what,
            page: page.map(|page| page.parse().expect("a page id")),
        };
        let status = Status {
            delivery: DELIVERY,
            failed: 1,
            lagging: 2,
            timeline: vec![
                entry(What::Accepted, None),
                entry(What::Failed, Some("page-0123456789abcdef")),
            ],
        };
        let fields = fields(status_object(&status));
        assert_eq!(names(&fields)[..9], OUTCOME);
        assert_eq!(names(&fields)[9..], ["failed", "lagging", "timeline"]);
        assert_eq!(
            (&fields[9].1, &fields[10].1),
            (&Reply::Integer(1), &Reply::Integer(2))
        );
        let at = ("at", Reply::Integer(1_795_290_600_123));
        let word = |word: &str| ("what", Reply::Text(word.into()));
        let page = ("page", Reply::Text("page-0123456789abcdef".into()));
        assert_eq!(
            fields[11].1,
            Reply::List(vec![
                Reply::Object(vec![at.clone(), word("accepted")]),
                Reply::Object(vec![at, word("failed"), page]),
            ])
        );
    }
}
