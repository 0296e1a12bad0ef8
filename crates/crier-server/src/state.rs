//! What handlers hold: use-case handles, never ports.

use crier_platform::accounts::Accounts;
use crier_platform::dispatch::Dispatcher;
use crier_platform::feed::FeedReader;
use crier_platform::live_door::LiveDoor;
use crier_platform::ports::clock::Clock;
use std::sync::Arc;

/// Where people and pages reach this server: no trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    /// `http://127.0.0.1:8420` or `https://host/crier`.
    pub url: String,
    /// `http://127.0.0.1:8420`: scheme, host and port alone, as an `Origin` header spells it.
    pub origin: String,
    /// Empty, or `/crier`.
    pub base_path: String,
}

/// Handles for every door. Cloning is cheap.
#[derive(Clone)]
pub struct AppState {
    /// The REST door's street.
    pub dispatcher: Arc<Dispatcher>,
    /// People, applications, acceptances, logins.
    pub accounts: Accounts,
    /// Feeds.
    pub feed: FeedReader,
    /// Live connections' permits.
    pub live_door: Arc<LiveDoor>,
    /// Time, for cookies' ages and deadlines.
    pub clock: Arc<dyn Clock>,
    /// The public address.
    pub public_url: Arc<PublicUrl>,
}
