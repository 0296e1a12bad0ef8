//! Fetching pictures (feed 7.3): which job is started when, and what becomes of it.
//!
//! Promise: jobs are rows, so a kill loses none and repeats each at most once; applications take turns, and no application, host or
//! full cache holds up the others. Knows neither sockets nor pixels.

mod attempt;
mod figures;
mod rules;

pub use figures::PictureFigures;
pub use rules::PictureRules;

use crate::feed::figures::FeedBound;
use crate::model::job::{
    AppFetches, Job, JobQuery, NextJob, PictureSpace, PictureWrite, SourceHash, host_of,
};
use crate::model::picture::PictureHash;
use crate::model::time::WallMs;
use crate::ports::Ports;
use crate::ports::fetch::Fetch;
use crate::ports::store::{StoreFault, Write};
use crier_proto::ids::AppId;
use futures_util::StreamExt;
use futures_util::future::{BoxFuture, Either, FutureExt, pending, select};
use futures_util::stream::FuturesUnordered;
use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;
/// Milliseconds between two looks after the cache and the marks of use, and after a fault of the books.
const TEND_MS: u64 = 60_000;
/// Milliseconds after which the books are asked again when they have failed.
const FAULT_PAUSE_MS: u64 = 1_000;
/// Pictures whose use waits to be written; later ones of the same minute are not marked.
const USED_MAX: usize = 10_000;
/// Pictures that are evicted in one transaction.
const EVICTED_AT_ONCE: u32 = 100;
/// Part of `cache_bytes_max` that stays after an eviction, in hundredths (feed 7.10).
const EVICT_TO_PERCENT: u64 = 95;

/// Pictures that were served and whose hour is not yet written.
#[derive(Debug, Default)]
pub struct Used(Mutex<BTreeSet<[u8; 32]>>);

impl Used {
    /// A picture was served; false when no more can be marked.
    #[must_use]
    pub fn mark(&self, hash: PictureHash) -> bool {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = used.len() < USED_MAX || used.contains(&hash.0);
        if has_room {
            used.insert(hash.0);
        }
        has_room
    }

    fn take(&self) -> Vec<PictureHash> {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *used).into_iter().map(PictureHash).collect()
    }
}

/// What is shared with whoever serves pictures and shows figures.
#[derive(Clone, Default)]
pub struct PictureBooks {
    /// Marks of use.
    pub used: Arc<Used>,
    /// Figures.
    pub figures: Arc<PictureFigures>,
}

/// The job that fetches.
pub struct FetchPictures {
    ports: Ports,
    fetch: Arc<dyn Fetch>,
    rules: PictureRules,
    books: PictureBooks,
}

/// A job that is worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Started {
    source: SourceHash,
    app: AppId,
    host: String,
}

/// What is worked on, and whose turn it was.
#[derive(Default)]
struct Desk {
    started: Vec<Started>,
    last: Option<AppId>,
}

impl Desk {
    fn of_app(&self, app: AppId) -> usize {
        self.started.iter().filter(|one| one.app == app).count()
    }

    fn of_host(&self, host: &str) -> usize {
        self.started.iter().filter(|one| one.host == host).count()
    }
}

impl FetchPictures {
    /// A job over these ports and rules.
    #[must_use]
    pub fn new(ports: Ports, fetch: Arc<dyn Fetch>, (rules, books): (PictureRules, PictureBooks)) -> Self {
        Self {
            ports,
            fetch,
            rules,
            books,
        }
    }

