//! Pages for people, one file per document; every page works without script (feed section 6; protocol section 18).
//!
//! Promise: what strangers wrote is escaped and isolated, state changes only by a POST that carries the form token, and
//! every page has the same strict headers. Holds use-case handles only: no ports, no SQL, no ranking, no wire errors.
//!
//! Documents, each with `get` and, where something changes, `post`:
//! - `front` `/` · `login` `/login` · `once` `/login/once` · `logout` `/logout`, `/logout.php`
//! - `app_login` `/login.php` · `authorize` `/authorize.php`, `/tos.php`, `/add.php`, `/install.php` · `code_gen`
//!   `/code_gen.php`: an application's own pages · `canvas` `/apps/<canvas name>/…`
//! - `feed` `/feed` · `acts`: the forms of a story · `go` `/go/<story>/<link>`
//! - `why` `/feed/why/<story>` · `missed` `/feed/missed` · `hidden` `/feed/hidden`: what explains a feed, and brings back
//! - `ranking` `/feed/ranking` and `.json`: the formula in force
//! - `preferences` `/feed/preferences` · `addresses`: making and revoking private feeds · `private_feed` `/f/<token>/…`
//! - `news` `/feed/live`, `/feed/poll`: word of what is new on an open page
//! - `settings` `/settings` · `withdraw` `/settings/withdraw` · `photos` `/settings/photos`
//! - `console/` `/developers/…`: the pages of those who make applications
//! - `administration/` `/admin/…`: the pages of those who look after the site
//!
//! Beneath them:
//! - `door`: from an HTTP request to a `Visit` and back, headers, form tokens; `visit`: who asks; `fields`: strict pairs
//! - `asked`, `terms`: what an application asks, and the page that asks the person; `target`: where it may send people;
//!   `throttle`: how often a password may be tried
//! - `config`: the bounds of all this; `windows`: counts in windows of time
//! - `reads`: how often a feed may be read; `streams`: how many pages of it may listen
//! - `layout`, `story`, `slider`, `words`, `moment`: what templates show; `assets`: style and mark under hashed names; `error`: pages that help on

mod acts;
mod addresses;
mod administration;
mod app_login;
mod app_sign;
mod asked;
mod assets;
mod authorize;
mod canvas;
mod code_gen;
mod config;
mod console;
mod door;
mod error;
mod feed;
mod fields;
mod front;
mod go;
mod hidden;
mod layout;
mod login;
mod logout;
mod missed;
mod moment;
mod news;
mod once;
mod photos;
mod pictures;
mod preferences;
mod private_feed;
mod ranking;
mod reads;
mod settings;
mod slider;
mod story;
mod streams;
mod target;
mod terms;
#[cfg(test)]
mod tests;
mod throttle;
mod visit;
mod why;
mod windows;
mod withdraw;
mod words;

use crate::state::AppState;
use axum::Router;
use axum::routing::get;
use door::{form, frame, page};

pub use config::SiteConfig;
pub use error::not_found;
pub use reads::Reads;
pub use streams::Streams;
pub use throttle::LoginThrottle;

/// The site's routes below the base path.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/", page(front::get))
        .route("/login", page(login::get).merge(form(login::post)))
        .route("/login/once", page(once::get).merge(form(once::post)))
        .route("/logout", page(logout::get).merge(form(logout::post)))
        .route("/logout.php", page(logout::get).merge(form(logout::post)))
        .route("/login.php", page(app_login::get).merge(form(app_login::post)))
        .route(
            "/authorize.php",
            page(authorize::get).merge(form(authorize::post)),
        )
        .route("/tos.php", page(authorize::get).merge(form(authorize::post)))
        .route(
            "/add.php",
            page(authorize::get_add).merge(form(authorize::post_add)),
        )
        .route(
            "/install.php",
            page(authorize::get_add).merge(form(authorize::post_add)),
        )
        .route("/code_gen.php", page(code_gen::get).merge(form(code_gen::post)))
        .route("/apps/{*place}", frame(canvas::get))
        .merge(feed_routes())
        .merge(console::routes())
        .merge(administration::routes())
        .route("/go/{story}/{link}", page(go::get))
        .route("/settings", page(settings::get))
        .route(
            "/settings/stories",
            page(settings::back).merge(form(settings::stories)),
        )
        .route(
            "/settings/time-zone",
            page(settings::back).merge(form(settings::time_zone)),
        )
        .route(
            "/settings/withdraw",
            page(withdraw::get).merge(form(withdraw::post)),
        )
        .route("/settings/photos", page(photos::get))
        .route(
            "/settings/photos/delete",
            page(photos::ask).merge(form(photos::delete)),
        )
        .route("/assets/{name}", get(assets::get))
        .route("/p/{name}", get(pictures::get))
}

/// The feed, what explains it and what changes it.
fn feed_routes() -> Router<AppState> {
    Router::new()
        .route("/feed", page(feed::get))
        .route("/feed/live", get(news::live))
        .route("/feed/poll", get(news::poll))
        .route("/feed/hide", page(acts::back).merge(form(acts::hide)))
        .route("/feed/undo", page(acts::back).merge(form(acts::undo)))
        .route("/feed/thumb", page(acts::back).merge(form(acts::thumb)))
        .route("/feed/unwanted", page(acts::back).merge(form(acts::unwanted)))
        .route("/feed/wanted", page(acts::back).merge(form(acts::wanted)))
        .route("/feed/slider", page(acts::back).merge(form(acts::slider)))
        .route("/feed/report/spam", page(acts::back).merge(form(acts::report)))
        .route(
            "/feed/report/offensive",
            page(acts::back).merge(form(acts::report)),
        )
        .route(
            "/feed/report/not_mine",
            page(acts::back).merge(form(acts::report)),
        )
        .route("/feed/report/other", page(acts::back).merge(form(acts::report)))
        .route("/feed/why/{story}", page(why::get))
        .route("/feed/missed", page(missed::get))
        .route("/feed/ranking", page(ranking::get))
        .route("/feed/ranking.json", page(ranking::get_json))
        .route("/feed/hidden", page(hidden::get))
        .route(
            "/feed/preferences",
            page(preferences::get).merge(form(preferences::save)),
        )
        .route(
            "/feed/preferences/preview",
            page(preferences::back).merge(form(preferences::preview)),
        )
        .route(
            "/feed/preferences/reading",
            page(preferences::back).merge(form(preferences::reading)),
        )
        .route(
            "/feed/preferences/addresses",
            page(preferences::back).merge(form(addresses::add)),
        )
        .route(
            "/feed/preferences/revoke",
            page(preferences::back).merge(form(addresses::revoke)),
        )
        .route("/f/{token}/{file}", get(private_feed::get))
}
