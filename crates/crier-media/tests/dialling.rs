//! The connector against spellings and detours (feed 7.5, section 12): whatever an address looks like, nothing arrives.

use async_trait::async_trait;
use crier_media::config::MediaConfig;
use crier_media::dial::{DialError, Dialer, Resolver};
use crier_media::guard::Forbidden;
use crier_media::metrics::MediaMetrics;
use crier_testkit::ManualClock;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// Answers in turn, the last one for ever.
struct Answers(Mutex<VecDeque<Vec<SocketAddr>>>, Mutex<u32>);

impl Answers {
    fn new(answers: &[&[SocketAddr]]) -> Arc<Self> {
        let answers = answers.iter().map(|answer| answer.to_vec()).collect();
        Arc::new(Self(Mutex::new(answers), Mutex::new(0)))
    }

    fn asked(&self) -> u32 {
        *self.1.lock().expect("nobody panicked")
    }
}

#[async_trait]
impl Resolver for Answers {
    async fn lookup(&self, _name: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
        *self.1.lock().expect("nobody panicked") += 1;
        let mut answers = self.0.lock().expect("nobody panicked");
        let answer = if answers.len() > 1 {
            answers.pop_front()
        } else {
            answers.front().cloned()
        };
        let mut answer = answer.ok_or("no such name")?;
        answer.iter_mut().for_each(|address| address.set_port(port));
        Ok(answer)
    }
}

struct World {
    listener: TcpListener,
    port: u16,
    metrics: MediaMetrics,
}

impl World {
    /// A socket that listens at every address of this machine, on a port that is permitted.
    async fn new() -> Self {
        let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).await;
        let listener = match listener {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))
                .await
                .expect("a free port"),
        };
        Self {
            port: listener.local_addr().expect("it is bound").port(),
            listener,
            metrics: MediaMetrics::default(),
        }
    }

    fn dialer(&self, allow: &[&str], resolver: Arc<dyn Resolver>) -> Dialer {
        let config = MediaConfig {
            ports: vec![80, 443, self.port],
            dial_allow: allow.iter().map(|entry| (*entry).to_owned()).collect(),
            ..MediaConfig::default()
        };
        Dialer::new(&config, Arc::new(ManualClock::at(0)), self.metrics.clone())
            .expect("the entries are right")
            .asking(resolver)
    }

    /// The first connection that arrived is the one that is made here and now.
    async fn nothing_arrived(self) {
        let own = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
            .await
            .expect("it listens");
        let (_, first) = self.listener.accept().await.expect("it listens");
        assert_eq!(first.port(), own.local_addr().expect("it is connected").port());
    }
}

/// The ways to write one IPv4 address.
fn spellings(ip: Ipv4Addr) -> Vec<String> {
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
    let mut all = vec![
        plain.clone(),
        format!("{plain}."),
        format!("{plain}.."),
        format!("{number}"),
        format!("{number:#x}"),
        format!("{number:#X}"),
        format!("0{number:o}"),
        format!("{a}.{tail}"),
        format!("{a}.{b}.{}", u32::from(c) << 8 | u32::from(d)),
        format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("{a:#x}.0{b:o}.{c}.{d:#x}"),
        format!("000{a:o}.{b}.{c}.{d}"),
        plain.replace('.', "%2e"),
        plain.replace('.', "%2E"),
        plain.replace('.', "\u{3002}"),
        plain.replace('.', ".."),
        wide(&plain, 0xff10, '\u{ff0e}'),
        wide(&plain, 0x1d7ce, '.'),
        circled(&plain),
        format!("user@{plain}"),
        format!("example.com\\@{plain}"),
        format!("{plain}\\"),
        format!("{}.{plain}", "x".repeat(64)),
        format!("[{plain}]"),
    ];
    let [hi, lo] = [number >> 16, number & 0xffff];
    for (head, tail) in [
        ("::", ""),
        ("::ffff:", ""),
        ("::ffff:0:", ""),
        ("64:ff9b::", ""),
        ("64:ff9b:1::", ""),
        ("2607:f8b0::5efe:", ""),
        ("2607:f8b0::200:5efe:", ""),
        ("fe80::5efe:", ""),
    ] {
        all.push(format!("[{head}{plain}{tail}]"));
        all.push(format!("[{head}{hi:x}:{lo:x}]"));
        all.push(format!("[{head}{hi:X}:{lo:04X}]"));
    }
    all.push(format!("[2002:{hi:x}:{lo:x}::1]"));
    all.push(format!(
        "[2001:0:4136:e378:8000:63:{:x}:{:x}]",
        hi ^ 0xffff,
        lo ^ 0xffff
    ));
    all.push(format!("[fe80::{hi:x}:{lo:x}%25lo]"));
    all.push(format!("[fe80::{hi:x}:{lo:x}%lo]"));
    all
}

