//! The books: reads by model, and one verb that applies a whole unit of writes or none of it.

use crate::model::app::App;
use crate::model::audit::Actor;
use crate::model::change::Change;
use crate::model::grant::Grant;
use crate::model::hook::HookWrite;
use crate::model::insight::Grain;
use crate::model::job::PictureWrite;
use crate::model::login::{Login, LoginLink, TokenDigest};
use crate::model::mailbox::{Found, KeptHead, KeptMessage, MailWrites, RowNo};
use crate::model::record::FeedWrite;
use crate::model::session::{Session, SessionId, SessionKind};
use crate::model::story::{NewStory, Story};
use crate::model::tally::Count;
use crate::model::test_mode::TestWrite;
use crate::model::time::WallMs;
use crate::model::token::AuthToken;
use crate::model::user::User;
use crate::ports::audit::Audit;
use crate::ports::developers::Developers;
use crate::ports::feeds::{Feeds, Rankings};
use crate::ports::hooks::HookQueue;
use crate::ports::insights::Insights;
use crate::ports::ledger::OrderRule;
use crate::ports::pictures::Pictures;
use async_trait::async_trait;
use crier_proto::decimal::Decimal;
use crier_proto::ids::{ApiKey, AppId, SessionKey, StoryId, Uid};
use crier_proto::secret::Secret;
use std::sync::Arc;

/// The store did not do what it was asked; nothing of it happened unless `OutcomeUnknown`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreFault {
    /// Locked, full, gone: the same call may succeed later.
    #[error("store out of reach: {0}")]
    Unavailable(String),
    /// A row that cannot be read as what it should be, or a statement that failed.
    #[error("store is damaged: {0}")]
    Damaged(String),
    /// The commit may or may not have happened.
    #[error("outcome unknown: {0}")]
    OutcomeUnknown(String),
}

/// Reads of applications.
#[async_trait]
pub trait Apps: Send + Sync {
    /// By number.
    async fn app(&self, id: AppId) -> Result<Option<Arc<App>>, StoreFault>;
    /// By public key.
    async fn app_by_key(&self, key: &ApiKey) -> Result<Option<Arc<App>>, StoreFault>;
    /// By name, without regard to ASCII case.
    async fn app_by_name(&self, name: &str) -> Result<Option<Arc<App>>, StoreFault>;
    /// By canvas name, exactly as it is written; none by an empty one.
    async fn app_by_canvas(&self, canvas: &str) -> Result<Option<Arc<App>>, StoreFault>;
    /// All, by number.
    async fn apps(&self) -> Result<Vec<Arc<App>>, StoreFault>;
}

/// Reads of users and their browsers' logins.
#[async_trait]
pub trait Users: Send + Sync {
    /// By number.
    async fn user(&self, uid: Uid) -> Result<Option<Arc<User>>, StoreFault>;
    /// By name, without regard to ASCII case.
    async fn user_by_name(&self, name: &str) -> Result<Option<Arc<User>>, StoreFault>;
    /// All, by number.
    async fn users(&self) -> Result<Vec<Arc<User>>, StoreFault>;
    /// Those of a query, by name without regard to ASCII case.
    async fn people(&self, query: PeopleQuery) -> Result<Vec<Arc<User>>, StoreFault>;
    /// What else is kept on a user, for their export: all but keys and secrets, which no export may carry.
    async fn kept_on(&self, uid: Uid) -> Result<Kept, StoreFault>;
    /// A browser's login.
    async fn login(&self, token: TokenDigest) -> Result<Option<Login>, StoreFault>;
    /// A link that logs in once, if it is unused.
    async fn login_link(&self, token: TokenDigest) -> Result<Option<LoginLink>, StoreFault>;
}

/// Which users are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeopleQuery {
    /// A part of the name, without regard to ASCII case; empty: everybody.
    pub part: String,
    /// Behind this name.
    pub after: String,
    /// At most as many.
    pub limit: u32,
}

/// What is kept on a user beside account, grants and stories.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// When each of their browsers' logins ends.
    pub logins: Vec<WallMs>,
    /// When each unused link that logs them in ends.
    pub login_links: Vec<WallMs>,
    /// Their sessions, by row number.
    pub sessions: Vec<KeptSession>,
    /// The twelve hours: each application, and when its last story for the user was committed.
    pub windows: Vec<(AppId, WallMs)>,
    /// Live messages to them and from them that wait in durable mailboxes, in the order they were sent.
    pub messages: Vec<KeptMessage>,
}

