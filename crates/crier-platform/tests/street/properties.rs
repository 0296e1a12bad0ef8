//! What holds for every call, whatever its bytes: documented answers, order, the twelve hours, and no effect without a success.

use crate::asked::Call;
use crate::harness::{OTHER, OWNER, Street, WEB, app_id, uid};
use crier_platform::model::app::{AddressRule, ProfileName};
use crier_proto::call::{Body, RequestParts};
use crier_proto::decimal::Decimal;
use crier_proto::error::Code;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

/// Runs a future to its end: property tests are synchronous.
fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
        .block_on(future)
}

fn profile() -> impl Strategy<Value = ProfileName> {
    prop_oneof![Just(ProfileName::Documented), Just(ProfileName::Period)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_get_a_documented_answer_and_no_effect(
        query in proptest::collection::vec(any::<u8>(), 0..80),
        body in proptest::collection::vec(any::<u8>(), 0..200),
        verb in "GET|POST|PUT",
    ) {
        let answer = run(async {
            let street = Street::open(|_| {}).await;
            let source = IpAddr::from([127, 0, 0, 1]);
            let body = Body::Urlencoded(body);
            street.answer(RequestParts { verb, path: "/restserver.php".into(), query, body, source }).await
        });
        let code = answer.error.expect("bytes without a signature succeed nowhere");
        prop_assert!(matches!(code, Code::InvalidParameter | Code::InvalidApiKey));
        prop_assert!(answer.delivery.is_none() && answer.fault.is_none());
    }

    #[test]
    fn a_signed_message_has_a_place_exactly_if_it_is_answered_true(
        name in "recipient|uid|event_name|message|outcome|wait|timeout_ms|ttl|collapse_key|fanout|title|locale|ss|v",
        value in prop_oneof!["\\PC{0,40}", "[0-9]{1,12}", "written|acked|one|focused|none|true|0", "x{1020,1030}"],
        profile in profile(),
    ) {
        let (code, seq) = run(async {
            let street = Street::of(profile).await;
            let spoil = |call: Call| {
                call.with("recipient", &OTHER.to_string())
                    .with("event_name", "e")
                    .with("message", "m")
                    .with(&name, &value)
            };
            let said = street.act(spoil, "liveMessage.send").await;
            let mut seq = 0;
            for user in [WEB, OTHER, OWNER] {
                seq += street.ports.deliver.cursor(app_id(), uid(user)).await.expect("a cursor").seq;
            }
            let outcome = matches!(&said, crate::asked::Said::Value(value) if value.is_object());
            (if outcome { 0 } else { said.code() }, seq)
        });
        prop_assert_eq!(seq, u64::from(code == 0));
        prop_assert!([0, 100, 102, 103, 104, 292, 1101, 1102].contains(&code), "{}", code);
    }

    #[test]
    fn any_items_get_a_document_each_and_place_what_is_answered_true(
        items in proptest::collection::vec(
            prop_oneof![
                "\\PC{0,60}",
                "method=(facebook\\.)?(users\\.isAppUser|liveMessage\\.send|batch\\.run|no\\.such)(&(uid|recipient|event_name|message|zz|v|ss|sig)=[a-z0-9%]{0,4}){0,4}",
                Just("method=liveMessage.send&recipient=563683308&event_name=e&message=m".to_owned()),
            ],
            0..6,
        ),
    ) {
        run(async {
            let street = Street::open(|_| {}).await;
            let feed = serde_json::to_string(&items).expect("JSON");
            let said = street.act(|call| call.with("method_feed", &feed), "batch.run").await.value();
            let documents = said.as_array().expect("a list");
            assert_eq!(documents.len(), items.len());
            let mut accepted = 0;
            for (item, document) in items.iter().zip(documents) {
                let value: serde_json::Value = serde_json::from_str(document.as_str().expect("a string")).expect("JSON");
                let code = value["error_code"].as_u64().unwrap_or(0);
                assert!([0, 3, 100, 101, 102, 292].contains(&code), "{item}: {value}");
                accepted += u64::from(code == 0 && item.contains("liveMessage"));
            }
            let mut placed = 0;
            for user in [WEB, OTHER, OWNER] {
                placed += street.ports.deliver.cursor(app_id(), uid(user)).await.expect("a cursor").seq;
            }
            assert_eq!(placed, accepted);
        });
    }

    #[test]
    fn any_story_is_kept_or_refused_with_a_documented_code(
        title in "(\\PC|<a href=\"http://e.example/\">|</a>|&[a-z]{2,6};|<b>){0,30}",
        body in "(\\PC|<b>|</b>|<i>|</i>|&#[0-9]{1,4};){0,40}",
        image in "|http://i.example/[a-z]{0,5}|[0-9]{1,3}|ftp:x",
        link in "|http://e.example/|https://e.example/",
    ) {
        let (code, kept) = run(async {
            let street = Street::of(ProfileName::Period).await;
            let spoil = |call: Call| {
                call.with("title", &title).with("body", &body).with("image_1", &image).with("image_1_link", &link)
            };
            let said = street.act(spoil, "feed.publishStoryToUser").await;
            (said.code(), street.stories(WEB).await.len())
        });
        prop_assert_eq!(kept, usize::from(code == 0));
        prop_assert!([0, 100, 342, 343, 345, 346, 347, 348].contains(&code), "{}", code);
    }

    #[test]
    fn accepted_call_ids_rise_strictly_whatever_is_sent(
        sent in proptest::collection::vec("[0-9]{1,3}(\\.[0-9]{1,3})?(e-?[0-2])?", 1..20),
    ) {
        let verdicts = run(async {
            let street = Street::open(|_| {}).await;
            let (app, session) = (street.app().await, street.session().await);
            let mut verdicts = Vec::new();
            for call_id in &sent {
                let call = Call::acting(&app, &session, "users.getLoggedInUser", call_id);
                verdicts.push(street.ask(call.signed()).await.code());
            }
            verdicts
        });
        let mut last: Option<Decimal> = None;
        for (call_id, verdict) in sent.iter().zip(verdicts) {
            let value: Decimal = call_id.parse().expect("the grammar of call_id");
            let passes = last.as_ref().is_none_or(|last| value > *last);
            prop_assert_eq!(verdict, if passes { 0 } else { 103 }, "{} after {:?}", call_id, last);
            if passes {
                last = Some(value);
            }
        }
    }

    #[test]
    fn under_unique_a_value_passes_once_in_any_order(
        sent in proptest::collection::vec(0u32..12, 1..30),
    ) {
        let verdicts = run(async {
            let street = Street::of(ProfileName::Modern).await;
            let (app, session) = (street.app().await, street.session().await);
            let mut verdicts = Vec::new();
            for call_id in &sent {
                let call = Call::acting(&app, &session, "users.getLoggedInUser", &call_id.to_string());
                verdicts.push(street.ask(call.signed_v2(street.now_secs())).await.code());
            }
            verdicts
        });
        let mut seen = BTreeSet::new();
        for (call_id, verdict) in sent.iter().zip(verdicts) {
            prop_assert_eq!(verdict, if seen.insert(*call_id) { 0 } else { 103 });
        }
    }

    #[test]
    fn two_stories_are_never_less_than_twelve_hours_apart(
        waits in proptest::collection::vec(prop_oneof![Just(43_199_999u64), Just(1), Just(43_200_000), 0u64..50_000_000], 1..12),
    ) {
        let published = run(async {
            let street = Street::of(ProfileName::Period).await;
            let mut expected = Vec::new();
            for wait in waits {
                street.turn_clock(wait);
                let said = street.act(|call| call.with("title", "x"), "feed.publishStoryToUser").await;
                let now = street.now().0;
                let open = expected.last().is_none_or(|last| now - last >= 43_200_000);
                assert_eq!(said.code(), if open { 0 } else { 340 });
                if open {
                    expected.push(now);
                }
            }
            let mut kept: Vec<i64> = street.stories(WEB).await.iter().map(|story| story.published_at.0).collect();
            kept.reverse();
            (kept, expected)
        });
        prop_assert_eq!(published.0, published.1);
    }

    #[test]
    fn an_address_lies_in_a_block_exactly_if_its_leading_bits_are_the_blocks(
        network in any::<u32>(), address in any::<u32>(), bits in 0u8..=32,
    ) {
        let rule = AddressRule::parse(&format!("{}/{bits}", Ipv4Addr::from_bits(network))).expect("a block");
        let differing = (network ^ address).leading_zeros();
        prop_assert_eq!(rule.covers(Ipv4Addr::from_bits(address).into()), differing >= u32::from(bits));
        let mapped = Ipv4Addr::from_bits(address).to_ipv6_mapped();
        prop_assert_eq!(rule.covers(mapped.into()), differing >= u32::from(bits));
    }
}
