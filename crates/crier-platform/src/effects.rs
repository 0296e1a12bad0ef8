//! What happens outside once a call is settled: deliveries, tickets, the ends of sessions.
//!
//! Nothing here decides anything. An effect that is lost is repaired by the change row that announced it, not by the caller trying again.

use crate::dispatch::{Committed, Settled};
use crate::faults::{Fault, refused_by_delivery};
use crate::grammar::unknown_message;
use crate::model::message::{Asker, Delivery, WaitFor};
use crate::model::ticket::{Cursor, Ticket};
use crate::ports::Ports;
use crate::ports::ledger::Charge;
use crate::unit::{After, Halt, Sending};
use crier_proto::ids::MessageId;

/// Settles the charge and gives the message its place in one step, then waits as far as the sender asked (protocol 16.2).
///
/// # Errors
/// The ledger's refusal, the mailbox's, or a fault; in each case the message has no place, save for `Fault::DeliveryUnknown`.
pub(crate) async fn deliver(ports: &Ports, charge: &Charge, sending: Sending) -> Result<Delivery, Halt> {
    let Sending {
        message,
        wait,
        timeout_ms,
    } = sending;
    let id = message.id;
    let placed = ports.deliver.accept(Some(charge), message).await;
    let delivery = match placed {
        Ok(delivery) => delivery,
        Err(error) => {
            return Err(refused_by_delivery(error, id).map_or_else(Halt::Fault, Halt::Refused));
        }
    };
    if wait == WaitFor::Accepted {
        return Ok(delivery);
    }
    // The message has its place: whatever happens to the waiting, the answer is a success with what is known.
    match ports.deliver.watch(id, wait, timeout_ms).await {
        Ok(later) => Ok(later.unwrap_or(delivery)),
        Err(fault) => {
            tracing::warn!(message.id = %id, %fault, "waiting for a delivery failed; answered as of its commit");
            Ok(delivery)
        }
    }
}

/// Issues a ticket and says where its mailbox stands (live 3.2). The cursor is read first, so that nothing sent later is missed.
///
/// # Errors
/// When the mailboxes or the tickets are out of reach.
pub(crate) async fn issue(ports: &Ports, _settled: &Settled, ticket: Ticket) -> Result<Cursor, Fault> {
    let cursor = ports.deliver.cursor(ticket.app, ticket.user).await?;
    ports.tickets.issue(ticket).await?;
    Ok(cursor)
}

/// Takes a message back and says how it stands then (live 7.6).
///
/// # Errors
/// 100 for a message out of the asker's reach, or a fault.
pub(crate) async fn cancel(
    ports: &Ports,
    _settled: &Settled,
    (id, asker): (MessageId, Asker),
) -> Result<Delivery, Halt> {
    let cancelled = ports.deliver.cancel(id, asker).await?;
    cancelled.ok_or_else(|| unknown_message().into())
}

/// Runs what is due after a commit, in order.
pub(crate) async fn run(ports: &Ports, _committed: &Committed, after: Vec<After>) {
    for effect in after {
        let done = match effect {
            After::EndSession(session) => ports.deliver.end_session(session).await,
            After::FetchPictures => {
                ports.fetching.knock();
                Ok(())
            }
            After::WakeFeed(user) => {
                ports.wakes.wake(user);
                Ok(())
            }
        };
        if let Err(fault) = done {
            tracing::warn!(?effect, %fault, "an effect was lost; the change row of its commit repairs it");
        }
    }
}