#[tokio::test]
async fn of_ten_thousand_spellings_of_forbidden_addresses_none_arrives() {
    let world = World::new().await;
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let dialer = world.dialer(&[], Answers::new(&[&[loopback]]));
    let mut judged = 0;
    let mut urls = 0;
    let bases = [
        [127, 0, 0, 1],
        [0, 0, 0, 0],
        [10, 0, 0, 1],
        [169, 254, 169, 254],
        [172, 17, 0, 1],
        [192, 168, 0, 1],
    ];
    for turn in 0_u8..40 {
        for [a, b, c, d] in bases {
            let ip = Ipv4Addr::new(a, b, c, d.wrapping_add(turn));
            for spelling in spellings(ip) {
                for (scheme, rest) in [("http", "/"), ("https", "/x?y#z")] {
                    urls += 1;
                    let mut text = String::new();
                    write!(text, "{scheme}://{spelling}:{}{rest}", world.port).expect("a text takes all");
                    // What the parser refuses is refused before any dial.
                    let Ok(url) = Url::parse(&text) else { continue };
                    match dialer.dial(&url).await.map(drop) {
                        Err(DialError::Forbidden(_)) => judged += 1,
                        Err(DialError::Url(_)) => {}
                        other => panic!("{text} became {url}: {other:?}"),
                    }
                }
            }
        }
    }
    assert!(urls > 10_000 && judged > urls / 2, "{judged} of {urls}");
    world.nothing_arrived().await;
}

#[tokio::test]
async fn a_name_with_one_forbidden_address_among_public_ones_is_refused() {
    let world = World::new().await;
    let public = SocketAddr::from(([93, 184, 216, 34], 0));
    let inner = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let dialer = world.dialer(&[], Answers::new(&[&[public, inner]]));
    let url: Url = format!("http://mixed.example:{}/", world.port)
        .parse()
        .expect("a URL");
    let refused = dialer.dial(&url).await.map(drop);
    assert_eq!(
        refused,
        Err(DialError::Forbidden(Forbidden::V4(Ipv4Addr::LOCALHOST)))
    );
    assert_eq!(world.metrics.refusals("ipv4"), 1);
    world.nothing_arrived().await;
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_what_was_judged_is_what_is_dialled() {
    let world = World::new().await;
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let elsewhere = SocketAddr::from(([10, 9, 8, 7], 0));
    // A second look-up would meet the address that has changed meanwhile.
    let answers = Answers::new(&[&[loopback], &[elsewhere]]);
    let dialer = world.dialer(&["127.0.0.1"], Arc::clone(&answers) as _);
    let url: Url = format!("http://changing.example:{}/", world.port)
        .parse()
        .expect("a URL");
    dialer
        .dial(&url)
        .await
        .map(drop)
        .expect("the first answer is permitted");
    let (_, peer) = world.listener.accept().await.expect("it listens");
    assert!(peer.ip().to_canonical().is_loopback());
    assert_eq!(answers.asked(), 1);
    assert!(matches!(
        dialer.dial(&url).await.map(drop),
        Err(DialError::Forbidden(_))
    ));
}

#[tokio::test]
async fn a_name_that_is_not_found_or_has_no_address_may_be_tried_later() {
    let world = World::new().await;
    let url: Url = "http://nowhere.example/".parse().expect("a URL");
    for answers in [Answers::new(&[]), Answers::new(&[&[]])] {
        let outcome = world.dialer(&[], answers).dial(&url).await.map(drop);
        assert!(matches!(outcome, Err(DialError::NotFound(_))), "{outcome:?}");
    }
}

#[tokio::test]
async fn other_schemes_and_user_names_are_refused_before_a_name_is_looked_up() {
    let world = World::new().await;
    let answers = Answers::new(&[&[SocketAddr::from((Ipv4Addr::LOCALHOST, 0))]]);
    let dialer = world.dialer(&["127.0.0.1"], Arc::clone(&answers) as _);
    let long = format!("http://a.example/{}", "x".repeat(2_048));
    for text in [
        "ftp://a.example/",
        "file:///etc/passwd",
        "gopher://a.example:70/",
        "http://a:b@a.example/",
        &long,
    ] {
        let url: Url = text.parse().expect("a URL");
        let outcome = dialer.dial(&url).await.map(drop);
        assert!(matches!(outcome, Err(DialError::Url(_))), "{text}: {outcome:?}");
    }
    assert_eq!(answers.asked(), 0);
    world.nothing_arrived().await;
}
