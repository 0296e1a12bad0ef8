//! What people see beside their feed page: what they have put away, their preferences, a preview (feed 6.4, 6.5).

use super::{FeedReader, PlacedStory, Preference, ServedPage, Wish, window};
use crate::model::ranking::{Slider, Standing};
use crate::model::record::{FeedCounts, StateQuery};
use crate::ports::store::StoreFault;
use crier_proto::ids::{AppId, Uid};

const DAY_MS: i64 = 86_400_000;
/// Days of the counts beside the sliders.
const COUNTED_DAYS: i64 = 28;

impl FeedReader {
    /// Live stories that are hidden or reported, newest act first.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn hidden(&self, user: Uid) -> Result<Vec<PlacedStory>, StoreFault> {
        let config = self.ranking().await?;
        let expiry_ms = config.constants.expiry_secs().saturating_mul(1_000);
        let since = self.shared.ports.clock.wall().plus_ms(-expiry_ms);
        let stories = self.shared.ports.store.put_away(user, since).await?;
        self.with_apps(stories).await
    }

    /// A preference for each accepted application, newest acceptance first.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn preferences(&self, user: Uid) -> Result<Vec<Preference>, StoreFault> {
        let store = &self.shared.ports.store;
        let now = self.shared.ports.clock.wall();
        let sliders = self.sliders(user).await?;
        let counts = store
            .feed_counts(user, now.plus_ms(-COUNTED_DAYS * DAY_MS))
            .await?;
        let mut preferences = Vec::new();
        for grant in store.grants_of(user).await? {
            let Some(app) = store.app(grant.app).await? else {
                continue;
            };
            let slider = sliders.iter().find(|(known, _)| *known == grant.app);
            let counted = counts.iter().find(|(known, _)| *known == grant.app);
            let last = store.window(grant.app, user).await?;
            let counts = counted.map_or_else(FeedCounts::default, |(_, counts)| *counts);
            preferences.push(Preference {
                app,
                slider: u8::from(slider.map(|(_, slider)| *slider).unwrap_or_default()),
                on: grant.feed,
                next: last.map(window::next_allowed).filter(|next| *next > now),
                published: counts.published,
                shown: counts.shown,
                clicked: counts.clicked,
                hidden: counts.hidden,
                thumbed: counts.thumbed,
                reported: counts.reported,
            });
        }
        Ok(preferences)
    }

    /// Where the slider of an application stands now, and whether its stories are on; `None`: it is not accepted.
    pub(super) async fn preference_of(
        &self,
        user: Uid,
        app: AppId,
    ) -> Result<Option<(Slider, bool)>, StoreFault> {
        let Some(grant) = self.shared.ports.store.grant(app, user).await? else {
            return Ok(None);
        };
        let sliders = self.sliders(user).await?;
        let slider = sliders.iter().find(|(known, _)| *known == app);
        Ok(Some((
            slider.map(|(_, slider)| *slider).unwrap_or_default(),
            grant.feed,
        )))
    }

    /// The sliders that were moved.
    async fn sliders(&self, user: Uid) -> Result<Vec<(AppId, Slider)>, StoreFault> {
        let state = self.shared.ports.store.feed_state(StateQuery {
            user,
            after: i64::MAX,
            stories_after: self.shared.ports.clock.wall(),
            acts: (i64::MAX, i64::MAX),
        });
        Ok(state.await?.sliders)
    }

    /// Feed page 1 as it would be with these preferences. Leaves no trace.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn preview(&self, user: Uid, wishes: &[Wish]) -> Result<ServedPage, StoreFault> {
        let mut reading = self.now(user).await?;
        for app in &mut reading.apps {
            let Some(wish) = wishes.iter().find(|wish| wish.app == app.app) else {
                continue;
            };
            app.slider = Slider::try_from(wish.slider).unwrap_or(app.slider);
            app.standing = match (app.standing, wish.on) {
                (Standing::NoGrant, _) => Standing::NoGrant,
                (Standing::Wanted | Standing::Off, true) => Standing::Wanted,
                (Standing::Wanted | Standing::Off, false) => Standing::Off,
            };
        }
        let ranked = reading.ranked(1);
        self.page_of(&reading, (&ranked, 1)).await
    }
}
