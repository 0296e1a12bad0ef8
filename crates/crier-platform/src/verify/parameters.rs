//! Step 12: the closed list of names, then the common parameters in their order (protocol section 4).

use crate::grammar::invalid;
use crate::model::app::{Settings, Strictness};
use crier_proto::call::RawCall;
use crier_proto::error::{Code, Refusal};
use crier_proto::params::{MethodSpec, common, first_unknown};

/// The checks of step 12 in their order.
///
/// # Errors
/// 100 whose cause begins with the parameter's name, or 10.
pub(super) fn check(raw: &RawCall, spec: &MethodSpec, settings: &Settings) -> Result<(), Refusal> {
    if settings.strictness == Strictness::Strict
        && let Some(name) = first_unknown(spec, raw.pairs().as_slice())
    {
        // A misspelled optional parameter must not be silently without effect.
        return Err(invalid(name, &format!("is not a parameter of {}", spec.name)));
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
    fits(raw, "format", "must be xml or json")?;
    if settings.jsonp {
        fits(
            raw,
            "callback",
            "must be the name of a function, at most 128 bytes",
        )?;
    }
    fits(raw, "ss", "must be 1, 0, true or false")?;
    fits(raw, "locale", "must be like en or en_US")?;
    fits(raw, "return_ssl_resources", "must be 1, 0, true or false")?;
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
