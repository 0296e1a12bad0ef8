//! Background work as plain futures: the server's lifecycle runs them.

pub mod follow_changes;
pub mod hooks;
pub mod pictures;
pub mod wake;

use crate::model::audit::Actor;
use crate::ports::Ports;
use crate::ports::entropy::random_bytes;
use crate::ports::store::{Batch, CommitError, StoreFault, UnitId, Write};

/// Applies writes that have no condition as one unit.
async fn commit(ports: &Ports, writes: Vec<Write>) -> Result<(), StoreFault> {
    let batch = Batch {
        id: UnitId(random_bytes(&*ports.entropy)),
        by: Actor::System,
        now: ports.clock.wall(),
        writes,
    };
    match ports.store.commit(batch).await {
        Ok(_) => Ok(()),
        Err(CommitError::Fault(fault)) => Err(fault),
        Err(CommitError::Refused(conflict)) => Err(StoreFault::Damaged(format!(
            "a write without a condition was refused: {conflict:?}"
        ))),
    }
}
