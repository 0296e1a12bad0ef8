//! WebP: the canvas as it looks while the first frame is shown (feed 7.6).
//!
//! Promise: chunks are judged here; the decoder sees one still image at a time, in a file that we frame for it. The frame is
//! clipped to the canvas; where it leaves the canvas free, nothing is shown. Alpha of a lossy image is read apart from its
//! colours, so that both never lie in memory in their unpacked forms at once.

mod codes;

use super::pieces::Pieces;
use super::rows::{Rows, Source};
use super::{Decoded, Order, Orientation};
use crier_platform::ports::images::{BrokenPart, NoPicture};
use image_webp::WebPDecoder;

/// Code tables, transforms of small images, and whatever else does not grow with the sides.
const FIXED_BYTES: u64 = 2 * 1024 * 1024;
/// Position, sides, time and flags of a frame.
const FRAME: usize = 16;
/// The bit of a lossless header that says whether alpha means something.
const LOSSLESS_ALPHA: u8 = 0x10;

const HEADER: NoPicture = NoPicture::Broken(BrokenPart::Header);
const MISSING: NoPicture = NoPicture::Broken(BrokenPart::End);

/// How pixels are packed.
#[derive(Clone, Copy)]
enum Packed<'a> {
    /// `VP8 `, and its alpha.
    Lossy(&'a [u8], Option<&'a [u8]>),
    /// `VP8L`.
    Lossless(&'a [u8]),
}

/// What the walk over the chunks has found.
#[derive(Default)]
struct Head<'a> {
    /// Sides of the canvas, where a chunk names them.
    canvas: Option<(u32, u32)>,
    /// Where the frame stands on the canvas.
    place: (u32, u32),
    alpha: Option<&'a [u8]>,
    packed: Option<Packed<'a>>,
    profile: Option<&'a [u8]>,
    exif: Option<&'a [u8]>,
}

/// Reads a WebP.
pub fn decode(image: &[u8], order: &Order) -> Result<Decoded, NoPicture> {
    let head = walk(image)?;
    let packed = head.packed.ok_or(NoPicture::Broken(BrokenPart::Empty))?;
    let frame = packed.sides().ok_or(HEADER)?;
    let (width, height) = head.canvas.unwrap_or(frame);
    let canvas = order.bounds.sides(width, height)?;
    let target = order.fit.of(canvas.0, canvas.1);
    let unpacked = 4 * u64::from(frame.0) * u64::from(frame.1);
    let on_the_way = unpacked + 4 * u64::from(canvas.0) + Rows::bytes(canvas, target);
    order
        .bounds
        .memory(on_the_way.max(FIXED_BYTES + packed.memory(frame)))?;
    let beside = order.bounds.bytes_max.saturating_sub(packed.memory(frame));
    codes::tables(packed.bits(), frame, beside).ok_or(NoPicture::Memory)?;
    let pixels = packed.unpacked(frame, order)?;
    let mut rows = Rows::new(Source::Rgba, head.profile, canvas, target);
    let mut row = vec![0; canvas.0 as usize * 4];
    for y in 0..canvas.1 {
        order.deadline.check()?;
        row.fill(0);
        let inside = y.checked_sub(head.place.1).filter(|line| *line < frame.1);
        if let Some(line) = inside {
            let to = row.as_chunks_mut::<4>().0.iter_mut().skip(head.place.0 as usize);
            pixels.line(line as usize, frame.0 as usize, to);
        }
        rows.row(&row)?;
    }
    Ok(Decoded {
        canvas: rows.finish()?,
        orientation: head.exif.map_or_else(Orientation::default, Orientation::read),
    })
}

/// Pixels of a frame.
enum Pixels {
    /// Colours, and alpha where there is one.
    Apart(Vec<u8>, Option<Vec<u8>>),
    /// All four channels; false: alpha means nothing.
    Together(Vec<u8>, bool),
}

impl Pixels {
    /// Writes one line of the frame.
    fn line<'a>(&self, line: usize, width: usize, to: impl Iterator<Item = &'a mut [u8; 4]>) {
        let from = line * width;
        match self {
            Self::Apart(colours, alpha) => {
                let colours = colours.as_chunks::<3>().0.iter().skip(from).take(width);
                for (at, (pixel, [red, green, blue])) in to.zip(colours).enumerate() {
                    let seen = alpha.as_ref().map_or(255, |alpha| alpha[from + at]);
                    *pixel = [*red, *green, *blue, seen];
                }
            }
            Self::Together(pixels, alpha) => {
                for (pixel, read) in to.zip(pixels.as_chunks::<4>().0.iter().skip(from).take(width)) {
                    *pixel = *read;
                    if !alpha {
                        pixel[3] = 255;
                    }
                }
            }
        }
    }
}

