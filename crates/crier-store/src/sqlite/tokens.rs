//! Auth tokens: new, bound, used; each step once (protocol 10.1).

use super::pen::{Halt, Pen};
use super::rows::{Columns, bad};
use crier_platform::model::login::TokenDigest;
use crier_platform::model::token::{AuthToken, TokenState};
use crier_platform::ports::store::Conflict;
use crier_proto::ids::{AppId, Uid};
use rusqlite::{Connection, OptionalExtension, Row};

fn read(row: &Row<'_>) -> rusqlite::Result<AuthToken> {
    let word = row.get_ref("state")?.as_str().map_err(|_| bad("state"))?;
    let state = match word {
        "new" => TokenState::New,
        "bound" => TokenState::Bound {
            user: row.user("user")?,
            lasting: row.get("lasting")?,
        },
        "code" => TokenState::Code {
            user: row.user("user")?,
        },
        "used" => TokenState::Used,
        _ => return Err(bad("state")),
    };
    Ok(AuthToken {
        token: row.digest("token")?,
        app: row.app("app")?,
        state,
        expires_at: row.wall("expires_ms")?,
    })
}

/// A token in any state.
pub(crate) fn find(connection: &Connection, token: TokenDigest) -> rusqlite::Result<Option<AuthToken>> {
    connection
        .prepare_cached("SELECT * FROM auth_token WHERE token = ?1")?
        .query_row([token.0], read)
        .optional()
}

impl Pen<'_> {
    /// `Write::AddAuthToken`. A typed code that was used or has expired may be drawn again; a user's new code voids the one before.
    pub(crate) fn add_auth_token(&self, token: &AuthToken) -> Result<(), Halt> {
        let (state, user, lasting) = match token.state {
            TokenState::New => ("new", None, false),
            TokenState::Bound { user, lasting } => {
                self.require_user(user)?;
                ("bound", Some(user.get()), lasting)
            }
            TokenState::Code { user } => {
                self.require_user(user)?;
                self.run(
                    "DELETE FROM auth_token WHERE user = ?1 AND app = ?2 AND state = 'code'",
                    (user.get(), token.app.get()),
                )?;
                ("code", Some(user.get()), true)
            }
            TokenState::Used => ("used", None, false),
        };
        let added = self.run(
            "INSERT INTO auth_token (token, app, state, user, lasting, expires_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (token) DO UPDATE SET app = ?2, state = ?3, user = ?4, lasting = ?5, expires_ms = ?6
             WHERE auth_token.state = 'used' OR auth_token.expires_ms <= ?7",
            (token.token.0, token.app.get(), state, user, lasting, token.expires_at.0, self.now.0),
        )?;
        if added == 0 {
            Err(Halt::Refused(Conflict::KeyTaken))
        } else {
            Ok(())
        }
    }

    /// `Write::BindAuthToken`, for a user and whether the session never expires.
    pub(crate) fn bind_auth_token(
        &self,
        token: TokenDigest,
        app: AppId,
        (user, lasting): (Uid, bool),
    ) -> Result<(), Halt> {
        let bound = self.run(
            "UPDATE auth_token SET state = 'bound', user = ?3, lasting = ?4
             WHERE token = ?1 AND app = ?2 AND state = 'new' AND expires_ms > ?5",
            (token.0, app.get(), user.get(), lasting, self.now.0),
        )?;
        if bound == 0 {
            Err(Halt::Refused(Conflict::TokenNotUsable))
        } else {
            Ok(())
        }
    }

    /// `Write::UseAuthToken`.
    pub(crate) fn use_auth_token(&self, token: TokenDigest, app: AppId) -> Result<(), Halt> {
        let used = self.run(
            "UPDATE auth_token SET state = 'used', user = NULL
             WHERE token = ?1 AND app = ?2 AND state IN ('bound', 'code') AND expires_ms > ?3",
            (token.0, app.get(), self.now.0),
        )?;
        if used == 0 {
            Err(Halt::Refused(Conflict::TokenNotUsable))
        } else {
            Ok(())
        }
    }
}
