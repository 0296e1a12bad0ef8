//! `users.getLoggedInUser` (protocol 15.5): the session's uid.

use super::registry::Method;
use crate::unit::{Halt, Outcome, Unit};
use crate::verified::VerifiedCall;
use crier_proto::error::Refusal;
use crier_proto::ids::Uid;
use crier_proto::reply::Reply;

/// The method.
pub(crate) struct UsersGetLoggedInUser;

impl Method for UsersGetLoggedInUser {
    const NAME: &'static str = "users.getLoggedInUser";
    type Args = Uid;

    fn parse(call: &VerifiedCall<'_>) -> Result<Uid, Refusal> {
        Ok(call.session()?.user)
    }

    async fn run(user: Uid, _unit: &mut Unit<'_>) -> Result<Outcome, Halt> {
        Ok(Outcome::value(Reply::Integer(user.get())))
    }
}
