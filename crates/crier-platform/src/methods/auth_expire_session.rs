//! `auth.expireSession` (protocol 15.3): ends the session of the call. Every later call with it is 102; its tickets are void.

use super::registry::Method;
use crate::model::session::SessionId;
use crate::ports::store::Write;
use crate::unit::{After, Halt, Outcome, Unit};
use crate::verified::VerifiedCall;
use crier_proto::error::Refusal;
use crier_proto::reply::Reply;

/// The method.
pub(crate) struct AuthExpireSession;

impl Method for AuthExpireSession {
    const NAME: &'static str = "auth.expireSession";
    type Args = SessionId;

    fn parse(call: &VerifiedCall<'_>) -> Result<SessionId, Refusal> {
        Ok(call.session()?.id)
    }

    async fn run(session: SessionId, unit: &mut Unit<'_>) -> Result<Outcome, Halt> {
        unit.write(Write::EndSession(session));
        Ok(Outcome::Value {
            reply: Reply::Bool(true),
            after: vec![After::EndSession(session)],
            kind: None,
        })
    }
}
