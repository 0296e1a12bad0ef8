//! Marks, states, timelines, waiting, bounds, and the way through a snapshot.

use super::*;
use crate::snapshot::{Header, Moment, Writer, read};
use crier_platform::model::message::{Delivery, DeliveryState};
use crier_proto::ids::Epoch;

const AT: WallMs = WallMs(1_795_290_600_000);
const EARLY: ElapsedMs = ElapsedMs(0);

fn id(number: u8) -> MessageId {
    MessageId::from_bytes([number; 16])
}

fn uid(number: i64) -> Uid {
    Uid::new(number).expect("a positive number is a uid")
}

fn record(number: u8) -> Record {
    let origin = Origin {
        key: (AppId::new(1).expect("1 is an application id"), uid(2)),
        sender: uid(3),
        event: "e".into(),
        at: AT,
    };
    let delivery = Delivery {
        id: id(number),
        seq: u64::from(number),
        epoch: Epoch::from_bytes([0; 8]),
        state: DeliveryState::Queued,
        pages: 1,
        handlers: 1,
        written: 0,
        acked: 0,
        expires_at: AT.plus_ms(60_000),
    };
    Record::new(origin, delivery)
}

fn records() -> Records {
    Records::new(1_000, Metrics::default())
}

fn with(number: u8) -> Records {
    let records = records();
    records.add(record(number), ElapsedMs(1_000));
    records
}

fn page(number: u64) -> PageId {
    format!("page-0123456789-{number:03}")
        .parse()
        .expect("19 characters")
}

impl Records {
    fn offer(&self, id: MessageId, pages: &[u64]) {
        let names: Vec<PageId> = pages.iter().map(|number| page(*number)).collect();
        let numbers = pages.iter().map(|number| PageNo(*number));
        let all: Vec<_> = numbers.zip(&names).collect();
        self.offered(id, all.into_iter(), AT.plus_ms(5));
    }

    fn state(&self, id: MessageId) -> DeliveryState {
        self.standing(id, EARLY)
            .expect("the record is kept")
            .delivery
            .state
    }

    fn words(&self, id: MessageId) -> Vec<(i64, &'static str, Option<String>)> {
        let (_, timeline) = self.history(id, EARLY).expect("the record is kept");
        timeline
            .into_iter()
            .map(|entry| {
                let page = entry.page.map(|page| page.to_string());
                (entry.at.0 - AT.0, entry.what.as_str(), page)
            })
            .collect()
    }
}

#[test]
fn a_mark_counts_once_per_page_and_only_from_a_page_it_was_offered_to() {
    let records = with(1);
    records.offer(id(1), &[5, 6, 5]);
    records.written(id(1), &[PageNo(5), PageNo(5), PageNo(9)], AT);
    assert!(records.acked(id(1), (PageNo(9), false), AT).is_none());
    let counted = records.acked(id(1), (PageNo(6), false), AT);
    assert_eq!(counted.map(|counted| counted.seq), Some(1));
    assert!(records.acked(id(1), (PageNo(6), false), AT).is_none());
    let now = records
        .standing(id(1), EARLY)
        .expect("the record is kept")
        .delivery;
    assert_eq!((now.written, now.acked, now.state), (2, 1, DeliveryState::Acked));
}

#[test]
fn a_handler_that_threw_is_counted_among_the_acked_and_apart_and_never_twice() {
    let records = with(1);
    records.offer(id(1), &[5, 6]);
    assert!(records.acked(id(1), (PageNo(5), true), AT).is_some());
    assert!(records.acked(id(1), (PageNo(5), false), AT).is_none());
    assert!(records.acked(id(1), (PageNo(6), false), AT).is_some());
    assert!(
        records.acked(id(1), (PageNo(6), true), AT).is_none(),
        "who has returned does not throw later"
    );
    let now = records.standing(id(1), EARLY).expect("the record is kept");
    assert_eq!((now.failed, now.delivery.acked, now.delivery.written), (1, 2, 2));
}

