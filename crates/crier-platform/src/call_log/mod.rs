//! The latest calls of each application, for its developer alone: in memory, bounded, without keys, secrets and signatures.
//!
//! Promise: a call costs a lock of its own application's log and no other; what is refused is kept with its parameters whoever
//! looks; calls that anybody can make who knows the public key push out none that the application has proved. Nothing in here decides
//! anything.

mod config;
mod entry;
mod mask;
mod ring;
mod unread;

pub use config::CallLogConfig;
pub use entry::{Explanation, KeptRequest, KeptValue, LoggedCall, LoggedItem, Origin, Subject};
pub use mask::MASK;

use crate::model::app::App;
use crate::model::time::{ElapsedMs, WallMs};
use crate::verify::{Known, secrets_of};
use crier_proto::call::RawCall;
use crier_proto::error::{Code, Refusal};
use crier_proto::ids::AppId;
use crier_proto::mistake::{Form, explain};
use crier_proto::params::read_bool;
use ring::Ring;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use unread::Unread;

/// The applications are kept in so many parts, so that their calls do not wait for each other.
const PARTS: usize = 16;
/// The span in which explanations are counted, in milliseconds.
const MINUTE_MS: u64 = 60_000;

/// How often the bounds of the log were met.
#[derive(Debug, Default)]
pub struct CallLogFigures {
    calls: AtomicU64,
    parameters: AtomicU64,
    call_bytes: AtomicU64,
    apps: AtomicU64,
    unexplained: AtomicU64,
    uncounted: AtomicU64,
}

impl CallLogFigures {
    /// Each bound's key and how often it was met.
    #[must_use]
    pub fn met(&self) -> [(&'static str, u64); 6] {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        [
            ("calls.kept_max", of(&self.calls)),
            ("calls.kept_bytes_max", of(&self.parameters)),
            ("calls.call_bytes_max", of(&self.call_bytes)),
            ("calls.apps_max", of(&self.apps)),
            ("calls.explained_max", of(&self.unexplained)),
            ("calls.unread_names_max", of(&self.uncounted)),
        ]
    }
}

/// How many signatures were explained in the minute that runs.
#[derive(Debug, Default)]
struct Minute {
    since: ElapsedMs,
    explained: u32,
}

/// The log of one application.
#[derive(Debug, Default)]
struct AppLog {
    kept: Mutex<Kept>,
    /// Somebody has looked: until then, in milliseconds of the stopwatch, answered calls keep their parameters.
    watched_until: AtomicU64,
    used: AtomicU64,
}

#[derive(Debug, Default)]
struct Kept {
    newest: u64,
    answered: Ring,
    refused: Ring,
    unproved: Ring,
    minute: Minute,
    unread: Unread,
}

type Part = RwLock<HashMap<AppId, Arc<AppLog>>>;

/// The log of all applications.
#[derive(Debug)]
pub struct CallLog {
    config: CallLogConfig,
    parts: [Part; PARTS],
    minute: Mutex<Minute>,
    figures: Arc<CallLogFigures>,
}

/// A call and what became of it, to be noted.
pub(crate) struct Noted<'c> {
    /// The call.
    pub(crate) raw: &'c RawCall,
    /// What became known of it.
    pub(crate) known: &'c Known,
    /// When it came, and the stopwatch then.
    pub(crate) began: (WallMs, ElapsedMs),
    /// The stopwatch at its answer.
    pub(crate) ended: ElapsedMs,
    /// From where it came.
    pub(crate) origin: Origin,
    /// Why it was refused, if it was.
    pub(crate) refusal: Option<&'c Refusal>,
    /// What it made.
    pub(crate) subject: Option<Subject>,
    /// Its items.
    pub(crate) items: Vec<LoggedItem>,
}

impl CallLog {
    /// An empty log.
    #[must_use]
    pub fn new(config: CallLogConfig) -> Self {
        Self {
            config,
            parts: std::array::from_fn(|_| Part::default()),
            minute: Mutex::default(),
            figures: Arc::default(),
        }
    }

