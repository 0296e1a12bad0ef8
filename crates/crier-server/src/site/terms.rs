//! The page on which a person lets an application in: accepts it, adds it, or goes on to one that was accepted before.
//!
//! Decides nothing: the document that shows it knows what its form does.

use super::app_sign::AppSign;
use super::layout::Chrome;
use super::visit::Visit;
use askama::Template;
use crier_platform::model::app::App;

/// What the person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// To accept.
    Accept,
    /// To accept, if that is still to be done, and to add (protocol 18.8).
    Add,
    /// To let a desktop application in that was accepted before.
    Continue,
}

/// The page.
#[derive(Template)]
#[template(path = "terms.html")]
pub(super) struct TermsPage<'a> {
    pub(super) chrome: Chrome<'a>,
    pub(super) form_token: &'a str,
    pub(super) action: &'a str,
    pub(super) app: &'a str,
    /// The letter, large: an icon is made for a line of text.
    pub(super) sign: AppSign,
    /// Where declining leads.
    pub(super) cancel: &'a str,
    pub(super) wish: Wish,
    /// Accepted already: what that means is not said again.
    pub(super) accepted: bool,
    /// Whether sessions that never expire are offered.
    pub(super) offline: bool,
    /// "Keep me logged in" was ticked.
    pub(super) lasting: bool,
}

/// What every such page needs of its document.
pub(super) struct Asking<'a> {
    pub(super) visit: &'a Visit,
    pub(super) app: &'a App,
    pub(super) cancel: &'a str,
    pub(super) wish: Wish,
}

impl<'a> TermsPage<'a> {
    /// The page for somebody who has not accepted; `texts` are its form token and its form's address.
    pub(super) fn new(asking: &Asking<'a>, (form_token, action): (&'a str, &'a str)) -> Self {
        let (visit, app) = (asking.visit, asking.app);
        Self {
            chrome: Chrome {
                popup: visit.query.has("popup"),
                ..Chrome::of(visit, &app.name, "")
            },
            form_token,
            action,
            app: &app.name,
            sign: AppSign::drawn(Some(app)),
            cancel: asking.cancel,
            wish: asking.wish,
            accepted: false,
            offline: false,
            lasting: false,
        }
    }
}
