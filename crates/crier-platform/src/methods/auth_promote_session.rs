//! `auth.promoteSession` (protocol 15.4): the session's secret, the same on every call.

use super::registry::Method;
use crate::model::session::Session;
use crate::unit::{Halt, Outcome, Unit};
use crate::verified::VerifiedCall;
use crier_proto::error::Refusal;
use crier_proto::reply::Reply;
use std::sync::Arc;

/// The method.
pub(crate) struct AuthPromoteSession;

impl Method for AuthPromoteSession {
    const NAME: &'static str = "auth.promoteSession";
    type Args = Arc<Session>;

    fn parse(call: &VerifiedCall<'_>) -> Result<Arc<Session>, Refusal> {
        Ok(Arc::clone(call.session()?))
    }

    async fn run(session: Arc<Session>, _unit: &mut Unit<'_>) -> Result<Outcome, Halt> {
        Ok(Outcome::value(Reply::Text(session.secret.expose().to_owned())))
    }
}
