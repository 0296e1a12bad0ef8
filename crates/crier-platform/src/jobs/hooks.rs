//! Posting to applications' hooks (protocol 19.6): which post is begun when, and what becomes of it.
//!
//! Promise: posts are rows, so a kill loses none, and one whose end was not written is posted again; the posts of one user and
//! application leave in order; one is under way for each hook; a post that fails delays those behind it of its own user and
//! application, and a hook that fails in a row rests as receipts do (live 7.10). Knows no signature.

mod figures;

pub use figures::{HookFate, HookFigures};

use crate::accounts::Accounts;
use crate::accounts::hooks::HooksConfig;
use crate::model::hook::{HookKind, HookPost, HookPostId, HookQuery, HookWrite, NextPost};
use crate::model::retry::{GIVEN_UP_MS, delay_ms};
use crate::model::time::{ElapsedMs, WallMs};
use crate::ports::Ports;
use crate::ports::hooks::{Content, Hook, Hooks, Posted};
use crate::ports::store::{StoreFault, Write};
use crier_proto::ids::AppId;
use futures_util::StreamExt;
use futures_util::future::{BoxFuture, Either, FutureExt, pending, select};
use futures_util::stream::FuturesUnordered;
use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;

/// Milliseconds until the queue is looked at when nothing is due.
const IDLE_MS: u64 = 3_600_000;
/// Milliseconds after which the books are asked again when they have failed.
const FAULT_PAUSE_MS: u64 = 1_000;

/// One hook of one application.
type Lane = (AppId, HookKind);

/// The job that posts.
pub struct PostHooks {
    ports: Ports,
    accounts: Accounts,
    hooks: Arc<dyn Hooks>,
    config: HooksConfig,
    figures: Arc<HookFigures>,
}

/// A hook whose posts fail in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rest {
    failures: u32,
    until: ElapsedMs,
}

/// What is under way, which hooks rest, and whose turn it was.
#[derive(Default)]
struct Desk {
    under_way: Vec<(Lane, HookPostId)>,
    rests: HashMap<Lane, Rest>,
    last: Option<AppId>,
}

impl Desk {
    /// Hooks that may not be called now.
    fn busy(&self, now: ElapsedMs) -> Vec<Lane> {
        let resting = self.rests.iter().filter(|(_, rest)| rest.until > now);
        let under_way = self.under_way.iter().map(|(lane, _)| *lane);
        under_way.chain(resting.map(|(lane, _)| *lane)).collect()
    }

    /// When the next rest is over.
    fn rested(&self, now: ElapsedMs) -> Option<ElapsedMs> {
        let ends = self.rests.values().map(|rest| rest.until);
        ends.filter(|until| *until > now).min()
    }
}

/// A post whose attempt has ended.
struct Ended {
    lane: Lane,
    id: HookPostId,
    /// Nothing when the books failed: the row is as it was.
    fate: Option<HookFate>,
}

type Posts<'f> = FuturesUnordered<BoxFuture<'f, Ended>>;

impl PostHooks {
    /// Posts nothing before `run`.
    #[must_use]
    pub fn new(
        ports: Ports,
        accounts: Accounts,
        (hooks, config, figures): (Arc<dyn Hooks>, HooksConfig, Arc<HookFigures>),
    ) -> Self {
        Self {
            ports,
            accounts,
            hooks,
            config,
            figures,
        }
    }

    /// Posts what is due until `stopping` returns; then what is under way ends within its deadline.
    pub async fn run(self, stopping: impl Future<Output = ()> + Send) {
        let mut stopping = pin!(stopping);
        let mut desk = Desk::default();
        let mut posts = Posts::new();
        loop {
            let now = self.ports.clock.elapsed();
            let next = match self.begin(&mut desk, &mut posts).await {
                Ok(next) => next,
                Err(fault) => {
                    tracing::error!(%fault, "posts to hooks wait: the books cannot be read");
                    now.plus_ms(FAULT_PAUSE_MS)
                }
            };
            let ended = if posts.is_empty() {
                pending().boxed()
            } else {
                posts.next().boxed()
            };
            let knocked = pin!(self.ports.posting.knocked());
            let rest = select(self.ports.clock.sleep_until(next), knocked);
            match select(stopping.as_mut(), select(ended, rest)).await {
                Either::Left(_) => break,
                Either::Right((Either::Left((Some(ended), _)), _)) => self.ended(&mut desk, &ended),
                Either::Right(_) => {}
            }
        }
        while posts.next().await.is_some() {}
    }

