//! Orientation out of an EXIF block: one tag of the first directory, and nothing else of it (feed 7.6).

/// Bytes of an EXIF block that is looked at; a larger one is ignored.
pub const BYTES_MAX: usize = 65_536;
/// The tag `Orientation`.
const TAG: u16 = 274;
/// The type of its value: sixteen bits.
const SHORT: u16 = 3;

/// How an image is turned before it is shown; 1 to 8 as EXIF numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Orientation(u8);

impl Default for Orientation {
    fn default() -> Self {
        Self(1)
    }
}

impl Orientation {
    /// The orientation that this block names; as it lies where the block names none that exists.
    pub fn read(block: &[u8]) -> Self {
        if block.len() > BYTES_MAX {
            return Self::default();
        }
        let named = named(block).and_then(|value| u8::try_from(value).ok());
        named
            .filter(|value| (1..=8).contains(value))
            .map_or_else(Self::default, Self)
    }

    /// Whether width and height change places.
    pub const fn swaps_sides(self) -> bool {
        self.0 >= 5
    }

    /// Pixels of `N` bytes in `width` columns, turned.
    pub fn applied<const N: usize>(self, pixels: Vec<u8>, width: usize) -> Vec<u8> {
        if self.0 == 1 || width == 0 {
            return pixels;
        }
        let from = pixels.as_chunks::<N>().0;
        let height = from.len() / width;
        let (columns, rows) = if self.swaps_sides() {
            (height, width)
        } else {
            (width, height)
        };
        let mut turned = Vec::with_capacity(pixels.len());
        for y in 0..rows {
            for x in 0..columns {
                let (column, row) = match self.0 {
                    2 => (width - 1 - x, y),
                    3 => (width - 1 - x, height - 1 - y),
                    4 => (x, height - 1 - y),
                    5 => (y, x),
                    6 => (y, height - 1 - x),
                    7 => (width - 1 - y, height - 1 - x),
                    _ => (width - 1 - y, x),
                };
                turned.extend_from_slice(&from[row * width + column]);
            }
        }
        turned
    }
}

/// The value of the tag, when the first directory holds one number of sixteen bits under it.
fn named(block: &[u8]) -> Option<u16> {
    let little = match block.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = block.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if little {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        })
    };
    let long = |at: usize| {
        let bytes = block.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if little {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        })
    };
    let directory = usize::try_from(long(4)?).ok()?;
    let entries = usize::from(short(directory)?);
    let first = directory.checked_add(2)?;
    let entry = (0..entries)
        .map(|entry| first + entry * 12)
        .find(|at| short(*at) == Some(TAG))?;
    let is_one_short = short(entry + 2)? == SHORT && long(entry + 4)? == 1;
    if is_one_short { short(entry + 8) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block with one entry.
    fn block(little: bool, (tag, kind, count, value): (u16, u16, u32, u16)) -> Vec<u8> {
        let short = |value: u16| {
            if little {
                value.to_le_bytes()
            } else {
                value.to_be_bytes()
            }
        };
        let long = |value: u32| {
            if little {
                value.to_le_bytes()
            } else {
                value.to_be_bytes()
            }
        };
        let mut bytes = if little {
            b"II*\0".to_vec()
        } else {
            b"MM\0*".to_vec()
        };
        bytes.extend(long(8));
        bytes.extend(short(1));
        bytes.extend(short(tag));
        bytes.extend(short(kind));
        bytes.extend(long(count));
        bytes.extend(short(value));
        bytes.extend([0; 6]);
        bytes
    }

    #[test]
    fn values_of_one_to_eight_count_in_both_byte_orders() {
        for value in 0..=300 {
            let expected = if (1..=8).contains(&value) { value } else { 1 };
            for little in [true, false] {
                let read = Orientation::read(&block(little, (TAG, SHORT, 1, value)));
                assert_eq!(u16::from(read.0), expected);
            }
        }
    }

    #[test]
    fn other_tags_types_counts_and_directories_do_not_count() {
        assert_eq!(Orientation::read(&block(true, (275, SHORT, 1, 6))).0, 1);
        assert_eq!(Orientation::read(&block(true, (TAG, 4, 1, 6))).0, 1);
        assert_eq!(Orientation::read(&block(true, (TAG, SHORT, 2, 6))).0, 1);
        let mut later = block(true, (TAG, SHORT, 1, 6));
        later[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(Orientation::read(&later).0, 1);
        let mut large = block(true, (TAG, SHORT, 1, 6));
        large.resize(BYTES_MAX + 1, 0);
        assert_eq!(Orientation::read(&large).0, 1);
        large.truncate(BYTES_MAX);
        assert_eq!(Orientation::read(&large).0, 6);
        for end in 0..20 {
            assert_eq!(Orientation::read(&block(true, (TAG, SHORT, 1, 6))[..end]).0, 1);
        }
    }

    #[test]
    fn each_orientation_turns_as_its_number_says() {
        // Stored: ab / cd / ef. What must be seen:
        let seen = [
            (1, "abcdef"),
            (2, "badcfe"),
            (3, "fedcba"),
            (4, "efcdab"),
            (5, "acebdf"),
            (6, "ecafdb"),
            (7, "fdbeca"),
            (8, "bdface"),
        ];
        for (value, expected) in seen {
            let turned = Orientation(value).applied::<1>(b"abcdef".to_vec(), 2);
            assert_eq!(turned, expected.as_bytes(), "{value}");
        }
    }
}
