//! What of their quotas an application and a person have used, as the pages of administration show it.

use super::admitted::Admitted;
use crate::site::error::SiteError;
use crate::site::words::grouped;
use crier_platform::model::app::{App, AppKind};
use crier_platform::model::user::User;

/// A quota in a row of a table.
pub(in crate::site) struct QuotaRow {
    /// Of what.
    pub(in crate::site) words: &'static str,
    pub(in crate::site) used: String,
    /// Empty: there is none.
    pub(in crate::site) limit: String,
    /// Nothing more is permitted now.
    pub(in crate::site) full: bool,
}

impl QuotaRow {
    fn new(words: &'static str, used: u64, limit: Option<u64>) -> Self {
        Self {
            words,
            used: grouped(used),
            limit: limit.map_or_else(String::new, grouped),
            full: limit.is_some_and(|limit| used >= limit),
        }
    }

    fn of_bytes(words: &'static str, used: u64, limit: u64) -> Self {
        let mebibytes = |bytes: u64| format!("{} MiB", grouped(bytes >> 20));
        Self {
            words,
            used: mebibytes(used),
            limit: mebibytes(limit),
            full: used >= limit,
        }
    }
}

impl Admitted {
    /// An application's.
    pub(super) async fn quotas_of_app(&self, app: &App) -> Result<Vec<QuotaRow>, SiteError> {
        let state = &self.visit.state;
        let calls = state.accounts.calls_in_window(app.id);
        let words = match app.kind {
            AppKind::Web => "Calls in this minute",
            AppKind::Desktop => "Calls without a session in this minute; each session has a quota of its own",
        };
        let limit = (app.calls_per_minute > 0).then_some(app.calls_per_minute);
        let budget = state.insights.fetch_budget(app.id).await?;
        let (spent, most) = (budget.spent, budget.most);
        Ok(vec![
            QuotaRow::new(words, calls.into(), limit.map(u64::from)),
            QuotaRow::new("Pictures fetched in this hour", spent.fetches, Some(most.fetches)),
            QuotaRow::of_bytes("Fetched for them", spent.bytes, most.bytes),
        ])
    }

    /// A person's.
    pub(super) async fn quotas_of_person(&self, user: &User) -> Result<Vec<QuotaRow>, SiteError> {
        let state = &self.visit.state;
        let accounts = &state.accounts;
        let row = |words, used: usize, limit: u64| QuotaRow::new(words, used as u64, Some(limit));
        let mut rows = Vec::new();
        if accounts.developer_of(user.uid).await?.is_none() {
            let bench = accounts.test_bench(user.uid).await?;
            let resting = accounts.resting_test_app(user.uid).await?;
            let test = bench.as_ref().map(|bench| bench.app.id).or(resting);
            let owned = accounts.apps_of(user.uid).await?;
            let owned = owned.iter().filter(|app| Some(app.id) != test).count();
            rows.push(row(
                "Applications, without the test application",
                owned,
                accounts.apps_per_developer_max().into(),
            ));
            let people = bench.map_or(0, |bench| bench.people.len());
            rows.push(row("Test people", people, accounts.test_people_max().into()));
        }
        let addresses = state.feed.addresses(user.uid).await?.len();
        rows.push(row("Private feeds", addresses, state.feed.addresses_max() as u64));
        let photos = state.pictures.photos_len(user.uid).await?;
        rows.push(row("Photos", photos, state.dispatcher.photos_per_user().into()));
        Ok(rows)
    }
}
