//! Raw call in, reply out: the street from end to end (architecture section 4).
//!
//! Settle, commit, then tell: the order in this file is the promise that nothing happens without its charge and that nothing
//! is told before it is kept.

mod batch;
mod try_out;

pub use crate::call_log::Subject;
pub use crate::config::DispatcherConfig;
pub use crate::methods::feed_publish_story_to_user::{CheckedPart, CheckedSlot, CheckedStory, Objected};
pub use batch::ItemTold;
pub use try_out::{Trial, TriedOut};

use crate::call_log::{CallLog, LoggedItem, Noted, Origin};
use crate::config::OwnPages;
use crate::effects;
use crate::failed_tokens::FailedTokens;
use crate::faults::{Fault, refused_by_ledger};
use crate::methods::feed_publish_story_to_user::{FeedPublishStoryToUser, check};
use crate::methods::registry::Method;
use crate::model::app::App;
use crate::model::audit::Actor;
use crate::model::message::Delivery;
use crate::model::tally::Series;
use crate::model::time::{ElapsedMicros, WallMs};
use crate::ports::Ports;
use crate::ports::entropy::random_bytes;
use crate::ports::ledger::Charge;
use crate::ports::store::{Batch, CommitError, Made, StoreFault, UnitId, Write};
use crate::unit::{After, Halt, Outcome, Surroundings, Unit};
use crate::verified::VerifiedCall;
use crate::verify::{Known, Stop, verify};
use crier_proto::call::{RawCall, RequestParts, ShapeRefusal};
use crier_proto::error::{Code, Refusal};
use crier_proto::ids::{AppId, Uid};
use crier_proto::pairs::Pair;
use crier_proto::render::{self, Rendered, Style};
use crier_proto::reply::Reply;
use std::sync::Arc;
use tracing::Instrument;

/// An answer, ready to be written by the HTTP edge, and what a log line may say about the call.
#[derive(Debug)]
pub struct Answer {
    /// Body and media type.
    pub rendered: Rendered,
    /// For the `Crier-` headers of a successful `liveMessage.send` (protocol 13.11).
    pub delivery: Option<Delivery>,
    /// The error row, if it is an error document.
    pub error: Option<Code>,
    /// The bound that a refused value was over (live section 12), for figures alone.
    pub bound: Option<&'static str>,
    /// What tells it apart from other answers of its code, if figures tell them apart (feed 5.7, 10.1).
    pub kind: Option<&'static str>,
    /// What failed on our side, if it is an error of ours: for the log alone, and reported by the edge alone.
    pub fault: Option<Fault>,
    /// Canonical method name, when the call named a known one.
    pub method: Option<&'static str>,
    /// What the items of a batch were told, in their order.
    pub items: Vec<ItemTold>,
    /// The application, once its key was known.
    pub app: Option<AppId>,
    /// The session's user, once the session was known.
    pub user: Option<Uid>,
}

/// The one door to all methods.
pub struct Dispatcher {
    ports: Ports,
    config: DispatcherConfig,
    own_pages: OwnPages,
    failed_tokens: FailedTokens,
    log: CallLog,
}

/// Stage 5: the ledger has taken the charge. Made in this file alone.
pub(crate) struct Settled(());

/// Stage 6: the store, shown the settlement, has applied the unit. Made in this file alone.
pub(crate) struct Committed(());

/// A call that has come to its end, before it is rendered.
struct Concluded {
    known: Known,
    acted: Result<Success, Halt>,
    /// Its place in its application's log.
    number: Option<u64>,
}

/// A success, before it is rendered.
struct Success {
    reply: Reply,
    delivery: Option<Delivery>,
    subject: Option<Subject>,
    items: Vec<ItemTold>,
    kind: Option<&'static str>,
}

impl From<Reply> for Success {
    fn from(reply: Reply) -> Self {
        Self {
            reply,
            delivery: None,
            subject: None,
            items: Vec::new(),
            kind: None,
        }
    }
}

