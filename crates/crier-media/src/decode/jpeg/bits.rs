//! The bits of a scan, and the codes in them (ITU-T T.81, annexes B, C and F).
//!
//! Promise: nothing behind a marker is read; what is read beyond the data is zeros, and is told. No input panics.

use super::super::BrokenPart;
use crier_platform::ports::images::NoPicture;

/// Bits that the first look at a code takes.
const LOOK: u32 = 10;
/// Bits that are there after every refill: a code of 16 and a number of 15.
const READY: u32 = 32;
/// What stands for a code that is longer than a look, or is none.
const LONGER: u32 = 0;

/// A table of codes.
pub struct Codes<'a> {
    /// By the first bits: symbol, length, length with the number behind it, coefficients that a reader of numbers moves on by.
    looks: [u32; 1 << LOOK],
    /// By length: where codes of it end, aligned to sixteen bits.
    ends: [u32; 17],
    /// By length: what is added to a code for the place of its symbol.
    offsets: [i32; 17],
    symbols: &'a [u8],
}

/// What a code says.
#[derive(Clone, Copy)]
struct Symbol(u32);

impl Symbol {
    /// `0xf0` is sixteen zeros, any other without a number ends the block.
    const fn new(symbol: u8, length: u32) -> Self {
        let number = symbol as u32 & 15;
        let moves = match (number, symbol) {
            (0, 0xf0) => 16,
            (0, _) => 64,
            (_, _) => (symbol as u32 >> 4) + 1,
        };
        Self(symbol as u32 | length << 8 | (length + number) << 16 | moves << 24)
    }

    const fn symbol(self) -> u8 {
        self.0.to_le_bytes()[0]
    }

    const fn length(self) -> u32 {
        self.0 >> 8 & 0xff
    }

    const fn length_with_number(self) -> u32 {
        self.0 >> 16 & 0xff
    }

    const fn moves(self) -> usize {
        self.0.to_le_bytes()[3] as usize
    }
}

impl<'a> Codes<'a> {
    /// From the sixteen counts of codes by length, and their symbols.
    ///
    /// # Errors
    /// More codes than fit.
    pub fn new(table: &'a [u8]) -> Result<Self, NoPicture> {
        let wrong = NoPicture::Broken(BrokenPart::Data);
        let (counts, symbols) = table.split_first_chunk::<16>().ok_or(wrong)?;
        let mut codes = Self {
            looks: [LONGER; 1 << LOOK],
            ends: [0; 17],
            offsets: [0; 17],
            symbols,
        };
        let (mut code, mut place) = (0u32, 0u32);
        for (length, count) in (1u32..).zip(counts) {
            code <<= 1;
            let at = length as usize;
            codes.offsets[at] = place as i32 - code as i32;
            let end = code + u32::from(*count);
            if end > 1 << length {
                return Err(wrong);
            }
            if length <= LOOK {
                for symbol in symbols.get(place as usize..(place + end - code) as usize).ok_or(wrong)? {
                    let first = (code << (LOOK - length)) as usize;
                    let looks = &mut codes.looks[first..first + (1 << (LOOK - length))];
                    looks.fill(Symbol::new(*symbol, length).0);
                    code += 1;
                    place += 1;
                }
            }
            place += end - code;
            code = end;
            codes.ends[at] = end << (16 - length);
        }
        Ok(codes)
    }

    /// The symbol of a code that the first look did not tell, by the next sixteen bits.
    fn longer(&self, next: u32) -> Result<Symbol, NoPicture> {
        for length in LOOK + 1..=16 {
            let at = length as usize;
            if next < self.ends[at] {
                let place = (next >> (16 - length)) as i32 + self.offsets[at];
                let symbol = usize::try_from(place).ok().and_then(|place| self.symbols.get(place));
                let symbol = *symbol.ok_or(NoPicture::Broken(BrokenPart::Data))?;
                return Ok(Symbol::new(symbol, length));
            }
        }
        Err(NoPicture::Broken(BrokenPart::Data))
    }
}

/// The bits from a place of a file up to the next marker.
pub struct Bits<'a> {
    image: &'a [u8],
    /// The next byte.
    at: usize,
    /// Bits, the first one uppermost.
    window: u64,
    /// How many of them were taken from the file, or stand for what it lacks.
    count: u32,
    /// How many stand for what the file lacks.
    lacking: u32,
}

impl<'a> Bits<'a> {
    /// The bits from here on.
    pub const fn from(image: &'a [u8], at: usize) -> Self {
        Self {
            image,
            at,
            window: 0,
            count: 0,
            lacking: 0,
        }
    }

    /// Where what was not read begins: at or before the next marker.
    pub const fn at(&self) -> usize {
        self.at
    }

    /// Stops when bits were used that the file does not have.
    pub const fn check(&self) -> Result<(), NoPicture> {
        if self.count < self.lacking {
            return Err(NoPicture::Broken(BrokenPart::End));
        }
        Ok(())
    }

