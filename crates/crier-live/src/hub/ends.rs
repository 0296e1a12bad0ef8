//! Ends that come from elsewhere: withdrawals, ended sessions, disabled applications, a stopping server (live 3.11, 3.14, 9.6).

use super::Hub;
use crate::connection::CLOSING_MS;
use crate::link::Link;
use crate::place::Touched;
use crier_platform::model::session::SessionId;
use crier_platform::model::ticket::Permit;
use crier_platform::model::time::WallMs;
use crier_proto::frame::Bye;
use crier_proto::ids::{AppId, Uid};
use futures_util::future::{Either, select};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Hub {
    /// Ends everything of a user in an application that was committed or issued up to `at` (live 3.14).
    pub(crate) fn withdraw(&self, app: AppId, user: Uid, at: WallMs) {
        self.revocations.withdrew(app, user, at);
        let life = i64::try_from(self.config.ticket_life.0).unwrap_or(i64::MAX);
        self.tickets.void_expiring_by((app, user), at.plus_ms(life));
        let timed = self.timed(at);
        // A withdrawal lets no waiting message out; the other ends find nothing to drop that the page may not have.
        let before = |link: &Arc<Link>| {
            link.state().withdraw(|_| true);
            self.writes_its_last(link, &timed);
        };
        let ends = |permit: &Permit, authorised_at| {
            // The same withdrawal may be told twice: who has accepted again meanwhile stays.
            permit.app == app && permit.user == user && authorised_at <= at
        };
        self.end_where(Bye::Withdrawn, ends, before);
        let mut touched = Touched::new();
        self.broker.each(|key, place| {
            if key.0 != app {
                return;
            }
            let around = self.around(key);
            let own = key.1 == user;
            if own {
                place.end_pages_without_connection(&around, &mut touched);
            }
            place.revoke(
                &around,
                |item| item.sent_at <= at && (own || item.sender == user),
                &mut touched,
            );
            place.withdraw_sender(&around, (user, at), &mut touched);
        });
        touched.iter().for_each(|link| link.pump());
        self.metrics.withdrawal();
    }

    /// Closes the connections of an ended session and voids its tickets (live 3.11).
    pub(crate) fn end_session(&self, session: SessionId) {
        self.revocations.ended(session, self.clock.wall());
        self.tickets.void_session(session);
        self.end_where(Bye::SessionEnded, |permit, _| permit.session == session, |_| {});
    }

    /// Ends a connection whose session ended between its proof and its admission: `end_session` could not see it yet.
    pub(super) fn end_if_revoked(&self, link: &Arc<Link>, session: SessionId) {
        if self.revocations.has_ended(session) {
            self.end(link, Bye::SessionEnded, None);
        }
    }

    /// Closes the connections of a disabled application (live 3.11).
    pub(crate) fn disable_app(&self, app: AppId) {
        // Those that have not said hello too: a resume token is judged without asking the books.
        for link in self.all() {
            if link.opening.app == app {
                self.end(&link, Bye::AppDisabled, None);
            }
        }
    }

    /// Begins a stop: every connection gets 4001 with its own delay, and so does every new one.
    pub(crate) fn begin_stop(&self) {
        self.set_window();
        self.stopping.store(true, Ordering::Release);
        self.stop_began.notify_waiters();
        self.admission.clear();
        for link in self.all() {
            self.end(&link, Bye::Restarting, Some(self.spread_ms()));
        }
    }

    /// Whether a stop has begun.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Returns when no connection is left, or when the outboxes have had their time (live 9.6).
    pub(crate) async fn emptied(&self) {
        let deadline = self.clock.elapsed().plus_ms(CLOSING_MS);
        loop {
            let mut changed = pin!(self.emptied.notified());
            changed.as_mut().enable();
            if self.open.load(Ordering::Acquire) == 0 {
                return;
            }
            if let Either::Right(_) = select(changed, self.clock.sleep_until(deadline)).await {
                return;
            }
        }
    }

    /// Ends the connections that `ends` names, after `before`.
    fn end_where(&self, bye: Bye, ends: impl Fn(&Permit, WallMs) -> bool, before: impl Fn(&Arc<Link>)) {
        for link in self.all() {
            let concerned = {
                let state = link.state();
                state
                    .permit()
                    .is_some_and(|permit| ends(permit, state.authorised_at()))
            };
            if !concerned {
                continue;
            }
            before(&link);
            self.end(&link, bye, None);
        }
    }

    pub(super) fn all(&self) -> Vec<Arc<Link>> {
        let mut all = Vec::new();
        self.links.each(|part| all.extend(part.values().map(Arc::clone)));
        all
    }
}
