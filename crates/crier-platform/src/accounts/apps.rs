//! What an operator does with applications (operating section 3; protocol section 17).
//!
//! Promise: a change is whole or absent; the origin of a callback is always among the origins.

use super::admin::given_secret;
use super::allow_ip::read_allow_ip;
use super::login::after;
use super::origins::{check_address, join_origins};
use super::settings::{apply, check_canvas};
use super::{AccountError, Accounts, CHANGE_ATTEMPTS_MAX, ID_ATTEMPTS_MAX, check_name};
use crate::model::app::{App, AppKind, ProfileName, Receipts};
use crate::model::time::WallMs;
use crate::ports::store::{Conflict, Write};
use crier_proto::ids::{ApiKey, AppId, Uid};
use crier_proto::secret::Secret;
use std::sync::Arc;

/// Calls in 60 s of a new application (protocol 17.2).
const CALLS_PER_MINUTE_DEFAULT: u32 = 6000;

/// What `app add` is told.
#[derive(Debug, Clone)]
pub struct NewApp {
    /// The name.
    pub name: String,
    /// Uid or name of the owner.
    pub owner: String,
    /// The profile.
    pub profile: ProfileName,
    /// Callback URL, or empty.
    pub callback: String,
    /// Canvas name, or empty.
    pub canvas: String,
    /// Web or desktop.
    pub kind: AppKind,
    /// `allow_ip` as written, comma-separated.
    pub allow_ip: String,
    /// Origins as written.
    pub origins: Vec<String>,
    /// A given api key, for replaying recorded calls.
    pub api_key: Option<String>,
    /// A given secret: 16 to 64 printable ASCII characters (protocol 21.1).
    pub secret: Option<String>,
}

/// An application after `app set`.
#[derive(Debug, Clone)]
pub struct ChangedApp {
    /// As it is now.
    pub app: Arc<App>,
    /// The receipt secret, if this change has made it: it is shown this once.
    pub receipt_secret: Option<Secret>,
}

impl Accounts {
    /// `APP` of the command line: an application id, an api key or a name.
    ///
    /// # Errors
    /// `NotFound`; when the books fail.
    pub async fn find_app(&self, app: &str) -> Result<Arc<App>, AccountError> {
        let store = &self.ports.store;
        let found = if let Ok(key) = app.parse::<ApiKey>() {
            store.app_by_key(&key).await?
        } else if let Ok(id) = app.parse::<AppId>() {
            store.app(id).await?
        } else {
            store.app_by_name(app).await?
        };
        found.ok_or_else(|| {
            AccountError::NotFound(format!(
                "there is no application with the number, api_key or name {app:?}"
            ))
        })
    }

