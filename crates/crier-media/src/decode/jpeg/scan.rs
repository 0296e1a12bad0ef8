//! The scans of a JPEG, from their bits to samples (ITU-T T.81, annexes F and G).
//!
//! Promise: the deadline is looked at before every row of blocks. A block of a baseline file becomes samples at once and is forgotten;
//! one of a progressive file is kept until the last scan. Where a block becomes one sample, nothing but its first coefficient is read.

use super::super::Deadline;
use super::bits::{Bits, Codes};
use super::head::{Tables, Walk};
use super::idct;
use super::layout::{Frame, Layout};
use crier_platform::ports::images::{BrokenPart, NoPicture};

/// Where a coefficient stands in rows of eight, by its place in a scan.
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// The samples of a component.
pub struct Plane {
    /// Where they stand.
    pub layout: Layout,
    /// Rows from the top, the layout's stride apart.
    pub samples: Vec<u8>,
    /// Its quantisation, once a scan has named it.
    quantisation: Option<[i32; 64]>,
    /// Coefficients of each block of a progressive file, in the order of a scan.
    blocks: Vec<[i16; 64]>,
    /// The place of the last coefficient of each block that is not zero.
    lasts: Vec<u8>,
    /// The last first coefficient.
    before: i32,
}

/// What a scan brings.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// All of a block.
    Whole,
    /// First coefficients, without so many of their lower bits.
    First { low: u32 },
    /// One more bit of first coefficients.
    FirstBit { bit: i16 },
    /// Other coefficients of a band, without so many of their lower bits.
    Band { from: usize, to: usize, low: u32 },
    /// One more bit of the other coefficients of a band.
    BandBit { from: usize, to: usize, bit: i16 },
}

/// A scan's header and its codes.
struct Scan<'a> {
    /// Components and their codes of first and of other coefficients, where the scan has such.
    parts: Vec<(usize, Option<Codes<'a>>, Option<Codes<'a>>)>,
    kind: Kind,
    restart: u32,
}

/// What a scan remembers from block to block.
struct Course<'a> {
    bits: Bits<'a>,
    kind: Kind,
    /// Blocks in which the band brings nothing new.
    empty_blocks: u32,
    /// Units up to the next restart marker.
    units_left: u32,
}

/// Memory for the samples of each component, and for the coefficients of a progressive file.
pub fn planes(frame: &Frame, denominator: u32) -> Vec<Plane> {
    let layouts = frame.layouts(denominator).into_iter();
    let plane = |layout: Layout| {
        let blocks = layout.blocks.0 * layout.blocks.1;
        let kept = if frame.progressive { blocks } else { 0 };
        Plane {
            layout,
            samples: vec![0; blocks * layout.side * layout.side],
            quantisation: None,
            blocks: vec![[0; 64]; kept],
            lasts: vec![0; kept],
            before: 0,
        }
    };
    layouts.map(plane).collect()
}

/// Reads the scan behind whose marker the walk stands.
pub fn read(
    walk: &mut Walk,
    frame: &Frame,
    planes: &mut [Plane],
    deadline: Deadline,
) -> Result<(), NoPicture> {
    let header = walk.segment()?;
    let mut scan = Scan::new(header, frame, &walk.tables)?;
    for (at, _, other) in &mut scan.parts {
        let plane = &mut planes[*at];
        plane.before = 0;
        if let (Kind::Whole, 1, Some(codes)) = (scan.kind, plane.layout.side, other) {
            codes.prepare_steps();
        }
        if plane.quantisation.is_none() {
            let table = walk.tables.quantisation[frame.components[*at].table];
            let table = table.ok_or(NoPicture::Broken(BrokenPart::Data))?;
            plane.quantisation = Some(table.map(i32::from));
        }
    }
    let mut course = Course {
        bits: Bits::from(walk.image, walk.at),
        kind: scan.kind,
        empty_blocks: 0,
        units_left: scan.restart,
    };
    let units = match scan.parts.as_slice() {
        [(only, _, _)] => planes[*only].layout.own_blocks,
        _ => frame.units(),
    };
    for down in 0..units.1 {
        deadline.check()?;
        for across in 0..units.0 {
            if scan.restart > 0 {
                course.count_down(scan.restart, planes)?;
            }
            course.unit(&scan, planes, (across, down))?;
            course.bits.check()?;
        }
    }
    walk.at = course.bits.at();
    Ok(())
}

/// Whether each component had its scan.
pub fn is_whole(planes: &[Plane]) -> bool {
    planes.iter().all(|plane| plane.quantisation.is_some())
}

