//! The built browser client, the only generated files that are committed, says of which sources it was built.

use crate::scan::Source;
use crate::tree;
use sha2::{Digest, Sha256};

const BUILT: [&str; 2] = [
    "crates/crier-server/assets/live.js",
    "crates/crier-server/assets/live-canvas.js",
];
const MARK: &str = "sources sha256:";

/// SHA-256 over path, NUL, bytes, NUL of every source in path order, as `clients/js/build.mjs` computes it.
fn digest_of_sources() -> Result<String, String> {
    let mut hasher = Sha256::new();
    let is_source = |file: &String| file.starts_with("clients/js/src/") || file == "clients/js/build.mjs";
    for file in tree::files()?.into_iter().filter(is_source) {
        hasher.update(file.as_bytes());
        hasher.update([0]);
        hasher.update(std::fs::read(tree::root().join(&file)).map_err(|error| format!("{file}: {error}"))?);
        hasher.update([0]);
    }
    Ok(hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// The digest that a built file names; as much as there is of it.
fn digest_named(built: &str) -> String {
    let named = built
        .lines()
        .next()
        .and_then(|line| line.split_once(MARK))
        .map(|(_, after)| after);
    named
        .unwrap_or_default()
        .chars()
        .take_while(char::is_ascii_hexdigit)
        .collect()
}

/// The digest that each built file names is the digest of the sources.
pub fn client(_: &[Source]) -> Result<Vec<String>, String> {
    let digest = digest_of_sources()?;
    let mut stale = Vec::new();
    for file in BUILT {
        let named = digest_named(&tree::read(file)?);
        if named != digest {
            stale.push(format!(
                "{file} names sources {named:.12}…, the sources are {digest:.12}…: cargo xtask client"
            ));
        }
    }
    Ok(stale)
}
