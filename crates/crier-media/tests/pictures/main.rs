//! Strangers' bytes into pictures (feed 7.6 to 7.8, 12): every image here is generated, none is copied.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what code draws is drawn rightly, or the test fails"
)]

mod bounds;
mod draw;
mod hostile;
mod kinds;
mod looks;

use crier_media::config::MediaConfig;
use crier_media::metrics::MediaMetrics;
use crier_media::thumbnail::Maker;
use crier_platform::model::picture::{Fit, Picture};
use crier_platform::ports::images::NoPicture;
use crier_testkit::ManualClock;
use prometheus_client::registry::Registry;
use std::sync::Arc;

/// A maker within the default bounds, whose clock stands.
fn maker() -> Maker {
    let metrics = MediaMetrics::registered(&mut Registry::default());
    Maker::new(&MediaConfig::default(), Arc::new(ManualClock::at(0)), metrics)
}

/// The picture of a story.
fn picture(image: &[u8]) -> Result<Picture, NoPicture> {
    maker().picture_of(image, Fit::STORY)
}
