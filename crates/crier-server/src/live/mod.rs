//! Transports of live delivery: thin adapters over crier-live.

pub mod script;

use crate::state::AppState;
use axum::Router;

/// The routes below `/live`.
pub fn router() -> Router<AppState> {
    Router::new().merge(script::router())
}
