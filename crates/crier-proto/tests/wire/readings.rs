//! The reading rule against the definition it decides: every reading, one by one.
