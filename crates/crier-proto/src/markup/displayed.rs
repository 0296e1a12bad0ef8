//! The length people see (protocol 14.2.2, feed 2.4 and 2.5).
