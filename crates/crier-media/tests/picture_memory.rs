//! No image makes the process grow by more than 40 MB (feed 7.6). Alone in its binary: everything that is allocated counts.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what code draws is drawn rightly, or the test fails"
)]

#[path = "pictures/draw.rs"]
#[expect(dead_code, reason = "shared with the tests of looks and bounds")]
mod draw;

use crier_media::config::MediaConfig;
use crier_media::metrics::MediaMetrics;
use crier_media::thumbnail::Maker;
use crier_platform::model::picture::Fit;
use crier_platform::ports::images::NoPicture;
use crier_testkit::ManualClock;
use peak_alloc::PeakAlloc;
use prometheus_client::registry::Registry;
use std::sync::Arc;

#[global_allocator]
static COUNTED: PeakAlloc = PeakAlloc;

/// The bound of its page.
const GROWTH_MAX: usize = 40_000_000;

/// A named way to draw a file.
type Drawn = (&'static str, fn() -> Vec<u8>);

/// The most expensive files that are within every bound, and some that are not.
const FILES: [Drawn; 12] = [
    ("baseline, both sides at their bound", || {
        draw::jpeg_of(
            &draw::smooth(4_096, 4_096),
            4_096,
            4_096,
            jpeg_encoder::ColorType::Rgb,
        )
    }),
    ("progressive", || {
        draw::progressive(2_000, 2_000, jpeg_encoder::ColorType::Rgb)
    }),
    ("progressive, four inks", || {
        draw::progressive(2_000, 2_000, jpeg_encoder::ColorType::Cmyk)
    }),
    ("interlaced, sixteen bits", || {
        draw::black_interlaced(2_000, 2_000)
    }),
    ("interlaced at the bound", || draw::black_interlaced(4_096, 976)),
    ("png, both sides at their bound", || {
        draw::png(&vec![9; 4_096 * 4_096 * 3], 4_096, 4_096, png::ColorType::Rgb)
    }),
    ("gif, both sides at their bound", || {
        draw::gif(&vec![1; 4_096 * 4_096], 4_096, 4_096, &[9; 768])
    }),
    ("webp", || {
        draw::webp(&draw::noise(2_000 * 500 * 4).repeat(4), 2_000, 2_000)
    }),
    ("webp with as many groups of codes as fit", || {
        draw::webp_groups(800, 100, 100)
    }),
    ("webp with groups of codes above the bound", || {
        draw::webp_groups(20_000, 100, 100)
    }),
    ("gif with a frame larger than its canvas", || {
        draw::gif_header(10, 10, (65_535, 65_535))
    }),
    ("png with a text of four mebibytes", || {
        draw::with_chunk(&draw::png_header(5, 5, 0), b"zTXt", &vec![0; 4 << 20])
    }),
];

#[test]
fn no_image_makes_the_process_grow_by_more_than_forty_megabytes() {
    let metrics = MediaMetrics::registered(&mut Registry::default());
    let maker = Maker::new(&MediaConfig::default(), Arc::new(ManualClock::at(0)), metrics);
    for (name, drawn) in FILES {
        let file = drawn();
        for fit in [Fit::STORY, Fit::PHOTO, Fit::PHOTO_BIG] {
            COUNTED.reset_peak_usage();
            let before = COUNTED.current_usage();
            let made = maker.picture_of(&file, fit).map(drop);
            let grown = COUNTED.peak_usage() - before;
            println!("{name} for {}: {grown} bytes, {made:?}", fit.0);
            assert!(grown <= GROWTH_MAX, "{name} for {}: {grown} bytes", fit.0);
            let is_whole = file.len() > 1_000 && !name.contains("text");
            let fits_beside = !name.contains("above") && (fit != Fit::PHOTO_BIG || !name.contains("inks"));
            if is_whole && fits_beside {
                assert_eq!(made, Ok(()), "{name} for {}", fit.0);
            } else if is_whole {
                assert_eq!(made, Err(NoPicture::Memory), "{name} for {}", fit.0);
            }
        }
    }
}
