//! What the rules need to know of the server they run in: values with their defaults, read by the server's configuration.

use crate::call_log::CallLogConfig;
use crate::model::job::SourceRules;
use crier_proto::ids::ApiKey;
use crier_proto::story::OwnSite;

/// What the methods need to know of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DispatcherConfig {
    /// The public address, without a slash at its end: `https://host/crier`.
    pub public_url: String,
    /// Milliseconds of a message in the mailbox when its call says none (`live.ttl`, 60 s; live section 12).
    pub message_ttl_ms: u64,
    /// Milliseconds for which a ticket opens a connection (`live.ticket_life`, 60 s; live section 12).
    pub ticket_life_ms: u64,
    /// What decides what a new picture slot begins with (feed 7.3).
    pub sources: SourceRules,
    /// Photos that one user may have (`media.photos_per_user`, 1,000; feed 7.12).
    pub photos_per_user: u32,
    /// How much of an application's calls is kept for its developer (section `calls`).
    pub calls: CallLogConfig,
}

impl DispatcherConfig {
    /// The defaults of live section 12 for a server at this public address.
    #[must_use]
    pub fn at(public_url: &str) -> Self {
        Self {
            public_url: public_url.trim_end_matches('/').to_owned(),
            message_ttl_ms: 60_000,
            ticket_life_ms: 60_000,
            sources: SourceRules::default(),
            photos_per_user: 1_000,
            calls: CallLogConfig::default(),
        }
    }
}

/// Where this server's own pages are, taken apart once: stories must not lure into them (feed 2.8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnPages {
    host: String,
    base_path: String,
}

impl OwnPages {
    /// The pages below a public address `scheme://host[:port][/path]`.
    pub(crate) fn below(public_url: &str) -> Self {
        let rest = public_url
            .split_once("://")
            .map_or(public_url, |(_scheme, rest)| rest);
        let slash = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(slash);
        // The last colon begins a port, unless it stands inside the brackets of an IPv6 address.
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => host,
            Some(_) | None => authority,
        };
        Self {
            host: host.to_ascii_lowercase(),
            base_path: path.trim_end_matches('/').to_owned(),
        }
    }

    /// What stands before every path: empty, or `/crier`.
    pub(crate) fn base_path(&self) -> &str {
        &self.base_path
    }

    /// The judge of links in stories of one application.
    pub(crate) fn for_app<'a>(&'a self, api_key: &'a ApiKey) -> OwnSite<'a> {
        OwnSite {
            host: &self.host,
            base_path: &self.base_path,
            api_key,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_address_is_taken_apart_into_host_and_base_path() {
        for (url, host, base_path) in [
            ("http://127.0.0.1:8420", "127.0.0.1", ""),
            ("https://Crier.Example/crier/", "crier.example", "/crier"),
            ("http://[::1]:8420/a/b", "[::1]", "/a/b"),
            ("http://[::1]", "[::1]", ""),
        ] {
            let pages = OwnPages::below(url);
            assert_eq!((&*pages.host, &*pages.base_path), (host, base_path), "{url}");
        }
    }

    #[test]
    fn the_public_address_has_no_slash_at_its_end() {
        assert_eq!(
            DispatcherConfig::at("https://crier.example/x/").public_url,
            "https://crier.example/x"
        );
    }
}
