//! Ten thousand forbidden addresses three times over: asked for directly, by a redirect, and by a name that was public when it was
//! asked first. A socket listens at every address of this machine; nothing arrives there (feed 7.5, 12).

use crate::spellings::{binary, forbidden_v4, spellings};
use crate::world::{World, wanted};
use async_trait::async_trait;
use crier_media::config::MediaConfig;
use crier_media::dial::{DialError, Dialer, Resolver};
use crier_platform::model::picture::Cause;
use crier_platform::ports::fetch::Fetch;
use futures_util::future::{Either, select};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use url::Url;

const AT_LEAST: usize = 10_000;
/// The host that may be reached; every other name leads to the trap.
const HOST: &str = "host.example";

/// A socket at every address of this machine, of both families where it has both.
struct Trap {
    listener: TcpListener,
    port: u16,
}

impl Trap {
    async fn new() -> Self {
        let listener = match TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))
                .await
                .expect("a free port"),
        };
        let port = listener.local_addr().expect("it is bound").port();
        Self { listener, port }
    }

    fn config(&self) -> MediaConfig {
        MediaConfig {
            ports: vec![80, 443, self.port],
            ..MediaConfig::default()
        }
    }

    /// Different URLs that lead to forbidden places, at the trap's port.
    fn urls(&self, seed: u64) -> Vec<String> {
        let mut urls = BTreeSet::new();
        for (turn, ip) in forbidden_v4(4, seed).into_iter().enumerate() {
            let (scheme, rest) = if turn % 4 == 0 {
                ("https", "/x?y")
            } else {
                ("http", "/")
            };
            for spelling in spellings(ip) {
                urls.insert(format!("{scheme}://{spelling}:{}{rest}", self.port));
            }
        }
        assert!(urls.len() >= AT_LEAST, "{}", urls.len());
        urls.into_iter().collect()
    }

    /// The first connection that arrived is the one that is made here and now.
    #[expect(clippy::print_stdout, reason = "`cargo xtask soak` shows how many were tried")]
    async fn nothing_arrived(self, what: &str) {
        let own = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
            .await
            .expect("it listens");
        let (_, first) = self.listener.accept().await.expect("it listens");
        assert_eq!(first.port(), own.local_addr().expect("it is connected").port());
        println!("{what}: 0 connections");
    }
}

/// The host is where it is, every other name at a forbidden place: the trap's own.
struct Names {
    host: SocketAddr,
    trap: SocketAddr,
}

#[async_trait]
impl Resolver for Names {
    async fn lookup(&self, name: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
        Ok(vec![if name == HOST {
            self.host
        } else {
            SocketAddr::new(self.trap.ip(), port)
        }])
    }
}

#[tokio::test]
async fn of_ten_thousand_forbidden_addresses_asked_for_directly_none_is_reached() {
    let (world, trap) = (World::new().await, Trap::new().await);
    let names = Arc::new(Names {
        host: world.address,
        trap: (Ipv4Addr::LOCALHOST, trap.port).into(),
    });
    let dialer = Dialer::new(
        &trap.config(),
        Arc::clone(&world.clock) as _,
        world.metrics.clone(),
    );
    let dialer = dialer.expect("the entries are right").asking(names);
    let urls = trap.urls(1);
    let mut judged = 0;
    for text in &urls {
        // What the parser refuses is refused before any dial.
        let Ok(url) = Url::parse(text) else { continue };
        match dialer.dial(&url).await.map(drop) {
            Err(DialError::Forbidden(_)) => judged += 1,
            Err(DialError::Url(_)) => {}
            other => panic!("{text} became {url}: {other:?}"),
        }
    }
    assert!(judged > urls.len() / 2, "{judged} of {}", urls.len());
    trap.nothing_arrived(&format!(
        "{} addresses directly, {judged} of them dialled",
        urls.len()
    ))
    .await;
}

