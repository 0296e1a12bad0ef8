//! What an image may cost is judged by its header (feed 7.6, 12: declared bombs).

use crate::{draw, picture};
use crier_media::config::MediaConfig;
use crier_media::metrics::MediaMetrics;
use crier_media::thumbnail::Maker;
use crier_platform::model::picture::Fit;
use crier_platform::model::quantity::Span;
use crier_platform::model::time::{ElapsedMs, WallMs};
use crier_platform::ports::clock::Clock;
use crier_platform::ports::images::NoPicture;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Nothing but headers, of each format.
fn headers(width: u32, height: u32) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        (
            "jpeg",
            draw::jpeg_header(0xc0, width, height, &[(2, 2), (1, 1), (1, 1)]),
        ),
        (
            "progressive",
            draw::jpeg_header(0xc2, width, height, &[(1, 1); 3]),
        ),
        ("png", draw::png_header(width, height, 0)),
        ("interlaced", draw::png_header(width, height, 1)),
        (
            "gif",
            draw::gif_header(width, height, (width.min(9), height.min(9))),
        ),
        ("webp", draw::webp_canvas(width, height)),
    ]
}

#[test]
fn side_max_is_the_longest_side_and_a_pixel_more_is_too_large() {
    for (name, file) in headers(4_097, 1).into_iter().chain(headers(1, 4_097)) {
        assert_eq!(picture(&file), Err(NoPicture::TooLarge), "{name}");
    }
    for (name, file) in headers(65_535, 65_535) {
        assert_eq!(picture(&file), Err(NoPicture::TooLarge), "{name}");
    }
    for (name, file) in headers(4_096, 1).into_iter().chain(headers(1, 4_096)) {
        assert_ne!(picture(&file), Err(NoPicture::TooLarge), "{name}");
    }
}

#[test]
fn a_side_of_no_pixel_is_too_large_for_nothing() {
    for (name, file) in headers(0, 5).into_iter().chain(headers(5, 0)) {
        if name != "webp" {
            assert_eq!(picture(&file), Err(NoPicture::TooLarge), "{name}");
        }
    }
}

#[test]
fn decode_bytes_max_admits_every_baseline_jpeg_and_four_million_pixels_of_everything_else() {
    let fits = |file: &[u8]| !matches!(picture(file), Err(NoPicture::Memory | NoPicture::TooLarge));
    for sampling in [
        &[(1, 1)][..],
        &[(2, 2), (1, 1), (1, 1)],
        &[(1, 1); 3],
        &[(4, 4), (4, 4), (4, 4), (4, 4)],
    ] {
        assert!(
            fits(&draw::jpeg_header(0xc0, 4_096, 4_096, sampling)),
            "{sampling:?}"
        );
    }
    for (width, height) in [(2_000, 2_000), (4_096, 976), (976, 4_096), (1_999, 2_001)] {
        for sampling in [
            &[(1, 1); 4][..],
            &[(1, 1); 3],
            &[(2, 2), (1, 1), (1, 1)],
            &[(4, 4); 4],
        ] {
            assert!(
                fits(&draw::jpeg_header(0xc2, width, height, sampling)),
                "{width}x{height}"
            );
        }
        assert!(fits(&draw::png_header(width, height, 1)));
        assert!(fits(&draw::gif_header(width, height, (width, height))));
        assert!(fits(&draw::webp_canvas(width, height)));
    }
}

#[test]
fn decode_bytes_max_refuses_what_would_need_more() {
    for (name, file) in [
        ("progressive", draw::jpeg_header(0xc2, 4_096, 4_096, &[(1, 1); 3])),
        ("interlaced", draw::png_header(4_096, 4_096, 1)),
        (
            "gif whose frame is larger than its canvas",
            draw::gif_header(10, 10, (65_535, 65_535)),
        ),
        (
            "webp whose frame is larger than its canvas",
            draw::webp_frame((10, 10), (16_384, 16_384)),
        ),
    ] {
        assert_eq!(picture(&file), Err(NoPicture::Memory), "{name}");
    }
}

