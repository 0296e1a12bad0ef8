//! The callback rule and the wrapper (protocol 1.2 callback, 13.9).

/// A function name that fits `ident(\.ident){0,8}`, 1 to 128 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback(Box<str>);

impl Callback {
    /// The name, if it fits the grammar.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let _ = name;
        todo!()
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
