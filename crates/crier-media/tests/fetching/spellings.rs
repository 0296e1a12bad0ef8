//! Forbidden addresses, and every way to write one that the class "address spelling" of feed 12 knows.

use crier_media::guard::{FORBIDDEN_V4, FORBIDDEN_V6};
use crier_platform::ports::entropy::random_bytes;
use crier_testkit::SeededEntropy;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Prefixes of 96 bits that carry an IPv4 address in their last 32: compatible, mapped, translated, NAT64, ISATAP.
const EMBEDDING: [&str; 8] = [
    "::",
    "::ffff:",
    "::ffff:0:",
    "64:ff9b::",
    "64:ff9b:1::",
    "2607:f8b0::5efe:",
    "2607:f8b0::200:5efe:",
    "fe80::5efe:",
];
/// Characters that a name's mapping drops without a word.
const INVISIBLE: [char; 4] = ['\u{ad}', '\u{200b}', '\u{2060}', '\u{fe0f}'];

/// An address of the network, chosen by the seed.
fn within(network: u32, bits: u8, dice: &SeededEntropy) -> u32 {
    let host = u32::from_be_bytes(random_bytes(dice));
    network | host.checked_shr(u32::from(bits)).unwrap_or(0)
}

/// So many IPv4 addresses of every forbidden row; the loopback ones come in every second place, since only they could arrive.
pub fn forbidden_v4(each: usize, seed: u64) -> Vec<Ipv4Addr> {
    let dice = SeededEntropy::new(seed);
    let mut all = Vec::new();
    for _ in 0..each {
        for row in FORBIDDEN_V4 {
            all.push(within(u32::from(row.network()), row.prefix_len(), &dice).into());
            all.push(within(u32::from(Ipv4Addr::new(127, 0, 0, 0)), 8, &dice).into());
        }
    }
    all
}

/// The binary addresses behind an IPv4 address: itself, and it inside every IPv6 form; and one of every forbidden IPv6 row.
pub fn binary(ip: Ipv4Addr) -> Vec<IpAddr> {
    let mut all = vec![
        IpAddr::V4(ip),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    ];
    let embedded = EMBEDDING.iter().map(|head| format!("{head}{ip}"));
    all.extend(embedded.map(|text| IpAddr::V6(text.parse().expect("an address"))));
    let low = u128::from(u32::from(ip));
    all.extend(
        FORBIDDEN_V6
            .iter()
            .map(|row| IpAddr::V6((u128::from(row.network()) | low).into())),
    );
    for (network, bits) in [
        ("2002::", 80),
        ("fc00::", 0),
        ("fe80::", 0),
        ("fec0::", 0),
        ("ff02::", 0),
        ("100::", 0),
        ("5f00::", 0),
    ] {
        let network: Ipv6Addr = network.parse().expect("an address");
        all.push(IpAddr::V6((u128::from(network) | low << bits).into()));
    }
    all
}

/// The ways to write one IPv4 address as the host of a URL, user information and tricks with separators included.
pub fn spellings(ip: Ipv4Addr) -> Vec<String> {
    let [a, b, c, d] = ip.octets();
    let number = u32::from(ip);
    let tail = number & 0x00ff_ffff;
    let wide = |text: &str, zero: u32, dot: char| -> String {
        let wide = |letter: char| match letter.to_digit(10) {
            Some(digit) => char::from_u32(zero + digit).expect("a digit of the block"),
            None => dot,
        };
        text.chars().map(wide).collect()
    };
    let circled = |text: &str| -> String {
        let circle = |letter: char| match letter.to_digit(10) {
            Some(0) => '\u{24ea}',
            Some(digit) => char::from_u32(0x2460 + digit - 1).expect("a circled digit"),
            None => letter,
        };
        text.chars().map(circle).collect()
    };
    let plain = ip.to_string();
    let percent: String = plain.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let mut all = vec![
        plain.clone(),
        format!("{plain}."),
        format!("{plain}.."),
        format!("{number}"),
        format!("{number:#x}"),
        format!("{number:#X}"),
        format!("0{number:o}"),
        format!("{}", u64::from(number) + (1 << 32)),
        format!("{a}.{tail}"),
        format!("{a:#x}.{tail}"),
        format!("{a}.{b}.{}", u32::from(c) << 8 | u32::from(d)),
        format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("{a:#x}.0{b:o}.{c}.{d:#x}"),
        format!("000{a:o}.{b}.{c}.{d}"),
        format!("{}.{b}.{c}.{d}", u32::from(a) + 256),
        percent,
        plain.replace('.', "%2e"),
        plain.replace('.', "%2E"),
        plain.replace('.', "\u{3002}"),
        plain.replace('.', "\u{ff61}"),
        plain.replace('.', ".."),
        plain.replace('.', ".\t"),
        wide(&plain, 0xff10, '\u{ff0e}'),
        wide(&plain, 0x1d7ce, '.'),
        circled(&plain),
        format!("user@{plain}"),
        format!("user:password@{plain}"),
        format!("example.com@{plain}"),
        format!("example.com:80@{plain}"),
        format!("@{plain}"),
        format!("example.com\\@{plain}"),
        format!("example.com%00@{plain}"),
        format!("{plain}\\"),
        format!("{plain}%00.example.com"),
        format!("{}.{plain}", "x".repeat(64)),
        format!("[{plain}]"),
        format!("{plain}.nip.example"),
    ];
    all.extend(INVISIBLE.map(|letter| plain.replace('.', &format!("{letter}."))));
    let [hi, lo] = [number >> 16, number & 0xffff];
    for head in EMBEDDING {
        all.push(format!("[{head}{plain}]"));
        all.push(format!("[{head}{hi:x}:{lo:x}]"));
        all.push(format!("[{head}{hi:X}:{lo:04X}]"));
    }
    all.push(format!("[0:0:0:0:0:ffff:{hi:04x}:{lo:04x}]"));
    all.push(format!("[2002:{hi:x}:{lo:x}::1]"));
    all.push(format!(
        "[2001:0:4136:e378:8000:63:{:x}:{:x}]",
        hi ^ 0xffff,
        lo ^ 0xffff
    ));
    all.push(format!("[fe80::{hi:x}:{lo:x}%25lo]"));
    all.push(format!("[fe80::{hi:x}:{lo:x}%lo]"));
    all.push(format!("[::1%25{lo}]"));
    all
}
