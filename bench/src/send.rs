//! A signed `liveMessage.send` with no page open, beside the same HTTP stack answering a constant to the same request.
//!
//! The server is pinned to one core, this driver to the other; rounds are interleaved; the ratio of CPU per request is
//! the figure. Rates are printed for orientation alone.

use crate::caller::{self, Caller, Keys};
use crate::number;
use crate::server::{self, Folder, Server};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::cell::Cell;
use std::convert::Infallible;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::LocalSet;

const CONNECTIONS: usize = 64;
const ANSWER: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<liveMessage_send_response xmlns=\"http://api.facebook.com/1.0/\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"http://api.facebook.com/1.0/ http://api.facebook.com/1.0/facebook.xsd\">1</liveMessage_send_response>\n";

/// A bare server of the same stack: reads the body, answers a constant.
pub async fn constant_server() -> Result<(), String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .map_err(|error| error.to_string())?;
    println!(
        "ready {}",
        listener.local_addr().map_err(|error| error.to_string())?
    );
    let tasks = LocalSet::new();
    let serve = async {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                return;
            };
            // A constant without delays: that is the floor we compare with.
            let _ = stream.set_nodelay(true);
            tokio::task::spawn_local(async move {
                let answer = service_fn(|request: Request<Incoming>| async {
                    let _ = request.into_body().collect().await;
                    let response = Response::builder()
                        .header("Content-Type", "text/xml; charset=utf-8")
                        .header("X-Content-Type-Options", "nosniff")
                        .header("Cache-Control", "no-store")
                        .body(Full::new(Bytes::from_static(ANSWER.as_bytes())))
                        .expect("constant headers are well-formed");
                    Ok::<_, Infallible>(response)
                });
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), answer)
                    .await;
            });
        }
    };
    tasks.run_until(serve).await;
    Ok(())
}

struct Constant {
    child: Child,
    address: String,
}

impl Drop for Constant {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start_constant() -> Result<Constant, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut child = Command::new(own)
        .arg("constant")
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut line = String::new();
    let out = child.stdout.take().ok_or("stdout was piped")?;
    BufReader::new(out)
        .read_line(&mut line)
        .map_err(|error| error.to_string())?;
    let address = line
        .trim()
        .strip_prefix("ready ")
        .ok_or("the constant server did not get ready")?
        .to_owned();
    Ok(Constant { child, address })
}

/// Who is asked: process and address.
struct Target<'a> {
    id: u32,
    address: &'a str,
}

struct Round {
    requests: u64,
    cpu_us: u64,
    seconds: f64,
}

async fn round(
    target: &Target<'_>,
    sessions: &[Keys],
    next: &Rc<Cell<u64>>,
    seconds: u64,
) -> Result<Round, String> {
    let (count, wrong) = (Rc::new(Cell::new(0u64)), Rc::new(Cell::new(None)));
    let (before, started) = (Server::cpu_us(target.id)?, Instant::now());
    let until = started + Duration::from_secs(seconds);
    let tasks = LocalSet::new();
    // A driver that never sleeps: being woken by each answer would be charged to whichever server is slower.
    tasks.spawn_local(async move {
        while Instant::now() < until {
            tokio::task::yield_now().await;
        }
    });
    for keys in sessions {
        let (keys, count, wrong, next, address) = (
            keys.clone(),
            Rc::clone(&count),
            Rc::clone(&wrong),
            Rc::clone(next),
            target.address.to_owned(),
        );
        tasks.spawn_local(async move {
            let mut caller = match Caller::connect(&address).await {
                Ok(caller) => caller,
                Err(why) => return wrong.set(Some(why)),
            };
            while Instant::now() < until {
                next.set(next.get() + 1);
                let own = [
                    ("recipient", "563683308"),
                    ("event_name", "rochambeau"),
                    ("message", "{\"message\":\"Let's start a game.\"}"),
                ];
                let body = caller::body(&keys, "liveMessage.send", &next.get().to_string(), &own);
                match caller.call(&Caller::request(&body)).await {
                    Ok(answer) if answer == ANSWER => count.set(count.get() + 1),
                    Ok(answer) => return wrong.set(Some(answer)),
                    Err(why) => return wrong.set(Some(why)),
                }
            }
        });
    }
    tasks.await;
    if let Some(why) = wrong.take() {
        return Err(format!("a wrong answer: {why}"));
    }
    let cpu_us = Server::cpu_us(target.id)?.saturating_sub(before);
    Ok(Round {
        requests: count.get(),
        cpu_us,
        seconds: started.elapsed().as_secs_f64(),
    })
}

