//! Bounded caches over any store: what every call reads is answered from memory.
//!
//! Promise: nothing cached is older than 1 s, and our own commits are seen as soon as `commit` returns. Whoever reads after
//! `cache_look` has passed looks at the changes first, so an idle server does nothing and no task need run; the server's
//! follower, which asks for changes anyway, makes the caches drop too. Absence is never cached. A fill that was read before
//! a drop is not kept: the generation tells. Knows nothing of SQL.

use crate::config::{CACHE_AGE_MS_MAX, StoreConfig};
use crate::metrics::StoreMetrics;
use async_trait::async_trait;
use crier_platform::model::app::App;
use crier_platform::model::audit::{AuditQuery, KeptEntry};
use crier_platform::model::change::{Change, Fact};
use crier_platform::model::grant::Grant;
use crier_platform::model::hook::{HookQuery, HookSpace, NextPost};
use crier_platform::model::insight::{Absent, ActQuery, Grain, KeptCount, SlotCount, TakenDown, Unshown};
use crier_platform::model::job::{
    AppFetches, JobQuery, KeptPicture, NextJob, Photo, PictureSpace, SourceHash,
};
use crier_platform::model::login::{Login, LoginLink, TokenDigest};
use crier_platform::model::mailbox::{Found, KeptHead, KeptMessage, MailWrites, RowNo};
use crier_platform::model::picture::PictureHash;
use crier_platform::model::ranking::{QualityCounts, QualityRow};
use crier_platform::model::record::{
    FeedAddress, FeedCounts, FeedState, HourRows, KeptRanking, KeptSince, OlderStories, Overdue, PastQuery,
    StateQuery, View,
};
use crier_platform::model::record_line::RecordLine;
use crier_platform::model::session::{Session, SessionId, SessionKind};
use crier_platform::model::story::Story;
use crier_platform::model::test_mode::TestMode;
use crier_platform::model::time::{ElapsedMs, WallMs};
use crier_platform::model::token::AuthToken;
use crier_platform::model::user::User;
use crier_platform::ports::audit::Audit;
use crier_platform::ports::clock::Clock;
use crier_platform::ports::developers::Developers;
use crier_platform::ports::feeds::{Feeds, Rankings};
use crier_platform::ports::hooks::HookQueue;
use crier_platform::ports::insights::Insights;
use crier_platform::ports::pictures::Pictures;
use crier_platform::ports::store::{
    Apps, Batch, CommitError, Conflict, Flush, Grants, Kept, Made, Marks, Messages, PeopleQuery, Sessions,
    Store, StoreFault, Stories, Users, WhenKept, Write,
};
use crier_proto::decimal::Decimal;
use crier_proto::ids::{ApiKey, AppId, Pid, SessionKey, StoryId, Uid};
use moka::sync::Cache;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Changes read at once.
const LOOK_ROWS: u32 = 1024;

/// Bounded caches over a store.
pub struct CachedStore {
    inner: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    look_ms: u64,
    apps: Cache<AppId, Arc<App>>,
    app_keys: Cache<ApiKey, AppId>,
    users: Cache<Uid, Arc<User>>,
    sessions: Cache<SessionId, Arc<Session>>,
    session_keys: Cache<SessionKey, SessionId>,
    grants: Cache<(AppId, Uid), Grant>,
    /// Rises with every drop; a fill holds it for reading, a drop for writing.
    generation: RwLock<u64>,
    /// The newest change that has been obeyed.
    seen: AtomicI64,
    /// When the last look was begun, and when the last one that ended was begun.
    look_begun: AtomicU64,
    looked_at: AtomicU64,
    metrics: StoreMetrics,
}

