//! The ledger of one process.
//!
//! Promise: of equal values of one session exactly one passes, and a value is with the store before the answer leaves. Safe to
//! forget: an idle session is read back from the store when it calls again. Lock order: a session's entry before any mailbox.

use super::{CallOrder, Window};
use crate::shards::{Shards, lock};
use crier_platform::model::session::SessionId;
use crier_platform::model::time::ElapsedMs;
use crier_platform::ports::clock::Clock;
use crier_platform::ports::ledger::{
    Charge, LedgerFault, LedgerRefusal, OrderCharge, QuotaCharge, QuotaScope,
};
use crier_platform::ports::store::Marks;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Entries looked at when one must leave: the longest unused of so many is old enough.
const EVICTION_SAMPLE: usize = 16;

/// One session's order: absent until it has been read from the store.
struct Entry {
    state: Mutex<EntryState>,
    used: AtomicU64,
}

#[derive(Default)]
struct EntryState {
    order: Option<CallOrder>,
    /// Rises with each reset, so that a reading begun before it is not kept after it.
    life: u64,
}

/// The ledger of one process, over the marks that the store keeps.
pub struct MemoryLedger {
    marks: Arc<dyn Marks>,
    clock: Arc<dyn Clock>,
    sessions: Shards<SessionId, Arc<Entry>>,
    quotas: Shards<QuotaScope, Window>,
    /// Sessions remembered in one part of the map.
    sessions_per_shard: usize,
}

impl MemoryLedger {
    /// A ledger that remembers about `sessions_max` sessions at once.
    #[must_use]
    pub fn new(marks: Arc<dyn Marks>, clock: Arc<dyn Clock>, sessions_max: usize) -> Self {
        Self {
            marks,
            clock,
            sessions: Shards::new(),
            quotas: Shards::new(),
            sessions_per_shard: (sessions_max / crate::shards::SHARDS).max(EVICTION_SAMPLE),
        }
    }

    /// Whether a quota is already spent; spends nothing.
    #[must_use]
    pub fn peek(&self, quota: QuotaCharge) -> Option<LedgerRefusal> {
        let now = self.clock.elapsed();
        let part = self.quotas.of(&quota.scope);
        part.get(&quota.scope)
            .and_then(|window| window.refusal(quota.limit, now))
    }

    /// Calls that the open window of a quota has counted; 0 when none is open.
    #[must_use]
    pub fn spent(&self, scope: QuotaScope) -> u32 {
        let now = self.clock.elapsed();
        let part = self.quotas.of(&scope);
        part.get(&scope).map_or(0, |window| window.spent(now))
    }

    /// Spends a charge and, when it has passed, runs `then` before any other charge of the session can pass.
    ///
    /// # Errors
    /// `LedgerFault` when the store does not answer; the inner error is the refusal, and `then` has not run.
    pub async fn settle<T>(
        &self,
        charge: &Charge,
        then: impl FnOnce() -> T + Send,
    ) -> Result<Result<T, LedgerRefusal>, LedgerFault> {
        if let Some(quota) = charge.quota
            && let Err(refusal) = self.charge_quota(quota)
        {
            return Ok(Err(refusal));
        }
        let Some(order) = &charge.order else {
            return Ok(Ok(then()));
        };
        let entry = self.entry(order.session);
        loop {
            let life = match self.pass(&entry, order)? {
                Passage::Judged(Err(refusal)) => return Ok(Err(refusal)),
                Passage::Judged(Ok(guard)) => {
                    let outcome = then();
                    drop(guard);
                    return Ok(Ok(outcome));
                }
                Passage::NotRead { life } => life,
            };
            let accepted = self
                .marks
                .call_ids(order.session)
                .await
                .map_err(|fault| LedgerFault(fault.to_string()))?;
            let mut state = lock(&entry.state);
            let wanted = state.order.as_ref().is_none_or(|known| !known.serves(order.rule));
            if wanted && state.life == life {
                state.order = Some(CallOrder::of(order.rule, accepted));
            }
        }
    }

    /// Forgets what is remembered of a session's order: the store is asked at the next call.
    pub fn forget(&self, session: SessionId) {
        let entry = self.sessions.of(&session).get(&session).cloned();
        if let Some(entry) = entry {
            let mut state = lock(&entry.state);
            state.order = None;
            state.life += 1;
        }
    }

    /// Drops quota windows that are over.
    pub fn sweep(&self) {
        let now = self.clock.elapsed();
        self.quotas
            .each(|part| part.retain(|_, window| !window.is_over(now)));
    }

    /// Sessions remembered now.
    #[must_use]
    pub fn sessions_len(&self) -> usize {
        let mut sum = 0;
        self.sessions.each(|part| sum += part.len());
        sum
    }

    /// Spends one call of a quota.
    ///
    /// # Errors
    /// The refusal; nothing is spent then.
    pub fn charge_quota(&self, quota: QuotaCharge) -> Result<(), LedgerRefusal> {
        let now = self.clock.elapsed();
        let mut part = self.quotas.of(&quota.scope);
        let window = part.entry(quota.scope).or_insert_with(|| Window::opening(now));
        window.charge(quota.limit, now)
    }

    /// Judges and marks under the entry's lock. The lock is handed out so that what follows is one step with the mark.
    fn pass<'a>(&self, entry: &'a Entry, charge: &OrderCharge) -> Result<Passage<'a>, LedgerFault> {
        let mut state = lock(&entry.state);
        let life = state.life;
        let Some(order) = state.order.as_mut().filter(|known| known.serves(charge.rule)) else {
            return Ok(Passage::NotRead { life });
        };
        if let Err(refusal) = order.judge(charge.rule, &charge.value) {
            return Ok(Passage::Judged(Err(refusal)));
        }
        self.marks
            .mark_call(charge.session, &charge.value)
            .map_err(|fault| LedgerFault(fault.to_string()))?;
        order.keep(charge.value.clone());
        Ok(Passage::Judged(Ok(state)))
    }

    fn entry(&self, session: SessionId) -> Arc<Entry> {
        let now = self.clock.elapsed();
        let mut part = self.sessions.of(&session);
        if let Some(entry) = part.get(&session) {
            entry.used.store(now.0, Ordering::Relaxed);
            return Arc::clone(entry);
        }
        if part.len() >= self.sessions_per_shard {
            evict_one(&mut part);
        }
        let entry = Arc::new(Entry {
            state: Mutex::default(),
            used: AtomicU64::new(now.0),
        });
        part.insert(session, Arc::clone(&entry));
        entry
    }
}

/// What came of a look at a session's order.
enum Passage<'a> {
    /// The order must be read from the store first.
    NotRead {
        /// The life it was missing in.
        life: u64,
    },
    /// Accepted and marked, the entry still locked; or refused.
    Judged(Result<std::sync::MutexGuard<'a, EntryState>, LedgerRefusal>),
}

/// Forgets the longest unused of a few sessions that no call is looking at: two entries of one session must never live.
fn evict_one(part: &mut HashMap<SessionId, Arc<Entry>>) {
    let oldest = part
        .iter()
        .filter(|(_, entry)| Arc::strong_count(entry) == 1)
        .take(EVICTION_SAMPLE)
        .min_by_key(|(_, entry)| ElapsedMs(entry.used.load(Ordering::Relaxed)))
        .map(|(session, _)| *session);
    if let Some(session) = oldest {
        part.remove(&session);
    }
}