/// A session as an export tells of it: without its key and its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptSession {
    /// The application it belongs to.
    pub app: AppId,
    /// Unix seconds; `None` never expires.
    pub expires: Option<i64>,
    /// When it was made.
    pub created_at: WallMs,
}

/// Reads of sessions and auth tokens.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// By key; an ended session is absent, an expired one is not.
    async fn session(&self, key: &SessionKey) -> Result<Option<Arc<Session>>, StoreFault>;
    /// The session of a user with an application that was made last, expired or not; an ended one is absent.
    async fn last_session(&self, app: AppId, user: Uid) -> Result<Option<Arc<Session>>, StoreFault>;
    /// An auth token in any state.
    async fn auth_token(&self, token: TokenDigest) -> Result<Option<AuthToken>, StoreFault>;
}

/// Reads of grants.
#[async_trait]
pub trait Grants: Send + Sync {
    /// Whether and how a user has accepted an application.
    async fn grant(&self, app: AppId, user: Uid) -> Result<Option<Grant>, StoreFault>;
    /// All acceptances of a user, newest first.
    async fn grants_of(&self, user: Uid) -> Result<Vec<Grant>, StoreFault>;
}

/// Reads of stories.
#[async_trait]
pub trait Stories: Send + Sync {
    /// Up to `limit` stories of a user's record with seq below `before` (all, when `None`), highest first, hidden ones included.
    async fn stories(&self, user: Uid, before: Option<i64>, limit: u32) -> Result<Vec<Story>, StoreFault>;
    /// One story by number.
    async fn story(&self, id: StoryId) -> Result<Option<Story>, StoreFault>;
    /// When the last story of an application for a user was committed: what the twelve hours count from.
    async fn window(&self, app: AppId, user: Uid) -> Result<Option<WallMs>, StoreFault>;
}

/// Marks of live calls: written before the answer leaves, unsynced, so that kill −9 forgets none and a power cut at most the last second.
#[async_trait]
pub trait Marks: Send + Sync {
    /// Keeps an accepted `call_id`. Cheap: no thread hop, no sync. Returns when the operating system has it.
    fn mark_call(&self, session: SessionId, value: &Decimal) -> Result<(), StoreFault>;
    /// Keeps a moved expiry of a sliding session, in the same way; `session` reads see it.
    fn mark_expiry(&self, session: SessionId, expires: i64) -> Result<(), StoreFault>;
    /// The accepted values of a session, greatest last, at most the 128 greatest; asked once per session and process.
    async fn call_ids(&self, session: SessionId) -> Result<Vec<Decimal>, StoreFault>;
}

/// When writes to mailboxes reach the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flush {
    /// Before they are told to be kept: they share the sync of the units and messages that wait with them.
    Now,
    /// With the next commit that is synced. They are kept when the operating system has them: kill −9 loses none, a power cut
    /// those since the last sync.
    Later,
}

/// Told once whether writes to mailboxes are kept; after a fault nothing of them is, unless it is `OutcomeUnknown`. Runs on the
/// store's own thread: short, and without waiting for anything.
pub type WhenKept = Box<dyn FnOnce(Result<(), StoreFault>) + Send>;

/// Mailboxes in durable mode (live 5.10).
///
/// Promise: writes are applied in the order they were given, each whole or not at all, and told in that order. What is written
/// for a user who does not exist is left out: an erasure must not be outlived by what was under way.
#[async_trait]
pub trait Messages: Send + Sync {
    /// Applies writes. Returns at once.
    fn keep(&self, writes: MailWrites, flush: Flush, when: WhenKept);
    /// Up to `limit` messages with a number above `after`, by number.
    async fn kept_messages(&self, after: RowNo, limit: u32) -> Result<Vec<Found<KeptMessage>>, StoreFault>;
    /// All heads, and the highest wall time that was seen with any write.
    async fn kept_heads(&self) -> Result<(Vec<Found<KeptHead>>, WallMs), StoreFault>;
}

/// A random number that names a unit, so that after a lost connection it can be looked up whether it was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UnitId(pub [u8; 16]);

