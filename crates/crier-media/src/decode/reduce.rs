//! Rows of an image averaged into a small canvas while they are decoded, so that no decoder must hold a whole image for us.
//!
//! Promise: integers only; alpha weighs colour (feed 7.6); the canvas is at least twice the target on each side, or the image
//! itself where that is smaller. Knows no format.

/// Channels of a row, eight bits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One channel.
    Grey,
    /// Three.
    Rgb,
    /// Four, alpha last and not multiplied in.
    Rgba,
}

impl Shape {
    /// Bytes of a pixel.
    pub const fn channels(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
            Self::Rgba => 4,
        }
    }
}

/// A small image, and how much of it the last column and row stand for.
pub struct Canvas {
    /// Channels.
    pub shape: Shape,
    /// Cells from left to right.
    pub width: u32,
    /// Cells from top to bottom.
    pub height: u32,
    /// Rows from the top, without padding.
    pub pixels: Vec<u8>,
    /// The image's own sides.
    pub image: (u32, u32),
    /// Columns and rows of the image in one cell; the last cells may hold fewer.
    pub cell: (u32, u32),
}

/// Takes the rows of an image from the top and averages cells of them.
pub struct Reducer {
    canvas: Canvas,
    /// Of each channel of a row of the image; colours weighed with alpha where there is one.
    sums: Vec<u32>,
    rows_in_sums: u32,
    rows_taken: u32,
}

/// Cells on each side, where the image has as many pixels: the last cell may hold fewer than the others, and among very few cells
/// it would weigh too much.
const CELLS_MIN: u32 = 16;

/// Cells of a side of the canvas at least, for so many pixels of the picture and this many times as many cells.
pub fn cells(target: u32, times: u32) -> u32 {
    (times * target).max(CELLS_MIN)
}

/// How many pixels of `side` fall into one cell, when twice `target` cells are wanted.
fn cell_side(side: u32, target: u32) -> u32 {
    let cell = side / cells(target, 2);
    if cell == 0 { 1 } else { cell }
}

impl Reducer {
    /// For an image of these sides, all at least 1, on its way to a picture of the sides `target`.
    pub fn new(shape: Shape, image: (u32, u32), target: (u32, u32)) -> Self {
        let cell = (cell_side(image.0, target.0), cell_side(image.1, target.1));
        let (width, height) = (image.0.div_ceil(cell.0), image.1.div_ceil(cell.1));
        let plain = cell == (1, 1);
        Self {
            sums: if plain {
                Vec::new()
            } else {
                vec![0; image.0 as usize * shape.channels()]
            },
            canvas: Canvas {
                shape,
                width,
                height,
                pixels: Vec::with_capacity(width as usize * height as usize * shape.channels()),
                image,
                cell,
            },
            rows_in_sums: 0,
            rows_taken: 0,
        }
    }

    /// The most bytes that a reducer of this image holds.
    pub fn bytes(shape: Shape, image: (u32, u32), target: (u32, u32)) -> u64 {
        let cell = (cell_side(image.0, target.0), cell_side(image.1, target.1));
        let cells = u64::from(image.0.div_ceil(cell.0)) * u64::from(image.1.div_ceil(cell.1));
        (cells + 4 * u64::from(image.0)) * shape.channels() as u64
    }

    /// Takes the next row; rows beyond the image's height are ignored.
    pub fn row(&mut self, row: &[u8]) {
        if self.rows_taken == self.canvas.image.1 {
            return;
        }
        self.rows_taken += 1;
        if self.canvas.cell == (1, 1) {
            self.canvas.pixels.extend_from_slice(row);
            return;
        }
        add(self.canvas.shape, &mut self.sums, row);
        self.rows_in_sums += 1;
        if self.rows_in_sums == self.canvas.cell.1 || self.rows_taken == self.canvas.image.1 {
            self.close_cells();
        }
    }

    /// The canvas, once every row was taken.
    pub fn finish(self) -> Option<Canvas> {
        (self.rows_taken == self.canvas.image.1).then_some(self.canvas)
    }

