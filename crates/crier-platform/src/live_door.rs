//! Ticket in, permit to connect out; and the sends of pages, which meet the same refusals as signed calls (live 2.1, 3).

use crate::model::app::App;
use crate::model::message::Delivery;
use crate::model::ticket::Permit;
use crate::ports::Ports;
use crier_proto::error::Refusal;
use crier_proto::frame::Bye;
use crier_proto::ids::MessageId;
use std::sync::Arc;

/// A page's `send` frame.
#[derive(Debug, Clone)]
pub struct PageSend {
    /// A keyed hash of (app, user, ref): a repeated `ref` gives the first outcome again.
    pub id: MessageId,
    /// As sent.
    pub recipient: String,
    /// As sent.
    pub event: String,
    /// As sent.
    pub message: String,
    /// Seconds.
    pub ttl: Option<u64>,
    /// As sent.
    pub collapse_key: Option<String>,
    /// As sent.
    pub fanout: Option<String>,
}

/// The door of live connections.
pub struct LiveDoor {
    ports: Ports,
}

impl LiveDoor {
    /// A door over these ports.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self { ports }
    }

    /// The application named by `?app=`, if connections may be opened for it.
    ///
    /// # Errors
    /// `Bye::TicketInvalid` for an unknown key, `Bye::AppDisabled`, `Bye::InternalError`.
    pub async fn app(&self, api_key: &str) -> Result<Arc<App>, Bye> {
        let _ = (api_key, &self.ports);
        todo!()
    }

    /// Redeems a ticket, once (live 3.5, 3.8).
    ///
    /// # Errors
    /// `Bye::TicketInvalid`, `SessionEnded`, `Withdrawn`, `AppDisabled`, `InternalError`.
    pub async fn redeem(&self, app: &App, ticket: &str) -> Result<Permit, Bye> {
        let _ = (app, ticket);
        todo!()
    }

    /// A page sends: step 3 of live section 2 with the connection's session as sender.
    ///
    /// # Errors
    /// The same refusals as the signed call.
    pub async fn send(&self, permit: &Permit, send: PageSend) -> Result<Delivery, Refusal> {
        let _ = (permit, send);
        todo!()
    }
}
