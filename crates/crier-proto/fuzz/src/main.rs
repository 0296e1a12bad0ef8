//! `fuzz TARGET [--seconds N] [--seed S]`: mutates the target's corpus and prints how many inputs it judged.

use crier_proto_fuzz::{TARGETS, command, driver};
use std::process::ExitCode;

fn main() -> ExitCode {
    command::run(&TARGETS, |target| driver::corpus(&driver::corpus_folder(target)))
}
