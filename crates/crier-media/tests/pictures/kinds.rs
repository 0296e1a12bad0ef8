//! Each format becomes a picture of the right kind, sides and looks.

use crate::{draw, maker, picture};
use crier_platform::model::picture::{Fit, PictureType};
use crier_platform::ports::images::NoPicture;
use sha2::{Digest, Sha256};

/// Four colours, as a palette.
const PALETTE: [u8; 12] = [255, 0, 0, 0, 255, 0, 0, 0, 255, 250, 250, 250];

#[test]
fn a_jpeg_becomes_a_jpeg_that_fits_and_is_named_by_its_hash() {
    let made = picture(&draw::jpeg(&draw::smooth(640, 480), 640, 480)).unwrap();
    assert_eq!((made.width, made.height, made.kind), (75, 56, PictureType::Jpeg));
    let hash: [u8; 32] = Sha256::digest(&made.bytes).into();
    assert_eq!(made.hash.0, hash);
    assert_eq!(draw::seen(&made).len(), 75 * 56);
}

#[test]
fn small_images_keep_their_sides_and_lossless_ones_their_pixels() {
    let pixels = draw::smooth(33, 20);
    let opaque: Vec<[u8; 4]> = pixels
        .as_chunks::<3>()
        .0
        .iter()
        .map(|[r, g, b]| [*r, *g, *b, 100])
        .collect();
    let made = picture(&draw::png(opaque.as_flattened(), 33, 20, png::ColorType::Rgba)).unwrap();
    assert_eq!((made.width, made.height, made.kind), (33, 20, PictureType::Png));
    assert_eq!(draw::seen(&made), opaque);
    let made = picture(&draw::webp(opaque.as_flattened(), 33, 20)).unwrap();
    assert_eq!(draw::seen(&made), opaque);
}

#[test]
fn few_colours_of_a_gif_stay_exact() {
    let indexes: Vec<u8> = (0..40 * 30).map(|at| (at % 4) as u8).collect();
    let made = picture(&draw::gif(&indexes, 40, 30, &PALETTE)).unwrap();
    assert_eq!((made.width, made.height, made.kind), (40, 30, PictureType::Png));
    let expected: Vec<[u8; 4]> = indexes
        .iter()
        .map(|index| {
            let colour = &PALETTE[usize::from(*index) * 3..][..3];
            [colour[0], colour[1], colour[2], 255]
        })
        .collect();
    assert_eq!(draw::seen(&made), expected);
}

#[test]
fn photos_fit_their_own_squares() {
    let file = draw::jpeg(&draw::smooth(1_600, 1_200), 1_600, 1_200);
    for (fit, sides) in [
        (Fit::STORY, (75, 56)),
        (Fit::PHOTO, (130, 98)),
        (Fit::PHOTO_BIG, (604, 453)),
    ] {
        let made = maker().picture_of(&file, fit).unwrap();
        assert_eq!((made.width, made.height), sides);
    }
}

#[test]
fn anything_else_is_unsupported_whatever_it_is_called() {
    for file in [
        &b""[..],
        b"GIF",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"BM123456",
        b"RIFF....WAVE",
    ] {
        assert_eq!(picture(file), Err(NoPicture::Unsupported));
    }
}
