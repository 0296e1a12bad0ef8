//! What every page has round its own content: title, style, wordmark, the way about.

use super::assets::hashed;
use super::visit::Visit;
use crate::state::PublicUrl;

/// The frame of a page.
#[derive(Debug, Clone)]
pub(crate) struct Chrome<'a> {
    /// Base path, for addresses: empty, or `/crier`.
    pub(crate) base: &'a str,
    /// Title of the document, without the site's name.
    pub(crate) title: &'a str,
    /// Name of the logged-in user.
    pub(crate) user: Option<&'a str>,
    /// Whether that user is an administrator.
    pub(crate) admin: bool,
    /// The document that is open, for the way about: `feed`, `settings`, `developers`, `admin` or empty.
    pub(crate) here: &'a str,
    /// Laid out for a small window (protocol 18.2, `popup`).
    pub(crate) popup: bool,
}

impl<'a> Chrome<'a> {
    /// A page of this visit.
    pub(crate) fn of(visit: &'a Visit, title: &'a str, here: &'a str) -> Self {
        Self {
            base: &visit.state.public_url.base_path,
            title,
            user: visit.user.as_ref().map(|user| user.name.as_str()),
            admin: visit.user.as_ref().is_some_and(|user| user.admin),
            here,
            popup: false,
        }
    }

    /// A page of nobody in particular.
    pub(crate) fn bare(public: &'a PublicUrl, title: &'a str) -> Self {
        Self {
            base: &public.base_path,
            title,
            user: None,
            admin: false,
            here: "",
            popup: false,
        }
    }

    /// Address of a file of the site.
    pub(crate) fn asset(&self, source: &str) -> String {
        format!("{}/assets/{}", self.base, hashed(source))
    }
}
