//! The simulator's one generator: SplitMix64, in integers, so that a seed repeats everything.

/// Chance from a seed.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `end` − 1; 0 for an empty range. The high half of a product is even enough for every range used here.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        let product = u128::from(self.next()) * u128::from(end);
        u64::try_from(product >> 64).unwrap_or(0)
    }

    /// Whether something with this chance happens.
    pub(super) fn per_million(&mut self, chance: u64) -> bool {
        self.below(1_000_000) < chance
    }

    /// How often something happens that is expected `many` times in `of` such spans: the whole part, and one more by chance.
    pub(super) fn often(&mut self, many: u64, of: u64) -> u64 {
        let of = of.max(1);
        many / of + u64::from(self.below(of) < many % of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_numbers() {
        let mut dice = Dice::new(0);
        assert_eq!(
            [dice.next(), dice.next()],
            [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4]
        );
        let rolls = |seed| {
            let mut dice = Dice::new(seed);
            (0..8).map(|_| dice.below(1_000)).collect::<Vec<_>>()
        };
        assert_eq!(rolls(7), rolls(7));
        assert_ne!(rolls(7), rolls(8));
    }

    #[test]
    fn chances_at_their_ends_are_certain() {
        let mut dice = Dice::new(1);
        assert!((0..100).all(|_| dice.per_million(1_000_000) && !dice.per_million(0)));
        assert!((0..100).all(|_| dice.often(48, 24) == 2 && dice.often(0, 24) == 0 && dice.below(0) == 0));
        let sum: u64 = (0..24_000).map(|_| dice.often(36, 24)).sum();
        assert!((34_000..38_000).contains(&sum), "{sum}");
    }
}
