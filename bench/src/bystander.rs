//! A user whom a scenario does not concern: one page, and a sender that gives it a message every few milliseconds. How long the call
//! takes, and how long until the handler, is what others notice (live 9.5).

use crate::caller::{Caller, Keys};
use crate::chance::Chance;
use crate::latency::Latencies;
use crate::page::frames::Frame;
use crate::page::line::{Route, Transport};
use crate::page::{Habit, Page, Plan, Witness};
use crate::play::send_one;
use crate::stage::{Desk, Person};
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::LocalSet;
use tokio::time::timeout;

const EVERY: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_secs(30);
const OVER: usize = usize::MAX;

/// What was noticed in one phase.
#[derive(Debug, Default, Clone)]
pub struct Noticed {
    /// From the call to its answer.
    pub call: Latencies,
    /// From the call to the handler.
    pub page: Latencies,
}

/// The bystander at work, in a thread of its own.
pub struct Bystander {
    phase: Arc<AtomicUsize>,
    thread: JoinHandle<Result<Vec<Noticed>, String>>,
}

struct Told(Sender<()>);

impl Witness for Told {
    fn welcome(&mut self, _: &str, _: Option<u64>) {}
    fn started(&mut self, _: &str, _: &Frame<'_>) {
        // Whoever waits takes one at a time; more than one is a doubled delivery, which `full` shows as a wrong count.
        let _ = self.0.try_send(());
    }
    fn gap(&mut self, _: &str, _: &Frame<'_>) {}
    fn away(&mut self, _: u16, _: u64) {}
    fn stopped(&mut self, _: u16) {}
    fn wrong(&mut self, _: String) {}
}

impl Bystander {
    /// Begins, in phase 0 of so many.
    pub fn watch(server: &str, (person, sender): (Person, Keys), phases: usize) -> Self {
        let phase = Arc::new(AtomicUsize::new(0));
        let (told, server) = (Arc::clone(&phase), server.to_owned());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| error.to_string())?;
            let tasks = LocalSet::new();
            runtime.block_on(tasks.run_until(watch(server, (person, sender), (told, phases))))
        });
        Self { phase, thread }
    }

    /// What comes now belongs to this phase.
    pub fn phase(&self, phase: usize) {
        self.phase.store(phase, Ordering::Relaxed);
    }

    /// Ends, and gives what was noticed in each phase.
    pub fn end(self) -> Result<Vec<Noticed>, String> {
        self.phase(OVER);
        self.thread.join().map_err(|_| "the bystander died".to_owned())?
    }
}

async fn watch(
    server: String,
    (person, sender): (Person, Keys),
    (phase, phases): (Arc<AtomicUsize>, usize),
) -> Result<Vec<Noticed>, String> {
    let route = Route {
        server: server.parse().map_err(|_| "no address")?,
        source: Ipv4Addr::LOCALHOST,
        api_key: person.keys.api_key.clone(),
        receive_buffer: None,
    };
    let uid = person.uid.clone();
    let plan = Plan {
        id: "page-of-the-bystander".to_owned(),
        person: 0,
        routes: Rc::new(vec![route]),
        transport: Transport::Ws,
        habit: Habit::Prompt,
        from_ticket: true,
        chance: Chance::of(1, 1),
    };
    let (started, mut starts) = channel(4);
    let (_orders, heard) = channel(1);
    let desk = Rc::new(Desk::new(&server, vec![person]));
    tokio::task::spawn_local(Page::new(plan, desk, Told(started), heard).run());
    let mut caller = Caller::connect(&server).await?;
    let mut noticed = vec![Noticed::default(); phases];
    let mut is_first = true;
    loop {
        let now = phase.load(Ordering::Relaxed);
        if now == OVER {
            return Ok(noticed);
        }
        let began = Instant::now();
        send_one(&mut caller, &sender, &uid).await?;
        let called = began.elapsed();
        let ran = timeout(LONGEST, starts.recv()).await;
        ran.map_err(|_| "the bystander's message was lost")?;
        // The first one waits for the page to be opened.
        if let (false, Some(noticed)) = (is_first, noticed.get_mut(now)) {
            let us = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
            noticed.call.record(us(called));
            noticed.page.record(us(began.elapsed()));
        }
        is_first = false;
        tokio::time::sleep(EVERY.saturating_sub(began.elapsed())).await;
    }
}
