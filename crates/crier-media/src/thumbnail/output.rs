//! A picture's bytes (feed 7.8).
//!
//! Promise: PNG if any alpha is below 255, or if the source is no JPEG and there are at most 256 colours; else baseline JPEG of
//! quality 80 without subsampling. No metadata, profile or comment.

use super::resample::Small;
use crate::decode::{Format, Shape};
use bytes::Bytes;
use crier_platform::model::picture::{Picture, PictureHash, PictureType};
use crier_platform::ports::images::{BrokenPart, NoPicture};
use jpeg_encoder::SamplingFactor;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Of the JPEG (feed 7.8).
const QUALITY: u8 = 80;
/// Colours that a PNG of an opaque picture may have (feed 7.8).
const PNG_COLOURS_MAX: usize = 256;

/// The picture of these pixels, whose source had this format.
pub fn written(small: &Small, source: Format) -> Result<Picture, NoPicture> {
    let wrong = NoPicture::Broken(BrokenPart::Data);
    let width = u16::try_from(small.width).map_err(|_| wrong)?;
    let height = u16::try_from(small.height).map_err(|_| wrong)?;
    let (shape, pixels) = seen(small);
    let as_png = shape == Shape::Rgba || (source != Format::Jpeg && has_few_colours(shape, &pixels));
    let (kind, bytes) = if as_png {
        (PictureType::Png, png(shape, small, &pixels).map_err(|_| wrong)?)
    } else {
        (
            PictureType::Jpeg,
            jpeg(shape, (width, height), &pixels).map_err(|_| wrong)?,
        )
    };
    Ok(Picture {
        hash: PictureHash(Sha256::digest(&bytes).into()),
        kind,
        width: small.width,
        height: small.height,
        bytes: Bytes::from(bytes),
    })
}

/// The pixels without an alpha that says nothing.
fn seen(small: &Small) -> (Shape, Vec<u8>) {
    let pixels = small.pixels.as_chunks::<4>().0;
    if small.shape == Shape::Rgba && pixels.iter().all(|pixel| pixel[3] == 255) {
        let colours = pixels
            .iter()
            .flat_map(|[red, green, blue, _]| [*red, *green, *blue]);
        return (Shape::Rgb, colours.collect());
    }
    (small.shape, small.pixels.clone())
}

/// Whether opaque pixels have so few colours that PNG keeps them better.
fn has_few_colours(shape: Shape, pixels: &[u8]) -> bool {
    let mut colours = BTreeSet::new();
    pixels.chunks_exact(shape.channels()).all(|pixel| {
        colours.insert(pixel);
        colours.len() <= PNG_COLOURS_MAX
    })
}

fn png(shape: Shape, small: &Small, pixels: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, small.width, small.height);
    encoder.set_color(match shape {
        Shape::Grey => png::ColorType::Grayscale,
        Shape::Rgb => png::ColorType::Rgb,
        Shape::Rgba => png::ColorType::Rgba,
    });
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}

fn jpeg(shape: Shape, sides: (u16, u16), pixels: &[u8]) -> Result<Vec<u8>, jpeg_encoder::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, QUALITY);
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    let kind = match shape {
        Shape::Grey => jpeg_encoder::ColorType::Luma,
        Shape::Rgb => jpeg_encoder::ColorType::Rgb,
        Shape::Rgba => jpeg_encoder::ColorType::Rgba,
    };
    encoder.encode(pixels, sides.0, sides.1, kind)?;
    Ok(bytes)
}
