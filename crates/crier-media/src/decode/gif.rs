//! GIF: the canvas as it looks while the first frame is shown (feed 7.6).
//!
//! Promise: the walk below finds the end of the file without unpacking anything; the decoder sees the first frame, what says how it
//! is shown, and the profile, and nothing else. The frame is clipped to the canvas; where it leaves the canvas free, nothing is shown.

use super::pieces::Pieces;
use super::rows::{Rows, Source};
use super::{Decoded, Order, Orientation};
use crier_platform::ports::images::{BrokenPart, NoPicture};
use gif::{ColorOutput, DecodeOptions, MemoryLimit};

/// Signature and screen, before the global colours.
const SCREEN: usize = 13;
/// Position, sides and flags of a frame, behind its mark.
const FRAME: usize = 9;
/// The label of an extension that says how the next frame is shown.
const CONTROL: u8 = 0xf9;
/// The label of an application's extension, and the name of the one that holds a profile.
const PROFILE: &[u8] = b"\xff\x0bICCRGBG1012";
/// Tables, and whatever else does not grow with the sides.
const FIXED_BYTES: u64 = 256 * 1024;

/// What the walk over the blocks has found.
struct Head<'a> {
    canvas: (u32, u32),
    /// Sides of the first frame.
    frame: (u32, u32),
    /// What the decoder sees.
    seen: Vec<&'a [u8]>,
}

/// Reads a GIF.
pub fn decode(image: &[u8], order: &Order) -> Result<Decoded, NoPicture> {
    let head = walk(image, order)?;
    let target = order.fit.of(head.canvas.0, head.canvas.1);
    let frame_pixels = u64::from(head.frame.0) * u64::from(head.frame.1);
    let canvas_row = 4 * u64::from(head.canvas.0);
    order
        .bounds
        .memory(FIXED_BYTES + frame_pixels + canvas_row + Rows::bytes(head.canvas, target))?;
    let broken = |_| order.deadline.or_broken(BrokenPart::Data);
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options.set_memory_limit(MemoryLimit::Unlimited);
    let seen = Pieces::new(head.seen, order.deadline);
    let mut decoder = options.read_info(seen).map_err(broken)?;
    let frame = decoder.next_frame_info().map_err(broken)?;
    let frame = frame.ok_or(NoPicture::Broken(BrokenPart::Empty))?;
    let (left, top) = (usize::from(frame.left), usize::from(frame.top));
    let transparent = frame.transparent;
    let mut indexes = vec![0; usize::try_from(frame_pixels).unwrap_or(usize::MAX)];
    decoder.read_into_buffer(&mut indexes).map_err(broken)?;
    let colours = Colours::new(decoder.palette().map_err(broken)?, transparent);
    let mut rows = Rows::new(Source::Rgba, decoder.icc_profile(), head.canvas, target);
    let mut row = vec![0; head.canvas.0 as usize * 4];
    for y in 0..head.canvas.1 as usize {
        order.deadline.check()?;
        row.fill(0);
        let inside = y.checked_sub(top);
        if let Some(line) = inside.and_then(|line| indexes.chunks_exact(head.frame.0 as usize).nth(line)) {
            let places = row.as_chunks_mut::<4>().0.iter_mut().skip(left);
            for (place, index) in places.zip(line) {
                *place = colours.0[usize::from(*index)];
            }
        }
        rows.row(&row)?;
    }
    Ok(Decoded {
        canvas: rows.finish()?,
        orientation: Orientation::default(),
    })
}

/// What each index is shown as; one beyond the palette is black.
struct Colours([[u8; 4]; 256]);

impl Colours {
    fn new(palette: &[u8], transparent: Option<u8>) -> Self {
        let mut colours = [[0, 0, 0, 255]; 256];
        for (colour, [red, green, blue]) in colours.iter_mut().zip(palette.as_chunks::<3>().0) {
            *colour = [*red, *green, *blue, 255];
        }
        if let Some(index) = transparent {
            colours[usize::from(index)] = [0; 4];
        }
        Self(colours)
    }
}

/// Walks over all blocks to the end of the file and judges the canvas.
fn walk<'a>(image: &'a [u8], order: &Order) -> Result<Head<'a>, NoPicture> {
    let missing = NoPicture::Broken(BrokenPart::End);
    let screen = image.get(..SCREEN).ok_or(missing)?;
    let short = |at: usize| u32::from(u16::from_le_bytes([screen[at], screen[at + 1]]));
    let canvas = order.bounds.sides(short(6), short(8))?;
    let mut at = SCREEN + colours_bytes(screen[10]);
    let head = image.get(..at).ok_or(missing)?;
    let (mut first, mut control, mut profile) = (None, None, None);
    loop {
        match image.get(at).ok_or(missing)? {
            b';' => {
                let (frame, control, data) = first.ok_or(NoPicture::Broken(BrokenPart::Empty))?;
                let profile = profile.unwrap_or_default();
                return Ok(Head {
                    canvas,
                    frame,
                    seen: vec![head, profile, control, data, b";"],
                });
            }
            b'!' => {
                let end = blocks_end(image, at + 2).ok_or(missing)?;
                let extension = &image[at..end];
                if extension[1] == CONTROL {
                    control = Some(extension);
                } else if extension[1..].starts_with(PROFILE) {
                    profile.get_or_insert(extension);
                }
                at = end;
            }
            b',' => {
                let frame = image.get(at + 1..=at + FRAME).ok_or(missing)?;
                let sides = (
                    u32::from(u16::from_le_bytes([frame[4], frame[5]])),
                    u32::from(u16::from_le_bytes([frame[6], frame[7]])),
                );
                // Behind the colours stands one byte about the codes.
                let data = at + FRAME + 1 + colours_bytes(frame[8]) + 1;
                let end = blocks_end(image, data).ok_or(missing)?;
                if sides.0 == 0 || sides.1 == 0 {
                    return Err(NoPicture::Broken(BrokenPart::Header));
                }
                first.get_or_insert((sides, control.unwrap_or_default(), &image[at..end]));
                at = end;
            }
            _ => return Err(NoPicture::Broken(BrokenPart::Header)),
        }
    }
}

/// Bytes of the colours that these flags announce.
const fn colours_bytes(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 6 << (flags & 7) }
}

/// Where a chain of blocks that begins here ends.
fn blocks_end(image: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*image.get(at)?);
        at += length + 1;
        if length == 0 {
            return Some(at);
        }
    }
}
