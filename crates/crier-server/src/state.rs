//! What handlers hold: use-case handles, never ports.

use crate::lifecycle::Tasks;
use crate::metrics::ServerMetrics;
use crate::site::{LoginThrottle, Reads, SiteConfig, Streams};
use crier_live::hub::Hub;
use crier_platform::accounts::Accounts;
use crier_platform::dispatch::Dispatcher;
use crier_platform::feed::FeedReader;
use crier_platform::insights::Insights;
use crier_platform::live_door::LiveDoor;
use crier_platform::messages::MessageReader;
use crier_platform::model::audit::Actor;
use crier_platform::pictures::Pictures;
use crier_platform::ports::clock::Clock;
use crier_proto::secret::Secret;
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

impl PublicUrl {
    /// Reads an address such as `http://127.0.0.1:8420` or `https://host/crier`.
    ///
    /// # Errors
    /// One sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url =
            url::Url::parse(text).map_err(|why| format!("is no URL ({why}): write http://host:port"))?;
        let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() || !plain {
            return Err("must be http:// or https://, a host, and at most a path behind it".into());
        }
        let origin = url.origin().ascii_serialization();
        let base_path = url.path().trim_end_matches('/').to_owned();
        Ok(Self {
            url: format!("{origin}{base_path}"),
            origin,
            base_path,
        })
    }
}

impl PublicUrl {
    /// The address behind which a token logs somebody in once.
    #[must_use]
    pub fn login_link(&self, token: &Secret) -> String {
        format!("{}/login/once?token={}", self.url, token.expose())
    }
}

/// Handles for every door. Cloning is cheap.
#[derive(Clone)]
pub struct AppState {
    /// The REST door's street.
    pub dispatcher: Arc<Dispatcher>,
    /// What became of applications' messages.
    pub messages: MessageReader,
    /// People, applications, acceptances, logins.
    pub accounts: Accounts,
    /// Pictures and photos.
    pub pictures: Pictures,
    /// Feeds.
    pub feed: FeedReader,
    /// What developers learn in numbers.
    pub insights: Insights,
    /// Live connections' permits.
    pub live_door: Arc<LiveDoor>,
    /// Time, for cookies' ages and deadlines.
    pub clock: Arc<dyn Clock>,
    /// How the command line is started in what is shown to be pasted: `crier`, in a demo the path of this binary.
    pub command: Arc<str>,
    /// The public address.
    pub public_url: Arc<PublicUrl>,
    /// Starts what must outlive a request, as a live connection does; it is waited for at the stop.
    pub tasks: Tasks,
    /// What pages take in.
    pub site: Arc<SiteConfig>,
    /// How often passwords are tried.
    pub throttle: Arc<LoginThrottle>,
    /// How often feeds are read.
    pub reads: Arc<Reads>,
    /// Open streams of feeds.
    pub streams: Arc<Streams>,
    /// Live connections, for the transports.
    pub hub: Arc<Hub>,
    /// Figures, for the bounds that pages keep.
    pub metrics: ServerMetrics,
}

impl AppState {
    /// The same handles, used by this actor: the audit log says so of what changes others' things.
    #[must_use]
    pub fn done_by(&self, actor: Actor) -> Self {
        Self {
            accounts: self.accounts.done_by(actor),
            pictures: self.pictures.done_by(actor),
            feed: self.feed.done_by(actor),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_lose_their_last_slash_and_keep_their_base_path() {
        let url = PublicUrl::parse("https://Host.example/crier/").unwrap();
        assert_eq!(url.url, "https://host.example/crier");
        assert_eq!(url.origin, "https://host.example");
        assert_eq!(url.base_path, "/crier");
        let url = PublicUrl::parse("http://127.0.0.1:8420").unwrap();
        assert_eq!(
            (url.url.as_str(), url.base_path.as_str()),
            ("http://127.0.0.1:8420", "")
        );
    }

    #[test]
    fn what_is_no_web_address_is_refused() {
        for bad in [
            "",
            "host",
            "ftp://host",
            "http://",
            "http://u@host",
            "http://host/?q",
            "http://host/#f",
        ] {
            assert!(PublicUrl::parse(bad).is_err(), "{bad}");
        }
    }
}