#[test]
fn decode_bytes_max_counts_the_tables_of_every_group_of_codes() {
    let made = picture(&draw::webp_groups(3, 20, 12)).unwrap();
    assert_eq!((made.width, made.height), (20, 12));
    assert!(draw::seen(&made).iter().all(|pixel| *pixel == [0, 0, 0, 255]));
    assert!(picture(&draw::webp_groups(1_400, 20, 12)).is_ok());
    // 840 bytes for each group, and a table of 1,024 entries for each of its five codes: 1,580 of them pass 32 MiB.
    assert_eq!(picture(&draw::webp_groups(1_580, 20, 12)), Err(NoPicture::Memory));
    assert_eq!(picture(&draw::webp_groups(65_536, 1, 1)), Err(NoPicture::Memory));
}

/// A clock that goes a millisecond whenever it is looked at.
#[derive(Default)]
struct Restless(AtomicU64);

#[async_trait::async_trait]
impl Clock for Restless {
    fn wall(&self) -> WallMs {
        WallMs(0)
    }

    fn wall_raw(&self) -> WallMs {
        WallMs(0)
    }

    fn elapsed(&self) -> ElapsedMs {
        ElapsedMs(self.0.fetch_add(1, Ordering::Relaxed))
    }

    async fn sleep_until(&self, _: ElapsedMs) {}
}

/// What becomes of a file when its time is over after so many looks at the clock, and how often it was looked at.
fn with_timeout(file: &[u8], timeout: u64) -> (Option<NoPicture>, u64) {
    let clock = Arc::new(Restless::default());
    let config = MediaConfig {
        decode_timeout: Span(timeout),
        ..MediaConfig::default()
    };
    let metrics = MediaMetrics::registered(&mut Registry::default());
    let maker = Maker::new(&config, Arc::clone(&clock) as Arc<dyn Clock>, metrics.clone());
    let refused = maker.picture_of(file, Fit::STORY).err();
    let is_over = u64::from(refused == Some(NoPicture::Timeout));
    assert_eq!(metrics.decode_refusals("decode_timeout"), is_over);
    (refused, clock.0.load(Ordering::Relaxed))
}

#[test]
fn decode_timeout_stops_the_work_within_the_file() {
    let pixels = draw::noise(400 * 400 * 4);
    let files = [
        ("png", draw::png(&pixels, 400, 400, png::ColorType::Rgba)),
        ("webp", draw::webp(&pixels, 400, 400)),
        ("gif", draw::gif(&pixels[..400 * 400], 400, 400, &[7; 768])),
        ("jpeg", draw::jpeg(&pixels[..400 * 400 * 3], 400, 400)),
    ];
    for (name, file) in files {
        let (refused, looks) = with_timeout(&file, 1);
        assert_eq!(refused, Some(NoPicture::Timeout), "{name}");
        assert!(looks < 16, "{name} went on for {looks} looks");
    }
}

#[test]
fn decode_timeout_is_looked_at_before_every_row_of_blocks_of_every_scan_of_a_jpeg() {
    let rgb = jpeg_encoder::ColorType::Rgb;
    for (name, file, least) in [
        // 50 rows of blocks; a quarter of 400 rows of pixels is looked at every eighth time.
        ("baseline", draw::jpeg(&draw::smooth(400, 400), 400, 400), 50 + 12),
        (
            "progressive",
            draw::progressive(400, 400, rgb),
            4 * 50 + 3 * 50 + 12,
        ),
    ] {
        let (refused, _) = with_timeout(&file, 1_000_000);
        assert_eq!(refused, None, "{name}");
        for timeout in 1..least {
            let (refused, looks) = with_timeout(&file, timeout);
            assert_eq!(refused, Some(NoPicture::Timeout), "{name} after {timeout}");
            // The first look sets the deadline, and what was spent is told to the figures at last.
            assert!(looks <= timeout + 5, "{name} after {timeout}: {looks} looks");
        }
    }
}
