//! Tickets of one process: one-time rights to open a connection, kept by digest alone (live 3.5).
//!
//! Promise: a ticket is taken out once; at most so many of one (application, user) are outstanding, one more voids the oldest.

use crate::shards::Shards;
use crier_platform::model::login::TokenDigest;
use crier_platform::model::session::SessionId;
use crier_platform::model::ticket::Ticket;
use crier_platform::model::time::WallMs;
use crier_platform::ports::clock::Clock;
use crier_proto::ids::{AppId, Uid};
use std::collections::VecDeque;
use std::sync::Arc;

/// Whose tickets: application and user.
pub type Owner = (AppId, Uid);

/// The tickets of one process.
pub struct MemoryTickets {
    clock: Arc<dyn Clock>,
    outstanding_max: usize,
    /// Oldest first.
    tickets: Shards<Owner, VecDeque<Ticket>>,
    owners: Shards<TokenDigest, Owner>,
}

impl MemoryTickets {
    /// No ticket yet; `outstanding_max` of one (application, user) at once, at least 1.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, outstanding_max: usize) -> Self {
        Self {
            clock,
            outstanding_max: outstanding_max.max(1),
            tickets: Shards::new(),
            owners: Shards::new(),
        }
    }

    /// Keeps a ticket. Returns whether an older one had to be voided for it.
    pub fn issue(&self, ticket: Ticket) -> bool {
        let owner = (ticket.app, ticket.user);
        self.owners.of(&ticket.token).insert(ticket.token, owner);
        let mut part = self.tickets.of(&owner);
        let queue = part.entry(owner).or_default();
        queue.push_back(ticket);
        let voided = if queue.len() > self.outstanding_max {
            queue.pop_front()
        } else {
            None
        };
        drop(part);
        if let Some(oldest) = &voided {
            self.owners.of(&oldest.token).remove(&oldest.token);
        }
        voided.is_some()
    }

    /// Takes a ticket out; `None` when it is unknown, used, voided or expired.
    #[must_use]
    pub fn redeem(&self, token: TokenDigest) -> Option<Ticket> {
        let owner = self.owners.of(&token).remove(&token)?;
        let mut part = self.tickets.of(&owner);
        let queue = part.get_mut(&owner)?;
        let index = queue.iter().position(|ticket| ticket.token == token)?;
        let ticket = queue.remove(index)?;
        if queue.is_empty() {
            part.remove(&owner);
        }
        (ticket.expires_at > self.clock.wall()).then_some(ticket)
    }

    /// Voids the tickets of a session.
    pub fn void_session(&self, session: SessionId) {
        self.void(|ticket| ticket.session == session);
    }

    /// Voids the tickets of a user for an application.
    pub fn void_user(&self, app: AppId, user: Uid) {
        let gone = self.tickets.of(&(app, user)).remove(&(app, user));
        self.disown(gone.into_iter().flatten());
    }

    /// Voids the tickets of a user for an application that end by `end`: those that were issued before a withdrawal.
    pub fn void_expiring_by(&self, owner: Owner, end: WallMs) {
        let mut gone = Vec::new();
        if let Some(queue) = self.tickets.of(&owner).get_mut(&owner) {
            queue.retain(|ticket| {
                let goes = ticket.expires_at <= end;
                if goes {
                    gone.push(ticket.clone());
                }
                !goes
            });
        }
        self.disown(gone);
    }

    /// Drops what has expired.
    pub fn sweep(&self) {
        let now = self.clock.wall();
        self.void(|ticket| ticket.expires_at <= now);
    }

    /// Looks at every ticket, the oldest of each owner first.
    pub fn each(&self, mut look: impl FnMut(&Ticket)) {
        self.tickets
            .each(|part| part.values().flatten().for_each(&mut look));
    }

    fn void(&self, void: impl Fn(&Ticket) -> bool) {
        let mut gone = Vec::new();
        self.tickets.each(|part| {
            part.retain(|_, queue| {
                queue.retain(|ticket| {
                    let goes = void(ticket);
                    if goes {
                        gone.push(ticket.clone());
                    }
                    !goes
                });
                !queue.is_empty()
            });
        });
        self.disown(gone);
    }

    fn disown(&self, gone: impl IntoIterator<Item = Ticket>) {
        for ticket in gone {
            self.owners.of(&ticket.token).remove(&ticket.token);
        }
    }
}
