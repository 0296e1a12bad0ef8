//! `users.isAppUser` (protocol 15.6): whether a user has accepted the application's terms. An unknown user has not.

use super::registry::Method;
use crate::grammar::invalid;
use crate::unit::{Halt, Outcome, Unit};
use crate::verified::VerifiedCall;
use crier_proto::error::Refusal;
use crier_proto::ids::{AppId, Uid};
use crier_proto::reply::Reply;

/// The method.
pub(crate) struct UsersIsAppUser;

impl Method for UsersIsAppUser {
    const NAME: &'static str = "users.isAppUser";
    type Args = (AppId, Uid);

    fn parse(call: &VerifiedCall<'_>) -> Result<(AppId, Uid), Refusal> {
        let user = match call.value("uid") {
            Some(text) => text.parse().map_err(|_| invalid("uid", "must be a uid"))?,
            None => call.session()?.user,
        };
        Ok((call.app().id, user))
    }

    async fn run((app, user): (AppId, Uid), unit: &mut Unit<'_>) -> Result<Outcome, Halt> {
        let grant = unit.grant(app, user).await?;
        Ok(Outcome::value(Reply::Bool(grant.is_some())))
    }
}
