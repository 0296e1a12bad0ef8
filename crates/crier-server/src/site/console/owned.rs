//! Who may be on the pages of an application: its owner, logged in. The one place of that rule.

use super::head::AppHead;
use crate::site::door::{Answer, form, page, text_form};
use crate::site::error::SiteError;
use crate::site::fields::Fields;
use crate::site::layout::Chrome;
use crate::site::visit::Visit;
use crate::state::AppState;
use axum::routing::MethodRouter;
use crier_platform::accounts::test_mode::TestBench;
use crier_platform::model::app::App;
use crier_platform::model::user::User;
use std::future::Future;
use std::sync::Arc;

/// A visit to a page of an application by its owner.
pub(crate) struct OwnedApp {
    /// The visit.
    pub(crate) visit: Visit,
    /// The owner, who is logged in.
    pub(crate) user: Arc<User>,
    /// The application.
    pub(crate) app: Arc<App>,
    /// The developer's test people, where it is their test application.
    pub(crate) bench: Option<TestBench>,
}

/// A page of an application, for its owner: GET and HEAD.
pub(crate) fn owned_page<F, Fut>(document: F) -> MethodRouter<AppState>
where
    F: Fn(OwnedApp) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    page(move |visit: Visit| {
        let document = document.clone();
        async move {
            let user = visit.user()?;
            document(OwnedApp::find(visit, user).await?).await
        }
    })
}

/// A form of an application, for its owner: POST, with a form token of a page that only they have seen.
pub(crate) fn owned_form<F, Fut>(document: F) -> MethodRouter<AppState>
where
    F: Fn(OwnedApp, Fields) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    form(move |visit: Visit, fields: Fields| {
        let document = document.clone();
        async move {
            let user = visit.form_user(&fields, &visit.path_and_query)?;
            document(OwnedApp::find(visit, user).await?, fields).await
        }
    })
}

/// As `owned_form`, for texts of several lines.
pub(crate) fn owned_text_form<F, Fut>(document: F) -> MethodRouter<AppState>
where
    F: Fn(OwnedApp, Fields) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    text_form(move |visit: Visit, fields: Fields| {
        let document = document.clone();
        async move {
            let user = visit.form_user(&fields, &visit.path_and_query)?;
            document(OwnedApp::find(visit, user).await?, fields).await
        }
    })
}

impl OwnedApp {
    /// The application that the address names, if it is this user's.
    async fn find(visit: Visit, user: Arc<User>) -> Result<Self, SiteError> {
        let path = visit.path_and_query.split('?').next().unwrap_or_default();
        let app = path.split('/').nth(2).and_then(|segment| segment.parse().ok());
        let app = app.ok_or(SiteError::NotFound)?;
        let app = visit.state.accounts.own_app(user.uid, app).await?;
        let app = app.ok_or(SiteError::NotFound)?;
        let bench = visit.state.accounts.test_bench(user.uid).await?;
        Ok(Self {
            visit,
            user,
            bench: bench.filter(|bench| bench.app.id == app.id),
            app,
        })
    }

    /// The test people who may meet the application: none but of a test application.
    pub(crate) fn test_people(&self) -> impl Iterator<Item = &Arc<User>> {
        self.bench.iter().flat_map(|bench| &bench.people)
    }

    /// What stands above and beside the page; `section` is the words of its row in `head::SECTIONS`, or the page's own.
    pub(crate) fn head(&self, section: &'static str) -> AppHead {
        let base = &self.visit.state.public_url.base_path;
        AppHead::new(&self.app, base, self.bench.is_some(), section)
    }

    /// The frame of the page.
    pub(crate) fn chrome<'a>(&'a self, head: &'a AppHead) -> Chrome<'a> {
        Chrome::of(&self.visit, &head.title, "developers")
    }

    /// The address of a page of this application: `""` is its overview, `"/settings"` its settings.
    pub(crate) fn href(&self, page: &str) -> String {
        self.visit.href(&format!("/developers/{}{page}", self.app.id))
    }
}
