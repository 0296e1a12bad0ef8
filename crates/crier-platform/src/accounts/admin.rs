//! What an operator does with people, acceptances and sessions (operating section 3).
//!
//! Knows nothing of the terminal: the command line turns words into these calls and prints what comes back.

use super::terms::Assent;
use super::{AccountError, Accounts, CHANGE_ATTEMPTS_MAX, ID_ATTEMPTS_MAX, check_name};
use crate::model::app::App;
use crate::model::grant::Grant;
use crate::model::session::{Session, SessionKind};
use crate::model::time::WallMs;
use crate::model::user::User;
use crate::ports::store::{Conflict, Made, NewSession, Write};
use crier_proto::ids::{AppId, SessionKey, Uid};
use crier_proto::secret::Secret;
use std::sync::Arc;

pub use super::apps::NewApp;
pub use super::settings::app_settings;

/// What `user add` is told.
#[derive(Debug, Clone, Default)]
pub struct NewUser {
    /// The name.
    pub name: String,
    /// A given uid; random when absent.
    pub uid: Option<Uid>,
    /// The password, if any.
    pub password: Option<String>,
    /// Whether they administer the server.
    pub admin: bool,
}

/// What `user set` changes; `None` leaves as it is.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    /// A new password.
    pub password: Option<String>,
    /// Enable or disable.
    pub enabled: Option<bool>,
    /// Administrator or not.
    pub admin: Option<bool>,
    /// Time zone for display, an IANA name that the caller has checked.
    pub time_zone: Option<String>,
}

/// What `session add` is told.
#[derive(Debug, Clone)]
pub struct NewSessionOrder {
    /// Application id, api key or name.
    pub app: String,
    /// Uid or name.
    pub user: String,
    /// Seconds; `None` never expires.
    pub ttl_secs: Option<i64>,
    /// A given session key.
    pub session_key: Option<String>,
    /// A given session secret.
    pub session_secret: Option<String>,
}

/// A given secret: 16 to 64 printable ASCII characters (protocol 21.1).
pub(crate) fn given_secret(what: &str, text: &str) -> Result<Secret, AccountError> {
    let printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if printable && (16..=64).contains(&text.len()) {
        return Ok(Secret::new(text));
    }
    Err(AccountError::Invalid(format!(
        "a given {what} has 16 to 64 printable ASCII characters"
    )))
}

impl Accounts {
    /// `USER` of the command line: a uid or a name.
    ///
    /// # Errors
    /// `NotFound`; when the books fail.
    pub async fn find_user(&self, user: &str) -> Result<Arc<User>, AccountError> {
        self.lookup_user(user)
            .await?
            .ok_or_else(|| AccountError::NotFound(format!("there is no user with the uid or name {user:?}")))
    }

    /// The user of a uid or a name; names are never all digits, so the two cannot be confused.
    pub(crate) async fn lookup_user(&self, user: &str) -> Result<Option<Arc<User>>, AccountError> {
        match user.parse::<Uid>() {
            Ok(uid) => Ok(self.ports.store.user(uid).await?),
            Err(_) => Ok(self.ports.store.user_by_name(user).await?),
        }
    }

