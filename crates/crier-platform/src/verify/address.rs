//! Step 3: whether the call may come from where it comes (protocol 11.3).

use crate::model::app::{App, AppKind};
use crier_proto::error::{Code, Refusal};
use std::net::IpAddr;

/// Refuses an address outside a web application's list. Desktop applications run on their users' machines and are exempt.
pub(super) fn permitted(app: &App, source: IpAddr) -> Result<(), Refusal> {
    let listed = match app.kind {
        AppKind::Desktop => true,
        AppKind::Web => app.allow_ip.is_empty() || app.allow_ip.iter().any(|rule| rule.covers(source)),
    };
    if listed {
        return Ok(());
    }
    Err(Refusal::because(
        Code::UnauthorizedAddress,
        source.to_canonical().to_string(),
    ))
}
