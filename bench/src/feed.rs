//! Reading a full feed: the built server over HTTP, HTML and all, beside the same stories read by SQLite alone (feed 11.1, goal 4).
//!
//! The server has one core and one worker, this process the other. Each answer is judged when it comes; at the end every view is
//! computed again from the record and compared with what its reader was told. One wrong answer voids the run.
//!
//! - `books`: readers whose feeds are full
//! - `browser`: one reader's connection, and what makes an answer wrong
//! - `floor`: SQLite alone

pub mod books;
pub mod browser;
mod floor;

use crate::latency::Latencies;
use crate::number;
use crate::server::{self, Folder, Server};
use books::{Reader, Shape};
use browser::Browser;
use crier_testkit::ViewBook;
use floor::{Floor, micros};
use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::LocalSet;

/// Goals of feed 11.1, row 4, for the p99 of a whole page, in milliseconds.
const GOAL_1000_MS: f64 = 2.0;
const GOAL_10000_MS: f64 = 5.0;
/// Reads a second that are tried one after the other, until one misses the goal.
const RATES: [u64; 12] = [
    250, 500, 750, 1_000, 1_250, 1_500, 2_000, 2_500, 3_000, 3_500, 4_000, 5_000,
];
const CONNECTIONS: u64 = 16;
/// More than anybody reads here: bounds are raised, not removed.
const READS: (&str, &str) = ("CRIER__FEED__READS_PER_USER", "1000000000");

/// Answers of one kind.
#[derive(Default)]
struct Asked {
    times: Latencies,
    /// What the server worked meanwhile, its writer included.
    cpu_us: u64,
}

/// What one round measured.
#[derive(Default)]
struct Times {
    page: Asked,
    later: Asked,
    why: Asked,
    why_json: Asked,
    missed: Asked,
    floor_all: Asked,
    floor_known: Asked,
}

/// `feed [--millis N] [--rounds N] [--readers N]`.
pub async fn run(arguments: &[String]) -> Result<(), String> {
    let millis = number(arguments, "--millis", 1_500)?;
    let rounds = number(arguments, "--rounds", 5)?.max(1);
    let readers = number(arguments, "--readers", 20)?.max(1);
    let shapes = [
        (
            "1,000 competing",
            Shape {
                readers: 1,
                competing: 1_000,
                past: 0,
            },
            GOAL_1000_MS,
        ),
        (
            "1,000 competing, 12,000 past",
            Shape {
                readers: 1,
                competing: 1_000,
                past: 12_000,
            },
            GOAL_1000_MS,
        ),
        (
            "10,000 competing",
            Shape {
                readers: 1,
                competing: 10_000,
                past: 0,
            },
            GOAL_10000_MS,
        ),
    ];
    println!("| feed | what | answers | p50 ms | p99 ms | goal p99 ms | server CPU ms |");
    println!("|---|---|---|---|---|---|---|");
    for (name, shape, goal) in shapes {
        let field = Field::start(shape).await?;
        field.alone(name, (rounds, millis), goal).await?;
        field.end().await?;
    }
    let shape = Shape {
        readers,
        competing: 1_000,
        past: 0,
    };
    let field = Field::start(shape).await?;
    field.together(millis).await?;
    field.end().await
}

/// A running server with its readers.
struct Field {
    folder: Folder,
    readers: Vec<Reader>,
    server: Server,
    told: RefCell<ViewBook>,
}

impl Field {
    async fn start(shape: Shape) -> Result<Self, String> {
        let folder = Folder::fresh("feed")?;
        let readers = books::fill(&folder.0.join("data"), shape).await?;
        let server = Server::start(&folder.0.join("data"), &[READS, server::ONE_WORKER])?;
        server::keep_apart(server.id())?;
        Ok(Self {
            folder,
            readers,
            server,
            told: RefCell::default(),
        })
    }

    fn data(&self) -> std::path::PathBuf {
        self.folder.0.join("data")
    }

