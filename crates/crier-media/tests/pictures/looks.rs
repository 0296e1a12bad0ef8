//! Turned, packed and painted otherwise, an image gives the same picture (feed 7.6).

use crate::{draw, picture};
use crier_platform::model::picture::PictureType;

/// Sides of the drawn image: not square, small enough to be kept pixel for pixel.
const SIDES: (u32, u32) = (40, 24);

/// The greatest difference of a channel.
fn difference(one: &[[u8; 4]], other: &[[u8; 4]]) -> u8 {
    assert_eq!(one.len(), other.len());
    let pairs = one.iter().flatten().zip(other.iter().flatten());
    pairs.map(|(one, other)| one.abs_diff(*other)).max().unwrap()
}

/// What a picture shows at a place.
fn at(pixels: &[[u8; 4]], width: u32, (x, y): (u32, u32)) -> [u8; 4] {
    pixels[(y * width + x) as usize]
}

#[test]
fn orientation_is_applied_in_jpeg_and_png() {
    let (width, height) = SIDES;
    let plain = draw::png(&draw::smooth(width, height), width, height, png::ColorType::Rgb);
    let jpeg = draw::jpeg(&draw::smooth(width, height), width, height);
    for orientation in 1..=8 {
        let exif = draw::exif(orientation);
        let turned = [
            draw::with_chunk(&plain, b"eXIf", &exif),
            draw::with_segment(&jpeg, 0xe1, &[b"Exif\0\0", exif.as_slice()].concat()),
        ];
        for (file, upright) in turned.iter().zip([&plain, &jpeg]) {
            let (made, upright) = (picture(file).unwrap(), picture(upright).unwrap());
            let sides = if orientation < 5 {
                (width, height)
            } else {
                (height, width)
            };
            assert_eq!((made.width, made.height), sides, "{orientation}");
            // The pixel near the stored top left corner, and where it must be seen.
            let (right, bottom) = (made.width - 3, made.height - 3);
            let corner = match orientation {
                1 | 5 => (2, 2),
                2 | 6 => (right, 2),
                3 | 7 => (right, bottom),
                _ => (2, bottom),
            };
            let expected = at(&draw::seen(&upright), width, (2, 2));
            let found = at(&draw::seen(&made), made.width, corner);
            assert!(
                difference(&[expected], &[found]) <= 12,
                "{orientation}: {expected:?} {found:?}"
            );
        }
    }
}

#[test]
fn only_the_first_exif_block_counts_and_only_up_to_its_bound() {
    let (width, height) = SIDES;
    let jpeg = draw::jpeg(&draw::smooth(width, height), width, height);
    let block = |orientation| [b"Exif\0\0", draw::exif(orientation).as_slice()].concat();
    let second_is_turned = draw::with_segment(&draw::with_segment(&jpeg, 0xe1, &block(6)), 0xe1, &block(1));
    assert_eq!(picture(&second_is_turned), picture(&jpeg));
    let png = draw::png(&draw::smooth(width, height), width, height, png::ColorType::Rgb);
    let mut long = draw::exif(6);
    long.resize(65_537, 0);
    assert_eq!(picture(&draw::with_chunk(&png, b"eXIf", &long)), picture(&png));
    long.truncate(65_536);
    let turned = picture(&draw::with_chunk(&png, b"eXIf", &long)).unwrap();
    assert_eq!((turned.width, turned.height), (height, width));
}

/// A PNG of packed samples.
fn packed(rows: &[u8], depth: png::BitDepth, kind: png::ColorType, palette: Option<&[u8]>) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 8, 2);
    encoder.set_color(kind);
    encoder.set_depth(depth);
    if let Some(palette) = palette {
        encoder.set_palette(palette.to_vec());
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(rows).unwrap();
    writer.finish().unwrap();
    file
}

#[test]
fn every_depth_gives_the_picture_of_eight_bits() {
    use png::{BitDepth, ColorType};
    let grey =
        |values: [u8; 16]| draw::seen(&picture(&draw::png(&values, 8, 2, ColorType::Grayscale)).unwrap());
    let cases = [
        (
            vec![0b0101_0101; 2],
            BitDepth::One,
            [0, 255, 0, 255, 0, 255, 0, 255].repeat(2),
        ),
        (vec![0b0001_1011; 4], BitDepth::Two, [0, 85, 170, 255].repeat(4)),
        (
            [0x0f, 0x5a, 0x0f, 0x5a].repeat(2),
            BitDepth::Four,
            [0, 255, 85, 170].repeat(4),
        ),
        (
            [0x12, 0x34, 0xff, 0xff, 0, 0, 0x80, 0].repeat(4),
            BitDepth::Sixteen,
            [0x12, 0xff, 0, 0x80].repeat(4),
        ),
    ];
    for (rows, depth, values) in cases {
        let made = picture(&packed(&rows, depth, ColorType::Grayscale, None)).unwrap();
        let plain = grey(values.try_into().unwrap());
        assert!(difference(&draw::seen(&made), &plain) <= 1, "{depth:?}");
    }
    let palette = [10, 20, 30, 200, 100, 0];
    let made = picture(&packed(
        &[0b0101_0101; 2],
        BitDepth::One,
        ColorType::Indexed,
        Some(&palette),
    ))
    .unwrap();
    let expected = [[10, 20, 30, 255], [200, 100, 0, 255]].repeat(8);
    assert_eq!(draw::seen(&made), expected);
}