    /// Turns the sums into one row of cells.
    fn close_cells(&mut self) {
        let channels = self.canvas.shape.channels();
        let columns = self.canvas.cell.0 as usize;
        for cell in self.sums.chunks(columns * channels) {
            let pixels = (cell.len() / channels) as u64 * u64::from(self.rows_in_sums);
            let mut sum = [0u64; 4];
            for pixel in cell.chunks_exact(channels) {
                for (total, value) in sum.iter_mut().zip(pixel) {
                    *total += u64::from(*value);
                }
            }
            let average = match self.canvas.shape {
                Shape::Grey | Shape::Rgb => sum.map(|total| rounded(total, pixels)),
                Shape::Rgba => {
                    let [red, green, blue, alpha] = sum;
                    [
                        rounded(red, alpha),
                        rounded(green, alpha),
                        rounded(blue, alpha),
                        rounded(alpha, pixels),
                    ]
                }
            };
            self.canvas.pixels.extend_from_slice(&average[..channels]);
        }
        self.sums.fill(0);
        self.rows_in_sums = 0;
    }
}

/// Adds a row to the sums of its column and channel.
fn add(shape: Shape, sums: &mut [u32], row: &[u8]) {
    match shape {
        Shape::Grey | Shape::Rgb => {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += u32::from(*value);
            }
        }
        Shape::Rgba => {
            for (sum, pixel) in sums.as_chunks_mut::<4>().0.iter_mut().zip(row.as_chunks::<4>().0) {
                let alpha = u32::from(pixel[3]);
                sum[0] += u32::from(pixel[0]) * alpha;
                sum[1] += u32::from(pixel[1]) * alpha;
                sum[2] += u32::from(pixel[2]) * alpha;
                sum[3] += alpha;
            }
        }
    }
}

/// The nearest byte to `sum` / `count`; 0 where nothing was counted.
fn rounded(sum: u64, count: u64) -> u8 {
    if count == 0 {
        return 0;
    }
    u8::try_from((sum + count / 2) / count).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reduced(shape: Shape, image: (u32, u32), target: (u32, u32), rows: &[Vec<u8>]) -> Canvas {
        let mut reducer = Reducer::new(shape, image, target);
        rows.iter().for_each(|row| reducer.row(row));
        reducer.finish().unwrap()
    }

    #[test]
    fn an_image_below_four_times_its_target_is_kept_as_it_is() {
        let rows = vec![vec![1, 2, 3], vec![4, 5, 6]];
        let canvas = reduced(Shape::Grey, (3, 2), (1, 1), &rows);
        assert_eq!(
            (canvas.width, canvas.height, canvas.pixels),
            (3, 2, vec![1, 2, 3, 4, 5, 6])
        );
    }

    #[test]
    fn cells_are_averages_and_the_last_ones_hold_fewer_pixels() {
        let rows = vec![(0..33).map(|x| 2 * x).collect::<Vec<u8>>(); 32];
        let canvas = reduced(Shape::Grey, (33, 32), (8, 8), &rows);
        assert_eq!((canvas.width, canvas.height, canvas.cell), (17, 16, (2, 2)));
        let row: Vec<u8> = (0..16).map(|cell| 4 * cell + 1).chain([64]).collect();
        assert_eq!(canvas.pixels, row.repeat(16));
    }

    #[test]
    fn what_cannot_be_seen_gives_no_colour() {
        let rows = vec![[255, 0, 0, 255, 0, 255, 0, 0].repeat(16); 32];
        let canvas = reduced(Shape::Rgba, (32, 32), (8, 8), &rows);
        assert_eq!(canvas.pixels, [255, 0, 0, 128].repeat(256));
    }

    #[test]
    fn an_image_that_lacks_a_row_gives_no_canvas() {
        let mut reducer = Reducer::new(Shape::Grey, (1, 2), (1, 1));
        reducer.row(&[1]);
        assert!(reducer.finish().is_none());
    }
}
