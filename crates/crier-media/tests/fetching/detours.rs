//! Ways round the guard (feed 7.5, 12): redirects and names that change. Nothing arrives anywhere.

use crate::world::{World, wanted};
use async_trait::async_trait;
use crier_media::config::MediaConfig;
use crier_media::dial::Resolver;
use crier_platform::model::picture::Cause;
use crier_platform::ports::fetch::Fetch;
use futures_util::future::join;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

/// The name `host.example` is where the host is, any other is where the trap is.
struct Trap {
    host: SocketAddr,
    trap: SocketAddr,
    asked: Mutex<u32>,
}

#[async_trait]
impl Resolver for Trap {
    async fn lookup(&self, name: &str, _port: u16) -> Result<Vec<SocketAddr>, String> {
        *self.asked.lock().expect("nobody panicked") += 1;
        Ok(vec![if name == "host.example" {
            self.host
        } else {
            self.trap
        }])
    }
}

/// Forbidden places in the forms that a redirect may give them; `P` is the port of the trap.
const TARGETS: [&str; 26] = [
    "http://127.0.0.1:P/",
    "http://127.1:P/",
    "http://2130706433:P/",
    "http://0x7f000001:P/",
    "http://0177.0.0.1:P/",
    "http://[::1]:P/",
    "http://[::ffff:127.0.0.1]:P/",
    "http://[::127.0.0.1]:P/",
    "http://[64:ff9b::7f00:1]:P/",
    "http://[2002:7f00:1::]:P/",
    "http://0.0.0.0:P/",
    "http://localhost:P/",
    "http://trap.example:P/",
    "//127.0.0.1:P/",
    "//trap.example:P/",
    "https://127.0.0.1:P/",
    "http://user@127.0.0.1:P/",
    "http://host.example:P@127.0.0.1:P/",
    "http://127.0.0.1.:P/",
    "http://%31%32%37.0.0.1:P/",
    "http:\\\\127.0.0.1:P/",
    "file:///etc/passwd",
    "ftp://127.0.0.1:P/",
    "gopher://127.0.0.1:P/",
    "data:image/png,x",
    "http://",
];

#[tokio::test]
async fn a_redirect_to_a_forbidden_place_in_any_form_is_not_followed() {
    let world = World::new().await;
    let trap = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))
        .await
        .expect("a free port");
    let port = trap.local_addr().expect("it is bound").port();
    let names = Arc::new(Trap {
        host: world.address,
        trap: (Ipv4Addr::LOCALHOST, port).into(),
        asked: Mutex::new(0),
    });
    let config = MediaConfig {
        ports: vec![80, 443, port],
        ..MediaConfig::default()
    };
    for status in [301, 302, 303, 307, 308] {
        for target in TARGETS {
            let target = target.replace('P', &port.to_string());
            let fetcher = world.fetcher_with(config.clone(), Arc::clone(&names) as _);
            let serving = async {
                let (mut socket, _) = world.asked().await;
                let answer = format!("HTTP/1.1 {status} Elsewhere\r\nLocation: {target}\r\n\r\n");
                socket.write_all(answer.as_bytes()).await.expect("it is taken");
                let _ = socket.shutdown().await;
            };
            let url = format!("http://host.example:{}/", world.address.port());
            let (fetched, ()) = join(fetcher.fetch(wanted(&url)), serving).await;
            assert_eq!(fetched.outcome, Err(Cause::ForbiddenAddress.into()), "{target}");
        }
    }
    let own = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
    let (_, first) = trap.accept().await.expect("it listens");
    assert_eq!(
        first,
        own.expect("it listens").local_addr().expect("it is connected")
    );
}

#[tokio::test]
async fn a_name_that_has_moved_by_the_time_of_a_redirect_is_judged_where_it_is_then() {
    /// Permitted first, forbidden from then on.
    struct Moving(SocketAddr, Mutex<bool>);
    #[async_trait]
    impl Resolver for Moving {
        async fn lookup(&self, _name: &str, _port: u16) -> Result<Vec<SocketAddr>, String> {
            let mut has_moved = self.1.lock().expect("nobody panicked");
            let forbidden = (Ipv4Addr::new(10, 0, 0, 1), 80).into();
            Ok(vec![if std::mem::replace(&mut *has_moved, true) {
                forbidden
            } else {
                self.0
            }])
        }
    }
    let world = World::new().await;
    let names = Arc::new(Moving(world.address, Mutex::new(false)));
    let fetcher = world.fetcher_with(MediaConfig::default(), names);
    let url = format!("http://moving.example:{}/", world.address.port());
    let serving = async {
        let (mut socket, _) = world.asked().await;
        let answer = format!("HTTP/1.1 302 Found\r\nLocation: {url}\r\n\r\n");
        socket.write_all(answer.as_bytes()).await.expect("it is taken");
        let _ = socket.shutdown().await;
    };
    let (fetched, ()) = join(fetcher.fetch(wanted(&url)), serving).await;
    assert_eq!(fetched.outcome, Err(Cause::ForbiddenAddress.into()));
    world.nothing_arrived().await;
    assert_eq!(world.metrics.refusals("ipv4"), 1);
}

#[tokio::test]
async fn a_redirect_to_another_port_is_refused() {
    let world = World::new().await;
    let (fetched, _) = world
        .exchange(
            wanted(&world.url()),
            &["HTTP/1.1 302 Found\r\nLocation: http://93.184.216.34:8080/\r\n\r\n"],
        )
        .await;
    assert_eq!(fetched.outcome, Err(Cause::ForbiddenAddress.into()));
    assert_eq!(world.metrics.refusals("port"), 1);
}
