//! All pages cut at once with ten messages missed each: when all are back, nothing lost or doubled, and what a bystander noticed
//! (live 9.5, goal G11). The server has one core and one worker, everything else the other (live 14.1).

use crate::bystander::{Bystander, Noticed};
use crate::crowd::{Crowd, by_code, now_ms};
use crate::number;
use crate::play::Play;
use crate::server::{self, Server};
use std::time::Duration;

const MISSED: u64 = 10;
const BACK_WITHIN: Duration = Duration::from_secs(60);
/// What a bystander may notice is everything between the first and the last; where it comes from is seen from its parts.
const PHASES: [&str; 5] = ["before", "cut", "missed", "back", "after"];

/// CPU that both sides took, and connections that came in vain, up to a moment.
struct Spent {
    server_us: u64,
    pages_us: u64,
    turned_away: u64,
    at_ms: u64,
}

impl Spent {
    fn so_far(server: &Server, crowd: &Crowd) -> Result<Self, String> {
        Ok(Self {
            server_us: Server::cpu_us(server.id())?,
            pages_us: crowd.cpu_us()?,
            turned_away: server::turned_away_by_kernel()?,
            at_ms: now_ms(),
        })
    }

    fn print_until(&self, later: &Self) {
        let per_cent = |from: u64, to: u64| (to - from) / 10 / (later.at_ms - self.at_ms).max(1);
        println!(
            "  busy meanwhile:     server {} %, pages {} % of a core each; {} connections found the backlog full",
            per_cent(self.server_us, later.server_us),
            per_cent(self.pages_us, later.pages_us),
            later.turned_away - self.turned_away
        );
    }
}

/// `resume [--pages N] [--seconds N]`.
pub async fn run(arguments: &[String]) -> Result<(), String> {
    let pages = number(arguments, "--pages", 15_000)?;
    let calm = Duration::from_secs(number(arguments, "--seconds", 5)?);
    let mut play = Play::prepare("resume", pages)?;
    let server = play.serve("127.0.0.1:0", &[server::ONE_WORKER])?;
    server::keep_apart(server.id())?;
    println!("resume: {pages} pages cut at once, {MISSED} messages missed each");
    let mut crowd = play.open(&server, (pages, None))?;
    let person = play.stage.people.last().cloned().ok_or("a bystander")?;
    let sender = play.stage.senders.pop().ok_or("a sender")?;
    let bystander = Bystander::watch(&server.address, (person, sender), PHASES.len());
    std::thread::sleep(calm);
    bystander.phase(1);
    crowd.tell("mark")?;
    crowd.tell("hold")?;
    let away = crowd.until(BACK_WITHIN, |report| report.open == 0)?;
    if away.open > 0 {
        return Err(format!("{} pages were not cut", away.open));
    }
    bystander.phase(2);
    play.send_all((&server.address, &crowd), MISSED).await?;
    bystander.phase(3);
    let spent = Spent::so_far(&server, &crowd)?;
    crowd.tell("go")?;
    let (all, expected) = (crowd.pages, play.expected);
    let back = crowd.until(BACK_WITHIN, |report| {
        report.open == all && report.starts >= expected
    })?;
    spent.print_until(&Spent::so_far(&server, &crowd)?);
    bystander.phase(4);
    std::thread::sleep(calm);
    let noticed = bystander.end()?;
    let since = |moment: Option<u64>| moment.unwrap_or(spent.at_ms).saturating_sub(spent.at_ms);
    let mut welcomes = back.welcomes_ms.clone();
    welcomes.sort_unstable();
    println!(
        "  half welcome after: {} ms",
        since(welcomes.get(welcomes.len() / 2).copied())
    );
    println!(
        "  all welcome after:  {} ms (goal 5,000)",
        since(welcomes.last().copied())
    );
    println!("  all missed run by:  {} ms", since(Some(back.last_start_ms)));
    println!("  came in vain:       {}", by_code(&back.away));
    print_noticed(&noticed);
    if back.open != all {
        return Err(format!("{} of {all} pages came back", back.open));
    }
    play.settle(&mut crowd)
}

fn print_noticed(noticed: &[Noticed]) {
    for (phase, noticed) in PHASES.iter().zip(noticed) {
        println!("  publish {phase:<8}    {}", noticed.call.row());
        println!("  to page {phase:<8}    {}", noticed.page.row());
    }
    let mut during = Noticed::default();
    for part in noticed.iter().skip(1).take(PHASES.len() - 2) {
        during.call.add(&part.call);
        during.page.add(&part.page);
    }
    println!("  publish during      {} (goal: p99 of 20 ms)", during.call.row());
    println!("  to page during      {}", during.page.row());
}
