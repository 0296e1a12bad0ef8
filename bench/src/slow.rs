//! One page in a hundred stops reading while every page gets 100 messages a second: the server's memory, and what the others noticed
//! (live 8.5, goal G12). The server has one core and one worker, everything else the other (live 14.1).
//!
//! Not 15,000 pages: 1,500,000 frames a second are more than two cores write and read. The rings are full before the measuring
//! begins, and the kernel's buffers at the pages are small, so that what grows is the outboxes. What the allocator does by itself is
//! seen from the same traffic with everybody reading, and taken off.

use crate::caller::{Caller, Keys};
use crate::number;
use crate::play::{Play, send_one};
use crate::server::{self, Server};
use std::time::{Duration, Instant};
use tokio::task::LocalSet;

const RATE: u64 = 100;
const RECEIVE_BUFFER: u32 = 4_096;
const OUTBOX_BYTES: u64 = 65_536;
/// A full ring of 1,000 messages at this rate.
const WARM_SECS: u64 = 11;
/// Below the 30 s after which a stopped reader is cut.
const MEASURED_SECS: u64 = 20;
/// After it nothing is on its way but what is stopped.
const AT_REST: Duration = Duration::from_secs(1);

async fn steady(server: String, keys: Keys, uids: Vec<String>, seconds: u64) -> Result<u64, String> {
    let mut caller = Caller::connect(&server).await?;
    let (began, mut sent) = (Instant::now(), 0);
    for round in 0..seconds * RATE {
        for uid in &uids {
            send_one(&mut caller, &keys, uid).await?;
            sent += 1;
        }
        let due = Duration::from_micros((round + 1) * 1_000_000 / RATE);
        tokio::time::sleep(due.saturating_sub(began.elapsed())).await;
    }
    // A sender that falls behind has sent less than was promised to the reader of the table.
    let late = began.elapsed().as_secs_f64() / seconds as f64;
    if late > 1.1 {
        return Err(format!(
            "the machine carries only 1/{late:.2} of {RATE} messages a second: fewer --pages"
        ));
    }
    Ok(sent)
}

async fn everybody(play: &Play, server: &str, seconds: u64) -> Result<(), String> {
    let tasks = LocalSet::new();
    let senders = &play.stage.senders;
    let mut all = Vec::new();
    for (place, keys) in senders.iter().enumerate() {
        let own = play.people().iter().skip(place).step_by(senders.len());
        let uids: Vec<String> = own.map(|person| person.uid.clone()).collect();
        all.push(tasks.spawn_local(steady(server.to_owned(), keys.clone(), uids, seconds)));
    }
    tasks.await;
    for sender in all {
        sender.await.map_err(|error| error.to_string())??;
    }
    Ok(())
}

/// How far a process's memory went while the pages got their messages, in bytes.
struct Span {
    began: u64,
    ended: u64,
}

impl Span {
    fn rise(&self) -> i64 {
        i64::try_from(self.ended).unwrap_or(i64::MAX) - i64::try_from(self.began).unwrap_or(i64::MAX)
    }

    fn row(&self) -> String {
        format!("{:+} KiB, from {} KiB", self.rise() / 1_024, self.began / 1_024)
    }
}

/// Gives everybody messages, then lets the last of them arrive.
async fn measured(play: &Play, server: &Server) -> Result<Span, String> {
    let began = server.memory()?;
    everybody(play, &server.address, MEASURED_SECS).await?;
    tokio::time::sleep(AT_REST).await;
    let ended = server.memory()?;
    Ok(Span { began, ended })
}

/// `slow [--pages N] [--stopped N]`.
pub async fn run(arguments: &[String]) -> Result<(), String> {
    let pages = number(arguments, "--pages", 300)?;
    let stopped = number(arguments, "--stopped", (pages / 100).max(1))?;
    let play = Play::prepare("slow", pages)?;
    // Outcome records outlive their messages by an hour: here they reach their bound while it is warmed up.
    let own = [("CRIER__LIVE__STATUS_ITEMS_MAX", "1000"), server::ONE_WORKER];
    let server = play.serve("127.0.0.1:0", &own)?;
    server::keep_apart(server.id())?;
    println!("slow: {stopped} of {pages} pages stop reading, {RATE} messages a second to each page");
    let mut crowd = play.open(&server, (pages, Some(RECEIVE_BUFFER)))?;
    everybody(&play, &server.address, WARM_SECS).await?;
    tokio::time::sleep(AT_REST).await;
    crowd.tell("mark")?;
    let cpu = (Server::cpu_us(server.id())?, crowd.cpu_us()?);
    let all_read = measured(&play, &server).await?;
    let busy = |from: u64, to: u64| (to - from) / MEASURED_SECS / 10_000;
    println!(
        "  busy meanwhile:     server {} %, pages {} % of a core each",
        busy(cpu.0, Server::cpu_us(server.id())?),
        busy(cpu.1, crowd.cpu_us()?)
    );
    let before = crowd.report()?;
    crowd.tell_first(&format!("stall {stopped}"))?;
    crowd.tell("mark")?;
    let some_stopped = measured(&play, &server).await?;
    let during = crowd.report()?;
    // What the same traffic does to the process when everybody reads is not the stopped pages' doing.
    let rise = some_stopped.rise() - all_read.rise();
    let bound = i64::try_from(stopped * OUTBOX_BYTES).unwrap_or(i64::MAX);
    println!("  memory, all read:   {}", all_read.row());
    println!("  memory, some not:   {}", some_stopped.row());
    println!(
        "  the stopped pages:  {} KiB, {:.1} KiB each (bound {} KiB each)",
        rise / 1_024,
        rise as f64 / 1_024.0 / stopped as f64,
        OUTBOX_BYTES / 1_024
    );
    println!("  to page before      {}", before.latencies.row());
    println!("  to page during      {}", during.latencies.row());
    let more = during.latencies.ms(0.99) / before.latencies.ms(0.99) - 1.0;
    println!("  p99 of the others:  {:+.0} % (goal +10 %)", more * 100.0);
    println!("  doubled, lost:      {}, {}", during.doubled, during.lost);
    if during.doubled + during.lost + during.gaps > 0 || !during.wrong.is_empty() {
        return Err(format!("not exactly once: {:?}", during.wrong.first()));
    }
    if rise > bound {
        return Err("the memory rose by more than the outboxes may hold".to_owned());
    }
    Ok(())
}
