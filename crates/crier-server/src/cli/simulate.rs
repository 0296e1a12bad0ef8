//! `crier simulate`: the feed of invented people, or a record's views computed again (feed section 9).
//!
//! Promise: equal arguments give equal bytes; standard output holds the result alone, progress goes to standard error. Exit status
//! 0, 1 when a promise of fairness was broken, 2 for input that is wrong, with its line and key.

mod files;
mod input;
mod plots;
mod replay;
mod report;

use super::output::{complain, say};
use super::{Ended, Failure};
use crier_platform::feed::simulate::tally::{Tally, ViewRow};
use crier_platform::feed::simulate::{DAYS_MAX, Setup, Watch, simulate};
use files::ViewsFile;
use report::Report;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "\
Examples:
  crier simulate                                     ten applications, fifty people, fourteen days
  crier simulate --population hundred --out result   with report.json, apps.csv, views.csv and three plots
  crier simulate --population flood --seeds 1000     is the guarantee kept, whatever chance does
  crier simulate --ranking crier.toml --json         under the [feed.ranking] of that file
  crier feed export ada > record.jsonl && crier simulate --replay record.jsonl

A population is written in TOML: window = \"12h\" or \"off\"; [[users]] with count, views_per_day, awake = [from, to], and
click, hide, report, thumb, each a list of chances per million by slot whose last one stands for all further slots; [[apps]]
with name, count, stories (per million user-days), body and pictures (per mille), priority, attraction and annoyance (per
mille), first_day.

Exit status: 0; 1 when an application waited longer than its guarantee permits, or a recorded page is not the same under its
own configuration; 2 when something given is wrong.";

/// `simulate`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Simulate {
    /// Who there is: small, hundred, flood, or a population file
    #[arg(long, value_name = "FILE|small|hundred|flood", default_value = "small")]
    population: String,
    /// Rank by the section [feed] of this configuration file
    #[arg(long, value_name = "FILE")]
    ranking: Option<PathBuf>,
    /// Days to simulate
    #[arg(long, value_name = "N", default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=i64::from(DAYS_MAX)))]
    days: u32,
    /// What chance begins with
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Simulate seeds 1 to N and add them up
    #[arg(long, value_name = "N", conflicts_with = "seed", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    /// Write report.json, apps.csv, views.csv, share.svg, starvation.svg and buckets.svg into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Compute the views of an exported record again
    #[arg(long, value_name = "RECORD", conflicts_with_all = ["population", "days", "seed", "seeds", "out"])]
    replay: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Ends the command because what was given is wrong.
fn wrong(why: impl std::fmt::Display) -> Failure {
    Failure {
        sentence: why.to_string(),
        status: 2,
    }
}

impl Simulate {
    /// Runs the command.
    pub fn run(self) -> Ended {
        if let Some(record) = &self.replay {
            return replay::run(record, self.ranking.as_deref(), self.json);
        }
        let population = input::population(&self.population)?;
        let config = input::ranking(self.ranking.as_deref())?.unwrap_or_default();
        let setup = Setup {
            population: &population,
            config: &config,
            days: self.days,
        };
        let (first, last) = self.seeds.map_or((self.seed, self.seed), |count| (1, count));
        let mut progress = Progress::new(self.days, (first, last), self.out.as_deref())?;
        let mut total: Option<Tally> = None;
        for seed in first..=last {
            let tally = simulate(&setup, seed, &mut progress);
            progress.seed_is_over(seed);
            match &mut total {
                None => total = Some(tally),
                Some(total) => total.absorb(&tally),
            }
        }
        let tally = total.ok_or_else(|| wrong("--seeds must be at least 1"))?;
        let report = Report::of(&self.population, &setup, (first, last), &tally);
        if let (Some(folder), Some(views)) = (&self.out, progress.views) {
            views.finish()?;
            files::write_all(folder, &report, &tally)?;
        }
        say(&if self.json { report.json() } else { report.table() });
        Ok(u8::from(!tally.is_kept()))
    }
}

/// Says on standard error how far it is, and writes each view down if files are wanted.
struct Progress {
    days: u32,
    seeds: (u64, u64),
    views: Option<ViewsFile>,
}

impl Progress {
    fn new(days: u32, seeds: (u64, u64), out: Option<&std::path::Path>) -> Result<Self, Failure> {
        Ok(Self {
            days,
            seeds,
            views: out.map(ViewsFile::begin).transpose()?,
        })
    }

    /// One line for each of at most twenty parts of the seeds.
    fn seed_is_over(&self, seed: u64) {
        let (first, last) = self.seeds;
        let every = (last - first + 1).div_ceil(20);
        if first != last && (seed.is_multiple_of(every) || seed == last) {
            complain(&format!("seed {seed} of {last}"));
        }
    }
}

impl Watch for Progress {
    fn view(&mut self, row: &ViewRow) {
        if let Some(views) = &mut self.views {
            views.add(row);
        }
    }

    fn day(&mut self, day: u32) {
        if self.seeds.0 == self.seeds.1 {
            complain(&format!("day {day} of {}", self.days));
        }
    }
}