#[test]
fn progressive_files_give_the_picture_of_baseline_ones() {
    let kind = jpeg_encoder::ColorType::Rgb;
    for (width, height) in [(64, 40), (640, 480), (1_000, 700)] {
        let pixels = draw::smooth(width, height);
        let mut files = [Vec::new(), Vec::new()];
        for (file, progressive) in files.iter_mut().zip([false, true]) {
            let mut encoder = jpeg_encoder::Encoder::new(file, 85);
            encoder.set_progressive(progressive);
            encoder
                .encode(&pixels, width as u16, height as u16, kind)
                .unwrap();
        }
        let [plain, progressive] = files.map(|file| draw::seen(&picture(&file).unwrap()));
        assert!(difference(&plain, &progressive) <= 1, "{width}x{height}");
    }
}

#[test]
fn inks_are_seen_as_their_light() {
    // Cyan, full: no red is left.
    let inks = [255u8, 0, 0, 0].repeat(32 * 32);
    let mut whole = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut whole, 90);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_1_1);
    encoder
        .encode(&inks, 32, 32, jpeg_encoder::ColorType::Cmyk)
        .unwrap();
    let halved = draw::jpeg_of(&inks, 32, 32, jpeg_encoder::ColorType::Cmyk);
    for file in [whole, halved] {
        let seen = draw::seen(&picture(&file).unwrap());
        let expected = vec![[0, 255, 255, 255]; seen.len()];
        assert!(difference(&seen, &expected) <= 3, "{:?}", seen[0]);
    }
}

#[test]
fn transparent_colours_do_not_bleed_into_what_is_seen() {
    let (width, height) = (300u32, 300u32);
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            pixels.extend(if (x + y) % 2 == 0 {
                [200, 40, 10, 255]
            } else {
                [0, 255, 0, 0]
            });
        }
    }
    let made = picture(&draw::png(&pixels, width, height, png::ColorType::Rgba)).unwrap();
    assert_eq!((made.width, made.height, made.kind), (75, 75, PictureType::Png));
    for pixel in draw::seen(&made) {
        assert!(difference(&[pixel], &[[200, 40, 10, 128]]) <= 1, "{pixel:?}");
    }
}

#[test]
fn one_colour_stays_one_colour_at_every_size() {
    for (width, height) in [
        (1, 1),
        (1, 900),
        (900, 1),
        (75, 75),
        (76, 76),
        (151, 149),
        (1_024, 700),
    ] {
        let pixels = [13, 130, 230].repeat((width * height) as usize);
        let made = picture(&draw::png(&pixels, width, height, png::ColorType::Rgb)).unwrap();
        assert_eq!(made.kind, PictureType::Png);
        assert!(
            draw::seen(&made)
                .iter()
                .all(|pixel| *pixel == [13, 130, 230, 255]),
            "{width}x{height}"
        );
    }
}

#[test]
fn a_frame_is_clipped_to_its_canvas_and_leaves_the_rest_free() {
    let mut file = Vec::new();
    let mut encoder = gif::Encoder::new(&mut file, 10, 6, &[1, 2, 3, 250, 0, 0]).unwrap();
    let frame = gif::Frame {
        left: 4,
        top: 3,
        width: 20,
        height: 20,
        buffer: vec![1; 400].into(),
        ..gif::Frame::default()
    };
    encoder.write_frame(&frame).unwrap();
    drop(encoder);
    let made = picture(&file).unwrap();
    assert_eq!((made.width, made.height), (10, 6));
    let seen = draw::seen(&made);
    for y in 0..6 {
        for x in 0..10 {
            let expected = if x >= 4 && y >= 3 {
                [250, 0, 0, 255]
            } else {
                [0; 4]
            };
            assert_eq!(at(&seen, 10, (x, y)), expected, "{x},{y}");
        }
    }
}

#[test]
fn a_jpeg_read_at_a_reduced_scale_gives_the_picture_of_the_whole_one() {
    // Of the reduced sides, rounded up, the first four would be of other sides; of the last ones little more than two cells.
    for ((width, height), sides) in [
        ((309, 35), (75, 8)),
        ((77, 608), (9, 75)),
        ((921, 968), (71, 75)),
        ((1360, 1042), (75, 57)),
        ((59, 1830), (2, 75)),
        ((10, 4000), (1, 75)),
    ] {
        let pixels = draw::smooth(width, height);
        let made = picture(&draw::jpeg(&pixels, width, height)).unwrap();
        let plain = picture(&draw::png(&pixels, width, height, png::ColorType::Rgb)).unwrap();
        assert_eq!((made.width, made.height), sides, "{width}×{height}");
        assert_eq!((plain.width, plain.height), sides, "{width}×{height}");
        let far = difference(&draw::seen(&made), &draw::seen(&plain));
        assert!(far <= 16, "{width}×{height}: {far}");
    }
}
