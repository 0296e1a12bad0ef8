//! The table of a run, its verdict, and the proof that the checker can fail.

use super::Task;
use super::world::World;
use crier_testkit::delivery_book::{Breach, DeliveryBook, Verdict};
use std::time::Duration;

const SHOWN: usize = 10;

/// Prints the table; an error when the promise did not hold.
pub fn print(task: &Task, world: &World, took: Duration) -> Result<(), String> {
    let verdict = world.book.borrow().judge();
    let counts = &world.counts;
    let row = |name: &str, value: String| println!("  {name:<34} {value:>12}");
    let of = |name: &str| counts.of(name).to_string();
    row("messages accepted", world.accepted.get().to_string());
    row("sends refused while stopping", of("sends refused"));
    row("sends without an answer", of("sends without an answer"));
    row("pages, all in all", world.book.borrow().pages().to_string());
    row("pages alive at the end", world.tabs.borrow().len().to_string());
    for name in [
        "servers killed",
        "servers stopped",
        "network cuts",
        "socket resets",
        "tabs killed",
        "tabs closed",
        "focus changes",
        "connections",
    ] {
        row(name, of(name));
    }
    for (name, count) in counts
        .events
        .borrow()
        .range("changes".to_owned().."changet".to_owned())
    {
        row(name, count.to_string());
    }
    row("handlers started", verdict.starts.to_string());
    row("of them redelivered", verdict.redelivered.to_string());
    for (reason, count) in &verdict.covered {
        row(&format!("not run, covered by gap {reason}"), count.to_string());
    }
    row(
        "for one page, and none lived on",
        verdict.nobody_there.to_string(),
    );
    let (doubled, lost, other) = tally(&verdict);
    row("doubled", doubled.to_string());
    row("lost", lost.to_string());
    row("out of order or foreign", other.to_string());
    row("wrong in other ways", world.wrong.borrow().len().to_string());
    row("seconds", took.as_secs().to_string());
    judge(task, world, &verdict)?;
    can_fail(&mut world.book.borrow_mut())?;
    println!("exact: the promise held (seed {})", task.seed);
    Ok(())
}

fn tally(verdict: &Verdict) -> (usize, usize, usize) {
    let count = |is: fn(&Breach) -> bool| verdict.breaches.iter().filter(|breach| is(breach)).count();
    let doubled = count(|breach| matches!(breach, Breach::StartedTwice { .. } | Breach::RanInTwo { .. }));
    let lost = count(|breach| matches!(breach, Breach::Missed { .. } | Breach::RanNowhere { .. }));
    (doubled, lost, verdict.breaches.len() - doubled - lost)
}

fn judge(task: &Task, world: &World, verdict: &Verdict) -> Result<(), String> {
    let wrong = world.wrong.borrow();
    wrong
        .iter()
        .take(SHOWN)
        .for_each(|what| println!("  wrong: {what}"));
    verdict
        .breaches
        .iter()
        .take(SHOWN)
        .for_each(|breach| println!("  broken: {breach:?} {}", world.book.borrow().around(breach)));
    let uncovered: u64 = verdict.covered.values().sum();
    if !verdict.breaches.is_empty() || !wrong.is_empty() {
        Err(format!(
            "{} breaches, {} wrong (seed {})",
            verdict.breaches.len(),
            wrong.len(),
            task.seed
        ))
    } else if task.durable && uncovered > 0 {
        Err(format!("{uncovered} messages not run in durable mode"))
    } else {
        Ok(())
    }
}

/// Feeds the checker this very run with one delivery doubled and one lost: it must name both, or its word is worth nothing.
fn can_fail(book: &mut DeliveryBook) -> Result<(), String> {
    let Some((doubled, lost)) = book.spoil() else {
        return Err("nothing was delivered".to_owned());
    };
    let found = book.judge().breaches;
    let names = |breach: &Breach| match breach {
        Breach::StartedTwice { message, .. } => *message == doubled,
        Breach::Missed { message, .. } => *message == lost,
        _ => false,
    };
    let named = found.iter().filter(|breach| names(breach)).count();
    if named >= 2 {
        println!("  (a doubled and a lost delivery, put into this record, were both found)");
        Ok(())
    } else {
        Err(
            "the checker did not find the doubled and the lost delivery that were put into its record"
                .to_owned(),
        )
    }
}
