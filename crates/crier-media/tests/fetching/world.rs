//! A host that answers as it is told, and a fetcher that may reach it.

use async_trait::async_trait;
use crier_media::config::MediaConfig;
use crier_media::dial::{Dialer, Resolver};
use crier_media::fetch::Fetcher;
use crier_media::metrics::MediaMetrics;
use crier_platform::model::picture::Cause;
use crier_platform::ports::fetch::{Fetch, Fetched, Got, Validators, Wanted};
use crier_testkit::ManualClock;
use futures_util::future::join;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub const WALL_MS: i64 = 1_700_000_000_999;

/// Every name lies at one address.
struct At(SocketAddr);

#[async_trait]
impl Resolver for At {
    async fn lookup(&self, _name: &str, _port: u16) -> Result<Vec<SocketAddr>, String> {
        Ok(vec![self.0])
    }
}

pub struct World {
    pub listener: TcpListener,
    pub address: SocketAddr,
    pub clock: Arc<ManualClock>,
    pub metrics: MediaMetrics,
}

impl World {
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Self {
            address: listener.local_addr().expect("it is bound"),
            listener,
            clock: Arc::new(ManualClock::at(WALL_MS)),
            metrics: MediaMetrics::default(),
        }
    }

    /// A fetcher that may reach the host and nothing else that is special.
    pub fn fetcher(&self) -> Fetcher {
        self.fetcher_with(MediaConfig::default(), Arc::new(At(self.address)))
    }

    pub fn fetcher_with(&self, config: MediaConfig, resolver: Arc<dyn Resolver>) -> Fetcher {
        let config = MediaConfig {
            dial_allow: vec![self.address.to_string()],
            ..config
        };
        let clock = Arc::clone(&self.clock);
        let dialer = Dialer::new(&config, Arc::clone(&clock) as _, self.metrics.clone())
            .expect("the entries are right")
            .asking(resolver);
        Fetcher::new(
            dialer,
            &config,
            (clock, "Crier/test (+http://crier.example)".into()),
        )
    }

    pub fn url(&self) -> String {
        format!("http://{}/a.png?x=1", self.address)
    }

    /// Fetches while the host answers each connection with the next of these texts; gives what was asked, too.
    pub async fn exchange(&self, wanted: Wanted, answers: &[&str]) -> (Fetched, Vec<String>) {
        let fetcher = self.fetcher();
        let serving = async {
            let mut asked = Vec::new();
            for answer in answers {
                let (mut socket, head) = self.asked().await;
                asked.push(head);
                socket.write_all(answer.as_bytes()).await.expect("it is taken");
                let _ = socket.shutdown().await;
            }
            asked
        };
        join(fetcher.fetch(wanted), serving).await
    }

    /// What one answer to a plain request comes to.
    pub async fn outcome(&self, answer: &str) -> Result<Got, Cause> {
        let (fetched, _) = self.exchange(wanted(&self.url()), &[answer]).await;
        fetched.outcome.map_err(|failed| failed.cause)
    }

    /// The next connection and the head of its request.
    pub async fn asked(&self) -> (TcpStream, String) {
        let (mut socket, _) = self.listener.accept().await.expect("it listens");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let read = socket.read_buf(&mut head).await.expect("the request is whole");
            assert_ne!(read, 0, "the request is whole");
        }
        (socket, String::from_utf8(head).expect("a head is text"))
    }

    /// The first connection that arrives now is the one that is made here.
    pub async fn nothing_arrived(&self) {
        let own = TcpStream::connect(self.address).await.expect("it listens");
        let (_, first) = self.listener.accept().await.expect("it listens");
        assert_eq!(first, own.local_addr().expect("it is connected"));
    }
}

pub fn wanted(url: &str) -> Wanted {
    Wanted {
        url: url.to_owned(),
        validators: Validators::default(),
    }
}

pub fn image(text: &'static str) -> Result<Got, Cause> {
    Ok(Got::Image {
        bytes: text.as_bytes().into(),
        validators: Validators::default(),
    })
}
