//! The fields of a form of settings: label, meaning, value, and what was wrong with it. Shared by the pages that make and change applications.

use super::setting_words::{word_meaning, words_for};
use crier_platform::accounts::developer::words_of;

/// One setting as a form asks for it.
#[derive(Debug, Clone)]
pub(in crate::site) struct Asked {
    /// The setting, as `crier app set` names it.
    pub(in crate::site) key: &'static str,
    pub(in crate::site) label: &'static str,
    pub(in crate::site) meaning: &'static str,
    /// What stands in the field.
    pub(in crate::site) value: String,
    /// What to choose from; empty for a field that is written into.
    pub(in crate::site) words: Vec<Word>,
    /// What the profile says, for a setting of one.
    pub(in crate::site) profile: Option<ProfileSays>,
    /// Why the value was not taken.
    pub(in crate::site) wrong: Option<String>,
}

/// A word to choose.
#[derive(Debug, Clone)]
pub(in crate::site) struct Word {
    pub(in crate::site) word: &'static str,
    pub(in crate::site) meaning: &'static str,
    pub(in crate::site) chosen: bool,
}

/// The profile's value of a setting.
#[derive(Debug, Clone)]
pub(in crate::site) struct ProfileSays {
    pub(in crate::site) value: String,
    pub(in crate::site) differs: bool,
}

impl Asked {
    /// A field with this value in it.
    pub(super) fn new(key: &'static str, value: &str) -> Self {
        let (label, meaning) = words_for(key);
        let words = words_of(key).into_iter().map(|word| Word {
            word,
            meaning: word_meaning(key, word),
            chosen: word == value,
        });
        Self {
            key,
            label,
            meaning,
            value: value.to_owned(),
            words: words.collect(),
            profile: None,
            wrong: None,
        }
    }

    /// The same with what was wrong, if anything was. The sentence's own mention of the key is left out: the field names it.
    pub(super) fn judged(mut self, wrong: &[(String, String)]) -> Self {
        let found = wrong.iter().find(|(key, _)| key == self.key);
        self.wrong = found.map(|(key, sentence)| {
            let told = sentence.strip_prefix(&format!("{key}: ")).unwrap_or(sentence);
            capitalised(told)
        });
        self
    }
}

/// A fragment as a sentence.
fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        let stop = if text.ends_with(['.', '?', '!']) { "" } else { "." };
        format!("{}{}{stop}", first.to_uppercase(), letters.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_wrong_is_a_sentence_beside_its_field() {
        let wrong = [(
            "call_id".to_owned(),
            "call_id: \"x\" is not one of these".to_owned(),
        )];
        let field = Asked::new("call_id", "unique").judged(&wrong);
        assert_eq!(field.wrong.as_deref(), Some("\"x\" is not one of these."));
        let chosen: Vec<bool> = field.words.iter().map(|word| word.chosen).collect();
        assert_eq!(chosen, [false, true, false]);
        assert!(Asked::new("name", "Ada").judged(&wrong).wrong.is_none());
        assert!(Asked::new("name", "Ada").words.is_empty());
    }
}
