//! Parameter values with their causes: the grammars are proto's, the words that say what was expected are here.
//!
//! Every function takes a value that is there or `None`: an empty one counts as absent (protocol 1.3) and never comes here.

use crier_proto::error::{Code, Refusal};
use crier_proto::ids::MessageId;
use crier_proto::params::{read_bool, read_int};
use std::ops::RangeInclusive;

/// Error 100 whose cause begins with the parameter's name (protocol 12.1).
#[must_use]
pub(crate) fn invalid(name: &str, what: &str) -> Refusal {
    Refusal::because(Code::InvalidParameter, format!("{name} {what}"))
}

/// The message id behind `id`.
///
/// # Errors
/// 100 when it is missing or no message id.
pub(crate) fn message_id(value: Option<&str>) -> Result<MessageId, Refusal> {
    let text = value.ok_or_else(|| invalid("id", "is missing"))?;
    text.parse()
        .map_err(|_| invalid("id", "must be 32 lower-case hexadecimal digits"))
}

/// Error 100 for an id that is unknown, forgotten, or of a message out of the caller's reach: nobody learns which (live 7.5).
pub(crate) fn unknown_message() -> Refusal {
    invalid("id", "names no message that this call may reach")
}

/// The bool behind `name`, false when absent.
///
/// # Errors
/// 100 for a value outside the grammar.
pub(crate) fn bool_param(name: &str, value: Option<&str>) -> Result<bool, Refusal> {
    match value {
        None => Ok(false),
        Some(text) => read_bool(text).ok_or_else(|| invalid(name, "must be 1, 0, true or false")),
    }
}

/// The int behind `name`, `None` when absent.
///
/// # Errors
/// 100 for a value outside the grammar or the range.
pub(crate) fn int_param(
    name: &str,
    value: Option<&str>,
    range: RangeInclusive<u32>,
) -> Result<Option<u32>, Refusal> {
    let Some(text) = value else { return Ok(None) };
    let (least, most) = (*range.start(), *range.end());
    read_int(text, least, most)
        .map(Some)
        .ok_or_else(|| invalid(name, &format!("must be an integer from {least} to {most}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_begin_with_the_name_and_say_the_range() {
        let refusal = int_param("ttl", Some("86401"), 0..=86_400).unwrap_err();
        assert_eq!(refusal.code(), Code::InvalidParameter);
        assert_eq!(refusal.cause(), Some("ttl must be an integer from 0 to 86400"));
        assert_eq!(int_param("ttl", Some("86400"), 0..=86_400), Ok(Some(86_400)));
        assert_eq!(int_param("ttl", None, 0..=86_400), Ok(None));
        assert_eq!(bool_param("outcome", None), Ok(false));
        assert_eq!(bool_param("outcome", Some("TRUE")), Ok(true));
        let refusal = bool_param("outcome", Some("x")).unwrap_err();
        assert_eq!(refusal.cause(), Some("outcome must be 1, 0, true or false"));
    }
}