    /// Begins anew behind the next restart marker; a scan that has none there is cut off.
    pub fn restart(&mut self) -> Result<(), NoPicture> {
        self.check()?;
        (self.window, self.count, self.lacking) = (0, 0, 0);
        while let Some([first, second]) = self.image.get(self.at..self.at + 2) {
            match (first, second) {
                (0xff, 0xd0..=0xd7) => {
                    self.at += 2;
                    return Ok(());
                }
                (0xff, 0) => self.at += 2,
                (0xff, 0xff) => self.at += 1,
                (0xff, _) => break,
                _ => self.at += 1,
            }
        }
        Err(NoPicture::Broken(BrokenPart::End))
    }

    /// Makes sure that enough bits are ready for a code and its number.
    #[inline]
    fn refill(&mut self) {
        if self.count >= READY {
            return;
        }
        let next = self.image.get(self.at..).and_then(|rest| rest.first_chunk::<8>());
        if let Some(next) = next {
            let bytes = u64::from_be_bytes(*next);
            let inverse = !bytes;
            let ones = inverse.wrapping_sub(0x0101_0101_0101_0101) & bytes & 0x8080_8080_8080_8080;
            if ones == 0 {
                // Bits below the counted ones are those of the next byte, which will be put there again.
                self.window |= bytes >> self.count;
                self.at += ((63 - self.count) >> 3) as usize;
                self.count |= 56;
                return;
            }
        }
        self.refill_by_bytes();
    }

    #[cold]
    fn refill_by_bytes(&mut self) {
        while self.count <= 56 {
            let byte = match (self.image.get(self.at), self.image.get(self.at + 1)) {
                (Some(0xff), Some(0)) => {
                    self.at += 2;
                    0xff
                }
                (Some(0xff), Some(0xff)) => {
                    self.at += 1;
                    continue;
                }
                (Some(0xff), _) | (None, _) => {
                    self.lacking = self.lacking.saturating_add(8);
                    0
                }
                (Some(byte), _) => {
                    self.at += 1;
                    *byte
                }
            };
            self.window |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    #[inline]
    const fn drop(&mut self, count: u32) {
        self.window <<= count;
        self.count -= count;
    }

    #[inline]
    fn symbol(&mut self, codes: &Codes) -> Result<Symbol, NoPicture> {
        self.refill();
        let look = codes.looks[(self.window >> (64 - LOOK)) as usize];
        if look != LONGER {
            return Ok(Symbol(look));
        }
        codes.longer((self.window >> 48) as u32)
    }

    /// The next bits as a number; at most fifteen, and at least one.
    #[inline]
    const fn taken(&mut self, count: u32) -> i32 {
        let number = (self.window >> (64 - count)) as i32;
        self.drop(count);
        number
    }

    /// One bit.
    #[inline]
    pub fn bit(&mut self) -> bool {
        self.refill();
        self.taken(1) == 1
    }

    /// So many bits as they are, at most fifteen.
    pub fn number(&mut self, count: u32) -> u32 {
        if count == 0 {
            return 0;
        }
        self.refill();
        self.taken(count).unsigned_abs()
    }

    /// A number of so many bits, whose lower half is negative.
    #[inline]
    const fn signed(&mut self, count: u32) -> i32 {
        let number = self.taken(count);
        if number < 1 << (count - 1) {
            number - (1 << count) + 1
        } else {
            number
        }
    }

    /// The difference of a block's first coefficient from that of the block before.
    #[inline]
    pub fn difference(&mut self, codes: &Codes) -> Result<i32, NoPicture> {
        let symbol = self.symbol(codes)?;
        self.drop(symbol.length());
        match symbol.symbol() {
            0 => Ok(0),
            count @ 1..=15 => Ok(self.signed(count.into())),
            _ => Err(NoPicture::Broken(BrokenPart::Data)),
        }
    }

    /// The next code of a block: how many zeros it skips, and the number behind it, 0 when there is none.
    #[inline]
    pub fn coefficient(&mut self, codes: &Codes) -> Result<(usize, i32), NoPicture> {
        let symbol = self.symbol(codes)?;
        self.drop(symbol.length());
        let (zeros, count) = (usize::from(symbol.symbol() >> 4), u32::from(symbol.symbol() & 15));
        if count == 0 {
            return Ok((zeros, 0));
        }
        Ok((zeros, self.signed(count)))
    }

    /// The next code of a block that is refined: how many zeros it skips, and the bits that its number has.
    pub fn refinement(&mut self, codes: &Codes) -> Result<(usize, u32), NoPicture> {
        let symbol = self.symbol(codes)?;
        self.drop(symbol.length());
        Ok((usize::from(symbol.symbol() >> 4), u32::from(symbol.symbol() & 15)))
    }

    /// Passes over all coefficients of a block but the first.
    #[inline]
    pub fn pass_over(&mut self, codes: &Codes) -> Result<(), NoPicture> {
        let mut place = 1;
        while place < 64 {
            let symbol = self.symbol(codes)?;
            self.drop(symbol.length_with_number());
            place += symbol.moves();
        }
        Ok(())
    }
}
