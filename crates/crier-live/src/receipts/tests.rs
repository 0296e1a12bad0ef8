//! The queues against live 7.8 and 7.10: gathering, order, bounds, delays, giving up, and outliving the process.

use super::queue::GATHER_MS;
use super::*;
use crate::snapshot::{Header, Moment, Writer, read};
use crier_platform::model::message::{Delivery, DeliveryState};
use crier_platform::model::retry::{DELAYS_MS, delay_ms};
use crier_platform::model::time::WallMs;
use crier_proto::ids::{Epoch, Uid};
use std::sync::atomic::{AtomicU8, Ordering};

/// Bytes that differ with each asking.
struct Rising(AtomicU8);

impl Entropy for Rising {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

const DAY_MS: u64 = 86_400_000;

fn receipts(waiting_max: usize, requests_max: usize) -> Receipts {
    let config = ReceiptsConfig {
        waiting_max,
        requests_max,
        ..ReceiptsConfig::default()
    };
    Receipts::new(config, 3, Arc::new(Rising(AtomicU8::new(1))), Metrics::default())
}

pub(super) fn app(number: i64) -> AppId {
    AppId::new(number).expect("a positive number is an application id")
}

fn id(number: u64) -> MessageId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    MessageId::from_bytes(bytes)
}

pub(super) fn receipt(number: u64, made: u64) -> Receipt {
    Receipt {
        delivery: Delivery {
            id: id(number),
            seq: number,
            epoch: Epoch::from_bytes([7; 8]),
            state: DeliveryState::Acked,
            pages: 2,
            handlers: 1,
            written: 1,
            acked: 1,
            expires_at: WallMs(1_700_000_000_001),
        },
        failed: 1,
        recipient: Uid::new(563_683_308).expect("a positive number is a uid"),
        event: "ro\"ck".into(),
        at: WallMs(1_699_999_999_000),
        made: ElapsedMs(made),
        until: ElapsedMs(made + DAY_MS),
    }
}

fn bodies(receipts: &Receipts, now: u64) -> Vec<Work> {
    receipts.take(ElapsedMs(now)).0
}

/// The same bodies on a later attempt: nothing of them is new.
fn again(first: &[Work]) -> Vec<Work> {
    let old = |work: &Work| {
        assert!(!work.fresh.is_empty());
        Work {
            fresh: Vec::new(),
            ..work.clone()
        }
    };
    first.iter().map(old).collect()
}

fn seqs(work: &Work) -> Vec<u64> {
    let body: serde_json::Value = serde_json::from_slice(&work.body).expect("a JSON text");
    let all = body["receipts"].as_array().expect("a list");
    all.iter()
        .map(|one| one["seq"].as_u64().expect("a number"))
        .collect()
}

#[test]
fn a_body_is_the_outcome_object_with_what_a_receiver_needs_beside_it() {
    let receipts = receipts(10, 1);
    receipts.made(app(7), receipt(3, 0));
    let work = bodies(&receipts, GATHER_MS);
    assert_eq!(work.len(), 1);
    assert_eq!(
        std::str::from_utf8(&work[0].body).expect("a text"),
        "{\"app\":\"7\",\"receipts\":[{\"id\":\"00000000000000000000000000000003\",\"seq\":3,\"epoch\":\"0707070707070707\",\
         \"state\":\"acked\",\"pages\":2,\"handlers\":1,\"written\":1,\"acked\":1,\"expires_at\":1700000001,\"failed\":1,\
         \"recipient\":\"563683308\",\"event_name\":\"ro\\\"ck\",\"at\":1699999999000}]}"
    );
}

#[test]
fn receipts_are_gathered_for_a_second_and_a_hundred_go_at_once() {
    let receipts = receipts(1_000, 1);
    receipts.made(app(7), receipt(1, 0));
    receipts.made(app(7), receipt(2, 900));
    assert!(bodies(&receipts, GATHER_MS - 1).is_empty());
    assert_eq!(receipts.next_due(), Some(ElapsedMs(GATHER_MS)));
    let first = bodies(&receipts, GATHER_MS);
    assert_eq!(seqs(&first[0]), [1, 2]);
    for number in 3..=103 {
        receipts.made(app(7), receipt(number, 1_000));
    }
    // One body at a time.
    assert!(bodies(&receipts, 1_000).is_empty());
    assert_eq!(receipts.next_due(), None);
    assert_eq!(
        receipts.ended(app(7), Outcome::Posted, ElapsedMs(1_000)),
        [id(1), id(2)]
    );
    let second = bodies(&receipts, 1_000);
    assert_eq!(seqs(&second[0]), (3..=102).collect::<Vec<_>>());
    receipts.ended(app(7), Outcome::Posted, ElapsedMs(1_001));
    assert!(bodies(&receipts, 1_001).is_empty());
    assert_eq!(seqs(&bodies(&receipts, 2_000)[0]), [103]);
}

