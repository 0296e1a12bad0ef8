//! Steps 2 to 12 of the order of checks (protocol section 11): from a raw call, or an item of a batch, to a verified one.

mod address;
mod app;
mod call_order;
mod item;
mod parameters;
mod pipeline;
mod quota;
mod session;
mod signature;

pub(crate) use quota::charge as quota_charge;

pub(crate) use item::verify_item;
pub(crate) use pipeline::{Known, Stop, Witness, verify};
pub(crate) use signature::secrets_of;
