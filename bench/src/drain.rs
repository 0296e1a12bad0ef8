//! SIGTERM with all pages connected: each comes back after its own `retry_after`, to a server that was started again on the same books
//! (live 9.6, 9.7, goal G14).

use crate::crowd::{by_code, now_ms};
use crate::number;
use crate::play::Play;
use crate::server;
use std::time::Duration;

const MISSED: u64 = 3;
const BACK_WITHIN: Duration = Duration::from_secs(90);
const BAR_MOST: usize = 60;

/// `drain [--pages N]`.
pub async fn run(arguments: &[String]) -> Result<(), String> {
    let pages = number(arguments, "--pages", 15_000)?;
    let mut play = Play::prepare("drain", pages)?;
    let server = play.serve(server::TO_COME_BACK_TO, &[])?;
    let address = server.address.clone();
    println!("drain: SIGTERM with {pages} pages");
    let mut crowd = play.open(&server, (pages, None))?;
    play.send_all((&address, &crowd), MISSED).await?;
    crowd.tell("mark")?;
    let began = now_ms();
    let (code, exit_ms) = server.stop()?;
    let server = play.serve(&address, &[])?;
    println!(
        "  exit:               code {code:?} after {exit_ms} ms; serving again after {} ms",
        now_ms() - began
    );
    play.send_all((&address, &crowd), MISSED).await?;
    let all = crowd.pages;
    let back = crowd.until(BACK_WITHIN, |report| {
        report.open == all && report.welcomes_ms.len() as u64 >= all
    })?;
    println!("  ends:               {}", by_code(&back.away));
    let window = (pages / 1_000).clamp(1, 30);
    let last = back.welcomes_ms.iter().max().copied().unwrap_or(began) - began;
    let mut seconds = vec![0_usize; usize::try_from(last / 1_000 + 1).unwrap_or(1)];
    for welcome in &back.welcomes_ms {
        let second = usize::try_from(welcome.saturating_sub(began) / 1_000).unwrap_or(0);
        if let Some(count) = seconds.get_mut(second) {
            *count += 1;
        }
    }
    let peak = seconds.iter().max().copied().unwrap_or(0);
    for (second, count) in seconds.iter().enumerate() {
        let bar = "#".repeat(count * BAR_MOST / peak.max(1));
        println!("  {second:>3} s {count:>6} {bar}");
    }
    let mean = all as f64 / window as f64;
    println!(
        "  window {window} s: mean {mean:.0} a second, peak {peak} ({:.2} × mean; goal 2)",
        peak as f64 / mean
    );
    println!("  all back after:     {last} ms (goal {})", (window + 5) * 1_000);
    if code != Some(0) {
        return Err(format!("exit code {code:?}"));
    }
    if back.open != all {
        return Err(format!("{} of {all} pages came back", back.open));
    }
    play.settle(&mut crowd)?;
    drop(server);
    Ok(())
}
