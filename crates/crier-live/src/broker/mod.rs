//! What nodes share: mailboxes. One process shares them with nobody and keeps them in memory.
//!
//! A broker gives places, reads on, marks and withdraws (live 10.2). The memory broker does all of it under the lock of one place,
//! together with that place's pages, so that neither presence nor envelopes travel.

pub mod memory;