impl Packed<'_> {
    /// The sides that the pixels' own header names.
    fn sides(&self) -> Option<(u32, u32)> {
        match self {
            Self::Lossy([_, _, _, 0x9d, 0x01, 0x2a, w1, w2, h1, h2, ..], _) => {
                let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
                Some((side(*w1, *w2), side(*h1, *h2)))
            }
            Self::Lossless([0x2f, b1, b2, b3, b4, ..]) => {
                let bits = u32::from_le_bytes([*b1, *b2, *b3, *b4]);
                Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
            }
            Self::Lossy(..) | Self::Lossless(_) => None,
        }
    }

    /// The losslessly packed bits of its pixels or of its alpha; none where there are none.
    fn bits(&self) -> &[u8] {
        match self {
            Self::Lossy(_, Some([flags, packed @ ..])) if flags & 3 == 1 => packed,
            Self::Lossless([_, _, _, _, _, packed @ ..]) => packed,
            Self::Lossy(..) | Self::Lossless(_) => &[],
        }
    }

    /// Bytes that unpacking holds at most: planes and colours, then colours and alpha with its unpacked form; or one image of four
    /// channels with its transforms.
    fn memory(&self, (width, height): (u32, u32)) -> u64 {
        let pixels = u64::from(width) * u64::from(height);
        let padded = u64::from(width.next_multiple_of(16)) * u64::from(height.next_multiple_of(16));
        match self {
            Self::Lossy(_, None) => 3 * pixels + padded * 3 / 2,
            Self::Lossy(_, Some(_)) => 7 * pixels + pixels / 2,
            Self::Lossless(_) => 4 * pixels + pixels,
        }
    }

    /// Unpacks the pixels of a frame with these sides.
    fn unpacked(&self, sides: (u32, u32), order: &Order) -> Result<Pixels, NoPicture> {
        match self {
            Self::Lossy(colours, alpha) => {
                let pixels = still(*b"VP8 ", &[], colours, order)?;
                if pixels.len() as u64 != u64::from(sides.0) * u64::from(sides.1) * 3 {
                    return Err(HEADER);
                }
                let alpha = alpha
                    .map(|alpha| unpacked_alpha(alpha, sides, order))
                    .transpose()?;
                Ok(Pixels::Apart(pixels, alpha))
            }
            Self::Lossless(packed) => {
                let (header, rest) = packed.split_first_chunk::<5>().ok_or(MISSING)?;
                let mut marked = *header;
                marked[4] |= LOSSLESS_ALPHA;
                let pixels = still(*b"VP8L", &marked, rest, order)?;
                Ok(Pixels::Together(pixels, header[4] & LOSSLESS_ALPHA != 0))
            }
        }
    }
}

/// Unpacks one still image: a file of one chunk that begins with `head` and goes on with `body`.
fn still(kind: [u8; 4], head: &[u8], body: &[u8], order: &Order) -> Result<Vec<u8>, NoPicture> {
    let length = u32::try_from(head.len() + body.len()).map_err(|_| HEADER)?;
    let padding: &[u8] = if length.is_multiple_of(2) { &[] } else { &[0] };
    let mut frame = b"RIFF".to_vec();
    frame.extend((length + 12 + length % 2).to_le_bytes());
    frame.extend(b"WEBP");
    frame.extend(kind);
    frame.extend(length.to_le_bytes());
    frame.extend(head);
    let file = Pieces::new(vec![&frame, body, padding], order.deadline);
    let broken = |_| order.deadline.or_broken(BrokenPart::Data);
    let mut decoder = WebPDecoder::new(file).map_err(broken)?;
    let mut pixels = vec![0; decoder.output_buffer_size().ok_or(HEADER)?];
    decoder.read_image(&mut pixels).map_err(broken)?;
    Ok(pixels)
}

/// The alpha of a lossy image. Packed, it is a lossless image without a header, whose green is alpha.
fn unpacked_alpha(chunk: &[u8], sides: (u32, u32), order: &Order) -> Result<Vec<u8>, NoPicture> {
    let (flags, packed) = chunk.split_first().ok_or(MISSING)?;
    let (width, height) = (sides.0 as usize, sides.1 as usize);
    let mut alpha = match flags & 3 {
        0 => packed.get(..width * height).ok_or(MISSING)?.to_vec(),
        1 => {
            let bits = sides.0.saturating_sub(1) | sides.1.saturating_sub(1) << 14;
            let [b1, b2, b3, b4] = bits.to_le_bytes();
            let pixels = still(*b"VP8L", &[0x2f, b1, b2, b3, b4 | LOSSLESS_ALPHA], packed, order)?;
            pixels.as_chunks::<4>().0.iter().map(|pixel| pixel[1]).collect()
        }
        _ => return Err(HEADER),
    };
    unfilter(&mut alpha, width, flags >> 2 & 3);
    Ok(alpha)
}

