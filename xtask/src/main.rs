//! What the project does to itself: test, tidy, measure, fuzz, soak, autobahn, client.
//!
//! A developer's tool, never part of the product: it may print, read the environment, start processes and wait for them.
//! It imports nothing of ours; what it wants to know it asks the tree or the built binary.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command-line tool: it prints, reads the environment, starts processes and watches them from threads"
)]

mod autobahn;
mod client;
mod measure;
mod run;
mod scan;
mod soak;
mod suites;
mod test;
mod tidy;
mod tree;

use std::process::ExitCode;

const HELP: &str = "cargo xtask COMMAND

  test [--without PART]…   install what is missing, run every suite, print one closing line of counts
  tidy                     the walls, marks and house rules, as a test
  measure                  the marks of the tree and of each crate, with the worst offenders
  fuzz [--seconds N]       every fuzz target on the stable compiler
  soak [--quick]           the long proofs: kills under load, idle pages, fuzzing by the hour
  autobahn                 an independent suite of the WebSocket protocol, where its program can be had
  client                   build the browser client and put it into the server's assets
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    let outcome = match arguments.first().map(String::as_str) {
        Some("test") => return test::command(rest),
        Some("tidy") => tidy::command(),
        Some("measure") => measure::command(),
        Some("fuzz") => suites::fuzz_command(rest),
        Some("soak") => soak::command(rest),
        Some("autobahn") => autobahn::command(),
        Some("client") => client::build(),
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}
