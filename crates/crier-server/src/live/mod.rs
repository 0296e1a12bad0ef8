//! Transports of live delivery: thin adapters over crier-live.

mod answers;
mod body;
mod counted;
mod door;
#[cfg(feature = "echo")]
mod echo;
mod errands;
mod frames;
mod origin;
mod poll;
pub mod script;
mod sse;
mod upgrade;
mod websocket;
mod wire;

use crate::state::AppState;
use axum::Router;
use axum::routing::any;

/// The routes below `/live`.
pub fn router() -> Router<AppState> {
    let router = Router::new()
        .route("/live/ws", any(door::websocket))
        .route("/live/sse", any(door::sse))
        .route("/live/poll", any(door::poll))
        .route("/live/frames", any(door::frames))
        .route("/live/{*other}", any(door::elsewhere))
        .merge(script::router());
    #[cfg(feature = "echo")]
    let router = router.route("/live/echo", any(echo::answer));
    router
}
