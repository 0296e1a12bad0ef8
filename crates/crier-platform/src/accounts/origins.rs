//! Origins and addresses of an application (live 3.7; protocol 17.2). Dials nothing.

use super::AccountError;
use crier_proto::story::{LinkSchemes, read_link};

/// Origins of one application at most, that of its callback included (live 3.7: "0 to 20 origins").
pub const ORIGINS_MAX: usize = 20;

/// The origin of an address in the URL parser's serialisation: scheme, host and port up to the path.
#[must_use]
pub fn origin_of(address: &str) -> Option<String> {
    let link = read_link(address, LinkSchemes::HttpOrHttpsAnyCase)?;
    let (scheme, rest) = link.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest.get(..end).filter(|host| !host.is_empty())?;
    Some(format!("{scheme}://{host}"))
}

/// Checks one origin as written: exactly as a browser would send it.
pub(crate) fn check_origin(text: &str) -> Result<(), AccountError> {
    let exact = origin_of(text).filter(|_| !text.contains('*'));
    if exact.as_deref() == Some(text) {
        return Ok(());
    }
    let hint = exact.map_or_else(
        || "write it as http://host or https://host:port".to_owned(),
        |right| format!("write it as {right}"),
    );
    Err(AccountError::Invalid(format!(
        "origins: {text:?} is no origin as browsers send it; {hint}"
    )))
}

/// Checks an address setting: empty, or `http://` or `https://` by the URL grammar of protocol 1.2.
pub(crate) fn check_address(key: &str, text: &str) -> Result<(), AccountError> {
    if text.is_empty() || read_link(text, LinkSchemes::HttpOrHttpsAnyCase).is_some() {
        return Ok(());
    }
    Err(AccountError::Invalid(format!(
        "{key}: {text:?} is no http:// or https:// address of at most 2,048 bytes without user name and password"
    )))
}

/// The origins kept for an application: those given, each once, and that of its callback.
pub(crate) fn join_origins(given: &[String], callback: &str) -> Result<Vec<String>, AccountError> {
    let mut joined: Vec<String> = Vec::with_capacity(given.len().saturating_add(1));
    for origin in given.iter().filter(|origin| !origin.is_empty()) {
        check_origin(origin)?;
        if !joined.contains(origin) {
            joined.push(origin.clone());
        }
    }
    joined.extend(origin_of(callback).filter(|own| !joined.contains(own)));
    if joined.len() > ORIGINS_MAX {
        return Err(AccountError::Invalid(format!(
            "origins: at most {ORIGINS_MAX}, that of the callback included"
        )));
    }
    Ok(joined)
}