impl CachedStore {
    /// Empty caches over a store.
    ///
    /// # Errors
    /// The store did not say which change is its newest.
    pub async fn over(
        inner: Arc<dyn Store>,
        config: &StoreConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreFault> {
        let seen = inner.last_change().await?;
        let now = clock.elapsed().0;
        Ok(Self {
            apps: Cache::new(config.cache_apps_max),
            app_keys: Cache::new(config.cache_apps_max),
            users: Cache::new(config.cache_users_max),
            sessions: Cache::new(config.cache_sessions_max),
            session_keys: Cache::new(config.cache_sessions_max),
            grants: Cache::new(config.cache_grants_max),
            generation: RwLock::new(0),
            seen: AtomicI64::new(seen),
            look_begun: AtomicU64::new(now),
            looked_at: AtomicU64::new(now),
            look_ms: config.cache_look.0,
            metrics: StoreMetrics::default(),
            inner,
            clock,
        })
    }

    /// Counts into these counters instead of its own, so that a store and its caches are shown as one room.
    #[must_use]
    pub fn counting_into(mut self, metrics: StoreMetrics) -> Self {
        self.metrics = metrics;
        self
    }

    /// The counters of the caches.
    #[must_use]
    pub fn metrics(&self) -> &StoreMetrics {
        &self.metrics
    }

    /// Drops what has been changed by anybody since the last look. What the follower's turns and late reads call.
    ///
    /// # Errors
    /// The changes could not be read; then everything cached has been dropped.
    pub async fn apply_changes(&self) -> Result<(), StoreFault> {
        let begun = self.clock.elapsed().0;
        loop {
            let after = self.seen.load(Ordering::Acquire);
            let found = self.inner.changes_after(after, LOOK_ROWS).await;
            let changes = found.inspect_err(|_| self.drop_all())?;
            if changes.is_empty() {
                self.notice_restored(after).await?;
                break;
            }
            self.obey(&changes);
            if changes.len() < LOOK_ROWS as usize {
                break;
            }
        }
        self.looked_at.fetch_max(begun, Ordering::AcqRel);
        Ok(())
    }

    /// A backup that was restored has fewer changes than we have seen.
    async fn notice_restored(&self, after: i64) -> Result<(), StoreFault> {
        let last = self.inner.last_change().await.inspect_err(|_| self.drop_all())?;
        if last < after {
            self.drop_all();
            self.seen.store(last, Ordering::Release);
        }
        Ok(())
    }

    fn obey(&self, changes: &[Change]) {
        let mut generation = self.generation.write().unwrap_or_else(PoisonError::into_inner);
        *generation += 1;
        for change in changes {
            match &change.fact {
                Fact::App(app) => self.apps.invalidate(app),
                Fact::User(user) => self.users.invalidate(user),
                Fact::SessionEnded(session) => self.sessions.invalidate(session),
                Fact::Granted(app, user) | Fact::Withdrawn(app, user) => {
                    self.grants.invalidate(&(*app, *user));
                }
                Fact::CallOrderReset(_) | Fact::Feed(_) | Fact::LoginEnded(_) => {}
            }
            self.seen.fetch_max(change.id, Ordering::AcqRel);
        }
    }

    fn drop_all(&self) {
        let mut generation = self.generation.write().unwrap_or_else(PoisonError::into_inner);
        *generation += 1;
        self.apps.invalidate_all();
        self.users.invalidate_all();
        self.sessions.invalidate_all();
        self.grants.invalidate_all();
    }

    /// Makes sure that nothing cached is too old. One reader looks; the others go on, but never with what is 1 s old.
    async fn freshen(&self) -> Result<(), StoreFault> {
        let now = self.clock.elapsed();
        let too_old =
            now >= ElapsedMs(self.looked_at.load(Ordering::Acquire)).plus_ms(CACHE_AGE_MS_MAX - self.look_ms);
        let begun = self.look_begun.load(Ordering::Acquire);
        let due = now >= ElapsedMs(begun).plus_ms(self.look_ms);
        let mine = due && {
            let taken = self
                .look_begun
                .compare_exchange(begun, now.0, Ordering::AcqRel, Ordering::Relaxed);
            taken.is_ok()
        };
        if mine || too_old {
            self.apply_changes().await
        } else {
            Ok(())
        }
    }

    fn generation(&self) -> u64 {
        *self.generation.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what was read, unless something was dropped since `generation`.
    fn keep(&self, generation: u64, fill: impl FnOnce()) {
        let present = self.generation.read().unwrap_or_else(PoisonError::into_inner);
        if *present == generation {
            fill();
        }
    }

    fn hit<T>(&self, found: Option<T>) -> Option<T> {
        match &found {
            Some(_) => self.metrics.cache_hits.inc(),
            None => self.metrics.cache_misses.inc(),
        };
        found
    }

    fn keep_app(&self, generation: u64, app: &Arc<App>) {
        self.keep(generation, || {
            self.app_keys.insert(app.api_key.clone(), app.id);
            self.apps.insert(app.id, Arc::clone(app));
        });
    }
}

#[async_trait]
impl Apps for CachedStore {
    async fn app(&self, id: AppId) -> Result<Option<Arc<App>>, StoreFault> {
        self.freshen().await?;
        if let Some(app) = self.hit(self.apps.get(&id)) {
            return Ok(Some(app));
        }
        let generation = self.generation();
        let found = self.inner.app(id).await?;
        found.iter().for_each(|app| self.keep_app(generation, app));
        Ok(found)
    }

    async fn app_by_key(&self, key: &ApiKey) -> Result<Option<Arc<App>>, StoreFault> {
        self.freshen().await?;
        let known = self.app_keys.get(key).and_then(|id| self.apps.get(&id));
        if let Some(app) = self.hit(known.filter(|app| app.api_key == *key)) {
            return Ok(Some(app));
        }
        let generation = self.generation();
        let found = self.inner.app_by_key(key).await?;
        found.iter().for_each(|app| self.keep_app(generation, app));
        Ok(found)
    }

    async fn app_by_name(&self, name: &str) -> Result<Option<Arc<App>>, StoreFault> {
        self.inner.app_by_name(name).await
    }

    async fn app_by_canvas(&self, canvas: &str) -> Result<Option<Arc<App>>, StoreFault> {
        self.inner.app_by_canvas(canvas).await
    }

    async fn apps(&self) -> Result<Vec<Arc<App>>, StoreFault> {
        self.inner.apps().await
    }
}

#[async_trait]
impl Users for CachedStore {
    async fn user(&self, uid: Uid) -> Result<Option<Arc<User>>, StoreFault> {
        self.freshen().await?;
        if let Some(user) = self.hit(self.users.get(&uid)) {
            return Ok(Some(user));
        }
        let generation = self.generation();
        let found = self.inner.user(uid).await?;
        if let Some(user) = &found {
            self.keep(generation, || self.users.insert(uid, Arc::clone(user)));
        }
        Ok(found)
    }

    async fn user_by_name(&self, name: &str) -> Result<Option<Arc<User>>, StoreFault> {
        self.inner.user_by_name(name).await
    }

    async fn users(&self) -> Result<Vec<Arc<User>>, StoreFault> {
        self.inner.users().await
    }

    async fn people(&self, query: PeopleQuery) -> Result<Vec<Arc<User>>, StoreFault> {
        self.inner.people(query).await
    }

    async fn kept_on(&self, uid: Uid) -> Result<Kept, StoreFault> {
        self.inner.kept_on(uid).await
    }

    async fn login(&self, token: TokenDigest) -> Result<Option<Login>, StoreFault> {
        self.inner.login(token).await
    }

    async fn login_link(&self, token: TokenDigest) -> Result<Option<LoginLink>, StoreFault> {
        self.inner.login_link(token).await
    }
}

#[async_trait]
impl Sessions for CachedStore {
    async fn session(&self, key: &SessionKey) -> Result<Option<Arc<Session>>, StoreFault> {
        self.freshen().await?;
        let known = self.session_keys.get(key).and_then(|id| self.sessions.get(&id));
        if let Some(session) = self.hit(known.filter(|session| session.key == *key)) {
            return Ok(Some(session));
        }
        let generation = self.generation();
        let found = self.inner.session(key).await?;
        if let Some(session) = &found {
            self.keep(generation, || {
                self.session_keys.insert(key.clone(), session.id);
                self.sessions.insert(session.id, Arc::clone(session));
            });
        }
        Ok(found)
    }

    async fn last_session(&self, app: AppId, user: Uid) -> Result<Option<Arc<Session>>, StoreFault> {
        self.inner.last_session(app, user).await
    }

    async fn auth_token(&self, token: TokenDigest) -> Result<Option<AuthToken>, StoreFault> {
        self.inner.auth_token(token).await
    }
}

#[async_trait]
impl Developers for CachedStore {
    async fn people_of(
        &self,
        app: AppId,
        behind: Option<(WallMs, Uid)>,
        limit: u32,
    ) -> Result<Vec<Grant>, StoreFault> {
        self.inner.people_of(app, behind, limit).await
    }

    async fn sessions_of(&self, app: AppId, user: Uid) -> Result<Vec<Session>, StoreFault> {
        self.inner.sessions_of(app, user).await
    }

    async fn test_mode(&self, developer: Uid) -> Result<TestMode, StoreFault> {
        self.inner.test_mode(developer).await
    }

    async fn developer_of(&self, person: Uid) -> Result<Option<Uid>, StoreFault> {
        self.inner.developer_of(person).await
    }

    async fn test_apps(&self) -> Result<Vec<AppId>, StoreFault> {
        self.inner.test_apps().await
    }
}

#[async_trait]
impl Grants for CachedStore {
    async fn grant(&self, app: AppId, user: Uid) -> Result<Option<Grant>, StoreFault> {
        self.freshen().await?;
        if let Some(grant) = self.hit(self.grants.get(&(app, user))) {
            return Ok(Some(grant));
        }
        let generation = self.generation();
        let found = self.inner.grant(app, user).await?;
        if let Some(grant) = found {
            self.keep(generation, || self.grants.insert((app, user), grant));
        }
        Ok(found)
    }

    async fn grants_of(&self, user: Uid) -> Result<Vec<Grant>, StoreFault> {
        self.inner.grants_of(user).await
    }
}

#[async_trait]
impl Stories for CachedStore {
    async fn stories(&self, user: Uid, before: Option<i64>, limit: u32) -> Result<Vec<Story>, StoreFault> {
        self.inner.stories(user, before, limit).await
    }

    async fn story(&self, id: StoryId) -> Result<Option<Story>, StoreFault> {
        self.inner.story(id).await
    }

    async fn window(&self, app: AppId, user: Uid) -> Result<Option<WallMs>, StoreFault> {
        self.inner.window(app, user).await
    }
}

#[async_trait]
impl Feeds for CachedStore {
    async fn feed_state(&self, query: StateQuery) -> Result<FeedState, StoreFault> {
        self.inner.feed_state(query).await
    }

    async fn feed_at(&self, query: PastQuery) -> Result<Option<Vec<RecordLine>>, StoreFault> {
        self.inner.feed_at(query).await
    }
    async fn feed_past(&self, user: Uid, upto: i64) -> Result<Vec<RecordLine>, StoreFault> {
        self.inner.feed_past(user, upto).await
    }

    async fn feed_view(&self, user: Uid, number: Option<i64>) -> Result<Option<View>, StoreFault> {
        self.inner.feed_view(user, number).await
    }

    async fn feed_views(&self, user: Uid) -> Result<Vec<View>, StoreFault> {
        self.inner.feed_views(user).await
    }

    async fn feed_stories(&self, user: Uid, ids: &[StoryId]) -> Result<Vec<Story>, StoreFault> {
        self.inner.feed_stories(user, ids).await
    }

    async fn put_away(&self, user: Uid, since: WallMs) -> Result<Vec<Story>, StoreFault> {
        self.inner.put_away(user, since).await
    }

    async fn reported(&self, limit: u32) -> Result<Vec<Story>, StoreFault> {
        self.inner.reported(limit).await
    }

    async fn older_stories(&self, user: Uid, before: WallMs) -> Result<OlderStories, StoreFault> {
        self.inner.older_stories(user, before).await
    }

    async fn feed_counts(&self, user: Uid, since: WallMs) -> Result<Vec<(AppId, FeedCounts)>, StoreFault> {
        self.inner.feed_counts(user, since).await
    }
}

#[async_trait]
impl Rankings for CachedStore {
    async fn rankings(&self) -> Result<Vec<KeptRanking>, StoreFault> {
        self.inner.rankings().await
    }

    async fn hour_rows(&self, hour: i64) -> Result<Option<HourRows>, StoreFault> {
        self.inner.hour_rows(hour).await
    }

    async fn hour_counts(&self, from: i64, to: i64) -> Result<Vec<(AppId, QualityCounts)>, StoreFault> {
        self.inner.hour_counts(from, to).await
    }

    async fn is_overdue(&self, before: KeptSince) -> Result<Overdue, StoreFault> {
        self.inner.is_overdue(before).await
    }

    async fn feed_addresses(&self, user: Uid) -> Result<Vec<FeedAddress>, StoreFault> {
        self.inner.feed_addresses(user).await
    }

    async fn feed_address(&self, token: [u8; 32]) -> Result<Option<FeedAddress>, StoreFault> {
        self.inner.feed_address(token).await
    }
}

#[async_trait]
impl Pictures for CachedStore {
    async fn picture(&self, hash: PictureHash) -> Result<Option<KeptPicture>, StoreFault> {
        self.inner.picture(hash).await
    }

    async fn image_of(&self, source: SourceHash) -> Result<Option<PictureHash>, StoreFault> {
        self.inner.image_of(source).await
    }

    async fn knows_picture(&self, hash: PictureHash) -> Result<bool, StoreFault> {
        self.inner.knows_picture(hash).await
    }

    async fn photo(&self, pid: Pid) -> Result<Option<Photo>, StoreFault> {
        self.inner.photo(pid).await
    }

    async fn photos_of(&self, owner: Uid) -> Result<Vec<Photo>, StoreFault> {
        self.inner.photos_of(owner).await
    }

    async fn next_job(&self, query: JobQuery) -> Result<NextJob, StoreFault> {
        self.inner.next_job(query).await
    }

    async fn has_waiting_slots(&self, source: SourceHash) -> Result<bool, StoreFault> {
        self.inner.has_waiting_slots(source).await
    }

    async fn icons_are_wanted(&self) -> Result<bool, StoreFault> {
        self.inner.icons_are_wanted().await
    }

    async fn app_fetches(&self, app: AppId, hour: i64) -> Result<AppFetches, StoreFault> {
        self.inner.app_fetches(app, hour).await
    }

    async fn picture_space(&self) -> Result<PictureSpace, StoreFault> {
        self.inner.picture_space().await
    }

    async fn evictable(&self, limit: u32) -> Result<(Vec<(PictureHash, u64)>, u64), StoreFault> {
        self.inner.evictable(limit).await
    }
}

#[async_trait]
impl Audit for CachedStore {
    async fn audit_after(&self, after: i64, limit: u32) -> Result<Vec<KeptEntry>, StoreFault> {
        self.inner.audit_after(after, limit).await
    }

    async fn audit_page(&self, query: AuditQuery) -> Result<Vec<KeptEntry>, StoreFault> {
        self.inner.audit_page(query).await
    }
}

#[async_trait]
impl Insights for CachedStore {
    async fn counts(
        &self,
        app: AppId,
        grain: Grain,
        hours: (i64, i64),
    ) -> Result<Vec<KeptCount>, StoreFault> {
        self.inner.counts(app, grain, hours).await
    }

    async fn app_hours(
        &self,
        app: AppId,
        hours: (i64, i64),
    ) -> Result<Vec<(i64, QualityCounts)>, StoreFault> {
        self.inner.app_hours(app, hours).await
    }

    async fn people_who_acted(&self, query: ActQuery, most: u32) -> Result<u32, StoreFault> {
        self.inner.people_who_acted(query, most).await
    }

    async fn quality_rows(
        &self,
        app: AppId,
        hours: (i64, i64),
    ) -> Result<Vec<(i64, QualityRow)>, StoreFault> {
        self.inner.quality_rows(app, hours).await
    }

    async fn slots_by_state(&self, app: AppId) -> Result<Vec<SlotCount>, StoreFault> {
        self.inner.slots_by_state(app).await
    }

    async fn absent_pictures(&self, app: AppId, limit: u32) -> Result<Vec<Absent>, StoreFault> {
        self.inner.absent_pictures(app, limit).await
    }
    async fn taken_down(&self, app: AppId, limit: u32) -> Result<Vec<TakenDown>, StoreFault> {
        self.inner.taken_down(app, limit).await
    }

    async fn failed_slots(
        &self,
        app: AppId,
        source: SourceHash,
        limit: u32,
    ) -> Result<Vec<(StoryId, u8)>, StoreFault> {
        self.inner.failed_slots(app, source, limit).await
    }

    async fn story_readers(&self, app: AppId, limit: u32) -> Result<Vec<Uid>, StoreFault> {
        self.inner.story_readers(app, limit).await
    }

    async fn unshown(&self, app: AppId, user: Uid) -> Result<Vec<Unshown>, StoreFault> {
        self.inner.unshown(app, user).await
    }

    async fn has_old_counts(&self, hours: i64, days: i64) -> Result<(bool, bool), StoreFault> {
        self.inner.has_old_counts(hours, days).await
    }
}

#[async_trait]
impl HookQueue for CachedStore {
    async fn next_post(&self, query: HookQuery) -> Result<NextPost, StoreFault> {
        self.inner.next_post(query).await
    }

    async fn hook_space(&self) -> Result<HookSpace, StoreFault> {
        self.inner.hook_space().await
    }
}

#[async_trait]
impl Messages for CachedStore {
    fn keep(&self, writes: MailWrites, flush: Flush, when: WhenKept) {
        self.inner.keep(writes, flush, when);
    }

    async fn kept_messages(&self, after: RowNo, limit: u32) -> Result<Vec<Found<KeptMessage>>, StoreFault> {
        self.inner.kept_messages(after, limit).await
    }

    async fn kept_heads(&self) -> Result<(Vec<Found<KeptHead>>, WallMs), StoreFault> {
        self.inner.kept_heads().await
    }
}

#[async_trait]
impl Marks for CachedStore {
    fn mark_call(&self, session: SessionId, value: &Decimal) -> Result<(), StoreFault> {
        self.inner.mark_call(session, value)
    }

    fn mark_expiry(&self, session: SessionId, expires: i64) -> Result<(), StoreFault> {
        self.inner.mark_expiry(session, expires)?;
        // A fill that began before the mark must not bring the old expiry back.
        let mut generation = self.generation.write().unwrap_or_else(PoisonError::into_inner);
        *generation += 1;
        if let Some(known) = self.sessions.get(&session)
            && known.kind == SessionKind::Sliding
            && known.expires.is_some_and(|known| known < expires)
        {
            let moved = Session {
                expires: Some(expires),
                ..Session::clone(&known)
            };
            self.sessions.insert(session, Arc::new(moved));
        }
        Ok(())
    }

    async fn call_ids(&self, session: SessionId) -> Result<Vec<Decimal>, StoreFault> {
        self.inner.call_ids(session).await
    }
}

/// Whether a write changes what is cached here.
fn touches_cache(write: &Write) -> bool {
    match write {
        Write::AddApp(_)
        | Write::ExpectApp(_)
        | Write::SetApp(_)
        | Write::EraseApp(_)
        | Write::AddUser(_)
        | Write::ExpectUser(_)
        | Write::SetUser(_)
        | Write::EndAccess(_)
        | Write::EraseUser(_)
        | Write::SetGrant(_)
        | Write::AcceptTerms { .. }
        | Write::SwitchStories { .. }
        | Write::PermitOfflineAccess { .. }
        | Write::RemoveGrant { .. }
        | Write::AddSession(_)
        | Write::EndSession(_) => true,
        // The session of an acceptance comes with the acceptance.
        Write::Hook(_)
        | Write::AddLogin(_)
        | Write::RemoveLogin(_)
        | Write::AddLoginLink(_)
        | Write::UseLoginLink(_)
        | Write::AddAuthToken(_)
        | Write::BindAuthToken { .. }
        | Write::UseAuthToken { .. }
        | Write::PublishStory(_)
        | Write::Picture(_)
        | Write::Feed(_)
        | Write::Count(_)
        | Write::TrimCounts { .. }
        | Write::MarkCall { .. }
        | Write::ExpectFewerApps { .. }
        | Write::Test(_)
        | Write::ResetCallOrder(_) => false,
    }
}

#[async_trait]
impl Store for CachedStore {
    async fn commit(&self, batch: Batch) -> Result<Vec<Made>, CommitError> {
        let touches = batch.writes.iter().any(touches_cache);
        let committed = self.inner.commit(batch).await;
        // What was refused changed nothing, but `Changed` says that a row kept here is behind the books.
        let behind = |conflict: &Conflict| *conflict == Conflict::Changed;
        let changed = committed.as_ref().err().is_none_or(|error| match error {
            CommitError::Refused(conflict) => behind(conflict),
            CommitError::Fault(_) => true,
        });
        if touches && changed {
            // The unit's own changes say what to drop; when they cannot be read, everything has been dropped.
            if let Err(fault) = self.apply_changes().await {
                tracing::warn!(%fault, "caches were dropped because the changes cannot be read");
            }
        }
        committed
    }

    async fn changes_after(&self, after: i64, limit: u32) -> Result<Vec<Change>, StoreFault> {
        self.apply_changes().await?;
        if self.seen.load(Ordering::Acquire) <= after {
            // Whoever follows is where this look has come to.
            return Ok(Vec::new());
        }
        self.inner.changes_after(after, limit).await
    }

    async fn last_change(&self) -> Result<i64, StoreFault> {
        self.inner.last_change().await
    }

    async fn check(&self) -> Result<(), StoreFault> {
        self.inner.check().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::SqliteStore;
    use crate::still::Still;

    #[tokio::test(flavor = "multi_thread")]
    async fn cache_apps_max_cache_users_max_cache_sessions_max_and_cache_grants_max_bound_the_caches() {
        let config = StoreConfig {
            cache_apps_max: 1,
            cache_users_max: 2,
            cache_sessions_max: 3,
            cache_grants_max: 4,
            ..StoreConfig::default()
        };
        let inner = Arc::new(SqliteStore::open_in_memory(Arc::new(Still), Arc::new(Still)).unwrap());
        let cached = CachedStore::over(inner, &config, Arc::new(Still)).await.unwrap();
        let bounds = [
            cached.apps.policy().max_capacity(),
            cached.app_keys.policy().max_capacity(),
            cached.users.policy().max_capacity(),
            cached.sessions.policy().max_capacity(),
            cached.session_keys.policy().max_capacity(),
            cached.grants.policy().max_capacity(),
        ];
        assert_eq!(bounds, [1, 1, 2, 3, 3, 4].map(Some));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_follower_that_has_seen_everything_looks_once_at_a_turn() {
        let inner = Arc::new(SqliteStore::open_in_memory(Arc::new(Still), Arc::new(Still)).unwrap());
        let store = Arc::clone(&inner) as Arc<dyn Store>;
        let cached = CachedStore::over(store, &StoreConfig::default(), Arc::new(Still))
            .await
            .unwrap();
        let (seen, looks) = (cached.last_change().await.unwrap(), inner.metrics().looks.get());
        assert!(cached.changes_after(seen, 10).await.unwrap().is_empty());
        assert_eq!(inner.metrics().looks.get(), looks + 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_fill_that_was_read_before_a_drop_is_not_kept() {
        let inner = Arc::new(SqliteStore::open_in_memory(Arc::new(Still), Arc::new(Still)).unwrap());
        let cached = CachedStore::over(inner, &StoreConfig::default(), Arc::new(Still))
            .await
            .unwrap();
        let generation = cached.generation();
        cached.drop_all();
        let mut kept = false;
        cached.keep(generation, || kept = true);
        assert!(!kept);
        cached.keep(cached.generation(), || kept = true);
        assert!(kept);
    }
}
