//! Who may be dialled: the judge of feed 7.5.
//!
//! Promise: judged is the binary address, never its spelling; what is not permitted is forbidden; a host is refused when any of
//! its addresses is. Pure: knows no name, no socket, no clock.

use crate::config::MediaConfig;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Addresses of one answer that are considered; an answer with more is refused.
pub const ADDRESSES_MAX: usize = 16;
/// Addresses of one answer that are tried.
pub const ATTEMPTS_MAX: usize = 4;

const fn v4([a, b, c, d]: [u8; 4], bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

const fn v6([first, second, third]: [u16; 3], bits: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(first, second, third, 0, 0, 0, 0, 0), bits)
}

/// Forbidden IPv4 networks (feed 7.5).
pub const FORBIDDEN_V4: [Ipv4Net; 18] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 31, 196, 0], 24),
    v4([192, 52, 193, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([192, 175, 48, 0], 24),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
];

/// The only IPv6 network of which anything is permitted: global unicast. Outside lie loopback, the compatible, mapped and
/// translated forms of IPv4, NAT64's well-known prefixes, private, link-local and multicast addresses.
pub const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0], 3);

/// Forbidden networks inside it (feed 7.5).
pub const FORBIDDEN_V6: [Ipv6Net; 6] = [
    v6([0x2001, 0, 0], 23),
    v6([0x2001, 0x0db8, 0], 32),
    v6([0x2002, 0, 0], 16),
    v6([0x2620, 0x004f, 0x8000], 48),
    v6([0x3ffe, 0, 0], 16),
    v6([0x3fff, 0, 0], 20),
];

/// The words before the IPv4 address of an ISATAP interface.
const ISATAP_WORDS: [[u16; 2]; 2] = [[0x0000, 0x5efe], [0x0200, 0x5efe]];

/// Why an address is not dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// A private or special IPv4 address.
    #[error("{0} is a private or special address")]
    V4(Ipv4Addr),
    /// Any IPv6 address that is not plainly global, or embeds an IPv4 address.
    #[error("{0} is a private or special address")]
    V6(Ipv6Addr),
    /// A port that is not in `media.ports`.
    #[error("port {0} is not permitted")]
    Port(u16),
    /// The address names an interface of this machine.
    #[error("{0} has a zone id")]
    Zone(Ipv6Addr),
    /// This machine itself.
    #[error("{0} is this machine")]
    Ourselves(IpAddr),
    /// More addresses than are considered.
    #[error("the name has {0} addresses, more than {ADDRESSES_MAX}")]
    TooMany(usize),
}

impl Forbidden {
    /// The label of `dial_refused_total{class}`.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::V4(_) => "ipv4",
            Self::V6(_) => "ipv6",
            Self::Port(_) => "port",
            Self::Zone(_) => "zone",
            Self::Ourselves(_) => "self",
            Self::TooMany(_) => "addresses",
        }
    }
}

/// An entry of `media.dial_allow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Exception {
    network: IpNet,
    port: Option<u16>,
}

impl Exception {
    fn covers(&self, address: SocketAddr) -> bool {
        self.network.contains(&address.ip()) && self.port.is_none_or(|port| port == address.port())
    }
}

/// The judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    ports: Vec<u16>,
    exceptions: Vec<Exception>,
    translators: Vec<Ipv6Net>,
}

impl Guard {
    /// The judge of this configuration.
    ///
    /// # Errors
    /// The key, and what is wrong with which entry.
    pub fn new(config: &MediaConfig) -> Result<Self, (&'static str, String)> {
        let exceptions = config.dial_allow.iter().map(|entry| read_exception(entry));
        let translators = config.nat64_prefixes.iter().map(|entry| read_translator(entry));
        Ok(Self {
            ports: config.ports.clone(),
            exceptions: exceptions
                .collect::<Result<_, _>>()
                .map_err(|why| ("media.dial_allow", why))?,
            translators: translators
                .collect::<Result<_, _>>()
                .map_err(|why| ("media.nat64_prefixes", why))?,
        })
    }

    /// Judges every address of an answer and gives those that may be tried, in the answer's order.
    ///
    /// # Errors
    /// The first reason that was found: one forbidden address refuses the host.
    pub fn judge_all(&self, answer: &[SocketAddr]) -> Result<Vec<SocketAddr>, Forbidden> {
        answer.iter().try_for_each(|address| self.judge(*address))?;
        if answer.len() > ADDRESSES_MAX {
            return Err(Forbidden::TooMany(answer.len()));
        }
        Ok(answer.iter().copied().take(ATTEMPTS_MAX).collect())
    }

    /// Judges one address.
    ///
    /// # Errors
    /// Why it is not dialled.
    pub fn judge(&self, address: SocketAddr) -> Result<(), Forbidden> {
        if let SocketAddr::V6(scoped) = address
            && scoped.scope_id() != 0
        {
            return Err(Forbidden::Zone(*scoped.ip()));
        }
        if self.excepts(address) {
            return Ok(());
        }
        match address.ip() {
            IpAddr::V4(ip) => judge_v4(ip)?,
            IpAddr::V6(ip) => self.judge_v6(ip)?,
        }
        if self.ports.contains(&address.port()) {
            Ok(())
        } else {
            Err(Forbidden::Port(address.port()))
        }
    }

