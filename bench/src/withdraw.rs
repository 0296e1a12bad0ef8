//! From a user's withdrawal to the last that is written to his pages, among many connections (live 3.14, goal G17).

use crate::crowd::{PAGES_PER_USER, by_code, now_ms};
use crate::number;
use crate::play::{Play, send_one};
use crate::{caller::Caller, server};
use std::time::{Duration, Instant};

const WITHDRAWN: u16 = 4_305;
const WITHIN: Duration = Duration::from_secs(60);
/// How long messages go on at least; they go on until one has been refused.
const SENDING: Duration = Duration::from_secs(3);

/// `withdraw [--pages N]`.
pub async fn run(arguments: &[String]) -> Result<(), String> {
    let pages = number(arguments, "--pages", 15_000)?;
    let play = Play::prepare("withdraw", pages)?;
    let server = play.serve("127.0.0.1:0", &[])?;
    println!("withdraw: one user's withdrawal among {pages} pages, messages to him all the while");
    let mut crowd = play.open(&server, (pages, None))?;
    let person = play.people().first().cloned().ok_or("somebody")?;
    let sender = play.stage.senders.first().cloned().ok_or("a sender")?;
    let (data, api_key, name) = (play.data.clone(), play.stage.api_key.clone(), person.name);
    // While the command runs, messages go on; the moment counts from before it, so the command's own start is in the figure.
    let withdrawing = std::thread::spawn(move || {
        std::thread::sleep(SENDING / 3);
        let began = now_ms();
        let words = ["grant", "remove", "--app", &api_key, "--user", &name, "--json"];
        server::ask(&data, &words).map(|_| (began, now_ms()))
    });
    let mut caller = Caller::connect(&server.address).await?;
    let (began, mut sent, mut refused) = (Instant::now(), 0_u64, 0_u64);
    while began.elapsed() < SENDING || refused == 0 && began.elapsed() < WITHIN {
        match send_one(&mut caller, &sender, &person.uid).await {
            Ok(()) => sent += 1,
            Err(why) if why.contains("\"error_code\":292,") => refused += 1,
            Err(why) => return Err(why),
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let (asked, committed) = withdrawing.join().map_err(|_| "the command died")??;
    let own = crowd.pages / play.people().len() as u64;
    let ended = |report: &crate::crowd::part::Report| {
        report
            .stopped
            .get(&WITHDRAWN)
            .is_some_and(|(count, _)| *count >= own.min(PAGES_PER_USER))
    };
    let report = crowd.until(WITHIN, ended)?;
    let (pages_ended, last_bye) = report.stopped.get(&WITHDRAWN).copied().unwrap_or((0, 0));
    let last = last_bye.max(report.last_start_ms);
    println!("  sent, then refused: {sent}, {refused}");
    println!("  pages ended (4305): {pages_ended}");
    println!("  other ends:         {}", by_code(&report.away));
    println!(
        "  last write after:   {} ms from the command's start (goal 1,000)",
        last.saturating_sub(asked)
    );
    println!(
        "                      {} ms from its end",
        last as i128 - i128::from(committed)
    );
    if !ended(&report) || refused == 0 {
        return Err("the withdrawal did not reach every page and every sender".to_owned());
    }
    Ok(())
}
