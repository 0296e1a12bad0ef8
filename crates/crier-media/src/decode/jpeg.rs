//! JPEG: baseline, extended and progressive of eight bits, decoded at the smallest scale that is of use (feed 7.6, 7.7).
//!
//! Promise: the header walk below reads no entropy-coded byte; what it refuses costs nothing. The decoder gets the file as it is and
//! keeps nothing of its metadata. Arithmetic coding, lossless and twelve-bit files are refused: no browser shows them.

use super::rows::{Rows, Source};
use super::{Decoded, Order, Orientation, PROFILE_BYTES_MAX};
use crier_platform::ports::images::{BrokenPart, NoPicture};
use libjpeg_turbo_rs::{DecodeLimits, Decoder, JpegError, PixelFormat, ScalingFactor};

/// Scans of one file: an order of magnitude above what encoders write, and few enough to bound the time of 4,000,000 pixels.
const SCANS_MAX: usize = 100;
/// Reductions that the decoder offers, the strongest first.
const DENOMINATORS: [u32; 4] = [8, 4, 2, 1];
/// Tables, and whatever else does not grow with the sides.
const FIXED_BYTES: u64 = 64 * 1024;

/// What stands before the first scan.
struct Head<'a> {
    sides: (u32, u32),
    /// Samples of each component in one unit, from left to right and from top to bottom.
    sampling: Vec<(u32, u32)>,
    progressive: bool,
    /// An Adobe segment: CMYK and YCCK are stored inverted.
    adobe: bool,
    exif: Option<&'a [u8]>,
    profile: Option<Vec<u8>>,
}

/// Reads a JPEG.
pub fn decode(image: &[u8], order: &Order) -> Result<Decoded, NoPicture> {
    let head = Walk::over(image).head(order)?;
    let target = order.fit.of(head.sides.0, head.sides.1);
    let denominator = scale(&head, target, order)?;
    let source = match head.sampling.len() {
        1 => Source::Grey,
        3 => Source::Rgb,
        _ => Source::Cmyk,
    };
    let limits = DecodeLimits {
        max_scans: SCANS_MAX,
        ..DecodeLimits::default()
    };
    let mut decoder = Decoder::new_with_limits(image, limits).map_err(|why| cause(&why))?;
    decoder.set_scale(ScalingFactor::try_new(1, denominator).map_err(|why| cause(&why))?);
    decoder.set_output_format(match source {
        Source::Grey => PixelFormat::Grayscale,
        Source::Rgb => PixelFormat::Rgb,
        Source::Cmyk | Source::GreyAlpha | Source::Rgba => PixelFormat::Cmyk,
    });
    let mut decoded = decoder.decode_image().map_err(|why| cause(&why))?;
    order.deadline.check()?;
    if source == Source::Cmyk && head.adobe {
        decoded.data.iter_mut().for_each(|ink| *ink = 255 - *ink);
    }
    let sides = (
        scaled(head.sides.0, denominator),
        scaled(head.sides.1, denominator),
    );
    let mut rows = Rows::new(source, head.profile.as_deref(), sides, target);
    for row in decoded.data.chunks_exact(sides.0 as usize * source.channels()) {
        rows.row(row)?;
    }
    Ok(Decoded {
        canvas: rows.finish()?,
        orientation: head.exif.map_or_else(Orientation::default, Orientation::read),
    })
}

const fn scaled(side: u32, denominator: u32) -> u32 {
    side.div_ceil(denominator)
}

/// The strongest reduction that leaves twice the target on each side; where memory does not permit it, one that leaves the target.
fn scale(head: &Head, target: (u32, u32), order: &Order) -> Result<u32, NoPicture> {
    let leaves = |denominator: u32, times: u32| {
        scaled(head.sides.0, denominator) >= times * target.0
            && scaled(head.sides.1, denominator) >= times * target.1
    };
    let wanted = DENOMINATORS
        .into_iter()
        .find(|denominator| leaves(*denominator, 2));
    let wanted = wanted.unwrap_or(1);
    if order.bounds.memory(memory(head, target, wanted)).is_ok() {
        return Ok(wanted);
    }
    let least = DENOMINATORS
        .into_iter()
        .find(|denominator| leaves(*denominator, 1));
    let least = least.unwrap_or(1);
    order.bounds.memory(memory(head, target, least))?;
    Ok(least)
}