impl<'a> Scan<'a> {
    fn new(header: &[u8], frame: &Frame, tables: &Tables<'a>) -> Result<Self, NoPicture> {
        let wrong = NoPicture::Broken(BrokenPart::Data);
        let (count, rest) = header.split_first().ok_or(wrong)?;
        let (named, band) = rest.split_at_checked(2 * usize::from(*count)).ok_or(wrong)?;
        let [from, to, bits] = *band.first_chunk::<3>().ok_or(wrong)?;
        if !(1..=frame.components.len()).contains(&usize::from(*count)) {
            return Err(wrong);
        }
        let kind = if frame.progressive {
            Kind::of_band((from, to), (bits >> 4, bits & 15)).ok_or(wrong)?
        } else {
            Kind::Whole
        };
        let has_first = matches!(kind, Kind::Whole | Kind::First { .. });
        let has_other = matches!(kind, Kind::Whole | Kind::Band { .. } | Kind::BandBit { .. });
        if *count > 1 && matches!(kind, Kind::Band { .. } | Kind::BandBit { .. }) {
            return Err(wrong);
        }
        let codes = |tables: &[Option<&'a [u8]>; 4], number: u8, is_used: bool| {
            if !is_used {
                return Ok(None);
            }
            let table = tables.get(usize::from(number)).copied().flatten();
            Codes::new(table.ok_or(wrong)?).map(Some)
        };
        let mut parts: Vec<(usize, Option<Codes>, Option<Codes>)> = Vec::with_capacity((*count).into());
        for [id, numbers] in named.as_chunks::<2>().0 {
            let component = frame.components.iter().position(|component| component.id == *id);
            let component = component.ok_or(wrong)?;
            if parts.iter().any(|part| part.0 == component) {
                return Err(wrong);
            }
            parts.push((
                component,
                codes(&tables.first, numbers >> 4, has_first)?,
                codes(&tables.other, numbers & 15, has_other)?,
            ));
        }
        Ok(Self {
            parts,
            kind,
            restart: tables.restart,
        })
    }
}

impl Kind {
    /// What a scan of a progressive file brings, by its band and its bits, high and low; none when there is no such scan.
    fn of_band((from, to): (u8, u8), (high, low): (u8, u8)) -> Option<Self> {
        if low > 13 || to > 63 || from > to || (from == 0 && to != 0) {
            return None;
        }
        let (from, to, bit) = (usize::from(from), usize::from(to), 1 << low);
        let low = u32::from(low);
        Some(match (from, high) {
            (0, 0) => Self::First { low },
            (0, _) => Self::FirstBit { bit },
            (_, 0) => Self::Band { from, to, low },
            (_, _) => Self::BandBit { from, to, bit },
        })
    }
}

