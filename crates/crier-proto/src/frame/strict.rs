//! JSON read strictly: a duplicate key at any depth is an error, and every field is asked for with its type (live 4.1).
//!
//! Knows nothing of frames. Numbers that are no whole non-negative numbers are kept only as being such: no frame has one.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// The text breaks a rule of live 4.1: not JSON, a duplicate key, a wrong type, a missing field, a count out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// A JSON value that borrows from its text where it can.
#[derive(Debug)]
pub(super) enum Json<'a> {
    Null,
    Bool(bool),
    Whole(u64),
    OtherNumber,
    Text(Cow<'a, str>),
    List(Vec<Self>),
    Object(Object<'a>),
}

/// The members of an object, each key once.
#[derive(Debug)]
pub(super) struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

/// Up to this many keys, comparing each with each is cheaper than sorting.
const PAIRWISE_KEYS_MAX: usize = 16;

impl<'a> Json<'a> {
    /// Reads one JSON text.
    pub(super) fn read(text: &'a str) -> Result<Self, Malformed> {
        serde_json::from_str(text).map_err(|_| Malformed)
    }

    pub(super) fn into_text(self) -> Result<Cow<'a, str>, Malformed> {
        if let Self::Text(text) = self {
            Ok(text)
        } else {
            Err(Malformed)
        }
    }

    pub(super) fn into_object(self) -> Result<Object<'a>, Malformed> {
        if let Self::Object(object) = self {
            Ok(object)
        } else {
            Err(Malformed)
        }
    }
}

impl<'a> Object<'a> {
    /// Takes a field out, if it is there.
    pub(super) fn take(&mut self, name: &str) -> Option<Json<'a>> {
        let place = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.swap_remove(place).1)
    }

    pub(super) fn text_if_any(&mut self, name: &str) -> Result<Option<Cow<'a, str>>, Malformed> {
        self.take(name).map(Json::into_text).transpose()
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Cow<'a, str>, Malformed> {
        self.text_if_any(name)?.ok_or(Malformed)
    }

    /// The member of this name, left where it is.
    pub(super) fn get(&self, name: &str) -> Option<&Json<'a>> {
        let member = self.0.iter().find(|(key, _)| key == name)?;
        Some(&member.1)
    }

    /// A text of a grammar.
    pub(super) fn parsed_if_any<T: std::str::FromStr>(&mut self, name: &str) -> Result<Option<T>, Malformed> {
        let text = self.text_if_any(name)?;
        text.map(|text| text.parse().map_err(|_| Malformed)).transpose()
    }

    pub(super) fn parsed<T: std::str::FromStr>(&mut self, name: &str) -> Result<T, Malformed> {
        self.parsed_if_any(name)?.ok_or(Malformed)
    }

    pub(super) fn boolean_if_any(&mut self, name: &str) -> Result<Option<bool>, Malformed> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::Bool(truth)) => Ok(Some(truth)),
            Some(_) => Err(Malformed),
        }
    }

    pub(super) fn whole_if_any(&mut self, name: &str) -> Result<Option<u64>, Malformed> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::Whole(number)) => Ok(Some(number)),
            Some(_) => Err(Malformed),
        }
    }

    pub(super) fn whole(&mut self, name: &str) -> Result<u64, Malformed> {
        self.whole_if_any(name)?.ok_or(Malformed)
    }

    /// A list with as many items as `counts` permits, each read by `read`.
    pub(super) fn list_if_any<T>(
        &mut self,
        name: &str,
        counts: std::ops::RangeInclusive<usize>,
        read: impl FnMut(Json<'a>) -> Result<T, Malformed>,
    ) -> Result<Option<Vec<T>>, Malformed> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::List(items)) if counts.contains(&items.len()) => {
                items.into_iter().map(read).collect::<Result<_, _>>().map(Some)
            }
            Some(_) => Err(Malformed),
        }
    }
}

/// Whether some key stands twice.
fn has_duplicate(members: &[(Cow<'_, str>, Json<'_>)]) -> bool {
    if members.len() <= PAIRWISE_KEYS_MAX {
        let mut rest = members;
        while let Some(((key, _), after)) = rest.split_first() {
            if after.iter().any(|(other, _)| other == key) {
                return true;
            }
            rest = after;
        }
        return false;
    }
    // A body of 65,536 bytes can hold thousands of keys: sorting keeps a hostile one cheap.
    let mut keys: Vec<&str> = members.iter().map(|(key, _)| key.as_ref()).collect();
    keys.sort_unstable();
    keys.windows(2).any(|pair| pair.first() == pair.last())
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value without duplicate keys")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(Json::Bool(truth))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Json::Whole(number))
    }

    fn visit_i64<E: Error>(self, _negative: i64) -> Result<Self::Value, E> {
        Ok(Json::OtherNumber)
    }

    fn visit_f64<E: Error>(self, _fraction: f64) -> Result<Self::Value, E> {
        Ok(Json::OtherNumber)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((Key(key), value)) = access.next_entry()? {
            members.push((key, value));
        }
        if has_duplicate(&members) {
            return Err(A::Error::custom("duplicate key"));
        }
        Ok(Json::Object(Object(members)))
    }
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(JsonVisitor)
    }
}

/// A key, borrowed where the text has no escape in it.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_str(JsonVisitor).and_then(|key| {
            key.into_text()
                .map(Self)
                .map_err(|Malformed| D::Error::custom("a key is text"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duplicate_key_is_refused_at_every_depth_and_however_it_is_escaped() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":[{"b":{"c":0,"c":0}}]}"#,
        ] {
            assert!(Json::read(text).is_err(), "{text}");
        }
        assert!(Json::read(r#"{"a":{"b":1},"b":{"a":1}}"#).is_ok());
    }

    #[test]
    fn a_duplicate_among_many_keys_is_found() {
        let mut keys: Vec<String> = (0..1000).map(|n| format!(r#""k{n}":0"#)).collect();
        assert!(Json::read(&format!("{{{}}}", keys.join(","))).is_ok());
        keys.push(r#""k500":0"#.to_owned());
        assert!(Json::read(&format!("{{{}}}", keys.join(","))).is_err());
    }

    #[test]
    fn text_after_the_value_and_half_values_are_refused() {
        for text in ["", "{", "{} {}", "{}x", "{'a':1}", "{\"a\":1,}", "nul", "\"\n\""] {
            assert!(Json::read(text).is_err(), "{text}");
        }
    }
}
