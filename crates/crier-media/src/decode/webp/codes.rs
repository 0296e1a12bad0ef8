//! What the code tables of a lossless WebP will hold, before anybody builds them.
//!
//! Promise: reads the bits up to the pixels and keeps none of them; stops as soon as the bound is passed. A file may name 65,536
//! groups of five codes, and the decoder unpacks each into tables: a few bits become kilobytes. What is wrong with the bits is for
//! the decoder to say.

/// Bytes of a group's own place, in a list that doubles as it grows.
const GROUP: u64 = 840;
/// Bytes of an entry of a table, and of the nodes for a code that the table is too short for.
const ENTRY: u64 = 4;
const LONG_CODE: u64 = 32;
/// Bits of the longest code that a table holds.
const TABLE_BITS: usize = 10;
/// Bits of the longest code.
const BITS_MAX: usize = 15;
/// Symbols of green that are colours, and with lengths of copies.
const COLOURS: u16 = 256;
const COLOURS_AND_LENGTHS: u16 = COLOURS + 24;
/// Symbols of distances.
const DISTANCES: u16 = 40;
/// The order in which the lengths of the codes for lengths stand.
const ORDER: [usize; 19] = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Bytes of all tables of an image of these sides whose bits begin behind the header; `None` above the bound. Bits that cannot be
/// read need no tables.
pub fn tables(packed: &[u8], sides: (u32, u32), bound: u64) -> Option<u64> {
    let mut bits = Bits { packed, at: 0 };
    let counted = bits.main_groups(sides).and_then(|found| match found {
        Some((groups, cache)) => bits.groups(groups, cache, bound),
        None => Some(0),
    });
    counted.map_or(Some(0), |bytes| (bytes <= bound).then_some(bytes))
}

/// Blocks of `1 << bits` pixels that a side has.
const fn blocks(side: u32, bits: u32) -> u32 {
    side.div_ceil(1 << bits)
}

/// Bits, the lowest of each byte first.
struct Bits<'a> {
    packed: &'a [u8],
    at: usize,
}

/// A code: how many symbols have each length, and the symbols in the order of their codes.
struct Code {
    counts: [u16; BITS_MAX + 1],
    symbols: Vec<u16>,
}

impl Code {
    /// The code of these lengths; `None` where they make none.
    fn of(lengths: &[u8]) -> Option<Self> {
        let mut counts = [0; BITS_MAX + 1];
        for length in lengths.iter().filter(|length| **length > 0) {
            *counts.get_mut(usize::from(*length))? += 1;
        }
        let mut symbols = Vec::new();
        for wanted in 1..=BITS_MAX {
            let found = (0..)
                .zip(lengths)
                .filter(|(_, length)| usize::from(**length) == wanted);
            symbols.extend(found.map(|(symbol, _)| symbol));
        }
        (!symbols.is_empty()).then_some(Self { counts, symbols })
    }

    /// A code of one symbol, which takes no bit, or of two, which take one each.
    fn simple(symbols: Vec<u16>) -> Self {
        let mut counts = [0; BITS_MAX + 1];
        counts[1] = symbols.len() as u16;
        Self { counts, symbols }
    }

    /// The symbol that needs no bits.
    fn only(&self) -> Option<u16> {
        match self.symbols[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    /// What the decoder keeps of it.
    fn bytes(&self) -> u64 {
        if self.only().is_some() {
            return 0;
        }
        let longest = self.counts.iter().rposition(|count| *count > 0).unwrap_or(0);
        let long: u64 = self.counts[TABLE_BITS + 1..].iter().copied().map(u64::from).sum();
        (ENTRY << longest.min(TABLE_BITS)) + (long + 2) * LONG_CODE
    }
}

impl Bits<'_> {
    fn bit(&mut self) -> Option<u32> {
        let byte = self.packed.get(self.at / 8)?;
        let bit = byte >> (self.at % 8) & 1;
        self.at += 1;
        Some(u32::from(bit))
    }

    fn take(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |value, place| Some(value | self.bit()? << place))
    }

    fn symbol(&mut self, code: &Code) -> Option<u16> {
        if let Some(only) = code.only() {
            return Some(only);
        }
        let (mut value, mut first, mut before) = (0, 0, 0);
        for count in &code.counts[1..] {
            value |= self.bit()?;
            let count = u32::from(*count);
            if value < first + count {
                return code.symbols.get((before + value - first) as usize).copied();
            }
            before += count;
            first = (first + count) << 1;
            value <<= 1;
        }
        None
    }

