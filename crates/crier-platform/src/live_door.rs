//! Ticket in, permit to connect out; and the sends of pages, which meet the same refusals as signed calls (live 2.1, 3).
//!
//! Promise: a permit exists only for a session that lives, of a user who has accepted an application that is enabled. Knows no
//! transport and no connection.

use crate::faults::{Fault, refused_by_delivery, refused_by_ledger};
use crate::grammar::invalid;
use crate::methods::live_message_send::{From, Params, judge, terms_not_accepted};
use crate::model::app::App;
use crate::model::login::TokenDigest;
use crate::model::message::{Delivery, Door, NewMessage, Via};
use crate::model::ticket::Permit;
use crate::model::time::WallMs;
use crate::ports::Ports;
use crate::ports::ledger::Charge;
use crate::verify::quota_charge;
use crier_proto::digest::sha256;
use crier_proto::error::{Code, Refusal};
use crier_proto::frame::Bye;
use crier_proto::ids::{ApiKey, MessageId};
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

/// The spans that live connections and their messages get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveSpans {
    /// How long a ticket authorises, at most (`live.authorised_for`; live 3.8).
    pub authorised_for_ms: u64,
    /// Milliseconds of a message whose page names none (`live.ttl`; live 5.2).
    pub message_ttl_ms: u64,
}

impl Default for LiveSpans {
    fn default() -> Self {
        Self {
            authorised_for_ms: 3_600_000,
            message_ttl_ms: 60_000,
        }
    }
}

/// The door of live connections.
pub struct LiveDoor {
    ports: Ports,
    spans: LiveSpans,
}

impl LiveDoor {
    /// A door over these ports with the spans of live section 12.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self::with_spans(ports, LiveSpans::default())
    }

    /// A door over these ports with other spans.
    #[must_use]
    pub fn with_spans(ports: Ports, spans: LiveSpans) -> Self {
        Self { ports, spans }
    }

    /// The application named by `?app=`, whether or not connections may be opened for it; `None` when there is no such one.
    ///
    /// # Errors
    /// `Bye::InternalError` when the books do not answer.
    pub async fn app(&self, api_key: &str) -> Result<Option<Arc<App>>, Bye> {
        let Ok(key) = api_key.parse::<ApiKey>() else {
            return Ok(None);
        };
        let app = self.ports.store.app_by_key(&key).await;
        app.map_err(|fault| internal(&fault))
    }

    /// Redeems a ticket, once (live 3.5, 3.8).
    ///
    /// # Errors
    /// `Bye::TicketInvalid`, `SessionEnded`, `Withdrawn`, `AppDisabled`, `InternalError`.
    pub async fn redeem(&self, app: &App, ticket: &str) -> Result<Permit, Bye> {
        let token = TokenDigest(sha256(&[ticket.as_bytes()]));
        let redeemed = self.ports.tickets.redeem(token).await;
        let ticket = redeemed.map_err(|fault| internal(&fault))?;
        // A ticket of another application is spent by the attempt: it was shown where it does not belong.
        let ticket = ticket
            .filter(|ticket| ticket.app == app.id)
            .ok_or(Bye::TicketInvalid)?;
        let now = self.ports.clock.wall();
        let session = self.ports.store.session(&ticket.session_key).await;
        let session = session
            .map_err(|fault| internal(&fault))?
            .filter(|session| session.id == ticket.session && !session.has_expired(now))
            .ok_or(Bye::SessionEnded)?;
        let grant = self.ports.store.grant(ticket.app, ticket.user).await;
        if grant.map_err(|fault| internal(&fault))?.is_none() {
            return Err(Bye::Withdrawn);
        }
        let fresh = self.ports.store.app(app.id).await;
        let enabled = fresh
            .map_err(|fault| internal(&fault))?
            .is_some_and(|app| app.enabled);
        if !enabled {
            return Err(Bye::AppDisabled);
        }
        let span = i64::try_from(self.spans.authorised_for_ms).unwrap_or(i64::MAX);
        let expiry = session.expires.map(|secs| WallMs(secs.saturating_mul(1_000)));
        let until = now.plus_ms(span);
        let session_ends = expiry.is_some_and(|expiry| expiry <= until);
        Ok(Permit {
            app: ticket.app,
            user: ticket.user,
            session: ticket.session,
            session_key: ticket.session_key,
            until: expiry.map_or(until, |expiry| expiry.min(until)),
            session_ends,
        })
    }

    /// A page sends: step 3 of live section 2 with the connection's session as sender. Costs one call of the quota and no `call_id`.
    ///
    /// # Errors
    /// The same refusals as the signed call, the quota's before the others.
    pub async fn send(&self, permit: &Permit, send: PageSend) -> Result<Delivery, Refusal> {
        let app = self.sending_app(permit).await?;
        let charge = Charge {
            quota: quota_charge(&app, Some(permit.session)),
            order: None,
        };
        let id = send.id;
        let message = match self.message(&app, permit, &send).await {
            Ok(message) => message,
            Err(refusal) => {
                let settled = self.ports.ledger.settle(&charge).await;
                let settled = settled.map_err(|fault| reported(&fault.into()))?;
                return Err(settled.map_or_else(|first| refused_by_ledger(&first), |()| refusal));
            }
        };
        let placed = self.ports.deliver.accept(Some(&charge), message).await;
        placed.map_err(|error| refused_by_delivery(error, id).unwrap_or_else(|fault| reported(&fault)))
    }

    async fn sending_app(&self, permit: &Permit) -> Result<Arc<App>, Refusal> {
        let app = self.ports.store.app(permit.app).await;
        let app = app.map_err(|fault| reported(&fault.into()))?;
        app.filter(|app| app.enabled)
            .ok_or(Refusal::plain(Code::InvalidApiKey))
    }

    /// The checks of protocol 14.1.2 in their order, `recipient` to terms.
    async fn message(&self, app: &App, permit: &Permit, send: &PageSend) -> Result<NewMessage, Refusal> {
        for (name, text) in [
            ("recipient", &send.recipient),
            ("event_name", &send.event),
            ("message", &send.message),
        ] {
            if text.contains('\0') {
                return Err(invalid(name, "must not contain U+0000"));
            }
        }
        let ttl = send.ttl.map(|ttl| ttl.to_string());
        let judged = judge(
            Params {
                recipient: given(&send.recipient),
                event_name: given(&send.event),
                message: given(&send.message),
                ttl: ttl.as_deref(),
                collapse_key: send.collapse_key.as_deref(),
                fanout: send.fanout.as_deref(),
                ..Params::default()
            },
            app.settings.live_text,
        )?;
        for user in [permit.user, judged.recipient] {
            let grant = self.ports.store.grant(app.id, user).await;
            if grant.map_err(|fault| reported(&fault.into()))?.is_none() {
                return Err(terms_not_accepted());
            }
        }
        let from = From {
            door: Door::Page,
            app: app.id,
            sender: permit.user,
            via: Via::User,
            receipt: !app.receipts.address.is_empty(),
        };
        Ok(judged.into_message(send.id, from, self.spans.message_ttl_ms))
    }
}

/// An empty value is a missing one (protocol 14.1.2 b, c).
fn given(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn internal(fault: &dyn std::fmt::Display) -> Bye {
    tracing::error!(%fault, "a live connection was refused");
    Bye::InternalError
}

fn reported(fault: &Fault) -> Refusal {
    tracing::error!(%fault, "a page's send failed");
    fault.refusal()
}