    /// One reader on one connection, everything one after the other, in rounds of pages and of the floor.
    async fn alone(&self, name: &str, (rounds, millis): (u64, u64), goal: f64) -> Result<(), String> {
        let reader = self.readers.first().ok_or("a reader")?;
        let mut browser = Browser::connect(&self.server.address, reader).await?;
        let begin = Instant::now();
        let first = browser.page("/feed").await?;
        let cold_ms = micros(begin) as f64 / 1_000.0;
        self.tell(reader, &first)?;
        let floor = Floor::open(&self.data())?;
        let mut times = Times::default();
        for round in 0..=rounds {
            let mut here = Times::default();
            let until = Instant::now() + Duration::from_millis(millis);
            while Instant::now() < until {
                self.read(reader, &mut browser, &mut here).await?;
            }
            let until = Instant::now() + Duration::from_millis(millis / 4);
            while Instant::now() < until {
                let rows = floor.all(reader, books::now_ms(), &mut here.floor_all.times)?;
                let known = floor.known(reader, &first.stories, &mut here.floor_known.times)?;
                if rows < 1_000 || known != 25 {
                    return Err(format!("SQLite alone found {rows} and {known} stories"));
                }
            }
            // The first round warms caches.
            if round > 0 {
                times.add(&here);
            }
        }
        let bytes = first.bytes;
        println!("| {name} | first page after the start, {bytes} bytes | 1 | {cold_ms:.2} | | | |");
        let row = |what: &str, asked: &Asked, goal: Option<f64>| {
            let goal = goal.map_or_else(String::new, |goal| format!("{goal:.0}"));
            let (count, p50, p99) = (asked.times.count(), asked.times.ms(0.5), asked.times.ms(0.99));
            let cpu = asked.cpu_us as f64 / 1_000.0 / count.max(1) as f64;
            println!("| {name} | {what} | {count} | {p50:.3} | {p99:.3} | {goal} | {cpu:.3} |");
        };
        row("feed page 1, a view", &times.page, Some(goal));
        row("feed page 2", &times.later, None);
        row("Why this?", &times.why, None);
        row("Why this?, JSON", &times.why_json, None);
        row("What didn't make it", &times.missed, None);
        row("SQLite alone: all competing rows", &times.floor_all, None);
        row(
            "SQLite alone: 25 known rows and their slots",
            &times.floor_known,
            None,
        );
        Ok(())
    }

    /// A view, and all that a reader can ask about it.
    async fn read(&self, reader: &Reader, browser: &mut Browser, times: &mut Times) -> Result<(), String> {
        let page = self.timed(&mut times.page, browser.page("/feed")).await?;
        self.tell(reader, &page)?;
        let slot = usize::try_from(page.view).unwrap_or(0) % page.stories.len();
        self.timed(&mut times.why, browser.why(&page, slot)).await?;
        self.timed(&mut times.why_json, browser.why_json(&page, slot))
            .await?;
        self.timed(&mut times.missed, browser.missed(&page)).await?;
        self.timed(&mut times.later, browser.later(&page)).await
    }

    async fn timed<T>(
        &self,
        asked: &mut Asked,
        asking: impl Future<Output = Result<T, String>>,
    ) -> Result<T, String> {
        let before = Server::cpu_us(self.server.id())?;
        let begin = Instant::now();
        let answer = asking.await?;
        asked.times.record(micros(begin));
        asked.cpu_us += Server::cpu_us(self.server.id())?.saturating_sub(before);
        Ok(answer)
    }

    fn tell(&self, reader: &Reader, page: &browser::Page) -> Result<(), String> {
        self.told
            .borrow_mut()
            .note(reader.user, page.view, page.stories.clone())
    }

