//! Secrets at rest: a stolen database without its key file gives no secret away.
//!
//! XChaCha20-Poly1305 under a key of 32 bytes that lies outside the database. Each sealed text is bound to the row it
//! belongs to, so that a secret cannot be moved to another row. Format: 1 byte version, 24 bytes nonce, ciphertext with tag.

use crate::error::StoreError;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use crier_platform::ports::entropy::{Entropy, random_bytes};
use crier_platform::ports::store::StoreFault;
use crier_proto::ids::{ApiKey, SessionKey};
use crier_proto::secret::Secret;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where the key lies in the data folder.
pub const KEY_FILE: &str = "keys/store.key";

/// Tells the drafts of one process apart; those of others carry their number.
static DRAFTS: AtomicU64 = AtomicU64::new(0);

const VERSION: u8 = 1;
const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// Which row and column a sealed text belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    /// An application's secret.
    App(&'a ApiKey),
    /// An application's secret before the last rotation.
    PreviousApp(&'a ApiKey),
    /// What signs an application's receipts.
    Receipt(&'a ApiKey),
    /// What signed them before the last rotation.
    PreviousReceipt(&'a ApiKey),
    /// A session's secret.
    Session(&'a SessionKey),
    /// The known text by which the key file is recognised.
    Check,
}

impl Place<'_> {
    fn label(&self) -> String {
        match self {
            Self::App(key) => format!("crier app.secret {key}"),
            Self::PreviousApp(key) => format!("crier app.previous_secret {key}"),
            Self::Receipt(key) => format!("crier app.receipt_secret {key}"),
            Self::PreviousReceipt(key) => format!("crier app.previous_receipt_secret {key}"),
            Self::Session(key) => format!("crier session.secret {key}"),
            Self::Check => "crier meta.key_check".to_owned(),
        }
    }
}

/// Seals and opens secrets.
pub(crate) struct Sealer {
    cipher: XChaCha20Poly1305,
    entropy: Arc<dyn Entropy>,
}

impl Sealer {
    /// A sealer for this key.
    pub(crate) fn new(key: &[u8; KEY_BYTES], entropy: Arc<dyn Entropy>) -> Self {
        Self {
            cipher: XChaCha20Poly1305::new(&Key::from(*key)),
            entropy,
        }
    }

    /// A sealer whose key lives as long as itself: for books in memory.
    pub(crate) fn passing(entropy: Arc<dyn Entropy>) -> Self {
        Self::new(&random_bytes::<KEY_BYTES>(&*entropy), entropy)
    }

    /// The source of chance behind the nonces.
    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    /// Seals a secret for its place.
    pub(crate) fn seal(&self, place: Place<'_>, secret: &Secret) -> Vec<u8> {
        let nonce = random_bytes::<NONCE_BYTES>(&*self.entropy);
        let label = place.label();
        let payload = Payload {
            msg: secret.expose().as_bytes(),
            aad: label.as_bytes(),
        };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .expect("a secret is far shorter than what the cipher takes");
        let mut out = Vec::with_capacity(1 + NONCE_BYTES + sealed.len());
        out.push(VERSION);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        out
    }

    /// Opens what `seal` gave for the same place.
    ///
    /// # Errors
    /// `Damaged` when the bytes, the key or the place are others.
    pub(crate) fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Secret, StoreFault> {
        let damaged = || StoreFault::Damaged("a sealed secret cannot be opened".to_owned());
        let (version, rest) = sealed.split_first().ok_or_else(damaged)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_BYTES>().ok_or_else(damaged)?;
        if *version != VERSION {
            return Err(damaged());
        }
        let label = place.label();
        let payload = Payload {
            msg: body,
            aad: label.as_bytes(),
        };
        let opened = self
            .cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| damaged())?;
        String::from_utf8(opened).map(Secret::new).map_err(|_| damaged())
    }

    /// The known text that a database keeps, to recognise its key file.
    pub(crate) fn check_text(&self) -> Vec<u8> {
        self.seal(Place::Check, &Secret::new("crier"))
    }

    /// Whether the known text was sealed with this key.
    pub(crate) fn recognises(&self, check: &[u8]) -> bool {
        self.open(Place::Check, check)
            .is_ok_and(|text| text.matches("crier"))
    }
}

/// Reads the key of a data folder; makes one when there is none and nothing is sealed yet.
///
/// # Errors
/// `KeyMissing` when `sealed_before` and the file is gone, `KeyMalformed`, or what the file system said.
pub(crate) fn load_key(
    folder: &Path,
    entropy: &dyn Entropy,
    sealed_before: bool,
) -> Result<[u8; KEY_BYTES], StoreError> {
    let path = folder.join(KEY_FILE);
    match read_key(&path)? {
        Some(key) => return Ok(key),
        None if sealed_before => return Err(StoreError::KeyMissing(path)),
        None => {}
    }
    let keys = folder.join("keys");
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&keys)
        .map_err(|cause| at(&keys, cause))?;
    let turn = DRAFTS.fetch_add(1, Ordering::Relaxed);
    let chance = u64::from_le_bytes(random_bytes(entropy));
    let draft = keys.join(format!("draft-{}-{turn}-{chance:016x}", std::process::id()));
    let written = write_key(&draft, &random_bytes(entropy));
    // A hard link never replaces: of two processes that start at once, one key wins and both read it.
    let linked = written.and_then(|()| match fs::hard_link(&draft, &path) {
        Err(cause) if cause.kind() != ErrorKind::AlreadyExists => Err(cause),
        _ => Ok(()),
    });
    let removed = fs::remove_file(&draft);
    linked
        .and(removed)
        .and_then(|()| fs::File::open(&keys)?.sync_all())
        .map_err(|cause| at(&path, cause))?;
    read_key(&path)?.ok_or(StoreError::KeyMissing(path))
}

fn at(path: &Path, cause: std::io::Error) -> StoreError {
    StoreError::File {
        path: PathBuf::from(path),
        cause,
    }
}

fn write_key(path: &Path, key: &[u8; KEY_BYTES]) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(key)?;
    file.sync_all()
}

