//! Idle WebSocket pages: what each costs in process memory, and how many are dropped while nothing happens.

use crate::caller::{self, Caller, Keys};
use crate::number;
use crate::server::{self, Folder, Server};
use futures_util::{SinkExt, StreamExt};
use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

const PAGES_PER_USER: u64 = 30;
const REST_SECS: u64 = 10;
/// Below so many pages the start-up memory of the process hides the slope.
const SLOPE_FROM_SHARE: u64 = 3;

type Socket = WebSocketStream<TcpStream>;

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

async fn open(address: &str, caller: &mut Caller, person: &mut Person, page: u64) -> Result<Socket, String> {
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
    let stream = TcpStream::connect(address)
        .await
        .map_err(|error| error.to_string())?;
    let target = format!("ws://{address}/live/ws?app={}", person.keys.api_key);
    let request = target.into_client_request().map_err(|error| error.to_string())?;
    let small = WebSocketConfig::default()
        .read_buffer_size(1024)
        .write_buffer_size(0);
    let (mut socket, _) = tokio_tungstenite::client_async_with_config(request, stream, Some(small))
        .await
        .map_err(|error| error.to_string())?;
    let hello = serde_json::json!({"type": "hello", "v": 1, "ticket": ticket,
        "pages": [{"page": format!("page-{page:017}"), "events": ["first", "second"]}]});
    socket
        .send(Message::text(hello.to_string()))
        .await
        .map_err(|error| error.to_string())?;
    let welcome = socket
        .next()
        .await
        .ok_or("closed before welcome")?
        .map_err(|error| error.to_string())?;
    let text = welcome.to_text().map_err(|error| error.to_string())?;
    if text.contains("\"welcome\"") {
        Ok(socket)
    } else {
        Err(format!("no welcome: {text}"))
    }
}

/// Answers pings until the connection ends; then it was dropped, since we never leave.
async fn stay(mut socket: Socket, dropped: Rc<Cell<u64>>, pings: Rc<Cell<u64>>) {
    while let Some(Ok(message)) = socket.next().await {
        let Ok(text) = message.to_text() else { break };
        let Ok(frame) = serde_json::from_str::<serde_json::Value>(text) else {
            continue;
        };
        if frame.get("type").and_then(serde_json::Value::as_str) == Some("ping") {
            pings.set(pings.get() + 1);
            let pong = serde_json::json!({"type": "pong", "at": frame.get("at")});
            if socket.send(Message::text(pong.to_string())).await.is_err() {
                break;
            }
        }
    }
    dropped.set(dropped.get() + 1);
}

/// `idle [--pages N] [--seconds N]`.
pub async fn run(arguments: &[String]) -> Result<(), String> {
    let (pages, seconds) = (
        number(arguments, "--pages", 10_000)?,
        number(arguments, "--seconds", 300)?,
    );
    let folder = Folder::fresh("idle")?;
    let data = folder.0.join("data");
    let mut people = prepare(&data, pages.div_ceil(PAGES_PER_USER))?;
    let environment = [("CRIER__LIVE__CONNECTIONS_PER_ADDRESS_MAX", "0")];
    let running = Server::start(&data, &environment)?;
    let mut caller = Caller::connect(&running.address).await?;
    let (dropped, pings) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let tasks = LocalSet::new();
    let outcome = tasks.run_until(async {
        let mut base = (0, 0);
        for page in 0..pages {
            let index = usize::try_from(page / PAGES_PER_USER).map_err(|error| error.to_string())?;
            let person = people.get_mut(index).ok_or("a person for each page")?;
            let socket = open(&running.address, &mut caller, person, page)
                .await
                .map_err(|why| format!("page {page}: {why}"))?;
            tokio::task::spawn_local(stay(socket, Rc::clone(&dropped), Rc::clone(&pings)));
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
        println!("{pages} idle WebSocket pages, two handlers each, {seconds} s of rest");
        println!(
            "  memory per page: {per_page} bytes (slope from {} to {pages} pages)",
            base.0
        );
        println!("  memory in all:   {} KiB", full / 1024);
        println!(
            "  idle CPU:        {:.2} µs per second and page",
            idle_cpu as f64 / seconds.max(1) as f64 / pages as f64
        );
        println!("  pings answered:  {}", pings.get());
        println!("  dropped:         {}", dropped.get());
        if dropped.get() > 0 {
            Err(format!("{} pages were dropped", dropped.get()))
        } else {
            Ok(())
        }
    });
    outcome.await
}
