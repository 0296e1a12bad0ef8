//! What the frame of a canvas page is told of its visitor: the signed set `fb_sig_*` (protocol 18.9, 19.1, 19.2, 19.7).
//!
//! Promise: a set always holds `added`, so that it can never be taken for a call; it names a session only of somebody who has
//! accepted the application. Knows nothing of addresses.

use super::ways_in::PageSession;
use super::{AccountError, Accounts};
use crate::model::app::{App, AppKind, SignatureSetting};
use crate::model::time::WallMs;
use crate::model::user::User;
use crier_proto::secret::Secret;
use crier_proto::signed_set;

/// What every page is told of its visitor's language: the site has one.
const LOCALE: &str = "en_US";

/// Names without their prefix, and values.
pub(super) type Fields = Vec<(&'static str, String)>;

/// A time as the sets write it: Unix seconds with four decimals (protocol 19.2).
pub(super) fn set_time(now: WallMs) -> String {
    format!("{}.{:03}0", now.secs(), now.0.rem_euclid(1_000))
}

/// A set with its prefix, its signature and, where the application wants HMAC, `crier_sig` (protocol 19.1, 19.7).
pub(super) fn signed(app: &App, fields: &Fields, secret: &Secret) -> Vec<(String, String)> {
    let set: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let mut sent: Vec<(String, String)> = fields
        .iter()
        .map(|(name, value)| (format!("fb_sig_{name}"), value.clone()))
        .collect();
    sent.push(("fb_sig".to_owned(), signed_set::sign(&set, secret)));
    if app.settings.signature == SignatureSetting::Hmac {
        sent.push(("crier_sig".to_owned(), signed_set::crier_sig(&set, secret)));
    }
    sent
}

/// What is told of somebody with a session.
fn of_session(app: &App, user: &User, session: &PageSession) -> Fields {
    let mut fields = vec![
        ("user", session.user.to_string()),
        ("session_key", session.key.to_string()),
        ("expires", session.expires.to_string()),
        ("profile_update_time", user.created_at.secs().to_string()),
    ];
    if app.canvas_ss {
        fields.push(("ss", session.secret.expose().to_owned()));
    }
    fields
}

impl Accounts {
    /// The pairs that go behind a canvas frame's address, for somebody who is logged in or nobody.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn canvas_pairs(
        &self,
        app: &App,
        visitor: Option<&User>,
    ) -> Result<Vec<(String, String)>, AccountError> {
        let (mut added, mut secret) = (false, app.secret.clone());
        let mut fields = match visitor {
            None => vec![("logged_out_facebook", "1".to_owned())],
            Some(user) => match self.canvas_session(app, user).await? {
                None => vec![("canvas_user", user.uid.to_string())],
                Some(session) => {
                    let grant = self.grant(app.id, user.uid).await?;
                    let mut fields = of_session(app, user, &session);
                    if grant.is_some_and(|grant| grant.offline_access) {
                        fields.push(("ext_perms", "offline_access".to_owned()));
                    }
                    added = grant.is_some_and(|grant| grant.added);
                    if app.kind == AppKind::Desktop {
                        secret = session.secret;
                    }
                    fields
                }
            },
        };
        fields.extend([
            ("added", u8::from(added).to_string()),
            ("api_key", app.api_key.to_string()),
            ("app_id", app.id.to_string()),
            ("in_iframe", "1".to_owned()),
            ("in_new_facebook", "1".to_owned()),
            ("locale", LOCALE.to_owned()),
            ("position_fix", "1".to_owned()),
            ("request_method", "GET".to_owned()),
            ("time", set_time(self.ports.clock.wall())),
        ]);
        fields.sort_unstable();
        Ok(signed(app, &fields, &secret))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_four_decimals() {
        for (ms, text) in [
            (1_217_611_242_123, "1217611242.1230"),
            (5, "0.0050"),
            (60_000, "60.0000"),
        ] {
            assert_eq!(set_time(WallMs(ms)), text);
        }
    }
}
