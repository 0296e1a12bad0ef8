//! Section `[live]` of the configuration: every bound of live delivery with its default (live section 12).
//!
//! Promise: an instance is complete; unknown keys are refused by the reader. Knows nothing of files or the environment.

use crate::rate::Rate;
use crier_platform::model::bad_key::{BadKey, at_least};
use crier_platform::model::quantity::{Bytes, Span};

/// Where mailboxes are (live 5.9, 5.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailboxMode {
    /// In memory: no live call waits for a disk, and a crash loses them and says so.
    #[default]
    Memory,
    /// In the books: an answer follows the sync, and a crash loses nothing that was answered.
    Durable,
}

/// Section `[live]`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LiveConfig {
    /// Where mailboxes are.
    pub mailbox: MailboxMode,
    /// Life of a message whose sender names none (live 5.2).
    pub ttl: Span,
    /// Messages of one (application, recipient) (live 5.3).
    pub ring_items_max: usize,
    /// Their bytes (live 5.3).
    pub ring_bytes_max: Bytes,
    /// Messages waiting of one application (live 5.4).
    pub app_items_max: u64,
    /// Their bytes (live 5.4).
    pub app_bytes_max: Bytes,
    /// Bytes of all mailboxes of the process (live 5.4).
    pub mailbox_bytes_max: Bytes,
    /// Mailbox heads of the process (live 5.7).
    pub heads_max: usize,
    /// Sends to one (application, recipient) a second; the burst is five times that.
    pub recipient_rate: u32,
    /// Sends of pages of one session a second; the burst is three times that (live 4.15).
    pub send_rate: u32,
    /// Client messages of one connection a second; the burst is twice that (live 4.15).
    pub frame_rate: u32,
    /// Tickets outstanding of one (application, user) (live 3.5).
    pub tickets_max: usize,
    /// Life of a ticket.
    pub ticket_life: Span,
    /// How long a connection may live without a new ticket (live 3.8).
    pub authorised_for: Span,
    /// Connections of one (application, user) (live 3.12).
    pub connections_per_user_max: usize,
    /// Connections of one source address; 0 switches the bound off (live 3.12).
    pub connections_per_address_max: u32,
    /// Connections of the process; 0: descriptors less 512, set by whoever starts the process (live 3.12).
    pub connections_max: u32,
    /// Sockets that have not said hello (live 3.13).
    pub hello_waiting_max: u32,
    /// How long a socket may wait before its hello (live 3.13).
    pub hello_deadline: Span,
    /// Admissions waiting (live 9.3).
    pub admit_places_max: usize,
    /// Admissions at work (live 9.3).
    pub admit_running_max: usize,
    /// From ping to ping (live 4.14).
    pub ping: Span,
    /// From ping to pong (live 4.14).
    pub pong_deadline: Span,
    /// How long a poll is held without a frame (live 4.8).
    pub poll_hold: Span,
    /// How long a page without a connection is still present (live section 1).
    pub page_grace: Span,
    /// Bytes of one connection that the kernel has not taken (live 8.1).
    pub outbox_bytes_max: Bytes,
    /// The kernel's send buffer of a live socket (live 8.1).
    pub send_buffer: Bytes,
    /// How long the kernel may take no byte of a waiting outbox (live 8.4).
    pub progress_deadline: Span,
    /// Waiting calls of one application (live 7.4).
    pub app_waiters_max: u32,
    /// Waiting calls of the process (live 7.4).
    pub waiters_max: u32,
    /// Outcome records of one application (live 7.5).
    pub status_items_max: usize,
    /// How long they outlive their message (live 7.5).
    pub status_keep: Span,
    /// How a soft stop sends pages away (live 9.6).
    pub drain: Drain,
    /// Longest span over which a stopping server spreads the return of its pages (live 9.7).
    pub drain_window: Span,
    /// When a soft stop becomes a hard one (live 9.6).
    pub stop_deadline: Span,
    /// Sessions whose call order is remembered in memory; the others are read back from the store.
    pub ledger_sessions_max: usize,
}

/// How a soft stop sends pages away (live 9.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Drain {
    /// At once, to come back to this very server: for one binary.
    Restart,
    /// After a notice, to go to another node while this one still answers: for a node that leaves others.
    Handover,
}

/// Section `[receipts]` (live 7.10).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReceiptsConfig {
    /// Receipts waiting of one application.
    pub waiting_max: usize,
    /// Posts under way, one of each application.
    pub requests_max: usize,
    /// From the look-up of the receiver's name to the status of its answer.
    pub deadline: Span,
}

impl Default for ReceiptsConfig {
    fn default() -> Self {
        Self {
            waiting_max: 10_000,
            requests_max: 32,
            deadline: Span(5_000),
        }
    }
}

impl Default for LiveConfig {
    fn default() -> Self {
        Self {
            mailbox: MailboxMode::Memory,
            ttl: Span(60_000),
            ring_items_max: 1_000,
            ring_bytes_max: Bytes(1 << 20),
            app_items_max: 200_000,
            app_bytes_max: Bytes(128 << 20),
            mailbox_bytes_max: Bytes(512 << 20),
            heads_max: 250_000,
            recipient_rate: 200,
            send_rate: 20,
            frame_rate: 100,
            tickets_max: 20,
            ticket_life: Span(60_000),
            authorised_for: Span(3_600_000),
            connections_per_user_max: 32,
            connections_per_address_max: 1_000,
            connections_max: 0,
            hello_waiting_max: 20_000,
            hello_deadline: Span(5_000),
            admit_places_max: 20_000,
            admit_running_max: 64,
            ping: Span(25_000),
            pong_deadline: Span(10_000),
            poll_hold: Span(25_000),
            page_grace: Span(15_000),
            outbox_bytes_max: Bytes(65_536),
            send_buffer: Bytes(32_768),
            progress_deadline: Span(30_000),
            app_waiters_max: 1_000,
            waiters_max: 10_000,
            status_items_max: 200_000,
            status_keep: Span(3_600_000),
            drain: Drain::Restart,
            drain_window: Span(30_000),
            stop_deadline: Span(45_000),
            ledger_sessions_max: 250_000,
        }
    }
}