    /// Passes over the transforms; how many groups the image itself has, and the size of its colour cache; nothing where there is
    /// one group alone.
    fn main_groups(&mut self, (width, height): (u32, u32)) -> Option<Option<(u32, u16)>> {
        let mut width = width;
        while self.bit()? == 1 {
            match self.take(2)? {
                0 | 1 => {
                    let size = self.take(3)? + 2;
                    self.small_image(blocks(width, size), blocks(height, size))?;
                }
                3 => {
                    let colours = self.take(8)? + 1;
                    self.small_image(colours, 1)?;
                    let packing = match colours {
                        0..=2 => 3,
                        3..=4 => 2,
                        5..=16 => 1,
                        _ => 0,
                    };
                    width = blocks(width, packing);
                }
                _ => {}
            }
        }
        let cache = self.cache()?;
        if self.bit()? == 0 {
            return Some(None);
        }
        let size = self.take(3)? + 2;
        let most = self.small_image(blocks(width, size), blocks(height, size))?;
        Some(Some((most + 1, cache)))
    }

    /// The size of the colour cache that stands here.
    fn cache(&mut self) -> Option<u16> {
        if self.bit()? == 0 {
            return Some(0);
        }
        let bits = self.take(4)?;
        (1..=11).contains(&bits).then_some(1 << bits)
    }

    /// Passes over a small image of one group; the greatest number that red and green make in it. Copies repeat colours that were
    /// there, so what is written out says it all.
    fn small_image(&mut self, width: u32, height: u32) -> Option<u32> {
        let cache = self.cache()?;
        let codes = self.group(cache)?;
        let [green, red, blue, alpha, distance] = &codes;
        let (mut left, mut most) = (width * height, 0);
        while left > 0 {
            let symbol = self.symbol(green)?;
            if symbol < COLOURS {
                let high = self.symbol(red)?;
                self.symbol(blue)?;
                self.symbol(alpha)?;
                most = most.max(u32::from(high) << 8 | u32::from(symbol));
                if codes[..4].iter().all(|code| code.only().is_some()) {
                    return Some(most);
                }
                left -= 1;
            } else if symbol < COLOURS_AND_LENGTHS {
                let length = self.number(symbol - COLOURS)?;
                let distance = self.symbol(distance)?;
                self.number(distance)?;
                left = left.saturating_sub(length);
            } else {
                left -= 1;
            }
        }
        Some(most)
    }

    /// A length or a distance, whose first part is this symbol.
    fn number(&mut self, symbol: u16) -> Option<u32> {
        let symbol = u32::from(symbol);
        if symbol < 4 {
            return Some(symbol + 1);
        }
        let extra = (symbol - 2) >> 1;
        Some(((2 + (symbol & 1)) << extra) + self.take(extra)? + 1)
    }

    /// Bytes of so many groups' tables, or more than the bound.
    fn groups(&mut self, count: u32, cache: u16, bound: u64) -> Option<u64> {
        let mut bytes = u64::from(count) * GROUP;
        for _ in 0..count {
            if bytes > bound {
                break;
            }
            bytes += self.group(cache)?.iter().map(Code::bytes).sum::<u64>();
        }
        Some(bytes)
    }

    fn group(&mut self, cache: u16) -> Option<[Code; 5]> {
        Some([
            self.code(COLOURS_AND_LENGTHS + cache)?,
            self.code(COLOURS)?,
            self.code(COLOURS)?,
            self.code(COLOURS)?,
            self.code(DISTANCES)?,
        ])
    }

    /// A code for so many symbols.
    fn code(&mut self, symbols: u16) -> Option<Code> {
        if self.bit()? == 1 {
            let has_two = self.bit()? == 1;
            let width = if self.bit()? == 1 { 8 } else { 1 };
            let mut named = vec![self.take(width)? as u16];
            if has_two {
                named.push(self.take(8)? as u16);
            }
            return Some(Code::simple(named));
        }
        let mut lengths = [0; ORDER.len()];
        let count = 4 + self.take(4)? as usize;
        for place in ORDER.get(..count)? {
            lengths[*place] = self.take(3)? as u8;
        }
        let lengths = self.lengths(&Code::of(&lengths)?, usize::from(symbols))?;
        Code::of(&lengths)
    }

    /// The lengths of so many symbols' codes.
    fn lengths(&mut self, code: &Code, symbols: usize) -> Option<Vec<u8>> {
        let mut left = symbols as u32;
        if self.bit()? == 1 {
            let width = 2 + 2 * self.take(3)?;
            left = 2 + self.take(width)?;
        }
        let mut lengths = Vec::with_capacity(symbols);
        let mut previous = 8;
        while lengths.len() < symbols && left > 0 {
            left -= 1;
            let (value, times) = match self.symbol(code)? {
                16 => (previous, 3 + self.take(2)?),
                17 => (0, 3 + self.take(3)?),
                18 => (0, 11 + self.take(7)?),
                length => (length as u8, 1),
            };
            if value != 0 {
                previous = value;
            }
            lengths.resize(lengths.len() + times as usize, value);
        }
        (lengths.len() <= symbols).then_some(lengths)
    }
}
