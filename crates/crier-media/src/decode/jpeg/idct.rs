//! From the coefficients of a block to its samples, eight, four, two or one a side (ITU-T T.81, A.3.3).
//!
//! Promise: integers only, of thirteen fractional bits, with the rounding of the Independent JPEG Group's accurate method and of its
//! reduced ones, so that what we see is what most readers see. Numbers that no encoder writes wrap around and are clamped.

/// Fractional bits of the constants below.
const FRACTION: u32 = 13;
/// Fractional bits that are kept between columns and rows.
const KEPT: u32 = 2;

/// A number with thirteen fractional bits.
const fn fixed(number: f64) -> i32 {
    (number * (1 << FRACTION) as f64 + 0.5) as i32
}

const C0_211: i32 = fixed(0.211_164_243);
const C0_298: i32 = fixed(0.298_631_336);
const C0_390: i32 = fixed(0.390_180_644);
const C0_509: i32 = fixed(0.509_795_579);
const C0_541: i32 = fixed(0.541_196_100);
const C0_601: i32 = fixed(0.601_344_887);
const C0_720: i32 = fixed(0.720_959_822);
const C0_765: i32 = fixed(0.765_366_865);
const C0_850: i32 = fixed(0.850_430_095);
const C0_899: i32 = fixed(0.899_976_223);
const C1_061: i32 = fixed(1.061_594_337);
const C1_175: i32 = fixed(1.175_875_602);
const C1_272: i32 = fixed(1.272_758_580);
const C1_451: i32 = fixed(1.451_774_981);
const C1_501: i32 = fixed(1.501_321_110);
const C1_847: i32 = fixed(1.847_759_065);
const C1_961: i32 = fixed(1.961_570_560);
const C2_053: i32 = fixed(2.053_119_869);
const C2_172: i32 = fixed(2.172_734_803);
const C2_562: i32 = fixed(2.562_915_447);
const C3_072: i32 = fixed(3.072_711_026);
const C3_624: i32 = fixed(3.624_509_785);

/// Writes the samples of a block whose upper left one stands first in `plane`, whose rows are `stride` apart.
///
/// `block` has its coefficients multiplied with the quantisation and in rows; `side` is 8, 4, 2 or 1.
pub fn write(block: &[i32; 64], side: usize, plane: &mut [u8], stride: usize) {
    match side {
        8 => eight(block, plane, stride),
        4 => four(block, plane, stride),
        2 => two(block, plane, stride),
        _ => plain(block[0], 1, plane, stride),
    }
}

/// Writes the samples of a block whose first coefficient alone is not zero.
#[inline]
pub fn plain(first: i32, side: usize, plane: &mut [u8], stride: usize) {
    let value = sample(first, 3);
    if let (1, [only, ..]) = (side, &mut *plane) {
        *only = value;
        return;
    }
    for row in plane.chunks_mut(stride).take(side) {
        row[..side].fill(value);
    }
}

/// Divides by a power of two, to the nearest.
const fn rounded(number: i32, bits: u32) -> i32 {
    number.wrapping_add(1 << (bits - 1)) >> bits
}

/// A sample of a number with so many fractional bits.
fn sample(number: i32, bits: u32) -> u8 {
    let level = rounded(number, bits).saturating_add(128).clamp(0, 255);
    u8::try_from(level).unwrap_or(u8::MAX)
}

/// The sum of products.
fn dot<const N: usize>(numbers: [i32; N], factors: [i32; N]) -> i32 {
    let products = numbers.into_iter().zip(factors);
    products.fold(0i32, |sum, (number, factor)| {
        sum.wrapping_add(number.wrapping_mul(factor))
    })
}

