//! A TCP proxy that cuts and stalls on command: what networks do to connections.
#![expect(
    clippy::disallowed_methods,
    reason = "each forwarded connection is a task of the test's own runtime and ends with the proxy"
)]

use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the proxy does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Weather {
    /// Bytes stay where they are.
    stalled: bool,
    /// Counts the cuts: a connection of an earlier count is dead.
    cuts: u64,
    /// New connections are closed at once.
    refusing: bool,
}

/// Forwards connections to a target until told otherwise. Dropping it cuts everything.
pub struct FaultProxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    accepting: JoinHandle<()>,
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.cut();
        self.accepting.abort();
    }
}

impl FaultProxy {
    /// Listens on a free port of the loopback interface.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn to(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let weather = watch::Sender::new(Weather {
            stalled: false,
            cuts: 0,
            refusing: false,
        });
        let accepting = tokio::spawn(accept(listener, target, weather.clone()));
        Ok(Self {
            address,
            weather,
            accepting,
        })
    }

    /// Where to connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection that is open now, without a word.
    pub fn cut(&self) {
        self.weather
            .send_modify(|weather| weather.cuts = weather.cuts.saturating_add(1));
    }

    /// Holds all bytes of both directions, or lets them flow again.
    pub fn stall(&self, stalled: bool) {
        self.weather.send_modify(|weather| weather.stalled = stalled);
    }

    /// Closes new connections at once, or accepts them again.
    pub fn refuse(&self, refusing: bool) {
        self.weather.send_modify(|weather| weather.refusing = refusing);
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, weather: watch::Sender<Weather>) {
    while let Ok((near, _)) = listener.accept().await {
        let now = *weather.borrow();
        if now.refusing {
            continue;
        }
        let told = weather.subscribe();
        tokio::spawn(async move {
            if let Ok(far) = TcpStream::connect(target).await {
                forward(near, far, told, now.cuts).await;
            }
        });
    }
}

/// Both directions until one ends or the connection is cut.
async fn forward(near: TcpStream, far: TcpStream, mut weather: watch::Receiver<Weather>, born: u64) {
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    let cut = {
        let mut weather = weather.clone();
        async move { weather.wait_for(|weather| weather.cuts != born).await.map(drop) }
    };
    let there = pump(near_in, far_out, weather.clone());
    weather.mark_unchanged();
    let back = pump(far_in, near_out, weather);
    tokio::select! {
        _ = cut => {}
        ((), ()) = async { tokio::join!(there, back) } => {}
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut weather: watch::Receiver<Weather>) {
    let mut buffer = vec![0; 16_384];
    loop {
        // While stalled nothing is read either, so that the sender's own buffers fill up as on a dead line.
        if weather.wait_for(|weather| !weather.stalled).await.is_err() {
            return;
        }
        let Ok(read @ 1..) = from.read(&mut buffer).await else {
            break;
        };
        if weather.wait_for(|weather| !weather.stalled).await.is_err() {
            return;
        }
        let Some(bytes) = buffer.get(..read) else {
            break;
        };
        if to.write_all(bytes).await.is_err() {
            break;
        }
    }
    // An end in one direction is passed on; the other goes on.
    let _ = to.shutdown().await;
}
