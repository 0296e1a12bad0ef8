//! Parameter tables: the common names of protocol 4 and every method's own (protocol 5.3, 14 to 16), declared once.
//!
//! They drive the closed list of names, the reading rule, the reference pages and the console's form.
//! Knows nothing of what a method does with a value.

mod shape;
mod table;

pub use shape::{Shape, read_bool, read_int};
pub use table::{COMMON, METHODS};

use crate::pairs::Pair;

/// Whether a method takes a session (protocol 5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionNeed {
    /// It needs one.
    Required,
    /// It takes one; one that is sent is checked.
    Optional,
    /// It has no use for one; one that is sent is checked.
    None,
}

/// One parameter, common or of a method.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// Its name on the wire.
    pub name: &'static str,
    /// Whether it must be there in every reading and every call.
    pub required: bool,
    /// Its grammar.
    pub shape: Shape,
    /// One sentence for the reference page.
    pub meaning: &'static str,
}

/// One method of protocol 5.3.
#[derive(Debug)]
pub struct MethodSpec {
    /// Canonical wire name, `liveMessage.send`.
    pub name: &'static str,
    /// Whether it takes a session.
    pub session: SessionNeed,
    /// Whether it may be signed with the session secret (`ss`).
    pub with_ss: bool,
    /// Whether it takes exactly one file part.
    pub file: bool,
    /// Whether it may be an item of a batch (protocol 15.7).
    pub in_batch: bool,
    /// Two names of which exactly one must be there (protocol 14.1: `recipient`, `uid`).
    pub one_of: Option<[&'static str; 2]>,
    /// Its own parameters, in the order of its page.
    pub params: &'static [Param],
}

impl MethodSpec {
    /// One of the method's own parameters.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&'static Param> {
        self.params.iter().find(|param| param.name == name)
    }
}

/// One of the common parameters (protocol 4).
#[must_use]
pub fn common(name: &str) -> Option<&'static Param> {
    COMMON.iter().find(|param| param.name == name)
}

/// A `method` value without one leading `facebook.` in any case (protocol 5.1).
fn without_prefix(spelled: &str) -> &str {
    const PREFIX: &str = "facebook.";
    match spelled.split_at_checked(PREFIX.len()) {
        Some((head, rest)) if head.eq_ignore_ascii_case(PREFIX) => rest,
        Some(_) | None => spelled,
    }
}

/// Whether a spelling without its prefix names `canonical`: `_` stands for `.`, ASCII letters in any case (protocol 5.1).
fn names(spelled: &str, canonical: &str) -> bool {
    let plain = |byte: u8| {
        if byte == b'_' {
            b'.'
        } else {
            byte.to_ascii_lowercase()
        }
    };
    spelled.len() == canonical.len() && spelled.bytes().map(plain).eq(canonical.bytes().map(plain))
}

/// The method that a `method` value names (protocol 5.1).
#[must_use]
pub fn lookup(spelled: &str) -> Option<&'static MethodSpec> {
    let spelled = without_prefix(spelled);
    METHODS.iter().find(|method| names(spelled, method.name))
}

/// The root element of a success: the caller's spelling without the prefix, `.` turned into `_`, plus `_response` (protocol 5.2).
/// A value that names no method has no success; its root is `response`.
#[must_use]
pub fn root_element(spelled: &str) -> String {
    if lookup(spelled).is_none() {
        return "response".to_owned();
    }
    let mut root = without_prefix(spelled).replace('.', "_");
    root.push_str("_response");
    root
}

/// Whether a name is common or the method's own (protocol 4.1). `ts` counts as known; `first_unknown` knows when it is not.
#[must_use]
pub fn is_known(method: &MethodSpec, name: &str) -> bool {
    common(name).is_some() || method.param(name).is_some()
}

/// The first unknown name in byte order (protocol 4.1, step 12).
#[must_use]
pub fn first_unknown<'a>(method: &MethodSpec, pairs: &'a [Pair]) -> Option<&'a str> {
    unknown_names(method, pairs).min()
}

/// The unknown names of a request in its own order (protocol 4.1). `ts` is known beside `sig_version=2` alone (protocol 4).
pub fn unknown_names<'a>(method: &MethodSpec, pairs: &'a [Pair]) -> impl Iterator<Item = &'a str> {
    let version_2 = pairs
        .iter()
        .any(|pair| &*pair.name == "sig_version" && &*pair.value == "2");
    pairs
        .iter()
        .map(|pair| &*pair.name)
        .filter(move |name| !is_known(method, name) || (*name == "ts" && !version_2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> Pair {
        Pair {
            name: name.into(),
            value: value.into(),
        }
    }

    #[test]
    fn spellings_of_period_clients_name_the_same_method() {
        for spelled in [
            "liveMessage.send",
            "facebook.liveMessage.send",
            "facebook.livemessage.send",
            "LiveMessage.send",
            "liveMessage_send",
            "FACEBOOK.LIVEMESSAGE_SEND",
        ] {
            assert_eq!(
                lookup(spelled).map(|method| method.name),
                Some("liveMessage.send"),
                "{spelled}"
            );
        }
    }

    #[test]
    fn other_spellings_name_none() {
        for spelled in [
            "",
            "facebook.",
            "facebook.facebook.liveMessage.send",
            "facebook_liveMessage_send",
            "liveMessage.sen",
            "liveMessage.send ",
            "liveMessage-send",
            "é",
        ] {
            assert!(lookup(spelled).is_none(), "{spelled}");
        }
    }

    #[test]
    fn the_root_echoes_the_spelling_without_the_prefix() {
        for (spelled, root) in [
            ("facebook.livemessage.send", "livemessage_send_response"),
            ("LiveMessage_send", "LiveMessage_send_response"),
            ("Facebook.batch.run", "batch_run_response"),
            ("<x>", "response"),
        ] {
            assert_eq!(root_element(spelled), root);
        }
    }

    #[test]
    fn no_method_has_a_name_that_is_another_one_and_a_digit() {
        for method in METHODS {
            let all: Vec<_> = COMMON
                .iter()
                .chain(method.params)
                .map(|param| param.name)
                .collect();
            for name in &all {
                let longer = all.iter().filter_map(|other| other.strip_prefix(name));
                assert!(
                    longer
                        .into_iter()
                        .all(|rest| !rest.starts_with(|c: char| c.is_ascii_digit())),
                    "{}: {name}",
                    method.name
                );
            }
        }
    }

    #[test]
    fn no_method_declares_a_common_name_or_one_twice() {
        for method in METHODS {
            for (at, param) in method.params.iter().enumerate() {
                assert!(common(param.name).is_none(), "{}", param.name);
                assert!(
                    method
                        .params
                        .iter()
                        .skip(at + 1)
                        .all(|other| other.name != param.name)
                );
            }
        }
    }

    #[test]
    fn the_first_unknown_name_in_byte_order_is_found() {
        let send = lookup("liveMessage.send").unwrap();
        let pairs = [
            pair("zoo", ""),
            pair("title", ""),
            pair("Uid", ""),
            pair("uid", "1"),
            pair("sig", ""),
        ];
        assert_eq!(first_unknown(send, &pairs), Some("Uid"));
        assert_eq!(first_unknown(send, &pairs[3..]), None);
    }

    #[test]
    fn ts_is_known_beside_version_2_alone() {
        let send = lookup("liveMessage.send").unwrap();
        assert_eq!(first_unknown(send, &[pair("ts", "1")]), Some("ts"));
        assert_eq!(
            first_unknown(send, &[pair("ts", "1"), pair("sig_version", "2")]),
            None
        );
    }
}
