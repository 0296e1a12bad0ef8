//! Transports of live delivery: thin adapters over crier-live.

use crate::state::AppState;
use axum::Router;

/// The routes below `/live`.
pub fn router() -> Router<AppState> {
    Router::new()
}
