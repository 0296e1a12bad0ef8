//! One reading only (protocol section 7): for every signed text of version 1 at most one request is ever accepted.

use crate::pairs::Pairs;

/// What the rule needs to know of the application's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallIdRule {
    /// Settings `required` and `unique`: a `call_id` must be there when the method needs a session.
    Needed,
    /// Setting `ignored`.
    Ignored,
}

/// Why the rule refuses; its text is the cause of error 104 (protocol 7.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ambiguous {
    /// The name of the request's parameter in whose text the smallest foreign cut lies.
    ForeignCut {
        /// That parameter.
        within: String,
    },
    /// More than 2,000 candidate cuts.
    TooManyCuts,
}

/// Judges a call's pairs and their signed text.
///
/// # Errors
/// `Ambiguous` when some reading has a cut that the request has not, or at the ceiling of 2,000 cuts.
pub fn one_reading_only(pairs: &Pairs, signed_text: &str, rule: CallIdRule) -> Result<(), Ambiguous> {
    let _ = (pairs, signed_text, rule);
    todo!()
}
