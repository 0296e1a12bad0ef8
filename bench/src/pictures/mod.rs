//! Pictures of 75 by 75: CPU for each beside Pillow and sharp, and what hostile images cost (feed 11.1, goals 6 and 8).
//!
//! One wrong picture, or sides that the two sides do not share, void the run. Peers stand in `target/foreign`.

mod hostile;
mod peer;

use crate::number;
use crier_media::config::MediaConfig;
use crier_media::metrics::MediaMetrics;
use crier_media::thumbnail::Maker;
use crier_platform::model::picture::Fit;
use crier_platform::model::time::{ElapsedMicros, ElapsedMs, WallMs};
use crier_platform::ports::clock::Clock;
use peer::Peer;
use prometheus_client::registry::Registry;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Cells of goal 6, and their sides as a picture.
const CELLS: [(&str, u32, u32); 6] = [
    ("jpeg-640x480", 75, 56),
    ("jpeg-1600x1200", 75, 56),
    ("jpeg-4000x3000", 75, 56),
    ("progressive-1600x1200", 75, 56),
    ("png-640x480", 75, 56),
    ("png-1600x1200", 75, 56),
];
/// Hundredths of a channel's step that our picture and Pillow's may differ by in the mean: filters differ, scenes do not.
const DIFFERENCE_MAX: u64 = 400;

