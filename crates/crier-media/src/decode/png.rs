//! PNG: of an animated one the default picture (feed 7.6).
//!
//! Promise: the decoder sees the chunks that make pixels, in their order and once each, and the profile; text, time, animation and
//! everything else never reaches it.

use super::pieces::Pieces;
use super::rows::{Rows, Source};
use super::{Decoded, Order, Orientation, PROFILE_BYTES_MAX};
use crier_platform::ports::images::{BrokenPart, NoPicture};
use png::{BitDepth, ColorType, Decoder, InterlaceInfo, Limits, Reader, Transformations};
use std::ops::Range;

/// Bytes before the first chunk.
const SIGNATURE: usize = 8;
/// Rows, windows and tables of the decoder, and whatever else does not grow with the sides.
const FIXED_BYTES: u64 = 512 * 1024;

/// What the walk over the chunks has found.
struct Head<'a> {
    sides: (u32, u32),
    interlaced: bool,
    exif: Option<&'a [u8]>,
    /// Where the chunks for the decoder stand.
    pieces: Vec<Range<usize>>,
}

/// Reads a PNG.
pub fn decode(image: &[u8], order: &Order) -> Result<Decoded, NoPicture> {
    let head = walk(image, order)?;
    let target = order.fit.of(head.sides.0, head.sides.1);
    let whole = if head.interlaced {
        u64::from(head.sides.0) * u64::from(head.sides.1) * 4
    } else {
        0
    };
    order
        .bounds
        .memory(FIXED_BYTES + whole + Rows::bytes(head.sides, target))?;
    let broken = |_| order.deadline.or_broken(BrokenPart::Data);
    let limits = Limits {
        bytes: PROFILE_BYTES_MAX,
    };
    let pieces = head.pieces.into_iter().map(|piece| &image[piece]).collect();
    let mut decoder = Decoder::new_with_limits(Pieces::new(pieces, order.deadline), limits);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(broken)?;
    let source = match reader.output_color_type() {
        (ColorType::Grayscale, BitDepth::Eight) => Source::Grey,
        (ColorType::GrayscaleAlpha, BitDepth::Eight) => Source::GreyAlpha,
        (ColorType::Rgb, BitDepth::Eight) => Source::Rgb,
        (ColorType::Rgba, BitDepth::Eight) => Source::Rgba,
        _ => return Err(NoPicture::Broken(BrokenPart::Header)),
    };
    let profile = reader.info().icc_profile.clone();
    let mut rows = Rows::new(source, profile.as_deref(), head.sides, target);
    if head.interlaced {
        let pixels = deinterlaced(&mut reader, head.sides, source, order)?;
        for row in pixels.chunks_exact(head.sides.0 as usize * source.channels()) {
            rows.row(row)?;
        }
    } else {
        while let Some(row) = reader.next_row().map_err(broken)? {
            rows.row(row.data())?;
        }
    }
    reader.finish().map_err(broken)?;
    Ok(Decoded {
        canvas: rows.finish()?,
        orientation: head.exif.map_or_else(Orientation::default, Orientation::read),
    })
}

/// All seven passes.
fn deinterlaced(
    reader: &mut Reader<Pieces>,
    sides: (u32, u32),
    source: Source,
    order: &Order,
) -> Result<Vec<u8>, NoPicture> {
    let stride = sides.0 as usize * source.channels();
    let bits = u8::try_from(source.channels() * 8).unwrap_or(u8::MAX);
    let mut pixels = vec![0; stride * sides.1 as usize];
    while let Some(row) = reader
        .next_interlaced_row()
        .map_err(|_| order.deadline.or_broken(BrokenPart::Data))?
    {
        if let InterlaceInfo::Adam7(pass) = row.interlace() {
            png::expand_interlaced_row(&mut pixels, stride, row.data(), pass, bits);
        }
    }
    Ok(pixels)
}

/// Walks over all chunks by their lengths, judges the header, and picks what the decoder may see.
fn walk<'a>(image: &'a [u8], order: &Order) -> Result<Head<'a>, NoPicture> {
    let wrong = NoPicture::Broken(BrokenPart::Header);
    let missing = NoPicture::Broken(BrokenPart::End);
    let mut head = Head {
        sides: (0, 0),
        interlaced: false,
        exif: None,
        pieces: Vec::new(),
    };
    extend(&mut head.pieces, 0..SIGNATURE);
    let mut seen = Seen::default();
    let mut at = SIGNATURE;
    loop {
        let rest = image.get(at..).unwrap_or_default();
        let ([l1, l2, l3, l4, kind @ ..], _) = rest.split_first_chunk::<8>().ok_or(missing)?;
        let length = u32::from_be_bytes([*l1, *l2, *l3, *l4]) as usize;
        let chunk = rest.get(..length.saturating_add(12)).ok_or(missing)?;
        let data = &chunk[8..8 + length];
        if at == SIGNATURE {
            (head.sides, head.interlaced) = header(kind, data, order)?;
        }
        if seen.takes(kind).ok_or(wrong)? {
            extend(&mut head.pieces, at..at + chunk.len());
        } else if kind == b"eXIf" {
            head.exif.get_or_insert(data);
        }
        at += chunk.len();
        if kind == b"IEND" {
            return if seen.data {
                Ok(head)
            } else {
                Err(NoPicture::Broken(BrokenPart::Empty))
            };
        }
    }
}

/// Width, height and whether it is interlaced, of the first chunk.
fn header(kind: &[u8; 4], data: &[u8], order: &Order) -> Result<((u32, u32), bool), NoPicture> {
    let wrong = NoPicture::Broken(BrokenPart::Header);
    let [w1, w2, w3, w4, h1, h2, h3, h4, _, _, _, _, interlace] = data else {
        return Err(wrong);
    };
    if kind != b"IHDR" {
        return Err(wrong);
    }
    let width = u32::from_be_bytes([*w1, *w2, *w3, *w4]);
    let height = u32::from_be_bytes([*h1, *h2, *h3, *h4]);
    Ok((order.bounds.sides(width, height)?, *interlace != 0))
}

/// Which chunks came before.
#[derive(Default)]
struct Seen {
    header: bool,
    palette: bool,
    transparency: bool,
    profile: bool,
    data: bool,
    data_ended: bool,
}

impl Seen {
    /// Whether the decoder gets this chunk; `None` when it may not stand here.
    fn takes(&mut self, kind: &[u8; 4]) -> Option<bool> {
        let first = |seen: &mut bool| {
            if std::mem::replace(seen, true) {
                None
            } else {
                Some(true)
            }
        };
        if kind == b"IDAT" {
            self.data = true;
            return (!self.data_ended).then_some(true);
        }
        self.data_ended = self.data;
        match kind {
            b"IHDR" => first(&mut self.header),
            b"PLTE" => first(&mut self.palette),
            b"tRNS" => first(&mut self.transparency),
            // Only the first profile counts; one behind the pixels would be an error to the decoder.
            b"iCCP" => Some(!self.data && !std::mem::replace(&mut self.profile, true)),
            b"IEND" => Some(true),
            // A critical chunk that nobody knows: the picture cannot be right without it.
            [letter, ..] => (letter & 0x20 != 0).then_some(false),
        }
    }
}

/// Adds a chunk, to the piece before it where they touch.
fn extend(pieces: &mut Vec<Range<usize>>, chunk: Range<usize>) {
    match pieces.last_mut() {
        Some(last) if last.end == chunk.start => last.end = chunk.end,
        _ => pieces.push(chunk),
    }
}
