//! The twelve hours (seed: "once every 12 hours for each user"; feed 3.4, 3.5): arithmetic alone.
//!
//! The store judges the same rule again as the condition of the story's write; that one decides between concurrent calls.

use crate::model::time::WallMs;
use crier_proto::story::WINDOW_SECS;

/// The first moment at which the next story is accepted after one committed at `last`.
#[must_use]
pub fn next_allowed(last: WallMs) -> WallMs {
    last.plus_ms(WINDOW_SECS.saturating_mul(1_000))
}

/// When the next story is accepted, if that is still to come; `None`: now.
#[must_use]
pub fn closed_until(last: Option<WallMs>, now: WallMs) -> Option<WallMs> {
    last.map(next_allowed).filter(|next| now < *next)
}

/// The cause of a refusal, with the first whole second at which the next story is accepted (protocol 14.2.4).
#[must_use]
pub fn cause(next_allowed: WallMs) -> String {
    let seconds = next_allowed.secs_rounded_up();
    format!("one story in 12 hours for each user, next allowed at {seconds}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAST: WallMs = WallMs(1_795_290_600_001);

    #[test]
    fn twelve_hours_to_the_millisecond_and_not_one_less() {
        assert_eq!(closed_until(None, LAST), None);
        assert_eq!(closed_until(Some(LAST), LAST), Some(LAST.plus_ms(43_200_000)));
        assert_eq!(
            closed_until(Some(LAST), LAST.plus_ms(43_199_999)),
            Some(LAST.plus_ms(43_200_000))
        );
        assert_eq!(closed_until(Some(LAST), LAST.plus_ms(43_200_000)), None);
    }

    #[test]
    fn a_clock_that_stands_before_the_last_story_keeps_the_window_closed() {
        assert_eq!(
            closed_until(Some(LAST), LAST.plus_ms(-5_000)),
            Some(LAST.plus_ms(43_200_000))
        );
    }

    #[test]
    fn the_cause_rounds_up_so_that_nobody_comes_too_early() {
        assert_eq!(
            cause(next_allowed(LAST)),
            "one story in 12 hours for each user, next allowed at 1795333801"
        );
        assert_eq!(
            cause(next_allowed(WallMs(1_795_290_600_000))),
            "one story in 12 hours for each user, next allowed at 1795333800"
        );
    }
}
