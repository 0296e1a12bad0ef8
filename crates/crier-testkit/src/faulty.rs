//! The real books behind a switch: while it is thrown, every read or every commit fails as it says.

use async_trait::async_trait;
use crier_platform::model::app::App;
use crier_platform::model::audit::{AuditQuery, KeptEntry};
use crier_platform::model::change::Change;
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
use crier_platform::model::session::{Session, SessionId};
use crier_platform::model::story::Story;
use crier_platform::model::test_mode::TestMode;
use crier_platform::model::time::WallMs;
use crier_platform::model::token::AuthToken;
use crier_platform::model::user::User;
use crier_platform::ports::audit::Audit;
use crier_platform::ports::developers::Developers;
use crier_platform::ports::feeds::{Feeds, Rankings};
use crier_platform::ports::hooks::HookQueue;
use crier_platform::ports::insights::Insights;
use crier_platform::ports::pictures::Pictures;
use crier_platform::ports::store::{
    Apps, Batch, CommitError, Flush, Grants, Kept, Made, Marks, Messages, PeopleQuery, Sessions, Store,
    StoreFault, Stories, Users, WhenKept,
};
use crier_proto::decimal::Decimal;
use crier_proto::ids::{ApiKey, AppId, Pid, SessionKey, StoryId, Uid};
use std::sync::{Arc, Mutex, PoisonError};

/// What fails.
#[derive(Debug, Clone, Default)]
pub struct Broken {
    /// Reads of grants.
    pub grants: Option<StoreFault>,
    /// Reads of applications.
    pub apps: Option<StoreFault>,
    /// Marks of call order.
    pub marks: Option<StoreFault>,
    /// Marks of call order are taken and reach no disk: what a power cut leaves of them.
    pub lost_marks: bool,
    /// Commits.
    pub commits: Option<StoreFault>,
}

/// Books that fail as told.
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    broken: Mutex<Broken>,
}

impl FaultyStore {
    /// These books, whole.
    #[must_use]
    pub fn over(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            broken: Mutex::default(),
        }
    }

    /// Breaks them from now on.
    pub fn breaks(&self, broken: Broken) {
        *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = broken;
    }

    fn fails(&self, which: impl FnOnce(&Broken) -> &Option<StoreFault>) -> Result<(), StoreFault> {
        let broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        which(&broken).clone().map_or(Ok(()), Err)
    }
}

#[async_trait]
impl Apps for FaultyStore {
    async fn app(&self, id: AppId) -> Result<Option<Arc<App>>, StoreFault> {
        self.inner.app(id).await
    }
    async fn app_by_key(&self, key: &ApiKey) -> Result<Option<Arc<App>>, StoreFault> {
        self.fails(|broken| &broken.apps)?;
        self.inner.app_by_key(key).await
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
impl Users for FaultyStore {
    async fn user(&self, uid: Uid) -> Result<Option<Arc<User>>, StoreFault> {
        self.inner.user(uid).await
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
impl Sessions for FaultyStore {
    async fn session(&self, key: &SessionKey) -> Result<Option<Arc<Session>>, StoreFault> {
        self.inner.session(key).await
    }
    async fn last_session(&self, app: AppId, user: Uid) -> Result<Option<Arc<Session>>, StoreFault> {
        self.inner.last_session(app, user).await
    }
    async fn auth_token(&self, token: TokenDigest) -> Result<Option<AuthToken>, StoreFault> {
        self.inner.auth_token(token).await
    }
}

#[async_trait]
impl Developers for FaultyStore {
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
impl Grants for FaultyStore {
    async fn grant(&self, app: AppId, user: Uid) -> Result<Option<Grant>, StoreFault> {
        self.fails(|broken| &broken.grants)?;
        self.inner.grant(app, user).await
    }
    async fn grants_of(&self, user: Uid) -> Result<Vec<Grant>, StoreFault> {
        self.inner.grants_of(user).await
    }
}

#[async_trait]
impl Stories for FaultyStore {
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
impl Feeds for FaultyStore {
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
impl Rankings for FaultyStore {
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
impl Pictures for FaultyStore {
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
impl Audit for FaultyStore {
    async fn audit_after(&self, after: i64, limit: u32) -> Result<Vec<KeptEntry>, StoreFault> {
        self.inner.audit_after(after, limit).await
    }

    async fn audit_page(&self, query: AuditQuery) -> Result<Vec<KeptEntry>, StoreFault> {
        self.inner.audit_page(query).await
    }
}

#[async_trait]
impl Insights for FaultyStore {
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
impl HookQueue for FaultyStore {
    async fn next_post(&self, query: HookQuery) -> Result<NextPost, StoreFault> {
        self.inner.next_post(query).await
    }

    async fn hook_space(&self) -> Result<HookSpace, StoreFault> {
        self.inner.hook_space().await
    }
}

#[async_trait]
impl Messages for FaultyStore {
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
impl Marks for FaultyStore {
    fn mark_call(&self, session: SessionId, value: &Decimal) -> Result<(), StoreFault> {
        self.fails(|broken| &broken.marks)?;
        if self
            .broken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .lost_marks
        {
            return Ok(());
        }
        self.inner.mark_call(session, value)
    }
    fn mark_expiry(&self, session: SessionId, expires: i64) -> Result<(), StoreFault> {
        self.inner.mark_expiry(session, expires)
    }
    async fn call_ids(&self, session: SessionId) -> Result<Vec<Decimal>, StoreFault> {
        self.inner.call_ids(session).await
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn commit(&self, batch: Batch) -> Result<Vec<Made>, CommitError> {
        self.fails(|broken| &broken.commits).map_err(CommitError::Fault)?;
        self.inner.commit(batch).await
    }
    async fn changes_after(&self, after: i64, limit: u32) -> Result<Vec<Change>, StoreFault> {
        self.inner.changes_after(after, limit).await
    }
    async fn last_change(&self) -> Result<i64, StoreFault> {
        self.inner.last_change().await
    }
    async fn check(&self) -> Result<(), StoreFault> {
        self.inner.check().await
    }
}
