//! Who asks for a page, and with what: query, cookies, the logged-in user.
//!
//! Promise: a `Visit` is read once a request, at the door; documents ask it instead of headers. Writes nothing.

use super::error::SiteError;
use super::fields::{BadFields, Fields};
use crate::bound::Bound;
use crate::state::AppState;
use axum::extract::ConnectInfo;
use cookie::{Cookie, SameSite};
use crier_platform::accounts::login::NewLogin;
use crier_platform::model::audit::Actor;
use crier_platform::model::user::User;
use crier_proto::digest::{hmac_sha256, lower_hex};
use crier_proto::secret::Secret;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, header};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Holds the login's token.
const LOGIN_COOKIE: &str = "crier_login";
/// Holds what proves the forms of a browser that is not logged in.
const FORM_COOKIE: &str = "crier_form";
/// Says that the keys of the feed are off in this browser.
const KEYS_COOKIE: &str = "crier_keys";
/// How long a browser keeps that, in seconds: a year.
const KEYS_COOKIE_SECS: i64 = 31_536_000;

/// One request of a person's browser.
pub(crate) struct Visit {
    /// The use cases.
    pub(crate) state: AppState,
    /// The query.
    pub(crate) query: Fields,
    /// Path and query below the base path, as asked for.
    pub(crate) path_and_query: String,
    /// Who is logged in.
    pub(crate) user: Option<Arc<User>>,
    /// Where the request comes from, if the router says so.
    pub(crate) address: Option<IpAddr>,
    /// A HEAD or a prefetch: nobody reads what it brings.
    pub(crate) only_looks: bool,
    /// It comes from a page of our own, or from none.
    pub(crate) from_here: bool,
    keys_off: bool,
    login_token: Option<Secret>,
    form_secret: Secret,
    form_secret_is_new: bool,
}

impl Visit {
    /// Reads a request's head.
    ///
    /// # Errors
    /// `BadRequest` for a query that cannot be read; `Unavailable` when the books fail.
    pub(crate) async fn read(state: &AppState, head: &Parts) -> Result<Self, SiteError> {
        let query = head.uri.query().unwrap_or_default();
        let query = Fields::read(query.as_bytes(), state.site.fields_max).map_err(|why| match why {
            BadFields::TooMany => {
                state.metrics.bound(Bound::Fields);
                SiteError::bad_request("The address of this page has too many parts.")
            }
            BadFields::Malformed => SiteError::bad_request("The address of this page is damaged."),
        })?;
        Self::with_query(state, head, query).await
    }

    /// The same for a document whose query is somebody else's to read.
    ///
    /// # Errors
    /// `Unavailable` when the books fail.
    pub(crate) async fn with_query(state: &AppState, head: &Parts, query: Fields) -> Result<Self, SiteError> {
        let uri = &head.uri;
        let cookies = Cookies::read(state, &head.headers);
        let login_token = cookies.value(LOGIN_COOKIE).map(Secret::new);
        let user = match &login_token {
            Some(token) => state.accounts.logged_in(token.expose()).await?,
            None => None,
        };
        let form_secret = cookies.value(FORM_COOKIE).filter(|secret| secret.len() == 64);
        Ok(Self {
            query,
            path_and_query: uri.path_and_query().map_or_else(String::new, ToString::to_string),
            address: source_of(head),
            only_looks: head.method == Method::HEAD || is_prefetch(&head.headers),
            from_here: head
                .headers
                .get("sec-fetch-site")
                .is_none_or(|site| site == "same-origin"),
            keys_off: cookies.value(KEYS_COOKIE).is_some_and(|keys| keys == "off"),
            form_secret_is_new: form_secret.is_none(),
            form_secret: form_secret.map_or_else(|| state.accounts.new_form_secret(), Secret::new),
            // Whoever is logged in acts: no page can forget to say so.
            state: match &user {
                Some(user) => state.done_by(Actor::Person(user.uid)),
                None => state.clone(),
            },
            login_token: login_token.filter(|_| user.is_some()),
            user,
        })
    }

    /// The logged-in user, or the way to the log in that leads back here.
    ///
    /// # Errors
    /// `LogIn` when nobody is logged in.
    pub(crate) fn user(&self) -> Result<Arc<User>, SiteError> {
        self.user
            .clone()
            .ok_or_else(|| SiteError::LogIn(self.path_and_query.clone()))
    }

    /// That a document may make something for whoever is logged in: a token, a code, a session.
    ///
    /// # Errors
    /// `BadRequest` for a HEAD and a prefetch, which must change nothing.
    pub(crate) fn opens(&self) -> Result<(), SiteError> {
        if self.only_looks && self.user.is_some() {
            return Err(SiteError::bad_request(
                "This page makes something for whoever opens it, so nothing can be fetched of it ahead. Open it yourself.",
            ));
        }
        Ok(())
    }

    /// The token of the logged-in browser's cookie.
    pub(crate) fn login_token(&self) -> Option<&str> {
        self.login_token.as_ref().map(Secret::expose)
    }

    /// What a form of this visit carries to prove that it was ours: keyed by a cookie that no script and no other site can read.
    pub(crate) fn form_token(&self) -> String {
        form_token(self.login_token.as_ref().unwrap_or(&self.form_secret))
    }

    /// What a log in form carries: bound to the browser alone, so that it holds across a log in elsewhere.
    pub(crate) fn login_form_token(&self) -> String {
        form_token(&self.form_secret)
    }