#[test]
fn states_are_the_first_of_the_table_that_holds() {
    let records = with(1);
    assert_eq!(records.state(id(1)), DeliveryState::Queued);
    records.offer(id(1), &[1]);
    records.written(id(1), &[PageNo(1)], AT);
    assert_eq!(records.state(id(1)), DeliveryState::Written);
    for (ended, state) in [
        (Ended::Expired, DeliveryState::Expired),
        (Ended::Dropped, DeliveryState::Dropped),
        (Ended::Replaced, DeliveryState::Replaced),
        (Ended::Revoked, DeliveryState::Revoked),
        (Ended::Cancelled, DeliveryState::Cancelled),
    ] {
        let left = records.ended(id(1), ended, AT);
        assert_eq!(left.map(|left| (left.state, left.settles)), Some((state, false)));
        assert_eq!(records.state(id(1)), state);
    }
    records.acked(id(1), (PageNo(1), false), AT);
    assert_eq!(records.state(id(1)), DeliveryState::Acked);
}

#[test]
fn the_state_follows_the_pages_that_are_present_and_the_first_outcome_does_not() {
    let records = with(1);
    let standing = records.standing(id(1), EARLY).expect("the record is kept");
    assert_eq!(standing.with_presence((3, 0)).state, DeliveryState::NoHandler);
    assert_eq!(standing.with_presence((3, 2)).state, DeliveryState::Queued);
    records.offer(id(1), &[1]);
    records.acked(id(1), (PageNo(1), false), AT);
    let first = records.first(id(1), EARLY).expect("the record is kept");
    assert_eq!(
        (
            first.state,
            first.pages,
            first.handlers,
            first.written,
            first.acked
        ),
        (DeliveryState::Queued, 1, 1, 0, 0)
    );
}

#[test]
fn a_timeline_tells_what_happened_where_in_its_order() {
    let records = with(1);
    records.offer(id(1), &[5, 6]);
    records.written(id(1), &[PageNo(6)], AT.plus_ms(7));
    // A wall clock that was set back turns nothing round.
    records.acked(id(1), (PageNo(6), true), AT.plus_ms(6));
    records.released(id(1), (PageNo(5), &page(5)), AT.plus_ms(15_000));
    records.released(id(1), (PageNo(7), &page(7)), AT.plus_ms(15_001));
    assert!(
        !records.was_offered(id(1), PageNo(7)),
        "its claim alone is not yet an offer"
    );
    records.ended(id(1), Ended::Expired, AT.plus_ms(60_090));
    records.note(id(1), What::ReceiptPosted, AT.plus_ms(60_100));
    let at = |number| Some(page(number).to_string());
    assert_eq!(
        records.words(id(1)),
        [
            (0, "accepted", None),
            (5, "offered", at(5)),
            (5, "offered", at(6)),
            (7, "written", at(6)),
            (7, "failed", at(6)),
            (15_000, "released", at(5)),
            (15_001, "released", at(7)),
            (60_000, "expired", None),
            (60_100, "receipt_posted", None),
        ]
    );
}

#[test]
fn what_nobody_handled_says_so_second() {
    let records = records();
    let unheard = record(1);
    let delivery = Delivery {
        handlers: 0,
        ..unheard.standing().delivery
    };
    records.add(Record::new(unheard.origin().clone(), delivery), ElapsedMs(10));
    assert_eq!(
        records.words(id(1)),
        [(0, "accepted", None), (0, "no_handler", None)]
    );
}

#[test]
fn timeline_of_64_entries_leaves_later_ones_out() {
    let records = with(1);
    let pages: Vec<u64> = (1..=63).collect();
    records.offer(id(1), &pages);
    assert_eq!(
        (records.words(id(1)).len(), records.metrics.overflows("timeline")),
        (64, 0)
    );
    records.acked(id(1), (PageNo(1), false), AT);
    assert_eq!(
        (records.words(id(1)).len(), records.metrics.overflows("timeline")),
        (64, 1)
    );
    assert_eq!(
        records.state(id(1)),
        DeliveryState::Acked,
        "what is left out still counts"
    );
}

#[test]
fn status_bound_lets_the_oldest_leave_first() {
    let records = Records::new(2, Metrics::default());
    assert!(!records.add(record(0), ElapsedMs(1_000)));
    assert!(!records.add(record(1), ElapsedMs(1_000)));
    assert!(records.add(record(2), ElapsedMs(1_000)));
    assert!(records.standing(id(0), EARLY).is_none());
    assert!(records.standing(id(1), EARLY).is_some());
    records.sweep(ElapsedMs(1_000));
    assert!(records.waiter(id(1), WaitFor::Acked).is_none(), "it is forgotten");
}

