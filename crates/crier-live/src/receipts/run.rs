//! Posting: one future that keeps every queue's turn, until the server stops.
//!
//! Promise: at a soft stop nothing new is begun and what is under way ends within its deadline; what is left is for the next
//! process. Starts no task: posts run side by side within this future.

use super::{Outcome, Work};
use crate::hub::Hub;
use crier_platform::model::message::What;
use crier_platform::ports::hooks::{Content, Hook, Hooks, Posted, ReceiptBook};
use crier_proto::ids::AppId;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::pin::pin;
use std::sync::Arc;

/// Milliseconds until the queues are looked at when nothing is due.
const IDLE_MS: u64 = 3_600_000;

/// What posting needs beside the hub.
#[derive(Clone)]
pub struct ReceiptParts {
    /// Posts.
    pub hooks: Arc<dyn Hooks>,
    /// Knows where to.
    pub book: Arc<dyn ReceiptBook>,
}

/// Posts the receipts of one process.
pub struct ReceiptRun {
    hub: Arc<Hub>,
    parts: ReceiptParts,
}

impl ReceiptRun {
    /// Posts nothing before `run`.
    #[must_use]
    pub fn new(hub: Arc<Hub>, parts: ReceiptParts) -> Self {
        Self { hub, parts }
    }

    /// Posts what is due until the hub stops; returns when what was under way then has ended.
    pub async fn run(&self) {
        self.hub.take_up_receipts();
        let mut posts = FuturesUnordered::new();
        loop {
            let mut changed = pin!(self.hub.receipts.changed.notified());
            changed.as_mut().enable();
            let mut stop = pin!(self.hub.hurries().notified());
            stop.as_mut().enable();
            let is_stopping = self.hub.is_hurried();
            if is_stopping && posts.is_empty() {
                return;
            }
            let now = self.hub.clock.elapsed();
            if !is_stopping {
                let (work, given_up) = self.hub.receipts.take(now);
                for id in given_up {
                    self.hub.records.receipt_is_done(id);
                }
                posts.extend(work.into_iter().map(|work| self.post(work)));
            }
            let next = self.hub.receipts.next_due().filter(|_| !is_stopping);
            let next = next.unwrap_or_else(|| now.plus_ms(IDLE_MS));
            tokio::select! {
                Some((app, outcome)) = posts.next(), if !posts.is_empty() => self.ended(app, outcome),
                () = self.hub.clock.sleep_until(next) => {}
                () = changed => {}
                () = stop, if !is_stopping => {}
            }
        }
    }

    /// One attempt.
    async fn post(&self, work: Work) -> (AppId, Outcome) {
        let Work { app, id, body, fresh } = work;
        if let Err(fault) = self.hub.keep_body(fresh).await {
            tracing::warn!(app.id = app.get(), error = %fault, "receipts wait: the books do not take their body");
            return (app, Outcome::Failed);
        }
        let target = match self.parts.book.target(app, self.hub.clock.wall()).await {
            Ok(Some(target)) => target,
            Ok(None) => return (app, Outcome::Off),
            Err(fault) => {
                tracing::warn!(app.id = app.get(), error = %fault, "receipts wait: the books do not say where to");
                return (app, Outcome::Failed);
            }
        };
        if target.keys.is_empty() {
            tracing::warn!(
                app.id = app.get(),
                "receipts wait: nothing signs them, since the address is older than receipts; set it again"
            );
            return (app, Outcome::Failed);
        }
        let hook = Hook {
            url: target.url.clone(),
            content: Content::Receipts {
                id,
                keys: target.keys,
                body,
            },
            deadline_ms: self.hub.receipts.deadline_ms(),
        };
        match self.parts.hooks.post(hook).await {
            Posted::Delivered => (app, Outcome::Posted),
            Posted::TryLater(cause) => {
                tracing::warn!(app.id = app.get(), receipt.id = %id, %cause, "a body of receipts was not taken and is tried again");
                (app, Outcome::Failed)
            }
            Posted::Refused => (app, self.turn_off(app, &target.url).await),
        }
    }

    /// The receiver wants no receipts (410): the setting is emptied, and the log says so.
    async fn turn_off(&self, app: AppId, url: &str) -> Outcome {
        match self.parts.book.turn_off(app, url).await {
            Ok(true) => {
                tracing::warn!(
                    app.id = app.get(),
                    "receipts are turned off: their address answered 410; set it again to turn them on"
                );
                Outcome::Off
            }
            // Another address has been set meanwhile: that one is asked next.
            Ok(false) => Outcome::Failed,
            Err(fault) => {
                tracing::warn!(app.id = app.get(), error = %fault, "receipts could not be turned off; their address is asked again");
                Outcome::Failed
            }
        }
    }

    fn ended(&self, app: AppId, outcome: Outcome) {
        let done = self.hub.receipts.ended(app, outcome, self.hub.clock.elapsed());
        for id in done {
            if outcome == Outcome::Posted {
                self.hub
                    .records
                    .note(id, What::ReceiptPosted, self.hub.clock.wall());
            }
            self.hub.records.receipt_is_done(id);
        }
    }
}