impl ReceiptsConfig {
    /// What no single value's type can say.
    ///
    /// # Errors
    /// The key, and what is wrong with its value.
    pub fn check(&self) -> Result<(), BadKey> {
        at_least("receipts.waiting_max", self.waiting_max, 1)?;
        at_least("receipts.requests_max", self.requests_max, 1)?;
        at_least("receipts.deadline", self.deadline, Span(1))
    }
}

/// The longest life of a message (live section 12).
const TTL_MS_MAX: u64 = 86_400_000;
/// What a waiting outbox must hold: the longest frame beside the answers that a client frame may ask for.
const OUTBOX_BYTES_MIN: u64 = 32_768;

impl LiveConfig {
    /// Whether delivery can work with these values.
    ///
    /// # Errors
    /// The first key that it cannot work with, and what is possible.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let counts = [
            ("live.ring_items_max", self.ring_items_max as u64),
            ("live.ring_bytes_max", self.ring_bytes_max.0),
            ("live.app_items_max", self.app_items_max),
            ("live.app_bytes_max", self.app_bytes_max.0),
            ("live.mailbox_bytes_max", self.mailbox_bytes_max.0),
            ("live.heads_max", self.heads_max as u64),
            ("live.recipient_rate", self.recipient_rate.into()),
            ("live.send_rate", self.send_rate.into()),
            ("live.frame_rate", self.frame_rate.into()),
            ("live.tickets_max", self.tickets_max as u64),
            (
                "live.connections_per_user_max",
                self.connections_per_user_max as u64,
            ),
            ("live.hello_waiting_max", self.hello_waiting_max.into()),
            ("live.admit_places_max", self.admit_places_max as u64),
            ("live.admit_running_max", self.admit_running_max as u64),
            ("live.status_items_max", self.status_items_max as u64),
            ("live.ledger_sessions_max", self.ledger_sessions_max as u64),
            ("live.send_buffer", self.send_buffer.0),
        ];
        if let Some((key, _)) = counts.iter().find(|(_, count)| *count == 0) {
            return Err((key, "must be at least 1".to_owned()));
        }
        let spans = [
            ("live.ticket_life", self.ticket_life),
            ("live.authorised_for", self.authorised_for),
            ("live.hello_deadline", self.hello_deadline),
            ("live.pong_deadline", self.pong_deadline),
            ("live.poll_hold", self.poll_hold),
            ("live.progress_deadline", self.progress_deadline),
            ("live.stop_deadline", self.stop_deadline),
        ];
        if let Some((key, _)) = spans.iter().find(|(_, span)| span.0 == 0) {
            return Err((key, "must be longer than nothing".to_owned()));
        }
        if self.ping.0 < 1_000 {
            return Err(("live.ping", "must be at least 1s".to_owned()));
        }
        if self.ttl.0 == 0 || self.ttl.0 > TTL_MS_MAX {
            return Err((
                "live.ttl",
                "must be longer than nothing and at most 1d".to_owned(),
            ));
        }
        if self.outbox_bytes_max.0 < OUTBOX_BYTES_MIN {
            return Err(("live.outbox_bytes_max", "must be at least 32KiB".to_owned()));
        }
        Ok(())
    }

    /// Sends to one recipient: 200 a second, 1,000 at once.
    #[must_use]
    pub const fn recipient_rate(&self) -> Rate {
        rate(self.recipient_rate, 5)
    }

    /// Sends of pages of one session: 20 a second, 60 at once.
    #[must_use]
    pub const fn send_rate(&self) -> Rate {
        rate(self.send_rate, 3)
    }

    /// Client messages of one connection: 100 a second, 200 at once.
    #[must_use]
    pub const fn frame_rate(&self) -> Rate {
        rate(self.frame_rate, 2)
    }
}

const fn rate(per_second: u32, bursts: u32) -> Rate {
    Rate {
        per_second,
        burst: per_second.saturating_mul(bursts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_the_numbers_of_the_limits_table() {
        let config = LiveConfig::default();
        let rates = [config.recipient_rate(), config.send_rate(), config.frame_rate()];
        assert_eq!(
            rates.map(|rate| (rate.per_second, rate.burst)),
            [(200, 1_000), (20, 60), (100, 200)]
        );
        assert_eq!(
            (config.ring_items_max, config.ring_bytes_max.0),
            (1_000, 1_048_576)
        );
        assert_eq!((config.tickets_max, config.connections_per_user_max), (20, 32));
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(serde_json::from_str::<LiveConfig>(r#"{"tttl":"60s"}"#).is_err());
        let read: LiveConfig = serde_json::from_str(r#"{"ttl":"5m","mailbox":"durable"}"#).unwrap();
        assert_eq!((read.ttl, read.mailbox), (Span(300_000), MailboxMode::Durable));
        assert_eq!(LiveConfig::default().mailbox, MailboxMode::Memory);
        assert!(serde_json::from_str::<LiveConfig>(r#"{"mailbox":"disk"}"#).is_err());
    }
}