impl Dispatcher {
    /// A dispatcher over these ports.
    #[must_use]
    pub fn new(ports: Ports, config: DispatcherConfig) -> Self {
        let own_pages = OwnPages::below(&config.public_url);
        let log = CallLog::new(config.calls.clone());
        Self {
            ports,
            config,
            own_pages,
            failed_tokens: FailedTokens::default(),
            log,
        }
    }

    /// The latest calls of each application.
    #[must_use]
    pub fn log(&self) -> &CallLog {
        &self.log
    }

    /// How often failed calls of `auth.getSession` have voided an application's typed codes (protocol 18.7).
    #[must_use]
    pub fn codes_voided(&self) -> u64 {
        self.failed_tokens.times_met()
    }

    /// Photos that one user may have (feed 7.12).
    #[must_use]
    pub fn photos_per_user(&self) -> u32 {
        self.config.photos_per_user
    }

    /// Answers one request.
    pub async fn answer(&self, request: RequestParts) -> Answer {
        let span = tracing::debug_span!(
            "call",
            app.id = tracing::field::Empty,
            user.id = tracing::field::Empty,
            call.method = tracing::field::Empty,
            error.code = tracing::field::Empty,
        );
        let recorded = span.clone();
        let began = self.ports.clock.elapsed_micros();
        let answer = self.street(request).instrument(span).await;
        self.count((&answer, answer.app), began);
        describe(&recorded, &answer);
        answer
    }

    /// Error 2 in the asked format with empty `request_args`: what a draining server answers with HTTP 503 (protocol 2.4).
    #[must_use]
    pub fn draining(&self, request: RequestParts) -> Answer {
        let style = match RawCall::read(request) {
            Ok(raw) => raw.style(false),
            Err(shape) => Style::bare(shape.format),
        };
        refused(&style, &Refusal::plain(Code::ServiceUnavailable), &[])
    }

    /// The figures of an answered call, and of an item of a batch.
    fn count(&self, (answer, app): (&Answer, Option<AppId>), began: ElapsedMicros) {
        if let Some(app) = app {
            let series = Series::Call {
                method: answer.method.unwrap_or("unknown"),
                code: answer.error.map_or(0, Code::number),
                kind: answer.kind,
            };
            self.ports.tally.of(app).add(self.ports.clock.wall(), series);
        }
        if answer.method == Some(FeedPublishStoryToUser::NAME) {
            let code = answer.error.map_or(0, Code::number);
            let took = self.ports.clock.elapsed_micros().0.saturating_sub(began.0);
            self.ports.feed_figures.published((code, answer.kind), took);
        }
    }

    /// Stages 1 to 8.
    async fn street(&self, request: RequestParts) -> Answer {
        let raw = match RawCall::read(request) {
            Ok(raw) => raw,
            Err(ShapeRefusal { refusal, format }) => return refused(&Style::bare(format), &refusal, &[]),
        };
        let Concluded { known, acted, .. } = self.conclude(&raw, Origin::Rest).await;
        // Only an application that is known can have turned callbacks off (protocol 13.9).
        let style = raw.style(known.app.as_ref().is_none_or(|app| app.settings.jsonp));
        let mut answer = concluded(&style, acted, raw.pairs().as_slice());
        answer.method = known.method;
        answer.app = known.app.map(|app| app.id);
        answer.user = known.user;
        answer
    }

    /// Stages 2 to 7, and a line in the application's log.
    async fn conclude(&self, raw: &RawCall, origin: Origin) -> Concluded {
        let clock = &self.ports.clock;
        let began = (clock.wall(), clock.elapsed());
        let mut known = Known::default();
        let acted = match verify(&self.ports, raw, began.0, &mut known).await {
            Ok(call) => self.act(&call).await,
            Err(Stop::Refused { refusal, spent }) => Err(self.refuse(refusal, &spent).await),
            Err(Stop::Fault(fault)) => Err(Halt::Fault(fault)),
        };
        let told = acted.as_ref().err().map(Halt::refusal);
        let number = self.log.note(Noted {
            raw,
            known: &known,
            began,
            ended: clock.elapsed(),
            origin,
            refusal: told.as_deref(),
            subject: subject_of(&acted),
            items: acted
                .as_ref()
                .map_or_else(|_| Vec::new(), |success| logged(&success.items)),
        });
        Concluded { known, acted, number }
    }