fn read_key(path: &Path) -> Result<Option<[u8; KEY_BYTES]>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => match <[u8; KEY_BYTES]>::try_from(bytes) {
            Ok(key) => Ok(Some(key)),
            Err(_) => Err(StoreError::KeyMalformed(path.to_path_buf())),
        },
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(at(path, cause)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::AtomicU8;

    struct Counting(AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
        }
    }

    fn entropy() -> Arc<dyn Entropy> {
        Arc::new(Counting(AtomicU8::new(1)))
    }

    fn key(digit: char) -> ApiKey {
        digit.to_string().repeat(32).parse().unwrap()
    }

    #[test]
    fn a_sealed_secret_opens_in_its_own_place_only() {
        let sealer = Sealer::passing(entropy());
        let sealed = sealer.seal(Place::App(&key('a')), &Secret::new("0123456789abcdef"));
        assert!(
            sealer
                .open(Place::App(&key('a')), &sealed)
                .unwrap()
                .matches("0123456789abcdef")
        );
        assert!(sealer.open(Place::App(&key('b')), &sealed).is_err());
        assert!(sealer.open(Place::PreviousApp(&key('a')), &sealed).is_err());
    }

    #[test]
    fn any_changed_byte_of_a_sealed_secret_is_noticed() {
        let sealer = Sealer::passing(entropy());
        let sealed = sealer.seal(Place::Check, &Secret::new("secret"));
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(sealer.open(Place::Check, &changed).is_err(), "byte {index}");
            assert!(
                sealer.open(Place::Check, &sealed[..index]).is_err(),
                "cut at {index}"
            );
        }
    }

    #[test]
    fn equal_secrets_are_sealed_differently() {
        let sealer = Sealer::passing(entropy());
        let secret = Secret::new("secret");
        assert_ne!(
            sealer.seal(Place::Check, &secret),
            sealer.seal(Place::Check, &secret)
        );
    }

    #[test]
    fn the_key_file_is_made_once_and_is_ours_alone() {
        let folder = tempfile::tempdir().unwrap();
        let made = load_key(folder.path(), &*entropy(), false).unwrap();
        let path = folder.path().join(KEY_FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = load_key(folder.path(), &Counting(AtomicU8::new(99)), true).unwrap();
        assert_eq!(made, again);
        assert_eq!(fs::read_dir(folder.path().join("keys")).unwrap().count(), 1);
    }

    #[test]
    fn a_lost_or_cut_key_file_is_told_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            load_key(folder.path(), &*entropy(), true),
            Err(StoreError::KeyMissing(_))
        ));
        load_key(folder.path(), &*entropy(), false).unwrap();
        fs::write(folder.path().join(KEY_FILE), [7; 31]).unwrap();
        assert!(matches!(
            load_key(folder.path(), &*entropy(), true),
            Err(StoreError::KeyMalformed(_))
        ));
    }
}
