//! Another maker of pictures, at the end of a pipe.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// How the peers come to where they are looked for.
const INSTALL: &str = "the peers are missing: python3 -m pip install --target target/foreign pillow==13.0.0; \
    npm install --prefix target/foreign sharp@0.35.5";

/// A running peer; ended with this value.
pub struct Peer {
    child: Child,
    ask: ChildStdin,
    told: BufReader<ChildStdout>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Nobody may be left behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder of this tree.
fn tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

impl Peer {
    /// Pillow under Python 3.
    pub fn pillow() -> Result<Self, String> {
        let mut command = Command::new("python3");
        command.arg(tree("bench/pictures/pillow.py"));
        command.env("PYTHONPATH", tree("target/foreign"));
        Self::started(command)
    }

    /// sharp under Node.
    pub fn sharp() -> Result<Self, String> {
        let mut command = Command::new("node");
        command.arg(tree("bench/pictures/sharp.mjs"));
        command.current_dir(tree("target/foreign"));
        Self::started(command)
    }

    fn started(mut command: Command) -> Result<Self, String> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{error}; {INSTALL}"))?;
        let (ask, told) = (child.stdin.take(), child.stdout.take());
        Ok(Self {
            child,
            ask: ask.ok_or("stdin was piped")?,
            told: BufReader::new(told.ok_or("stdout was piped")?),
        })
    }

    /// What it answers to this line.
    pub fn ask(&mut self, line: &str) -> Result<String, String> {
        writeln!(self.ask, "{line}").map_err(|error| format!("{error}; {INSTALL}"))?;
        let mut told = String::new();
        self.told
            .read_line(&mut told)
            .map_err(|error| error.to_string())?;
        if told.is_empty() {
            return Err(format!("{line}: no answer; {INSTALL}"));
        }
        Ok(told.trim().to_owned())
    }

    /// How many pictures take about so long.
    pub fn count(&mut self, file: &Path, millis: u64) -> Result<u64, String> {
        let (once, _) = self.made(file, 3)?;
        Ok(((millis * 1_000) as f64 / once).ceil() as u64)
    }

    /// Microseconds of CPU for each of so many pictures of these sides.
    pub fn per_picture(&mut self, file: &Path, count: u64, sides: (u32, u32)) -> Result<f64, String> {
        let (each, made) = self.made(file, count)?;
        if made != sides {
            return Err(format!("{}: {made:?}, not {sides:?}", file.display()));
        }
        Ok(each)
    }

    fn made(&mut self, file: &Path, count: u64) -> Result<(f64, (u32, u32)), String> {
        let told = self.ask(&format!("make {} {count}", file.display()))?;
        let numbers: Vec<u64> = told.split(' ').flat_map(str::parse).collect();
        let [spent, width, height] = numbers[..] else {
            return Err(format!("{}: {told}", file.display()));
        };
        Ok((
            spent as f64 / count.max(1) as f64 / 1_000.0,
            (width as u32, height as u32),
        ))
    }
}
