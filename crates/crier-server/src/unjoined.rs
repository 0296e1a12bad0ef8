//! Stand-ins for the node until it is joined: quotas and order always pass, live messages have no place.

use async_trait::async_trait;
use crier_platform::model::login::TokenDigest;
use crier_platform::model::message::{Delivery, NewMessage, WaitFor};
use crier_platform::model::session::SessionId;
use crier_platform::model::ticket::{Cursor, Ticket};
use crier_platform::model::time::WallMs;
use crier_platform::ports::deliver::{AcceptError, Deliver, DeliverFault};
use crier_platform::ports::ledger::{Charge, Ledger, LedgerFault, LedgerRefusal, QuotaCharge};
use crier_platform::ports::tickets::{TicketFault, Tickets};
use crier_proto::ids::{AppId, MessageId, Uid};

/// No node.
pub(crate) struct Unjoined;

#[async_trait]
impl Ledger for Unjoined {
    async fn settle(&self, _: &Charge) -> Result<Result<(), LedgerRefusal>, LedgerFault> {
        Ok(Ok(()))
    }
    fn peek(&self, _: QuotaCharge) -> Option<LedgerRefusal> {
        None
    }
    async fn reset(&self, _: SessionId) -> Result<(), LedgerFault> {
        Ok(())
    }
}

#[async_trait]
impl Deliver for Unjoined {
    async fn accept(&self, _: Option<&Charge>, _: NewMessage) -> Result<Delivery, AcceptError> {
        Err(AcceptError::ServerMailboxFull)
    }
    async fn watch(&self, _: MessageId, _: WaitFor, _: u64) -> Result<Option<Delivery>, DeliverFault> {
        Ok(None)
    }
    async fn cursor(&self, _: AppId, _: Uid) -> Result<Cursor, DeliverFault> {
        Err(DeliverFault("no node".into()))
    }
    async fn withdraw(&self, _: AppId, _: Uid, _: WallMs) -> Result<(), DeliverFault> {
        Ok(())
    }
    async fn end_session(&self, _: SessionId) -> Result<(), DeliverFault> {
        Ok(())
    }
    async fn disable_app(&self, _: AppId) -> Result<(), DeliverFault> {
        Ok(())
    }
}

#[async_trait]
impl Tickets for Unjoined {
    async fn issue(&self, _: Ticket) -> Result<(), TicketFault> {
        Ok(())
    }
    async fn redeem(&self, _: TokenDigest) -> Result<Option<Ticket>, TicketFault> {
        Ok(None)
    }
    async fn void_session(&self, _: SessionId) -> Result<(), TicketFault> {
        Ok(())
    }
    async fn void_user(&self, _: AppId, _: Uid) -> Result<(), TicketFault> {
        Ok(())
    }
}
