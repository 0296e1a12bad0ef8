//! The judging connector: the one way out to addresses that strangers gave us (feed 7.5).
//!
//! Promise: a name is looked up once; every address of the answer is judged; what is connected to is a judged address itself, and
//! the socket is dropped before a byte is sent when the peer is another or this machine. Literals take the same path as names. No
//! proxy is read from the environment. Knows no HTTP.

use crate::config::MediaConfig;
use crate::guard::{Forbidden, Guard};
use crate::metrics::MediaMetrics;
use crate::tls::Tls;
use async_trait::async_trait;
use crier_platform::ports::clock::Clock;
use futures_util::future::{Either, select};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::pin::pin;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

/// Bytes of an address at most (protocol 1.2).
const URL_BYTES_MAX: usize = 2_048;

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// No address that may be dialled at all.
    #[error("the address cannot be used: {0}")]
    Url(&'static str),
    /// The guard has refused it.
    #[error("forbidden address: {0}")]
    Forbidden(#[from] Forbidden),
    /// The name was not found, or has no address.
    #[error("{0}")]
    NotFound(String),
    /// Nothing answered.
    #[error("{0}")]
    Unreachable(String),
    /// No TLS, or no certificate for this host.
    #[error("{0}")]
    Tls(String),
    /// Not in time.
    #[error("{0}")]
    TimedOut(&'static str),
}

/// A connection, with or without TLS.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Looks names up. The system's resolver in the product; tests answer by themselves.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// Every address of a name, with this port.
    ///
    /// # Errors
    /// The cause, in the resolver's words.
    async fn lookup(&self, name: &str, port: u16) -> Result<Vec<SocketAddr>, String>;
}

/// The resolver of the operating system.
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn lookup(&self, name: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
        let answer = tokio::net::lookup_host((name, port)).await;
        answer.map(Iterator::collect).map_err(|why| why.to_string())
    }
}

/// The connector.
pub struct Dialer {
    guard: Guard,
    resolver: Arc<dyn Resolver>,
    clock: Arc<dyn Clock>,
    tls: Tls,
    lookup_ms: u64,
    connect_ms: u64,
    metrics: MediaMetrics,
}

impl Dialer {
    /// A connector for this configuration, over the system's resolver and certificates.
    ///
    /// # Errors
    /// The key, and what is wrong with which entry.
    pub fn new(
        config: &MediaConfig,
        clock: Arc<dyn Clock>,
        metrics: MediaMetrics,
    ) -> Result<Self, (&'static str, String)> {
        Ok(Self {
            guard: Guard::new(config)?,
            resolver: Arc::new(SystemResolver),
            clock,
            tls: Tls::default(),
            lookup_ms: config.lookup_timeout.0,
            connect_ms: config.connect_timeout.0,
            metrics,
        })
    }

    /// The figures it counts in.
    #[must_use]
    pub fn metrics(&self) -> &MediaMetrics {
        &self.metrics
    }

    /// The same with another resolver.
    #[must_use]
    pub fn asking(self, resolver: Arc<dyn Resolver>) -> Self {
        Self { resolver, ..self }
    }

    /// The same with other certificates than the system's.
    #[must_use]
    pub fn trusting(self, tls: ClientConfig) -> Self {
        Self {
            tls: Tls::with(tls),
            ..self
        }
    }

    /// Opens a connection to the host of an address.
    ///
    /// # Errors
    /// `DialError`; after `Url` and `Forbidden` no other attempt will do better.
    pub async fn dial(&self, url: &Url) -> Result<Box<dyn Stream>, DialError> {
        let (host, port) = target(url)?;
        let answer = self.lookup(&host, port).await?;
        let judged = self.guard.judge_all(&answer).map_err(|why| self.refused(why))?;
        let deadline = self.clock.elapsed().plus_ms(self.connect_ms);
        let connecting = async {
            let socket = self.connect(&judged).await?;
            if url.scheme() == "https" {
                self.secured(socket, &host).await
            } else {
                Ok(Box::new(socket) as Box<dyn Stream>)
            }
        };
        match select(pin!(connecting), self.clock.sleep_until(deadline)).await {
            Either::Left((connected, _)) => connected,
            Either::Right(_) => {
                self.metrics.met("connect_timeout");
                Err(DialError::TimedOut("no connection in time"))
            }
        }
    }