    /// Begins what may begin; gives the moment at which more may be due.
    async fn begin<'f>(&'f self, desk: &mut Desk, posts: &mut Posts<'f>) -> Result<ElapsedMs, StoreFault> {
        let (now, wall) = (self.ports.clock.elapsed(), self.ports.clock.wall());
        let idle = now.plus_ms(IDLE_MS);
        let from_now = |moment: WallMs| {
            let wait = u64::try_from(moment.0.saturating_sub(wall.0)).unwrap_or(0);
            now.plus_ms(wait).min(idle)
        };
        let mut space = self.ports.store.hook_space().await?;
        let life = GIVEN_UP_MS.cast_signed();
        if space.oldest.is_some_and(|oldest| oldest.plus_ms(life) <= wall) {
            self.commit(HookWrite::GiveUp(wall.plus_ms(-life))).await?;
            space = self.ports.store.hook_space().await?;
        }
        self.figures.set_space(space);
        let given_up = space.oldest.map_or(idle, |oldest| from_now(oldest.plus_ms(life)));
        while desk.under_way.len() < self.config.requests_max.max(1) {
            let query = HookQuery {
                now: wall,
                after: desk.last,
                busy: desk.busy(now),
            };
            let due = match self.ports.store.next_post(query).await? {
                NextPost::Now(post) => {
                    let lane = (post.app, post.told.kind());
                    desk.last = Some(post.app);
                    desk.under_way.push((lane, post.id));
                    posts.push(async move { self.work(lane, &post).await }.boxed());
                    continue;
                }
                NextPost::At(due) => from_now(due),
                NextPost::Never => idle,
            };
            let rested = desk.rested(now).unwrap_or(idle);
            return Ok(due.min(rested).min(given_up));
        }
        Ok(given_up)
    }

    /// One attempt, and what is written of it.
    async fn work(&self, lane: Lane, post: &HookPost) -> Ended {
        let fate = match self.attempt(post).await {
            Ok(fate) => self.settle(post, fate).await.map(|()| fate),
            Err(fault) => Err(fault),
        };
        if let Err(fault) = &fate {
            tracing::error!(app.id = post.app.get(), %fault, "a post to a hook waits: the books failed");
        }
        Ended {
            lane,
            id: post.id,
            fate: fate.ok(),
        }
    }

    async fn attempt(&self, post: &HookPost) -> Result<HookFate, StoreFault> {
        let Some((url, body)) = self.accounts.hook_request(post).await? else {
            return Ok(HookFate::Off);
        };
        let hook = Hook {
            url,
            content: Content::Set(body),
            deadline_ms: self.config.deadline.0,
        };
        Ok(match self.hooks.post(hook).await {
            Posted::Delivered => HookFate::Posted,
            Posted::Refused => HookFate::Refused,
            Posted::TryLater(cause) => {
                tracing::warn!(app.id = post.app.get(), hook = ?post.told.kind(), %cause, "a post to a hook was not taken and is tried again");
                HookFate::Retried
            }
        })
    }

    async fn settle(&self, post: &HookPost, fate: HookFate) -> Result<(), StoreFault> {
        let write = match fate {
            HookFate::Retried => {
                let delay = delay_ms(post.attempts, &*self.ports.entropy);
                let due = self.ports.clock.wall().plus_ms(delay.cast_signed());
                HookWrite::Later(post.id, due)
            }
            HookFate::Posted | HookFate::Refused | HookFate::Off => HookWrite::End(post.id),
        };
        self.commit(write).await
    }

    async fn commit(&self, write: HookWrite) -> Result<(), StoreFault> {
        super::commit(&self.ports, vec![Write::Hook(write)]).await
    }

    /// The hook is free again, or rests.
    fn ended(&self, desk: &mut Desk, ended: &Ended) {
        let now = self.ports.clock.elapsed();
        desk.under_way.retain(|(_, id)| *id != ended.id);
        let failures = desk.rests.get(&ended.lane).map_or(0, |rest| rest.failures);
        let rest = match ended.fate {
            Some(HookFate::Retried) => Some(now.plus_ms(delay_ms(failures, &*self.ports.entropy))),
            None => Some(now.plus_ms(FAULT_PAUSE_MS)),
            Some(HookFate::Posted | HookFate::Refused | HookFate::Off) => None,
        };
        match rest {
            Some(until) => {
                let failures = failures.saturating_add(u32::from(ended.fate.is_some()));
                desk.rests.insert(ended.lane, Rest { failures, until });
            }
            None => drop(desk.rests.remove(&ended.lane)),
        }
        if let Some(fate) = ended.fate {
            self.figures.add(fate);
        }
    }
}
