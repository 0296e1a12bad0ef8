//! The segments of a JPEG: what stands before, between and behind its scans (ITU-T T.81, annex B).
//!
//! Promise: no entropy-coded byte is looked into; what is refused before the first scan costs nothing. Of what applications put beside
//! the image, its orientation, its profile and how its colours are stored are kept. Arithmetic coding, lossless and twelve-bit files
//! are refused: no browser shows them.

use super::super::{Order, PROFILE_BYTES_MAX};
use super::layout::{Component, Frame};
use crier_platform::ports::images::{BrokenPart, NoPicture};

/// What stands before the first scan.
pub struct Head<'a> {
    /// Sides and components.
    pub frame: Frame,
    /// How colours are stored.
    pub colours: Colours,
    /// An Adobe segment: inks are stored inverted.
    pub adobe: bool,
    /// The first EXIF block.
    pub exif: Option<&'a [u8]>,
    /// The profile.
    pub profile: Option<Vec<u8>>,
}

/// How the colours of a file are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// As they are shown: grey, RGB, or four inks.
    Plain,
    /// Brightness and two differences; of four components the last is black.
    Differences,
}

/// What a scan needs beside its bits.
#[derive(Default)]
pub struct Tables<'a> {
    /// Quantisation, in the order of the coefficients.
    pub quantisation: [Option<[u16; 64]>; 4],
    /// Codes of first coefficients, as written.
    pub first: [Option<&'a [u8]>; 4],
    /// Codes of the other coefficients, as written.
    pub other: [Option<&'a [u8]>; 4],
    /// Units between two restart markers; 0 is none.
    pub restart: u32,
}

/// A walk over the segments.
pub struct Walk<'a> {
    /// The file.
    pub image: &'a [u8],
    /// Where it stands.
    pub at: usize,
    /// Tables up to here.
    pub tables: Tables<'a>,
    frame: Option<Frame>,
    jfif: bool,
    adobe: Option<u8>,
    exif: Option<&'a [u8]>,
    pieces: Vec<(u8, u8, &'a [u8])>,
}

impl<'a> Walk<'a> {
    /// A walk that begins behind the mark of its kind.
    pub fn over(image: &'a [u8]) -> Self {
        Self {
            image,
            at: 2,
            tables: Tables::default(),
            frame: None,
            jfif: false,
            adobe: None,
            exif: None,
            pieces: Vec::new(),
        }
    }

    /// Walks to the first scan and judges the sides.
    pub fn head(&mut self, order: &Order) -> Result<Head<'a>, NoPicture> {
        if !self.next_scan(order)? {
            return Err(NoPicture::Broken(BrokenPart::Empty));
        }
        let frame = self.frame.take().ok_or(NoPicture::Broken(BrokenPart::Header))?;
        Ok(Head {
            colours: self.colours(&frame),
            frame,
            adobe: self.adobe.is_some(),
            exif: self.exif,
            profile: joined(&self.pieces),
        })
    }

    /// Walks to the next scan, and behind its marker; false at the end of the image.
    pub fn next_scan(&mut self, order: &Order) -> Result<bool, NoPicture> {
        loop {
            let marker = self.marker()?;
            match marker {
                0xda => return Ok(true),
                0xd9 => return Ok(false),
                0xd8 => return Err(NoPicture::Broken(BrokenPart::Header)),
                // These have no segment.
                0x01 | 0xd0..=0xd7 => continue,
                _ => {}
            }
            let segment = self.segment()?;
            match marker {
                0xc0..=0xc2 => self.frame(segment, marker == 0xc2, order)?,
                0xc4 => self.codes(segment)?,
                0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => return Err(NoPicture::Unsupported),
                0xdb => self.quantisation(segment)?,
                0xdd => {
                    let interval = segment.first_chunk::<2>();
                    let interval = interval.ok_or(NoPicture::Broken(BrokenPart::Header))?;
                    self.tables.restart = u16::from_be_bytes(*interval).into();
                }
                0xe0..=0xe2 | 0xee => self.application(marker, segment),
                _ => {}
            }
        }
    }

    /// Whether the end of the image stands behind here.
    pub fn ends(&self) -> bool {
        let rest = self.image.get(self.at..).unwrap_or_default();
        rest.windows(2).any(|pair| pair == [0xff, 0xd9])
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
    pub fn segment(&mut self) -> Result<&'a [u8], NoPicture> {
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
        let ([precision, high, low, wide, narrow, count], written) =
            segment.split_first_chunk::<6>().ok_or(wrong)?;
        if self.frame.is_some() || written.len() != 3 * usize::from(*count) {
            return Err(wrong);
        }
        let height = u16::from_be_bytes([*high, *low]);
        let width = u16::from_be_bytes([*wide, *narrow]);
        let sides = order.bounds.sides(width.into(), height.into())?;
        if *precision != 8 || !matches!(count, 1 | 3 | 4) {
            return Err(NoPicture::Unsupported);
        }
        let mut components = Vec::with_capacity(written.len() / 3);
        for [id, factors, table] in written.as_chunks::<3>().0 {
            let (across, down) = (u32::from(factors >> 4), u32::from(factors & 15));
            if !(1..=4).contains(&across) || !(1..=4).contains(&down) || *table > 3 {
                return Err(wrong);
            }
            components.push(Component {
                id: *id,
                across,
                down,
                table: usize::from(*table),
            });
        }
        // One component is never interleaved: its factors mean nothing.
        if let [only] = components.as_mut_slice() {
            (only.across, only.down) = (1, 1);
        }
        self.frame = Some(Frame {
            sides,
            progressive,
            components,
        });
        Ok(())
    }

    /// Tables of quantisation, of eight bits or sixteen.
    fn quantisation(&mut self, mut segment: &[u8]) -> Result<(), NoPicture> {
        let wrong = NoPicture::Broken(BrokenPart::Header);
        while let Some((place, rest)) = segment.split_first() {
            let table = self.tables.quantisation.get_mut(usize::from(place & 15));
            let table = table.ok_or(wrong)?.insert([0; 64]);
            let wide = place >> 4 != 0;
            let (values, behind) = rest.split_at_checked(if wide { 128 } else { 64 }).ok_or(wrong)?;
            if wide {
                for (to, value) in table.iter_mut().zip(values.as_chunks::<2>().0) {
                    *to = u16::from_be_bytes(*value);
                }
            } else {
                for (to, value) in table.iter_mut().zip(values) {
                    *to = (*value).into();
                }
            }
            segment = behind;
        }
        Ok(())
    }

    /// Tables of codes: they are kept as written, and read by the scan that uses them.
    fn codes(&mut self, mut segment: &'a [u8]) -> Result<(), NoPicture> {
        let wrong = NoPicture::Broken(BrokenPart::Header);
        while let Some((place, rest)) = segment.split_first() {
            let counts = rest.first_chunk::<16>().ok_or(wrong)?;
            let symbols: usize = counts.iter().map(|count| usize::from(*count)).sum();
            let (table, behind) = rest.split_at_checked(16 + symbols).ok_or(wrong)?;
            let tables = match place >> 4 {
                0 => &mut self.tables.first,
                1 => &mut self.tables.other,
                _ => return Err(wrong),
            };
            *tables.get_mut(usize::from(place & 15)).ok_or(wrong)? = Some(table);
            segment = behind;
        }
        Ok(())
    }

    /// What an application has put beside the image, where it means something to us.
    fn application(&mut self, marker: u8, segment: &'a [u8]) {
        match marker {
            0xe0 => self.jfif |= segment.starts_with(b"JFIF\0"),
            0xe1 => {
                if let Some(block) = segment.strip_prefix(b"Exif\0\0") {
                    self.exif.get_or_insert(block);
                }
            }
            0xe2 => {
                if let Some([number, count, piece @ ..]) = segment.strip_prefix(b"ICC_PROFILE\0") {
                    self.pieces.push((*number, *count, piece));
                }
            }
            _ => {
                if segment.starts_with(b"Adobe") {
                    self.adobe = Some(segment.get(11).copied().unwrap_or(0));
                }
            }
        }
    }

    /// How colours are stored, as every reader guesses it: by JFIF, by Adobe, by the names of the components.
    fn colours(&self, frame: &Frame) -> Colours {
        let ids: Vec<u8> = frame.components.iter().map(|component| component.id).collect();
        let is_plain = match (ids.as_slice(), self.adobe) {
            ([_], _) | ([_, _, _, _], None | Some(0)) => true,
            ([_, _, _, _], Some(_)) => false,
            (_, Some(transform)) if !self.jfif => transform == 0,
            (ids, _) => !self.jfif && ids == *b"RGB",
        };
        if is_plain {
            Colours::Plain
        } else {
            Colours::Differences
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
