//! Step 12: the closed list of names, then the common parameters in their order (protocol section 4).

use crate::grammar::invalid;
use crate::model::app::{Settings, Strictness};
use crier_proto::call::RawCall;
use crier_proto::error::{Code, Refusal};
use crier_proto::params::{MethodSpec, common, first_unknown, is_known};

/// The checks of step 12 in their order.
///
/// # Errors
/// 100 whose cause begins with the parameter's name, or 10.
pub(super) fn check(raw: &RawCall, spec: &MethodSpec, settings: &Settings) -> Result<(), Refusal> {
    if settings.strictness == Strictness::Strict
        && let Some(name) = first_unknown(spec, raw.pairs().as_slice())
    {
        return Err(unknown(name, spec));
    }
    if raw.file().is_some() && !spec.file {
        return Err(Refusal::because(
            Code::InvalidParameter,
            "a file part where the method takes none",
        ));
    }
    if raw.pairs().value("v").is_none() {
        return Err(invalid("v", "is missing"));
    }
    fits(raw, "v", "must be 1.0")?;
    fits(raw, "format", FORMAT)?;
    if settings.jsonp {
        fits(
            raw,
            "callback",
            "must be the name of a function, at most 128 bytes",
        )?;
    }
    fits(raw, "ss", BOOL)?;
    without_effect(raw)
}

/// The checks of step 12 for an item of a batch. What the outer signature covers is not judged (protocol 15.7).
///
/// # Errors
/// As `check`.
pub(super) fn check_item(raw: &RawCall, spec: &MethodSpec, settings: &Settings) -> Result<(), Refusal> {
    let names = raw.pairs().as_slice().iter().map(|pair| &*pair.name);
    if settings.strictness == Strictness::Strict
        && let Some(name) = names.filter(|name| !is_known(spec, name)).min()
    {
        return Err(unknown(name, spec));
    }
    fits(raw, "format", FORMAT)?;
    if raw.pairs().value("callback").is_some() {
        return Err(invalid("callback", "must be empty in a batch"));
    }
    without_effect(raw)
}

const FORMAT: &str = "must be xml or json";
const BOOL: &str = "must be 1, 0, true or false";

/// A misspelled optional parameter must not be silently without effect.
fn unknown(name: &str, spec: &MethodSpec) -> Refusal {
    invalid(name, &format!("is not a parameter of {}", spec.name))
}

/// The end of the list: names that change no answer.
fn without_effect(raw: &RawCall) -> Result<(), Refusal> {
    fits(raw, "locale", "must be like en or en_US")?;
    fits(raw, "return_ssl_resources", BOOL)?;
    if raw.pairs().value("call_as_apikey").is_some() {
        return Err(Refusal::because(
            Code::PermissionDenied,
            "call_as_apikey is not supported",
        ));
    }
    Ok(())
}

/// Refuses a common parameter that is there and outside its grammar.
fn fits(raw: &RawCall, name: &'static str, expected: &str) -> Result<(), Refusal> {
    let value = raw.pairs().value(name);
    let admitted = value.is_none_or(|value| common(name).is_some_and(|param| param.shape.admits(value)));
    if admitted {
        Ok(())
    } else {
        Err(invalid(name, expected))
    }
}
