//! The tree as files: where it is, what git tracks or would track, what a file says.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository.
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest
        .parent()
        .expect("xtask lies one folder below the root")
        .to_path_buf()
}

/// Every file that is tracked, or new and not ignored, relative to the root, sorted.
pub fn files() -> Result<Vec<String>, String> {
    let listing = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .map_err(|error| format!("git ls-files: {error}"))?;
    let text = String::from_utf8(listing.stdout).map_err(|error| format!("git ls-files: {error}"))?;
    let mut files: Vec<String> = text
        .lines()
        .map(str::to_owned)
        .filter(|file| root().join(file).is_file())
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}

/// The text of a file of the tree.
pub fn read(file: &str) -> Result<String, String> {
    std::fs::read_to_string(root().join(file)).map_err(|error| format!("{file}: {error}"))
}

/// The text of a file, or nothing for one that is no text.
pub fn read_text(file: &str) -> Option<String> {
    std::fs::read(root().join(file))
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
}
