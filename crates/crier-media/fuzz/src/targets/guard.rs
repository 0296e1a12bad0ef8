//! Addresses that strangers' names have. Input: a port, then an address of four or sixteen bytes.
//!
//! Invariants: an allowed address is outside what the standard library itself knows to be private, in whatever form it is
//! embedded; one forbidden address forbids the answer that holds it; only the judged peer passes, and never ourselves.

use crier_media::config::MediaConfig;
use crier_media::guard::Guard;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What no stranger may make us dial, by the standard library's names.
fn is_private(ip: Ipv4Addr) -> bool {
    ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_broadcast()
        || ip.is_unspecified()
        || ip.is_documentation()
}

fn is_private_v6(ip: Ipv6Addr) -> bool {
    ip.is_loopback()
        || ip.is_unspecified()
        || ip.is_multicast()
        || ip.is_unique_local()
        || ip.is_unicast_link_local()
        || ip.to_ipv4().is_some()
}

/// Judges one address.
pub fn target(bytes: &[u8]) {
    let Some(([high, low], address)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let ip: IpAddr = if let Ok(four) = <[u8; 4]>::try_from(address) {
        four.into()
    } else if let Ok(sixteen) = <[u8; 16]>::try_from(address) {
        sixteen.into()
    } else {
        return;
    };
    let guard = Guard::new(&MediaConfig::default()).expect("the defaults are right");
    let asked = SocketAddr::new(ip, u16::from_be_bytes([*high, *low]));
    let public = SocketAddr::new(Ipv4Addr::new(8, 8, 8, 8).into(), 443);
    match guard.judge(asked) {
        Ok(()) => {
            assert!([80, 443].contains(&asked.port()));
            assert!(match ip {
                IpAddr::V4(ip) => !is_private(ip),
                IpAddr::V6(ip) => !is_private_v6(ip),
            });
            assert!(guard.judge_peer(asked, asked, Ipv4Addr::LOCALHOST.into()).is_ok());
            assert!(guard.judge_peer(asked, asked, ip).is_err());
            assert!(
                guard
                    .judge_peer(public, asked, Ipv4Addr::LOCALHOST.into())
                    .is_err()
                    || public == asked
            );
        }
        Err(_) => assert!(guard.judge_all(&[public, asked]).is_err()),
    }
}
