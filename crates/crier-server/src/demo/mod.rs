//! The demo: an ordinary application using public doors only (operating section 6).
