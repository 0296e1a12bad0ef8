//! The command line of the fuzz targets, here and in other rooms.
//!
//! Exit status 0: nothing found; 1: an input broke an invariant, printed in hexadecimal; 2: the command or the corpus is wrong.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool of the developers"
)]

use crate::{Target, driver};
use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Executions between two looks at the clock.
const BETWEEN_LOOKS: u64 = 64;

/// What the command line asks for.
struct Asked {
    target: String,
    seconds: u64,
    seed: u64,
}

/// Reads the command line; `None` when it is wrong.
fn asked(mut arguments: impl Iterator<Item = String>) -> Option<Asked> {
    let mut asked = Asked {
        target: arguments.next()?,
        seconds: 60,
        seed: 1,
    };
    while let Some(flag) = arguments.next() {
        let value = arguments.next()?.parse().ok()?;
        match flag.as_str() {
            "--seconds" => asked.seconds = value,
            "--seed" => asked.seed = value,
            _ => return None,
        }
    }
    Some(asked)
}

/// Runs the target that the command line names, from these seeds.
pub fn run(targets: &[(&str, Target)], seeds: impl Fn(&str) -> io::Result<Vec<Box<[u8]>>>) -> ExitCode {
    let find = |asked: &Asked| targets.iter().find(|(held, _)| *held == asked.target);
    let Some((asked, (_, target))) =
        asked(std::env::args().skip(1)).and_then(|asked| find(&asked).map(|found| (asked, *found)))
    else {
        let names: Vec<&str> = targets.iter().map(|(name, _)| *name).collect();
        eprintln!("TARGET [--seconds N] [--seed S]; targets: {}", names.join(", "));
        return ExitCode::from(2);
    };
    let seeds = match seeds(&asked.target) {
        Ok(seeds) => seeds,
        Err(error) => {
            eprintln!("{}: {error}", asked.target);
            return ExitCode::from(2);
        }
    };
    let (began, limit) = (now(), Duration::from_secs(asked.seconds));
    let finding = driver::run(target, &seeds, asked.seed, |executions| {
        executions % BETWEEN_LOOKS != 0 || now().duration_since(began) < limit
    });
    let Asked { target, seed, .. } = asked;
    println!("{target}: {} executions, seed {seed}", finding.executions);
    match finding.crash {
        None => ExitCode::SUCCESS,
        Some(input) => {
            let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
            println!("{target}: invariant broken by {hex}");
            ExitCode::from(1)
        }
    }
}

/// The clock that ends a run; no finding depends on it.
#[expect(
    clippy::disallowed_methods,
    reason = "a run's length in wall time; the product's clock is not here"
)]
fn now() -> Instant {
    Instant::now()
}
