//! Reading and checking the audit log; what it tells is written where the acts are committed.

use super::{AccountError, Accounts};
use crate::model::audit::{AuditCheck, AuditHead, AuditQuery, BrokenAt, KeptEntry};

/// Entries read at once on a walk along the chain.
const ENTRIES_AT_ONCE: u32 = 1_000;

impl Accounts {
    /// Entries of the log, newest first.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn audit_page(&self, query: AuditQuery) -> Result<Vec<KeptEntry>, AccountError> {
        Ok(self.ports.store.audit_page(query).await?)
    }

    /// The next entries behind the first `after`, in order; none at the end of the log.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn audit_after(&self, after: i64) -> Result<Vec<KeptEntry>, AccountError> {
        Ok(self.ports.store.audit_after(after, ENTRIES_AT_ONCE).await?)
    }

    /// Follows the chain of all entries: its head, or the first entry that is broken. With `noted`, an entry that an auditor has
    /// noted down, a log that was cut or written anew since then is found too.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn verify_audit(
        &self,
        noted: Option<AuditHead>,
    ) -> Result<Result<AuditHead, BrokenAt>, AccountError> {
        let mut check = AuditCheck::from_the_beginning(noted);
        loop {
            let kept = self.audit_after(check.head().number).await?;
            if kept.is_empty() {
                return Ok(check.end());
            }
            for kept in &kept {
                if let Err(broken) = check.follow(kept) {
                    return Ok(Err(broken));
                }
            }
        }
    }
}
