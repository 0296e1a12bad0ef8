//! Parameter tables: the common names of protocol 4 and every method's own (protocol 5.3, 14 to 16), declared once.
//!
//! They drive the closed list of names, the reading rule, the reference pages and the console's form.

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

/// How a value is judged in a reading, and what its grammar is (protocol 7.2 f).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Any text.
    Free,
    /// `[1-9][0-9]{0,18}` or empty.
    Uid,
}

/// One parameter of a method.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// Its name on the wire.
    pub name: &'static str,
    /// Whether it must be there in every reading and every call.
    pub required: bool,
    /// Its grammar in a reading.
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
    /// Its own parameters, in the order of its page.
    pub params: &'static [Param],
}

/// The method that a `method` value names (protocol 5.1).
#[must_use]
pub fn lookup(spelled: &str) -> Option<&'static MethodSpec> {
    let _ = spelled;
    todo!()
}
