//! Images of strangers. Input: a file.
//!
//! Invariants: the same file gives the same result; a picture fits its square, is a file of the kind that it is called, and gives
//! a picture itself.

use crier_media::config::MediaConfig;
use crier_media::decode::Format;
use crier_media::metrics::MediaMetrics;
use crier_media::thumbnail::Maker;
use crier_platform::model::picture::{Fit, PictureType};
use crier_testkit::ManualClock;
use prometheus_client::registry::Registry;
use std::sync::Arc;

/// Judges one file.
pub fn target(bytes: &[u8]) {
    let metrics = MediaMetrics::registered(&mut Registry::default());
    let maker = Maker::new(&MediaConfig::default(), Arc::new(ManualClock::at(0)), metrics);
    let made = maker.picture_of(bytes, Fit::STORY);
    assert_eq!(maker.picture_of(bytes, Fit::STORY), made);
    let Ok(picture) = made else { return };
    assert!((1..=75).contains(&picture.width) && (1..=75).contains(&picture.height));
    let kind = match picture.kind {
        PictureType::Png => Format::Png,
        PictureType::Jpeg => Format::Jpeg,
    };
    assert_eq!(Format::sniffed(&picture.bytes), Some(kind));
    let again = maker.picture_of(&picture.bytes, Fit::STORY);
    let again = again.expect("a picture is an image");
    assert_eq!((again.width, again.height), (picture.width, picture.height));
}
