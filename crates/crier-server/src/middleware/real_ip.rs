//! Where a request comes from: the peer, or what a trusted proxy says of it (protocol 11.3).
//!
//! Promise: an address is believed only from a proxy that the configuration names. Knows no application's address list.

use http::HeaderMap;
use std::net::{IpAddr, SocketAddr};

/// A network: its first address, IPv4-mapped ones as IPv4, and how many leading bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    first: IpAddr,
    bits: u8,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let first = address.parse::<IpAddr>().ok()?.to_canonical();
        let most = if first.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Self { first, bits })
    }

    fn holds(self, address: IpAddr) -> bool {
        match (self.first, address) {
            (IpAddr::V4(first), IpAddr::V4(other)) => {
                let distance = u64::from(first.to_bits() ^ other.to_bits());
                distance.checked_shr(32_u32.saturating_sub(self.bits.into())) == Some(0)
            }
            (IpAddr::V6(first), IpAddr::V6(other)) => {
                let distance = first.to_bits() ^ other.to_bits();
                distance
                    .checked_shr(128_u32.saturating_sub(self.bits.into()))
                    .unwrap_or(0)
                    == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// Configuration `server.trusted_proxies`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// Reads addresses and CIDR blocks.
    ///
    /// # Errors
    /// A sentence naming the entry that is neither.
    pub fn parse(entries: &[String]) -> Result<Self, String> {
        let network = |entry: &String| {
            Network::parse(entry)
                .ok_or_else(|| format!("{entry} is neither an address nor a CIDR block such as 10.0.0.0/8"))
        };
        entries.iter().map(network).collect::<Result<_, _>>().map(Self)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.holds(address))
    }

    /// The peer, or when it is a trusted proxy the right-most untrusted entry of `X-Forwarded-For`. An entry that is no
    /// address ends the search: what stands left of it was written by someone whom nobody vouches for.
    #[must_use]
    pub fn source(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        let mut source = peer.ip().to_canonical();
        if self.0.is_empty() || !self.trusts(source) {
            return source;
        }
        let lines: Vec<&str> = headers
            .get_all("x-forwarded-for")
            .iter()
            .map(|line| line.to_str().unwrap_or_default())
            .collect();
        for entry in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            let Some(address) = forwarded_address(entry.trim()) else {
                break;
            };
            source = address;
            if !self.trusts(source) {
                break;
            }
        }
        source
    }
}

/// An address as proxies write it: bare, with a port, or bracketed.
fn forwarded_address(entry: &str) -> Option<IpAddr> {
    let bare = entry.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse().ok();
    let with_port = || entry.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    address.or_else(with_port).map(|ip: IpAddr| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(proxies: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let proxies: Vec<String> = proxies.iter().map(|text| (*text).to_owned()).collect();
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
        TrustedProxies::parse(&proxies)
            .unwrap()
            .source(peer, &headers)
            .to_string()
    }

    #[test]
    fn without_trusted_proxies_the_header_is_not_believed() {
        assert_eq!(source(&[], "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(
            source(&["10.0.0.0/8"], "192.0.2.1", &["198.51.100.7"]),
            "192.0.2.1"
        );
    }

    #[test]
    fn right_most_untrusted_entry_of_all_lines_is_the_source() {
        let proxies = ["10.0.0.0/8", "192.0.2.9"];
        assert_eq!(
            source(&proxies, "10.1.1.1", &["203.0.113.5, 198.51.100.7, 192.0.2.9"]),
            "198.51.100.7"
        );
        assert_eq!(
            source(&proxies, "10.1.1.1", &["203.0.113.5", "10.2.2.2"]),
            "203.0.113.5"
        );
        assert_eq!(source(&proxies, "10.1.1.1", &["10.3.3.3"]), "10.3.3.3");
        assert_eq!(source(&proxies, "10.1.1.1", &[]), "10.1.1.1");
    }

    #[test]
    fn an_entry_that_is_no_address_ends_the_search() {
        assert_eq!(
            source(&["10.0.0.0/8"], "10.1.1.1", &["203.0.113.5, unknown"]),
            "10.1.1.1"
        );
        assert_eq!(
            source(&["10.0.0.0/8"], "10.1.1.1", &["203.0.113.5, , 10.2.2.2"]),
            "10.2.2.2"
        );
    }

    #[test]
    fn mapped_addresses_count_as_the_older_kind_and_ports_are_dropped() {
        assert_eq!(source(&[], "::ffff:192.0.2.1", &[]), "192.0.2.1");
        assert_eq!(
            source(&["::ffff:10.1.1.1"], "10.1.1.1", &["198.51.100.7:80"]),
            "198.51.100.7"
        );
        assert_eq!(source(&["::1"], "::1", &["[2001:db8::5]:443"]), "2001:db8::5");
        assert_eq!(source(&["::/0"], "2001:db8::1", &["192.0.2.77"]), "192.0.2.77");
        assert_eq!(source(&["0.0.0.0/0"], "10.1.1.1", &["192.0.2.77"]), "192.0.2.77");
    }

    #[test]
    fn an_entry_that_is_no_network_is_refused_by_name() {
        for bad in ["10.0.0.0/33", "proxy.example", "", "10.1.2.*", "::/129"] {
            let refusal = TrustedProxies::parse(&[bad.to_owned()]).unwrap_err();
            assert!(refusal.starts_with(&format!("{bad} is neither")), "{refusal}");
        }
    }
}
