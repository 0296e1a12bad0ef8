//! The one place where a port's fault becomes a code: rows 1 and 2 of protocol 12.2.
//!
//! Outside text is bland, since the caller can do nothing about it; the fault itself goes to whoever reports the answer.

use crate::ports::deliver::{AcceptError, DeliverFault};
use crate::ports::ledger::{LedgerFault, LedgerRefusal};
use crate::ports::store::{CommitError, Conflict, StoreFault};
use crate::ports::tickets::TicketFault;
use crier_proto::error::{Code, Refusal};
use crier_proto::ids::MessageId;

/// Something on our side did not work. Its text is for logs, never for callers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The books.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// Quotas and call order.
    #[error(transparent)]
    Ledger(#[from] LedgerFault),
    /// Mailboxes and pages.
    #[error(transparent)]
    Deliver(#[from] DeliverFault),
    /// Rights to connect.
    #[error(transparent)]
    Ticket(#[from] TicketFault),
    /// Nobody knows whether the message has a place in the mailbox.
    #[error("delivery outcome unknown for message {id}: {why}")]
    DeliveryUnknown {
        /// The message.
        id: MessageId,
        /// What the broker said.
        why: String,
    },
    /// The process's mailboxes are full: a bound, not a failure, yet the caller's only help is to come again.
    #[error("the mailbox total of this server is full")]
    MailboxesFull,
    /// A condition of a write did not hold although nothing in the method makes it possible.
    #[error("unexpected conflict: {0:?}")]
    Conflict(Conflict),
}

impl Fault {
    /// What the caller is told: 2 where the same call may succeed later, 1 where nobody can say so (protocol 12.2).
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::Store(StoreFault::Unavailable(_))
            | Self::Ledger(_)
            | Self::Deliver(_)
            | Self::Ticket(_)
            | Self::MailboxesFull => Refusal::plain(Code::ServiceUnavailable),
            Self::Store(StoreFault::Damaged(_) | StoreFault::OutcomeUnknown(_)) | Self::Conflict(_) => {
                Refusal::plain(Code::Unknown)
            }
            Self::DeliveryUnknown { id, .. } => {
                Refusal::because(Code::ServiceUnavailable, format!("outcome unknown, id {id}"))
            }
        }
    }
}

/// What the caller is told when the ledger refuses: 4 with the end of the window (protocol 11.2), 103 with the value to beat (9.5).
#[must_use]
pub fn refused_by_ledger(refusal: &LedgerRefusal) -> Refusal {
    match refusal {
        LedgerRefusal::Quota { limit, ends_in_secs } => Refusal::because(
            Code::RequestLimit,
            format!("{limit} calls in 60 s, window ends in {ends_in_secs} s"),
        ),
        LedgerRefusal::CallIdRepeated => {
            Refusal::because(Code::CallIdNotGreater, "this call_id was already accepted")
        }
        LedgerRefusal::CallIdTooSmall { last } => {
            Refusal::because(Code::CallIdNotGreater, format!("the last accepted is {last}"))
        }
    }
}

/// Why a message got no place: the caller's doing, or a fault of ours (protocol 14.1.2 i, j; live 10).
///
/// # Errors
/// The fault, where it is one.
pub fn refused_by_delivery(error: AcceptError, id: MessageId) -> Result<Refusal, Fault> {
    match error {
        AcceptError::Ledger(refusal) => Ok(refused_by_ledger(&refusal)),
        AcceptError::RecipientRate => Ok(Refusal::because(
            Code::RequestLimit,
            "too many messages to this recipient, try again in a second",
        )),
        AcceptError::AppMailboxFull => Ok(Refusal::plain(Code::LiveMessageFailed)),
        AcceptError::ServerMailboxFull => Err(Fault::MailboxesFull),
        AcceptError::NotKept(why) => Err(Fault::Store(StoreFault::Unavailable(why))),
        AcceptError::Fault(why) => Err(Fault::DeliveryUnknown { id, why }),
    }
}

impl From<CommitError> for Fault {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Refused(conflict) => Self::Conflict(conflict),
            CommitError::Fault(fault) => Self::Store(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: MessageId = MessageId::from_bytes([0xAB; 16]);

    #[test]
    fn what_may_work_later_is_2_and_what_nobody_knows_is_1() {
        let why = || "disk".to_owned();
        for (fault, code) in [
            (
                Fault::Store(StoreFault::Unavailable(why())),
                Code::ServiceUnavailable,
            ),
            (Fault::Store(StoreFault::Damaged(why())), Code::Unknown),
            (Fault::Store(StoreFault::OutcomeUnknown(why())), Code::Unknown),
            (Fault::Ledger(LedgerFault(why())), Code::ServiceUnavailable),
            (Fault::Deliver(DeliverFault(why())), Code::ServiceUnavailable),
            (Fault::Ticket(TicketFault(why())), Code::ServiceUnavailable),
            (Fault::MailboxesFull, Code::ServiceUnavailable),
            (Fault::Conflict(Conflict::IdTaken), Code::Unknown),
        ] {
            assert_eq!(fault.refusal(), Refusal::plain(code), "{fault}");
        }
    }

    #[test]
    fn an_unknown_outcome_names_the_message_so_that_the_caller_can_ask() {
        let fault = refused_by_delivery(AcceptError::Fault("cut".into()), ID).unwrap_err();
        assert_eq!(
            fault.refusal().cause(),
            Some("outcome unknown, id abababababababababababababababab")
        );
    }

    #[test]
    fn refusals_of_ledger_and_mailbox_carry_their_numbers() {
        let quota = LedgerRefusal::Quota {
            limit: 7,
            ends_in_secs: 42,
        };
        assert_eq!(
            refused_by_ledger(&quota),
            Refusal::because(Code::RequestLimit, "7 calls in 60 s, window ends in 42 s")
        );
        assert_eq!(
            refused_by_ledger(&LedgerRefusal::CallIdRepeated),
            Refusal::because(Code::CallIdNotGreater, "this call_id was already accepted")
        );
        assert_eq!(
            refused_by_delivery(AcceptError::AppMailboxFull, ID),
            Ok(Refusal::plain(Code::LiveMessageFailed))
        );
        assert_eq!(
            refused_by_delivery(AcceptError::RecipientRate, ID).map(|refusal| refusal.code()),
            Ok(Code::RequestLimit)
        );
        assert_eq!(
            refused_by_delivery(AcceptError::ServerMailboxFull, ID),
            Err(Fault::MailboxesFull)
        );
    }
}
