//! Child processes: started, shown line by line, counted, and ended by their own id also when we are interrupted.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

/// How long one step may take. The slowest takes a fifth of it; a step that hangs is to be named while there is time to say so.
const STEP_MAX: Duration = Duration::from_secs(25 * 60);

/// Tests that passed and failed.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counts {
    /// Passed.
    pub passed: u64,
    /// Failed.
    pub failed: u64,
}

impl Counts {
    /// Adds what another suite counted.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// One command of a suite.
pub struct Step {
    /// What people call it.
    pub name: &'static str,
    /// Program and arguments.
    pub command: Vec<String>,
    /// Where it runs.
    pub folder: PathBuf,
}

impl Step {
    /// A command line, split at blanks, that runs at the root.
    pub fn new(name: &'static str, line: &str) -> Self {
        let command = line.split_whitespace().map(str::to_owned).collect();
        Self {
            name,
            command,
            folder: crate::tree::root(),
        }
    }

    /// The same below a folder of the tree.
    pub fn below(mut self, folder: &str) -> Self {
        self.folder = crate::tree::root().join(folder);
        self
    }

    /// Runs it, shows its output as it comes, and counts the tests that its closing lines speak of.
    /// A step that fails without having counted a failure counts as one.
    pub fn run(&self) -> Counts {
        println!("\n── {} ── {}", self.name, self.command.join(" "));
        let started = Instant::now();
        let outcome = self.run_and_count();
        let seconds = started.elapsed().as_secs();
        match outcome {
            Ok((counts, true)) => {
                println!(
                    "── {}: {} passed, {} failed, {seconds} s",
                    self.name, counts.passed, counts.failed
                );
                counts
            }
            Ok((mut counts, false)) => {
                counts.failed = counts.failed.max(1);
                println!("── {} FAILED after {seconds} s", self.name);
                counts
            }
            Err(reason) => {
                println!("── {} FAILED: {reason}", self.name);
                Counts { passed: 0, failed: 1 }
            }
        }
    }

    fn run_and_count(&self) -> Result<(Counts, bool), String> {
        let started = Instant::now();
        let (program, arguments) = self.command.split_first().ok_or("empty command")?;
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{program}: {error}"))?;
        let (lines, shown) = sync_channel::<String>(1024);
        let streams: [Box<dyn std::io::Read + Send>; 2] = [
            Box::new(child.stdout.take().expect("stdout was piped")),
            Box::new(child.stderr.take().expect("stderr was piped")),
        ];
        let readers = streams.map(|stream| {
            let lines = lines.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                    let text: String = line
                        .iter()
                        .map(|byte| if byte.is_ascii() { char::from(*byte) } else { '·' })
                        .collect();
                    if lines
                        .send(std::str::from_utf8(&line).map_or(text, str::to_owned))
                        .is_err()
                    {
                        return;
                    }
                }
            })
        });
        drop(lines);
        let mut counts = Counts::default();
        let mut out = std::io::stdout();
        loop {
            match shown.recv_timeout(STEP_MAX.saturating_sub(started.elapsed())) {
                Ok(line) => {
                    counts.add(count(&line));
                    writeln!(out, "{line}").map_err(|error| error.to_string())?;
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    child.kill().map_err(|error| error.to_string())?;
                    return Err(format!("not done after {} s", STEP_MAX.as_secs()));
                }
            }
        }
        for reader in readers {
            reader
                .join()
                .map_err(|_| "a reader of the output died".to_owned())?;
        }
        let status = child.wait().map_err(|error| error.to_string())?;
        Ok((counts, status.success()))
    }
}

/// What one line of output says of tests: the closing lines of cargo test, of node's runner, and the plain one.
pub fn count(line: &str) -> Counts {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |word: &str| word.parse::<u64>().ok();
    match words.as_slice() {
        ["test", "result:", _, passed, "passed;", failed, "failed;", ..]
        | [passed, "passed,", failed, "failed"] => Counts {
            passed: number(passed).unwrap_or(0),
            failed: number(failed).unwrap_or(0),
        },
        ["#" | "ℹ", "pass", passed] => Counts {
            passed: number(passed).unwrap_or(0),
            failed: 0,
        },
        ["#" | "ℹ", "fail", failed] => Counts {
            passed: 0,
            failed: number(failed).unwrap_or(0),
        },
        _ => Counts::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn closing_lines_of_the_known_runners_are_counted_and_nothing_else() {
        let cases = [
            (
                "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out; finished in 0.01s",
                (12, 0),
            ),
            (
                "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
                (3, 2),
            ),
            ("# pass 7", (7, 0)),
            ("ℹ fail 1", (0, 1)),
            ("5 passed, 1 failed", (5, 1)),
            ("running 12 tests", (0, 0)),
            ("12 passed", (0, 0)),
        ];
        for (line, (passed, failed)) in cases {
            let counts = count(line);
            assert_eq!((counts.passed, counts.failed), (passed, failed), "{line}");
        }
    }
}
