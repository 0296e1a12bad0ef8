//! Strangers' images read into small canvases (feed 7.6).
//!
//! Promise: the first bytes alone say the format; sides and working memory are judged by the header before a pixel is read, and an
//! image that passes is decoded within them. No step panics, and equal bytes give the same canvas or the same cause. Knows neither
//! addresses nor what becomes of the canvas.

mod colour;
mod exif;
mod gif;
mod jpeg;
mod pieces;
mod png;
mod reduce;
mod rows;
mod webp;

pub use exif::Orientation;
pub use reduce::{Canvas, Shape};

use crier_platform::model::picture::Fit;
use crier_platform::model::time::ElapsedMs;
use crier_platform::ports::clock::Clock;
use crier_platform::ports::images::{BrokenPart, NoPicture};

/// Unpacked bytes of a colour profile that is used; a larger one is ignored (feed 7.6).
pub const PROFILE_BYTES_MAX: usize = 1 << 20;

/// What an image is, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// JPEG.
    Jpeg,
    /// PNG, animated or not.
    Png,
    /// GIF of 1987 or 1989.
    Gif,
    /// WebP of any kind.
    WebP,
}

impl Format {
    /// What the first bytes say; file names and content types do not count.
    #[must_use]
    pub fn sniffed(image: &[u8]) -> Option<Self> {
        match image {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            _ => None,
        }
    }

    /// Its label in figures.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::Gif => "gif",
            Self::WebP => "webp",
        }
    }
}

/// What an image may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Pixels of a side (`media.side_max`).
    pub side_max: u32,
    /// Bytes of working memory beside the file (`media.decode_bytes_max`).
    pub bytes_max: u64,
}

impl Bounds {
    /// Judges declared sides.
    fn sides(&self, width: u32, height: u32) -> Result<(u32, u32), NoPicture> {
        let permitted = 1..=self.side_max;
        if !permitted.contains(&width) || !permitted.contains(&height) {
            return Err(NoPicture::TooLarge);
        }
        Ok((width, height))
    }

    /// Judges computed working memory.
    fn memory(&self, bytes: u64) -> Result<(), NoPicture> {
        if bytes > self.bytes_max {
            return Err(NoPicture::Memory);
        }
        Ok(())
    }
}

/// The moment at which a decoder stops, asked between rows and between reads.
#[derive(Clone, Copy)]
pub struct Deadline<'a> {
    /// The stopwatch.
    pub clock: &'a dyn Clock,
    /// When it is over.
    pub at: ElapsedMs,
}

impl Deadline<'_> {
    /// Whether the time is over.
    fn is_over(&self) -> bool {
        self.clock.elapsed() >= self.at
    }

    /// Stops when the time is over.
    fn check(&self) -> Result<(), NoPicture> {
        if self.is_over() {
            return Err(NoPicture::Timeout);
        }
        Ok(())
    }

    /// What a decoder's complaint means: the time is over, else this part is wrong.
    fn or_broken(&self, part: BrokenPart) -> NoPicture {
        if self.is_over() {
            return NoPicture::Timeout;
        }
        NoPicture::Broken(part)
    }
}

/// What is wanted of an image, and what it may cost.
#[derive(Clone, Copy)]
pub struct Order<'a> {
    /// The square that its picture must fit.
    pub fit: Fit,
    /// What it may cost.
    pub bounds: Bounds,
    /// When to stop.
    pub deadline: Deadline<'a>,
}

/// An image, reduced.
pub struct Decoded {
    /// Its pixels as stored, not yet turned.
    pub canvas: Canvas,
    /// How it is turned.
    pub orientation: Orientation,
}

/// Reads an image of this format.
///
/// # Errors
/// Why it gives no picture.
pub fn decode(format: Format, image: &[u8], order: &Order) -> Result<Decoded, NoPicture> {
    match format {
        Format::Jpeg => jpeg::decode(image, order),
        Format::Png => png::decode(image, order),
        Format::Gif => gif::decode(image, order),
        Format::WebP => webp::decode(image, order),
    }
}
