//! Every picture that we make opens in three foreign decoders, at its sides and without anything beside its pixels (feed 12).

use crate::{drawn, python};
use crier_media::config::MediaConfig;
use crier_media::metrics::MediaMetrics;
use crier_media::thumbnail::Maker;
use crier_platform::model::picture::{Fit, PictureType};
use crier_testkit::ManualClock;
use prometheus_client::registry::Registry;
use std::sync::Arc;

#[test]
fn every_picture_opens_in_three_foreign_decoders() {
    let folder = tempfile::tempdir().unwrap();
    let metrics = MediaMetrics::registered(&mut Registry::default());
    let maker = Maker::new(&MediaConfig::default(), Arc::new(ManualClock::at(0)), metrics);
    let pictures = folder.path().join("pictures");
    std::fs::create_dir(&pictures).unwrap();
    let mut made = Vec::new();
    for foreign in drawn(folder.path()) {
        for fit in [Fit::STORY, Fit(32)] {
            let picture = maker.picture_of(&foreign.image, fit).unwrap();
            let (kind, ending) = match picture.kind {
                PictureType::Png => ("PNG", "png"),
                PictureType::Jpeg => ("JPEG", "jpg"),
            };
            let name = format!("{}-{}.{ending}", foreign.name, fit.0);
            std::fs::write(pictures.join(&name), &picture.bytes).unwrap();
            made.push(format!("{name} {kind} {} {}", picture.width, picture.height));
        }
    }
    made.sort();
    let told = python("open.py", &[&pictures]);
    let told: Vec<&str> = told.lines().collect();
    assert_eq!(told, made);
}
