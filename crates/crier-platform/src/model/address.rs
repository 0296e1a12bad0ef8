//! Address lists: which addresses a web application's calls may come from (protocol 11.3).
//!
//! Knows nothing of proxies: whose address counts is decided at the edge.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// One entry of an address list (protocol 11.3). IPv4-mapped IPv6 addresses count as IPv4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressRule {
    /// As written: an address, a CIDR block, or a prefix such as `10.1.2.*`.
    pub text: String,
    /// The network's first address.
    pub network: IpAddr,
    /// How many leading bits count.
    pub bits: u8,
}

/// A text that is no entry of an address list. Its own text says what one looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an address, a block such as 10.1.0.0/16 or 2001:db8::/32, or a prefix such as 10.1.2.*")]
pub struct BadAddressRule;

impl AddressRule {
    /// Reads one entry, without white space round it.
    ///
    /// # Errors
    /// `BadAddressRule` for anything that is neither an address, nor a CIDR block, nor one to three octets followed by `.*`.
    pub fn parse(text: &str) -> Result<Self, BadAddressRule> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (read_address(address)?, Some(read_bits(bits)?)),
            None => match text.strip_suffix(".*") {
                Some(octets) => read_prefix(octets)?,
                None => (read_address(text)?, None),
            },
        };
        let (network, bits) = canonical_block(address, bits)?;
        Ok(Self {
            text: text.to_owned(),
            network: masked(network, bits),
            bits,
        })
    }

    /// Reads a comma-separated list; blanks round entries and empty entries are ignored, an empty list permits all.
    ///
    /// # Errors
    /// `BadAddressRule` for the first entry that is none.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, BadAddressRule> {
        text.split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .map(Self::parse)
            .collect()
    }

    /// Whether `address` lies in the block.
    #[must_use]
    pub fn covers(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.network.is_ipv4() && masked(address, self.bits) == self.network
    }
}

impl FromStr for AddressRule {
    type Err = BadAddressRule;
    fn from_str(text: &str) -> Result<Self, BadAddressRule> {
        Self::parse(text)
    }
}

impl fmt::Display for AddressRule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

fn read_address(text: &str) -> Result<IpAddr, BadAddressRule> {
    text.parse().map_err(|_| BadAddressRule)
}

fn read_bits(text: &str) -> Result<u8, BadAddressRule> {
    // "+8" and "08" would be read by the number parser; an address list is security, so one spelling only.
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    let bits = text.parse().map_err(|_| BadAddressRule)?;
    if plain { Ok(bits) } else { Err(BadAddressRule) }
}

/// `10.1.2` of `10.1.2.*`: one to three octets, which are eight bits each.
fn read_prefix(octets: &str) -> Result<(IpAddr, Option<u8>), BadAddressRule> {
    let mut bytes = [0u8; 4];
    let mut bits = 0u8;
    let mut free = bytes.iter_mut().take(3);
    for octet in octets.split('.') {
        *free.next().ok_or(BadAddressRule)? = read_bits(octet)?;
        bits += 8;
    }
    Ok((IpAddr::V4(Ipv4Addr::from(bytes)), Some(bits)))
}

/// The block with mapped addresses turned into IPv4 ones, and its bits; without given bits a single address.
fn canonical_block(address: IpAddr, bits: Option<u8>) -> Result<(IpAddr, u8), BadAddressRule> {
    let canonical = address.to_canonical();
    let width = |address: IpAddr| if address.is_ipv4() { 32u8 } else { 128 };
    let Some(bits) = bits else {
        return Ok((canonical, width(canonical)));
    };
    if bits > width(address) {
        return Err(BadAddressRule);
    }
    if canonical.is_ipv4() == address.is_ipv4() {
        return Ok((address, bits));
    }
    // A block of mapped addresses that is wider than all of IPv4 speaks of IPv6 addresses, which never arrive in that form.
    let bits = bits.checked_sub(96).ok_or(BadAddressRule)?;
    Ok((canonical, bits))
}

fn masked(address: IpAddr, bits: u8) -> IpAddr {
    let bits = u32::from(bits);
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32u32.saturating_sub(bits)).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask))
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128u32.saturating_sub(bits)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(rule: &str, address: &str) -> bool {
        AddressRule::parse(rule)
            .expect(rule)
            .covers(address.parse().expect(address))
    }

    #[test]
    fn addresses_blocks_and_prefixes_cover_what_they_say_and_nothing_beside_it() {
        for (rule, inside, outside) in [
            ("10.1.2.3", "10.1.2.3", "10.1.2.4"),
            ("10.1.2.0/24", "10.1.2.255", "10.1.3.0"),
            ("10.1.2.77/24", "10.1.2.0", "10.1.1.255"),
            ("10.1.2.*", "10.1.2.255", "10.1.3.0"),
            ("10.1.*", "10.1.255.0", "10.2.0.0"),
            ("10.*", "10.255.255.255", "11.0.0.0"),
            ("10.1.2.2/31", "10.1.2.3", "10.1.2.4"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("2001:db8::1", "2001:db8::1", "2001:db8::2"),
            ("::ffff:10.0.0.0/104", "10.255.0.1", "11.0.0.1"),
            ("::ffff:10.0.0.1", "10.0.0.1", "10.0.0.2"),
        ] {
            assert!(covers(rule, inside), "{rule} covers {inside}");
            assert!(!covers(rule, outside), "{rule} does not cover {outside}");
        }
        assert!(covers("0.0.0.0/0", "255.255.255.255"));
        assert!(covers("::/0", "2001:db8::1"));
    }

    #[test]
    fn mapped_ipv6_addresses_count_as_ipv4() {
        assert!(covers("10.1.2.*", "::ffff:10.1.2.3"));
        assert!(!covers("::/0", "::ffff:10.1.2.3"));
        assert!(!covers("0.0.0.0/0", "2001:db8::1"));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "*",
            "10",
            "10.1",
            "10.1.2.3.*",
            "10.1.2.3/33",
            "10.1.2.3/",
            "10.1.2.3/+8",
            "10.1.2.3/08",
            "10.01.*",
            "256.*",
            "-1.*",
            "10..*",
            "x.*",
            "2001:db8::*",
            "2001:db8::/129",
            "::ffff:10.0.0.0/80",
            " 10.0.0.1",
            "10.0.0.1 ",
            "host",
        ] {
            assert_eq!(AddressRule::parse(text), Err(BadAddressRule), "{text:?}");
        }
    }

    #[test]
    fn lists_are_comma_separated_and_all_or_nothing() {
        let list = AddressRule::parse_list("10.0.0.1, 10.1.2.*,,2001:db8::/32").unwrap();
        let texts: Vec<_> = list.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["10.0.0.1", "10.1.2.*", "2001:db8::/32"]);
        assert_eq!(AddressRule::parse_list(""), Ok(vec![]));
        assert!(AddressRule::parse_list("10.0.0.1,nonsense").is_err());
    }
}
