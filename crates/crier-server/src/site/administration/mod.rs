//! `/admin`: what an administrator of the site needs each week, without SQL.
//!
//! Promise: these pages are there for administrators alone. Who is not logged in is led to the log in; for everybody else they are
//! the same 404 as a page that does not exist. That rule stands in `admitted`, once. The first administrator is made on the command
//! line (`crier user set NAME --admin`). What is done here are the command line's own use cases, and the audit log tells of it.
//!
//! Documents:
//! - `people` `/admin/people`: finding people · `person` `/admin/people/<uid>`: one of them, and what may be done
//! - `applications` `/admin/applications` · `application` `/admin/applications/<app_id>`
//! - `takedowns` `/admin/takedowns`: a story or a picture that must go, and what was reported
//! - `audit` `/admin/audit`: who did what; `…/verify` follows its chain, `…/export` is all of it
//!
//! Beneath them: `admitted`: who may be here; `acts`: entries of the audit log as pages show them; `quotas`: what is used of what
//! may be.
//!
//! The list of attacks (`tests/it/site/attacks.rs`) finds the routes of this file by itself.

mod acts;
mod admitted;
mod application;
mod applications;
mod audit;
mod people;
mod person;
mod quotas;
mod takedowns;

use crate::state::AppState;
use admitted::{admin_form, admin_page};
use axum::Router;

#[cfg(test)]
pub(in crate::site) use {
    acts::ActRow,
    admitted::AdminHead,
    application::ApplicationPage,
    applications::{ApplicationsPage, ListedApp},
    audit::{AuditPage, Verified},
    people::{PeoplePage, PersonRow},
    person::{LinkPage, PersonPage},
    quotas::QuotaRow,
    takedowns::{FoundPicture, FoundStory, TakedownsPage},
};

/// The routes of administration below the base path.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/admin", admin_page(people::begin))
        .route("/admin/people", admin_page(people::get))
        .route("/admin/people/{user}", admin_page(person::get))
        .route(
            "/admin/people/{user}/suspend",
            admin_page(person::back).merge(admin_form(person::suspend)),
        )
        .route(
            "/admin/people/{user}/restore",
            admin_page(person::back).merge(admin_form(person::restore)),
        )
        .route(
            "/admin/people/{user}/link",
            admin_page(person::back).merge(admin_form(person::link)),
        )
        .route(
            "/admin/people/{user}/end",
            admin_page(person::back).merge(admin_form(person::end)),
        )
        .route(
            "/admin/people/{user}/erase",
            admin_page(person::ask_erase).merge(admin_form(person::erase)),
        )
        .route("/admin/applications", admin_page(applications::get))
        .route("/admin/applications/{app}", admin_page(application::get))
        .route(
            "/admin/applications/{app}/disable",
            admin_page(application::back).merge(admin_form(application::disable)),
        )
        .route(
            "/admin/applications/{app}/enable",
            admin_page(application::back).merge(admin_form(application::enable)),
        )
        .route(
            "/admin/applications/{app}/quota",
            admin_page(application::back).merge(admin_form(application::quota)),
        )
        .route(
            "/admin/applications/{app}/owner",
            admin_page(application::back).merge(admin_form(application::owner)),
        )
        .route(
            "/admin/applications/{app}/erase",
            admin_page(application::ask_erase).merge(admin_form(application::erase)),
        )
        .route("/admin/takedowns", admin_page(takedowns::get))
        .route(
            "/admin/takedowns/story",
            admin_page(takedowns::back).merge(admin_form(takedowns::story)),
        )
        .route(
            "/admin/takedowns/picture",
            admin_page(takedowns::back).merge(admin_form(takedowns::picture)),
        )
        .route("/admin/audit", admin_page(audit::get))
        .route("/admin/audit/verify", admin_page(audit::verify))
        .route("/admin/audit/export", admin_page(audit::export))
}