    /// Judges a story of an application for a user by the rules of a call, as they stand now; writes nothing and spends nothing
    /// (feed 3.8).
    ///
    /// # Errors
    /// When the books fail.
    pub async fn check_story(
        &self,
        app: &Arc<App>,
        user: Uid,
        values: &[(String, String)],
    ) -> Result<CheckedStory, StoreFault> {
        check(&self.unit_at(self.ports.clock.wall()), (app, user), values).await
    }

    /// Stages 3 to 7 of a verified call. Whatever comes of it, its charge is settled.
    async fn act(&self, call: &VerifiedCall<'_>) -> Result<Success, Halt> {
        let mut unit = self.unit_at(call.now());
        match call.method().decide(call, &mut unit).await {
            Ok(outcome) => self.carry_out(call, unit, outcome).await,
            Err(Halt::Refused(refusal)) => Err(self.refuse(refusal, call.charge()).await),
            Err(Halt::Fault(fault)) => Err(Halt::Fault(fault)),
        }
    }

    fn unit_at(&self, now: WallMs) -> Unit<'_> {
        let around = Surroundings {
            config: &self.config,
            own_pages: &self.own_pages,
            failed_tokens: &self.failed_tokens,
        };
        Unit::new(&self.ports, around, now)
    }

    /// Stages 5 to 7: settle, commit, then tell.
    async fn carry_out(
        &self,
        call: &VerifiedCall<'_>,
        unit: Unit<'_>,
        outcome: Outcome,
    ) -> Result<Success, Halt> {
        match outcome {
            Outcome::OfDelivery { sending, reply } => {
                let delivery = effects::deliver(&self.ports, call.charge(), *sending).await?;
                Ok(Success {
                    delivery: Some(delivery),
                    subject: Some(Subject::Message(delivery.id)),
                    ..reply(&delivery).into()
                })
            }
            Outcome::OfCursor { ticket, reply } => {
                let settled = self.settle(call.charge()).await?;
                let cursor = effects::issue(&self.ports, &settled, *ticket)
                    .await
                    .map_err(Halt::Fault)?;
                Ok(reply(cursor).into())
            }
            Outcome::OfCancel { id, asker, reply } => {
                let settled = self.settle(call.charge()).await?;
                let delivery = effects::cancel(&self.ports, &settled, (id, asker)).await?;
                Ok(Success {
                    subject: Some(Subject::Message(id)),
                    ..reply(&delivery).into()
                })
            }
            Outcome::OfBatch { items } => {
                self.settle(call.charge()).await?;
                let (reply, items) = self.run_items(call, &items).await;
                Ok(Success {
                    items,
                    ..reply.into()
                })
            }
            Outcome::Value { reply, after, kind } => {
                let settled = self.settle(call.charge()).await?;
                let subject = self.keep(call, &settled, (unit, after)).await?;
                Ok(Success {
                    kind,
                    subject,
                    ..reply.into()
                })
            }
        }
    }

    /// Commits what was written, if anything was, and runs what is due afterwards. Returns the story, if that is what was written.
    async fn keep(
        &self,
        call: &VerifiedCall<'_>,
        settled: &Settled,
        (unit, after): (Unit<'_>, Vec<After>),
    ) -> Result<Option<Subject>, Halt> {
        let (writes, on_conflict) = unit.into_parts();
        if writes.is_empty() {
            return Ok(None);
        }
        let (committed, made) = match self.commit(call, settled, writes).await {
            Ok(kept) => kept,
            Err(CommitError::Refused(conflict)) => {
                let refusal = on_conflict(&call.app().settings, conflict);
                return Err(refusal.map_or(Halt::Fault(Fault::Conflict(conflict)), Halt::Refused));
            }
            Err(CommitError::Fault(fault)) => return Err(Halt::Fault(fault.into())),
        };
        effects::run(&self.ports, &committed, after).await;
        Ok(made.iter().find_map(|made| match made {
            Made::Story { id, .. } => Some(Subject::Story(*id)),
            Made::Session(_) => None,
        }))
    }

    /// Stage 5.
    async fn settle(&self, charge: &Charge) -> Result<Settled, Halt> {
        match self.ports.ledger.settle(charge).await {
            Ok(Ok(())) => Ok(Settled(())),
            Ok(Err(refusal)) => Err(Halt::Refused(refused_by_ledger(&refusal))),
            Err(fault) => Err(Halt::Fault(fault.into())),
        }
    }

    /// Stage 6. The mark of call order comes first: the last write of a unit may end its session. An item of a batch marks the
    /// batch's own: what it has committed must not outlive the call that is not to be repeated.
    async fn commit(
        &self,
        call: &VerifiedCall<'_>,
        _settled: &Settled,
        mut writes: Vec<Write>,
    ) -> Result<(Committed, Vec<Made>), CommitError> {
        if let Some(order) = call.order() {
            let mark = Write::MarkCall {
                session: order.session,
                rule: order.rule,
                value: order.value.clone(),
            };
            writes.insert(0, mark);
        }
        let batch = Batch {
            id: UnitId(random_bytes(&*self.ports.entropy)),
            by: Actor::System,
            now: call.now(),
            writes,
        };
        let made = self.ports.store.commit(batch).await?;
        Ok((Committed(()), made))
    }

    /// What a refused call is told: the ledger's refusal of what it has spent if there is one, else its own.
    async fn refuse(&self, refusal: Refusal, spent: &Charge) -> Halt {
        if *spent == Charge::default() {
            return Halt::Refused(refusal);
        }
        match self.settle(spent).await {
            Ok(_settled) => Halt::Refused(refusal),
            Err(halt) => halt,
        }
    }
}

