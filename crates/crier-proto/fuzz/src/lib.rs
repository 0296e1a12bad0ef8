//! Fuzz targets of the wire: plain functions of bytes that run on the stable compiler, with their invariants inside.
//!
//! Promise: a target that returns has found nothing wrong. A broken invariant is a panic, which the driver reports with
//! the input. Knows nothing of coverage: mutations start from a corpus that is kept under `fixtures/fuzz`.

pub mod command;
pub mod dice;
pub mod driver;
pub mod targets;

/// A target: judges one input and panics when an invariant is broken.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also the folder of its corpus.
pub const TARGETS: [(&str, Target); 6] = [
    ("pairs", targets::pairs::target),
    ("reading", targets::reading::target),
    ("decimal", targets::decimal::target),
    ("markup", targets::markup::target),
    ("callback", targets::callback::target),
    ("render", targets::render::target),
];