    /// All readers at once at rising rates: each read has its moment, and is late from that moment on.
    async fn together(&self, millis: u64) -> Result<(), String> {
        // Feeds that nobody has read since the start stand above, in a row of their own; all at once they hide the rates.
        for reader in &self.readers {
            let mut browser = Browser::connect(&self.server.address, reader).await?;
            self.tell(reader, &browser.page("/feed").await?)?;
        }
        println!("\n| readers | reads/s asked | reads/s | p50 ms | p99 ms |");
        println!("|---|---|---|---|---|");
        for rate in RATES {
            let (times, seconds) = self.paced(rate, Duration::from_millis(millis * 2)).await?;
            let p99 = times.ms(0.99);
            println!(
                "| {} | {rate} | {:.0} | {:.3} | {p99:.3} |",
                self.readers.len(),
                times.count() as f64 / seconds,
                times.ms(0.5)
            );
            if p99 > GOAL_1000_MS {
                break;
            }
        }
        Ok(())
    }

    async fn paced(&self, rate: u64, span: Duration) -> Result<(Latencies, f64), String> {
        let (times, wrong) = (
            Rc::new(RefCell::new(Latencies::default())),
            Rc::new(RefCell::new(None)),
        );
        let mut browsers = Vec::new();
        for place in 0..CONNECTIONS {
            let reader = self
                .readers
                .get((place as usize) % self.readers.len())
                .ok_or("a reader")?;
            browsers.push((
                place,
                reader.clone(),
                Browser::connect(&self.server.address, reader).await?,
            ));
        }
        let pause = Duration::from_secs(1) * u32::try_from(CONNECTIONS).unwrap_or(1)
            / u32::try_from(rate).unwrap_or(1);
        let begin = Instant::now();
        let told = Rc::new(RefCell::new(Vec::new()));
        let tasks = LocalSet::new();
        for (place, reader, mut browser) in browsers {
            let (times, wrong, told) = (Rc::clone(&times), Rc::clone(&wrong), Rc::clone(&told));
            tasks.spawn_local(async move {
                let mut due = begin
                    + pause * u32::try_from(place).unwrap_or(0) / u32::try_from(CONNECTIONS).unwrap_or(1);
                while due < begin + span {
                    // A driver that never sleeps: its timers would be coarser than what it measures.
                    while Instant::now() < due {
                        tokio::task::yield_now().await;
                    }
                    match browser.page("/feed").await {
                        Ok(page) => {
                            times.borrow_mut().record(micros(due));
                            told.borrow_mut().push((reader.clone(), page));
                        }
                        Err(why) => {
                            *wrong.borrow_mut() = Some(why);
                            return;
                        }
                    }
                    due += pause;
                }
            });
        }
        tasks.await;
        if let Some(why) = wrong.take() {
            return Err(why);
        }
        for (reader, page) in told.take() {
            self.tell(&reader, &page)?;
        }
        Ok((times.take(), begin.elapsed().as_secs_f64()))
    }

    /// Stops the server and computes every view again.
    async fn end(self) -> Result<(), String> {
        let data = self.data();
        let (code, _) = self.server.stop()?;
        if code != Some(0) {
            return Err(format!("the server ended with {code:?}"));
        }
        let checked = judged(&data, &self.readers, &self.told.into_inner()).await?;
        eprintln!("{checked} views computed again, each as it was told");
        Ok(())
    }
}

async fn judged(data: &Path, readers: &[Reader], told: &ViewBook) -> Result<u64, String> {
    let store = books::open(data, books::now_ms())?;
    let mut views = 0;
    for reader in readers {
        let (checked, _) = told.check(&store, reader.user).await?;
        if checked.lost > 0 || checked.told != checked.kept {
            return Err(format!(
                "{checked:?}: a server that was stopped keeps what it told"
            ));
        }
        views += checked.kept;
    }
    Ok(views)
}

impl Times {
    fn add(&mut self, other: &Self) {
        for (sum, more) in [
            (&mut self.page, &other.page),
            (&mut self.later, &other.later),
            (&mut self.why, &other.why),
            (&mut self.why_json, &other.why_json),
            (&mut self.missed, &other.missed),
            (&mut self.floor_all, &other.floor_all),
            (&mut self.floor_known, &other.floor_known),
        ] {
            sum.times.add(&more.times);
            sum.cpu_us += more.cpu_us;
        }
    }
}
