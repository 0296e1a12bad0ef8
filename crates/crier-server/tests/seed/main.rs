//! The two seed pages, statement by statement, against a whole server on a real socket. `docs/conformance.md` names the rows.

mod common_rows;
mod live_message;
mod stage;
mod story;
mod story_markup;