/// Eight samples of eight coefficients, with thirteen more fractional bits.
fn eight_of(line: [i32; 8]) -> [i32; 8] {
    let common = line[2].wrapping_add(line[6]).wrapping_mul(C0_541);
    let low = common.wrapping_sub(line[6].wrapping_mul(C1_847));
    let high = common.wrapping_add(line[2].wrapping_mul(C0_765));
    let sum = line[0].wrapping_add(line[4]) << FRACTION;
    let difference = line[0].wrapping_sub(line[4]) << FRACTION;
    let even = [
        sum.wrapping_add(high),
        difference.wrapping_add(low),
        difference.wrapping_sub(low),
        sum.wrapping_sub(high),
    ];
    let outer = line[7].wrapping_add(line[1]).wrapping_mul(-C0_899);
    let inner = line[5].wrapping_add(line[3]).wrapping_mul(-C2_562);
    let threes = line[7].wrapping_add(line[3]);
    let ones = line[5].wrapping_add(line[1]);
    let all = threes.wrapping_add(ones).wrapping_mul(C1_175);
    let threes = threes.wrapping_mul(-C1_961).wrapping_add(all);
    let ones = ones.wrapping_mul(-C0_390).wrapping_add(all);
    let odd = [
        dot([line[1], outer, ones], [C1_501, 1, 1]),
        dot([line[3], inner, threes], [C3_072, 1, 1]),
        dot([line[5], inner, ones], [C2_053, 1, 1]),
        dot([line[7], outer, threes], [C0_298, 1, 1]),
    ];
    let mut samples = [0; 8];
    for at in 0..4 {
        samples[at] = even[at].wrapping_add(odd[at]);
        samples[7 - at] = even[at].wrapping_sub(odd[at]);
    }
    samples
}

fn eight(block: &[i32; 64], plane: &mut [u8], stride: usize) {
    let mut columns = [0; 64];
    for column in 0..8 {
        let line: [i32; 8] = std::array::from_fn(|row| block[8 * row + column]);
        if line[1..] == [0; 7] {
            for row in 0..8 {
                columns[8 * row + column] = line[0] << KEPT;
            }
            continue;
        }
        for (row, value) in eight_of(line).into_iter().enumerate() {
            columns[8 * row + column] = rounded(value, FRACTION - KEPT);
        }
    }
    for (line, row) in columns.as_chunks::<8>().0.iter().zip(plane.chunks_mut(stride)) {
        for (value, to) in eight_of(*line).into_iter().zip(row) {
            *to = sample(value, FRACTION + KEPT + 3);
        }
    }
}

/// Four samples of eight coefficients, the fifth of which has no part in them, with fourteen more fractional bits.
fn four_of(line: [i32; 8]) -> [i32; 4] {
    let first = line[0] << (FRACTION + 1);
    let second = dot([line[2], line[6]], [C1_847, -C0_765]);
    let (outer, inner) = (first.wrapping_add(second), first.wrapping_sub(second));
    let odd = [line[7], line[5], line[3], line[1]];
    let inner_odd = dot(odd, [-C0_211, C1_451, -C2_172, C1_061]);
    let outer_odd = dot(odd, [-C0_509, -C0_601, C0_899, C2_562]);
    [
        outer.wrapping_add(outer_odd),
        inner.wrapping_add(inner_odd),
        inner.wrapping_sub(inner_odd),
        outer.wrapping_sub(outer_odd),
    ]
}

fn four(block: &[i32; 64], plane: &mut [u8], stride: usize) {
    let mut columns = [[0; 8]; 4];
    for column in [0, 1, 2, 3, 5, 6, 7] {
        let line: [i32; 8] = std::array::from_fn(|row| block[8 * row + column]);
        for (row, value) in columns.iter_mut().zip(four_of(line)) {
            row[column] = rounded(value, FRACTION + 1 - KEPT);
        }
    }
    for (line, row) in columns.into_iter().zip(plane.chunks_mut(stride)) {
        for (value, to) in four_of(line).into_iter().zip(row) {
            *to = sample(value, FRACTION + 1 + KEPT + 3);
        }
    }
}

/// Two samples of eight coefficients, of which the first and the odd ones have a part in them, with fifteen more fractional bits.
fn two_of(line: [i32; 8]) -> [i32; 2] {
    let even = line[0] << (FRACTION + 2);
    let odd = dot(
        [line[7], line[5], line[3], line[1]],
        [-C0_720, C0_850, -C1_272, C3_624],
    );
    [even.wrapping_add(odd), even.wrapping_sub(odd)]
}

fn two(block: &[i32; 64], plane: &mut [u8], stride: usize) {
    let mut columns = [[0; 8]; 2];
    for column in [0, 1, 3, 5, 7] {
        let line: [i32; 8] = std::array::from_fn(|row| block[8 * row + column]);
        for (row, value) in columns.iter_mut().zip(two_of(line)) {
            row[column] = rounded(value, FRACTION + 2 - KEPT);
        }
    }
    for (line, row) in columns.into_iter().zip(plane.chunks_mut(stride)) {
        for (value, to) in two_of(line).into_iter().zip(row) {
            *to = sample(value, FRACTION + 2 + KEPT + 3);
        }
    }
}
