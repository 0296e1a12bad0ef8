//! Fuzz targets of the media room: plain functions of bytes that run on the stable compiler, with their invariants inside.
//!
//! Promise: as that of the wire's targets, whose driver runs these too. Seeds are drawn by code each time: none is kept.

pub mod seeds;
pub mod targets;

use crier_proto_fuzz::Target;

/// Every target by its name.
pub const TARGETS: [(&str, Target); 2] = [
    ("decode", targets::decode::target),
    ("guard", targets::guard::target),
];
