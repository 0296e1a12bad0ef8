//! Limits and shapes of a live message (seed: LiveMessage.send, Parameters; protocol 14.1).

/// Longest `event_name` in bytes (seed: "max length: 128 bytes").
pub const EVENT_NAME_BYTES_MAX: usize = 128;
/// Longest `message` in bytes (seed: "max length: 1024 bytes").
pub const MESSAGE_BYTES_MAX: usize = 1024;

/// Which pages get a message (protocol 14.1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fanout {
    /// Every page with a handler.
    #[default]
    All,
    /// Exactly one of them.
    One,
    /// The page that has the focus; without one, as `One`.
    Focused,
}

/// Whether a text is one JSON text by RFC 8259 (setting `live_text=json`).
#[must_use]
pub fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// What pages get as `data` (live 4.4): for a JSON text that text with CR and LF between tokens as blanks; else the
/// JSON5 value if JSON can express it, nested at most 128 deep; else nothing.
#[must_use]
pub fn data_of(text: &str) -> Option<Box<serde_json::value::RawValue>> {
    let _ = text;
    todo!()
}
