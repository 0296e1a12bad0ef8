//! Ends that come from elsewhere: withdrawals, ended sessions, disabled applications (live 3.11, 3.14).

use super::Hub;
use crate::link::Link;
use crate::place::Touched;
use crier_platform::model::session::SessionId;
use crier_platform::model::ticket::Permit;
use crier_platform::model::time::WallMs;
use crier_proto::frame::Bye;
use crier_proto::ids::{AppId, Uid};
use std::sync::Arc;

impl Hub {
    /// Ends everything of a user in an application that was committed or issued up to `at` (live 3.14).
    pub(crate) fn withdraw(&self, app: AppId, user: Uid, at: WallMs) {
        self.revocations.withdrew(app, user, at);
        let life = i64::try_from(self.config.ticket_life.0).unwrap_or(i64::MAX);
        self.tickets.void_expiring_by((app, user), at.plus_ms(life));
        let timed = self.timed(at);
        // A withdrawal lets no waiting message out; the other ends find nothing to drop that the page may not have.
        let before = |link: &Arc<Link>| {
            let dropped = link.state().withdraw(|_| true);
            self.records
                .revoked(&dropped, (self.clock.elapsed(), self.clock.wall()));
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
}
