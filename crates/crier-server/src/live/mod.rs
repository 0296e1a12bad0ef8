//! Transports of live delivery: thin adapters over crier-live.

mod counted;
mod door;
mod errands;
mod origin;
pub mod script;
mod websocket;
mod wire;

use crate::state::AppState;
use axum::Router;
use axum::routing::any;

/// The routes below `/live`.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/live/ws", any(door::answer))
        .merge(script::router())
}