/// `pictures [--rounds N] [--millis N] [--hostile]`.
pub fn run(arguments: &[String]) -> Result<(), String> {
    if arguments.iter().any(|argument| argument == "--hostile") {
        return hostile::run();
    }
    let rounds = number(arguments, "--rounds", 7)?.max(1);
    let millis = number(arguments, "--millis", 300)?.max(1);
    let folder = std::env::temp_dir().join(format!("crier-pictures-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let outcome = compared(&folder, rounds, millis);
    // A folder that stays behind is untidy, not wrong.
    let _ = std::fs::remove_dir_all(&folder);
    outcome
}

/// `pictures-one FILE`: what one hostile image does to a process of its own.
pub fn one(arguments: &[String]) -> Result<(), String> {
    hostile::one(arguments)
}

/// A maker within the default bounds, on a real clock.
fn maker() -> Maker {
    let metrics = MediaMetrics::registered(&mut Registry::default());
    Maker::new(
        &MediaConfig::default(),
        Arc::new(Stopwatch(Instant::now())),
        metrics,
    )
}

/// Time since the start.
struct Stopwatch(Instant);

#[async_trait::async_trait]
impl Clock for Stopwatch {
    fn wall(&self) -> WallMs {
        WallMs(0)
    }

    fn wall_raw(&self) -> WallMs {
        WallMs(0)
    }

    fn elapsed(&self) -> ElapsedMs {
        ElapsedMs(u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn elapsed_micros(&self) -> ElapsedMicros {
        ElapsedMicros(u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    async fn sleep_until(&self, at: ElapsedMs) {
        let left = at.0.saturating_sub(self.elapsed().0);
        tokio::time::sleep(std::time::Duration::from_millis(left)).await;
    }
}

/// Nanoseconds that this thread was on a processor.
fn cpu_ns() -> Result<u64, String> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").map_err(|error| error.to_string())?;
    let first = told.split(' ').next().and_then(|word| word.parse().ok());
    first.ok_or_else(|| format!("schedstat: {told:?}"))
}

/// Microseconds of CPU for each picture, by cell and round.
#[derive(Default)]
struct Times {
    ours: Vec<f64>,
    pillow: Vec<f64>,
    sharp: Vec<f64>,
}

fn compared(folder: &Path, rounds: u64, millis: u64) -> Result<(), String> {
    let (mut pillow, mut sharp) = (Peer::pillow()?, Peer::sharp()?);
    pillow.ask(&format!("draw {}", folder.display()))?;
    println!("| image | ours µs | Pillow µs | sharp µs | spread of ours | Pillow / ours | sharp / ours |");
    println!("|---|---|---|---|---|---|---|");
    let (mut over_sharp, mut lost) = (0.0, Vec::new());
    for (cell, width, height) in CELLS {
        let file = folder.join(cell);
        let own = Own::of(&file, (width, height))?;
        let picture = folder.join("picture");
        std::fs::write(&picture, &own.expected).map_err(|error| error.to_string())?;
        let differs = pillow.ask(&format!("differ {} {}", file.display(), picture.display()))?;
        let differs: u64 = differs.parse().map_err(|_| differs.clone())?;
        if differs > DIFFERENCE_MAX {
            return Err(format!(
                "{cell}: {differs} hundredths from the picture that Pillow makes"
            ));
        }
        let mut times = Times::default();
        let counts = [
            own.count(millis)?,
            pillow.count(&file, millis)?,
            sharp.count(&file, millis)?,
        ];
        for _ in 0..rounds {
            times.ours.push(own.per_picture(counts[0])?);
            times
                .pillow
                .push(pillow.per_picture(&file, counts[1], (width, height))?);
            times
                .sharp
                .push(sharp.per_picture(&file, counts[2], (width, height))?);
        }
        let (spread_low, spread_high) = ends(&times.ours);
        let [ours, by_pillow, by_sharp] =
            [&mut times.ours, &mut times.pillow, &mut times.sharp].map(|rounds| median(rounds));
        println!(
            "| {cell} | {ours:.0} | {by_pillow:.0} | {by_sharp:.0} | {spread_low:.0}–{spread_high:.0} | {:.2} | {:.2} |",
            by_pillow / ours,
            by_sharp / ours
        );
        over_sharp += (by_sharp / ours).ln();
        if ours > by_pillow.min(by_sharp) {
            lost.push(cell);
        }
    }
    let mean = (over_sharp / CELLS.len() as f64).exp();
    println!(
        "\nsharp / ours, geometric mean: {mean:.2} (goal 1.5); cells lost to the better peer: {lost:?} (goal none)"
    );
    Ok(())
}

fn median(rounds: &mut [f64]) -> f64 {
    rounds.sort_unstable_by(f64::total_cmp);
    rounds.get(rounds.len() / 2).copied().unwrap_or_default()
}

fn ends(rounds: &[f64]) -> (f64, f64) {
    rounds.iter().fold((f64::MAX, 0.0), |(low, high), round| {
        (low.min(*round), high.max(*round))
    })
}

/// Our side of a cell.
struct Own {
    maker: Maker,
    image: Vec<u8>,
    expected: bytes::Bytes,
}

impl Own {
    fn of(file: &Path, sides: (u32, u32)) -> Result<Self, String> {
        let image = std::fs::read(file).map_err(|error| error.to_string())?;
        let maker = maker();
        let picture = maker
            .picture_of(&image, Fit::STORY)
            .map_err(|why| why.to_string())?;
        if (picture.width, picture.height) != sides {
            return Err(format!("{}x{}, not {sides:?}", picture.width, picture.height));
        }
        Ok(Self {
            maker,
            image,
            expected: picture.bytes,
        })
    }

    /// How many pictures take about so long.
    fn count(&self, millis: u64) -> Result<u64, String> {
        let once = self.per_picture(3)?;
        Ok(((millis * 1_000) as f64 / once).ceil() as u64)
    }

    /// Microseconds of CPU for each of so many pictures, each compared with the first.
    fn per_picture(&self, count: u64) -> Result<f64, String> {
        let began = cpu_ns()?;
        for _ in 0..count {
            let picture = self.maker.picture_of(&self.image, Fit::STORY);
            if !picture.is_ok_and(|picture| picture.bytes == self.expected) {
                return Err("a picture differs from the first".to_owned());
            }
        }
        Ok((cpu_ns()? - began) as f64 / count as f64 / 1_000.0)
    }
}