fn per_request(round: &Round) -> f64 {
    round.cpu_us as f64 / round.requests.max(1) as f64
}

fn prepare(data: &Path) -> Result<Vec<(&'static str, Vec<Keys>)>, String> {
    server::ask(data, &["user", "add", "own", "--uid", "1240077", "--json"])?;
    server::ask(data, &["user", "add", "other", "--uid", "563683308", "--json"])?;
    let mut sessions = Vec::new();
    for profile in ["documented", "period"] {
        let made = server::ask(
            data,
            &[
                "app",
                "add",
                profile,
                "--owner",
                "own",
                "--profile",
                profile,
                "--json",
            ],
        )?;
        let (api_key, secret) = (server::field(&made, "api_key")?, server::field(&made, "secret")?);
        server::ask(
            data,
            &["app", "set", &api_key, "calls_per_minute=1000000000", "--json"],
        )?;
        for user in ["own", "other"] {
            server::ask(
                data,
                &["grant", "add", "--app", &api_key, "--user", user, "--json"],
            )?;
        }
        let session = |_| {
            let words = [
                "session", "add", "--app", &api_key, "--user", "own", "--ttl", "never", "--json",
            ];
            let session_key = server::field(&server::ask(data, &words)?, "session_key")?;
            Ok(Keys {
                api_key: api_key.clone(),
                secret: secret.clone(),
                session_key,
            })
        };
        sessions.push((
            profile,
            (0..CONNECTIONS)
                .map(session)
                .collect::<Result<Vec<_>, String>>()?,
        ));
    }
    Ok(sessions)
}

/// `send [--seconds N] [--rounds N]`.
pub async fn run(arguments: &[String]) -> Result<(), String> {
    let (seconds, rounds) = (
        number(arguments, "--seconds", 5)?,
        number(arguments, "--rounds", 5)?,
    );
    let folder = Folder::fresh("send")?;
    let data = folder.0.join("data");
    let sessions = prepare(&data)?;
    let environment = [("CRIER__LIVE__RECIPIENT_RATE", "1000000000"), server::ONE_WORKER];
    let running = Server::start(&data, &environment)?;
    let constant = start_constant()?;
    server::keep_apart(running.id())?;
    server::keep_apart(constant.child.id())?;
    let floor_target = Target {
        id: constant.child.id(),
        address: &constant.address,
    };
    let our_target = Target {
        id: running.id(),
        address: &running.address,
    };
    let next = Rc::new(Cell::new(1_000_000));
    for (profile, sessions) in &sessions {
        let mut ratios = Vec::new();
        for turn in 0..=rounds {
            let floor = round(&floor_target, sessions, &next, seconds).await?;
            let ours = round(&our_target, sessions, &next, seconds).await?;
            // The first pair warms caches and pools.
            if turn == 0 {
                continue;
            }
            let ratio = per_request(&ours) / per_request(&floor);
            println!(
                "{profile} round {turn}: constant {:.2} µs ({:.0}/s), liveMessage.send {:.2} µs ({:.0}/s), ratio {ratio:.2}",
                per_request(&floor),
                floor.requests as f64 / floor.seconds,
                per_request(&ours),
                ours.requests as f64 / ours.seconds
            );
            ratios.push(ratio);
        }
        ratios.sort_by(f64::total_cmp);
        let at = |share: usize| {
            ratios
                .get((ratios.len().saturating_sub(1)) * share / 2)
                .copied()
                .unwrap_or(f64::NAN)
        };
        println!(
            "{profile}: CPU per signed send over a constant answer: median {:.2} [{:.2}..{:.2}]",
            at(1),
            at(0),
            at(2)
        );
    }
    Ok(())
}
