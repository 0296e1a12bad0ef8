//! `liveMessage.status` (protocol 16.4, live 7.5): what became of a message, and when.

use super::registry::Method;
use crate::grammar::{message_id, unknown_message};
use crate::model::message::Asker;
use crate::replies::status_object;
use crate::unit::{Halt, Outcome, Unit};
use crate::verified::VerifiedCall;
use crier_proto::error::Refusal;
use crier_proto::ids::MessageId;

/// The method.
pub(crate) struct LiveMessageStatus;

impl Method for LiveMessageStatus {
    const NAME: &'static str = "liveMessage.status";
    type Args = (MessageId, Asker);

    fn parse(call: &VerifiedCall<'_>) -> Result<Self::Args, Refusal> {
        Ok((message_id(call.value("id"))?, call.asker()))
    }

    async fn run((id, asker): Self::Args, unit: &mut Unit<'_>) -> Result<Outcome, Halt> {
        let status = unit.status(id, asker).await?.ok_or_else(unknown_message)?;
        Ok(Outcome::value(status_object(&status)))
    }
}
