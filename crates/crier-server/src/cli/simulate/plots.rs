//! Three plots as SVG, in integers, readable in light and dark: shares, waiting, buckets (feed 9.3).
//!
//! Promise: equal tallies give equal bytes; names are escaped; nothing outside is asked for.

use crier_platform::feed::simulate::tally::{AppTally, Tally};

/// The drawing in units of a tenth of a pixel.
const WIDTH: u64 = 9_600;
const HEIGHT: u64 = 5_400;
const LEFT: u64 = 900;
const RIGHT: u64 = 9_300;
const TOP: u64 = 1_100;
const BOTTOM: u64 = 4_300;
/// Names that fit below the bars; with more applications every n-th is named.
const NAMES_MAX: usize = 20;
/// Columns of the plot of buckets; more samples are thinned out.
const COLUMNS_MAX: usize = 140;

const STYLE: &str = "\
svg{background:#fff;font-family:system-ui,sans-serif}\
text{fill:#24292f;font-size:140px}.head{font-size:200px;font-weight:600}.quiet{fill:#57606a}\
.grid{stroke:#d0d7de;stroke-width:8}.bar{fill:#2f6fd6}.part{fill:#9cc2f7}.mark{stroke:#b3420a;stroke-width:36}\
.b1{fill:#a50026}.b2{fill:#d73027}.b3{fill:#f46d43}.b4{fill:#fdae61}.b5{fill:#b0b0b0}.b6{fill:#9ecae1}\
.b7{fill:#6baed6}.b8{fill:#3182bd}.b9{fill:#08519c}\
@media(prefers-color-scheme:dark){svg{background:#0d1117}text{fill:#e6edf3}.quiet{fill:#9da7b3}\
.grid{stroke:#30363d}.bar{fill:#6ea8ff}.part{fill:#2b4f85}.mark{stroke:#ffb86b}.b9{fill:#2f7fd8}}";

/// One application in a plot of bars.
struct Bar {
    name: String,
    /// The bar's height.
    value: u64,
    /// A paler bar in front of it.
    part: Option<u64>,
    /// A line across.
    mark: u64,
}

/// What a plot of bars says.
struct Chart<'t> {
    title: &'t str,
    /// What bar, paler bar and line are; the second may be missing.
    legend: [Option<&'t str>; 3],
    /// What stands behind the numbers of the axis, and by what they are divided.
    unit: &'t str,
    scale: u64,
    bars: Vec<Bar>,
}

/// Each application's share of the slots, beside its share of the stories.
pub(super) fn share(tally: &Tally) -> String {
    let stories: u64 = tally.apps.iter().map(|app| app.stories).sum();
    let of = |number: u64, all: u64| number.saturating_mul(10_000).checked_div(all).unwrap_or(0);
    let bar = |app: &AppTally| Bar {
        name: app.name.clone(),
        value: of(app.shown, tally.slots),
        part: None,
        mark: of(app.stories, stories),
    };
    chart(&Chart {
        title: "Who has the slots",
        legend: [Some("share of slots"), None, Some("share of stories")],
        unit: "%",
        scale: 100,
        bars: tally.apps.iter().map(bar).collect(),
    })
}

/// How long each application waited, and how long it had to at most.
pub(super) fn starvation(tally: &Tally) -> String {
    let bar = |app: &AppTally| Bar {
        name: app.name.clone(),
        value: u64::from(app.longest()),
        part: Some(u64::from(app.percentile_99())),
        mark: u64::from(app.greatest_k),
    };
    chart(&Chart {
        title: "Who waits: views missed in a row",
        legend: [
            Some("longest"),
            Some("99 of 100 views"),
            Some("K, which is not reached"),
        ],
        unit: "",
        scale: 1,
        bars: tally.apps.iter().map(bar).collect(),
    })
}

fn chart(chart: &Chart<'_>) -> String {
    let heights = chart.bars.iter().flat_map(|bar| [bar.value, bar.mark]);
    let (step, top) = axis(heights.max().unwrap_or(0), chart.scale);
    let mut body = head(chart.title);
    body += &legend(&chart.legend);
    for line in 0..=top / step {
        let value = line * step;
        let height = place(value, top);
        body += &format!("<path class=\"grid\" d=\"M{LEFT} {height}H{RIGHT}\"/>");
        let shown = value / chart.scale;
        let unit = chart.unit;
        body += &text(
            (LEFT - 90, height + 50),
            "end",
            "quiet",
            &format!("{shown}{unit}"),
        );
    }
    let count = chart.bars.len().max(1);
    let room = (RIGHT - LEFT) / count as u64;
    let every = count.div_ceil(NAMES_MAX);
    for (number, bar) in chart.bars.iter().enumerate() {
        let left = LEFT + number as u64 * (RIGHT - LEFT) / count as u64;
        let (gap, wide) = (room / 8, (room - room / 4).max(10));
        body += &column("bar", (left + gap, wide), bar.value, top);
        if let Some(part) = bar.part {
            body += &column("part", (left + gap, wide), part, top);
        }
        let height = place(bar.mark, top);
        body += &format!("<path class=\"mark\" d=\"M{} {height}h{wide}\"/>", left + gap);
        if number % every == 0 {
            let (x, y) = (left + room / 2, BOTTOM + 180);
            let name = escaped(&bar.name);
            body += &format!(
                "<text class=\"quiet\" text-anchor=\"end\" transform=\"translate({x} {y}) rotate(-35)\">{name}</text>"
            );
        }
    }
    document(chart.title, &body)
}

