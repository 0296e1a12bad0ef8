//! The pictures of the demo's stories, painted when they are asked for: nothing of them is kept in files.
//!
//! Promise: a picture is the same bytes each time. Paints in whole numbers and writes PNG with stored blocks, which any reader takes
//! and needs no compressor.

/// Pixels across and down.
const WIDTH: u32 = 160;
const HEIGHT: u32 = 120;
/// Most bytes of a stored block.
const STORED_BYTES_MAX: usize = 65_535;

type Colour = [u8; 3];
/// The colour of a pixel.
type Scene = fn(i32, i32) -> Colour;

const NIGHT: Colour = [16, 22, 48];
const DUSK: Colour = [92, 74, 122];
const CREAM: Colour = [246, 228, 196];

/// The pictures by their names, as their addresses end.
const SCENES: [(&str, Scene); 6] = [
    ("jupiter.png", jupiter),
    ("moons.png", moons),
    ("crescent.png", crescent),
    ("hills.png", hills),
    ("pear.png", pear),
    ("tree.png", tree),
];

/// The picture of a name.
pub(super) fn painted(name: &str) -> Option<Vec<u8>> {
    let found = SCENES.iter().find(|(known, _)| *known == name);
    found.map(|(_, scene)| png(*scene))
}

fn jupiter(x: i32, y: i32) -> Colour {
    if !in_disc((x, y), (80, 60), 44) {
        return night(x, y);
    }
    let spot = (x - 98) * (x - 98) / 3 + (y - 72) * (y - 72) < 36;
    let band = match (y + (x / 19) % 2) / 8 % 4 {
        0 => [214, 180, 138],
        1 => CREAM,
        2 => [186, 132, 96],
        _ => [232, 206, 168],
    };
    let lit = if spot { [190, 92, 66] } else { band };
    mixed(lit, NIGHT, (x - 60).clamp(0, 64) / 2)
}

fn moons(x: i32, y: i32) -> Colour {
    let row = [(18, 68, 3), (46, 62, 4), (118, 55, 5), (146, 50, 3)];
    if in_disc((x, y), (80, 60), 11) {
        return if (y / 3) % 2 == 0 { CREAM } else { [214, 180, 138] };
    }
    let near = row
        .iter()
        .any(|(at_x, at_y, radius)| in_disc((x, y), (*at_x, *at_y), *radius));
    if near { CREAM } else { night(x, y) }
}

fn crescent(x: i32, y: i32) -> Colour {
    let lit = in_disc((x, y), (82, 58), 36) && !in_disc((x, y), (66, 50), 34);
    if lit { CREAM } else { night(x, y) }
}

fn hills(x: i32, y: i32) -> Colour {
    let ridge = |far: i32, height: i32, wide: i32| {
        let along = (x + far).rem_euclid(wide * 2) - wide;
        y > height + along * along / (wide * 2)
    };
    if ridge(10, 92, 52) {
        [20, 34, 30]
    } else if ridge(70, 78, 66) {
        [34, 50, 58]
    } else if in_disc((x, y), (112, 34), 9) {
        CREAM
    } else {
        mixed(NIGHT, DUSK, y)
    }
}

fn pear(x: i32, y: i32) -> Colour {
    let body =
        in_disc((x, y), (80, 76), 30) || in_disc((x, y), (82, 48), 17) || in_disc((x, y), (81, 58), 21);
    let stem = (x - 84 - (40 - y) / 5).abs() < 2 && (18..36).contains(&y);
    let leaf = in_disc((x, y), (98, 14), 15) && in_disc((x, y), (98, 30), 15);
    if stem {
        [96, 66, 38]
    } else if leaf {
        [74, 124, 62]
    } else if body {
        let shine = in_disc((x, y), (70, 66), 9);
        let green = [184, 188, 74];
        if shine {
            [222, 220, 140]
        } else {
            mixed(green, [150, 104, 40], (x - 62).clamp(0, 60))
        }
    } else {
        mixed([250, 240, 222], [236, 206, 168], y)
    }
}

