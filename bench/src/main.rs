//! Load driver and scenarios: they drive the built binary as its users do, and print what they measured.
//!
//! A run with one wrong answer is void and exits 1. Results worth keeping stand in `results/`, dated, with machine and commit.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a measuring tool: it prints, starts processes, and looks at real clocks"
)]

mod bystander;
mod caller;
mod chance;
mod crowd;
mod drain;
mod exact;
mod feed;
mod idle;
mod kill;
mod latency;
mod page;
mod pictures;
mod play;
mod rank;
mod replay;
mod resume;
mod send;
mod server;
mod slow;
mod stage;
mod views;
mod withdraw;

use std::process::ExitCode;

const HELP: &str = "cargo run -p bench -- SCENARIO

  exact [--messages N] [--seed N] [--rate N] [--transports ws,sse,poll] [--durable]
                                       every message once in every page, or a gap, while servers, sockets and tabs die
  resume [--pages N]                   all pages cut at once, ten messages missed each: when all are back, and what others noticed
  slow [--pages N] [--stopped N]       one page in a hundred stops reading at 100 messages a second: memory, and what others noticed
  drain [--pages N]                    SIGTERM: returns per second, nothing lost, time to exit
  withdraw [--pages N]                 from a withdrawal to the last write
  kill [--kills N] [--seed N]          kill -9 under load: nothing answered is lost, no call_id passes twice
  views [--kills N] [--seed N]         kill -9 while feeds are read and acted on: views are kept whole or not at all, acts always
  idle [--transport ws|sse|poll] [--pages N] [--seconds N]
                                       idle pages: memory for each, CPU, and how many were dropped
  pictures [--rounds N] [--millis N]   CPU for each picture of 75 by 75 beside Pillow and sharp, which stand in target/foreign
  pictures --hostile                   hostile images, each in a process of its own: time, memory and what became of it
  feed [--millis N] [--rounds N] [--readers N]
                                       pages of a full feed over HTTP beside SQLite alone: p50, p99, reads held
  replay [--records N] [--seed N]      random records of feeds computed twice: a digest of every page, the same in every build
  rank [--rounds N] [--seed N]         feed page 1 of 1,000 and of 10,000 competing stories: the function alone
  send [--seconds N] [--rounds N]      CPU of a signed liveMessage.send beside the same stack answering a constant
";

/// The number after `flag`, or `default`.
pub fn number(arguments: &[String], flag: &str, default: u64) -> Result<u64, String> {
    match arguments.iter().position(|argument| argument == flag) {
        None => Ok(default),
        Some(place) => {
            let text = arguments
                .get(place + 1)
                .ok_or_else(|| format!("{flag} needs a number"))?;
            text.parse().map_err(|_| format!("{flag} {text}: not a number"))
        }
    }
}

/// The text after `flag`, or `default`.
pub fn text<'a>(arguments: &'a [String], flag: &str, default: &'a str) -> Result<&'a str, String> {
    match arguments.iter().position(|argument| argument == flag) {
        None => Ok(default),
        Some(place) => arguments
            .get(place + 1)
            .map(String::as_str)
            .ok_or_else(|| format!("{flag} needs a value")),
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    let outcome = match arguments.first().map(String::as_str) {
        Some("exact") => runtime.block_on(exact::run(rest)),
        Some("kill") => runtime.block_on(kill::run(rest)),
        Some("views") => runtime.block_on(views::run(rest)),
        Some("idle") => runtime.block_on(idle::run(rest)),
        Some("send") => runtime.block_on(send::run(rest)),
        Some("pictures") => pictures::run(rest),
        Some("pictures-one") => pictures::one(rest),
        Some("feed") => runtime.block_on(feed::run(rest)),
        Some("replay") => replay::run(rest),
        Some("rank") => rank::run(rest),
        Some("resume") => runtime.block_on(resume::run(rest)),
        Some("slow") => runtime.block_on(slow::run(rest)),
        Some("drain") => runtime.block_on(drain::run(rest)),
        Some("withdraw") => runtime.block_on(withdraw::run(rest)),
        Some("crowd") => runtime.block_on(crowd::serve()),
        Some("constant") => runtime.block_on(send::constant_server()),
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("void: {reason}");
            ExitCode::FAILURE
        }
    }
}
