//! The books' side of the audit log: reads. Entries are written by the store itself, in the unit of the act they tell of.

use crate::model::audit::{AuditQuery, KeptEntry};
use crate::ports::store::StoreFault;
use async_trait::async_trait;

/// Reads of the audit log.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Up to `limit` entries behind the first `after`, in order.
    async fn audit_after(&self, after: i64, limit: u32) -> Result<Vec<KeptEntry>, StoreFault>;
    /// Entries of a query, newest first.
    async fn audit_page(&self, query: AuditQuery) -> Result<Vec<KeptEntry>, StoreFault>;
}
