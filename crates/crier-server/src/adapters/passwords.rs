//! Argon2id behind the Passwords port: few at once, off the async threads, and as slow for an unknown name as for a known one.
//!
//! Promise: at most `running` hashes at a time (19 MiB of memory each), at most `waiting` callers behind them; one more is
//! refused instead of queued. Knows no user.

use crate::lifecycle::Pool;
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use async_trait::async_trait;
use crier_platform::ports::entropy::{Entropy, random_bytes};
use crier_platform::ports::passwords::{PasswordFault, Passwords};
use std::sync::{Arc, OnceLock};

/// Argon2id with the library's default cost.
pub struct Argon2Passwords {
    pool: Pool,
    entropy: Arc<dyn Entropy>,
    stand_in: Arc<OnceLock<Option<String>>>,
}

impl Argon2Passwords {
    /// Hashing in this pool, salts from this source.
    #[must_use]
    pub fn new(pool: Pool, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            pool,
            entropy,
            stand_in: Arc::new(OnceLock::new()),
        }
    }
}

fn hash_with(password: &str, salt: &[u8]) -> Option<String> {
    Argon2::default()
        .hash_password_with_salt(password.as_bytes(), salt)
        .ok()
        .map(|hash| hash.to_string())
}

fn fits(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| {
        Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok()
    })
}

#[async_trait]
impl Passwords for Argon2Passwords {
    async fn hash(&self, password: String) -> Result<String, PasswordFault> {
        let salt = random_bytes::<16>(&*self.entropy);
        let hashed = self.pool.run(move || hash_with(&password, &salt)).await;
        hashed.ok().flatten().ok_or(PasswordFault)
    }

    async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, PasswordFault> {
        let stand_in = Arc::clone(&self.stand_in);
        let verified = self.pool.run(move || match hash {
            Some(hash) => fits(&password, &hash),
            None => {
                // The same work against a hash that nobody has, so that time does not tell which names exist.
                let nobody = stand_in.get_or_init(|| hash_with("", &[0; 16]));
                let _ = nobody.as_ref().is_some_and(|hash| fits(&password, hash));
                false
            }
        });
        verified.await.map_err(|_| PasswordFault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::entropy::OsEntropy;
    use crate::bound::Bound;
    use crate::metrics::ServerMetrics;

    fn pool(running: usize, waiting: usize) -> (Pool, ServerMetrics) {
        let metrics = ServerMetrics::default();
        let counted = (Bound::PasswordsWaiting, metrics.clone());
        (Pool::new((running, waiting), counted), metrics)
    }

    fn passwords() -> Argon2Passwords {
        Argon2Passwords::new(pool(1, 4).0, Arc::new(OsEntropy::open().unwrap()))
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_alone() {
        let passwords = passwords();
        let hash = passwords.hash("rock".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert!(passwords.verify("rock".into(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("paper".into(), Some(hash)).await.unwrap());
        assert!(
            !passwords
                .verify("rock".into(), Some("no hash".into()))
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn without_a_hash_no_password_fits_not_even_the_stand_in_own() {
        assert!(!passwords().verify(String::new(), None).await.unwrap());
    }

    #[tokio::test]
    async fn two_hashes_of_one_password_differ_by_their_salt() {
        let passwords = passwords();
        let (one, two) = (passwords.hash("x".into()).await, passwords.hash("x".into()).await);
        assert_ne!(one.unwrap(), two.unwrap());
    }

    #[tokio::test]
    async fn hashing_beyond_passwords_running_max_and_passwords_waiting_max_is_refused() {
        let (pool, metrics) = pool(1, 1);
        let passwords = Argon2Passwords::new(pool, Arc::new(OsEntropy::open().unwrap()));
        let (one, two, three) = tokio::join!(
            passwords.hash("one".into()),
            passwords.hash("two".into()),
            passwords.hash("three".into())
        );
        assert!(one.is_ok() && two.is_ok());
        assert_eq!(three, Err(PasswordFault));
        assert_eq!(metrics.times_met(Bound::PasswordsWaiting), 1);
    }
}
