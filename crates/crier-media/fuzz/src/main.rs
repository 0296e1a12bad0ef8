//! `fuzz-media TARGET [--seconds N] [--seed S]`: mutates the target's seeds and prints how many inputs it judged.

use crier_media_fuzz::{TARGETS, seeds};
use std::process::ExitCode;

fn main() -> ExitCode {
    crier_proto_fuzz::command::run(&TARGETS, |target| Ok(seeds::of(target)))
}
