//! `crier simulate --replay`: reads a record's lines, says of each view whether its page is the same (feed 9.4).

use super::super::output::say;
use super::super::{Ended, Failure};
use super::{input, wrong};
use crier_platform::feed::simulate::replay::{Difference, Record, Replayed};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Runs it; status 1 when a page is not the same under its own configuration.
pub(super) fn run(file: &Path, ranking: Option<&Path>, as_json: bool) -> Ended {
    let record = read(file)?;
    let instead = input::ranking(ranking)?;
    let shown = file.display();
    let views = record
        .replay(instead.as_ref())
        .map_err(|why| wrong(format!("{shown}: {why}")))?;
    for view in &views {
        say(&if as_json { json(view) } else { in_words(view) });
    }
    let same = views.iter().filter(|view| view.same).count();
    if !as_json {
        say(&format!("{same} of {} feed pages are the same", views.len()));
    }
    Ok(u8::from(instead.is_none() && same != views.len()))
}

fn read(file: &Path) -> Result<Record, Failure> {
    let shown = file.display();
    let lines = File::open(file).map_err(|why| wrong(format!("cannot read {shown}: {why}")))?;
    let mut record = Record::default();
    for (line, number) in BufReader::new(lines).lines().zip(1..) {
        let line = line.map_err(|why| wrong(format!("{shown} line {number}: {why}")))?;
        if line.trim().is_empty() {
            continue;
        }
        let read =
            serde_json::from_str(&line).map_err(|why| wrong(format!("{shown} line {number}: {why}")))?;
        record
            .take(read)
            .map_err(|why| wrong(format!("{shown} line {number}: {why}")))?;
    }
    Ok(record)
}

fn json(view: &Replayed) -> String {
    serde_json::to_string(view).expect("numbers and texts under known names are always JSON")
}

fn in_words(view: &Replayed) -> String {
    if view.same {
        return format!("view {}: the same", view.view);
    }
    let slots: Vec<String> = view.slots.iter().map(slot_in_words).collect();
    format!("view {}: {}", view.view, slots.join("; "))
}

fn slot_in_words(difference: &Difference) -> String {
    let story = |story: Option<_>| story.map_or("nothing".to_owned(), |story| format!("story {story}"));
    let place = match difference.slot {
        0 => "before slot 1".to_owned(),
        slot => format!("slot {slot}"),
    };
    let by = match difference.factors.as_slice() {
        [] => "no factor differs".to_owned(),
        factors => format!("by {}", factors.join(", ")),
    };
    format!(
        "{place} holds {} where {} was recorded ({by})",
        story(difference.computed),
        story(difference.recorded)
    )
}
