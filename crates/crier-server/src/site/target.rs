//! Where an application may send people (protocol 18.3). Pure: an open redirect is refused by these functions or nowhere.

use crate::state::PublicUrl;
use crier_platform::accounts::origins::origin_of;
use crier_platform::model::app::App;
use crier_proto::story::{LinkSchemes, read_link};

/// Why there is no target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadTarget {
    /// The application has no callback URL, or no canvas page where one was asked for.
    NoBase,
    /// The address is none, or leads away from the application.
    Foreign,
}

/// What targets of an application begin with (protocol 18.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Base {
    address: String,
    origin: String,
    /// Only what lies below the address is the application's: its canvas page stands on our own origin, beside everybody's.
    below_only: bool,
}

impl Base {
    /// The callback URL.
    ///
    /// # Errors
    /// `NoBase` when there is none.
    pub(crate) fn callback(app: &App) -> Result<Self, BadTarget> {
        Ok(Self {
            origin: origin_of(&app.callback).ok_or(BadTarget::NoBase)?,
            address: app.callback.clone(),
            below_only: false,
        })
    }

    /// The canvas page on this site.
    ///
    /// # Errors
    /// `NoBase` when there is none: it needs a name, and a callback URL to show.
    pub(crate) fn canvas(app: &App, public: &PublicUrl) -> Result<Self, BadTarget> {
        if app.canvas.is_empty() || app.callback.is_empty() {
            return Err(BadTarget::NoBase);
        }
        Ok(Self {
            origin: public.origin.clone(),
            address: format!("{}/apps/{}/", public.url, app.canvas),
            below_only: true,
        })
    }

    /// The target that `next` names: the base, an address on it, or one of the application's origins.
    ///
    /// # Errors
    /// `Foreign`; there is no redirect then.
    pub(crate) fn target(&self, app: &App, next: Option<&str>) -> Result<String, BadTarget> {
        let Some(next) = next else {
            return Ok(self.address.clone());
        };
        if next.starts_with("http://") || next.starts_with("https://") {
            let there = origin_of(next).ok_or(BadTarget::Foreign)?;
            let permitted = self.holds(next) || (there != self.origin && app.origins.contains(&there));
            return permitted.then(|| next.to_owned()).ok_or(BadTarget::Foreign);
        }
        let joined = format!("{}{next}", self.address);
        self.holds(&joined).then_some(joined).ok_or(BadTarget::Foreign)
    }

    /// Whether an address is this base's: as a browser will read it, steps upwards included.
    fn holds(&self, address: &str) -> bool {
        if self.below_only {
            let read = read_link(address, LinkSchemes::HttpOrHttpsAnyCase);
            read.is_some_and(|read| read.starts_with(&self.address))
        } else {
            origin_of(address).is_some_and(|there| there == self.origin)
        }
    }
}

/// A target with one more parameter, before its fragment.
pub(crate) fn with_parameter(target: &str, name: &str, value: &str) -> String {
    let (address, fragment) = target
        .split_once('#')
        .map_or((target, String::new()), |(address, fragment)| {
            (address, format!("#{fragment}"))
        });
    let joint = if address.contains('?') { '&' } else { '?' };
    format!(
        "{address}{joint}{name}={}{fragment}",
        super::fields::encoded(value)
    )
}

/// A path of this site that a form may lead on to after a log in; `None` for anything else.
pub(crate) fn own_path(text: &str) -> Option<&str> {
    let tail = text.strip_prefix('/')?;
    let known = [
        "feed",
        "settings",
        "login.php",
        "authorize.php",
        "tos.php",
        "add.php",
        "install.php",
        "code_gen.php",
        "logout",
    ];
    let first = tail.split(['/', '?', '#']).next()?;
    let path = tail.split(['?', '#']).next()?;
    let wanders = path
        .split('/')
        .skip(1)
        .any(|step| step.is_empty() || step.starts_with('.'));
    let plain = text
        .bytes()
        .all(|byte| matches!(byte, b'!'..=b'~') && byte != b'\\');
    (known.contains(&first) && plain && !wanders && text.len() <= 4096).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_stands_before_the_fragment() {
        for (target, expected) in [
            ("http://a.example/", "http://a.example/?auth_token=x"),
            ("http://a.example/?b=1", "http://a.example/?b=1&auth_token=x"),
            ("http://a.example/#top", "http://a.example/?auth_token=x#top"),
            ("http://a.example/?b#c?d", "http://a.example/?b&auth_token=x#c?d"),
        ] {
            assert_eq!(with_parameter(target, "auth_token", "x"), expected);
        }
    }

    #[test]
    fn only_known_documents_of_this_site_are_own_paths() {
        for good in [
            "/feed",
            "/feed?before=3#s2",
            "/settings/withdraw?app=1",
            "/login.php?api_key=0&next=%2F",
        ] {
            assert_eq!(own_path(good), Some(good));
        }
        for bad in [
            "",
            "/",
            "//evil.example",
            "/\\evil.example",
            "http://evil.example/feed",
            "feed",
            "/feed\\..",
            "/feed/../..//evil.example",
            "/feed//evil.example",
            "/settings/./withdraw",
            "/feeds",
            "/assets/x",
            "/feed\r\nX: y",
            "/login",
            "/go/1/t",
            "/feed ",
        ] {
            assert_eq!(own_path(bad), None, "{bad:?}");
        }
    }
}