    async fn lookup(&self, host: &Host<String>, port: u16) -> Result<Vec<SocketAddr>, DialError> {
        let name = match host {
            Host::Ipv4(ip) => return Ok(vec![SocketAddr::new(IpAddr::V4(*ip), port)]),
            Host::Ipv6(ip) => return Ok(vec![SocketAddr::new(IpAddr::V6(*ip), port)]),
            Host::Domain(name) => name,
        };
        let deadline = self.clock.elapsed().plus_ms(self.lookup_ms);
        let answer = self.resolver.lookup(name, port);
        let addresses = match select(answer, self.clock.sleep_until(deadline)).await {
            Either::Left((answer, _)) => {
                answer.map_err(|why| DialError::NotFound(format!("the name was not found: {why}")))?
            }
            Either::Right(_) => {
                self.metrics.met("lookup_timeout");
                return Err(DialError::TimedOut("the name was not found in time"));
            }
        };
        if addresses.is_empty() {
            return Err(DialError::NotFound("the name has no address".into()));
        }
        Ok(addresses)
    }

    /// Connects to the first of the judged addresses that answers.
    async fn connect(&self, judged: &[SocketAddr]) -> Result<TcpStream, DialError> {
        let mut last = DialError::Unreachable("the name has no address".into());
        for address in judged {
            match self.connect_to(*address).await {
                Ok(socket) => return Ok(socket),
                Err(why) => last = why,
            }
        }
        Err(last)
    }

    async fn connect_to(&self, address: SocketAddr) -> Result<TcpStream, DialError> {
        let unreachable = |why: std::io::Error| DialError::Unreachable(why.to_string());
        // The system says from which of its addresses it would reach this one; when it is the same, we would call ourselves.
        if let Some(own) = source_of(address) {
            self.judge_peer(address, address, own)?;
        }
        let socket = TcpStream::connect(address).await.map_err(unreachable)?;
        let peer = socket.peer_addr().map_err(unreachable)?;
        let own = socket.local_addr().map_err(unreachable)?;
        self.judge_peer(address, peer, own.ip())?;
        Ok(socket)
    }

    fn judge_peer(&self, judged: SocketAddr, peer: SocketAddr, own: IpAddr) -> Result<(), DialError> {
        self.guard
            .judge_peer(judged, peer, own)
            .map_err(|why| self.refused(why))
    }

    async fn secured(&self, socket: TcpStream, host: &Host<String>) -> Result<Box<dyn Stream>, DialError> {
        let name = match host {
            Host::Domain(name) => ServerName::try_from(name.trim_end_matches('.').to_owned())
                .map_err(|_| DialError::Url("its host has no name that a certificate could carry"))?,
            Host::Ipv4(ip) => ServerName::IpAddress(IpAddr::V4(*ip).into()),
            Host::Ipv6(ip) => ServerName::IpAddress(IpAddr::V6(*ip).into()),
        };
        let config = self.tls.config().map_err(DialError::Tls)?;
        let stream = TlsConnector::from(config).connect(name, socket).await;
        stream
            .map(|stream| Box::new(stream) as Box<dyn Stream>)
            .map_err(|why| DialError::Tls(format!("TLS failed: {why}")))
    }

    fn refused(&self, why: Forbidden) -> DialError {
        self.metrics.refused(why.class());
        DialError::Forbidden(why)
    }
}

/// The source address that the system would use towards this one. Nothing is sent for it.
fn source_of(address: SocketAddr) -> Option<IpAddr> {
    let any: SocketAddr = if address.is_ipv4() {
        (std::net::Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (std::net::Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(address).ok()?;
    socket.local_addr().ok().map(|own| own.ip())
}

/// Host and port of an address that may be dialled at all.
fn target(url: &Url) -> Result<(Host<String>, u16), DialError> {
    if url.as_str().len() > URL_BYTES_MAX {
        return Err(DialError::Url("it is longer than 2,048 bytes"));
    }
    if !matches!(url.scheme(), "http" | "https") {
        return Err(DialError::Url("it is neither http:// nor https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(DialError::Url("it carries a user name or a password"));
    }
    let host = url.host().ok_or(DialError::Url("it has no host"))?.to_owned();
    let port = url
        .port_or_known_default()
        .ok_or(DialError::Url("it has no port"))?;
    Ok((host, port))
}