#[test]
fn a_body_keeps_its_id_and_its_bytes_until_it_is_taken() {
    let receipts = receipts(1_000, 1);
    receipts.made(app(7), receipt(1, 0));
    let first = bodies(&receipts, 1_000);
    receipts.made(app(7), receipt(2, 1_000));
    let mut now = 1_000;
    for step in DELAYS_MS {
        assert!(receipts.ended(app(7), Outcome::Failed, ElapsedMs(now)).is_empty());
        let due = receipts.next_due().expect("an attempt follows").0;
        assert!(
            (now + step * 8 / 10..=now + step * 12 / 10).contains(&due),
            "{step}: {}",
            due - now
        );
        assert!(bodies(&receipts, due - 1).is_empty());
        now = due;
        assert_eq!(bodies(&receipts, now), again(&first));
    }
    receipts.ended(app(7), Outcome::Failed, ElapsedMs(now));
    let due = receipts.next_due().expect("an attempt follows").0;
    assert!(
        (now + 2_880_000..=now + 4_320_000).contains(&due),
        "hourly from here on"
    );
    assert_eq!(bodies(&receipts, due), again(&first));
    assert_eq!(receipts.ended(app(7), Outcome::Posted, ElapsedMs(due)), [id(1)]);
    // After a success what has waited follows at once, and the next failure begins with the shortest delay.
    let second = bodies(&receipts, due);
    assert_eq!((seqs(&second[0]), second[0].id == first[0].id), (vec![2], false));
    receipts.ended(app(7), Outcome::Failed, ElapsedMs(due));
    assert!(receipts.next_due().expect("an attempt follows").0 <= due + 1_200);
}

#[test]
fn delays_move_by_a_fifth_at_most_and_reach_both_ends() {
    let entropy = Rising(AtomicU8::new(0));
    let delays: Vec<u64> = (0..=255).map(|_| delay_ms(0, &entropy)).collect();
    assert!(delays.iter().all(|delay| (800..=1_200).contains(delay)));
    assert!(delays.iter().any(|delay| *delay < 850) && delays.iter().any(|delay| *delay > 1_150));
}

#[test]
fn receipt_queue_over_waiting_max_lets_the_oldest_leave_and_a_body_leave_whole() {
    let receipts = receipts(3, 1);
    for number in 1..=3 {
        assert!(receipts.made(app(7), receipt(number, 0)).is_empty());
    }
    assert_eq!(receipts.made(app(7), receipt(4, 0)), [id(1)]);
    let first = bodies(&receipts, 1_000);
    assert_eq!(seqs(&first[0]), [2, 3, 4]);
    // What is on its way may arrive: those behind it leave, here the new one itself.
    assert_eq!(receipts.made(app(7), receipt(5, 1_000)), [id(5)]);
    receipts.ended(app(7), Outcome::Failed, ElapsedMs(1_000));
    assert_eq!(receipts.made(app(7), receipt(6, 1_100)), [id(2), id(3), id(4)]);
    assert_eq!(receipts.standing(), (1, Some(ElapsedMs(1_100))));
    assert_eq!(receipts.metrics.overflows("receipt_queue"), 5);
    // The delay after the failure still holds.
    let due = receipts.next_due().expect("an attempt follows");
    assert!(due.0 >= 2_100);
    assert_eq!(seqs(&bodies(&receipts, due.0)[0]), [6]);
}

