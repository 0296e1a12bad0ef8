//! The one XML writer: answers, Atom and RSS (protocol 13.4 to 13.6).
