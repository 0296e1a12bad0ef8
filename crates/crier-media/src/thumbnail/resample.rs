//! From the canvas to the picture's sides: one antialiased step in integers (feed 7.7).
//!
//! Promise: an image that fits is left as it is, pixel for pixel. Colour is weighed with alpha. The filter is Catmull–Rom, whose
//! weights are polynomials: they are equal on every machine, and so are the sums of them.

use crate::decode::{Canvas, Decoded, Shape};
use crier_platform::model::picture::Fit;
use crier_platform::ports::images::{BrokenPart, NoPicture};
use fast_image_resize::images::Image;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

/// Pixels in their final place, eight bits a channel.
pub struct Small {
    /// Channels.
    pub shape: Shape,
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
    /// Rows from the top, without padding.
    pub pixels: Vec<u8>,
}

/// The canvas at the sides of its picture, turned as it is meant to be seen.
pub fn fitted(decoded: Decoded, fit: Fit) -> Result<Small, NoPicture> {
    let Decoded { canvas, orientation } = decoded;
    let shape = canvas.shape;
    let (width, height) = fit.of(canvas.image.0, canvas.image.1);
    let pixels = if canvas.image == (width, height) {
        canvas.pixels
    } else {
        resampled(canvas, (width, height))?
    };
    let columns = width as usize;
    let pixels = match shape {
        Shape::Grey => orientation.applied::<1>(pixels, columns),
        Shape::Rgb => orientation.applied::<3>(pixels, columns),
        Shape::Rgba => orientation.applied::<4>(pixels, columns),
    };
    let (width, height) = if orientation.swaps_sides() {
        (height, width)
    } else {
        (width, height)
    };
    Ok(Small {
        shape,
        width,
        height,
        pixels,
    })
}

fn resampled(canvas: Canvas, to: (u32, u32)) -> Result<Vec<u8>, NoPicture> {
    let wrong = NoPicture::Broken(BrokenPart::Data);
    // The last cells may stand for fewer pixels: what lies beyond the image's edge is not sampled.
    let covered = |image: u32, cell: u32| f64::from(image) / f64::from(cell);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom))
        .crop(
            0.0,
            0.0,
            covered(canvas.image.0, canvas.cell.0),
            covered(canvas.image.1, canvas.cell.1),
        )
        .use_alpha(false);
    let weighing = Weighing::of(&canvas);
    let (kind, pixels) = match (canvas.shape, weighing) {
        (Shape::Grey, _) => (PixelType::U8, canvas.pixels),
        (Shape::Rgb, _) => (PixelType::U8x3, canvas.pixels),
        (Shape::Rgba, Weighing::Wide) => (PixelType::U16x4, weighed(&canvas.pixels)),
        (Shape::Rgba, Weighing::InPlace) => (PixelType::U8x4, weighed_in_place(canvas.pixels)),
        (Shape::Rgba, Weighing::None) => (PixelType::U8x4, canvas.pixels),
    };
    let from = Image::from_vec_u8(canvas.width, canvas.height, pixels, kind).map_err(|_| wrong)?;
    let mut image = Image::new(to.0, to.1, kind);
    Resizer::new()
        .resize(&from, &mut image, &options)
        .map_err(|_| wrong)?;
    let pixels = image.into_vec();
    Ok(match weighing {
        Weighing::None => pixels,
        Weighing::InPlace => unweighed(&widened(&pixels)),
        Weighing::Wide => unweighed(&pixels),
    })
}

/// Cells of a canvas up to which alpha is weighed in sixteen bits: more would cost more memory than the image did.
const WIDE_CELLS_MAX: usize = 600_000;

/// How colours are weighed with alpha.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weighing {
    /// Nothing is transparent.
    None,
    /// In eight bits, where the canvas is large.
    InPlace,
    /// In sixteen bits.
    Wide,
}

impl Weighing {
    fn of(canvas: &Canvas) -> Self {
        let cells = canvas.pixels.as_chunks::<4>().0;
        if canvas.shape != Shape::Rgba || cells.iter().all(|cell| cell[3] == 255) {
            Self::None
        } else if cells.len() > WIDE_CELLS_MAX {
            Self::InPlace
        } else {
            Self::Wide
        }
    }
}

/// Colours multiplied with alpha, eight bits a channel.
fn weighed_in_place(mut pixels: Vec<u8>) -> Vec<u8> {
    for [colours @ .., alpha] in pixels.as_chunks_mut::<4>().0 {
        for colour in colours {
            let product = u16::from(*colour) * u16::from(*alpha);
            *colour = u8::try_from((product + 127) / 255).unwrap_or(u8::MAX);
        }
    }
    pixels
}

/// Eight bits a channel as sixteen.
fn widened(pixels: &[u8]) -> Vec<u8> {
    let wide = pixels
        .iter()
        .flat_map(|value| (u16::from(*value) * 257).to_ne_bytes());
    wide.collect()
}

/// Sixteen bits a channel, colours multiplied with alpha.
fn weighed(pixels: &[u8]) -> Vec<u8> {
    let mut wide = Vec::with_capacity(pixels.len() * 2);
    for [red, green, blue, alpha] in pixels.as_chunks::<4>().0 {
        for colour in [red, green, blue] {
            // 257 × colour × alpha / 255, to the nearest: 255 × 255 becomes 65,535.
            let product = u32::from(*colour) * u32::from(*alpha) * 257;
            let value = u16::try_from((product + 127) / 255).unwrap_or(u16::MAX);
            wide.extend(value.to_ne_bytes());
        }
        wide.extend((u16::from(*alpha) * 257).to_ne_bytes());
    }
    wide
}

/// The way back; what cannot be seen is black.
fn unweighed(wide: &[u8]) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(wide.len() / 2);
    for [red1, red2, green1, green2, blue1, blue2, alpha1, alpha2] in wide.as_chunks::<8>().0 {
        let alpha = u32::from(u16::from_ne_bytes([*alpha1, *alpha2]));
        let seen = (alpha + 128) / 257;
        for pair in [[*red1, *red2], [*green1, *green2], [*blue1, *blue2]] {
            let value = u32::from(u16::from_ne_bytes(pair));
            let colour = if seen == 0 {
                0
            } else {
                (value * 255 + alpha / 2) / alpha
            };
            pixels.push(u8::try_from(colour).unwrap_or(u8::MAX));
        }
        pixels.push(u8::try_from(seen).unwrap_or(u8::MAX));
    }
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weighing_with_alpha_and_back_keeps_every_visible_colour() {
        for alpha in 1..=255 {
            for colour in 0..=255 {
                let pixel = [colour, 0, 255, alpha];
                assert_eq!(unweighed(&weighed(&pixel)), pixel);
            }
        }
        assert_eq!(unweighed(&weighed(&[1, 2, 3, 0])), [0, 0, 0, 0]);
    }
}