impl Course<'_> {
    /// Begins anew when it is time to.
    fn count_down(&mut self, restart: u32, planes: &mut [Plane]) -> Result<(), NoPicture> {
        if self.units_left == 0 {
            self.bits.restart()?;
            self.units_left = restart;
            self.empty_blocks = 0;
            planes.iter_mut().for_each(|plane| plane.before = 0);
        }
        self.units_left -= 1;
        Ok(())
    }

    /// Reads a unit: one block where a component is alone, else those of each component.
    #[inline]
    fn unit(&mut self, scan: &Scan, planes: &mut [Plane], at: (usize, usize)) -> Result<(), NoPicture> {
        if let [(only, first, other)] = scan.parts.as_slice() {
            return self.block(&mut planes[*only], (first.as_ref(), other.as_ref()), at);
        }
        for (part, first, other) in &scan.parts {
            let plane = &mut planes[*part];
            let (across, down) = plane.layout.unit;
            for y in 0..down {
                for x in 0..across {
                    let place = (at.0 * across + x, at.1 * down + y);
                    self.block(plane, (first.as_ref(), other.as_ref()), place)?;
                }
            }
        }
        Ok(())
    }

    /// Reads a block.
    #[inline]
    fn block(
        &mut self,
        plane: &mut Plane,
        codes: (Option<&Codes>, Option<&Codes>),
        at: (usize, usize),
    ) -> Result<(), NoPicture> {
        let place = at.1 * plane.layout.blocks.0 + at.0;
        match (self.kind, codes) {
            (Kind::Whole, (Some(first), Some(other))) => self.whole(plane, (first, other), at),
            (Kind::First { low }, (Some(first), _)) => {
                plane.before = plane.before.wrapping_add(self.bits.difference(first)?);
                // Sixteen bits are all that a coefficient may have.
                plane.blocks[place][0] = (plane.before << low) as i16;
                Ok(())
            }
            (Kind::FirstBit { bit }, _) => {
                if self.bits.bit() {
                    plane.blocks[place][0] |= bit;
                }
                Ok(())
            }
            (Kind::Band { from, to, low }, (_, Some(other))) => {
                if self.empty_blocks > 0 {
                    self.empty_blocks -= 1;
                    return Ok(());
                }
                let block = (&mut plane.blocks[place], &mut plane.lasts[place]);
                self.band(block, other, (from, to, low))
            }
            (Kind::BandBit { from, to, bit }, (_, Some(other))) => {
                let block = (&mut plane.blocks[place], &mut plane.lasts[place]);
                self.band_bit(block, other, (from, to, bit))
            }
            _ => Err(NoPicture::Broken(BrokenPart::Data)),
        }
    }

    /// Reads a block that is all there, into samples.
    #[inline]
    fn whole(
        &mut self,
        plane: &mut Plane,
        (first, other): (&Codes, &Codes),
        at: (usize, usize),
    ) -> Result<(), NoPicture> {
        let Some(quantisation) = &plane.quantisation else {
            return Err(NoPicture::Broken(BrokenPart::Data));
        };
        let mut bits = self.bits;
        plane.before = plane.before.wrapping_add(bits.difference(first)?);
        let value = i32::from(plane.before as i16).wrapping_mul(quantisation[0]);
        let (side, stride) = (plane.layout.side, plane.layout.stride());
        let to = &mut plane.samples[at.1 * side * stride + at.0 * side..];
        if side == 1 {
            bits.pass_over(other)?;
            self.bits = bits;
            idct::plain(value, 1, to, stride);
            return Ok(());
        }
        let mut block = [0; 64];
        block[0] = value;
        let (mut place, mut last) = (1, 0);
        while place < 64 {
            let (zeros, number) = bits.coefficient(other)?;
            if number == 0 {
                if zeros < 15 {
                    break;
                }
                place += 16;
                continue;
            }
            place += zeros;
            // A run beyond the block ends in its last coefficient.
            last = place.min(63);
            block[usize::from(ZIGZAG[last])] = number.wrapping_mul(quantisation[last]);
            place += 1;
        }
        self.bits = bits;
        if last == 0 {
            idct::plain(value, side, to, stride);
        } else {
            idct::write(&block, side, to, stride);
        }
        Ok(())
    }

    /// Reads other coefficients of a block.
    fn band(
        &mut self,
        (block, last): (&mut [i16; 64], &mut u8),
        codes: &Codes,
        (from, to, low): (usize, usize, u32),
    ) -> Result<(), NoPicture> {
        let mut bits = self.bits;
        let mut place = from;
        while place <= to {
            let (zeros, number) = bits.coefficient(codes)?;
            if number == 0 {
                if zeros < 15 {
                    self.empty_blocks = (1 << zeros) + bits.number(zeros as u32) - 1;
                    break;
                }
                place += 16;
                continue;
            }
            place += zeros;
            let at = place.min(63);
            block[at] = (number << low) as i16;
            *last = (*last).max(at as u8);
            place += 1;
        }
        self.bits = bits;
        Ok(())
    }

    /// Reads one more bit of the coefficients of a block, and those that are no longer zero with it.
    fn band_bit(
        &mut self,
        (block, last): (&mut [i16; 64], &mut u8),
        codes: &Codes,
        (from, to, bit): (usize, usize, i16),
    ) -> Result<(), NoPicture> {
        let mut bits = self.bits;
        let mut place = from;
        while self.empty_blocks == 0 && place <= to {
            let (mut zeros, count) = bits.refinement(codes)?;
            let mut new = 0;
            if count > 0 {
                new = if bits.bit() { bit } else { -bit };
            } else if zeros < 15 {
                self.empty_blocks = (1 << zeros) + bits.number(zeros as u32);
                break;
            }
            while place <= to {
                if block[place] != 0 {
                    bits.correct(&mut block[place], bit);
                } else if zeros == 0 {
                    break;
                } else {
                    zeros -= 1;
                }
                place += 1;
            }
            if new != 0 {
                let at = place.min(63);
                block[at] = new;
                *last = (*last).max(at as u8);
            }
            place += 1;
        }
        if self.empty_blocks > 0 {
            let to = to.min(usize::from(*last));
            for coefficient in block.get_mut(place..=to).unwrap_or_default() {
                if *coefficient != 0 {
                    bits.correct(coefficient, bit);
                }
            }
            self.empty_blocks -= 1;
        }
        self.bits = bits;
        Ok(())
    }
}

impl Plane {
    /// Makes samples of the coefficients of a progressive file, and gives these back.
    pub fn finish(&mut self, deadline: Deadline) -> Result<(), NoPicture> {
        let blocks = std::mem::take(&mut self.blocks);
        let lasts = std::mem::take(&mut self.lasts);
        let Some(quantisation) = &self.quantisation else {
            return Err(NoPicture::Broken(BrokenPart::Data));
        };
        let (side, stride) = (self.layout.side, self.layout.stride());
        for (place, (block, last)) in blocks.iter().zip(lasts).enumerate() {
            let (across, down) = (place % self.layout.blocks.0, place / self.layout.blocks.0);
            if across == 0 {
                deadline.check()?;
            }
            let to = &mut self.samples[down * side * stride + across * side..];
            let value = |at: usize| i32::from(block[at]).wrapping_mul(quantisation[at]);
            if last == 0 || side == 1 {
                idct::plain(value(0), side, to, stride);
                continue;
            }
            let mut natural = [0; 64];
            for at in 0..=usize::from(last) {
                natural[usize::from(ZIGZAG[at & 63])] = value(at & 63);
            }
            idct::write(&natural, side, to, stride);
        }
        Ok(())
    }
}
