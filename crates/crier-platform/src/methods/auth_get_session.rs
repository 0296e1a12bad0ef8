//! `auth.getSession` (protocol 15.2, 10.2, 10.3): a bound auth token buys one session.
//!
//! A token that is not bound yet is 100 and nothing else: the period's clients take exactly that for "not logged in".

use super::registry::Method;
use crate::grammar::{bool_param, invalid};
use crate::model::app::{App, AppKind, Settings};
use crate::model::login::TokenDigest;
use crate::model::session::SessionKind;
use crate::model::token::TokenState;
use crate::ports::store::{Conflict, NewSession, Write};
use crate::unit::{Halt, Outcome, Unit};
use crate::verified::VerifiedCall;
use crier_proto::digest::{lower_hex, sha256};
use crier_proto::error::Refusal;
use crier_proto::ids::{SessionKey, Uid};
use crier_proto::reply::Reply;
use crier_proto::secret::Secret;
use std::sync::Arc;

/// Seconds that a session lasts, from its creation or, where it slides, from its last call (protocol 10.3).
const SESSION_SECS: i64 = 86_400;
/// Bytes of `host_url` at most (protocol 15.2).
const HOST_URL_BYTES_MAX: usize = 2_048;

/// The method.
pub(crate) struct AuthGetSession;

/// Whose token, and what is asked for.
pub(crate) struct Args {
    app: Arc<App>,
    token: TokenDigest,
    with_secret: bool,
}

impl Method for AuthGetSession {
    const NAME: &'static str = "auth.getSession";
    type Args = Args;

    fn parse(call: &VerifiedCall<'_>) -> Result<Args, Refusal> {
        let text = call.value("auth_token").ok_or_else(|| unusable("is missing"))?;
        if !is_token(text) {
            return Err(unusable("is malformed"));
        }
        let asked = bool_param("generate_session_secret", call.value("generate_session_secret"))?;
        if call
            .value("host_url")
            .is_some_and(|url| url.len() > HOST_URL_BYTES_MAX)
        {
            return Err(invalid("host_url", "must have at most 2048 bytes"));
        }
        Ok(Args {
            app: Arc::clone(call.app()),
            token: TokenDigest(sha256(&[text.as_bytes()])),
            with_secret: asked || call.app().kind == AppKind::Desktop,
        })
    }

    async fn run(args: Args, unit: &mut Unit<'_>) -> Result<Outcome, Halt> {
        let (user, lasting) = bound(&args, unit).await?;
        // Who has withdrawn or been locked out between login and this call gets no session by an older token.
        let enabled = unit.user(user).await?.is_some_and(|user| user.enabled);
        let grant = unit.grant(args.app.id, user).await?.filter(|_| enabled);
        let Some(grant) = grant else {
            return Err(unusable("is void, its user has withdrawn").into());
        };
        let session = NewSession {
            key: SessionKey::of(&lower_hex(&unit.random::<12>()), user)
                .expect("12 bytes are 24 lower-case hexadecimal digits"),
            app: args.app.id,
            user,
            secret: Secret::new(format!("{}__", lower_hex(&unit.random::<16>()))),
            expires: expires(args.app.kind, lasting || grant.offline_access, unit.now().secs()),
            kind: match args.app.kind {
                AppKind::Web => SessionKind::Fixed,
                AppKind::Desktop => SessionKind::Sliding,
            },
        };
        let reply = described(&session, args.with_secret);
        unit.write(Write::UseAuthToken {
            token: args.token,
            app: args.app.id,
        });
        unit.write(Write::AddSession(session));
        unit.on_conflict(used_meanwhile);
        Ok(Outcome::value(reply))
    }
}

/// `[0-9a-f]{32}`, or a typed code `[0-9A-Z]{5}`.
fn is_token(text: &str) -> bool {
    let all = |permitted: fn(u8) -> bool| text.bytes().all(permitted);
    match text.len() {
        32 => all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
        5 => all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'Z')),
        _other_lengths => false,
    }
}

fn unusable(why: &str) -> Refusal {
    invalid("auth_token", why)
}

/// The user who has bound the token, and whether the session that it buys never expires.
async fn bound(args: &Args, unit: &Unit<'_>) -> Result<(Uid, bool), Halt> {
    let token = unit.auth_token(args.token).await?;
    // Another application's token is told no more than an unknown one.
    let Some(token) = token.filter(|token| token.app == args.app.id) else {
        return Err(unusable("is unknown").into());
    };
    match token.state {
        TokenState::Used => Err(unusable("is used").into()),
        TokenState::New | TokenState::Bound { .. } if token.expires_at <= unit.now() => {
            Err(unusable("is expired").into())
        }
        TokenState::New => Err(unusable("is not bound, its user has not logged in yet").into()),
        TokenState::Bound { user, lasting } => Ok((user, lasting)),
    }
}

/// The table of protocol 10.3. A desktop session always slides: its secret lies on its user's disk.
fn expires(kind: AppKind, lasting: bool, now_secs: i64) -> Option<i64> {
    match (kind, lasting) {
        (AppKind::Web, true) => None,
        (AppKind::Web, false) | (AppKind::Desktop, _) => Some(now_secs.saturating_add(SESSION_SECS)),
    }
}

fn described(session: &NewSession, with_secret: bool) -> Reply {
    let mut fields = vec![
        ("session_key", Reply::Text(session.key.to_string())),
        ("uid", Reply::Text(session.user.to_string())),
        ("expires", Reply::Integer(session.expires.unwrap_or(0))),
    ];
    if with_secret {
        fields.push(("secret", Reply::Text(session.secret.expose().to_owned())));
    }
    Reply::Object(fields)
}

/// Of concurrent calls with one token the first commit wins; the others are told what they would have been told a moment later.
fn used_meanwhile(_settings: &Settings, conflict: Conflict) -> Option<Refusal> {
    (conflict == Conflict::TokenNotUsable).then(|| unusable("is used"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_32_hexadecimal_digits_or_a_code_of_five() {
        for text in ["0123456789abcdef0123456789abcdef", "0A9ZZ"] {
            assert!(is_token(text), "{text}");
        }
        for text in [
            "",
            "0123456789ABCDEF0123456789abcdef",
            "0a9zz",
            "0A9Z",
            "0123456789abcdef0123456789abcde",
        ] {
            assert!(!is_token(text), "{text}");
        }
    }

    #[test]
    fn web_sessions_last_a_day_or_for_ever_and_desktop_sessions_slide() {
        assert_eq!(expires(AppKind::Web, false, 1_000), Some(87_400));
        assert_eq!(expires(AppKind::Web, true, 1_000), None);
        assert_eq!(expires(AppKind::Desktop, false, 1_000), Some(87_400));
        assert_eq!(expires(AppKind::Desktop, true, 1_000), Some(87_400));
    }
}
