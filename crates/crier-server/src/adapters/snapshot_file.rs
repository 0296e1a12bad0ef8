//! Where the hub's snapshot lies between a clean stop and the next start: one file in the data folder.
//!
//! Promise: whole or absent, for its owner alone; taken once, and gone from the disk before anybody is served, so that no crash
//! ever brings an old one back. Knows nothing of what it says.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Its name in the data folder.
const FILE: &str = "live.snapshot";
/// Written under this name first.
const DRAFT: &str = "live.snapshot.draft";

/// Keeps these bytes, synced.
///
/// # Errors
/// What the disk said; an earlier snapshot may be left, but never half of this one.
pub fn put(folder: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = folder.join(DRAFT);
    let written = write_draft(&draft, bytes).and_then(|()| fs::rename(&draft, folder.join(FILE)));
    if let Err(why) = written {
        // A disk that is full is not left fuller.
        discard(&draft)?;
        return Err(why);
    }
    File::open(folder)?.sync_all()
}

fn write_draft(draft: &Path, bytes: &[u8]) -> io::Result<()> {
    discard(draft)?;
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(draft)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Takes out what was kept; nothing when there is none.
///
/// # Errors
/// What the disk said while reading or removing it. What could not be removed is not given out: it would come back after a crash.
pub fn take(folder: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = folder.join(FILE);
    let read = match fs::read(&file) {
        Ok(bytes) => Some(bytes),
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => {
            discard(&file)?;
            return Err(why);
        }
    };
    discard(&file)?;
    File::open(folder)?.sync_all()?;
    Ok(read)
}

/// Removes what was kept: the books beside it are others now.
///
/// # Errors
/// What the disk said.
pub fn forget(folder: &Path) -> io::Result<()> {
    discard(&folder.join(FILE))
}

fn discard(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => Err(why),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_snapshot_is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(take(folder.path()).unwrap(), None);
        put(folder.path(), b"old").unwrap();
        put(folder.path(), b"new").unwrap();
        let mode = fs::metadata(folder.path().join(FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(take(folder.path()).unwrap().as_deref(), Some(&b"new"[..]));
        assert_eq!(take(folder.path()).unwrap(), None);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_crash_left_half_written_is_neither_read_nor_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(DRAFT), b"ha").unwrap();
        assert_eq!(take(folder.path()).unwrap(), None);
        put(folder.path(), b"whole").unwrap();
        assert_eq!(take(folder.path()).unwrap().as_deref(), Some(&b"whole"[..]));
    }

    #[test]
    fn a_forgotten_snapshot_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        forget(folder.path()).unwrap();
        put(folder.path(), b"x").unwrap();
        forget(folder.path()).unwrap();
        assert_eq!(take(folder.path()).unwrap(), None);
    }
}
