//! Hostile images, each read in a process of its own: refused by the header within 50 ms, or done or dropped in time, and never
//! above 40 MB (feed 7.6, 11.1 goal 8, 12).

use super::maker;
use crier_platform::model::picture::Fit;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// What a refusal by the header may take, in microseconds.
const HEADER_US: u64 = 50_000;
/// What an image may take that is done or dropped: its own second, and a look at the clock (`media.decode_timeout`).
const DECODE_US: u64 = 1_050_000;
/// What a process may grow by, in bytes.
const GROWTH_MAX: u64 = 40_000_000;

/// Draws them, reads them, prints them; an error when one costs too much or becomes what it must not.
pub fn run() -> Result<(), String> {
    let folder = std::env::temp_dir().join(format!("crier-hostile-{}", std::process::id()));
    let outcome = drawn(&folder).and_then(|files| judged(&files));
    // A folder that stays behind is untidy, not wrong.
    let _ = std::fs::remove_dir_all(&folder);
    outcome
}

fn drawn(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let tree = Path::new(env!("CARGO_MANIFEST_DIR"));
    let drew = Command::new("python3")
        .arg(tree.join("pictures/hostile.py"))
        .arg(folder)
        .env("PYTHONPATH", tree.join("../target/foreign"))
        .status()
        .map_err(|error| error.to_string())?;
    if !drew.success() {
        return Err(format!("hostile.py: {drew}"));
    }
    let files = std::fs::read_dir(folder).map_err(|error| error.to_string())?;
    let mut files: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
    files.sort();
    Ok(files)
}

fn judged(files: &[PathBuf]) -> Result<(), String> {
    println!("| image | bytes | ms | grown by, MB | became |");
    println!("|---|---|---|---|---|");
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut wrong = Vec::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().display().to_string();
        let told = Command::new(&program).arg("pictures-one").arg(file).output();
        let told = told.map_err(|error| error.to_string())?.stdout;
        let told = String::from_utf8(told).map_err(|error| error.to_string())?;
        let words: Vec<&str> = told.trim().splitn(3, ' ').collect();
        let [micros, grown, became] = words[..] else {
            return Err(format!("{name}: the process died: {told:?}"));
        };
        let micros: u64 = micros.parse().map_err(|_| told.clone())?;
        let grown: u64 = grown.parse().map_err(|_| told.clone())?;
        let bytes = std::fs::metadata(file).map_or(0, |known| known.len());
        println!(
            "| {name} | {bytes} | {:.1} | {:.1} | {became} |",
            micros as f64 / 1_000.0,
            grown as f64 / 1_000_000.0
        );
        let is_right = if name.starts_with("declared-") {
            became != "done" && micros <= HEADER_US
        } else {
            micros <= DECODE_US
        };
        if !is_right || grown > GROWTH_MAX {
            wrong.push(name);
        }
    }
    if wrong.is_empty() {
        println!("\n{} images, each within its bounds", files.len());
        Ok(())
    } else {
        Err(format!("beyond their bounds: {wrong:?}"))
    }
}

/// Reads one image; prints microseconds, bytes that the process grew by, and what became of the image.
pub fn one(arguments: &[String]) -> Result<(), String> {
    let file = arguments.first().ok_or("pictures-one FILE")?;
    let image = std::fs::read(file).map_err(|error| error.to_string())?;
    let maker = maker();
    let before = status("VmRSS:")?;
    // The highest mark begins here, without what reading the file took.
    std::fs::write("/proc/self/clear_refs", "5").map_err(|error| error.to_string())?;
    let began = Instant::now();
    let made = maker.picture_of(&image, Fit::STORY);
    let micros = began.elapsed().as_micros();
    let grown = status("VmHWM:")?.saturating_sub(before);
    let became = made.map_or_else(|why| why.to_string(), |_| "done".to_owned());
    println!("{micros} {grown} {became}");
    Ok(())
}

/// A line of this process's status, in bytes.
fn status(line: &str) -> Result<u64, String> {
    let told = std::fs::read_to_string("/proc/self/status").map_err(|error| error.to_string())?;
    let found = told.lines().find_map(|told| told.strip_prefix(line));
    let kilobytes = found.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes
        .map(|count| count * 1_024)
        .ok_or_else(|| format!("no {line}"))
}
