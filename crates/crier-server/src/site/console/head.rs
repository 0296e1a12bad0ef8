//! What stands above and beside every page of an application: its name, its state, the ways about.

use crate::site::app_sign::AppSign;
use crier_platform::model::app::App;

/// The sections of an application's pages: their words, their addresses below `/developers/<app_id>`, and the words of the page
/// of one thing in them.
const SECTIONS: &[(&str, &str, &str)] = &[
    ("Overview", "", ""),
    ("Insights", "/insights", ""),
    ("Settings", "/settings", ""),
    ("Secrets", "/secrets", ""),
    ("People", "/people", ""),
    ("Calls", "/calls", "Call"),
    ("Messages", "/messages", "Message"),
    ("Try a call", "/try", ""),
    ("Check a story", "/story", ""),
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
    /// The sign before it.
    pub(crate) sign: AppSign,
    /// Whether its calls are permitted.
    pub(crate) enabled: bool,
    /// Whether it is there for tests alone.
    pub(crate) test: bool,
    /// The words of the open section.
    pub(crate) here: &'static str,
}

impl AppHead {
    /// The head of a page of `app` in this section, below this base path.
    pub(super) fn new(app: &App, base: &str, test: bool, section: &'static str) -> Self {
        Self {
            title: format!("{section} · {}", app.name),
            id: app.id.to_string(),
            name: app.name.clone(),
            sign: AppSign::of(app, base),
            enabled: app.enabled,
            test,
            here: section,
        }
    }

    /// The ways about: words, address below `/developers/<app_id>`, and `aria-current` of the one that is open (`page`) or that the
    /// open page is in (`true`).
    pub(crate) fn sections(
        &self,
    ) -> impl Iterator<Item = (&'static str, &'static str, Option<&'static str>)> + '_ {
        SECTIONS.iter().map(|(words, address, inside)| {
            let current = match self.here {
                here if here == *words => Some("page"),
                here if here == *inside => Some("true"),
                _ => None,
            };
            (*words, *address, current)
        })
    }
}
