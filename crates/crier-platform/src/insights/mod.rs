//! Insights: what an application's developers learn in numbers (feed 5.7), and what keeps the numbers.
//!
//! Promise: no act of a single person is told: a figure about acts of fewer than `feed.insights_people_min` people reads "fewer
//! than 5", none among them, so that one act more or less is not seen. Who may read stands with whoever asks: an application is found
//! for its owner alone.
//!
//! - `figure`: a number, or that it is not told
//! - `periods`: hours, days, weeks, months · `report`: their series
//! - `quality`: the application's bucket · `fates`: stories that were never shown, or were taken down · `pictures`: those that are not there
//! - `upkeep`: counts on their way into the books, and what is let go

mod fates;
mod figure;
mod periods;
mod pictures;
mod quality;
mod report;
mod upkeep;

pub use fates::{Fate, NOT_TOLD, TakenDownStory};
pub use figure::Figure;
pub use periods::Length;
pub use pictures::{AbsentPicture, FetchBudget, WaitsFor};
pub use quality::{Quality, QualityHour};
pub use report::{CallCount, Group, Line, Period, Report};

use crate::feed::FeedReader;
use crate::feed::config::FeedConfig;
use crate::feed::window;
use crate::jobs::pictures::PictureRules;
use crate::model::app::App;
use crate::model::quantity::Span;
use crate::model::time::WallMs;
use crate::ports::Ports;
use crate::ports::store::StoreFault;
use crier_proto::ids::Uid;
use futures_util::lock::Mutex;
use std::sync::Arc;

/// What Insights are bounded by.
#[derive(Debug, Clone)]
pub struct InsightRules {
    /// Fewer people than this are not told of (`feed.insights_people_min`).
    pub people_min: u32,
    /// How long counts of hours are kept (`feed.insights_hours_keep`).
    pub hours_keep: Span,
    /// How long counts of days are kept (`feed.insights_days_keep`).
    pub days_keep: Span,
    /// People whose feeds are looked at for stories that were never shown (`feed.insights_readers_max`).
    pub readers_max: u32,
    /// Why a picture's job waits.
    pub pictures: PictureRules,
}

impl InsightRules {
    /// The rules of this section of the configuration.
    #[must_use]
    pub fn of(config: &FeedConfig, pictures: PictureRules) -> Self {
        Self {
            people_min: config.insights_people_min,
            hours_keep: config.insights_hours_keep,
            days_keep: config.insights_days_keep,
            readers_max: config.insights_readers_max,
            pictures,
        }
    }
}

/// When an application may publish to a person next (feed 3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextAllowed {
    /// The person has not accepted the application.
    NoGrant,
    /// At any time: the person owns it.
    Always,
    /// Now.
    Now,
    /// Not before this moment.
    At(WallMs),
}

/// The use cases. Clone them freely.
#[derive(Clone)]
pub struct Insights {
    ports: Ports,
    feed: FeedReader,
    rules: Arc<InsightRules>,
    /// Whoever writes counts: a report waits for it, so that it misses none.
    turn: Arc<Mutex<()>>,
}

impl Insights {
    /// The use cases over these ports.
    #[must_use]
    pub fn new(ports: Ports, feed: FeedReader, rules: InsightRules) -> Self {
        Self {
            ports,
            feed,
            rules: Arc::new(rules),
            turn: Arc::default(),
        }
    }

    /// Fewer people than this are not told of.
    #[must_use]
    pub fn people_min(&self) -> u32 {
        self.rules.people_min
    }

    /// When the application may publish to this person next.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn next_allowed(&self, app: &App, user: Uid) -> Result<NextAllowed, StoreFault> {
        if app.owner == user {
            return Ok(NextAllowed::Always);
        }
        if self.ports.store.grant(app.id, user).await?.is_none() {
            return Ok(NextAllowed::NoGrant);
        }
        let last = self.ports.store.window(app.id, user).await?;
        let next = window::closed_until(last, self.ports.clock.wall());
        Ok(next.map_or(NextAllowed::Now, NextAllowed::At))
    }
}