#[test]
fn receipt_expired_after_a_day_is_given_up_unless_it_is_on_its_way() {
    let receipts = receipts(100, 1);
    receipts.made(app(7), receipt(1, 0));
    receipts.made(app(8), receipt(2, 5));
    let first = bodies(&receipts, 1_000);
    assert_eq!(first.len(), 1, "requests_max is 1");
    assert_eq!(receipts.take(ElapsedMs(DAY_MS + 4)), (vec![], vec![]));
    assert_eq!(receipts.take(ElapsedMs(DAY_MS + 5)).1, [id(2)]);
    receipts.ended(first[0].app, Outcome::Failed, ElapsedMs(DAY_MS + 6));
    assert_eq!(receipts.take(ElapsedMs(DAY_MS + 6)).1, [id(1)]);
    assert_eq!(receipts.metrics.overflows("receipt_expired"), 2);
    assert_eq!((receipts.standing(), receipts.next_due()), ((0, None), None));
}

#[test]
fn requests_max_bodies_are_on_their_way_and_those_due_longest_go_first() {
    let receipts = receipts(100, 2);
    for (number, made) in [(1, 30), (2, 20), (3, 10)] {
        receipts.made(app(number), receipt(1, made));
    }
    let apps = |work: Vec<Work>| work.iter().map(|work| work.app.get()).collect::<Vec<_>>();
    assert_eq!(apps(bodies(&receipts, 2_000)), [3, 2]);
    assert!(bodies(&receipts, 2_000).is_empty());
    receipts.ended(app(2), Outcome::Failed, ElapsedMs(2_000));
    assert_eq!(apps(bodies(&receipts, 2_000)), [1]);
}

#[test]
fn an_application_that_wants_none_any_more_loses_what_waits() {
    let receipts = receipts(100, 1);
    receipts.made(app(7), receipt(1, 0));
    bodies(&receipts, 1_000);
    receipts.made(app(7), receipt(2, 1_000));
    assert_eq!(
        receipts.ended(app(7), Outcome::Off, ElapsedMs(1_000)),
        [id(1), id(2)]
    );
    assert_eq!((receipts.standing(), receipts.next_due()), ((0, None), None));
}

#[test]
fn a_message_that_ended_unacked_settles_for_its_time_and_the_oldest_leaves_over_the_bound() {
    let receipts = receipts(100, 1);
    for number in 1..=3 {
        assert_eq!(receipts.settle(app(7), id(number), ElapsedMs(number * 10)), None);
    }
    assert_eq!(receipts.settle(app(7), id(4), ElapsedMs(40)), Some(id(1)));
    assert!(receipts.settled(ElapsedMs(19)).is_empty());
    assert_eq!(receipts.settled(ElapsedMs(30)), [id(2), id(3)]);
    assert!(receipts.settled(ElapsedMs(30)).is_empty());
    assert_eq!(receipts.metrics.overflows("receipt_queue"), 1);
}

#[test]
fn unposted_receipts_outlive_the_process_with_their_ids() {
    let before = receipts(1_000, 1);
    before.made(app(7), receipt(1, 0));
    let first = bodies(&before, 1_000);
    before.ended(app(7), Outcome::Failed, ElapsedMs(1_000));
    let due = before.next_due().expect("an attempt follows").0;
    before.made(app(7), receipt(2, 1_500));
    before.made(app(8), receipt(3, 1_500));
    let header = Header {
        taken_at: WallMs(50_000),
        window_ms: 0,
        next_page: 1,
    };
    let mut writer = Writer::new(&header, ElapsedMs(2_000 - 500));
    before.each(|app, queue| writer.receipts(app, queue));
    let bytes = writer.done();
    let moment = Moment {
        now: ElapsedMs(9_000),
        wall: WallMs(50_100),
    };
    let contents = read(&bytes, moment).expect("it is whole");
    let after = receipts(1_000, 1);
    for (app, queue) in contents.receipts {
        after.take_back(app, queue);
    }
    assert_eq!(after.standing(), (3, Some(ElapsedMs(9_000))));
    // The delay goes on where it was, less the time away.
    let next = after.next_due().expect("an attempt follows").0;
    assert_eq!(next, 9_000 + (due - 1_500) - 100);
    assert_eq!(bodies(&after, next), again(&first));
    assert_eq!(after.ended(app(7), Outcome::Posted, ElapsedMs(next)), [id(1)]);
    let rest: Vec<Vec<u64>> = [10_000, 10_000]
        .into_iter()
        .map(|now| {
            let work = bodies(&after, now);
            after.ended(work[0].app, Outcome::Posted, ElapsedMs(now));
            seqs(&work[0])
        })
        .collect();
    assert!(rest.contains(&vec![2]) && rest.contains(&vec![3]));
}
