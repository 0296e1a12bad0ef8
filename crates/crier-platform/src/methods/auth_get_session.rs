//! `auth.getSession` (protocol 15.2, 10.2, 10.3): a bound auth token buys one session.
//!
//! A token that is not bound yet is 100 and nothing else: the period's clients take exactly that for "not logged in".

use super::registry::Method;
use crate::grammar::{bool_param, invalid};
use crate::model::app::{App, AppKind, Settings};
use crate::model::login::TokenDigest;
use crate::model::token::{CODE_LIFE_MS, TokenState, digest_for};
use crate::ports::store::{Conflict, NewSession, Write};
use crate::sessions::{Lasting, new_session};
use crate::unit::{Halt, Outcome, Unit};
use crate::verified::VerifiedCall;
use crier_proto::error::Refusal;
use crier_proto::ids::Uid;
use crier_proto::reply::Reply;
use std::sync::Arc;

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
            token: digest_for(call.app().id, text),
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
        let lasting = match lasting {
            Lasting::Day => Lasting::kept_if(grant.offline_access),
            Lasting::Kept | Lasting::Typed => lasting,
        };
        let chance = (unit.random::<12>(), unit.random::<16>());
        let session = new_session(&args.app, user, lasting, (unit.now(), chance));
        let reply = described(&session, args.with_secret);
        unit.write(Write::UseAuthToken {
            token: args.token,
            app: args.app.id,
        });
        unit.write(Write::AddSession(session));
        unit.on_conflict(used_meanwhile);
        Ok(Outcome::value(reply))
    }

    fn refused(call: &VerifiedCall<'_>, unit: &Unit<'_>) {
        unit.count_failed_token(call.app().id);
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

/// The user who has bound the token, and how long the session that it buys may last.
async fn bound(args: &Args, unit: &Unit<'_>) -> Result<(Uid, Lasting), Halt> {
    let token = unit.auth_token(args.token).await?;
    // Another application's token is told no more than an unknown one.
    let Some(token) = token.filter(|token| token.app == args.app.id) else {
        return Err(unusable("is unknown").into());
    };
    match token.state {
        TokenState::Used => Err(unusable("is used").into()),
        TokenState::New | TokenState::Bound { .. } | TokenState::Code { .. }
            if token.expires_at <= unit.now() =>
        {
            Err(unusable("is expired").into())
        }
        TokenState::New => Err(unusable("is not bound, its user has not logged in yet").into()),
        TokenState::Bound { user, lasting } => Ok((user, Lasting::kept_if(lasting))),
        TokenState::Code { .. }
            if unit.is_code_void(args.app.id, token.expires_at.plus_ms(-CODE_LIFE_MS)) =>
        {
            Err(unusable("is void, too many calls have failed; ask for a new code").into())
        }
        TokenState::Code { user } => Ok((user, Lasting::Typed)),
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
}
