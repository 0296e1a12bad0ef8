//! All pages cut at once with ten messages missed each: when all are back, nothing lost or doubled, and what a bystander noticed
//! (live 9.5, goal G11).

use crate::bystander::Bystander;
use crate::crowd::now_ms;
use crate::number;
use crate::play::Play;
use std::time::Duration;

const MISSED: u64 = 10;
const BACK_WITHIN: Duration = Duration::from_secs(60);
const PHASES: [&str; 3] = ["before", "during", "after"];

/// `resume [--pages N] [--seconds N]`.
pub async fn run(arguments: &[String]) -> Result<(), String> {
    let pages = number(arguments, "--pages", 15_000)?;
    let calm = Duration::from_secs(number(arguments, "--seconds", 5)?);
    let mut play = Play::prepare("resume", pages)?;
    let server = play.serve("127.0.0.1:0", &[])?;
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
    play.send_all((&server.address, &crowd), MISSED).await?;
    let began = now_ms();
    crowd.tell("go")?;
    let (all, expected) = (crowd.pages, play.expected);
    let back = crowd.until(BACK_WITHIN, |report| {
        report.open == all && report.starts >= expected
    })?;
    bystander.phase(2);
    std::thread::sleep(calm);
    let noticed = bystander.end()?;
    let welcomed = back.welcomes_ms.iter().max().copied().unwrap_or(began) - began;
    println!("  all welcome after:  {welcomed} ms (goal 5,000)");
    println!(
        "  all missed run by:  {} ms",
        back.last_start_ms.saturating_sub(began)
    );
    for (phase, noticed) in PHASES.iter().zip(&noticed) {
        println!("  publish {phase:<8}    {}", noticed.call.row());
        println!("  to page {phase:<8}    {}", noticed.page.row());
    }
    println!("  (goal for the publish during: p99 of 20 ms)");
    if back.open != all {
        return Err(format!("{} of {all} pages came back", back.open));
    }
    play.settle(&mut crowd)
}