/// Writes of one call, applied together or not at all. The conditions are judged inside the transaction.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Its name.
    pub id: UnitId,
    /// Who makes it: the audit log says so of what belongs there.
    pub by: Actor,
    /// *Now* of the call: the time of the changes and of every condition.
    pub now: WallMs,
    /// The writes in order.
    pub writes: Vec<Write>,
}

/// A session that does not exist yet.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Its key.
    pub key: SessionKey,
    /// The application.
    pub app: AppId,
    /// The user.
    pub user: Uid,
    /// Its secret.
    pub secret: Secret,
    /// Unix seconds; `None` never expires.
    pub expires: Option<i64>,
    /// How `expires` moves.
    pub kind: SessionKind,
}

/// One write and its condition. Each also leaves the `Change` rows that nodes must notice.
///
/// What is added for a user who does not exist is refused with `Missing`: an erasure must not be outlived by what a call adds.
#[derive(Debug, Clone)]
pub enum Write {
    /// A new application, unless its id, key, name or canvas name is taken.
    AddApp(Box<App>),
    /// No write but a condition: this user owns fewer applications than so many, their test application not counted, else `AppsFull`.
    ExpectFewerApps {
        /// The owner.
        owner: Uid,
        /// How many are too many.
        than: u32,
    },
    /// No write but a condition: the application's row is still as it was read, else `Changed`; `Missing` when it is gone.
    ExpectApp(Arc<App>),
    /// Replaces an application's row, unless key, name or canvas name is taken by another or the row is missing. Disabling ends
    /// its sessions (protocol 10.4).
    SetApp(Box<App>),
    /// Removes an application at once, with acceptances, sessions, messages, photos, texts and pictures of its stories; `Missing`
    /// when it is gone. Places and weights of its stories stay until they are buried (feed 1.2).
    EraseApp(AppId),
    /// A new user, unless uid or name is taken.
    AddUser(User),
    /// No write but a condition: the user's row is still as it was read, else `Changed`; `Missing` when it is gone.
    ExpectUser(Arc<User>),
    /// Replaces a user's row. Disabling ends sessions and logins; a changed password ends logins.
    SetUser(User),
    /// Ends every way in that a user has: sessions, bound tokens, logins and unused links; `Missing` when there is no such user.
    EndAccess(Uid),
    /// Removes a user and everything held on them: logins, sessions, grants, messages, stories, windows. Their applications must be gone or given away first.
    EraseUser(Uid),
    /// Writes an acceptance as it stands, whatever was there: for books that are filled, not for what people do.
    SetGrant(Grant),
    /// Accepts an application for a user now, stories on; an older acceptance keeps its time and its switches.
    AcceptTerms {
        /// The application.
        app: AppId,
        /// The user.
        user: Uid,
        /// Whether the user adds it too (protocol 18.8); what has been added stays so.
        added: bool,
    },
    /// Turns an application's stories on or off for a user; `Missing` when it is not accepted.
    SwitchStories {
        /// The application.
        app: AppId,
        /// The user.
        user: Uid,
        /// On or off.
        feed: bool,
    },
    /// Lets an application's sessions of a user last for ever (protocol 10.3); `Missing` when it is not accepted.
    PermitOfflineAccess {
        /// The application.
        app: AppId,
        /// The user.
        user: Uid,
    },
    /// Withdraws: the grant, the user's sessions for the application and bound tokens that would buy one end; kept messages of the
    /// application to and from the user leave their mailboxes (live 3.14).
    RemoveGrant {
        /// The application.
        app: AppId,
        /// The user.
        user: Uid,
    },
    /// One write to the queue of posts that tell applications who has accepted them and who has withdrawn (protocol 19.6).
    Hook(HookWrite),
    /// A new session, unless a living one has its key; one that has expired makes room.
    AddSession(NewSession),
    /// Ends a session.
    EndSession(SessionId),
    /// A browser's login.
    AddLogin(Login),
    /// Ends a browser's login.
    RemoveLogin(TokenDigest),
    /// A link that logs in once.
    AddLoginLink(LoginLink),
    /// Uses up such a link, unless it is used or expired.
    UseLoginLink(TokenDigest),
    /// A new auth token.
    AddAuthToken(AuthToken),
    /// Binds a new, unexpired token of this application to a user, else `TokenNotUsable`.
    BindAuthToken {
        /// The token's digest.
        token: TokenDigest,
        /// Whose token it must be.
        app: AppId,
        /// Who has logged in and accepted.
        user: Uid,
        /// Whether the session that it buys never expires.
        lasting: bool,
    },
    /// Uses up a bound, unexpired token of this application, else `TokenNotUsable`.
    UseAuthToken {
        /// The token's digest.
        token: TokenDigest,
        /// Whose token it must be.
        app: AppId,
    },
    /// A story, its slots, and unless it is exempt the twelve-hour window as its condition (feed 3.4).
    PublishStory(NewStory),
    /// Pictures, their jobs and photos.
    Picture(PictureWrite),
    /// Who is there for tests alone. Acceptances and sessions that would bring them and others together are refused with `TestOnly`, and
    /// so is another owner of a test application.
    Test(TestWrite),
    /// One write to a record of the News Feed, or to what all records share.
    Feed(FeedWrite),
    /// Adds to counts for developers, each to its hour and its day; those of an application that is gone are left out.
    Count(Vec<Count>),
    /// Lets go counts of hours or days that begin before this hour since 1970.
    TrimCounts {
        /// Which.
        grain: Grain,
        /// From this hour on they stay.
        before: i64,
    },
    /// An accepted `call_id`, synced with the rest of its unit.
    MarkCall {
        /// Whose call order.
        session: SessionId,
        /// Which rule keeps how many values.
        rule: OrderRule,
        /// The value.
        value: Decimal,
    },
    /// Forgets a session's call order.
    ResetCallOrder(SessionId),
}

