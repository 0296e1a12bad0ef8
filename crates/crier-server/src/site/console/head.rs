//! What stands above and beside every page of an application: its name, its state, the ways about.

use crate::site::story::{letter_of, tone_of};
use crier_platform::model::app::App;

/// The sections of an application's pages: their words, and their addresses below `/developers/<app_id>`.
const SECTIONS: &[(&str, &str)] = &[
    ("Overview", ""),
    ("Insights", "/insights"),
    ("Settings", "/settings"),
    ("Secrets", "/secrets"),
    ("People", "/people"),
    ("Calls", "/calls"),
    ("Messages", "/messages"),
    ("Try a call", "/try"),
    ("Check a story", "/story"),
];

/// An application as its pages name it.
#[derive(Debug, Clone)]
pub(crate) struct AppHead {
    /// The document's title.
    pub(crate) title: String,
    /// Its number, for addresses.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// The letter in its sign.
    pub(crate) letter: String,
    /// The colour of that letter.
    pub(crate) tone: i64,
    /// Whether its calls are permitted.
    pub(crate) enabled: bool,
    /// Whether it is there for tests alone.
    pub(crate) test: bool,
    /// The words of the open section.
    pub(crate) here: &'static str,
}

impl AppHead {
    /// The head of a page of `app` in this section.
    pub(super) fn new(app: &App, test: bool, section: &'static str) -> Self {
        Self {
            title: format!("{section} · {}", app.name),
            id: app.id.to_string(),
            name: app.name.clone(),
            letter: letter_of(&app.name),
            tone: tone_of(app.id),
            enabled: app.enabled,
            test,
            here: section,
        }
    }

    /// The ways about: words, address below `/developers/<app_id>`, and whether it is the open one.
    pub(crate) fn sections(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> + '_ {
        SECTIONS
            .iter()
            .map(|(words, address)| (*words, *address, *words == self.here))
    }
}
