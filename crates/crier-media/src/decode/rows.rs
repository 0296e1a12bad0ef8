//! From a decoder's rows to the reducer: every kind of pixel becomes grey, RGB or RGBA of sRGB here, and nowhere else.

use super::colour::{self, Conversion};
use super::reduce::{Canvas, Reducer, Shape};
use crier_platform::ports::images::{BrokenPart, NoPicture};

/// What a decoder's rows hold, eight bits a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// One channel.
    Grey,
    /// Grey and alpha.
    GreyAlpha,
    /// Three channels.
    Rgb,
    /// Three channels and alpha.
    Rgba,
    /// Amounts of four inks, 255 is full.
    Cmyk,
}

impl Source {
    /// Bytes of a pixel.
    pub const fn channels(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::GreyAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba | Self::Cmyk => 4,
        }
    }

    /// What its rows are reduced as.
    const fn shape(self, converted: bool) -> Shape {
        match self {
            Self::Grey if converted => Shape::Rgb,
            Self::Grey => Shape::Grey,
            Self::Rgb | Self::Cmyk => Shape::Rgb,
            Self::GreyAlpha | Self::Rgba => Shape::Rgba,
        }
    }
}

/// Where a decoder's rows go.
pub struct Rows {
    source: Source,
    conversion: Option<Conversion>,
    converted: Vec<u8>,
    reducer: Reducer,
}

impl Rows {
    /// For an image of these sides on its way to a picture of the sides `target`, with the profile that it embeds.
    pub fn new(source: Source, profile: Option<&[u8]>, image: (u32, u32), target: (u32, u32)) -> Self {
        let conversion = colour::to_srgb(profile, source);
        let shape = source.shape(conversion.is_some());
        Self {
            source,
            conversion,
            converted: vec![0; image.0 as usize * shape.channels()],
            reducer: Reducer::new(shape, image, target),
        }
    }

    /// The most bytes that the way from rows to canvas holds.
    pub fn bytes(image: (u32, u32), target: (u32, u32)) -> u64 {
        Reducer::bytes(Shape::Rgba, image, target) + 4 * u64::from(image.0)
    }

    /// Takes the next row from the top.
    pub fn row(&mut self, row: &[u8]) -> Result<(), NoPicture> {
        if let Some(conversion) = &self.conversion {
            conversion
                .transform(row, &mut self.converted)
                .map_err(|_| NoPicture::Broken(BrokenPart::Data))?;
            self.reducer.row(&self.converted);
            return Ok(());
        }
        match self.source {
            Source::Grey | Source::Rgb | Source::Rgba => {
                self.reducer.row(row);
                return Ok(());
            }
            Source::GreyAlpha => grey_alpha_to_rgba(row, &mut self.converted),
            Source::Cmyk => cmyk_to_rgb(row, &mut self.converted),
        }
        self.reducer.row(&self.converted);
        Ok(())
    }

    /// The canvas, once every row was taken.
    pub fn finish(self) -> Result<Canvas, NoPicture> {
        self.reducer.finish().ok_or(NoPicture::Broken(BrokenPart::End))
    }
}

fn grey_alpha_to_rgba(row: &[u8], to: &mut [u8]) {
    for ([grey, alpha], pixel) in row.as_chunks::<2>().0.iter().zip(to.as_chunks_mut::<4>().0) {
        *pixel = [*grey, *grey, *grey, *alpha];
    }
}

/// Inks without a profile: R = (255 − C)(255 − K) / 255 and so on (feed 7.6).
fn cmyk_to_rgb(row: &[u8], to: &mut [u8]) {
    for ([cyan, magenta, yellow, black], pixel) in
        row.as_chunks::<4>().0.iter().zip(to.as_chunks_mut::<3>().0)
    {
        let light = |ink: u8| {
            let product = u16::from(255 - ink) * u16::from(255 - black);
            u8::try_from(product / 255).unwrap_or(u8::MAX)
        };
        *pixel = [light(*cyan), light(*magenta), light(*yellow)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inks_darken_each_other() {
        let mut rgb = [0; 12];
        cmyk_to_rgb(
            &[0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 255, 55, 105, 155, 51],
            &mut rgb,
        );
        assert_eq!(rgb, [255, 255, 255, 0, 255, 255, 0, 0, 0, 160, 120, 80]);
    }

    #[test]
    fn a_profile_that_is_none_is_ignored() {
        let mut rows = Rows::new(Source::Rgb, Some(b"no profile"), (1, 1), (1, 1));
        rows.row(&[1, 2, 3]).unwrap();
        assert_eq!(rows.finish().unwrap().pixels, [1, 2, 3]);
    }
}
