//! The bits of a scan, and the codes in them (ITU-T T.81, annexes B, C and F).
//!
//! Promise: nothing behind a marker is read; what is read beyond the data is zeros, and is told. No input panics.

use crier_platform::ports::images::{BrokenPart, NoPicture};

/// Bits that the first look at a code takes.
const LOOK: u32 = 10;
/// Bits that are there after every refill: a code of 16 and a number of 15.
const READY: u32 = 32;
/// Bits that a step over coefficients takes at once.
const STEP: u32 = 12;
/// The bit of a step behind which the block ends.
const STEP_ENDS: u16 = 1 << 15;
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
    /// By the first bits: how many of them a step takes, how many coefficients it passes over, and whether the block then ends; 0 where
    /// no step is known. Empty unless they are prepared.
    steps: Vec<u16>,
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
            steps: Vec::new(),
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
                for symbol in symbols
                    .get(place as usize..(place + end - code) as usize)
                    .ok_or(wrong)?
                {
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

    /// Prepares steps over several coefficients at once, for scans of which only the first ones are of use.
    pub fn prepare_steps(&mut self) {
        self.steps = (0..1 << STEP).map(|bits| self.step(bits)).collect();
    }

    /// As many codes with their numbers as are whole in these bits.
    fn step(&self, bits: usize) -> u16 {
        let (mut used, mut moves) = (0, 0);
        loop {
            let rest = bits << used & ((1 << STEP) - 1);
            let symbol = Symbol(self.looks[rest >> (STEP - LOOK)]);
            if symbol.0 == LONGER || used + symbol.length_with_number() > STEP || moves + symbol.moves() > 127
            {
                return (used | (moves as u32) << 4) as u16;
            }
            used += symbol.length_with_number();
            if symbol.moves() == 64 {
                return (used | (moves as u32) << 4) as u16 | STEP_ENDS;
            }
            moves += symbol.moves();
        }
    }

    /// The symbol of a code that the first look did not tell, by the next sixteen bits.
    #[cold]
    fn longer(&self, next: u32) -> Result<Symbol, NoPicture> {
        for length in LOOK + 1..=16 {
            let at = length as usize;
            if next < self.ends[at] {
                let place = (next >> (16 - length)) as i32 + self.offsets[at];
                let symbol = usize::try_from(place)
                    .ok()
                    .and_then(|place| self.symbols.get(place));
                let symbol = *symbol.ok_or(NoPicture::Broken(BrokenPart::Data))?;
                return Ok(Symbol::new(symbol, length));
            }
        }
        Err(NoPicture::Broken(BrokenPart::Data))
    }
}

/// The bits from a place of a file up to the next marker. Small, so that a block is read with a copy in registers.
#[derive(Clone, Copy)]
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
    #[inline(always)]
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
        *self = self.refilled_by_bytes();
    }

    #[cold]
    fn refilled_by_bytes(mut self) -> Self {
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
        self
    }

    #[inline(always)]
    const fn drop(&mut self, count: u32) {
        self.window <<= count;
        self.count -= count;
    }

    #[inline(always)]
    fn symbol(&mut self, codes: &Codes) -> Result<Symbol, NoPicture> {
        self.refill();
        let look = codes.looks[(self.window >> (64 - LOOK)) as usize];
        if look != LONGER {
            return Ok(Symbol(look));
        }
        codes.longer((self.window >> 48) as u32)
    }

    /// The next bits as a number; at most fifteen, and at least one.
    #[inline(always)]
    const fn taken(&mut self, count: u32) -> i32 {
        let number = (self.window >> (64 - count)) as i32;
        self.drop(count);
        number
    }

    /// One bit.
    #[inline(always)]
    pub fn bit(&mut self) -> bool {
        self.refill();
        self.taken(1) == 1
    }

    /// So many bits as they are, at most fifteen.
    #[inline(always)]
    pub fn number(&mut self, count: u32) -> u32 {
        if count == 0 {
            return 0;
        }
        self.refill();
        self.taken(count).unsigned_abs()
    }

    /// A number of so many bits, whose lower half is negative.
    #[inline(always)]
    const fn signed(&mut self, count: u32) -> i32 {
        let number = self.taken(count);
        if number < 1 << (count - 1) {
            number - (1 << count) + 1
        } else {
            number
        }
    }

    /// The difference of a block's first coefficient from that of the block before.
    #[inline(always)]
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
    #[inline(always)]
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
    #[inline(always)]
    pub fn refinement(&mut self, codes: &Codes) -> Result<(usize, u32), NoPicture> {
        let symbol = self.symbol(codes)?;
        self.drop(symbol.length());
        Ok((usize::from(symbol.symbol() >> 4), u32::from(symbol.symbol() & 15)))
    }

    /// Adds one bit to a coefficient, away from zero, where it does not have it.
    #[inline(always)]
    pub fn correct(&mut self, coefficient: &mut i16, bit: i16) {
        if self.bit() && *coefficient & bit == 0 {
            let away = if *coefficient < 0 { -bit } else { bit };
            *coefficient = coefficient.wrapping_add(away);
        }
    }

    /// Passes over all coefficients of a block but the first, by codes whose steps are prepared.
    #[inline(always)]
    pub fn pass_over(&mut self, codes: &Codes) -> Result<(), NoPicture> {
        let mut place = 1;
        while place < 64 {
            self.refill();
            let step = codes.steps.get((self.window >> (64 - STEP)) as usize);
            let step = step.copied().unwrap_or_default();
            let behind = place + usize::from(step >> 4 & 127);
            // A block may be full before a step ends.
            if step == 0 || behind >= 64 {
                let symbol = self.symbol(codes)?;
                self.drop(symbol.length_with_number());
                place += symbol.moves();
                continue;
            }
            self.drop(u32::from(step & 15));
            if step & STEP_ENDS != 0 {
                break;
            }
            place = behind;
        }
        Ok(())
    }
}
