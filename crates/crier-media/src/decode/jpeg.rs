//! JPEG: baseline, extended and progressive of eight bits, decoded at the smallest scale that is of use (feed 7.6, 7.7).
//!
//! Promise: what the header condemns costs nothing; what passes it is read within its working memory, and stopped at the deadline
//! wherever it stands (docs/adr/0030).

mod bits;
mod head;
mod idct;
mod layout;
mod planes;
mod scan;

use super::rows::{Rows, Source};
use super::{Decoded, Order, Orientation};
use crier_platform::ports::images::{BrokenPart, NoPicture};
use head::{Head, Walk};
use planes::Pixels;
use scan::Plane;

#[cfg(test)]
mod tests;

/// Scans of one file: an order of magnitude above what encoders write.
const SCANS_MAX: usize = 100;

/// Reads a JPEG.
pub fn decode(image: &[u8], order: &Order) -> Result<Decoded, NoPicture> {
    let mut walk = Walk::over(image);
    let head = walk.head(order)?;
    let target = order.fit.of(head.frame.sides.0, head.frame.sides.1);
    let denominator = head.frame.scale(target, order)?;
    let mut planes = scan::planes(&head.frame, denominator);
    scans(&mut walk, &head, &mut planes, order)?;
    let source = match planes.len() {
        1 => Source::Grey,
        3 => Source::Rgb,
        _ => Source::Cmyk,
    };
    let sides = head.frame.scaled(denominator);
    let mut rows = Rows::new(source, head.profile.as_deref(), sides, target);
    let mut pixels = Pixels::new(&planes, sides.0 as usize, (head.colours, head.adobe));
    for y in 0..sides.1 as usize {
        if y % 8 == 0 {
            order.deadline.check()?;
        }
        rows.row(pixels.row(y))?;
    }
    let mut canvas = rows.finish()?;
    // The canvas is of the image, not of its reduced scale: the sides of the picture follow from the image's own.
    canvas.image = head.frame.sides;
    canvas.cell = (canvas.cell.0 * denominator, canvas.cell.1 * denominator);
    Ok(Decoded {
        canvas,
        orientation: head.exif.map_or_else(Orientation::default, Orientation::read),
    })
}

/// Reads every scan: of a baseline file until each component is there, of a progressive one up to the end of the image.
fn scans(walk: &mut Walk, head: &Head, planes: &mut [Plane], order: &Order) -> Result<(), NoPicture> {
    for _ in 0..SCANS_MAX {
        scan::read(walk, &head.frame, planes, order.deadline)?;
        let is_whole = scan::is_whole(planes);
        if is_whole && !head.frame.progressive {
            return if walk.ends() {
                Ok(())
            } else {
                Err(NoPicture::Broken(BrokenPart::End))
            };
        }
        if !walk.next_scan(order)? {
            return planes
                .iter_mut()
                .try_for_each(|plane| plane.finish(order.deadline));
        }
    }
    Err(NoPicture::Timeout)
}
