//! One process of a crowd: up to 5,000 pages from one address, steered by lines on its input.
//!
//! All messages of a crowd are for all pages, so that the seqs of each page follow one another without a hole; that is all it judges.

use super::now_ms;
use crate::chance::Chance;
use crate::latency::Latencies;
use crate::page::frames::Frame;
use crate::page::line::{Route, Transport};
use crate::page::{Habit, Order, Page, Plan, Witness};
use crate::stage::{Desk, Person, first_call_id};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::BufRead;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::LocalSet;

/// Pages that are being opened at once.
const OPENING: u64 = 32;
const LOOK_EVERY: Duration = Duration::from_millis(1);
const LINES_WAITING: usize = 16;

/// What a part process is asked to be.
#[derive(Deserialize)]
pub struct Part {
    pages: u64,
    server: String,
    source: Ipv4Addr,
    api_key: String,
    people: Vec<Person>,
    receive_buffer: Option<u32>,
    seed: u64,
}

/// What its pages have seen.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// Pages connected now.
    pub open: u64,
    /// Handlers started.
    pub starts: u64,
    /// Starts of a seq that had started before.
    pub doubled: u64,
    /// Seqs passed over.
    pub lost: u64,
    /// Gaps told.
    pub gaps: u64,
    /// Moments of welcomes since the last `mark`.
    pub welcomes_ms: Vec<u64>,
    /// The last start.
    pub last_start_ms: u64,
    /// From before the call to the handler, since the last `mark`.
    pub latencies: Latencies,
    /// Connections ended, by code, since the last `mark`.
    pub away: BTreeMap<u16, u64>,
    /// Pages stopped for good, by code: how many, and when the last.
    pub stopped: BTreeMap<u16, (u64, u64)>,
    /// What no server may do.
    pub wrong: Vec<String>,
}

struct Notes {
    report: Rc<RefCell<Report>>,
    open: bool,
    last: u64,
}

/// The text of a crowd's message: when it was sent.
pub fn stamped() -> String {
    format!(
        "{{\"us\":{},\"filler\":\"{}\"}}",
        first_call_id(),
        "x".repeat(160)
    )
}

impl Notes {
    fn close(&mut self) {
        if std::mem::take(&mut self.open) {
            self.report.borrow_mut().open -= 1;
        }
    }
}

impl Witness for Notes {
    fn welcome(&mut self, _: &str, begins_at: Option<u64>) {
        self.last = begins_at.unwrap_or(self.last);
        self.open = true;
        let mut report = self.report.borrow_mut();
        report.open += 1;
        report.welcomes_ms.push(now_ms());
    }

    fn started(&mut self, _: &str, frame: &Frame<'_>) {
        let mut report = self.report.borrow_mut();
        report.starts += 1;
        report.last_start_ms = now_ms();
        let digits = frame
            .raw
            .strip_prefix("{\"us\":")
            .and_then(|rest| rest.split(',').next());
        match digits.and_then(|digits| digits.parse::<u64>().ok()) {
            Some(us) => report.latencies.record(first_call_id().saturating_sub(us)),
            None => report
                .wrong
                .push(format!("a text that nobody sent: {}", frame.raw)),
        }
        if frame.seq <= self.last {
            report.doubled += 1;
        } else {
            report.lost += frame.seq - self.last - 1;
            self.last = frame.seq;
        }
    }

    fn gap(&mut self, _: &str, _: &Frame<'_>) {
        self.report.borrow_mut().gaps += 1;
    }

    fn away(&mut self, code: u16, _: u64) {
        self.close();
        *self.report.borrow_mut().away.entry(code).or_insert(0) += 1;
    }

    fn stopped(&mut self, code: u16) {
        let mut report = self.report.borrow_mut();
        let (count, last) = report.stopped.entry(code).or_insert((0, 0));
        (*count, *last) = (*count + 1, now_ms());
    }

    fn cut(&mut self) {
        self.close();
    }

    fn wrong(&mut self, what: String) {
        self.report.borrow_mut().wrong.push(what);
    }
}

impl Part {
    /// Reads what it is from its input, opens all pages, reports, and obeys until the input ends.
    pub async fn serve() -> Result<(), String> {
        let (told, mut lines) = channel::<String>(LINES_WAITING);
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                if told.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        let first = lines.recv().await.ok_or("no line says what to be")?;
        let part: Self = serde_json::from_str(&first).map_err(|error| error.to_string())?;
        let report = Rc::new(RefCell::new(Report::default()));
        let tasks = LocalSet::new();
        let served = tasks.run_until(async {
            let pages = part.open(&report).await;
            say(&report.borrow());
            while let Some(line) = lines.recv().await {
                obey(&line, &pages, &report);
            }
        });
        served.await;
        Ok(())
    }

    async fn open(&self, report: &Rc<RefCell<Report>>) -> Vec<Sender<Order>> {
        let desk = Rc::new(Desk::new(&self.server, self.people.clone()));
        let route = self.server.parse().map(|server| Route {
            server,
            source: self.source,
            api_key: self.api_key.clone(),
            receive_buffer: self.receive_buffer,
        });
        let routes = Rc::new(Vec::from_iter(route.ok()));
        let mut pages = Vec::new();
        for page in 0..self.pages {
            while page >= report.borrow().open + OPENING {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            let [.., last] = self.source.octets();
            let plan = Plan {
                id: format!("page-{last:03}-{page:013}"),
                person: usize::try_from(page).unwrap_or(0) % self.people.len().max(1),
                routes: Rc::clone(&routes),
                transport: Transport::Ws,
                habit: Habit::Prompt,
                from_ticket: false,
                chance: Chance::of(self.seed, u64::from(last) << 32 | page),
            };
            let notes = Notes {
                report: Rc::clone(report),
                open: false,
                last: 0,
            };
            let (orders, heard) = channel(4);
            tokio::task::spawn_local(Page::new(plan, Rc::clone(&desk), notes, heard).run());
            pages.push(orders);
        }
        while report.borrow().open < self.pages {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        pages
    }
}

fn say(report: &Report) {
    println!("{}", serde_json::to_string(report).unwrap_or_default());
}

fn obey(line: &str, pages: &[Sender<Order>], report: &Rc<RefCell<Report>>) {
    let all = |order: Order| {
        for page in pages {
            // A page that has stopped for good obeys no more.
            let _ = page.try_send(order);
        }
    };
    match line.split_once(' ').unwrap_or((line, "")) {
        ("report", _) => say(&report.borrow()),
        ("mark", _) => {
            let mut report = report.borrow_mut();
            report.latencies = Latencies::default();
            report.welcomes_ms.clear();
            report.away.clear();
        }
        ("hold", _) => all(Order::Cut { held: true }),
        ("go", _) => all(Order::Go),
        ("stall", count) => {
            for page in pages.iter().take(count.parse().unwrap_or(0)) {
                let _ = page.try_send(Order::Stall);
            }
        }
        _ => {}
    }
}
