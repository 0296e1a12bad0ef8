//! `batch.run` (protocol 15.7): up to 20 calls of one session under one signature.
//!
//! It calls no method: its outcome lists the items, and dispatch sends each down the same street.

use super::registry::Method;
use crate::grammar::{bool_param, invalid};
use crate::unit::{Halt, Outcome, Unit};
use crate::verified::VerifiedCall;
use crier_proto::error::{Code, Refusal};

/// Items of a batch at most (protocol 15.7, error 950).
const ITEMS_MAX: usize = 20;

/// The method.
pub(crate) struct BatchRun;

impl Method for BatchRun {
    const NAME: &'static str = "batch.run";
    /// The urlencoded items.
    type Args = Vec<String>;

    fn parse(call: &VerifiedCall<'_>) -> Result<Vec<String>, Refusal> {
        let items = items(call.value("method_feed"))?;
        // Items run in their order, whatever it says.
        bool_param("serial_only", call.value("serial_only"))?;
        if items.len() > ITEMS_MAX {
            return Err(Refusal::plain(Code::BatchTooLarge));
        }
        Ok(items)
    }

    async fn run(items: Vec<String>, _unit: &mut Unit<'_>) -> Result<Outcome, Halt> {
        Ok(Outcome::OfBatch { items })
    }
}

fn items(method_feed: Option<&str>) -> Result<Vec<String>, Refusal> {
    let text = method_feed.ok_or_else(|| invalid("method_feed", "is missing"))?;
    serde_json::from_str(text).map_err(|_| invalid("method_feed", "must be a JSON array of strings"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_feed_is_a_json_array_of_strings_and_nothing_else() {
        assert_eq!(items(Some("[]")), Ok(Vec::new()));
        assert_eq!(
            items(Some(" [ \"a=b%26c&d\", \"\" , \"\\u00e9\\/\" ]\n")),
            Ok(vec!["a=b%26c&d".into(), String::new(), "é/".into()])
        );
        let malformed = invalid("method_feed", "must be a JSON array of strings");
        for text in [
            "a=b",
            "null",
            "{}",
            "\"a\"",
            "[1]",
            "[null]",
            "[[\"a\"]]",
            "['a']",
            "[\"a\",]",
            "[\"a\"] x",
            "[\"a\"",
            "[\"\\ud800\"]",
            "[\"a\nb\"]",
        ] {
            assert_eq!(items(Some(text)), Err(malformed.clone()), "{text}");
        }
        assert_eq!(items(None), Err(invalid("method_feed", "is missing")));
    }
}
