//! What the rules need of the world: traits and their promises, no implementation.

pub mod audit;
pub mod clock;
pub mod deliver;
pub mod developers;
pub mod entropy;
pub mod feeds;
pub mod fetch;
pub mod hooks;
pub mod images;
pub mod insights;
pub mod ledger;
pub mod passwords;
pub mod pictures;
pub mod store;
pub mod tickets;

use crate::feed::figures::FeedFigures;
use crate::feed::wakes::FeedWakes;
use crate::jobs::wake::Wake;
use crate::model::tally::Tally;
use std::sync::Arc;

/// All ports of one process, made once in the server's boot and handed to the use cases.
#[derive(Clone)]
pub struct Ports {
    /// The books.
    pub store: Arc<dyn store::Store>,
    /// Quotas and call order.
    pub ledger: Arc<dyn ledger::Ledger>,
    /// Mailboxes and pages.
    pub deliver: Arc<dyn deliver::Deliver>,
    /// One-time rights to connect.
    pub tickets: Arc<dyn tickets::Tickets>,
    /// Time.
    pub clock: Arc<dyn clock::Clock>,
    /// Chance.
    pub entropy: Arc<dyn entropy::Entropy>,
    /// Password hashing.
    pub passwords: Arc<dyn passwords::Passwords>,
    /// Strangers' images made into pictures.
    pub images: Arc<dyn images::Images>,
    /// Tells the job that fetches pictures that there is something to fetch.
    pub fetching: Arc<Wake>,
    /// Tells the job that posts to applications' hooks that there is something to post.
    pub posting: Arc<Wake>,
    /// Pages that wait to hear of a feed; of this process alone.
    pub wakes: Arc<FeedWakes>,
    /// Figures of feeds, of this process alone.
    pub feed_figures: Arc<FeedFigures>,
    /// Counts for developers on their way into the books.
    pub tally: Arc<Tally>,
}