    /// Whether a form's token is one that this visit could have been given.
    pub(crate) fn gave(&self, token: &str) -> bool {
        let known = |secret: &Secret| Secret::new(form_token(secret)).matches(token);
        self.login_token.as_ref().is_some_and(known) || (!self.form_secret_is_new && known(&self.form_secret))
    }

    /// The user who sent a form that only a logged-in page holds.
    ///
    /// # Errors
    /// `LogIn` leading to `back` when nobody is logged in; `ForeignForm` when the form is of a time before the log in.
    pub(crate) fn form_user(&self, fields: &Fields, back: &str) -> Result<Arc<User>, SiteError> {
        let (Some(user), Some(login)) = (&self.user, &self.login_token) else {
            return Err(SiteError::LogIn(back.to_owned()));
        };
        let token = fields.value("form_token").unwrap_or_default();
        let theirs = Secret::new(form_token(login)).matches(token);
        if theirs {
            Ok(user.clone())
        } else {
            Err(SiteError::ForeignForm)
        }
    }

    /// Counts a read of the person's feed (feed 10).
    ///
    /// # Errors
    /// `TooManyReads` beyond `feed.reads_per_user` in a minute.
    pub(crate) fn count_read(&self, user: &User) -> Result<(), SiteError> {
        let now = self.state.clock.elapsed();
        let counted = self.state.reads.by_user(user.uid, now);
        counted.map_err(SiteError::TooManyReads)
    }

    /// Whether the keys of the feed are on in this browser (feed 6.3).
    pub(crate) fn keys_are_on(&self) -> bool {
        !self.keys_off
    }

    /// The cookie that switches the keys of the feed in this browser.
    pub(crate) fn keys_cookie(&self, on: bool) -> Option<HeaderValue> {
        let age = if on { 0 } else { KEYS_COOKIE_SECS };
        let built = self
            .build(KEYS_COOKIE, "off")
            .max_age(cookie::time::Duration::seconds(age));
        HeaderValue::from_str(&built.build().to_string()).ok()
    }

    /// The visit goes on as a user who has just logged in.
    pub(crate) fn logged_in_as(&mut self, login: &NewLogin) {
        self.user = Some(login.user.clone());
        self.login_token = Some(login.token.clone());
    }

    /// An address below the base path.
    pub(crate) fn href(&self, path: &str) -> String {
        format!("{}{path}", self.state.public_url.base_path)
    }

    /// The cookie that a page with a log in form needs, unless the browser has it.
    pub(crate) fn form_cookie(&self) -> Option<HeaderValue> {
        if !self.form_secret_is_new {
            return None;
        }
        let built = self.build(FORM_COOKIE, self.form_secret.expose());
        HeaderValue::from_str(&built.build().to_string()).ok()
    }

    /// The cookie of a new login.
    pub(crate) fn login_cookie(&self, login: &NewLogin) -> Option<HeaderValue> {
        let left_ms = login.expires_at.0.saturating_sub(self.state.clock.wall().0);
        let age = cookie::time::Duration::milliseconds(left_ms);
        let built = self.build(LOGIN_COOKIE, login.token.expose()).max_age(age);
        HeaderValue::from_str(&built.build().to_string()).ok()
    }

    /// The cookie that ends the login in this browser.
    pub(crate) fn no_login_cookie(&self) -> Option<HeaderValue> {
        let built = self.build(LOGIN_COOKIE, "").max_age(cookie::time::Duration::ZERO);
        HeaderValue::from_str(&built.build().to_string()).ok()
    }

    fn build(&self, name: &'static str, value: &str) -> cookie::CookieBuilder<'static> {
        let public = &self.state.public_url;
        let path = if public.base_path.is_empty() {
            "/"
        } else {
            public.base_path.as_str()
        };
        Cookie::build((name, value.to_owned()))
            .path(path.to_owned())
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(public.url.starts_with("https://"))
    }
}

/// Where a request comes from, as the router found it out. Without it passwords are throttled by name alone.
fn source_of(head: &Parts) -> Option<IpAddr> {
    let source = head.extensions.get::<ConnectInfo<SocketAddr>>();
    source.map(|source| source.0.ip())
}

/// Whether a browser asks before anybody has clicked.
fn is_prefetch(headers: &HeaderMap) -> bool {
    let purposes = ["sec-purpose", "purpose"]
        .into_iter()
        .filter_map(|name| headers.get(name));
    purposes
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("prefetch"))
}

/// A form's token for a cookie's secret.
fn form_token(secret: &Secret) -> String {
    lower_hex(&hmac_sha256(secret.expose().as_bytes(), &[b"crier-form-1"]))
}

/// The cookies of a request, each by the first of its name.
struct Cookies<'r>(Vec<Cookie<'r>>);

impl<'r> Cookies<'r> {
    /// Reads them; a line longer than `site.cookie_bytes_max` counts as none.
    fn read(state: &AppState, headers: &'r HeaderMap) -> Self {
        let most = state.site.cookie_bytes_max.0;
        let lines = headers.get_all(header::COOKIE).iter();
        let read = lines.filter_map(|line| line.to_str().ok()).filter(|text| {
            let fits = text.len() as u64 <= most;
            if !fits {
                state.metrics.bound(Bound::CookieBytes);
            }
            fits
        });
        Self(
            read.flat_map(Cookie::split_parse)
                .filter_map(Result::ok)
                .collect(),
        )
    }

    fn value(&self, name: &str) -> Option<String> {
        let found = self.0.iter().find(|cookie| cookie.name() == name);
        found.map(|cookie| cookie.value().to_owned())
    }
}
