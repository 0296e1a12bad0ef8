//! The judge against every row of its tables, their neighbours, and every form that embeds an IPv4 address (feed 7.5).

use super::*;
use proptest::prelude::*;

fn guard(allow: &[&str], translators: &[&str]) -> Guard {
    let own = |entries: &[&str]| entries.iter().map(|entry| (*entry).to_owned()).collect();
    let config = MediaConfig {
        dial_allow: own(allow),
        nat64_prefixes: own(translators),
        ..MediaConfig::default()
    };
    Guard::new(&config).expect("the entries are right")
}

fn at(address: &str) -> SocketAddr {
    address.parse().expect("an address with a port")
}

fn last_v4(network: Ipv4Net) -> Ipv4Addr {
    network.broadcast()
}

fn last_v6(network: Ipv6Net) -> Ipv6Addr {
    network.broadcast()
}

fn is_permitted(guard: &Guard, ip: impl Into<IpAddr>) -> bool {
    guard.judge(SocketAddr::new(ip.into(), 443)).is_ok()
}

/// The ways in which an IPv6 address carries an IPv4 one.
fn embeddings(ip: Ipv4Addr) -> [Ipv6Addr; 8] {
    let [a, b, c, d] = ip.octets();
    let high = u16::from_be_bytes([a, b]);
    let low = u16::from_be_bytes([c, d]);
    [
        Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, high, low),
        Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x2001, 0, 0x4136, 0xe378, 0x8000, 63, !high, !low),
        Ipv6Addr::new(0x2607, 0xf8b0, 0, 0, 0, 0x5efe, high, low),
        Ipv6Addr::new(0x2607, 0xf8b0, 0, 0, 0x0200, 0x5efe, high, low),
    ]
}

#[test]
fn every_forbidden_ipv4_network_is_forbidden_from_its_first_to_its_last_address() {
    let guard = guard(&[], &[]);
    for network in FORBIDDEN_V4 {
        for ip in [network.network(), last_v4(network)] {
            assert!(!is_permitted(&guard, ip), "{ip}");
            for embedding in embeddings(ip) {
                assert!(!is_permitted(&guard, embedding), "{embedding}");
            }
        }
    }
}

#[test]
fn the_neighbours_of_every_forbidden_ipv4_network_are_permitted_unless_they_are_forbidden_too() {
    let guard = guard(&[], &[]);
    let listed = |ip: Ipv4Addr| FORBIDDEN_V4.iter().any(|network| network.contains(&ip));
    let mut permitted = 0;
    for network in FORBIDDEN_V4 {
        let before = u32::from(network.network()).checked_sub(1);
        let after = u32::from(last_v4(network)).checked_add(1);
        for ip in [before, after].into_iter().flatten().map(Ipv4Addr::from) {
            assert_eq!(is_permitted(&guard, ip), !listed(ip), "{ip}");
            permitted += u32::from(!listed(ip));
        }
    }
    assert_eq!(
        permitted, 32,
        "of 34 neighbours only 223.255.255.255|224 and 239|240 touch"
    );
}

#[test]
fn the_table_of_ipv4_is_the_page_s() {
    let shown: Vec<String> = FORBIDDEN_V4.iter().map(ToString::to_string).collect();
    let page = "0/8, 10/8, 100.64/10, 127/8, 169.254/16, 172.16/12, 192.0.0/24, 192.0.2/24, 192.31.196/24, 192.52.193/24, \
                192.88.99/24, 192.168/16, 192.175.48/24, 198.18/15, 198.51.100/24, 203.0.113/24, 224/4, 240/4";
    let whole = page.split(", ").map(|row| {
        let (octets, bits) = row.split_once('/').expect("a network");
        let missing = 3 - octets.matches('.').count();
        format!("{octets}{}/{bits}", ".0".repeat(missing))
    });
    assert_eq!(shown, whole.collect::<Vec<_>>());
}

