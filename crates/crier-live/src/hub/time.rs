//! Deadlines and sweeping: one wheel, one future (live 15.1).

use super::{Hub, key_of};
use crate::connection::Tick;
use crate::link::Link;
use crate::place::{Touched, make_receipt};
use crate::receipts::{Bodies, SETTLE_MS};
use crate::records::{MailboxKey, Origin};
use crate::shards::lock;
use crier_platform::model::time::{ElapsedMs, WallMs};
use crier_proto::frame::{Bye, ServerFrame};
use std::sync::{Arc, Weak};

/// What comes due.
#[derive(Debug)]
pub enum Due {
    /// A connection's ping, pong, end or progress.
    Connection(Weak<Link>, ElapsedMs),
    /// Pages without a connection.
    Grace(MailboxKey),
}

/// Turns of the wheel between two sweeps of tickets and records.
const SWEEP_TURNS: u64 = 40;

impl Hub {
    /// Turns the wheel for ever.
    pub(crate) async fn run(&self) {
        let mut turns: u64 = 0;
        loop {
            let next = lock(&self.wheel).next_turn();
            self.clock.sleep_until(next).await;
            self.turn_wheel(turns);
            turns = turns.wrapping_add(1);
        }
    }

    /// One turn: what is due, then one part of the mailboxes.
    pub(crate) fn turn_wheel(&self, turns: u64) {
        let now = self.clock.elapsed();
        self.admission.age(now);
        let due = lock(&self.wheel).advance(now);
        for due in due {
            match due {
                Due::Connection(link, due) => {
                    if let Some(link) = link.upgrade().filter(|link| link.is_due_at(due)) {
                        self.tick(&link);
                    }
                }
                Due::Grace(key) => {
                    let held = self.at_known(key, |place, around, touched| {
                        place.end_absent_pages(around, touched);
                        place.give_held(around)
                    });
                    if let Some(until) = held.flatten() {
                        lock(&self.wheel).insert(until, Due::Grace(key));
                    }
                }
            }
        }
        self.sweep(turns);
    }

    fn tick(&self, link: &Arc<Link>) {
        let now = self.clock.elapsed();
        let due = link.state().next_due(&self.terms);
        if due > now {
            // The deadline has moved away since.
            self.schedule(link);
            return;
        }
        let stuck = link.state().is_stuck(&self.terms, now);
        if stuck {
            link.press();
        }
        let tick = link.state().tick(&self.terms, now);
        match tick {
            Tick::Nothing => {}
            Tick::Ping => self.ping(link),
            Tick::Ended(bye) => {
                self.count_end(bye);
                self.ended_here(link);
                return;
            }
            Tick::Cut => {
                if stuck {
                    self.count_end(Bye::NoProgress);
                }
                self.ended_here(link);
                self.closed_without_transport(link);
                return;
            }
        }
        self.schedule(link);
    }

    fn ping(&self, link: &Arc<Link>) {
        let Some(key) = key_of(link) else { return };
        let position = self.at_known(key, |place, around, _| {
            let WallMs(at) = around.wall;
            let frame = ServerFrame::Ping {
                at,
                seq: place.position(link),
            };
            let mut state = link.state();
            state.ping(frame.to_json().into(), around.terms, around.now);
            state.pinged(around.micros);
        });
        if position.is_some() {
            link.pump();
        }
    }

    /// Makes the receipts of messages whose time for a late ack is over.
    fn make_settled_receipts(&self, now: ElapsedMs) {
        for id in self.receipts.settled(now) {
            let Some(standing) = self.records.settled(id) else {
                continue;
            };
            let Origin { key, event, .. } = &standing.origin;
            let presence = self.at_known(*key, |place, _, _| place.presence(event));
            make_receipt(&self.around(*key), &standing, presence.unwrap_or((0, 0)));
        }
    }

    /// Takes up the receipts that an earlier process owed: what had ended settles anew, and what was made and lies in no queue, since
    /// that process did not stop cleanly, is made again: under the id of its body, when one was made (live 7.8).
    pub(crate) fn take_up_receipts(&self) {
        let now = self.clock.elapsed();
        let (settling, waiting) = self.records.receipts_to_come();
        for id in settling {
            self.records.settle(id);
            let app = self.records.look(id, now, |record| record.origin().key.0);
            let lost = app.and_then(|app| self.receipts.settle(app, id, now.plus_ms(SETTLE_MS)));
            lost.into_iter().for_each(|id| self.records.receipt_is_done(id));
        }
        let queued = self.receipts.queued();
        let (mut bodies, mut loose) = (Bodies::default(), Vec::new());
        for (standing, in_body) in waiting {
            match in_body {
                _ if queued.contains(&standing.delivery.id) => {}
                Some(in_body) => bodies.add(&standing, in_body, (now, self.clock.wall())),
                None => loose.push(standing),
            }
        }
        for lost in self.receipts.take_back_bodies(bodies) {
            self.records.receipt_is_done(lost);
        }
        for standing in loose {
            make_receipt(&self.around(standing.origin.key), &standing, (0, 0));
        }
    }

    fn sweep(&self, turns: u64) {
        let now = self.clock.elapsed();
        let part = usize::try_from(turns).unwrap_or(0);
        let mut touched = Touched::new();
        let left = self.broker.sweep(part, now, |key, place| {
            let around = self.around(key);
            place.expire(&around);
            place.end_absent_pages(&around, &mut touched);
        });
        touched.iter().for_each(|link| link.pump());
        left.into_iter().for_each(|head| self.head_left(head));
        self.make_settled_receipts(now);
        if turns.is_multiple_of(SWEEP_TURNS) {
            self.tickets.sweep();
            self.records.sweep(now);
            self.revocations.sweep(self.clock.wall());
        }
    }
}