    /// The application of an api key, as a page's address carries it.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn app_by_key(&self, api_key: &str) -> Result<Option<Arc<App>>, AccountError> {
        match api_key.parse::<ApiKey>() {
            Ok(key) => Ok(self.ports.store.app_by_key(&key).await?),
            Err(_) => Ok(None),
        }
    }

    /// The enabled application behind a canvas name.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn app_by_canvas(&self, canvas: &str) -> Result<Option<Arc<App>>, AccountError> {
        let app = self.ports.store.app_by_canvas(canvas).await?;
        Ok(app.filter(|app| app.enabled))
    }

    /// The application of a number.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn app(&self, id: AppId) -> Result<Option<Arc<App>>, AccountError> {
        Ok(self.ports.store.app(id).await?)
    }

    /// All applications, by id.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn apps(&self) -> Result<Vec<Arc<App>>, AccountError> {
        Ok(self.ports.store.apps().await?)
    }

    /// The applications that a user owns, by id.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn apps_of(&self, owner: Uid) -> Result<Vec<Arc<App>>, AccountError> {
        let mut apps = self.apps().await?;
        apps.retain(|app| app.owner == owner);
        Ok(apps)
    }

    /// `app add`.
    ///
    /// # Errors
    /// `Invalid` for a value that breaks a rule or is taken; `NotFound` for the owner; when the books fail.
    pub async fn add_app(&self, app: NewApp) -> Result<Arc<App>, AccountError> {
        check_app_name(&app.name)?;
        check_address("callback", &app.callback)?;
        check_canvas(&app.canvas)?;
        let given = app.api_key.is_some();
        let owner = self.find_user(&app.owner).await?.uid;
        let mut row = App {
            api_key: self.api_key(app.api_key.as_deref())?,
            kind: app.kind,
            profile: app.profile,
            settings: app.profile.settings(),
            allow_ip: read_allow_ip(&app.allow_ip)?,
            origins: join_origins(&app.origins, &app.callback)?,
            name: app.name,
            callback: app.callback,
            canvas: app.canvas,
            ..self.blank_app(owner)?
        };
        if let Some(text) = app.secret.as_deref() {
            row.secret = given_secret("application secret", text)?;
        }
        self.insert_app(row, given, &[]).await
    }

    /// A row with keys of its own and every setting at its default, without a name.
    pub(super) fn blank_app(&self, owner: Uid) -> Result<App, AccountError> {
        let profile = ProfileName::Documented;
        Ok(App {
            id: self.random_app_id()?,
            api_key: self.api_key(None)?,
            secret: Secret::new(self.random_hex::<16>()),
            previous_secret: None,
            name: String::new(),
            owner,
            kind: AppKind::Web,
            profile,
            settings: profile.settings(),
            allow_ip: Vec::new(),
            calls_per_minute: CALLS_PER_MINUTE_DEFAULT,
            callback: String::new(),
            canvas: String::new(),
            origins: Vec::new(),
            icon: String::new(),
            icon_picture: None,
            canvas_ss: false,
            receipts: Receipts::default(),
            native_clients: false,
            post_authorize: String::new(),
            post_remove: String::new(),
            enabled: true,
            created_at: self.ports.clock.wall(),
        })
    }

    /// Adds a row if the conditions hold; a number or a key of ours that is taken is made anew, a given key is not.
    pub(super) async fn insert_app(
        &self,
        mut row: App,
        key_is_given: bool,
        conditions: &[Write],
    ) -> Result<Arc<App>, AccountError> {
        for _ in 0..ID_ATTEMPTS_MAX {
            let mut writes = conditions.to_vec();
            writes.push(Write::AddApp(Box::new(row.clone())));
            match self.commit(writes).await {
                Ok(_) => return Ok(Arc::new(row)),
                Err(AccountError::Conflict(Conflict::IdTaken)) => row.id = self.random_app_id()?,
                Err(AccountError::Conflict(Conflict::KeyTaken)) if !key_is_given => {
                    row.api_key = self.api_key(None)?;
                }
                Err(error) => return Err(app_taken(error, &row)),
            }
        }
        Err(AccountError::Conflict(Conflict::IdTaken))
    }

    /// `app set APP KEY=VALUE…`: all or none; an unknown key or value is one sentence naming it and what is possible.
    /// `profile` sets its row first, wherever it stands, so that single settings given with it hold.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for a key, a value, a key given twice or a name that is taken; when the books fail.
    pub async fn set_app(&self, app: &str, settings: &[(String, String)]) -> Result<Arc<App>, AccountError> {
        self.change_app(app, settings).await.map(|changed| changed.app)
    }

    /// The same, for who may see the receipt secret that a first address for receipts has made.
    ///
    /// # Errors
    /// Those of `set_app`.
    pub async fn change_app(
        &self,
        app: &str,
        settings: &[(String, String)],
    ) -> Result<ChangedApp, AccountError> {
        if let Some((key, _)) = first_repeated(settings) {
            return Err(AccountError::Invalid(format!("{key} is given twice")));
        }
        for _ in 0..CHANGE_ATTEMPTS_MAX {
            let older = self.find_app(app).await?;
            let mut row = self.with_settings(&older, settings).await?;
            let receipt_secret = self.first_receipt_secret(&mut row);
            match self.store_app(older, row).await {
                Err(AccountError::Conflict(Conflict::Changed)) => {}
                Err(error) => return Err(error),
                Ok(app) => return Ok(ChangedApp { app, receipt_secret }),
            }
        }
        Err(AccountError::Conflict(Conflict::Changed))
    }

    /// An application's row with these settings.
    pub(super) async fn with_settings(
        &self,
        older: &App,
        settings: &[(String, String)],
    ) -> Result<App, AccountError> {
        let mut row = older.clone();
        let (profiles, others): (Vec<_>, Vec<_>) =
            settings.iter().partition(|(key, _)| key.as_str() == "profile");
        for (key, value) in profiles.into_iter().chain(others) {
            match key.as_str() {
                "owner" => row.owner = self.find_user(value).await?.uid,
                "name" => {
                    check_app_name(value).map_err(|error| error.of_setting(key))?;
                    row.name.clone_from(value);
                }
                _ => apply(&mut row, key, value).map_err(|error| error.of_setting(key))?,
            }
        }
        if !settings.iter().any(|(key, _)| key == "origins") && row.callback != older.callback {
            forget_origin_of(&mut row.origins, &older.callback);
        }
        let joined = join_origins(&row.origins, &row.callback);
        row.origins = joined.map_err(|error| error.of_setting("origins"))?;
        Ok(row)
    }

    /// `app rotate-secret`: the new secret, and until when the previous one signs too.
    ///
    /// # Errors
    /// `NotFound`; when the books fail.
    pub async fn rotate_secret(&self, app: &str) -> Result<(Secret, WallMs), AccountError> {
        let older = self.find_app(app).await?;
        let mut row = older.as_ref().clone();
        let until = after(self.ports.clock.wall(), self.config.secret_overlap);
        let secret = Secret::new(self.random_hex::<16>());
        let previous = std::mem::replace(&mut row.secret, secret.clone());
        row.previous_secret = Some((previous, until));
        self.store_app(older, row).await?;
        Ok((secret, until))
    }

    /// Ends the overlap of a rotation at once: from now on the present secret alone signs calls.
    ///
    /// # Errors
    /// `NotFound`; when the books fail.
    pub async fn end_previous_secret(&self, app: &str) -> Result<(), AccountError> {
        let older = self.find_app(app).await?;
        let mut row = older.as_ref().clone();
        row.previous_secret = None;
        self.store_app(older, row).await.map(|_| ())
    }

    /// `app enable` and `app disable`.
    ///
    /// # Errors
    /// `NotFound`; when the books fail.
    pub async fn enable_app(&self, app: &str, enabled: bool) -> Result<Arc<App>, AccountError> {
        let enabled = if enabled { "yes" } else { "no" };
        self.set_app(app, &[("enabled".to_owned(), enabled.to_owned())])
            .await
    }

    /// Replaces an application's row, if it is still as it was read, and tells delivery what it must know at once.
    pub(super) async fn store_app(&self, older: Arc<App>, row: App) -> Result<Arc<App>, AccountError> {
        let writes = vec![Write::ExpectApp(older), Write::SetApp(Box::new(row.clone()))];
        match self.commit(writes).await {
            Ok(_) => {}
            Err(error) => return Err(app_taken(error, &row)),
        }
        if !row.enabled
            && let Err(fault) = self.ports.deliver.disable_app(row.id).await
        {
            tracing::warn!(app.id = row.id.get(), %fault, "disabled application not told to delivery at once");
        }
        Ok(Arc::new(row))
    }

    /// `app erase`: the application and everything of its own goes, from every feed too; delivery by it stops.
    ///
    /// # Errors
    /// `NotFound`; when the books fail.
    pub async fn erase_app(&self, app: &str) -> Result<Arc<App>, AccountError> {
        let row = self.find_app(app).await?;
        self.commit(vec![Write::EraseApp(row.id)]).await?;
        if let Err(fault) = self.ports.deliver.disable_app(row.id).await {
            tracing::warn!(app.id = row.id.get(), %fault, "erased application not told to delivery at once");
        }
        Ok(row)
    }

    /// A given api key, or a new one.
    fn api_key(&self, given: Option<&str>) -> Result<ApiKey, AccountError> {
        let fresh = || self.random_hex::<16>();
        given
            .map_or_else(fresh, str::to_owned)
            .parse()
            .map_err(|_| AccountError::Invalid("a given api_key is 32 digits 0-9a-f".to_owned()))
    }

    /// A random application id.
    fn random_app_id(&self) -> Result<AppId, AccountError> {
        AppId::new(self.random_number()).ok_or(AccountError::Conflict(Conflict::IdTaken))
    }
}

