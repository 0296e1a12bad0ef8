//! Pages by the thousand: several processes, each at an address of its own, because a process has 20,000 descriptors and an address
//! 28,000 ports (live 14.1). This is the side that steers them; `part` is one such process.

pub mod part;

use crate::server::Server;
use crate::stage::Person;
use part::{Part, Report};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

const PAGES_PER_PROCESS: u64 = 5_000;
/// Pages of one user, below the bound of 32 connections.
pub const PAGES_PER_USER: u64 = 30;
const GIVES_WAY: i32 = 10;
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How many users so many pages belong to.
pub fn users(pages: u64) -> u64 {
    pages.div_ceil(PAGES_PER_USER).max(1)
}

struct Process {
    child: Child,
    tell: ChildStdin,
    heard: BufReader<ChildStdout>,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It ends by itself when its input does; whatever happened, nobody may be left behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All pages.
pub struct Crowd {
    processes: Vec<Process>,
    /// How many pages there are.
    pub pages: u64,
}

/// What pages are asked for.
pub struct Wanted<'a> {
    /// How many.
    pub pages: u64,
    /// Where they connect.
    pub server: &'a str,
    /// `app` of the query.
    pub api_key: &'a str,
    /// Whose pages they are, in turn.
    pub people: &'a [Person],
    /// Bytes of their kernel's receive buffer; `None`: as the kernel likes.
    pub receive_buffer: Option<u32>,
    /// For their delays.
    pub seed: u64,
}

impl Crowd {
    /// Starts the processes and opens all pages.
    pub fn open(wanted: &Wanted<'_>) -> Result<Self, String> {
        let count = wanted.pages.div_ceil(PAGES_PER_PROCESS).max(1);
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut crowd = Self {
            processes: Vec::new(),
            pages: wanted.pages,
        };
        for place in 0..count {
            let mut child = Command::new(&own)
                .arg("crowd")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .map_err(|error| error.to_string())?;
            let mut tell = child.stdin.take().ok_or("stdin was piped")?;
            let heard = BufReader::new(child.stdout.take().ok_or("stdout was piped")?);
            // Each process has users of its own, so that tickets of one user come from one desk.
            let share = |index: usize| index as u64 % count == place;
            let people: Vec<&Person> = wanted
                .people
                .iter()
                .enumerate()
                .filter_map(|(index, person)| share(index).then_some(person))
                .collect();
            let part = serde_json::json!({
                "pages": people.len() as u64 * wanted.pages / wanted.people.len() as u64,
                "server": wanted.server,
                "source": format!("127.0.0.{}", place + 2),
                "api_key": wanted.api_key,
                "people": people,
                "receive_buffer": wanted.receive_buffer,
                "seed": wanted.seed,
            });
            writeln!(tell, "{part}").map_err(|error| error.to_string())?;
            crowd.processes.push(Process { child, tell, heard });
        }
        let opened = crowd.reports()?;
        crowd.pages = opened.iter().map(|report| report.open).sum();
        Ok(crowd)
    }

    /// Tells all processes something.
    pub fn tell(&mut self, word: &str) -> Result<(), String> {
        for process in &mut self.processes {
            writeln!(process.tell, "{word}").map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Tells the first process alone.
    pub fn tell_first(&mut self, word: &str) -> Result<(), String> {
        let process = self.processes.first_mut().ok_or("a process")?;
        writeln!(process.tell, "{word}").map_err(|error| error.to_string())
    }

    /// CPU time of all processes so far, in microseconds.
    pub fn cpu_us(&self) -> Result<u64, String> {
        let each = self
            .processes
            .iter()
            .map(|process| Server::cpu_us(process.child.id()));
        each.sum()
    }

    /// What all pages together have seen.
    pub fn report(&mut self) -> Result<Report, String> {
        self.tell("report")?;
        let mut all = Report::default();
        for report in self.reports()? {
            all.add(report);
        }
        Ok(all)
    }

    fn reports(&mut self) -> Result<Vec<Report>, String> {
        let mut reports = Vec::new();
        for process in &mut self.processes {
            let mut line = String::new();
            process
                .heard
                .read_line(&mut line)
                .map_err(|error| error.to_string())?;
            reports.push(serde_json::from_str(&line).map_err(|error| format!("{line:?}: {error}"))?);
        }
        Ok(reports)
    }

    /// Waits until a report is as wanted; the last report when it never is.
    pub fn until(&mut self, within: Duration, wanted: impl Fn(&Report) -> bool) -> Result<Report, String> {
        let began = Instant::now();
        loop {
            let report = self.report()?;
            if wanted(&report) || began.elapsed() > within {
                return Ok(report);
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

impl Report {
    fn add(&mut self, other: Self) {
        self.open += other.open;
        self.starts += other.starts;
        self.doubled += other.doubled;
        self.lost += other.lost;
        self.gaps += other.gaps;
        self.welcomes_ms.extend(other.welcomes_ms);
        self.last_start_ms = self.last_start_ms.max(other.last_start_ms);
        self.latencies.add(&other.latencies);
        self.wrong.extend(other.wrong);
        for (code, count) in other.away {
            *self.away.entry(code).or_insert(0) += count;
        }
        for (code, (count, last)) in other.stopped {
            let own = self.stopped.entry(code).or_insert((0, 0));
            *own = (own.0 + count, own.1.max(last));
        }
    }

    /// An error when anything was lost, doubled or wrong, or another number of handlers than this has started.
    pub fn exact(&self, expected: u64) -> Result<(), String> {
        println!("  handlers started:   {} of {expected}", self.starts);
        println!("  doubled, lost:      {}, {}", self.doubled, self.lost);
        println!("  gaps told:          {}", self.gaps);
        if let Some(what) = self.wrong.first() {
            return Err(format!("{what} ({} in all)", self.wrong.len()));
        }
        if self.doubled > 0 || self.lost > 0 || self.gaps > 0 || self.starts != expected {
            return Err("not every message ran exactly once".to_owned());
        }
        Ok(())
    }
}

/// The moment, in milliseconds, that all processes of this machine agree on.
pub fn now_ms() -> u64 {
    crate::stage::first_call_id() / 1_000
}

/// A part process: reads what it is, then obeys until its input ends. It gives way to whoever the crowd does not concern, since in
/// the world the crowd's machines are not theirs.
pub async fn serve() -> Result<(), String> {
    rustix::process::nice(GIVES_WAY).map_err(|error| error.to_string())?;
    Part::serve().await
}

/// Ends by code, as a table shows them.
pub fn by_code(counts: &BTreeMap<u16, u64>) -> String {
    let words: Vec<String> = counts
        .iter()
        .map(|(code, count)| format!("{code} × {count}"))
        .collect();
    words.join(", ")
}
