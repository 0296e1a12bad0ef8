//! Markup of titles and bodies (feed section 2): read once, refused rather than repaired, kept in canonical form.

pub mod displayed;
pub mod policy;
pub mod tree;

pub use policy::Place;
pub use tree::{Markup, MarkupError, Run};
