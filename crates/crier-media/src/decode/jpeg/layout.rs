//! Where the samples of a JPEG stand, at each scale, and what they cost (feed 7.6, 7.7; ITU-T T.81, annex A).

use super::super::Order;
use super::super::reduce::cells;
use super::super::rows::Rows;
use crier_platform::ports::images::NoPicture;

/// Reductions at which a block can be read, the strongest first.
const DENOMINATORS: [u32; 4] = [8, 4, 2, 1];
/// Tables, rows, and whatever else does not grow with the area.
const FIXED_BYTES: u64 = 128 * 1024;
/// What a block of a progressive file takes until its last scan: its coefficients, and which is the last that is not zero.
const PROGRESSIVE_BLOCK_BYTES: u64 = 129;

/// A component, as its frame declares it.
pub struct Component {
    /// By which scans name it.
    pub id: u8,
    /// Blocks in a unit, from left to right.
    pub across: u32,
    /// Blocks in a unit, from top to bottom.
    pub down: u32,
    /// Which quantisation it has.
    pub table: usize,
}

/// What a frame declares.
pub struct Frame {
    /// Width and height.
    pub sides: (u32, u32),
    /// Whether coefficients come in several scans.
    pub progressive: bool,
    /// Components, in the order of their colours.
    pub components: Vec<Component>,
}

/// A component at a scale; counts are from left to right, and from top to bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Blocks in a unit.
    pub unit: (usize, usize),
    /// Blocks of whole units.
    pub blocks: (usize, usize),
    /// Blocks that a scan of this component alone has.
    pub own_blocks: (usize, usize),
    /// Samples of a block's side.
    pub side: usize,
    /// Samples that show something.
    pub samples: (usize, usize),
    /// Samples to a pixel, each as dividend and divisor.
    pub ratio: ((usize, usize), (usize, usize)),
    /// Whether it may be enlarged smoothly: at the strongest reduction no reader does.
    pub smooth: bool,
}

impl Layout {
    /// Samples from one row to the next.
    pub const fn stride(&self) -> usize {
        self.blocks.0 * self.side
    }
}

const fn scaled(side: u32, denominator: u32) -> u32 {
    side.div_ceil(denominator)
}

impl Frame {
    /// Width and height at a scale.
    pub const fn scaled(&self, denominator: u32) -> (u32, u32) {
        (
            scaled(self.sides.0, denominator),
            scaled(self.sides.1, denominator),
        )
    }

    /// The most blocks that a component has in a unit.
    fn most(&self) -> (u32, u32) {
        let most = |pick: fn(&Component) -> u32| self.components.iter().map(pick).max().unwrap_or(1);
        (
            most(|component| component.across),
            most(|component| component.down),
        )
    }

    /// Units of all components together.
    pub fn units(&self) -> (usize, usize) {
        let (across, down) = self.most();
        (
            self.sides.0.div_ceil(8 * across) as usize,
            self.sides.1.div_ceil(8 * down) as usize,
        )
    }

    /// Each component at a scale. One with fewer samples than others is reduced less, so that it is seldom enlarged afterwards.
    pub fn layouts(&self, denominator: u32) -> Vec<Layout> {
        let most = self.most();
        let units = self.units();
        let least = 8 / denominator;
        let of = |component: &Component| {
            let mut side = least;
            while side < 8
                && (most.0 * least).is_multiple_of(component.across * side * 2)
                && (most.1 * least).is_multiple_of(component.down * side * 2)
            {
                side *= 2;
            }
            let own = |pixels: u32, own: u32, most: u32, samples: u32| {
                (pixels * own * samples).div_ceil(most * 8) as usize
            };
            let own_samples = (
                own(self.sides.0, component.across, most.0, side),
                own(self.sides.1, component.down, most.1, side),
            );
            Layout {
                unit: (component.across as usize, component.down as usize),
                blocks: (
                    units.0 * component.across as usize,
                    units.1 * component.down as usize,
                ),
                own_blocks: (
                    own(self.sides.0, component.across, most.0, 1),
                    own(self.sides.1, component.down, most.1, 1),
                ),
                side: side as usize,
                samples: own_samples,
                ratio: (
                    ((component.across * side) as usize, (most.0 * least) as usize),
                    ((component.down * side) as usize, (most.1 * least) as usize),
                ),
                smooth: least > 1,
            }
        };
        self.components.iter().map(of).collect()
    }

    /// The strongest reduction that leaves twice the target on each side; where memory does not permit it, one that leaves the target.
    pub fn scale(&self, target: (u32, u32), order: &Order) -> Result<u32, NoPicture> {
        let leaves = |denominator: u32, times: u32| {
            let sides = self.scaled(denominator);
            sides.0 >= cells(target.0, times) && sides.1 >= cells(target.1, times)
        };
        let strongest = |times| {
            let found = DENOMINATORS
                .into_iter()
                .find(|denominator| leaves(*denominator, times));
            found.unwrap_or(1)
        };
        let wanted = strongest(2);
        if order.bounds.memory(self.memory(target, wanted)).is_ok() {
            return Ok(wanted);
        }
        let least = strongest(1);
        order.bounds.memory(self.memory(target, least))?;
        Ok(least)
    }

    /// Working memory at a scale: samples, and beside them first the coefficients of a progressive file, then the way to the canvas.
    fn memory(&self, target: (u32, u32), denominator: u32) -> u64 {
        let layouts = self.layouts(denominator);
        let blocks = |layout: &Layout| (layout.blocks.0 * layout.blocks.1) as u64;
        let samples = |layout: &Layout| blocks(layout) * (layout.side * layout.side) as u64;
        let planes: u64 = layouts.iter().map(samples).sum();
        let coefficients = if self.progressive {
            layouts.iter().map(blocks).sum::<u64>() * PROGRESSIVE_BLOCK_BYTES
        } else {
            0
        };
        FIXED_BYTES + planes + coefficients.max(Rows::bytes(self.scaled(denominator), target))
    }
}
