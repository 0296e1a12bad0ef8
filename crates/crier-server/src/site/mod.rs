//! Pages for people, one file per document.

use crate::state::AppState;
use axum::Router;

/// The site's routes below the base path.
pub fn router() -> Router<AppState> {
    Router::new()
}