/// Answers every connection with a redirect to where its path says, until the other side is done.
async fn redirect_all<T>(world: &World, to: impl Fn(usize) -> String, asking: impl Future<Output = T>) -> T {
    let answering = async {
        loop {
            let (mut socket, head) = world.asked().await;
            let number = head
                .trim_start_matches("GET /")
                .split(' ')
                .next()
                .unwrap_or_default();
            let target = to(number.parse().expect("its path is a number"));
            let answer = format!("HTTP/1.1 302 Found\r\nLocation: {target}\r\n\r\n");
            socket.write_all(answer.as_bytes()).await.expect("it is taken");
            let _ = socket.shutdown().await;
        }
    };
    match select(pin!(asking), pin!(answering)).await {
        Either::Left((done, _)) => done,
        Either::Right((never, _)) => never,
    }
}

#[tokio::test]
async fn of_ten_thousand_forbidden_addresses_that_a_redirect_gives_none_is_reached() {
    let (world, trap) = (World::new().await, Trap::new().await);
    let names = Arc::new(Names {
        host: world.address,
        trap: (Ipv4Addr::LOCALHOST, trap.port).into(),
    });
    let fetcher = world.fetcher_with(trap.config(), names);
    let urls = trap.urls(2);
    let asking = async {
        for (number, text) in urls.iter().enumerate() {
            let fetched = fetcher
                .fetch(wanted(&format!(
                    "http://{HOST}:{}/{number}",
                    world.address.port()
                )))
                .await;
            assert_eq!(fetched.outcome, Err(Cause::ForbiddenAddress.into()), "{text}");
        }
    };
    redirect_all(&world, |number| urls[number].clone(), asking).await;
    trap.nothing_arrived(&format!("{} addresses by redirect", urls.len()))
        .await;
}

/// A name is at the host when it is asked for the first time, and at a forbidden place from then on.
struct Rebinding {
    host: SocketAddr,
    places: Vec<IpAddr>,
    port: u16,
    asked: Mutex<BTreeSet<String>>,
    looked_up: AtomicUsize,
}

#[async_trait]
impl Resolver for Rebinding {
    async fn lookup(&self, name: &str, _port: u16) -> Result<Vec<SocketAddr>, String> {
        self.looked_up.fetch_add(1, Ordering::Relaxed);
        if self
            .asked
            .lock()
            .expect("nobody panicked")
            .insert(name.to_owned())
        {
            return Ok(vec![self.host]);
        }
        let number: usize = name
            .trim_start_matches('n')
            .split('.')
            .next()
            .and_then(|number| number.parse().ok())
            .ok_or("no such name")?;
        let place = self.places.get(number).ok_or("no such name")?;
        Ok(vec![SocketAddr::new(*place, self.port)])
    }
}

#[tokio::test]
async fn of_ten_thousand_names_that_become_forbidden_addresses_none_is_reached() {
    let (world, trap) = (World::new().await, Trap::new().await);
    let places: Vec<IpAddr> = forbidden_v4(12, 3).into_iter().flat_map(binary).collect();
    assert!(places.len() >= AT_LEAST, "{}", places.len());
    let names = Arc::new(Rebinding {
        host: world.address,
        places,
        port: trap.port,
        asked: Mutex::default(),
        looked_up: AtomicUsize::new(0),
    });
    let fetcher = world.fetcher_with(trap.config(), Arc::clone(&names) as _);
    let url = |number: usize| format!("http://n{number}.example:{}/{number}", world.address.port());
    let asking = async {
        for number in 0..names.places.len() {
            // The first look-up permits the host, which sends back to the very same name.
            let fetched = fetcher.fetch(wanted(&url(number))).await;
            let place = names.places[number];
            assert_eq!(fetched.outcome, Err(Cause::ForbiddenAddress.into()), "{place}");
        }
    };
    redirect_all(&world, url, asking).await;
    let all = names.places.len();
    // Each connection looks its name up once: what was judged is what is dialled.
    assert_eq!(names.looked_up.load(Ordering::Relaxed), 2 * all);
    trap.nothing_arrived(&format!("{all} names that changed")).await;
}