    /// Judges a connection that stands, before a byte is sent: the peer is what was judged, and it is not this machine.
    ///
    /// # Errors
    /// `Ourselves`, unless `media.dial_allow` names the address; a peer that differs is judged as itself and never passes.
    pub fn judge_peer(&self, judged: SocketAddr, peer: SocketAddr, own: IpAddr) -> Result<(), Forbidden> {
        if (peer.ip(), peer.port()) != (judged.ip(), judged.port()) {
            return Err(match peer.ip() {
                IpAddr::V4(ip) => Forbidden::V4(ip),
                IpAddr::V6(ip) => Forbidden::V6(ip),
            });
        }
        if own == peer.ip() && !self.excepts(peer) {
            return Err(Forbidden::Ourselves(own));
        }
        Ok(())
    }

    /// Whether an entry of `media.dial_allow` lifts the rules of address, port and self for this address.
    #[must_use]
    pub fn excepts(&self, address: SocketAddr) -> bool {
        self.exceptions.iter().any(|exception| exception.covers(address))
    }

    fn judge_v6(&self, ip: Ipv6Addr) -> Result<(), Forbidden> {
        if let Some(prefix) = self.translators.iter().find(|prefix| prefix.contains(&ip)) {
            // The translator would connect to what is embedded: that is what counts.
            return match embedded(ip, prefix.prefix_len()) {
                Some(inner) => judge_v4(inner).map_err(|_| Forbidden::V6(ip)),
                None => Err(Forbidden::V6(ip)),
            };
        }
        let words = ip.segments();
        let is_special = !GLOBAL_V6.contains(&ip)
            || FORBIDDEN_V6.iter().any(|network| network.contains(&ip))
            || ISATAP_WORDS.contains(&[words[4], words[5]]);
        if is_special {
            Err(Forbidden::V6(ip))
        } else {
            Ok(())
        }
    }
}

fn judge_v4(ip: Ipv4Addr) -> Result<(), Forbidden> {
    if FORBIDDEN_V4.iter().any(|network| network.contains(&ip)) {
        return Err(Forbidden::V4(ip));
    }
    Ok(())
}

/// The IPv4 address in an address of a translator's prefix (RFC 6052 section 2.2); nothing when the octet that must be zero is not.
fn embedded(ip: Ipv6Addr, prefix_bits: u8) -> Option<Ipv4Addr> {
    let octets = ip.octets();
    if prefix_bits != 96 && octets[8] != 0 {
        return None;
    }
    let places = match prefix_bits {
        32 => [4, 5, 6, 7],
        40 => [5, 6, 7, 9],
        48 => [6, 7, 9, 10],
        56 => [7, 9, 10, 11],
        64 => [9, 10, 11, 12],
        96 => [12, 13, 14, 15],
        _ => return None,
    };
    Some(places.map(|place| octets[place]).into())
}

/// Reads `CIDR`, `CIDR:port` or `[CIDR]:port`; a single address is its own network.
fn read_exception(entry: &str) -> Result<Exception, String> {
    let wrong =
        || format!("{entry:?} is no CIDR, CIDR:port or [CIDR]:port, such as 127.0.0.0/8 or [::1/128]:8000");
    if let Some(rest) = entry.strip_prefix('[') {
        let (network, port) = rest.split_once("]:").ok_or_else(wrong)?;
        return Ok(Exception {
            network: read_network(network)?,
            port: Some(read_port(port).ok_or_else(wrong)?),
        });
    }
    // An IPv6 address has colons of its own: with a port it stands in brackets.
    match entry.split_once(':') {
        Some((network, port)) if !port.contains(':') && network.contains('.') => Ok(Exception {
            network: read_network(network)?,
            port: Some(read_port(port).ok_or_else(wrong)?),
        }),
        _ => Ok(Exception {
            network: read_network(entry)?,
            port: None,
        }),
    }
}

fn read_port(text: &str) -> Option<u16> {
    text.parse()
        .ok()
        .filter(|port: &u16| *port > 0 && port.to_string() == text)
}

fn read_network(text: &str) -> Result<IpNet, String> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text
            .parse::<IpNet>()
            .map_err(|_| format!("{text:?} is no address and no CIDR block, such as 10.1.0.0/16"))?,
    };
    let exact = network.trunc();
    if exact != network {
        return Err(format!("{text:?} has bits behind its prefix: write {exact}"));
    }
    Ok(network)
}

/// Reads a translator's prefix: one of the lengths of RFC 6052.
fn read_translator(entry: &str) -> Result<Ipv6Net, String> {
    match read_network(entry)? {
        IpNet::V6(prefix) if matches!(prefix.prefix_len(), 32 | 40 | 48 | 56 | 64 | 96) => Ok(prefix),
        IpNet::V6(_) | IpNet::V4(_) => Err(format!(
            "{entry:?} is no IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits, such as 64:ff9b::/96"
        )),
    }
}

#[cfg(test)]
mod tests;
