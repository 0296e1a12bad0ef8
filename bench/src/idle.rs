//! Idle pages on any transport: what each costs in process memory, and how many are dropped while nothing happens (live 14, goals G6,
//! G7 and G9).

use crate::caller::{self, Caller, Keys};
use crate::page::frames;
use crate::page::line::{Line, Route, Transport};
use crate::server::{self, Folder, Server};
use crate::{number, text};
use std::cell::Cell;
use std::net::Ipv4Addr;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::LocalSet;

const PAGES_PER_USER: u64 = 30;
const REST_SECS: u64 = 10;
/// Below so many pages the start-up memory of the process hides the slope.
const SLOPE_FROM_SHARE: u64 = 3;

struct Person {
    keys: Keys,
    calls: u64,
}

fn prepare(data: &Path, users: u64) -> Result<Vec<Person>, String> {
    server::ask(data, &["user", "add", "own", "--json"])?;
    let made = server::ask(data, &["app", "add", "Idle", "--owner", "own", "--json"])?;
    let (api_key, secret) = (server::field(&made, "api_key")?, server::field(&made, "secret")?);
    server::ask(
        data,
        &[
            "app",
            "set",
            &api_key,
            "native_clients=on",
            "calls_per_minute=0",
            "--json",
        ],
    )?;
    let person = |place: u64| {
        let name = format!("u{place}x");
        server::ask(data, &["user", "add", &name, "--json"])?;
        server::ask(
            data,
            &["grant", "add", "--app", &api_key, "--user", &name, "--json"],
        )?;
        let words = [
            "session", "add", "--app", &api_key, "--user", &name, "--ttl", "never", "--json",
        ];
        let session_key = server::field(&server::ask(data, &words)?, "session_key")?;
        Ok(Person {
            keys: Keys {
                api_key: api_key.clone(),
                secret: secret.clone(),
                session_key,
            },
            calls: 0,
        })
    };
    (0..users).map(person).collect()
}

async fn open(
    (route, transport): (&Route, Transport),
    caller: &mut Caller,
    (person, page): (&mut Person, u64),
) -> Result<Line, String> {
    person.calls += 1;
    let call_id = person.calls.to_string();
    let body = caller::body(
        &person.keys,
        "liveMessage.createTicket",
        &call_id,
        &[("format", "json")],
    );
    let answer = caller.call(&Caller::request(&body)).await?;
    let value: serde_json::Value =
        serde_json::from_str(&answer).map_err(|error| format!("{answer}: {error}"))?;
    let ticket = value
        .get("ticket")
        .and_then(serde_json::Value::as_str)
        .ok_or_else(|| format!("no ticket: {answer}"))?;
    let hello = serde_json::json!({"type": "hello", "v": 1, "ticket": ticket,
        "pages": [{"page": format!("page-{page:017}"), "events": ["first", "second"]}]});
    let mut line = Line::open(route, transport, &hello).await?;
    let text = line.hear().await.ok_or("closed before welcome")?;
    let welcome = frames::read(&text)?;
    match welcome.first() {
        Some(frame) if frame.kind == "welcome" => line.is_welcome(&frame.connection),
        _ => return Err(format!("no welcome: {text}")),
    }
    Ok(line)
}

/// Answers pings until the connection ends; then it was dropped, since we never leave.
async fn stay(mut line: Line, dropped: Rc<Cell<u64>>, pings: Rc<Cell<u64>>) {
    while let Some(text) = line.hear().await {
        let Ok(heard) = frames::read(&text) else { break };
        if heard.iter().any(|frame| frame.kind == "bye") {
            break;
        }
        for ping in heard.iter().filter(|frame| frame.kind == "ping") {
            pings.set(pings.get() + 1);
            let pong = serde_json::json!({"type": "pong", "at": ping.at});
            if line.says_pong() && !line.say(&pong).await {
                return dropped.set(dropped.get() + 1);
            }
        }
    }
    dropped.set(dropped.get() + 1);
}

/// `idle [--transport ws|sse|poll] [--pages N] [--seconds N]`.
pub async fn run(arguments: &[String]) -> Result<(), String> {
    let (pages, seconds) = (
        number(arguments, "--pages", 10_000)?,
        number(arguments, "--seconds", 300)?,
    );
    let name = text(arguments, "--transport", Transport::Ws.name())?;
    let transport =
        Transport::named(name).ok_or_else(|| format!("--transport {name}: not ws, sse or poll"))?;
    let folder = Folder::fresh("idle")?;
    let data = folder.0.join("data");
    let mut people = prepare(&data, pages.div_ceil(PAGES_PER_USER))?;
    let environment = [
        ("CRIER__LIVE__CONNECTIONS_PER_ADDRESS_MAX", "0"),
        server::ONE_WORKER,
    ];
    let running = Server::start(&data, &environment)?;
    server::keep_apart(running.id())?;
    let route = Route {
        server: running.address.parse().map_err(|_| "no address")?,
        source: Ipv4Addr::LOCALHOST,
        api_key: people.first().ok_or("a person")?.keys.api_key.clone(),
        receive_buffer: None,
    };
    let mut caller = Caller::connect(&running.address).await?;
    let (dropped, pings) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let tasks = LocalSet::new();
    let outcome = tasks.run_until(async {
        let mut base = (0, 0);
        for page in 0..pages {
            let index = usize::try_from(page / PAGES_PER_USER).map_err(|error| error.to_string())?;
            let person = people.get_mut(index).ok_or("a person for each page")?;
            let line = open((&route, transport), &mut caller, (person, page))
                .await
                .map_err(|why| format!("page {page}: {why}"))?;
            tokio::task::spawn_local(stay(line, Rc::clone(&dropped), Rc::clone(&pings)));
            if page + 1 == pages / SLOPE_FROM_SHARE {
                tokio::time::sleep(Duration::from_secs(REST_SECS)).await;
                base = (page + 1, running.memory()?);
                // The server has closed the connection that rested.
                caller = Caller::connect(&running.address).await?;
            }
        }
        tokio::time::sleep(Duration::from_secs(REST_SECS)).await;
        let full = running.memory()?;
        let cpu = Server::cpu_us(running.id())?;
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let idle_cpu = Server::cpu_us(running.id())?.saturating_sub(cpu);
        let per_page = full.saturating_sub(base.1) / (pages - base.0).max(1);
        println!("{pages} idle pages over {name}, two handlers each, {seconds} s of rest");
        println!(
            "  memory per page: {per_page} bytes (slope from {} to {pages} pages)",
            base.0
        );
        println!("  memory in all:   {} KiB", full / 1024);
        println!(
            "  idle CPU:        {:.2} µs per second and page",
            idle_cpu as f64 / seconds.max(1) as f64 / pages as f64
        );
        println!("  pings heard:     {}", pings.get());
        println!("  dropped:         {}", dropped.get());
        if dropped.get() > 0 {
            Err(format!("{} pages were dropped", dropped.get()))
        } else {
            Ok(())
        }
    });
    outcome.await
}
