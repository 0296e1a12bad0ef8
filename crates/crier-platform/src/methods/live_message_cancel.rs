//! `liveMessage.cancel` (protocol 16.5, live 7.6): takes back a message that nobody has acknowledged.

use super::registry::Method;
use crate::grammar::message_id;
use crate::model::message::Asker;
use crate::replies::outcome_object;
use crate::unit::{Halt, Outcome, Unit};
use crate::verified::VerifiedCall;
use crier_proto::error::Refusal;
use crier_proto::ids::MessageId;

/// The method.
pub(crate) struct LiveMessageCancel;

impl Method for LiveMessageCancel {
    const NAME: &'static str = "liveMessage.cancel";
    type Args = (MessageId, Asker);

    fn parse(call: &VerifiedCall<'_>) -> Result<Self::Args, Refusal> {
        Ok((message_id(call.value("id"))?, call.asker()))
    }

    async fn run((id, asker): Self::Args, _unit: &mut Unit<'_>) -> Result<Outcome, Halt> {
        // What is taken back is taken back once the call is settled: a refused call changes nothing.
        Ok(Outcome::OfCancel {
            id,
            asker,
            reply: outcome_object,
        })
    }
}
