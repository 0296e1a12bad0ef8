//! A random key that lives in the data folder: made once, read ever after.
//!
//! Promise: mode 0600 in a folder of mode 0700, whole or absent. Knows nothing of what the key is for.

use crier_platform::ports::entropy::{Entropy, random_bytes};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// The key in this file; a new one, synced before it is used, when there is none.
///
/// # Errors
/// What the disk said, or that the file holds no key of 32 bytes.
pub fn open(path: &Path, entropy: &dyn Entropy) -> io::Result<[u8; 32]> {
    match fs::read(path) {
        Ok(bytes) => bytes
            .try_into()
            .map_err(|_| io::Error::other(format!("{} is no key of 32 bytes", path.display()))),
        Err(why) if why.kind() == io::ErrorKind::NotFound => made(path, entropy),
        Err(why) => Err(why),
    }
}

/// Written beside its place and moved there, so that a crash leaves no half key; whoever was first keeps his.
fn made(path: &Path, entropy: &dyn Entropy) -> io::Result<[u8; 32]> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let key = random_bytes::<32>(entropy);
    let draft = path.with_extension(format!("draft-{}", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(&key)?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Ok(()) => {
            File::open(folder)?.sync_all()?;
            Ok(key)
        }
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => open(path, entropy),
        Err(why) => Err(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::entropy::OsEntropy;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone_and_read_ever_after() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/live.key");
        let entropy = OsEntropy::open().unwrap();
        let key = open(&path, &entropy).unwrap();
        assert_eq!(open(&path, &entropy).unwrap(), key);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_no_key_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("live.key");
        fs::write(&path, "short").unwrap();
        let refusal = open(&path, &OsEntropy::open().unwrap()).unwrap_err();
        assert!(
            refusal.to_string().ends_with("live.key is no key of 32 bytes"),
            "{refusal}"
        );
    }
}