fn tree(x: i32, y: i32) -> Colour {
    let crown = [(56, 50, 26), (84, 36, 28), (108, 54, 24), (82, 60, 28)];
    let fruit = [(52, 56), (74, 40), (94, 62), (110, 48), (84, 72), (66, 66)];
    if fruit.iter().any(|centre| in_disc((x, y), *centre, 4)) {
        [226, 196, 72]
    } else if crown
        .iter()
        .any(|(at_x, at_y, radius)| in_disc((x, y), (*at_x, *at_y), *radius))
    {
        mixed([108, 150, 78], [58, 100, 58], y)
    } else if (x - 82).abs() < 6 && (60..104).contains(&y) {
        [104, 74, 48]
    } else if y > 98 {
        [150, 172, 96]
    } else {
        mixed([206, 226, 236], [246, 238, 222], y)
    }
}

/// The sky with its stars.
fn night(x: i32, y: i32) -> Colour {
    let star = (x * 7919 + y * 104_729 + x * y * 31).rem_euclid(997) < 3;
    if star { CREAM } else { mixed(NIGHT, DUSK, y / 2) }
}

fn in_disc((x, y): (i32, i32), (centre_x, centre_y): (i32, i32), radius: i32) -> bool {
    (x - centre_x) * (x - centre_x) + (y - centre_y) * (y - centre_y) <= radius * radius
}

/// `part` 120ths of the second colour in the first.
fn mixed(one: Colour, other: Colour, part: i32) -> Colour {
    let part = part.clamp(0, 120);
    std::array::from_fn(|at| {
        let value = i32::from(one[at]) * (120 - part) + i32::from(other[at]) * part;
        u8::try_from(value / 120).unwrap_or(u8::MAX)
    })
}

/// A picture as PNG: eight bits of red, green and blue, rows without a filter.
fn png(scene: Scene) -> Vec<u8> {
    let mut rows = Vec::new();
    for (y, _) in (0..).zip(0..HEIGHT) {
        rows.push(0);
        for (x, _) in (0..).zip(0..WIDTH) {
            rows.extend(scene(x, y));
        }
    }
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut head = Vec::new();
    head.extend(WIDTH.to_be_bytes());
    head.extend(HEIGHT.to_be_bytes());
    head.extend([8, 2, 0, 0, 0]);
    push_chunk(&mut out, b"IHDR", &head);
    push_chunk(&mut out, b"IDAT", &stored(&rows));
    push_chunk(&mut out, b"IEND", &[]);
    out
}

fn push_chunk(out: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    out.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend(kind);
    out.extend(data);
    out.extend(crc_32(kind.iter().chain(data)).to_be_bytes());
}

/// Bytes as a zlib stream that compresses nothing.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let blocks = bytes.len().div_ceil(STORED_BYTES_MAX);
    for (block, number) in bytes.chunks(STORED_BYTES_MAX).zip(1..) {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(number == blocks));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    let (low, high) = bytes.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    out.extend((high << 16 | low).to_be_bytes());
    out
}

fn crc_32<'b>(bytes: impl Iterator<Item = &'b u8>) -> u32 {
    !bytes.fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            let low = crc & 1;
            (crc >> 1) ^ (low * 0xedb8_8320)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_their_standards() {
        assert_eq!(crc_32(b"123456789".iter()), 0xcbf4_3926);
        assert_eq!(
            stored(b"abc"),
            *b"\x78\x01\x01\x03\x00\xfc\xff\x61\x62\x63\x02\x4d\x01\x27"
        );
    }

    #[test]
    fn every_name_has_a_picture_of_its_own_and_no_other_has_one() {
        let mut all: Vec<Vec<u8>> = SCENES.iter().map(|(name, _)| painted(name).unwrap()).collect();
        for picture in &all {
            assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\xa0\0\0\0\x78"));
            assert!(picture.ends_with(b"IEND\xae\x42\x60\x82"));
        }
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), SCENES.len());
        assert_eq!(painted("other.png"), None);
    }
}