/// What a call made.
fn subject_of(acted: &Result<Success, Halt>) -> Option<Subject> {
    acted.as_ref().ok().and_then(|success| success.subject)
}

/// Items for the log.
fn logged(items: &[ItemTold]) -> Vec<LoggedItem> {
    items
        .iter()
        .map(|item| LoggedItem {
            method: item.method,
            error: item.error,
            subject: item.subject,
        })
        .collect()
}

/// Stage 8, but for what is known of the call. `args` are the pairs that an error echoes.
fn concluded(style: &Style, acted: Result<Success, Halt>, args: &[Pair]) -> Answer {
    match acted {
        Ok(success) => succeeded(style, success),
        Err(Halt::Refused(refusal)) => refused(style, &refusal, args),
        Err(Halt::Fault(fault)) => {
            let answer = refused(style, &fault.refusal(), args);
            Answer {
                fault: Some(fault),
                ..answer
            }
        }
    }
}

fn succeeded(style: &Style, success: Success) -> Answer {
    Answer {
        rendered: render::success(style, &success.reply),
        delivery: success.delivery,
        items: success.items,
        error: None,
        bound: None,
        kind: success.kind,
        fault: None,
        method: None,
        app: None,
        user: None,
    }
}

fn refused(style: &Style, refusal: &Refusal, args: &[Pair]) -> Answer {
    Answer {
        rendered: render::error(style, refusal, args),
        delivery: None,
        items: Vec::new(),
        error: Some(refusal.code()),
        bound: refusal.bound(),
        kind: refusal.kind(),
        fault: None,
        method: None,
        app: None,
        user: None,
    }
}

/// Fills the span's fields with what became known. At debug level, since a span that is on costs more than a signature.
fn describe(span: &tracing::Span, answer: &Answer) {
    if let Some(app) = answer.app {
        span.record("app.id", app.get());
    }
    if let Some(user) = answer.user {
        span.record("user.id", user.get());
    }
    if let Some(method) = answer.method {
        span.record("call.method", method);
    }
    if let Some(code) = answer.error {
        span.record("error.code", code.number());
    }
}
