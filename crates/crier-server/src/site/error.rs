//! Pages for what went wrong: each says what happened and what to do next.
//!
//! The one place where a fault of the use cases becomes a status of the site. Our own faults stay bland outside and exact
//! in the log; a visitor's are named.

use super::door::{finished, render, see_other};
use super::fields::encoded;
use super::layout::Chrome;
use crate::state::{AppState, PublicUrl};
use askama::Template;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use crier_platform::accounts::AccountError;
use crier_platform::accounts::test_mode::Barred;
use crier_platform::feed::StoreFault;
use crier_platform::ports::deliver::DeliverFault;
use crier_platform::ports::store::Conflict;
use http::{HeaderValue, StatusCode, header};

/// Why a page is not what was asked for.
#[derive(Debug)]
pub(crate) enum SiteError {
    /// Nobody is logged in; holds the page to come back to.
    LogIn(String),
    /// There is no such page, or it is somebody else's: the two look alike.
    NotFound,
    /// What was asked makes no sense; holds the sentence.
    BadRequest(String),
    /// This person can never accept this application.
    Barred(Barred),
    /// A link of a story whose text was taken away; holds the sentence that says by whom, and the page that explains it.
    StoryGone {
        /// Who took it away, and when.
        sentence: String,
        /// Its "Why?", below the base path.
        why: String,
    },
    /// A form without a token of this browser, or from another site.
    ForeignForm,
    /// Too many wrong passwords; holds the seconds to wait.
    TooManyTries(u64),
    /// A feed was read too often; holds the seconds to wait.
    TooManyReads(u64),
    /// The books or the hashing failed; holds what the log shall say.
    Unavailable(String),
    /// A template failed, which no value can cause.
    Template,
}

impl SiteError {
    /// What was asked makes no sense, and this says why.
    pub(crate) fn bad_request(sentence: impl Into<String>) -> Self {
        Self::BadRequest(sentence.into())
    }
}

impl From<AccountError> for SiteError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Invalid(sentence) | AccountError::Setting { sentence, .. } => {
                Self::BadRequest(sentence)
            }
            AccountError::NotFound(_) => Self::NotFound,
            AccountError::Conflict(Conflict::TestOnly) => Self::Barred(Barred::TestApp),
            AccountError::Conflict(_) => {
                Self::bad_request("This was changed elsewhere in the meantime. Go back and look again.")
            }
            AccountError::Store(fault) => fault.into(),
            AccountError::Password(fault) => Self::Unavailable(fault.to_string()),
        }
    }
}

impl From<StoreFault> for SiteError {
    fn from(fault: StoreFault) -> Self {
        Self::Unavailable(fault.to_string())
    }
}

impl From<DeliverFault> for SiteError {
    fn from(fault: DeliverFault) -> Self {
        Self::Unavailable(fault.to_string())
    }
}

#[derive(Template)]
#[template(path = "error.html")]
pub(super) struct ErrorPage<'a> {
    pub(super) chrome: Chrome<'a>,
    pub(super) heading: &'a str,
    pub(super) sentence: &'a str,
    /// Where to go on: address below the base path, and words.
    pub(super) onward: (&'a str, &'a str),
}

impl SiteError {
    /// The page in place of the one that was asked for.
    pub(crate) fn page(self, public: &PublicUrl) -> Response {
        let (status, heading, sentence, onward) = match &self {
            Self::LogIn(back) => {
                let address = format!("{}/login?then={}", public.base_path, encoded(back));
                return see_other(&address).unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR));
            }
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "There is nothing here",
                "The page does not exist, or it belongs to somebody else.".to_owned(),
                ("/", "Go to the front page"),
            ),
            Self::BadRequest(sentence) => (
                StatusCode::BAD_REQUEST,
                "That did not work",
                sentence.clone(),
                ("/", "Go to the front page"),
            ),
            Self::Barred(Barred::TestApp) => (
                StatusCode::FORBIDDEN,
                "This application is being tested",
                "Nobody but its developer and their test people can use it, so you cannot accept it. Nothing was accepted, \
                 and it learned nothing about you. If somebody sent you here, ask them for the application itself; if you \
                 develop it, log in with the account that owns it."
                    .to_owned(),
                ("/", "Go to the front page"),
            ),
            Self::Barred(Barred::TestPerson) => (
                StatusCode::FORBIDDEN,
                "You are logged in as a test person",
                "Test people can use the test application of their developer and no other, so nothing was accepted. To use \
                 this application yourself, log out and come back with your own account."
                    .to_owned(),
                ("/logout", "Log out"),
            ),
            Self::StoryGone { sentence, why } => (
                StatusCode::GONE,
                "This story is not there any more",
                sentence.clone(),
                (why.as_str(), "Why it stood in your feed"),
            ),
            Self::ForeignForm => (
                StatusCode::BAD_REQUEST,
                "This form is no longer good",
                "Nothing was changed. The page was open for a long time, you have logged in or out since, or the form \
                 came from another site. Open the page again and send it once more."
                    .to_owned(),
                ("/", "Go to the front page"),
            ),
            Self::TooManyTries(secs) => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many tries",
                format!(
                    "The password was wrong too often. Wait {} and try again; meanwhile a link that logs you in once still works.",
                    minutes(*secs)
                ),
                ("/login", "Go to the log in"),
            ),
            Self::TooManyReads(secs) => (
                StatusCode::TOO_MANY_REQUESTS,
                "One moment, please",
                format!("Your feed was read very often just now. Wait {} and open it again.", minutes(*secs)),
                ("/feed", "Go to the News Feed"),
            ),
            Self::Unavailable(fault) => {
                tracing::error!(%fault, "a page could not be made");
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "Not just now",
                    "Something on our side is not answering. Nothing was lost; try again in a moment.".to_owned(),
                    ("/", "Go to the front page"),
                )
            }
            Self::Template => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Not just now",
                "This page could not be made. That is our mistake, not yours.".to_owned(),
                ("/", "Go to the front page"),
            ),
        };
        let template = ErrorPage {
            chrome: Chrome::bare(public, heading),
            heading,
            sentence: &sentence,
            onward,
        };
        let mut response = render(status, &template).unwrap_or_else(|_| plain(status));
        if let Self::TooManyTries(secs) | Self::TooManyReads(secs) = self {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(secs));
        }
        response
    }
}

fn minutes(secs: u64) -> String {
    match secs.div_ceil(60) {
        0 | 1 => "a minute".to_owned(),
        more => format!("{more} minutes"),
    }
}

/// The last resort: a status without a page.
fn plain(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// The answer to any address that nobody knows; for the router's fallback.
pub async fn not_found(State(state): State<AppState>) -> Response {
    finished(&state, Err(SiteError::NotFound))
}
