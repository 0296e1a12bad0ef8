//! kill −9 at random moments under load: no answered publish is lost, no `call_id` passes twice, the window never opens early.

use crate::caller::{self, Caller, Keys};
use crate::chance::Chance;
use crate::number;
use crate::server::{self, Folder, Server};
use std::cell::{Cell, RefCell};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::LocalSet;

const SENDERS: usize = 4;
const PUBLISHERS: usize = 4;
const FRESH_USERS: usize = 2;
/// An export reads the whole record, so it is compared once in so many kills, and at the end.
const EXPORT_EVERY: u64 = 20;

/// What the callers have seen, and the number that the next call carries.
#[derive(Default)]
struct Seen {
    next: Cell<u64>,
    titles: RefCell<Vec<String>>,
    last_call: RefCell<Vec<Option<String>>>,
    published: RefCell<Vec<Keys>>,
    sends: Cell<u64>,
    refused: Cell<u64>,
    wrong: RefCell<Vec<String>>,
}

impl Seen {
    fn call_id(&self) -> String {
        self.next.set(self.next.get() + 1);
        self.next.get().to_string()
    }
}

fn new_session(data: &Path, app: (&str, &str), user: &str) -> Result<Keys, String> {
    let made = server::ask(
        data,
        &[
            "session", "add", "--app", app.0, "--user", user, "--ttl", "never", "--json",
        ],
    )?;
    Ok(Keys {
        api_key: app.0.to_owned(),
        secret: app.1.to_owned(),
        session_key: server::field(&made, "session_key")?,
    })
}

async fn send_until_killed(address: String, keys: Keys, place: usize, seen: Rc<Seen>) {
    let Ok(mut caller) = Caller::connect(&address).await else {
        return;
    };
    loop {
        let call_id = seen.call_id();
        let own = [
            ("recipient", "1240077"),
            ("event_name", "e"),
            ("message", "{}"),
            ("format", "json"),
        ];
        let body = caller::body(&keys, "liveMessage.send", &call_id, &own);
        match caller.call(&Caller::request(&body)).await {
            Ok(answer) if answer == "true" => {
                seen.sends.set(seen.sends.get() + 1);
                seen.last_call.borrow_mut()[place] = Some(call_id);
            }
            Ok(answer) => seen.wrong.borrow_mut().push(format!("send: {answer}")),
            Err(_) => return,
        }
    }
}

async fn publish_until_killed(address: String, keys: Keys, seen: Rc<Seen>) {
    let Ok(mut caller) = Caller::connect(&address).await else {
        return;
    };
    loop {
        let call_id = seen.call_id();
        let title = format!("story {call_id}");
        let body = caller::body(
            &keys,
            "feed.publishStoryToUser",
            &call_id,
            &[("title", &title), ("format", "json")],
        );
        match caller.call(&Caller::request(&body)).await {
            Ok(answer) if answer == "true" => seen.titles.borrow_mut().push(title),
            // Another connection of the same session has overtaken this one: that is what call order is for.
            Ok(answer) if answer.starts_with("{\"error_code\":103,") => {}
            Ok(answer) => seen.wrong.borrow_mut().push(format!("publish: {answer}")),
            Err(_) => return,
        }
    }
}

async fn try_window_until_killed(address: String, keys: Keys, seen: Rc<Seen>) {
    let Ok(mut caller) = Caller::connect(&address).await else {
        return;
    };
    let mut open = true;
    loop {
        let own = [("title", "once in twelve hours"), ("format", "json")];
        let body = caller::body(&keys, "feed.publishStoryToUser", &seen.call_id(), &own);
        match caller.call(&Caller::request(&body)).await {
            Ok(answer) if answer == "true" && open => {
                open = false;
                seen.published.borrow_mut().push(keys.clone());
            }
            Ok(answer) if answer.starts_with("{\"error_code\":4,") && !open => {
                seen.refused.set(seen.refused.get() + 1);
            }
            Ok(answer) => seen
                .wrong
                .borrow_mut()
                .push(format!("window (open: {open}): {answer}")),
            Err(_) => return,
        }
    }
}

async fn check_after_restart(address: &str, senders: &[Keys], seen: &Seen) -> Result<(), String> {
    let mut caller = Caller::connect(address).await?;
    let last_calls = seen.last_call.borrow().clone();
    for (keys, last) in senders.iter().zip(last_calls) {
        let Some(last) = last else { continue };
        let own = [
            ("recipient", "1240077"),
            ("event_name", "e"),
            ("message", "{}"),
            ("format", "json"),
        ];
        let answer = caller
            .call(&Caller::request(&caller::body(
                keys,
                "liveMessage.send",
                &last,
                &own,
            )))
            .await?;
        if !answer.starts_with("{\"error_code\":103,") {
            return Err(format!("call_id {last} passed twice: {answer}"));
        }
    }
    let published = seen.published.borrow().clone();
    for keys in &published {
        let own = [("title", "too early"), ("format", "json")];
        let body = caller::body(keys, "feed.publishStoryToUser", &seen.call_id(), &own);
        let answer = caller.call(&Caller::request(&body)).await?;
        if !answer.starts_with("{\"error_code\":4,") {
            return Err(format!("the window opened early: {answer}"));
        }
    }
    Ok(())
}

