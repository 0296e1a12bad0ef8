//! `crier doctor`: configuration, store, broker, clock, free space, descriptors; each line says ok or what to do.

use super::output::{Output, Row};
use super::place::Place;
use super::{Ended, Failure};
use crate::adapters::clock::SystemClock;
use crate::config::Loaded;
use crate::listen;
use crier_live::config::MailboxMode;
use crier_platform::ports::clock::Clock;
use std::path::Path;

const EXAMPLES: &str = "\
Examples:
  crier doctor --data /var/lib/crier
  crier doctor --json

Works beside a running server. Exit status: 0 when every line says ok, 1 when something is to be done.";

/// `doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Doctor {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: Output,
}

/// What was found: all is well, with what is so; or what to do.
type Finding = Result<String, String>;

/// Unix seconds at which this software was begun: a clock before that is wrong.
const EARLIEST_SECS: i64 = 1_767_225_600;
/// Free bytes below which a store soon cannot grow.
const FREE_BYTES_MIN: u64 = 1 << 30;
/// Connections below which a small site is soon full.
const PLACES_MIN: usize = 4_096;

impl Doctor {
    /// Runs the command; status 1 when anything is to be done.
    pub fn run(self) -> Ended {
        let loaded = self.place.load(Vec::new());
        let mut findings: Vec<(&'static str, Finding)> = vec![("configuration", configuration(&loaded))];
        if let Ok(loaded) = &loaded {
            findings.extend(self.store().into_iter().map(|finding| ("store", finding)));
            findings.push((
                "broker",
                Ok(format!("ok: {} is this process", loaded.config.server.broker)),
            ));
            findings.push(("mailboxes", Ok(mailboxes(loaded.config.live.mailbox))));
            findings.push(("free space", free_space(&loaded.config.server.data)));
        }
        findings.push(("clock", clock()));
        findings.push(("descriptors", descriptors()));
        let row = |(name, finding): &(&'static str, Finding)| -> Row {
            let (is_ok, text) = match finding {
                Ok(text) => (true, text),
                Err(text) => (false, text),
            };
            vec![
                ("check", (*name).into()),
                ("ok", is_ok.into()),
                ("says", text.as_str().into()),
            ]
        };
        for finding in &findings {
            self.output.check(&row(finding));
        }
        Ok(u8::from(findings.iter().any(|(_, finding)| finding.is_err())))
    }

    fn store(&self) -> Vec<Finding> {
        let looked = super::block_on(async {
            let server = self.place.open().await?;
            let found = server.diagnose().await;
            server.close().await;
            Ok(found)
        });
        match looked {
            Err(failure) => vec![Err(failure.sentence)],
            Ok(found) => found
                .into_iter()
                .map(|one| {
                    if one.ok {
                        Ok(format!("ok: {}", one.text))
                    } else {
                        Err(one.text)
                    }
                })
                .collect(),
        }
    }
}

fn configuration(loaded: &Result<Loaded, Failure>) -> Finding {
    loaded
        .as_ref()
        .map(|loaded| format!("ok: {} keys", loaded.entries().count()))
        .map_err(|failure| failure.sentence.clone())
}

fn mailboxes(mode: MailboxMode) -> String {
    match mode {
        MailboxMode::Memory => {
            "ok: in memory; a clean stop keeps them, a crash does not (live.mailbox)".to_owned()
        }
        MailboxMode::Durable => {
            "ok: in the books; each message is synced before its answer (live.mailbox)".to_owned()
        }
    }
}

fn free_space(data: &Path) -> Finding {
    let folder = data
        .ancestors()
        .find(|folder| folder.exists())
        .unwrap_or(Path::new("."));
    let shown = folder.display();
    let figures = rustix::fs::statvfs(folder).map_err(|why| {
        format!("cannot look at the disk of {shown} ({why}): name another folder with --data")
    })?;
    let free = figures.f_bavail.saturating_mul(figures.f_frsize);
    let mebibytes = free >> 20;
    if free < FREE_BYTES_MIN {
        return Err(format!(
            "only {mebibytes} MiB are free on the disk of {shown}: free some, or move the data folder"
        ));
    }
    Ok(format!("ok: {mebibytes} MiB are free on the disk of {shown}"))
}

fn clock() -> Finding {
    let now = SystemClock::start().wall_raw();
    if now.secs() < EARLIEST_SECS {
        return Err(format!(
            "the clock says {} s after 1970: set it, signatures of version 2 are refused until then",
            now.secs()
        ));
    }
    Ok(format!("ok: {} s after 1970", now.secs()))
}

fn descriptors() -> Finding {
    let places = listen::live_places();
    if places < PLACES_MIN {
        return Err(format!(
            "only {places} connections fit: raise the limit of open files (ulimit -Hn) to 65536"
        ));
    }
    Ok(format!("ok: {places} connections fit"))
}
