//! The grammar of an application's address list (protocol 11.3). Judges nothing: the pipeline does.

use super::AccountError;
use crate::model::app::AddressRule;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Entries of one list at most.
pub const ADDRESS_RULES_MAX: usize = 100;

/// Reads a comma-separated list of addresses, CIDR blocks and prefixes such as `10.1.2.*`; empty means all addresses.
///
/// # Errors
/// `Invalid`, naming the entry that is none of these.
pub fn read_allow_ip(text: &str) -> Result<Vec<AddressRule>, AccountError> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let rules = entries
        .map(|entry| {
            read_rule(entry).ok_or_else(|| {
                AccountError::Invalid(format!(
                    "allow_ip: {entry:?} is no address, no block such as 10.1.2.0/24 and no prefix such as 10.1.2.*"
                ))
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    if rules.len() > ADDRESS_RULES_MAX {
        return Err(AccountError::Invalid(format!(
            "allow_ip: at most {ADDRESS_RULES_MAX} entries"
        )));
    }
    Ok(rules)
}

/// One entry, or `None` when it has none of the three forms.
#[must_use]
pub fn read_rule(entry: &str) -> Option<AddressRule> {
    let (network, bits) = if let Some(prefix) = entry.strip_suffix(".*") {
        read_prefix(prefix)?
    } else if let Some((address, bits)) = entry.split_once('/') {
        read_block(address, bits)?
    } else {
        let address = entry.parse::<IpAddr>().ok()?.to_canonical();
        (address, if address.is_ipv4() { 32 } else { 128 })
    };
    Some(AddressRule {
        text: entry.to_owned(),
        network,
        bits,
    })
}

/// `10`, `10.1` or `10.1.2` of a prefix entry.
fn read_prefix(prefix: &str) -> Option<(IpAddr, u8)> {
    let octets = prefix
        .split('.')
        .map(|octet| {
            octet
                .parse::<u8>()
                .ok()
                .filter(|value| value.to_string() == octet)
        })
        .collect::<Option<Vec<u8>>>()?;
    let bits = match octets.len() {
        1 => 8,
        2 => 16,
        3 => 24,
        _ => return None,
    };
    let at = |place: usize| octets.get(place).copied().unwrap_or(0);
    Some((IpAddr::V4(Ipv4Addr::new(at(0), at(1), at(2), 0)), bits))
}

/// Address and length of a CIDR block, host bits cleared, IPv4-mapped blocks as IPv4.
fn read_block(address: &str, bits: &str) -> Option<(IpAddr, u8)> {
    let address = address.parse::<IpAddr>().ok()?;
    let length = bits
        .parse::<u8>()
        .ok()
        .filter(|value| value.to_string() == bits)?;
    let (address, length) = match address {
        IpAddr::V6(six) if length >= 96 && six.to_ipv4_mapped().is_some() => {
            (address.to_canonical(), length - 96)
        }
        IpAddr::V4(_) | IpAddr::V6(_) => (address, length),
    };
    match address {
        IpAddr::V4(four) if length <= 32 => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            Some((IpAddr::V4(Ipv4Addr::from_bits(four.to_bits() & mask)), length))
        }
        IpAddr::V6(six) if length <= 128 => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            Some((IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & mask)), length))
        }
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(entry: &str) -> Option<(String, u8)> {
        read_rule(entry).map(|rule| (rule.network.to_string(), rule.bits))
    }

    #[test]
    fn addresses_blocks_and_prefixes_become_network_and_length() {
        for (entry, network, bits) in [
            ("10.1.2.3", "10.1.2.3", 32),
            ("::1", "::1", 128),
            ("::ffff:10.1.2.3", "10.1.2.3", 32),
            ("10.1.2.3/24", "10.1.2.0", 24),
            ("10.1.2.3/0", "0.0.0.0", 0),
            ("::ffff:10.1.2.3/120", "10.1.2.0", 24),
            ("2001:db8::1/32", "2001:db8::", 32),
            ("::/0", "::", 0),
            ("10.1.2.*", "10.1.2.0", 24),
            ("10.1.*", "10.1.0.0", 16),
            ("10.*", "10.0.0.0", 8),
        ] {
            assert_eq!(rule(entry), Some((network.to_owned(), bits)), "{entry}");
        }
    }

    #[test]
    fn anything_else_is_no_rule() {
        for entry in [
            "*",
            "10",
            "10.1",
            "10.1.2.3.*",
            "10.1.2.03",
            "10.01.*",
            "256.*",
            "10.1.2.3/33",
            "::/129",
            "10.1.2.3/+8",
            "host.example",
            "10.1.*.*",
        ] {
            assert_eq!(rule(entry), None, "{entry}");
        }
    }

    #[test]
    fn a_list_takes_blanks_round_its_commas_and_names_the_entry_that_fails() {
        assert_eq!(read_allow_ip("").unwrap().len(), 0);
        assert_eq!(read_allow_ip(" 10.0.0.1 , ::1 ").unwrap().len(), 2);
        let error = read_allow_ip("10.0.0.1,nonsense").unwrap_err().to_string();
        assert!(error.contains("\"nonsense\""), "{error}");
    }

    #[test]
    fn a_list_of_101_entries_is_refused() {
        assert!(read_allow_ip(&vec!["10.0.0.1"; 100].join(",")).is_ok());
        assert!(read_allow_ip(&vec!["10.0.0.1"; 101].join(",")).is_err());
    }
}
