//! Withdrawals and ended sessions of the last 24 hours: what voids resume tokens issued before them (live 3.9, 3.14).

use crate::shards::lock;
use crier_platform::model::session::SessionId;
use crier_platform::model::time::WallMs;
use crier_proto::ids::{AppId, Uid};
use std::collections::HashMap;
use std::sync::Mutex;

/// The longest life of anything that a withdrawal could concern: the longest TTL, in milliseconds.
pub const KEPT_MS: i64 = 24 * 3_600_000;

#[derive(Default)]
struct Kept {
    withdrawn: HashMap<(AppId, Uid), WallMs>,
    sessions: HashMap<SessionId, WallMs>,
}

/// What has been revoked.
#[derive(Default)]
pub struct Revocations(Mutex<Kept>);

impl Revocations {
    /// Keeps a withdrawal.
    pub fn withdrew(&self, app: AppId, user: Uid, at: WallMs) {
        let mut kept = lock(&self.0);
        let last = kept.withdrawn.entry((app, user)).or_insert(at);
        *last = (*last).max(at);
    }

    /// Keeps the end of a session.
    pub fn ended(&self, session: SessionId, at: WallMs) {
        lock(&self.0).sessions.insert(session, at);
    }

    /// Whether a right issued at `issued_at` has been withdrawn since.
    #[must_use]
    pub fn is_withdrawn(&self, app: AppId, user: Uid, issued_at: WallMs) -> bool {
        let kept = lock(&self.0);
        kept.withdrawn
            .get(&(app, user))
            .is_some_and(|at| *at >= issued_at)
    }

    /// Whether a session has ended.
    #[must_use]
    pub fn has_ended(&self, session: SessionId) -> bool {
        lock(&self.0).sessions.contains_key(&session)
    }

    /// Forgets what is older than anything it could concern.
    pub fn sweep(&self, now: WallMs) {
        let oldest = now.plus_ms(-KEPT_MS);
        let mut kept = lock(&self.0);
        kept.withdrawn.retain(|_, at| *at > oldest);
        kept.sessions.retain(|_, at| *at > oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_withdrawal_voids_what_was_issued_before_it_and_is_kept_for_a_day() {
        let revocations = Revocations::default();
        let app = AppId::new(1).expect("1 is an application id");
        let user = Uid::new(2).expect("2 is a uid");
        revocations.withdrew(app, user, WallMs(100));
        revocations.withdrew(app, user, WallMs(50));
        assert!(revocations.is_withdrawn(app, user, WallMs(100)));
        assert!(!revocations.is_withdrawn(app, user, WallMs(101)));
        revocations.ended(SessionId(7), WallMs(100));
        assert!(revocations.has_ended(SessionId(7)));
        revocations.sweep(WallMs(100 + KEPT_MS));
        assert!(!revocations.has_ended(SessionId(7)));
        assert!(!revocations.is_withdrawn(app, user, WallMs(100)));
    }
}