    /// The user of a uid.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn user(&self, uid: Uid) -> Result<Option<Arc<User>>, AccountError> {
        Ok(self.ports.store.user(uid).await?)
    }

    /// All users, by uid.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn users(&self) -> Result<Vec<Arc<User>>, AccountError> {
        Ok(self.ports.store.users().await?)
    }

    /// `user add`.
    ///
    /// # Errors
    /// `Invalid` for a name, uid or password that breaks a rule or is taken; when books or hashing fail.
    pub async fn add_user(&self, user: NewUser) -> Result<Arc<User>, AccountError> {
        check_name("a user", &user.name)?;
        let password_hash = match user.password {
            Some(password) => Some(self.hash_password(password).await?),
            None => None,
        };
        let mut row = User {
            uid: user.uid.map_or_else(|| self.random_uid(), Ok)?,
            name: user.name,
            password_hash,
            admin: user.admin,
            enabled: true,
            created_at: self.ports.clock.wall(),
            time_zone: "UTC".to_owned(),
        };
        for _ in 0..ID_ATTEMPTS_MAX {
            match self.commit(vec![Write::AddUser(row.clone())]).await {
                Ok(_) => return Ok(Arc::new(row)),
                Err(AccountError::Conflict(Conflict::IdTaken)) if user.uid.is_none() => {
                    row.uid = self.random_uid()?;
                }
                Err(error) => return Err(user_taken(error, &row)),
            }
        }
        Err(AccountError::Conflict(Conflict::IdTaken))
    }

    /// `user set`.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for a password that breaks a rule; when books or hashing fail.
    pub async fn set_user(&self, user: &str, change: UserChange) -> Result<Arc<User>, AccountError> {
        let password_hash = match change.password {
            Some(password) => Some(self.hash_password(password).await?),
            None => None,
        };
        for _ in 0..CHANGE_ATTEMPTS_MAX {
            let older = self.find_user(user).await?;
            let mut row = older.as_ref().clone();
            row.password_hash = password_hash.clone().or(row.password_hash);
            row.enabled = change.enabled.unwrap_or(row.enabled);
            row.admin = change.admin.unwrap_or(row.admin);
            row.time_zone = change.time_zone.clone().unwrap_or(row.time_zone);
            let writes = vec![Write::ExpectUser(older), Write::SetUser(row.clone())];
            match self.commit(writes).await {
                Err(AccountError::Conflict(Conflict::Changed)) => {}
                result => return result.map(|_| Arc::new(row)),
            }
        }
        Err(AccountError::Conflict(Conflict::Changed))
    }

    /// `user erase`: everything held on a person goes, delivery to them stops; their test people go with them, and hooks hear that all
    /// of these have withdrawn.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` while they own applications; when the books fail.
    pub async fn erase_user(&self, user: &str) -> Result<Arc<User>, AccountError> {
        let row = self.find_user(user).await?;
        let owned = self.apps_of(row.uid).await?;
        if !owned.is_empty() {
            return Err(owns_apps(&row, &owned));
        }
        for person in self.ports.store.test_mode(row.uid).await?.people {
            if let Some(person) = self.user(person).await? {
                self.erase_row(&person).await?;
            }
        }
        self.erase_row(&row).await?;
        Ok(row)
    }

    async fn erase_row(&self, row: &User) -> Result<(), AccountError> {
        let grants = self.ports.store.grants_of(row.uid).await?;
        let mut writes = Vec::new();
        for grant in &grants {
            writes.extend(self.remove_hook(grant.app, row.uid).await?);
        }
        writes.push(Write::EraseUser(row.uid));
        match self.commit(writes).await {
            Ok(_) => self.ports.posting.knock(),
            Err(AccountError::Conflict(Conflict::OwnsApps)) => {
                return Err(owns_apps(row, &self.apps_of(row.uid).await?));
            }
            Err(error) => return Err(error),
        }
        for grant in grants {
            self.tell_withdrawn(grant.app, row.uid).await;
        }
        Ok(())
    }

    /// `grant add`.
    ///
    /// # Errors
    /// `NotFound`; when the books fail.
    pub async fn add_grant(&self, app: &str, user: &str, feed: bool) -> Result<Grant, AccountError> {
        let (app, user) = (self.find_app(app).await?, self.find_user(user).await?);
        let told = self.authorize_hook(&app, &user, Assent::default());
        let (app, user) = (app.id, user.uid);
        let mut writes: Vec<Write> = told.into_iter().collect();
        writes.extend([
            Write::AcceptTerms {
                app,
                user,
                added: false,
            },
            Write::SwitchStories { app, user, feed },
        ]);
        self.commit(writes).await?;
        self.ports.posting.knock();
        self.present_grant(app, user).await
    }

    /// `grant remove`: what was accepted until now.
    ///
    /// # Errors
    /// `NotFound`, also when the user has not accepted the application; when the books fail.
    pub async fn remove_grant(&self, app: &str, user: &str) -> Result<Grant, AccountError> {
        let (app, user) = (self.find_app(app).await?, self.find_user(user).await?);
        let grant = self
            .grant(app.id, user.uid)
            .await?
            .ok_or_else(|| AccountError::NotFound(format!("{} has not accepted {}", user.name, app.name)))?;
        self.withdraw(app.id, user.uid).await?;
        Ok(grant)
    }

    /// `session add`; the user need not have accepted the application.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for a given value outside its grammar or in use; when the books fail.
    pub async fn add_session(&self, order: NewSessionOrder) -> Result<Session, AccountError> {
        let (app, user) = (
            self.find_app(&order.app).await?,
            self.find_user(&order.user).await?,
        );
        if order.ttl_secs.is_some_and(|ttl| ttl < 1) {
            return Err(AccountError::Invalid("a session lasts at least 1 s".to_owned()));
        }
        let now = self.ports.clock.wall();
        let new = NewSession {
            key: self.session_key(order.session_key.as_deref(), &user)?,
            app: app.id,
            user: user.uid,
            secret: match order.session_secret.as_deref() {
                Some(given) => given_secret("session secret", given)?,
                None => Secret::new(format!("{}__", self.random_hex::<16>())),
            },
            expires: order.ttl_secs.map(|ttl| now.secs().saturating_add(ttl)),
            kind: SessionKind::Fixed,
        };
        let made = match self.commit(vec![Write::AddSession(new.clone())]).await {
            Err(AccountError::Conflict(Conflict::KeyTaken)) => {
                return Err(AccountError::Invalid(format!(
                    "the session key {} is in use; remove that session first",
                    new.key
                )));
            }
            other => other?,
        };
        session_made(new, &made, now)
    }

    /// `session remove`.
    ///
    /// # Errors
    /// `NotFound`; when the books fail.
    pub async fn remove_session(&self, session_key: &str) -> Result<(), AccountError> {
        let unknown = || AccountError::NotFound(format!("there is no session with the key {session_key:?}"));
        let key = session_key.parse::<SessionKey>().map_err(|_| unknown())?;
        let session = self.ports.store.session(&key).await?.ok_or_else(unknown)?;
        self.commit(vec![Write::EndSession(session.id)]).await?;
        if let Err(fault) = self.ports.deliver.end_session(session.id).await {
            tracing::warn!(%fault, "end of a session not told to delivery at once");
        }
        Ok(())
    }

    /// Forgets the call order of a session of this application, so that its next call may carry any value: what the application's
    /// owner may do (protocol 9.6).
    ///
    /// # Errors
    /// `NotFound`, also for another application's session; when the books fail.
    pub async fn reset_call_order(&self, app: AppId, session_key: &str) -> Result<(), AccountError> {
        let unknown = || {
            AccountError::NotFound(format!(
                "the application has no session with the key {session_key:?}"
            ))
        };
        let key = session_key.parse::<SessionKey>().map_err(|_| unknown())?;
        let session = self.ports.store.session(&key).await?;
        let session = session.filter(|session| session.app == app).ok_or_else(unknown)?;
        self.commit(vec![Write::ResetCallOrder(session.id)]).await?;
        if let Err(fault) = self.ports.ledger.reset(session.id).await {
            tracing::warn!(%fault, "a reset call order not told to the ledger at once");
        }
        Ok(())
    }

    /// Ends the session of a key if it belongs to this user: what a person's log out does (protocol 18.8).
    ///
    /// # Errors
    /// When the books fail.
    pub async fn end_own_session(&self, user: Uid, session_key: &str) -> Result<bool, AccountError> {
        let Ok(key) = session_key.parse::<SessionKey>() else {
            return Ok(false);
        };
        let session = self.ports.store.session(&key).await?;
        if session.is_none_or(|session| session.user != user) {
            return Ok(false);
        }
        match self.remove_session(session_key).await {
            Ok(()) => Ok(true),
            Err(AccountError::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Tells delivery what the committed change row says to every node too, so that a fault here is only a delay.
    pub(super) async fn tell_withdrawn(&self, app: AppId, user: Uid) {
        let at = self.ports.clock.wall();
        if let Err(fault) = self.ports.deliver.withdraw(app, user, at).await {
            tracing::warn!(app.id = app.get(), user.id = user.get(), %fault, "withdrawal not told to delivery at once");
        }
    }

    /// A given session key of this user, or a new one.
    fn session_key(&self, given: Option<&str>, user: &User) -> Result<SessionKey, AccountError> {
        let bad = || {
            AccountError::Invalid(format!(
                "a given session key is 24 digits 0-9a-f, a hyphen and the uid, here {}",
                user.uid
            ))
        };
        match given {
            Some(text) => {
                let key = text.parse::<SessionKey>().map_err(|_| bad())?;
                if key.uid() == user.uid {
                    Ok(key)
                } else {
                    Err(bad())
                }
            }
            None => SessionKey::of(&self.random_hex::<12>(), user.uid).map_err(|_| bad()),
        }
    }

    /// A random uid.
    pub(super) fn random_uid(&self) -> Result<Uid, AccountError> {
        Uid::new(self.random_number()).ok_or(AccountError::Conflict(Conflict::IdTaken))
    }

    /// The hash of a password that keeps the rules.
    async fn hash_password(&self, password: String) -> Result<String, AccountError> {
        let (shortest, longest) = (self.config.password_chars_min, self.config.password_bytes_max);
        if password.chars().count() < shortest {
            return Err(AccountError::Invalid(format!(
                "a password has at least {shortest} characters"
            )));
        }
        if password.len() > longest {
            return Err(AccountError::Invalid(format!(
                "a password has at most {longest} bytes"
            )));
        }
        Ok(self.ports.passwords.hash(password).await?)
    }
}

/// The session that a commit made.
fn session_made(new: NewSession, made: &[Made], now: WallMs) -> Result<Session, AccountError> {
    let id = made.iter().find_map(|made| match made {
        Made::Session(id) => Some(*id),
        Made::Story { .. } => None,
    });
    Ok(Session {
        id: id.ok_or(AccountError::Conflict(Conflict::Missing))?,
        key: new.key,
        app: new.app,
        user: new.user,
        secret: new.secret,
        expires: new.expires,
        kind: new.kind,
        created_at: now,
    })
}

/// A conflict of `user add`, naming the value that is taken.
fn user_taken(error: AccountError, row: &User) -> AccountError {
    if error == AccountError::Conflict(Conflict::IdTaken) {
        AccountError::Invalid(format!("the uid {} is already in use", row.uid))
    } else if error == AccountError::Conflict(Conflict::NameTaken) {
        AccountError::Invalid(format!("there is already a user named {}", row.name))
    } else {
        error
    }
}

/// Why an owner cannot be erased, and what to do first.
fn owns_apps(user: &User, owned: &[Arc<App>]) -> AccountError {
    let names: Vec<&str> = owned.iter().map(|app| app.name.as_str()).collect();
    AccountError::Invalid(format!(
        "{} owns {}; give each to somebody else first (crier app set APP owner=USER) or erase it (crier app erase APP)",
        user.name,
        names.join(", ")
    ))
}
