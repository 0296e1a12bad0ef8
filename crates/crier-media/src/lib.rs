//! The pictures: the only room that dials addresses strangers gave us and the only one that decodes their bytes.
//!
//! Promise: no forbidden address is ever connected to (feed 7.5), whoever asks: [`dial::Dialer`] is the one way out, judges each
//! address that a name has and connects to what it judged. [`hooks::Poster`] posts to applications through it,
//! [`fetch::Fetcher`] downloads images. Stateless: what is to be posted or fetched, when and how often is for others to know.

pub mod config;
pub mod decode;
pub mod dial;
pub mod fetch;
pub mod guard;
pub mod hooks;
pub mod metrics;
pub mod thumbnail;
mod tls;
