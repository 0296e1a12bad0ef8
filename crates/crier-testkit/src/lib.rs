//! What tests share: time and chance under control, callers, pages, servers. A dev-dependency, used from `tests/` folders only.
//!
//! `server` is a feature: inner rooms' tests must not meet a second copy of themselves.

pub mod clock;
pub mod delivery_book;
pub mod delivery_log;
pub mod entropy;
pub mod faulty;
pub mod identity;
pub mod page;
pub mod patience;
pub mod pictures;
pub mod proxy;
pub mod raw;
pub mod records;
#[cfg(feature = "server")]
pub mod server;
pub mod signed;
pub mod view_book;

pub use clock::ManualClock;
pub use delivery_book::DeliveryBook;
pub use delivery_log::{DeliveryLog, PageLife};
pub use entropy::SeededEntropy;
pub use faulty::{Broken, FaultyStore};
pub use identity::Identity;
pub use page::FakePage;
pub use pictures::PlainImages;
pub use proxy::FaultProxy;
pub use raw::{Answer, RawClient};
#[cfg(feature = "server")]
pub use server::TestServer;
pub use signed::{Carrier, SignedClient, Signing};
pub use view_book::ViewBook;
