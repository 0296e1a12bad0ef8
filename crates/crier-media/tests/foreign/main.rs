//! What other people's decoders say: they see in every kind of image what we see, and they open every picture that we make
//! (feed 7.6, 7.8, 12: polyglots, looks). Needs Pillow under `target/foreign`, djpeg, pngtopam and Chromium.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "an image that its foreign author cannot read is a failure of the test"
)]

mod opened;
mod seen;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs one of the scripts beside this file with these arguments; what it prints.
fn python(script: &str, arguments: &[&Path]) -> String {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ran = Command::new("python3")
        .arg(here.join("tests/foreign").join(script))
        .args(arguments)
        .env("PYTHONPATH", here.join("../../target/foreign"))
        .output()
        .unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.success(), "{script}: {said}");
    String::from_utf8(ran.stdout).unwrap()
}

/// An image, what Pillow sees in it and what it is called.
struct Drawn {
    name: String,
    image: Vec<u8>,
    width: u32,
    height: u32,
    /// RGBA of sRGB, turned.
    pixels: Vec<[u8; 4]>,
}

/// One image of every kind, drawn into this folder.
fn drawn(folder: &Path) -> Vec<Drawn> {
    python("draw.py", &[folder]);
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let mut images: Vec<PathBuf> = files
        .filter(|path| path.extension().is_some_and(|ending| ending == "image"))
        .collect();
    images.sort();
    images.iter().map(|path| read(path)).collect()
}

/// Reads an image and what was seen in it.
fn read(path: &Path) -> Drawn {
    let seen = std::fs::read(path.with_extension("seen")).unwrap();
    let numbers = seen.as_chunks::<4>().0;
    Drawn {
        name: path.file_stem().and_then(OsStr::to_str).unwrap().to_owned(),
        image: std::fs::read(path).unwrap(),
        width: u32::from_le_bytes(numbers[0]),
        height: u32::from_le_bytes(numbers[1]),
        pixels: numbers[2..].to_vec(),
    }
}