/// How many applications stand in each quality bucket, as time goes on.
pub(super) fn buckets(tally: &Tally) -> String {
    let title = "Applications in each quality bucket, day by day";
    let mut body = head(title);
    for bucket in 1..=9_u64 {
        let x = LEFT + (bucket - 1) * 700;
        body += &format!("<rect class=\"b{bucket}\" x=\"{x}\" y=\"640\" width=\"180\" height=\"180\"/>");
        body += &text((x + 240, 785), "start", "", &bucket.to_string());
    }
    let top = tally.apps.len().max(1) as u64;
    for (value, height) in [(0, BOTTOM), (top, TOP)] {
        body += &format!("<path class=\"grid\" d=\"M{LEFT} {height}H{RIGHT}\"/>");
        body += &text((LEFT - 90, height + 50), "end", "quiet", &value.to_string());
    }
    let every = tally.buckets.len().div_ceil(COLUMNS_MAX).max(1);
    let samples: Vec<_> = tally.buckets.iter().step_by(every).collect();
    let count = samples.len().max(1) as u64;
    let days = samples.last().map_or(0, |sample| sample.hour / 24).max(1);
    for (sample, number) in samples.iter().zip(0_u64..) {
        let (left, right) = (at(number, count), at(number + 1, count));
        let mut below = 0;
        for (apps, bucket) in sample.apps.iter().zip(1..) {
            if *apps > 0 {
                let (low, high) = (place(below, top), place(below + apps, top));
                body += &format!(
                    "<rect class=\"b{bucket}\" x=\"{left}\" y=\"{high}\" width=\"{}\" height=\"{}\"/>",
                    right - left,
                    low - high
                );
            }
            below += apps;
        }
        let day = sample.hour / 24;
        if sample.hour.is_multiple_of(24) && day.is_multiple_of(days.div_ceil(14)) {
            body += &text(
                (left, BOTTOM + 220),
                "start",
                "quiet",
                &format!("day {}", day + 1),
            );
        }
    }
    document(title, &body)
}

fn at(number: u64, count: u64) -> u64 {
    LEFT + number * (RIGHT - LEFT) / count
}

/// The height of a value in the drawing.
fn place(value: u64, top: u64) -> u64 {
    BOTTOM - value.min(top) * (BOTTOM - TOP) / top.max(1)
}

/// Distance of the lines and the end of the axis: 1, 2 or 5 times a power of ten, at most six lines.
fn axis(greatest: u64, scale: u64) -> (u64, u64) {
    let mut step = scale;
    for factor in [2, 5, 10].into_iter().cycle().zip(0..48) {
        if greatest.div_ceil(step) <= 6 {
            break;
        }
        let (factor, round) = factor;
        let power = 10_u64.saturating_pow(round / 3);
        step = scale.saturating_mul(factor).saturating_mul(power);
    }
    (step, greatest.div_ceil(step).max(1) * step)
}

fn column(class: &str, (left, wide): (u64, u64), value: u64, top: u64) -> String {
    let high = place(value, top);
    let height = BOTTOM - high;
    format!("<rect class=\"{class}\" x=\"{left}\" y=\"{high}\" width=\"{wide}\" height=\"{height}\"/>")
}

fn legend(entries: &[Option<&str>; 3]) -> String {
    let mut body = String::new();
    let drawn = [("bar", false), ("part", false), ("mark", true)];
    let filled = entries
        .iter()
        .zip(drawn)
        .filter_map(|(entry, drawn)| entry.map(|entry| (entry, drawn)));
    for ((entry, (class, is_line)), number) in filled.zip(0_u64..) {
        let x = LEFT + number * 2_300;
        body += &if is_line {
            format!("<path class=\"{class}\" d=\"M{x} 730h180\"/>")
        } else {
            format!("<rect class=\"{class}\" x=\"{x}\" y=\"640\" width=\"180\" height=\"180\"/>")
        };
        body += &text((x + 240, 785), "start", "", entry);
    }
    body
}

fn head(title: &str) -> String {
    text((LEFT, 420), "start", "head", title)
}

fn text((x, y): (u64, u64), anchor: &str, class: &str, words: &str) -> String {
    let words = escaped(words);
    format!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" class=\"{class}\">{words}</text>")
}

fn document(title: &str, body: &str) -> String {
    let (width, height) = (WIDTH / 10, HEIGHT / 10);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"{title}\"><style>{STYLE}</style>{body}</svg>\n"
    )
}

/// Text between tags; controls, which XML forbids, become U+FFFD.
fn escaped(words: &str) -> String {
    let permitted = words.replace(char::is_control, "\u{fffd}");
    let Ok(escaped) = askama::filters::escape(&permitted, askama::filters::Html);
    escaped.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_steps_and_at_most_six_of_them() {
        for (greatest, step, top) in [
            (0, 1, 1),
            (5, 1, 5),
            (7, 2, 8),
            (12, 2, 12),
            (13, 5, 15),
            (61, 20, 80),
            (100, 20, 100),
        ] {
            assert_eq!(axis(greatest, 1), (step, top), "{greatest}");
        }
        assert_eq!(axis(2_345, 100), (500, 2_500));
    }

    #[test]
    fn names_cannot_leave_their_place() {
        assert_eq!(escaped("a<b>&\u{1}"), "a&#60;b&#62;&#38;\u{fffd}");
    }
}