#[test]
fn a_record_is_told_of_until_its_moment_even_before_a_longer_kept_one_leaves() {
    let records = records();
    records.add(record(1), ElapsedMs(2_000));
    records.add(record(2), ElapsedMs(1_000));
    assert!(records.standing(id(2), ElapsedMs(999)).is_some());
    records.sweep(ElapsedMs(1_000));
    assert!(records.standing(id(2), ElapsedMs(1_000)).is_none());
    assert!(records.standing(id(1), ElapsedMs(1_999)).is_some());
}

#[test]
fn only_an_unacked_message_that_wants_a_receipt_settles_and_once() {
    let records = with(1);
    let settles = |number| {
        let left = records.ended(id(number), Ended::Expired, AT);
        left.map(|left| left.settles)
    };
    for number in [2, 3] {
        records.add(record(number).wanting_receipt(true), ElapsedMs(1_000));
        records.offer(id(number), &[1]);
    }
    records.acked(id(3), (PageNo(1), false), AT);
    assert_eq!(settles(1), Some(false), "no receipt is wanted");
    assert_eq!((settles(2), settles(2)), (Some(true), Some(false)));
    assert_eq!(settles(3), Some(false), "its receipt is made already");
    assert_eq!(settles(4), None, "it has no record");
}

#[test]
fn nobody_waits_for_what_has_happened_or_never_will() {
    let records = with(1);
    assert!(records.waiter(id(1), WaitFor::Accepted).is_none());
    assert!(records.waiter(id(1), WaitFor::Written).is_some());
    records.offer(id(1), &[1]);
    records.acked(id(1), (PageNo(1), false), AT);
    assert!(records.waiter(id(1), WaitFor::Written).is_none());
    let records = with(2);
    records.offer(id(2), &[1]);
    records.ended(id(2), Ended::Expired, AT);
    assert!(
        records.waiter(id(2), WaitFor::Acked).is_some(),
        "the page that has it may still run it"
    );
    records.ended(id(2), Ended::Cancelled, AT);
    assert!(records.waiter(id(2), WaitFor::Acked).is_none());
    let records = with(3);
    records.ended(id(3), Ended::Expired, AT);
    assert!(records.waiter(id(3), WaitFor::Acked).is_none(), "nobody has it");
}

/// What a snapshot makes of records.
fn through_a_snapshot(records: &Records) -> Records {
    let header = Header {
        taken_at: AT,
        window_ms: 0,
        next_page: 1,
    };
    let mut writer = Writer::new(&header, EARLY);
    records.each_kept(|until, record| writer.record(until, record));
    let moment = Moment { now: EARLY, wall: AT };
    let contents = read(&writer.done(), moment).expect("nothing was changed");
    let after = self::records();
    for (until, record) in contents.records {
        after.add(record, until);
    }
    after
}

#[test]
fn a_snapshot_keeps_states_failures_and_timelines() {
    let before = with(1);
    before.offer(id(1), &[5, 6, 7]);
    before.written(id(1), &[PageNo(5), PageNo(6)], AT.plus_ms(7));
    before.acked(id(1), (PageNo(6), true), AT.plus_ms(8));
    before.released(id(1), (PageNo(5), &page(5)), AT.plus_ms(9));
    before.ended(id(1), Ended::Cancelled, AT.plus_ms(10));
    before.note(id(1), What::ReceiptPosted, AT.plus_ms(11));
    let after = through_a_snapshot(&before);
    assert_eq!(after.history(id(1), EARLY), before.history(id(1), EARLY));
    assert_eq!(after.words(id(1)).len(), 10);
    assert!(after.was_acked_by(id(1), PageNo(6)) && after.is_held_by(id(1), PageNo(5)));
    assert!(after.acked(id(1), (PageNo(7), false), AT).is_some());
    assert!(
        after.standing(id(1), ElapsedMs(1_000)).is_none(),
        "kept as long as before"
    );
}

#[test]
fn every_ending_survives_a_snapshot() {
    for ended in [
        Ended::Dropped,
        Ended::Expired,
        Ended::Replaced,
        Ended::Revoked,
        Ended::Cancelled,
    ] {
        let before = with(1);
        before.ended(id(1), ended, AT);
        let after = through_a_snapshot(&before);
        assert_eq!(
            after.standing(id(1), EARLY).and_then(|now| now.ended),
            Some(ended)
        );
        assert_eq!(after.history(id(1), EARLY), before.history(id(1), EARLY));
    }
}
