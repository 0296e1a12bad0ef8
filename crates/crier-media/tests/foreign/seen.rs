//! Pixel for pixel, we see what Pillow sees (feed 12: within 2 per channel of a foreign decoder, before encoding).

use crate::drawn;
use crier_media::decode::{self, Bounds, Deadline, Decoded, Format, Order, Shape};
use crier_platform::model::picture::Fit;
use crier_platform::ports::clock::Clock;
use crier_testkit::ManualClock;

/// The greatest difference of a channel (feed 12).
const DIFFERENCE_MAX: u8 = 2;

/// An image of no more than 604 pixels a side as we see it: width, height, RGBA.
fn ours(image: &[u8]) -> (u32, u32, Vec<[u8; 4]>) {
    let clock = ManualClock::at(0);
    let order = Order {
        fit: Fit::PHOTO_BIG,
        bounds: Bounds {
            side_max: 4_096,
            bytes_max: 32 << 20,
        },
        deadline: Deadline {
            clock: &clock,
            at: clock.elapsed().plus_ms(1_000),
        },
    };
    let Decoded { canvas, orientation } =
        decode::decode(Format::sniffed(image).unwrap(), image, &order).unwrap();
    assert_eq!((canvas.width, canvas.height), canvas.image);
    let pixels = canvas.pixels.chunks_exact(canvas.shape.channels());
    let wide: Vec<u8> = pixels
        .flat_map(|pixel| match (canvas.shape, pixel) {
            (Shape::Grey, [grey]) => [*grey, *grey, *grey, 255],
            (Shape::Rgb, [red, green, blue]) => [*red, *green, *blue, 255],
            (Shape::Rgba, [red, green, blue, alpha]) => [*red, *green, *blue, *alpha],
            other => panic!("{other:?}"),
        })
        .collect();
    let turned = orientation.applied::<4>(wide, canvas.width as usize);
    let (width, height) = if orientation.swaps_sides() {
        (canvas.height, canvas.width)
    } else {
        (canvas.width, canvas.height)
    };
    (width, height, turned.as_chunks::<4>().0.to_vec())
}

/// How far apart two pixels are; what cannot be seen has no colour.
fn apart(one: [u8; 4], other: [u8; 4]) -> u8 {
    if one[3] == 0 && other[3] == 0 {
        return 0;
    }
    let channels = one.iter().zip(other);
    channels.map(|(one, other)| one.abs_diff(other)).max().unwrap()
}

#[test]
fn every_kind_of_image_is_seen_as_a_foreign_decoder_sees_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for foreign in drawn(folder.path()) {
        let (width, height, pixels) = ours(&foreign.image);
        assert_eq!(
            (width, height),
            (foreign.width, foreign.height),
            "{}",
            foreign.name
        );
        assert_eq!(pixels.len(), foreign.pixels.len(), "{}", foreign.name);
        let pairs = pixels.iter().zip(&foreign.pixels);
        let worst = pairs.map(|(ours, theirs)| apart(*ours, *theirs)).max().unwrap();
        println!("{}: {worst}", foreign.name);
        if worst > DIFFERENCE_MAX {
            wrong.push((foreign.name, worst));
        }
    }
    assert_eq!(wrong, []);
}