    /// Works for ever. A fault of the books is reported, and the job tried again.
    pub async fn run(self) {
        let mut desk = Desk::default();
        let mut running: FuturesUnordered<BoxFuture<'_, (Started, Result<(), StoreFault>)>> =
            FuturesUnordered::new();
        let mut tend_at = self.ports.clock.elapsed();
        let mut was_knocked = false;
        loop {
            let is_due = self.ports.clock.elapsed() >= tend_at;
            if is_due {
                report(self.tend().await);
                tend_at = self.ports.clock.elapsed().plus_ms(TEND_MS);
            }
            if is_due || was_knocked {
                report(self.want_icons().await);
            }
            let look_again = match self.start(&mut desk, &mut running).await {
                Ok(moment) => moment,
                Err(fault) => {
                    report(Err(fault));
                    Some(self.ports.clock.wall().plus_ms(FAULT_PAUSE_MS.cast_signed()))
                }
            };
            self.books.figures.set_running(desk.started.len());
            let sleep_until = look_again.map_or(tend_at, |moment| {
                let wait = moment
                    .0
                    .saturating_sub(self.ports.clock.wall().0)
                    .max(0)
                    .cast_unsigned();
                tend_at.min(self.ports.clock.elapsed().plus_ms(wait))
            });
            let knocked = pin!(self.ports.fetching.knocked());
            let rest = select(self.ports.clock.sleep_until(sleep_until), knocked);
            let ended = if running.is_empty() {
                pending().boxed()
            } else {
                running.next().boxed()
            };
            let event = select(ended, rest).await;
            was_knocked = matches!(event, Either::Right((Either::Right(_), _)));
            if let Either::Left((Some((ended, outcome)), _)) = event {
                desk.started.retain(|one| *one != ended);
                if outcome.is_err() {
                    // Its row is still there: it is tried again, but not at once.
                    let pause = self.ports.clock.elapsed().plus_ms(FAULT_PAUSE_MS);
                    self.ports.clock.sleep_until(pause).await;
                }
                report(outcome);
            }
        }
    }

