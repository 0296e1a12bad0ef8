//! Markup of titles and bodies (feed section 2): read once, refused rather than repaired, kept in canonical form.
//!
//! `lexer` cuts a value into characters and tags, `reference` decodes, `tree` builds and writes, `policy` and
//! `displayed` hold the rules of place and length.

pub mod displayed;
mod lexer;
pub mod policy;
mod reference;
pub mod tree;

pub use policy::Place;
pub use tree::{Counted, Counts, Markup, MarkupError, Measure, Run};
