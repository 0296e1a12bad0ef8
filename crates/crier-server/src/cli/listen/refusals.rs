//! Refusals in the user's words: the exact reason, what to do, and the status of the process.
//!
//! Promise: what may pass by itself is told apart from what will not. Opens nothing.

use super::super::Failure;
use super::line::End;
use crate::client::Answer;
use http::StatusCode;
use serde_json::Value;

/// Status when the server refused for good.
const REFUSED: u8 = 3;
/// Status when nothing answered at the start.
const NOTHING_ANSWERED: u8 = 4;

/// Why there is no ticket.
pub enum NoTicket {
    /// The next try may get one.
    Later(End),
    /// None will.
    Never(Failure),
}

/// The ticket in the answer to `liveMessage.createTicket`.
///
/// # Errors
/// There is none.
pub fn ticket_of(answer: &Answer) -> Result<Value, NoTicket> {
    let ticket: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if ticket["ticket"].is_string() {
        return Ok(ticket);
    }
    let (code, text) = (ticket["error_code"].as_u64(), ticket["error_msg"].as_str());
    let why = match (code, text) {
        (Some(code), Some(text)) => format!("no ticket: {code} {text}"),
        _ => format!("no ticket: HTTP {}", answer.status),
    };
    // A server that drains or has a fault, a quota that is spent, calls that overtook each other.
    if answer.status != StatusCode::OK || matches!(code, Some(1 | 2 | 4 | 103)) {
        let end = End::lost(why);
        return Err(NoTicket::Later(end));
    }
    let what_to_do = match code {
        Some(101) => "; look at --api-key, and whether the application is enabled: crier app show APP",
        Some(102) => "; its session has ended: crier session add --app APP --user USER makes another",
        Some(104) => "; --secret does not belong to --api-key or --session-key",
        Some(292) => "; the user must accept the application: crier grant add --app APP --user USER",
        _ => "",
    };
    Err(NoTicket::Never(failure(format!("{why}{what_to_do}"), REFUSED)))
}

/// The server does not want this listener again.
pub fn refused(end: &End, with_origin: bool) -> Failure {
    let what_to_do = match (end.code, with_origin) {
        (4302, false) => {
            "; without --origin the application's setting native_clients must be on: crier app set APP native_clients=on"
        }
        (4302, true) => "; --origin must be one of the application's origins: crier app show APP",
        (4303, _) => "; another connection has taken this one's place",
        (4304, _) => "; crier app enable APP lets it in again",
        (4305, _) => "; crier grant add --app APP --user USER lets it in again",
        (4300 | 4301 | 4306, _) => {
            "; is --url the address of a crier server of this version, and each EVENT at most 128 bytes, 64 of them?"
        }
        _ => "",
    };
    failure(
        format!("the server refused the connection: {}{what_to_do}", end.why),
        REFUSED,
    )
}

/// There was never a connection.
pub fn nothing_answered(why: String) -> Failure {
    failure(why, NOTHING_ANSWERED)
}

fn failure(sentence: String, status: u8) -> Failure {
    Failure { sentence, status }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn judged(status: u16, body: &'static str) -> Result<String, (bool, String)> {
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            body: Bytes::from_static(body.as_bytes()),
        };
        ticket_of(&answer)
            .map(|ticket| ticket["ticket"].to_string())
            .map_err(|none| match none {
                NoTicket::Later(end) => (true, end.why),
                NoTicket::Never(failure) => (false, failure.sentence),
            })
    }

    #[test]
    fn what_may_pass_by_itself_is_tried_again_and_what_will_not_is_told_with_what_to_do() {
        assert_eq!(judged(200, r#"{"ticket":"t"}"#), Ok("\"t\"".into()));
        let later = |text: &str| Err((true, text.to_owned()));
        assert_eq!(judged(502, "<html>"), later("no ticket: HTTP 502 Bad Gateway"));
        assert_eq!(
            judged(200, r#"{"error_code":4,"error_msg":"limit"}"#),
            later("no ticket: 4 limit")
        );
        for (code, word) in [
            (101, "--api-key"),
            (102, "session add"),
            (104, "--secret"),
            (292, "grant add"),
        ] {
            let body: &'static str = format!(r#"{{"error_code":{code},"error_msg":"no"}}"#).leak();
            let Err((false, why)) = judged(200, body) else {
                panic!("{code} is final");
            };
            assert!(
                why.starts_with(&format!("no ticket: {code} no; ")) && why.contains(word),
                "{why}"
            );
        }
    }

    #[test]
    fn a_refused_origin_says_which_setting_permits_it() {
        let end = End {
            code: 4302,
            why: "4302 origin refused".into(),
            retry_after: 0,
        };
        let without = refused(&end, false);
        assert!(
            without.sentence.contains("4302 origin refused; without --origin"),
            "{without:?}"
        );
        assert!(refused(&end, true).sentence.contains("--origin must be one of"));
        assert_eq!(without.status, 3);
    }
}
