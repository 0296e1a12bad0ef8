//! The one JSON writer of answers (protocol 13.7).
