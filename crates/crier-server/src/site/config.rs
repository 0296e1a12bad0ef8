//! Section `[site]` of the configuration: what pages for people take in, and how often a password may be tried.
//!
//! Promise: an instance is complete; unknown keys are refused by the reader. Knows nothing of files or the environment.

use crier_platform::model::bad_key::{BadKey, at_least, at_most_other};
use crier_platform::model::quantity::{Bytes, Span};

/// Section `[site]`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SiteConfig {
    /// Bytes of a form: `site.form_bytes_max`. A name, a password, an address and a token fit many times.
    pub form_bytes_max: Bytes,
    /// Bytes of a form with texts: `site.text_form_bytes_max`. A call of the wire's own bounds fits, percent-encoded.
    pub text_form_bytes_max: Bytes,
    /// Fields of a query or a form: `site.fields_max`. The preferences of five hundred applications fit (feed 6.4).
    pub fields_max: usize,
    /// Bytes of a line of cookies that is read: `site.cookie_bytes_max`.
    pub cookie_bytes_max: Bytes,
    /// Characters of a private feed's label: `site.label_chars_max`.
    pub label_chars_max: usize,
    /// Applications named to somebody who has accepted none: `site.offered_apps_max`.
    pub offered_apps_max: usize,
    /// Boxes of an open feed page whose pictures are waited for: `site.waiting_pictures_max`. All that a page of the default ranking
    /// can have fit five times.
    pub waiting_pictures_max: usize,
    /// Wrong passwords of one name from one address in a window: `site.login_failures_per_name_and_address_max`.
    pub login_failures_per_name_and_address_max: u32,
    /// Wrong passwords from one address in a window, whatever the names: `site.login_failures_per_address_max`. A household or an
    /// office behind one address still fits.
    pub login_failures_per_address_max: u32,
    /// Wrong passwords of one name in a window, whatever the addresses: `site.login_failures_per_name_max`. Many machines that
    /// guess together meet it.
    pub login_failures_per_name_max: u32,
    /// Length of that window: `site.login_failures_window`.
    pub login_failures_window: Span,
    /// Counters of wrong passwords that are kept: `site.login_counters_max`.
    pub login_counters_max: usize,
    /// Counters of reads of feeds that are kept: `site.read_counters_max`.
    pub read_counters_max: usize,
}

impl Default for SiteConfig {
    fn default() -> Self {
        Self {
            form_bytes_max: Bytes(16 << 10),
            text_form_bytes_max: Bytes(256 << 10),
            fields_max: 1_024,
            cookie_bytes_max: Bytes(16 << 10),
            label_chars_max: 60,
            offered_apps_max: 12,
            waiting_pictures_max: 1_000,
            login_failures_per_name_and_address_max: 10,
            login_failures_per_address_max: 100,
            login_failures_per_name_max: 200,
            login_failures_window: Span(600_000),
            login_counters_max: 10_000,
            read_counters_max: 20_000,
        }
    }
}

/// The log in form of a long name, a long password and an address to lead on to.
const FORM_BYTES_MIN: u64 = 4_096;
/// Fields of the greatest form of the site.
const FIELDS_MIN: u64 = 32;
/// The site's own cookies beside those of a neighbour.
const COOKIE_BYTES_MIN: u64 = 1_024;
/// A failure is noted under the name, the address and both.
const COUNTERS_MIN: u64 = 3;

impl SiteConfig {
    /// What no single value's type can say.
    ///
    /// # Errors
    /// The key, and what is wrong with its value.
    pub fn check(&self) -> Result<(), BadKey> {
        let both = self.login_failures_per_name_and_address_max;
        at_least("site.form_bytes_max", self.form_bytes_max, Bytes(FORM_BYTES_MIN))?;
        at_most_other(
            ("site.form_bytes_max", self.form_bytes_max),
            ("site.text_form_bytes_max", self.text_form_bytes_max),
        )?;
        at_least("site.fields_max", self.fields_max as u64, FIELDS_MIN)?;
        at_least(
            "site.cookie_bytes_max",
            self.cookie_bytes_max,
            Bytes(COOKIE_BYTES_MIN),
        )?;
        at_least("site.label_chars_max", self.label_chars_max, 1)?;
        at_least("site.offered_apps_max", self.offered_apps_max, 1)?;
        at_least("site.waiting_pictures_max", self.waiting_pictures_max, 1)?;
        at_least("site.login_failures_per_name_and_address_max", both, 1)?;
        at_most_other(
            ("site.login_failures_per_name_and_address_max", both),
            (
                "site.login_failures_per_address_max",
                self.login_failures_per_address_max,
            ),
        )?;
        at_most_other(
            ("site.login_failures_per_name_and_address_max", both),
            (
                "site.login_failures_per_name_max",
                self.login_failures_per_name_max,
            ),
        )?;
        at_least(
            "site.login_failures_window",
            self.login_failures_window,
            Span(1_000),
        )?;
        at_least(
            "site.login_counters_max",
            self.login_counters_max as u64,
            COUNTERS_MIN,
        )?;
        at_least("site.read_counters_max", self.read_counters_max, 1)
    }
}
