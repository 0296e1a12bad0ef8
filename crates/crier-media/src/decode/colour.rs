//! Embedded colour profiles converted to sRGB (feed 7.6).
//!
//! Promise: a profile that cannot be read, is too large or is of another colour space than the pixels is ignored. The conversion
//! runs in scalar code only: its rounding is the same on every machine.

use super::PROFILE_BYTES_MAX;
use super::rows::Source;
use moxcms::{ColorProfile, DataColorSpace, Layout, Transform8BitExecutor, TransformOptions};
use std::sync::Arc;

/// A conversion of one row to sRGB.
pub type Conversion = Arc<Transform8BitExecutor>;

/// The conversion that this profile asks of pixels from `source`.
pub fn to_srgb(profile: Option<&[u8]>, source: Source) -> Option<Conversion> {
    let bytes = profile.filter(|bytes| bytes.len() <= PROFILE_BYTES_MAX)?;
    let profile = ColorProfile::new_from_slice(bytes).ok()?;
    let (space, from, to) = match source {
        Source::Grey => (DataColorSpace::Gray, Layout::Gray, Layout::Rgb),
        Source::GreyAlpha => (DataColorSpace::Gray, Layout::GrayAlpha, Layout::Rgba),
        Source::Rgb => (DataColorSpace::Rgb, Layout::Rgb, Layout::Rgb),
        Source::Rgba => (DataColorSpace::Rgb, Layout::Rgba, Layout::Rgba),
        Source::Cmyk => (DataColorSpace::Cmyk, Layout::Rgba, Layout::Rgb),
    };
    if profile.color_space != space {
        return None;
    }
    profile
        .create_transform_8bit(from, &ColorProfile::new_srgb(), to, TransformOptions::default())
        .ok()
}
