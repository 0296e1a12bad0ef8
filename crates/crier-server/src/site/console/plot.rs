//! A series as bars: inline SVG in whole numbers, coloured by the style sheet, with a title and a description for whoever hears it.
//!
//! Knows nothing of what is plotted. What is not told is drawn as a dash on the line, never as a height.

use std::fmt::Write;

const WIDTH: u64 = 720;
const HEIGHT: u64 = 72;
/// The height of the dash of a value that is not told.
const DASH: u64 = 3;

/// What a plot is told as.
pub(super) struct Caption<'c> {
    /// An id that no other plot of the page has.
    pub(super) id: &'c str,
    /// What it shows.
    pub(super) title: &'c str,
    /// What is to be seen, for whoever does not see it.
    pub(super) description: &'c str,
}

/// The plot of these values, oldest first; `None`: not told.
pub(super) fn bars(caption: &Caption<'_>, values: &[Option<u64>]) -> String {
    let most = values.iter().flatten().copied().max().unwrap_or(0).max(1);
    let places = (values.len() as u64).max(1);
    let Caption {
        id,
        title,
        description,
    } = caption;
    let mut svg = format!(
        "<svg class=\"plot\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>",
        escaped(title),
        escaped(description)
    );
    let mut told = String::new();
    let mut untold = String::new();
    for (place, value) in (0..).zip(values) {
        let left = place * WIDTH / places;
        let width = ((place + 1) * WIDTH / places).saturating_sub(left + 1).max(1);
        // Writing into a text cannot fail.
        let _ = match value {
            // The smallest count is still to be seen.
            Some(value) if *value > 0 => {
                let height = (u128::from(*value) * u128::from(HEIGHT) / u128::from(most)).max(2);
                write!(told, "M{left} {HEIGHT}v-{height}h{width}v{height}z")
            }
            Some(_) => Ok(()),
            None => write!(untold, "M{left} {HEIGHT}v-{DASH}h{width}v{DASH}z"),
        };
    }
    for (class, path) in [("bars", told), ("untold", untold)] {
        if !path.is_empty() {
            let _ = write!(svg, "<path class=\"{class}\" d=\"{path}\"/>");
        }
    }
    svg.push_str("</svg>");
    svg
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(values: &[Option<u64>]) -> String {
        let caption = Caption {
            id: "p",
            title: "A < B",
            description: "All & more",
        };
        bars(&caption, values)
    }

    #[test]
    fn the_greatest_value_is_as_high_as_the_plot_and_every_count_is_seen() {
        let svg = drawn(&[Some(0), Some(1), Some(1_000), Some(500)]);
        let path = "<path class=\"bars\" d=\"M180 72v-2h179v2zM360 72v-72h179v72zM540 72v-36h179v36z\"/>";
        assert!(svg.contains(path) && !svg.contains("untold"), "{svg}");
    }

    #[test]
    fn what_is_not_told_has_no_height() {
        let svg = drawn(&[None, Some(u64::MAX)]);
        assert!(
            svg.contains("<path class=\"untold\" d=\"M0 72v-3h359v3z\"/>"),
            "{svg}"
        );
        assert!(
            svg.contains("<path class=\"bars\" d=\"M360 72v-72h359v72z\"/>"),
            "{svg}"
        );
    }

    #[test]
    fn a_plot_has_a_title_and_a_description_and_no_markup_of_theirs() {
        let svg = drawn(&[]);
        let said = "<title id=\"p-t\">A &lt; B</title><desc id=\"p-d\">All &amp; more</desc></svg>";
        assert!(svg.contains("role=\"img\" aria-labelledby=\"p-t p-d\">"), "{svg}");
        assert!(svg.ends_with(said), "{svg}");
    }
}
