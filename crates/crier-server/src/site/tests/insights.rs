//! The page of Insights with samples, full and empty.

use super::console::head;
use super::{HOSTILE, TOKEN, chrome, moment};
use crate::site::console::{AbsentRow, InsightsPage, NextWords, Plot, PlotGroup};
use askama::Template;
use crier_platform::insights::AbsentPicture;
use crier_platform::model::insight::SlotCount;

fn plot() -> Plot {
    Plot {
        words: "All calls".to_owned(),
        total: "7".to_owned(),
        svg: "<svg class=\"plot\" role=\"img\" aria-label=\"p\"></svg>".to_owned(),
        first: "2026-10-23".to_owned(),
        last: "2026-11-21".to_owned(),
        most: "3 in one day".to_owned(),
        rows: vec![("2026-11-21".to_owned(), "fewer than 5".to_owned())],
    }
}

fn insights(full: bool) -> String {
    let group = |plots| PlotGroup {
        id: "calls",
        heading: "Calls",
        plots,
        empty: vec!["Clicked".to_owned()],
    };
    let absent = |may_be_fetched_again| AbsentRow {
        picture: AbsentPicture {
            source: "0".repeat(64),
            address: HOSTILE.to_owned(),
            state: "failed",
            waits_for: None,
            cause: Some("timeout".to_owned()),
            attempts: 2,
            next_attempt: None,
            slots: 3,
            may_be_fetched_again,
        },
        waits: "its turn",
        next: Some(moment()),
    };
    let page = InsightsPage {
        chrome: chrome(Some(HOSTILE)),
        head: &head(true),
        form_token: TOKEN,
        lengths: vec![("Days", "/crier/developers/7/insights?by=day".to_owned(), true)],
        json: "/crier/developers/7/insights.json?by=day".to_owned(),
        range: "2026-10-23 to 2026-11-21".to_owned(),
        people_min: 5,
        groups: vec![group(if full { vec![plot()] } else { Vec::new() })],
        fates: if full {
            vec![("Outweighed by other stories".to_owned(), "7".to_owned())]
        } else {
            Vec::new()
        },
        taken_down: if full {
            vec![("4711".to_owned(), moment(), moment())]
        } else {
            Vec::new()
        },
        quality: vec![("q", "40".to_owned())],
        quality_plot: None,
        slots: if full {
            vec![SlotCount {
                state: "failed".to_owned(),
                cause: Some("too_big".to_owned()),
                slots: 3,
            }]
        } else {
            Vec::new()
        },
        absent: if full {
            vec![absent(true), absent(false)]
        } else {
            Vec::new()
        },
        uid: if full { HOSTILE } else { "" },
        next: full.then(|| NextWords {
            words: "Not before",
            at: Some(moment()),
        }),
        queued: full.then(|| "1".to_owned()),
    };
    page.render().unwrap()
}

/// Both.
pub(super) fn pages() -> Vec<String> {
    vec![insights(true), insights(false)]
}