#[test]
fn outside_of_global_unicast_every_ipv6_address_is_forbidden() {
    let guard = guard(&[], &[]);
    for text in [
        "::",
        "::1",
        "::8.8.8.8",
        "::ffff:8.8.8.8",
        "::ffff:0:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "64:ff9b:1::8.8.8.8",
        "100::",
        "100:0:0:1::",
        "1fff:ffff::",
        "4000::",
        "5f00::1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "ffff::",
    ] {
        let ip: Ipv6Addr = text.parse().expect("an address");
        assert!(!is_permitted(&guard, ip), "{text}");
    }
    for text in [
        "2000::",
        "2606:4700:4700::1111",
        "3ffd:ffff::",
        "3fff:1000::",
        "2620:4f:8001::",
        "2001:200::",
    ] {
        let ip: Ipv6Addr = text.parse().expect("an address");
        assert!(is_permitted(&guard, ip), "{text}");
    }
}

#[test]
fn every_forbidden_network_inside_global_unicast_is_forbidden_from_its_first_to_its_last_address() {
    let guard = guard(&[], &[]);
    for network in FORBIDDEN_V6 {
        for ip in [network.network(), last_v6(network)] {
            assert!(!is_permitted(&guard, ip), "{ip}");
        }
        let after = u128::from(last_v6(network)).checked_add(1).map(Ipv6Addr::from);
        let listed =
            |ip: &Ipv6Addr| FORBIDDEN_V6.iter().any(|other| other.contains(ip)) || !GLOBAL_V6.contains(ip);
        if let Some(after) = after {
            assert_eq!(is_permitted(&guard, after), !listed(&after), "{after}");
        }
    }
}

#[test]
fn a_scoped_address_is_refused_wherever_it_points() {
    let scoped = std::net::SocketAddrV6::new(Ipv6Addr::new(0x2606, 0x4700, 0, 0, 0, 0, 0, 1), 443, 0, 3);
    assert_eq!(
        guard(&["::/0"], &[]).judge(scoped.into()),
        Err(Forbidden::Zone(*scoped.ip()))
    );
}

#[test]
fn only_web_ports_are_permitted() {
    let guard = guard(&[], &[]);
    assert_eq!(guard.judge(at("8.8.8.8:80")), Ok(()));
    assert_eq!(guard.judge(at("8.8.8.8:22")), Err(Forbidden::Port(22)));
    assert_eq!(
        guard.judge(at("8.8.8.8:8080")).map_err(Forbidden::class),
        Err("port")
    );
}

#[test]
fn one_forbidden_address_refuses_the_host_and_four_of_sixteen_are_tried() {
    let guard = guard(&[], &[]);
    let public: Vec<SocketAddr> = (1..=17).map(|last| at(&format!("8.8.8.{last}:80"))).collect();
    assert_eq!(guard.judge_all(&public[..16]), Ok(public[..4].to_vec()));
    assert_eq!(guard.judge_all(&public), Err(Forbidden::TooMany(17)));
    let mut mixed = public[..16].to_vec();
    mixed[15] = at("10.0.0.1:80");
    assert_eq!(
        guard.judge_all(&mixed),
        Err(Forbidden::V4(Ipv4Addr::new(10, 0, 0, 1)))
    );
}

#[test]
fn dial_allow_lifts_the_rules_for_exactly_its_entries() {
    let guard = guard(
        &[
            "127.0.0.0/8:8000",
            "10.1.0.0/16",
            "[::1/128]:9000",
            "fd00::/8",
            "192.168.1.7",
        ],
        &[],
    );
    for permitted in [
        "127.0.0.1:8000",
        "127.9.9.9:8000",
        "10.1.2.3:22",
        "[::1]:9000",
        "[fd00::5]:1",
        "192.168.1.7:7",
    ] {
        assert_eq!(guard.judge(at(permitted)), Ok(()), "{permitted}");
        assert!(guard.excepts(at(permitted)), "{permitted}");
    }
    for forbidden in [
        "127.0.0.1:8001",
        "10.2.0.1:80",
        "[::1]:80",
        "[fc00::5]:80",
        "192.168.1.8:80",
        "[::ffff:127.0.0.1]:8000",
        "8.8.8.8:22",
    ] {
        assert!(guard.judge(at(forbidden)).is_err(), "{forbidden}");
    }
}

