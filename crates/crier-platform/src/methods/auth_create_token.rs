//! `auth.createToken` (protocol 15.1, 10.1): a new auth token, which a person binds by logging in.

use super::registry::Method;
use crate::model::login::TokenDigest;
use crate::model::token::{AuthToken, TokenState};
use crate::ports::store::Write;
use crate::unit::{Halt, Outcome, Unit};
use crate::verified::VerifiedCall;
use crier_proto::digest::{lower_hex, sha256};
use crier_proto::error::Refusal;
use crier_proto::ids::AppId;
use crier_proto::reply::Reply;

/// Milliseconds for which an auth token is of use (protocol 10.1: 3,600 s).
const TOKEN_LIFE_MS: i64 = 3_600_000;

/// The method.
pub(crate) struct AuthCreateToken;

impl Method for AuthCreateToken {
    const NAME: &'static str = "auth.createToken";
    type Args = AppId;

    fn parse(call: &VerifiedCall<'_>) -> Result<AppId, Refusal> {
        Ok(call.app().id)
    }

    async fn run(app: AppId, unit: &mut Unit<'_>) -> Result<Outcome, Halt> {
        let token = lower_hex(&unit.random::<16>());
        unit.write(Write::AddAuthToken(AuthToken {
            token: TokenDigest(sha256(&[token.as_bytes()])),
            app,
            state: TokenState::New,
            expires_at: unit.now().plus_ms(TOKEN_LIFE_MS),
        }));
        Ok(Outcome::value(Reply::Text(token)))
    }
}
