//! Call order and quotas: the only checks that change anything, so they are asked once, after the method has run on paper.

use crate::model::session::SessionId;
use async_trait::async_trait;
use crier_proto::decimal::Decimal;
use crier_proto::ids::AppId;

/// What a call will spend. Made by `verify`; spent by `settle` or together with a message by `Deliver::accept`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Charge {
    /// One call of a quota.
    pub quota: Option<QuotaCharge>,
    /// One step in a session's call order.
    pub order: Option<OrderCharge>,
}

impl Charge {
    /// What an item of a batch spends whose own call spends this: its call order covers them all (protocol 9.6, 15.7).
    #[must_use]
    pub fn of_item(&self) -> Self {
        Self {
            quota: self.quota,
            order: None,
        }
    }
}

/// One call of a quota (protocol 11.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaCharge {
    /// Whose quota.
    pub scope: QuotaScope,
    /// Calls in a window of 60 s, at least 1.
    pub limit: u32,
}

/// Whose quota a call counts against (protocol 11.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QuotaScope {
    /// The application's.
    App(AppId),
    /// The session's (desktop applications).
    Session(SessionId),
}

/// One step in a session's call order (protocol 9.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderCharge {
    /// Whose order.
    pub session: SessionId,
    /// Which rule.
    pub rule: OrderRule,
    /// The exact value.
    pub value: Decimal,
}

/// How values of one session must follow each other (protocol 9.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderRule {
    /// Setting `required`: greater than the last.
    Greater,
    /// Setting `unique`: once among the last 128.
    Once,
}

/// Values kept per session under `unique` (protocol 9.2).
pub const CALL_IDS_KEPT: usize = 128;
/// Milliseconds of a quota window (protocol 11.2).
pub const QUOTA_WINDOW_MS: u64 = 60_000;

/// Why a charge was refused; a refusal never advances call order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerRefusal {
    /// The quota is spent.
    Quota {
        /// Calls permitted in a window.
        limit: u32,
        /// Seconds until the window ends, rounded up.
        ends_in_secs: u64,
    },
    /// This very value was already accepted (protocol 9.5).
    CallIdRepeated,
    /// Not greater than the last accepted, or under `unique` than the smallest kept.
    CallIdTooSmall {
        /// The value to beat.
        last: Decimal,
    },
}

/// The ledger, or the store behind it, did not answer. Nothing can be said about whether the charge was spent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("ledger out of reach: {0}")]
pub struct LedgerFault(pub String);

/// Call order and quotas.
///
/// Promise: of equal values of one session exactly one passes; quota is charged once per settled call. Order within one
/// settlement: quota first (a refusal by quota does not look at the order); then, quota spent, the order. Marks of call order
/// are handed to the store before `settle` returns, so that kill −9 forgets none.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Spends a charge.
    async fn settle(&self, charge: &Charge) -> Result<Result<(), LedgerRefusal>, LedgerFault>;

    /// Whether a quota is already spent, from memory and without spending anything (step 4 of protocol section 11).
    fn peek(&self, quota: QuotaCharge) -> Option<LedgerRefusal>;

    /// Calls that the open window of a quota has counted, as far as this process knows; 0 when none is open.
    fn spent(&self, scope: QuotaScope) -> u32;

    /// Forgets the call order of a session: the next call may carry any value (protocol 9.6; a removed session).
    async fn reset(&self, session: SessionId) -> Result<(), LedgerFault>;
}
