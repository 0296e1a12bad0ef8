//! The connector against names (feed 7.5, section 12): whatever a name's addresses are, nothing arrives where nothing may.

use async_trait::async_trait;
use crier_media::config::MediaConfig;
use crier_media::dial::{DialError, Dialer, Resolver};
use crier_media::guard::Forbidden;
use crier_media::metrics::MediaMetrics;
use crier_testkit::ManualClock;
use futures_util::future::{Either, join, ready, select};
use std::collections::VecDeque;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use tokio::io::AsyncReadExt;
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
        self.dialer_at(&Arc::new(ManualClock::at(0)), allow, resolver)
    }

    fn dialer_at(&self, clock: &Arc<ManualClock>, allow: &[&str], resolver: Arc<dyn Resolver>) -> Dialer {
        let config = MediaConfig {
            ports: vec![80, 443, self.port],
            dial_allow: allow.iter().map(|entry| (*entry).to_owned()).collect(),
            ..MediaConfig::default()
        };
        Dialer::new(&config, Arc::clone(clock) as _, self.metrics.clone())
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

/// Never answers.
struct Silent;

#[async_trait]
impl Resolver for Silent {
    async fn lookup(&self, _name: &str, _port: u16) -> Result<Vec<SocketAddr>, String> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_name_server_that_says_nothing_is_left_at_lookup_timeout() {
    let (world, clock) = (World::new().await, Arc::new(ManualClock::at(0)));
    let dialer = world.dialer_at(&clock, &[], Arc::new(Silent));
    let url: Url = "http://silent.example/".parse().expect("a URL");
    let dialling = pin!(dialer.dial(&url));
    let Either::Right(((), dialling)) = select(dialling, ready(())).await else {
        panic!("it had no time yet")
    };
    clock.advance_ms(1_999);
    let Either::Right(((), dialling)) = select(dialling, ready(())).await else {
        panic!("a millisecond early")
    };
    clock.advance_ms(1);
    let outcome = dialling.await.map(drop);
    assert_eq!(
        outcome,
        Err(DialError::TimedOut("the name was not found in time"))
    );
    assert_eq!(world.metrics.times_met("lookup_timeout"), 1);
}

#[tokio::test]
async fn a_host_that_does_not_shake_hands_is_left_at_connect_timeout() {
    let (world, clock) = (World::new().await, Arc::new(ManualClock::at(0)));
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let dialer = world.dialer_at(&clock, &["127.0.0.1"], Answers::new(&[&[loopback]]));
    let url: Url = format!("https://silent.example:{}/", world.port)
        .parse()
        .expect("a URL");
    let dialling = dialer.dial(&url);
    let serving = async {
        let (mut socket, _) = world.listener.accept().await.expect("it listens");
        // Its greeting has come: now nothing is said until the time is over.
        socket.read_u8().await.expect("a greeting");
        clock.advance_ms(3_000);
        let _ = socket.read_to_end(&mut Vec::new()).await;
    };
    let (outcome, ()) = join(dialling, serving).await;
    assert_eq!(
        outcome.map(drop),
        Err(DialError::TimedOut("no connection in time"))
    );
    assert_eq!(world.metrics.times_met("connect_timeout"), 1);
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