/// Working memory at this scale: coefficients of a progressive file, planes and pixels; when they are gone, the way to the canvas.
fn memory(head: &Head, target: (u32, u32), denominator: u32) -> u64 {
    let widest = |pick: fn(&(u32, u32)) -> u32| head.sampling.iter().map(pick).max().unwrap_or(1);
    let units_across = head.sides.0.div_ceil(8 * widest(|component| component.0));
    let units_down = head.sides.1.div_ceil(8 * widest(|component| component.1));
    let blocks: u64 = head
        .sampling
        .iter()
        .map(|(across, down)| u64::from(units_across * across) * u64::from(units_down * down))
        .sum();
    let coefficients = if head.progressive { blocks * 129 } else { 0 };
    let block_side = u64::from(8 / denominator);
    let sides = (
        scaled(head.sides.0, denominator),
        scaled(head.sides.1, denominator),
    );
    let pixels = u64::from(sides.0) * u64::from(sides.1) * head.sampling.len() as u64;
    let planes = blocks * block_side * block_side;
    FIXED_BYTES + pixels + (coefficients + planes).max(Rows::bytes(sides, target))
}

/// What a decoder's complaint means here. Its texts may quote the file and are not passed on.
fn cause(why: &JpegError) -> NoPicture {
    match why {
        JpegError::UnexpectedEof => NoPicture::Broken(BrokenPart::End),
        JpegError::Unsupported(_) => NoPicture::Unsupported,
        JpegError::AllocationFailed { .. } => NoPicture::Memory,
        // The one limit that is set is that of scans.
        JpegError::LimitExceeded { .. } => NoPicture::Timeout,
        _ => NoPicture::Broken(BrokenPart::Data),
    }
}

/// A walk over the segments before the first scan.
struct Walk<'a> {
    image: &'a [u8],
    at: usize,
    sides: Option<(u32, u32)>,
    sampling: Vec<(u32, u32)>,
    progressive: bool,
    adobe: bool,
    exif: Option<&'a [u8]>,
    pieces: Vec<(u8, u8, &'a [u8])>,
}

impl<'a> Walk<'a> {
    const fn over(image: &'a [u8]) -> Self {
        Self {
            image,
            at: 2,
            sides: None,
            sampling: Vec::new(),
            progressive: false,
            adobe: false,
            exif: None,
            pieces: Vec::new(),
        }
    }

