//! The test of record (live 6.10): messages to many users over all transports, while servers, sockets and tabs end at random moments
//! and pages change their transport; then every message and every page is judged.
//!
//! One process plays the senders, the pages and the network between; the server is the built binary.

mod chaos;
mod report;
mod senders;
mod world;

use crate::number;
use crate::page::line::{Route, Transport};
use crate::server::{Folder, Server, TO_COME_BACK_TO};
use crate::stage::{Desk, RAISED, Stage};
use crate::text;
use crier_testkit::FaultProxy;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::LocalSet;
use world::World;

const SENDERS: u64 = 16;
const RESTARTS_MOST: u64 = 20;
/// Messages between two restarts: fewer, and pages would hardly be back before the next.
const RESTART_EVERY: u64 = 10_000;
const PROXIES: usize = 64;
/// Long enough for every backoff and every slow handler, on top of the grace of pages that died.
const REST_SECS: u64 = 8;
/// After that rest, what is still owed is waited for: only a message that never comes takes so long.
const OWED_SECS: u64 = 120;
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A page that died between two polls is missed only then (live 4.7); its grace begins after it.
const ABSENCE_SECS: u64 = 15;

/// What the run is asked to do.
pub struct Task {
    messages: u64,
    users: u64,
    seed: u64,
    rate: u64,
    restarts: u64,
    grace_secs: u64,
    durable: bool,
    transports: Vec<Transport>,
}

impl Task {
    fn read(arguments: &[String]) -> Result<Self, String> {
        let transport = |name: &str| match name {
            "ws" => Ok(Transport::Ws),
            "sse" => Ok(Transport::Sse),
            "poll" => Ok(Transport::Poll),
            _ => Err(format!("--transports {name}: ws, sse or poll")),
        };
        let names = text(arguments, "--transports", "ws,sse,poll")?;
        let messages = number(arguments, "--messages", 1_000_000)?;
        let restarts = (messages / RESTART_EVERY).clamp(1, RESTARTS_MOST);
        Ok(Self {
            messages,
            users: number(arguments, "--users", 200)?,
            seed: number(arguments, "--seed", 1)?,
            rate: number(arguments, "--rate", 3_000)?,
            restarts: number(arguments, "--restarts", restarts)?,
            grace_secs: number(arguments, "--grace", 15)?,
            durable: arguments.iter().any(|argument| argument == "--durable"),
            transports: names.split(',').map(transport).collect::<Result<_, _>>()?,
        })
    }

    /// How long after the last message everything that is still owed has been run.
    fn rest(&self) -> Duration {
        let polls = self.transports.contains(&Transport::Poll);
        let absence = if polls { ABSENCE_SECS } else { 0 };
        Duration::from_secs(absence + self.grace_secs + REST_SECS)
    }

    fn environment(&self) -> Vec<(String, String)> {
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let mut all: Vec<_> = RAISED.into_iter().map(own).collect();
        let grace = format!("{}s", self.grace_secs);
        all.push(own(("CRIER__LIVE__PAGE_GRACE", &grace)));
        if self.durable {
            all.push(own(("CRIER__LIVE__MAILBOX", "durable")));
        }
        all
    }
}

/// The server of the moment, always at one address.
pub struct Home {
    data: PathBuf,
    address: String,
    environment: Vec<(String, String)>,
    running: Option<Server>,
}

impl Home {
    fn start(&mut self) -> Result<(), String> {
        let environment: Vec<(&str, &str)> = self
            .environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let server = Server::start_at(&self.address, &self.data, &environment)?;
        server.address.clone_into(&mut self.address);
        self.running = Some(server);
        Ok(())
    }
}

async fn routes(server: SocketAddr, api_key: &str) -> Result<(Vec<FaultProxy>, Vec<Route>), String> {
    let (mut proxies, mut routes) = (Vec::new(), Vec::new());
    for _ in 0..PROXIES {
        let proxy = FaultProxy::to(server).await.map_err(|error| error.to_string())?;
        routes.push(Route {
            server: proxy.address(),
            source: Ipv4Addr::LOCALHOST,
            api_key: api_key.to_owned(),
            receive_buffer: None,
        });
        proxies.push(proxy);
    }
    Ok((proxies, routes))
}

/// `exact [--messages N] [--seed N] …`.
pub async fn run(arguments: &[String]) -> Result<(), String> {
    let task = Task::read(arguments)?;
    println!("exact: {} messages, seed {}", task.messages, task.seed);
    let folder = Folder::fresh("exact")?;
    let data = folder.0.join("data");
    let stage = Stage::prepare(&data, task.users, SENDERS)?;
    let mut home = Home {
        data,
        address: TO_COME_BACK_TO.to_owned(),
        environment: task.environment(),
        running: None,
    };
    home.start()?;
    let server: SocketAddr = home.address.parse().map_err(|_| "no address")?;
    let began = Instant::now();
    let tasks = LocalSet::new();
    let played = tasks.run_until(async {
        let (proxies, routes) = routes(server, &stage.api_key).await?;
        let desk = Rc::new(Desk::new(&home.address, stage.people.clone()));
        let world = World::new(task.seed, Rc::new(routes), desk);
        let world = Rc::new(world);
        chaos::populate(&task, &world);
        world.all_open().await?;
        let sending = senders::start(&task, &stage, (&world, server));
        chaos::rage((&task, &world), &mut home, &proxies).await?;
        for sender in sending {
            sender.await.map_err(|error| error.to_string())?;
        }
        world.all_open().await?;
        tokio::time::sleep(task.rest()).await;
        for _ in 0..OWED_SECS {
            if !world.book.borrow().judge().owes_something() {
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok::<_, String>(world)
    });
    let world = played.await?;
    report::print(&task, &world, began.elapsed())
}