/// An application's name is no number and no api key, so that `APP` of the command line has one meaning.
fn check_app_name(name: &str) -> Result<(), AccountError> {
    check_name("an application", name)?;
    if name.parse::<ApiKey>().is_ok() {
        return Err(AccountError::Invalid(
            "the name of an application may not look like an api_key".to_owned(),
        ));
    }
    Ok(())
}

/// The first key that stands twice.
fn first_repeated(settings: &[(String, String)]) -> Option<&(String, String)> {
    settings
        .iter()
        .enumerate()
        .find(|(place, (key, _))| settings.iter().take(*place).any(|(earlier, _)| earlier == key))
        .map(|(_, pair)| pair)
}

/// A callback that moves takes its origin with it.
fn forget_origin_of(origins: &mut Vec<String>, callback: &str) {
    if let Some(own) = super::origins::origin_of(callback) {
        origins.retain(|origin| *origin != own);
    }
}

/// A conflict of an application's row, naming the value that is taken.
fn app_taken(error: AccountError, row: &App) -> AccountError {
    if error == AccountError::Conflict(Conflict::NameTaken) {
        AccountError::Invalid(format!("there is already an application named {}", row.name))
            .of_setting("name")
    } else if error == AccountError::Conflict(Conflict::CanvasTaken) {
        AccountError::Invalid(format!("the canvas name {} is already taken", row.canvas)).of_setting("canvas")
    } else if error == AccountError::Conflict(Conflict::KeyTaken) {
        AccountError::Invalid(format!("the api_key {} is already in use", row.api_key))
    } else {
        error
    }
}