/// Adds to each value what its neighbours foretell, in the way that the alpha's flags name.
fn unfilter(alpha: &mut [u8], width: usize, method: u8) {
    if method == 0 {
        return;
    }
    for at in 1..alpha.len() {
        let left = if at % width == 0 {
            None
        } else {
            Some(alpha[at - 1])
        };
        let above = at.checked_sub(width).map(|above| alpha[above]);
        let foretold = match (left, above, method) {
            (None, Some(above), _) => above,
            (Some(left), None, _) | (Some(left), Some(_), 1) => left,
            (Some(_), Some(above), 2) => above,
            (Some(left), Some(above), _) => {
                let corner = alpha[at - width - 1];
                let sum = i16::from(left) + i16::from(above) - i16::from(corner);
                u8::try_from(sum.clamp(0, 255)).unwrap_or(u8::MAX)
            }
            (None, None, _) => 0,
        };
        alpha[at] = alpha[at].wrapping_add(foretold);
    }
}

/// The chunk that stands here, and where the next one does.
fn chunk(file: &[u8], at: usize) -> Option<(&[u8; 4], &[u8], usize)> {
    let (kind, rest) = file.get(at..)?.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    Some((kind, rest.get(..length)?, at + 8 + length.next_multiple_of(2)))
}

/// Walks over all chunks by their lengths.
fn walk(image: &[u8]) -> Result<Head<'_>, NoPicture> {
    let (_, after) = image.split_first_chunk::<4>().ok_or(MISSING)?;
    let (length, _) = after.split_first_chunk::<4>().ok_or(MISSING)?;
    let length = u32::from_le_bytes(*length) as usize;
    let file = image.get(..length.saturating_add(8)).ok_or(MISSING)?;
    let mut head = Head::default();
    let mut at = 12;
    while at < file.len() {
        let (kind, data, next) = chunk(file, at).ok_or(MISSING)?;
        match kind {
            b"VP8X" => head.canvas = Some(canvas(data)?),
            b"ICCP" => head.profile = head.profile.or(Some(data)),
            b"EXIF" => head.exif = head.exif.or(Some(data.strip_prefix(b"Exif\0\0").unwrap_or(data))),
            b"ANMF" if head.packed.is_none() => head.frame(data)?,
            _ => head.part(kind, data),
        }
        at = next;
    }
    Ok(head)
}

/// The sides of the canvas, behind four bytes of flags.
fn canvas(data: &[u8]) -> Result<(u32, u32), NoPicture> {
    let [_, _, _, _, w1, w2, w3, h1, h2, h3, ..] = data else {
        return Err(HEADER);
    };
    let side = |b1: u8, b2: u8, b3: u8| u32::from_le_bytes([b1, b2, b3, 0]) + 1;
    Ok((side(*w1, *w2, *w3), side(*h1, *h2, *h3)))
}

impl<'a> Head<'a> {
    /// A chunk of an image: the first that holds pixels counts, with the alpha before it.
    fn part(&mut self, kind: &[u8; 4], data: &'a [u8]) {
        if self.packed.is_some() {
            return;
        }
        match kind {
            b"ALPH" => self.alpha = self.alpha.or(Some(data)),
            b"VP8 " => self.packed = Some(Packed::Lossy(data, self.alpha)),
            b"VP8L" => self.packed = Some(Packed::Lossless(data)),
            _ => {}
        }
    }

    /// The first frame of an animation.
    fn frame(&mut self, data: &'a [u8]) -> Result<(), NoPicture> {
        let [x1, x2, x3, y1, y2, y3, ..] = data else {
            return Err(HEADER);
        };
        let place = |b1: u8, b2: u8, b3: u8| 2 * u32::from_le_bytes([b1, b2, b3, 0]);
        self.place = (place(*x1, *x2, *x3), place(*y1, *y2, *y3));
        let mut at = FRAME;
        while at < data.len() {
            let (kind, part, next) = chunk(data, at).ok_or(MISSING)?;
            self.part(kind, part);
            at = next;
        }
        Ok(())
    }
}