    /// How often its bounds were met.
    #[must_use]
    pub fn figures(&self) -> Arc<CallLogFigures> {
        Arc::clone(&self.figures)
    }

    /// Its bounds, for people to read.
    #[must_use]
    pub fn config(&self) -> &CallLogConfig {
        &self.config
    }

    /// Somebody looks at an application's calls: from now on the answered ones keep their parameters for a while.
    pub fn watch(&self, app: AppId, now: ElapsedMs) {
        let until = now.plus_ms(self.config.watched_for.0);
        self.of(app, now).watched_until.store(until.0, Ordering::Relaxed);
    }

    /// The number of an application's newest call; 0 before the first.
    #[must_use]
    pub fn newest(&self, app: AppId) -> u64 {
        self.known(app).map_or(0, |log| held(&log.kept).newest)
    }

    /// The newest calls of an application below a number, the newest first.
    #[must_use]
    pub fn latest(&self, app: AppId, below: u64, limit: usize) -> Vec<LoggedCall> {
        let Some(log) = self.known(app) else {
            return Vec::new();
        };
        let kept = held(&log.kept);
        let rings = [&kept.answered, &kept.refused, &kept.unproved];
        let each = rings.into_iter().flat_map(|ring| {
            let older = ring.newest_first().filter(|call| call.number < below);
            older.take(limit)
        });
        let mut calls: Vec<LoggedCall> = each.cloned().collect();
        drop(kept);
        calls.sort_by_key(|call| std::cmp::Reverse(call.number));
        calls.truncate(limit);
        calls
    }

    /// Names without effect in the calls of an application while it was lenient, and how many calls carried each; the most frequent
    /// first. Items of batches do not count.
    #[must_use]
    pub fn unread_names(&self, app: AppId) -> Vec<(Box<str>, u64)> {
        let log = self.known(app);
        log.map_or_else(Vec::new, |log| held(&log.kept).unread.listed())
    }

    /// One call of an application.
    #[must_use]
    pub fn call(&self, app: AppId, number: u64) -> Option<LoggedCall> {
        self.latest(app, number.saturating_add(1), 1)
            .into_iter()
            .find(|call| call.number == number)
    }

    /// Notes a call of a known application; returns its number.
    pub(crate) fn note(&self, noted: Noted<'_>) -> Option<u64> {
        let app = noted.known.app.as_ref()?;
        let now = noted.ended;
        let log = self.of(app.id, now);
        let answered = noted.refusal.is_none();
        let keeps = !answered || log.watched_until.load(Ordering::Relaxed) > now.0;
        let request = keeps.then(|| self.request(&noted, (app, &log)));
        let call = LoggedCall {
            number: 0,
            at: noted.began.0,
            took_ms: noted.ended.0.saturating_sub(noted.began.1.0),
            origin: noted.origin,
            method: noted.known.method,
            user: noted.known.user,
            call_id: entry::call_id(noted.raw),
            error: noted
                .refusal
                .map(|refusal| (refusal.code(), refusal.cause().map(Into::into))),
            subject: noted.subject,
            items: noted.items.into(),
            request: request.map(Arc::new),
        };
        let mut kept = held(&log.kept);
        kept.newest += 1;
        let number = kept.newest;
        let call = LoggedCall { number, ..call };
        let ring = match (answered, noted.known.proved) {
            (true, _) => &mut kept.answered,
            (false, true) => &mut kept.refused,
            (false, false) => &mut kept.unproved,
        };
        let bytes_max = usize::try_from(self.config.kept_bytes_max.0).unwrap_or(usize::MAX);
        let left = ring.push(call, self.config.kept_max.max(1), bytes_max);
        let unread = unread::names_of(noted.raw, noted.known, app);
        let uncounted = kept.unread.count(unread, self.config.unread_names_max);
        drop(kept);
        self.figures.uncounted.fetch_add(uncounted, Ordering::Relaxed);
        self.figures.calls.fetch_add(left.calls, Ordering::Relaxed);
        self.figures
            .parameters
            .fetch_add(left.parameters, Ordering::Relaxed);
        Some(number)
    }

