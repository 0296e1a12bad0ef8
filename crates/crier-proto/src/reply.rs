//! The values that a method may answer (protocol 13.3). How they look on the wire is `render`'s.

/// A method's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// `1` / `0`, `true` / `false`.
    Bool(bool),
    /// Digits, a number.
    Integer(i64),
    /// Text, a string.
    Text(String),
    /// Items named root + `_elt`, an array.
    List(Vec<Reply>),
    /// One child per field in the documented order, an object.
    Object(Vec<(&'static str, Reply)>),
}
