//! One-time rights to open a live connection (live section 3).

use crate::model::login::TokenDigest;
use crate::model::session::SessionId;
use crate::model::ticket::Ticket;
use async_trait::async_trait;
use crier_proto::ids::{AppId, Uid};

/// The ticket store did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("tickets out of reach: {0}")]
pub struct TicketFault(pub String);

/// Tickets: the digest alone is kept; at most 20 of one (app, user) are outstanding, the 21st voids the oldest (live 3.5).
#[async_trait]
pub trait Tickets: Send + Sync {
    /// Keeps a ticket until it is redeemed, voided or expired.
    async fn issue(&self, ticket: Ticket) -> Result<(), TicketFault>;

    /// Takes a ticket out, once, atomically; `None` when it is unknown, used, expired or void.
    async fn redeem(&self, token: TokenDigest) -> Result<Option<Ticket>, TicketFault>;

    /// Voids the tickets of a session (live 3.11).
    async fn void_session(&self, session: SessionId) -> Result<(), TicketFault>;

    /// Voids the tickets of a user for an application (live 3.14).
    async fn void_user(&self, app: AppId, user: Uid) -> Result<(), TicketFault>;
}