/// Which condition of a unit did not hold. Nothing of the unit was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// The twelve hours are not over.
    WindowClosed {
        /// When they will be.
        next_allowed: WallMs,
    },
    /// The name is taken.
    NameTaken,
    /// The uid or application id is taken.
    IdTaken,
    /// The api key or session key is taken.
    KeyTaken,
    /// The canvas name is taken.
    CanvasTaken,
    /// The auth token or link is unknown, foreign, expired, not in the wanted state or used.
    TokenNotUsable,
    /// The row to change does not exist.
    Missing,
    /// The row is not as it was read: somebody else has changed it.
    Changed,
    /// The user still owns applications.
    OwnsApps,
    /// The user has as many photos as they may have.
    PhotosFull,
    /// An administrator has blocked the image.
    Blocked,
    /// As many jobs wait as may wait.
    QueueFull,
    /// A test application or a test person, and somebody else.
    TestOnly,
    /// The developer has a test application, or as many test people as there may be.
    TestTaken,
    /// The user owns as many applications as a developer may make.
    AppsFull,
    /// The user has as many addresses of private feeds as they may have.
    AddressesFull,
}

/// What a commit made, in the order of its writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// A session.
    Session(SessionId),
    /// A story and its place in its user's record.
    Story {
        /// Its number.
        id: StoryId,
        /// Its place.
        seq: i64,
    },
}

/// Why a unit was not applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitError {
    /// A condition did not hold.
    Refused(Conflict),
    /// The store failed.
    Fault(StoreFault),
}

/// The books.
///
/// Promise: a unit is whole or absent and synced before `commit` returns; many units share one sync. After an I/O error
/// nothing more is acknowledged. Reads see our own commits at once and other processes' within 1 s.
#[async_trait]
pub trait Store:
    Apps
    + Audit
    + Developers
    + Users
    + Sessions
    + Grants
    + HookQueue
    + Messages
    + Stories
    + Feeds
    + Rankings
    + Pictures
    + Insights
    + Marks
{
    /// Applies a unit.
    async fn commit(&self, batch: Batch) -> Result<Vec<Made>, CommitError>;

    /// Up to `limit` changes with an id above `after`, in order. Whoever asks first also makes caches drop what has changed.
    async fn changes_after(&self, after: i64, limit: u32) -> Result<Vec<Change>, StoreFault>;

    /// The id of the newest change; 0 when there is none.
    async fn last_change(&self) -> Result<i64, StoreFault>;

    /// Whether the store can take writes now: readiness.
    async fn check(&self) -> Result<(), StoreFault>;
}
