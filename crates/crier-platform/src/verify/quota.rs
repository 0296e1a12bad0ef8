//! Step 4 and the quota part of the charge: which quota a call counts against (protocol 11.2).

use crate::faults::refused_by_ledger;
use crate::model::app::{App, AppKind};
use crate::model::session::SessionId;
use crate::ports::ledger::{Ledger, QuotaCharge, QuotaScope};
use crier_proto::error::Refusal;

/// What a call spends of its quota: nothing where the application has no limit. Web applications count as a whole; desktop
/// applications, whose copies know nothing of each other, count calls with a session per session.
pub(crate) fn charge(app: &App, session: Option<SessionId>) -> Option<QuotaCharge> {
    let scope = match (app.kind, session) {
        (AppKind::Desktop, Some(session)) => QuotaScope::Session(session),
        (AppKind::Desktop, None) | (AppKind::Web, _) => QuotaScope::App(app.id),
    };
    (app.calls_per_minute > 0).then_some(QuotaCharge {
        scope,
        limit: app.calls_per_minute,
    })
}

/// Refuses early, from memory and without spending, a call whose quota is already spent: it costs no signature.
pub(super) fn not_known_spent(ledger: &dyn Ledger, charge: Option<QuotaCharge>) -> Result<(), Refusal> {
    match charge.and_then(|charge| ledger.peek(charge)) {
        Some(refusal) => Err(refused_by_ledger(&refusal)),
        None => Ok(()),
    }
}
