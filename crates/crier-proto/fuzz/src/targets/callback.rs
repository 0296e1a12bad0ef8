//! Callbacks of JSONP. Input: the name.
//!
//! Invariants: what is accepted is a path of identifiers and nothing that could run or close anything.

use crier_proto::render::jsonp::{Callback, wrap};
use crier_proto::render::{Format, json};

/// Judges one name.
pub fn target(bytes: &[u8]) {
    let Ok(name) = std::str::from_utf8(bytes) else {
        return;
    };
    let Some(callback) = Callback::parse(name) else {
        assert!(!is_path(name), "{name}");
        return;
    };
    assert!(is_path(name), "{name}");
    assert_eq!(callback.as_str(), name);
    let mut document = String::new();
    json::push_string(&mut document, name);
    assert_eq!(
        wrap(&callback, Format::Json, &document),
        format!("/**/{name}({document});")
    );
}

/// The grammar of protocol 1.2, read by a small automaton of its own.
fn is_path(name: &str) -> bool {
    let mut dots = 0;
    let mut at_start = true;
    for c in name.chars() {
        match c {
            '.' if at_start => return false,
            '.' => {
                dots += 1;
                at_start = true;
            }
            '0'..='9' if at_start => return false,
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '$' => at_start = false,
            _ => return false,
        }
    }
    !at_start && dots <= 8 && name.len() <= 128
}
