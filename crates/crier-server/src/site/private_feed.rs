//! `/f/<token>/atom.xml`, `rss.xml`, `feed.json`: one's own ranked feed for a feed reader (feed 6.9).
//!
//! Promise: reading here is no view and leaves no trace but the time of the last use; an unknown and a revoked token get the same
//! answer. Needs no Login and sets no cookie.

use super::error::not_found;
use super::story::path_of;
use crate::state::AppState;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use crier_platform::feed::{PlacedStory, ServedPage};
use crier_platform::model::story::{Slot, SlotState};
use crier_platform::model::time::WallMs;
use crier_platform::model::user::User;
use crier_proto::digest::{lower_hex, sha256};
use crier_proto::render::feed::{Entry, EntryPicture, FeedFormat, FeedHead, Stamp, document, tag};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;

pub(crate) async fn get(
    State(state): State<AppState>,
    Path((token, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let Some(format) = FeedFormat::of_file(&file) else {
        return not_found(State(state)).await;
    };
    if let Err(wait) = state.reads.by_address(&token, state.clock.elapsed()) {
        // A revoked address answers like an unknown one, however often it was read.
        if !matches!(state.feed.is_address(&token).await, Ok(true)) {
            return not_found(State(state)).await;
        }
        let mut response = bare(StatusCode::TOO_MANY_REQUESTS);
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(wait));
        return response;
    }
    match state.feed.by_address(&token).await {
        Ok(Some((user, served))) => {
            let own = format!("{}/f/{token}/{file}", state.public_url.url);
            let head = head(&state, &user, &served, own);
            let entries: Vec<Entry> = served
                .exempt
                .iter()
                .chain(&served.slots)
                .map(|placed| entry(&state, placed))
                .collect();
            answer(format, &document(format, &head, &entries), &headers)
        }
        Ok(None) => not_found(State(state)).await,
        Err(fault) => {
            tracing::error!(%fault, "a private feed could not be made");
            bare(StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}

/// The document, or 304 for a reader that has it.
fn answer(format: FeedFormat, text: &str, asked: &HeaderMap) -> Response {
    let etag = format!("\"{}\"", lower_hex(&sha256(&[text.as_bytes()])));
    let known = asked.get_all(header::IF_NONE_MATCH).iter();
    let known = known
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == etag || one == "*");
    let mut response = if known {
        bare(StatusCode::NOT_MODIFIED)
    } else {
        Response::new(Body::from(text.to_owned()))
    };
    let headers = response.headers_mut();
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    for (name, value) in [
        (header::CONTENT_TYPE, format.media_type()),
        (header::CACHE_CONTROL, "private, max-age=300"),
        (header::HeaderName::from_static("x-robots-tag"), "noindex"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn bare(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn head(state: &AppState, user: &User, served: &ServedPage, own: String) -> FeedHead {
    let stories = served.exempt.iter().chain(&served.slots);
    let newest = stories.map(|placed| placed.view.story.published_at).max();
    FeedHead {
        title: format!("{}: News Feed", user.name),
        id: tag(&host_of(state), &format!("feed/{}", user.uid)),
        page: format!("{}/feed", state.public_url.url),
        own,
        updated: stamp(newest.unwrap_or(user.created_at)),
    }
}

fn entry(state: &AppState, placed: &PlacedStory) -> Entry {
    let (view, story) = (&placed.view, &placed.view.story);
    Entry {
        id: tag(&host_of(state), &format!("story/{}", story.id)),
        title: view.title.clone(),
        body: view.body.clone(),
        pictures: story
            .slots
            .iter()
            .filter_map(|slot| picture(state, slot))
            .collect(),
        app: view.app.name.clone(),
        published: stamp(story.published_at),
    }
}

fn picture(state: &AppState, slot: &Slot) -> Option<EntryPicture> {
    let picture = slot.picture.as_ref().filter(|_| slot.state == SlotState::Ready)?;
    Some(EntryPicture {
        src: format!("{}{}", state.public_url.url, path_of(picture)),
        link: slot.link.clone(),
        width: u16::try_from(picture.width).ok()?,
        height: u16::try_from(picture.height).ok()?,
    })
}

fn stamp(at: WallMs) -> Stamp {
    let at = Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH);
    Stamp {
        rfc3339: at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        rfc2822: at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string(),
    }
}

/// The site's host, without its port: a tag has none.
fn host_of(state: &AppState) -> String {
    let url = url::Url::parse(&state.public_url.url).ok();
    url.and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_default()
}