    /// Starts what may be started; gives the moment at which more may be due.
    async fn start<'f>(
        &'f self,
        desk: &mut Desk,
        running: &mut FuturesUnordered<BoxFuture<'f, (Started, Result<(), StoreFault>)>>,
    ) -> Result<Option<WallMs>, StoreFault> {
        let mut spent_out = Vec::new();
        loop {
            let now = self.ports.clock.wall();
            let next_hour = WallMs((now.0.div_euclid(HOUR_MS) + 1).saturating_mul(HOUR_MS));
            let space = self.ports.store.picture_space().await?;
            self.books.figures.set_space(space);
            let full = [
                (desk.started.len() >= self.rules.fetches_max, FeedBound::Fetches),
                (space.bytes > self.rules.cache_bytes_hard, FeedBound::CacheHard),
            ];
            if let Some((_, bound)) = full.into_iter().find(|(is_full, _)| *is_full) {
                self.count_if_a_job_waits(desk, space, &[bound]);
                return Ok(None);
            }
            let query = self.query(desk, &spent_out);
            let mut busy = Vec::new();
            if query.busy_apps.len() > spent_out.len() {
                busy.push(FeedBound::FetchesPerApp);
            }
            if !query.busy_hosts.is_empty() {
                busy.push(FeedBound::FetchesPerHost);
            }
            let next = self.ports.store.next_job(query).await?;
            if !matches!(next, NextJob::Now(_)) {
                self.count_if_a_job_waits(desk, space, &busy);
            }
            let job = match next {
                NextJob::Now(job) => *job,
                NextJob::At(due) if spent_out.is_empty() => return Ok(Some(due)),
                NextJob::At(due) => return Ok(Some(due.min(next_hour))),
                NextJob::Never if spent_out.is_empty() => return Ok(None),
                NextJob::Never => return Ok(Some(next_hour)),
            };
            if !job.is_settled && self.is_spent_out(desk, &job).await? {
                spent_out.push(job.app);
                continue;
            }
            let started = Started {
                source: job.source,
                app: job.app,
                host: host_of(&job.url).to_owned(),
            };
            desk.last = Some(job.app);
            desk.started.push(started.clone());
            running.push(async move { (started, self.work(&job).await) }.boxed());
        }
    }

    /// Jobs lie in the books that are not worked on, and these bounds keep them there.
    fn count_if_a_job_waits(&self, desk: &Desk, space: PictureSpace, bounds: &[FeedBound]) {
        if space.jobs > desk.started.len() as u64 {
            bounds
                .iter()
                .for_each(|bound| self.ports.feed_figures.bound(*bound));
        }
    }

    fn query(&self, desk: &Desk, spent_out: &[AppId]) -> JobQuery {
        let mut busy_apps: Vec<AppId> = spent_out.to_vec();
        let mut busy_hosts: Vec<String> = Vec::new();
        for one in &desk.started {
            if desk.of_app(one.app) >= self.rules.fetches_per_app && !busy_apps.contains(&one.app) {
                busy_apps.push(one.app);
            }
            if desk.of_host(&one.host) >= self.rules.fetches_per_host && !busy_hosts.contains(&one.host) {
                busy_hosts.push(one.host.clone());
            }
        }
        JobQuery {
            now: self.ports.clock.wall(),
            after: desk.last,
            busy_apps,
            busy_hosts,
            running: desk.started.iter().map(|one| one.source).collect(),
        }
    }

    /// Whether the application has used up its hour, with what it has under way.
    async fn is_spent_out(&self, desk: &Desk, job: &Job) -> Result<bool, StoreFault> {
        let hour = self.ports.clock.wall().0.div_euclid(HOUR_MS);
        let spent = self.ports.store.app_fetches(job.app, hour).await?;
        let met = self.rules.budget_met(AppFetches {
            fetches: spent.fetches.saturating_add(desk.of_app(job.app) as u64),
            ..spent
        });
        met.into_iter()
            .for_each(|bound| self.ports.feed_figures.bound(bound));
        Ok(met.is_some())
    }

    /// One attempt, and the slots that wait for it (feed 8.2): the job ends last.
    async fn work(&self, job: &Job) -> Result<(), StoreFault> {
        let ending = [PictureWrite::Fill(job.source), PictureWrite::End(job.source)];
        if !job.is_settled {
            let attempt = self.attempt(job).await;
            let mut writes = vec![PictureWrite::Settle(Box::new(attempt))];
            writes.extend(ending.clone());
            self.commit(writes).await?;
        }
        while self.ports.store.has_waiting_slots(job.source).await? {
            self.commit(ending.to_vec()).await?;
        }
        if job.is_settled {
            self.commit(ending.to_vec()).await?;
        }
        self.evict().await
    }

    async fn commit(&self, writes: Vec<PictureWrite>) -> Result<(), StoreFault> {
        let writes = writes.into_iter().map(Write::Picture).collect();
        super::commit(&self.ports, writes).await
    }

    /// Queues icons that were set by whatever door, here or beside this server (feed 6.2).
    async fn want_icons(&self) -> Result<(), StoreFault> {
        if self.ports.store.icons_are_wanted().await? {
            self.commit(vec![PictureWrite::WantIcons(self.rules.sources)])
                .await?;
        }
        Ok(())
    }

    /// Writes the marks of use, and looks after cache and figures.
    async fn tend(&self) -> Result<(), StoreFault> {
        let used = self.books.used.take();
        if !used.is_empty() {
            self.commit(vec![PictureWrite::Use(used)]).await?;
        }
        let (_, floor) = self.ports.store.evictable(0).await?;
        self.books.figures.set_floor(floor);
        if floor > self.rules.cache_bytes_max {
            tracing::warn!(
                floor_bytes = floor,
                "pictures of live stories and photos alone are above media.cache_bytes_max"
            );
        }
        self.evict().await
    }

    /// Drops the least recently served pictures that nobody needs, when the cache is above its bound (feed 7.10).
    async fn evict(&self) -> Result<(), StoreFault> {
        let mut space = self.ports.store.picture_space().await?;
        let goal = self.rules.cache_bytes_max / 100 * EVICT_TO_PERCENT;
        if space.bytes <= self.rules.cache_bytes_max {
            return Ok(());
        }
        self.ports.feed_figures.bound(FeedBound::CacheBytes);
        while space.bytes > goal {
            let (free, _) = self.ports.store.evictable(EVICTED_AT_ONCE).await?;
            let mut over = space.bytes.saturating_sub(goal);
            let mut going = Vec::new();
            for (hash, bytes) in free {
                if over == 0 {
                    break;
                }
                over = over.saturating_sub(bytes);
                going.push(hash);
            }
            if going.is_empty() {
                return Ok(());
            }
            self.books.figures.add_evicted(going.len());
            self.commit(vec![PictureWrite::Evict(going)]).await?;
            space = self.ports.store.picture_space().await?;
        }
        Ok(())
    }
}

fn report(outcome: Result<(), StoreFault>) {
    if let Err(fault) = outcome {
        tracing::error!(%fault, "a picture's job could not be kept");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn used_pictures_are_marked_up_to_their_bound_and_the_next_one_is_told_off() {
        let used = Used::default();
        let hash = |number: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_be_bytes());
            PictureHash(bytes)
        };
        assert!((0..USED_MAX).all(|number| used.mark(hash(number))));
        assert!(used.mark(hash(0)) && !used.mark(hash(USED_MAX)));
        assert_eq!(used.take().len(), USED_MAX);
        assert!(used.mark(hash(USED_MAX)));
    }
}