    /// The request as it is kept, a wrong signature explained.
    fn request(&self, noted: &Noted<'_>, (app, log): (&App, &AppLog)) -> KeptRequest {
        let bytes_max = usize::try_from(self.config.call_bytes_max.0).unwrap_or(usize::MAX);
        let mut request = KeptRequest::of(noted.raw, noted.refusal.is_none(), bytes_max);
        let whole = request.whole().is_some();
        if !whole && noted.refusal.is_some() {
            self.figures.call_bytes.fetch_add(1, Ordering::Relaxed);
        }
        let mismatch = noted
            .refusal
            .is_some_and(|refusal| refusal.code() == Code::IncorrectSignature && refusal.cause().is_none());
        if let Some(form) = Form::of(noted.raw).filter(|_| mismatch) {
            request.explanation = if whole && self.may_explain(log, noted.ended) {
                self.explained(noted, (app, form))
            } else {
                Explanation::NotTried
            };
        }
        request
    }

    fn explained(&self, noted: &Noted<'_>, (app, form): (&App, Form<'_>)) -> Explanation {
        let pairs = noted.raw.pairs();
        let ss = pairs.value("ss").and_then(read_bool).unwrap_or(false);
        let secrets = secrets_of(app, noted.known.session.as_deref(), ss, noted.began.0);
        let sig = pairs.value("sig").unwrap_or_default();
        match explain(form, pairs.as_slice(), sig, &secrets) {
            Some(explained) => entry::kept(explained, pairs.as_slice()),
            None => Explanation::Unusual,
        }
    }

    /// Whether one more signature may be explained in this minute: strangers can send as many wrong ones as they like.
    fn may_explain(&self, log: &AppLog, now: ElapsedMs) -> bool {
        let own = held(&log.kept)
            .minute
            .takes(now, self.config.explained_per_app_max);
        let may = own && held(&self.minute).takes(now, self.config.explained_max);
        if !may {
            self.figures.unexplained.fetch_add(1, Ordering::Relaxed);
        }
        may
    }

    fn part(&self, app: AppId) -> &Part {
        let place = usize::try_from(app.get()).unwrap_or(0) % PARTS;
        &self.parts[place]
    }

    fn known(&self, app: AppId) -> Option<Arc<AppLog>> {
        let part = self.part(app).read().unwrap_or_else(PoisonError::into_inner);
        part.get(&app).cloned()
    }

    /// The log of an application; a new one may take the place of one that was not used for long.
    fn of(&self, app: AppId, now: ElapsedMs) -> Arc<AppLog> {
        let log = self.known(app).unwrap_or_else(|| {
            self.make_room();
            let mut part = self.part(app).write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(part.entry(app).or_default())
        });
        log.used.store(now.0, Ordering::Relaxed);
        log
    }

    /// Lets the application leave that has not called for the longest time, if there are as many as there may be.
    fn make_room(&self) {
        let mut all = 0;
        let mut oldest: Option<(u64, AppId)> = None;
        for part in &self.parts {
            let part = part.read().unwrap_or_else(PoisonError::into_inner);
            all += part.len();
            let of_part = part
                .iter()
                .map(|(app, log)| (log.used.load(Ordering::Relaxed), *app));
            oldest = of_part.chain(oldest).min();
        }
        if let Some((_, app)) = oldest.filter(|_| all >= self.config.apps_max.max(1)) {
            let mut part = self.part(app).write().unwrap_or_else(PoisonError::into_inner);
            part.remove(&app);
            self.figures.apps.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Minute {
    fn takes(&mut self, now: ElapsedMs, limit: u32) -> bool {
        if self.since.plus_ms(MINUTE_MS) <= now {
            *self = Self {
                since: now,
                explained: 0,
            };
        }
        let takes = self.explained < limit;
        self.explained += u32::from(takes);
        takes
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