fn check_stories(data: &Path, seen: &Seen) -> Result<usize, String> {
    let lines = server::ask(data, &["user", "export", "own"])?;
    let text: String = lines
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n");
    let lost: Vec<String> = seen
        .titles
        .borrow()
        .iter()
        .filter(|title| !text.contains(&format!("\"{title}\"")))
        .cloned()
        .collect();
    if lost.is_empty() {
        Ok(seen.titles.borrow().len())
    } else {
        Err(format!("answered publishes lost: {lost:?}"))
    }
}

struct Stage {
    app: (String, String),
    owner: Keys,
    senders: Vec<Keys>,
}

fn prepare(data: &Path) -> Result<Stage, String> {
    server::ask(data, &["user", "add", "own", "--uid", "1240077", "--json"])?;
    let made = server::ask(data, &["app", "add", "Kill", "--owner", "own", "--json"])?;
    let app = (server::field(&made, "api_key")?, server::field(&made, "secret")?);
    server::ask(data, &["app", "set", &app.0, "calls_per_minute=0", "--json"])?;
    server::ask(
        data,
        &["grant", "add", "--app", &app.0, "--user", "own", "--json"],
    )?;
    let pair = (app.0.as_str(), app.1.as_str());
    let owner = new_session(data, pair, "own")?;
    let senders = (0..SENDERS)
        .map(|_| new_session(data, pair, "own"))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Stage { app, owner, senders })
}

/// `kill [--kills N] [--seed N]`.
pub async fn run(arguments: &[String]) -> Result<(), String> {
    let (kills, seed) = (
        number(arguments, "--kills", 200)?,
        number(arguments, "--seed", 1)?,
    );
    let folder = Folder::fresh("kill")?;
    let data = folder.0.join("data");
    let stage = prepare(&data)?;
    let mut chance = Chance::of(seed, 0);
    let seen = Rc::new(Seen {
        next: Cell::new(1_000_000),
        last_call: RefCell::new(vec![None; SENDERS]),
        ..Seen::default()
    });
    let environment = [
        ("CRIER__LIVE__RECIPIENT_RATE", "1000000"),
        ("CRIER__LIVE__RING_ITEMS_MAX", "100"),
    ];
    for turn in 0..kills {
        let fresh: Vec<Keys> = (0..FRESH_USERS)
            .map(|place| {
                let name = format!("u{turn}x{place}");
                server::ask(&data, &["user", "add", &name, "--json"])?;
                server::ask(
                    &data,
                    &["grant", "add", "--app", &stage.app.0, "--user", &name, "--json"],
                )?;
                new_session(&data, (&stage.app.0, &stage.app.1), &name)
            })
            .collect::<Result<_, String>>()?;
        let running = Server::start(&data, &environment)?;
        check_after_restart(&running.address, &stage.senders, &seen)
            .await
            .map_err(|why| format!("kill {turn}: {why}"))?;
        let moment = Duration::from_millis(20 + chance.below(300));
        let tasks = LocalSet::new();
        for (place, keys) in stage.senders.iter().enumerate() {
            let (keys, seen) = (keys.clone(), Rc::clone(&seen));
            tasks.spawn_local(send_until_killed(running.address.clone(), keys, place, seen));
        }
        for _ in 0..PUBLISHERS {
            let (keys, seen) = (stage.owner.clone(), Rc::clone(&seen));
            tasks.spawn_local(publish_until_killed(running.address.clone(), keys, seen));
        }
        for keys in fresh {
            tasks.spawn_local(try_window_until_killed(
                running.address.clone(),
                keys,
                Rc::clone(&seen),
            ));
        }
        let killed = tasks.run_until(async {
            tokio::time::sleep(moment).await;
            running.kill()
        });
        killed.await?;
        // What the server had answered before it died is still in the callers' sockets: they read on until the end.
        tasks.await;
        if let Some(wrong) = seen.wrong.borrow().first() {
            return Err(format!("kill {turn}: {wrong}"));
        }
        if (turn + 1) % EXPORT_EVERY == 0 || turn + 1 == kills {
            let stories = check_stories(&data, &seen).map_err(|why| format!("kill {turn}: {why}"))?;
            println!(
                "{:>4} kills: {stories} answered publishes all there, {} live messages",
                turn + 1,
                seen.sends.get()
            );
        }
    }
    println!(
        "kill -9 × {kills} (seed {seed}): 0 answered publishes lost, 0 call_ids accepted twice, {} windows kept shut ({} early tries refused)",
        seen.published.borrow().len(),
        seen.refused.get()
    );
    Ok(())
}
