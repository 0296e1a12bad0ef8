//! `fuzz TARGET [--seconds N] [--seed S]`: mutates the target's corpus and prints how many inputs it judged.
//!
//! Exit status 0: nothing found; 1: an input broke an invariant, printed in hexadecimal; 2: the command or the corpus is wrong.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool of the developers"
)]

use crier_proto_fuzz::{TARGETS, driver, find};
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

fn main() -> ExitCode {
    let Some((asked, target)) =
        asked(std::env::args().skip(1)).and_then(|asked| find(&asked.target).map(|target| (asked, target)))
    else {
        let names = TARGETS.map(|(name, _)| name).join(", ");
        eprintln!("fuzz TARGET [--seconds N] [--seed S]; targets: {names}");
        return ExitCode::from(2);
    };
    let folder = driver::corpus_folder(&asked.target);
    let seeds = match driver::corpus(&folder) {
        Ok(seeds) => seeds,
        Err(error) => {
            eprintln!("{}: {error}", folder.display());
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