    /// Walks to the first scan and judges the sides.
    fn head(mut self, order: &Order) -> Result<Head<'a>, NoPicture> {
        loop {
            let marker = self.marker()?;
            match marker {
                0xda => break,
                0xd9 => return Err(NoPicture::Broken(BrokenPart::Empty)),
                0x01 | 0xd0..=0xd8 => return Err(NoPicture::Broken(BrokenPart::Header)),
                _ => {}
            }
            let segment = self.segment()?;
            match marker {
                0xc0..=0xc2 => self.frame(segment, marker == 0xc2, order)?,
                0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => return Err(NoPicture::Unsupported),
                0xe1 | 0xe2 | 0xee => self.application(marker, segment),
                _ => {}
            }
        }
        let sides = self.sides.ok_or(NoPicture::Broken(BrokenPart::Header))?;
        if !self.image[self.at..].windows(2).any(|pair| pair == [0xff, 0xd9]) {
            return Err(NoPicture::Broken(BrokenPart::End));
        }
        Ok(Head {
            sides,
            profile: joined(&self.pieces),
            sampling: self.sampling,
            progressive: self.progressive,
            adobe: self.adobe,
            exif: self.exif,
        })
    }

    /// The next marker; stray bytes before it and filling are passed over, as every reader does.
    fn marker(&mut self) -> Result<u8, NoPicture> {
        let rest = self.image.get(self.at..).unwrap_or_default();
        let found = rest
            .windows(2)
            .position(|pair| pair[0] == 0xff && pair[1] != 0xff && pair[1] != 0);
        let found = found.ok_or(NoPicture::Broken(BrokenPart::End))?;
        self.at += found + 2;
        Ok(rest[found + 1])
    }

    /// The bytes of the segment whose length stands here.
    fn segment(&mut self) -> Result<&'a [u8], NoPicture> {
        let missing = NoPicture::Broken(BrokenPart::End);
        let rest = self.image.get(self.at..).ok_or(missing)?;
        let (length, _) = rest.split_first_chunk::<2>().ok_or(missing)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length < 2 {
            return Err(NoPicture::Broken(BrokenPart::Header));
        }
        self.at += length;
        rest.get(2..length).ok_or(missing)
    }

    /// A frame header.
    fn frame(&mut self, segment: &[u8], progressive: bool, order: &Order) -> Result<(), NoPicture> {
        let wrong = NoPicture::Broken(BrokenPart::Header);
        let ([precision, high, low, wide, narrow, count], components) =
            segment.split_first_chunk::<6>().ok_or(wrong)?;
        if self.sides.is_some() || components.len() != 3 * usize::from(*count) {
            return Err(wrong);
        }
        let height = u16::from_be_bytes([*high, *low]);
        let width = u16::from_be_bytes([*wide, *narrow]);
        self.sides = Some(order.bounds.sides(width.into(), height.into())?);
        if *precision != 8 || !matches!(count, 1 | 3 | 4) {
            return Err(NoPicture::Unsupported);
        }
        for [_, factors, _] in components.as_chunks::<3>().0 {
            let (across, down) = (u32::from(factors >> 4), u32::from(factors & 15));
            if !(1..=4).contains(&across) || !(1..=4).contains(&down) {
                return Err(wrong);
            }
            self.sampling.push((across, down));
        }
        // The decoder reads four components at one sampling only.
        if *count == 4 && self.sampling.iter().any(|factors| *factors != self.sampling[0]) {
            return Err(NoPicture::Unsupported);
        }
        // One component is never interleaved: its factors mean nothing.
        if let [only] = self.sampling.as_mut_slice() {
            *only = (1, 1);
        }
        self.progressive = progressive;
        Ok(())
    }

    /// What an application has put beside the image, where it means something to us.
    fn application(&mut self, marker: u8, segment: &'a [u8]) {
        if marker == 0xe1
            && let Some(block) = segment.strip_prefix(b"Exif\0\0")
        {
            self.exif.get_or_insert(block);
        } else if marker == 0xe2
            && let Some([number, count, piece @ ..]) = segment.strip_prefix(b"ICC_PROFILE\0")
        {
            self.pieces.push((*number, *count, piece));
        } else if marker == 0xee && segment.starts_with(b"Adobe") {
            self.adobe = true;
        }
    }
}

/// The profile whose numbered pieces these are; none when one is missing, doubled or too much.
fn joined(pieces: &[(u8, u8, &[u8])]) -> Option<Vec<u8>> {
    let count = pieces.first()?.1;
    let bytes: usize = pieces.iter().map(|(_, _, piece)| piece.len()).sum();
    if usize::from(count) != pieces.len() || bytes > PROFILE_BYTES_MAX {
        return None;
    }
    let mut profile = Vec::with_capacity(bytes);
    for number in 1..=count {
        let (_, _, piece) = pieces
            .iter()
            .find(|piece| piece.0 == number && piece.1 == count)?;
        profile.extend_from_slice(piece);
    }
    Some(profile)
}