#[test]
fn an_entry_of_dial_allow_that_means_two_things_is_refused_by_name() {
    for (entry, why) in [
        (
            "10.1.2.3/8",
            "\"10.1.2.3/8\" has bits behind its prefix: write 10.0.0.0/8",
        ),
        (
            "10.0.0.0/8:0",
            "\"10.0.0.0/8:0\" is no CIDR, CIDR:port or [CIDR]:port, such as 127.0.0.0/8 or [::1/128]:8000",
        ),
        (
            "localhost",
            "\"localhost\" is no address and no CIDR block, such as 10.1.0.0/16",
        ),
    ] {
        let config = MediaConfig {
            dial_allow: vec![entry.to_owned()],
            ..MediaConfig::default()
        };
        assert_eq!(config.check(), Err(("media.dial_allow", why.to_owned())));
    }
    for entry in [
        "[::1]",
        "[::1/128]:",
        "[::1/128]:99999",
        "127.0.0.1:08",
        "10.0.0.0/33",
        "fd00::/129",
        "",
        "*",
    ] {
        let config = MediaConfig {
            dial_allow: vec![entry.to_owned()],
            ..MediaConfig::default()
        };
        assert!(config.check().is_err(), "{entry}");
    }
}

#[test]
fn an_address_of_a_translator_is_judged_by_what_it_embeds() {
    let guard = guard(
        &[],
        &["64:ff9b::/96", "2a00:1:2::/48", "2a00:9::/32", "2a00:8:0:7::/64"],
    );
    for (text, permitted) in [
        ("64:ff9b::8.8.8.8", true),
        ("64:ff9b::127.0.0.1", false),
        ("64:ff9b:1::8.8.8.8", false),
        // 192.0.2.33 as RFC 6052 section 2.4 writes it, and 8.8.8.8 in the same places.
        ("2a00:1:2:c000:2:2100::", false),
        ("2a00:1:2:808:8:800::", true),
        ("2a00:1:2:808:108:800::", false),
        ("2a00:9:808:808::", true),
        ("2a00:9:a00:1::", false),
        ("2a00:8:0:7:8:808:800:0", true),
        ("2a00:8:0:7:a:0:100:0", false),
    ] {
        let ip: Ipv6Addr = text.parse().expect("an address");
        assert_eq!(is_permitted(&guard, ip), permitted, "{text}");
    }
    for prefix in ["64:ff9b::/95", "10.0.0.0/8", "2a00::/47"] {
        let config = MediaConfig {
            nat64_prefixes: vec![prefix.to_owned()],
            ..MediaConfig::default()
        };
        assert_eq!(
            config.check().map_err(|(key, _)| key),
            Err("media.nat64_prefixes"),
            "{prefix}"
        );
    }
}

#[test]
fn a_peer_that_differs_or_is_this_machine_is_dropped() {
    let guard = guard(&["127.0.0.1:8000"], &[]);
    let far = at("8.8.8.8:80");
    let own: IpAddr = "9.9.9.9".parse().expect("an address");
    assert_eq!(guard.judge_peer(far, far, own), Ok(()));
    assert_eq!(
        guard.judge_peer(far, far, far.ip()),
        Err(Forbidden::Ourselves(far.ip()))
    );
    assert!(guard.judge_peer(far, at("8.8.4.4:80"), own).is_err());
    assert!(guard.judge_peer(far, at("8.8.8.8:81"), own).is_err());
    let near = at("127.0.0.1:8000");
    assert_eq!(guard.judge_peer(near, near, near.ip()), Ok(()));
}

proptest! {
    #[test]
    fn no_embedding_of_any_ipv4_address_is_permitted(bits: u32) {
        let guard = guard(&[], &[]);
        for embedding in embeddings(Ipv4Addr::from(bits)) {
            prop_assert!(!is_permitted(&guard, embedding), "{embedding}");
        }
    }

    #[test]
    fn ipv6_is_permitted_only_inside_global_unicast(bits: u128) {
        let ip = Ipv6Addr::from(bits);
        prop_assert!(!is_permitted(&guard(&[], &[]), ip) || GLOBAL_V6.contains(&ip));
    }
}
