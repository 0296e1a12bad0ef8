//! Who may be on the pages of administration. The one place of that rule.

use crate::site::door::{Answer, form, page};
use crate::site::error::SiteError;
use crate::site::fields::Fields;
use crate::site::layout::Chrome;
use crate::site::moment::{Moment, zone};
use crate::site::visit::Visit;
use crate::state::AppState;
use axum::routing::MethodRouter;
use crier_platform::model::time::WallMs;
use crier_platform::model::user::User;
use std::future::Future;
use std::sync::Arc;

/// The parts of administration: their words, and their addresses below `/admin`.
const PARTS: &[(&str, &str)] = &[
    ("People", "/people"),
    ("Applications", "/applications"),
    ("Takedowns", "/takedowns"),
    ("Audit log", "/audit"),
];

/// A visit by an administrator.
pub(crate) struct Admitted {
    /// The visit.
    pub(crate) visit: Visit,
    /// Who they are.
    pub(crate) admin: Arc<User>,
}

/// What every page of administration has beside its own content.
#[derive(Debug, Clone)]
pub(crate) struct AdminHead {
    /// The words of the open part.
    pub(crate) here: &'static str,
    /// What was just done, or empty.
    pub(crate) notice: &'static str,
}

impl AdminHead {
    /// The ways about: words, address below `/admin`, and whether it is the open one.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> + '_ {
        PARTS
            .iter()
            .map(|(words, address)| (*words, *address, *words == self.here))
    }
}

/// A page of administration: GET and HEAD.
pub(crate) fn admin_page<F, Fut>(document: F) -> MethodRouter<AppState>
where
    F: Fn(Admitted) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    page(move |visit: Visit| {
        let document = document.clone();
        async move {
            let user = visit.user()?;
            document(Admitted::of(visit, user)?).await
        }
    })
}

/// A form of administration: POST, with a form token of a page that only an administrator has seen.
pub(crate) fn admin_form<F, Fut>(document: F) -> MethodRouter<AppState>
where
    F: Fn(Admitted, Fields) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    form(move |visit: Visit, fields: Fields| {
        let document = document.clone();
        async move {
            let user = visit.form_user(&fields, &visit.path_and_query)?;
            document(Admitted::of(visit, user)?, fields).await
        }
    })
}

impl Admitted {
    fn of(visit: Visit, user: Arc<User>) -> Result<Self, SiteError> {
        if !user.admin {
            return Err(SiteError::NotFound);
        }
        Ok(Self { visit, admin: user })
    }

    /// The third part of the address, as `{user}` or `{app}` of a route.
    pub(super) fn named(&self) -> &str {
        let path = self.visit.path_and_query.split('?').next().unwrap_or_default();
        path.split('/').nth(3).unwrap_or_default()
    }

    /// What stands round a page of this part; what was just done is read from the address.
    pub(super) fn head(&self, here: &'static str) -> AdminHead {
        let notice = match self.visit.query.value("done") {
            Some("suspended") => "Suspended. Their logins and sessions have ended, and they cannot log in.",
            Some("restored") => "Restored. They can log in again.",
            Some("ended") => "Every login and session of theirs has ended. They can log in again.",
            Some("erased") => "Erased. Nothing that was held on them is left.",
            Some("disabled") => "Switched off. Its calls are refused, its sessions have ended.",
            Some("enabled") => "Switched on. Its calls are answered again.",
            Some("quota") => "Saved. The quota is in force.",
            Some("owner") => "The application has its new owner.",
            Some("app_erased") => "Erased. The application and its stories are gone.",
            Some("blocked") => "Blocked. The picture is gone everywhere and stays away.",
            Some("taken_down") => "Taken down. Nobody is shown the story any more.",
            Some(_) | None => "",
        };
        AdminHead { here, notice }
    }

    /// The frame of a page.
    pub(super) fn chrome<'a>(&'a self, title: &'a str) -> Chrome<'a> {
        Chrome::of(&self.visit, title, "admin")
    }

    /// An address below `/admin`.
    pub(super) fn href(&self, page: &str) -> String {
        self.visit.href(&format!("/admin{page}"))
    }

    /// A moment as this administrator reads it.
    pub(super) fn moment(&self, at: WallMs) -> Moment {
        Moment::new(at, self.visit.state.clock.wall(), &zone(&self.admin.time_zone))
    }
}
