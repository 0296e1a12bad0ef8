//! From the samples of each component to rows of pixels (ITU-T T.871).
//!
//! Promise: integers only, with the rounding of the Independent JPEG Group's readers, so that what we see is what most readers see.
//! A component of half the samples is enlarged by weights of three quarters and one quarter, any other by repetition.

use super::head::Colours;
use super::scan::Plane;

/// How a component comes to the sides of the image.
#[derive(Clone, Copy)]
struct Enlargement {
    /// Twice as wide, smoothly.
    wider: bool,
    /// Twice as high, smoothly.
    higher: bool,
}

/// Gives the rows of an image.
pub struct Pixels<'a> {
    planes: &'a [Plane],
    colours: Colours,
    /// Inks are stored inverted.
    inverted: bool,
    width: usize,
    /// A row of each component.
    lines: Vec<Vec<u8>>,
    /// A row of weighted samples.
    sums: Vec<u16>,
    row: Vec<u8>,
}

impl<'a> Pixels<'a> {
    /// For an image so wide.
    pub fn new(planes: &'a [Plane], width: usize, (colours, inverted): (Colours, bool)) -> Self {
        Self {
            planes,
            colours,
            inverted,
            width,
            lines: planes.iter().map(|_| Vec::with_capacity(width + 1)).collect(),
            sums: Vec::new(),
            row: vec![0; width * planes.len()],
        }
    }

    /// The row so far from the top.
    pub fn row(&mut self, y: usize) -> &[u8] {
        for (plane, line) in self.planes.iter().zip(&mut self.lines) {
            line.clear();
            enlarge(plane, y, (&mut self.sums, line));
            // Only what is written carelessly is shorter than the image.
            line.resize(self.width, 0);
        }
        match self.lines.as_slice() {
            [grey] => self.row.copy_from_slice(grey),
            [one, two, three] => {
                let samples = one.iter().zip(two).zip(three);
                for (pixel, ((one, two), three)) in self.row.as_chunks_mut::<3>().0.iter_mut().zip(samples) {
                    *pixel = match self.colours {
                        Colours::Plain => [*one, *two, *three],
                        Colours::Differences => colour(*one, *two, *three),
                    };
                }
            }
            [one, two, three, black] => {
                let samples = one.iter().zip(two).zip(three).zip(black);
                for (pixel, (((one, two), three), black)) in
                    self.row.as_chunks_mut::<4>().0.iter_mut().zip(samples)
                {
                    let inks = match self.colours {
                        Colours::Plain => [*one, *two, *three],
                        Colours::Differences => colour(*one, *two, *three).map(|light| 255 - light),
                    };
                    *pixel = [inks[0], inks[1], inks[2], *black];
                }
                if self.inverted {
                    self.row.iter_mut().for_each(|ink| *ink = 255 - *ink);
                }
            }
            _ => {}
        }
        &self.row
    }
}

/// Red, green and blue of brightness and its differences to blue and to red.
fn colour(brightness: u8, blue: u8, red: u8) -> [u8; 3] {
    let brightness = i32::from(brightness);
    let (blue, red) = (i32::from(blue) - 128, i32::from(red) - 128);
    // Sixteen fractional bits of 1.402, 0.344136, 0.714136 and 1.772.
    let half = 1 << 15;
    let clamped = |value: i32| value.clamp(0, 255) as u8;
    [
        clamped(brightness + ((91_881 * red + half) >> 16)),
        clamped(brightness + ((-22_554 * blue - 46_802 * red + half) >> 16)),
        clamped(brightness + ((116_130 * blue + half) >> 16)),
    ]
}

impl Enlargement {
    /// Which way a plane goes, as readers do it: where it has half the samples, smoothly unless its rows are too short for that.
    fn of(plane: &Plane) -> Self {
        let ((across, width), (down, height)) = plane.layout.ratio;
        let (doubles_width, doubles_height) = (across * 2 == width, down * 2 == height);
        let wider = doubles_width && (down == height || doubles_height) && plane.layout.samples.0 > 2;
        let higher = doubles_height && (across == width || wider);
        Self {
            wider: plane.layout.smooth && wider,
            higher: plane.layout.smooth && higher,
        }
    }
}

/// Adds row `y` of the image from a plane to a line.
fn enlarge(plane: &Plane, y: usize, (sums, line): (&mut Vec<u16>, &mut Vec<u8>)) {
    let layout = &plane.layout;
    let row =
        |at: usize| &plane.samples[at.min(layout.samples.1 - 1) * layout.stride()..][..layout.samples.0];
    let ((across, width), (down, height)) = layout.ratio;
    let own = row(y * down / height);
    let how = Enlargement::of(plane);
    if !how.wider && !how.higher {
        if across == width {
            line.extend_from_slice(own);
        } else {
            let count = (own.len() * width).div_ceil(across);
            line.extend((0..count).map(|x| own[(x * across / width).min(own.len() - 1)]));
        }
        return;
    }
    // Rows in between: three quarters of the nearest, one of the next.
    let next = if y.is_multiple_of(2) {
        row((y / 2).saturating_sub(1))
    } else {
        row(y / 2 + 1)
    };
    if !how.wider {
        let half = if y.is_multiple_of(2) { 1 } else { 2 };
        let mixed = own.iter().zip(next);
        line.extend(mixed.map(|(own, next)| ((3 * u16::from(*own) + u16::from(*next) + half) >> 2) as u8));
        return;
    }
    sums.clear();
    if how.higher {
        let mixed = own.iter().zip(next);
        sums.extend(mixed.map(|(own, next)| 3 * u16::from(*own) + u16::from(*next)));
    } else {
        sums.extend(own.iter().map(|own| u16::from(*own)));
    }
    widen(sums, how.higher, line);
}

/// Twice as many samples, of sums that are four times as large where rows were mixed.
fn widen(sums: &[u16], mixed: bool, line: &mut Vec<u8>) {
    let (Some(first), Some(last)) = (sums.first(), sums.last()) else {
        return;
    };
    // What is added before the division goes down and up in turns, so that no side is favoured.
    let (bits, left, right) = if mixed { (4, 8, 7) } else { (2, 1, 2) };
    line.push(((4 * first + left) >> bits) as u8);
    for pair in sums.windows(2) {
        line.push(((3 * pair[0] + pair[1] + right) >> bits) as u8);
        line.push(((3 * pair[1] + pair[0] + left) >> bits) as u8);
    }
    line.push(((4 * last + right) >> bits) as u8);
}
