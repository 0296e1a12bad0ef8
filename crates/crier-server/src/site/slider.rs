//! The slider of five stops (feed 6.4): radio buttons, so that it works without JavaScript and by keyboard alone.

/// The stops in their order; a stop's number is its place (feed 4.4, factor 7).
pub(super) const STOPS: [&str; 5] = ["none", "less", "normal", "more", "most"];

/// An application's slider in a form.
pub(super) struct Slider {
    /// Name of the field.
    pub(super) field: String,
    /// Name of the application.
    pub(super) label: String,
    /// Where it stands.
    pub(super) stop: u8,
}

/// One stop as a template shows it.
pub(super) struct Stop {
    pub(super) number: u8,
    pub(super) word: &'static str,
    pub(super) chosen: bool,
}

impl Slider {
    /// All five.
    pub(super) fn stops(&self) -> impl Iterator<Item = Stop> + '_ {
        STOPS.into_iter().zip(0..).map(|(word, number)| Stop {
            number,
            word,
            chosen: number == self.stop,
        })
    }
}

/// The stop that a form's value names.
pub(super) fn stop_named(value: &str) -> Option<u8> {
    let stop = value.parse().ok().filter(|_| value.len() == 1)?;
    (usize::from(stop) < STOPS.len()).then_some(stop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_is_one_digit_from_0_to_4() {
        assert_eq!(stop_named("0"), Some(0));
        assert_eq!(stop_named("4"), Some(4));
        for bad in ["", "5", "-1", "+1", "02", "none", "1 "] {
            assert_eq!(stop_named(bad), None, "{bad}");
        }
    }
}
