//! `/developers`: the console, where a person makes applications and looks after them.
//!
//! Promise: an application is there for its owner alone. Who is not logged in is led to the log in; for everybody else a missing
//! application and somebody else's are the same 404, from pages and forms alike. That rule stands in `owned`, once.
//!
//! Documents:
//! - `applications` `/developers`: the applications of the logged-in person
//! - `calls` `…/calls` · `call` `…/call`: its latest calls, and one of them · `messages` `…/messages` · `message` `…/message`
//! - `try_call` `…/try`: a call made here · `check_story` `…/story`: what would become of a story
//! - `new_app` `/developers/new`: makes one · `test_mode` `/developers/test…`: one for tests, with people
//! - `overview` `/developers/<app_id>`: one of them, with its keys · `settings` `…/settings` · `secrets` `…/secrets` · `people` `…/people`
//! - `insights` `…/insights`, `…/insights.json`: what its owner learns in numbers
//!
//! Beneath them: `owned`: who may be here; `head`: name and ways about of an application's pages; `setting_words`: what each setting
//! means; `asked_fields`: the fields of a form of settings; `live`: word of what is new on an open page; `texts`: signed texts byte for
//! byte; `trial`: the form of a call; `plot`: a series as bars.
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
mod call;
mod calls;
mod check_story;
mod head;
mod insights;
mod live;
mod message;
mod messages;
mod new_app;
mod overview;
mod owned;
mod people;
mod plot;
mod secrets;
mod setting_words;
mod settings;
mod test_mode;
mod texts;
mod trial;
mod try_call;

use super::door::{form, page};
use crate::state::AppState;
use axum::Router;
use owned::{owned_form, owned_page, owned_text_form};

#[cfg(test)]
pub(in crate::site) use {
    applications::{AppRow, ApplicationsPage},
    asked_fields::{Asked, ProfileSays, Word},
    call::{CallPage, Compared, Parted, RequestShown, Why},
    calls::{CallRow, CallsPage, Made},
    check_story::{CheckPage, Checked, Count, Looks, ObjectionRow, PictureLooks},
    head::AppHead,
    insights::{AbsentRow, InsightsPage, NextWords, Plot, PlotGroup},
    message::{MessagePage, MessageShown, Step},
    messages::{MessageRow, MessagesPage},
    new_app::{MadePage, NewPage},
    overview::OverviewPage,
    people::{Done, PeoplePage, PersonRow, SessionRow},
    secrets::{SecretPage, SecretsPage},
    settings::{AskedPart, SettingsPage},
    test_mode::{BenchApp, BenchPerson, KeyedPerson, TestKeysPage, TestLinkPage, TestModePage},
    texts::{MarkedText, Parting},
    trial::Input,
    try_call::{TriedShown, TryPage},
};

/// The routes of the console below the base path.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/developers", page(applications::get))
        .route("/developers/new", page(new_app::get).merge(form(new_app::post)))
        .merge(test_routes())
        .route("/developers/{app}", owned_page(overview::get))
        .route("/developers/{app}/people", owned_page(people::get))
        .route(
            "/developers/{app}/people/end",
            owned_page(people::back).merge(owned_form(people::end)),
        )
        .route(
            "/developers/{app}/people/reset",
            owned_page(people::back).merge(owned_form(people::reset)),
        )
        .route("/developers/{app}/insights", owned_page(insights::get))
        .route("/developers/{app}/insights.json", owned_page(insights::get_json))
        .route(
            "/developers/{app}/insights/fetch-again",
            owned_page(insights::back).merge(owned_form(insights::fetch_again)),
        )
        .route(
            "/developers/{app}/insights/next",
            owned_page(insights::back).merge(owned_form(insights::ask_next)),
        )
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
        .route("/developers/{app}/calls", owned_page(calls::get))
        .route(
            "/developers/{app}/call",
            owned_page(call::get).merge(owned_text_form(call::compare)),
        )
        .route("/developers/{app}/messages", owned_page(messages::get))
        .route("/developers/{app}/message", owned_page(message::get))
        .route("/developers/{app}/live", owned_page(live::get))
        .route(
            "/developers/{app}/try",
            owned_page(try_call::get).merge(owned_text_form(try_call::post)),
        )
        .route(
            "/developers/{app}/story",
            owned_page(check_story::get).merge(owned_text_form(check_story::post)),
        )
}

/// Test mode.
fn test_routes() -> Router<AppState> {
    Router::new()
        .route(
            "/developers/test",
            page(test_mode::get).merge(form(test_mode::begin)),
        )
        .route(
            "/developers/test/keys",
            page(test_mode::back).merge(form(test_mode::keys)),
        )
        .route(
            "/developers/test/people",
            page(test_mode::back).merge(form(test_mode::person)),
        )
        .route(
            "/developers/test/link",
            page(test_mode::back).merge(form(test_mode::link)),
        )
        .route(
            "/developers/test/end",
            page(test_mode::back).merge(form(test_mode::end)),
        )
}
