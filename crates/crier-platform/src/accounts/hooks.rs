//! The hooks `post_authorize` and `post_remove` (protocol 19.6): what is queued with an acceptance and with a withdrawal, and the
//! set that a post carries.
//!
//! Promise: a set is the same on every attempt, signed with the secret that the application has at that moment. Posts nothing.

use super::canvas::{Fields, set_time, signed};
use super::terms::Assent;
use super::{AccountError, Accounts};
use crate::model::app::App;
use crate::model::bad_key::{BadKey, at_least};
use crate::model::hook::{HookKind, HookPost, HookWrite, Told};
use crate::model::quantity::Span;
use crate::model::user::User;
use crate::ports::store::{StoreFault, Write};
use crate::sessions::Lasting;
use bytes::Bytes;
use crier_proto::ids::{AppId, Uid};
use crier_proto::signed_set;

/// Section `[hooks]`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HooksConfig {
    /// Posts of one application that wait: `hooks.waiting_max`.
    pub waiting_max: u32,
    /// Posts under way, one of each hook: `hooks.requests_max`.
    pub requests_max: usize,
    /// From the look-up of the receiver's name to the status of its answer: `hooks.deadline`.
    pub deadline: Span,
}

impl Default for HooksConfig {
    fn default() -> Self {
        Self {
            waiting_max: 10_000,
            requests_max: 32,
            deadline: Span(5_000),
        }
    }
}

impl HooksConfig {
    /// What no single value's type can say.
    ///
    /// # Errors
    /// The key, and what is wrong with its value.
    pub fn check(&self) -> Result<(), BadKey> {
        at_least("hooks.waiting_max", self.waiting_max, 1)?;
        at_least("hooks.requests_max", self.requests_max, 1)?;
        at_least("hooks.deadline", self.deadline, Span(1))
    }
}

impl Accounts {
    /// What stands before a user's acceptance in its unit; nothing when the application does not want to hear of it.
    pub(super) fn authorize_hook(&self, app: &App, user: &User, assent: Assent) -> Option<Write> {
        let lasting = Lasting::kept_if(assent.offline_access || assent.lasting);
        let told = || HookWrite::TellAccepted {
            session: self.draw_session(app, user, lasting),
            added: assent.added,
            waiting_max: self.hooks.waiting_max,
        };
        (!app.post_authorize.is_empty()).then(|| Write::Hook(told()))
    }

    /// What stands before a user's withdrawal in its unit; nothing when the application does not want to hear of it.
    pub(super) async fn remove_hook(&self, app: AppId, user: Uid) -> Result<Option<Write>, AccountError> {
        let found = self.ports.store.app(app).await?;
        let wanted = found.is_some_and(|app| !app.post_remove.is_empty());
        Ok(wanted.then_some(Write::Hook(HookWrite::TellWithdrawn {
            app,
            user,
            waiting_max: self.hooks.waiting_max,
        })))
    }

    /// Where a post goes, and its body; nothing when nobody wants it any more.
    pub(crate) async fn hook_request(&self, post: &HookPost) -> Result<Option<(String, Bytes)>, StoreFault> {
        let Some(app) = self.ports.store.app(post.app).await? else {
            return Ok(None);
        };
        let address = match post.told.kind() {
            HookKind::Authorize => &app.post_authorize,
            HookKind::Remove => &app.post_remove,
        };
        if address.is_empty() {
            return Ok(None);
        }
        let mut fields: Fields = vec![
            ("api_key", app.api_key.to_string()),
            ("time", set_time(post.at)),
            ("user", post.user.to_string()),
        ];
        match &post.told {
            Told::Accepted {
                added,
                session,
                expires,
            } => {
                let Some(user) = self.ports.store.user(post.user).await? else {
                    return Ok(None);
                };
                fields.extend([
                    ("added", u8::from(*added).to_string()),
                    ("authorize", "1".to_owned()),
                    ("expires", expires.to_string()),
                    ("profile_update_time", user.created_at.secs().to_string()),
                    ("session_key", session.to_string()),
                ]);
            }
            Told::Withdrawn => fields.extend([("added", "0".to_owned()), ("uninstall", "1".to_owned())]),
        }
        fields.sort_unstable();
        let pairs = signed(&app, &fields, &app.secret);
        let pairs: Vec<(&str, &str)> = pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        Ok(Some((
            address.clone(),
            signed_set::urlencoded(&pairs).into_bytes().into(),
        )))
    }
}
