//! `/developers`: the console, where a person makes applications and looks after them.
//!
//! Promise: an application is there for its owner alone. Who is not logged in is led to the log in; for everybody else a missing
//! application and somebody else's are the same 404, from pages and forms alike. That rule stands in `owned`, once.
//!
//! Documents:
//! - `applications` `/developers`: the applications of the logged-in person
//! - `new_app` `/developers/new`: makes one
//! - `overview` `/developers/<app_id>`: one of them, with its keys · `settings` `…/settings` · `secrets` `…/secrets`
//!
//! Beneath them: `owned`: who may be here; `head`: name and ways about of an application's pages; `setting_words`: what each setting
//! means; `asked_fields`: the fields of a form of settings.
//!
//! # How a page joins
//! 1. A file here, named after the page, with `get(owned: OwnedApp)` and, where something changes, `post(owned: OwnedApp, fields: Fields)`.
//! 2. A template in `templates/console/` that extends `console/app.html` and fills its block `page`; its struct has the fields
//!    `chrome: Chrome<'a>` and `head: &'a AppHead`, made by `owned.head("Words of the section")` and `owned.chrome(&head)`.
//! 3. A line in `routes`: `owned_page` for what is read, `owned_form` for what changes. Every address with a form can also be opened
//!    as a page, if only to lead back, since a log in leads there.
//! 4. A row in `head::SECTIONS`, if people shall find it from every page of the application.
//!
//! A sample of each page stands in `tests/console.rs`, where every page is held to the rules of all.
//!
//! Looks that only the console has are in `assets/site/console.css`. The list of attacks (`tests/it/site/attacks.rs`) finds the routes of
//! this file by itself.

mod applications;
mod asked_fields;
mod head;
mod new_app;
mod overview;
mod owned;
mod secrets;
mod setting_words;
mod settings;

use super::door::{form, page};
use crate::state::AppState;
use axum::Router;
use owned::{owned_form, owned_page};

#[cfg(test)]
pub(in crate::site) use {
    applications::{AppRow, ApplicationsPage},
    asked_fields::{Asked, ProfileSays, Word},
    head::AppHead,
    new_app::{MadePage, NewPage},
    overview::OverviewPage,
    secrets::{SecretPage, SecretsPage},
    settings::{AskedPart, SettingsPage},
};

/// The routes of the console below the base path.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/developers", page(applications::get))
        .route("/developers/new", page(new_app::get).merge(form(new_app::post)))
        .route("/developers/{app}", owned_page(overview::get))
        .route(
            "/developers/{app}/settings",
            owned_page(settings::get).merge(owned_form(settings::post)),
        )
        .route("/developers/{app}/secrets", owned_page(secrets::get))
        .route(
            "/developers/{app}/secrets/rotate",
            owned_page(secrets::back).merge(owned_form(secrets::rotate)),
        )
        .route(
            "/developers/{app}/secrets/end",
            owned_page(secrets::back).merge(owned_form(secrets::end)),
        )
}
