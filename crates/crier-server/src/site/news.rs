//! `/feed/live` and `/feed/poll`: word of what is new on an open page, and of pictures that are ready or will not
//! come (feed 6.8).
//!
//! Promise: what is said is read from the record at the moment of saying it, so a stream has no queue that could overflow, and one that
//! comes back has neither gap nor duplicate; it says something at most once a second. A login that ends ends the stream.

use super::error::SiteError;
use super::story::path_of;
use super::streams::{Place, events};
use super::visit::Visit;
use crate::bound::Bound;
use crate::state::AppState;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use crier_platform::feed::news::News;
use crier_platform::feed::{PictureNews, StoreFault};
use crier_platform::model::time::ElapsedMs;
use crier_proto::ids::{StoryId, Uid};
use futures_util::stream::{BoxStream, StreamExt, unfold};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;

/// Between two words at least.
const PACE_MS: u64 = 1_000;
/// Between two beats of a stream that has nothing to say (live 4.14).
const BEAT_MS: u64 = 25_000;
/// A poll that has nothing to say answers after this long (live 4.8).
const POLL_MS: u64 = 25_000;

/// A page that listens.
struct Listener {
    state: AppState,
    user: Uid,
    login: String,
    place: Place,
    wakes: BoxStream<'static, ()>,
    /// The seq above which stories are new.
    after: i64,
    /// The seq up to which pictures have been told.
    pictures_told: i64,
    /// Boxes of the document whose pictures are on their way.
    waiting: Vec<(StoryId, u8)>,
    /// The last word: w and n.
    told: Option<(i64, u32)>,
    /// When the next word may be said.
    not_before: ElapsedMs,
    next_beat: ElapsedMs,
}

/// Why a stream is woken.
enum Wake {
    Changed,
    Beat,
    Drain,
    End,
}

/// `/feed/live?after=<w>`: server-sent events.
pub(crate) async fn live(State(state): State<AppState>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    let listener = match Listener::open(&state, &head).await {
        Ok(listener) => listener,
        Err(status) => return bare(status),
    };
    events(unfold(Some(listener), |listener| async move {
        let mut listener = listener?;
        let (text, goes_on) = listener.next_event().await?;
        Some((text, goes_on.then_some(listener)))
    }))
}

/// `/feed/poll?after=<w>[&seen=<w>]`: one word, once there is one that goes beyond what was seen.
pub(crate) async fn poll(State(state): State<AppState>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    let mut listener = match Listener::open(&state, &head).await {
        Ok(listener) => listener,
        Err(status) => return bare(status),
    };
    let seen = number_in(&state, &head, "seen");
    let seen = seen.unwrap_or(listener.after);
    listener.next_beat = state.clock.elapsed().plus_ms(POLL_MS);
    loop {
        let news = match listener.news().await {
            Ok(Some(news)) => news,
            Ok(None) => return bare(StatusCode::UNAUTHORIZED),
            Err(_) => return bare(StatusCode::SERVICE_UNAVAILABLE),
        };
        let says = news.w > seen || !news.closed.is_empty();
        let waits = !says && matches!(listener.wake().await, Wake::Changed);
        if !waits {
            let word = Answer {
                w: news.w,
                new: news.new,
                pictures: news
                    .pictures
                    .iter()
                    .map(|one| PictureWord::of(&state, one))
                    .chain(news.closed.iter().copied().map(PictureWord::closed))
                    .collect(),
            };
            let headers = [
                (header::CONTENT_TYPE, "application/json"),
                (header::CACHE_CONTROL, "no-store"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ];
            return (headers, text_of(&word)).into_response();
        }
    }
}

impl Listener {
    async fn open(state: &AppState, head: &http::request::Parts) -> Result<Self, StatusCode> {
        if is_foreign(&head.headers, &state.public_url.origin) {
            return Err(StatusCode::FORBIDDEN);
        }
        let visit = Visit::read(state, head).await;
        let visit = visit.map_err(|error| match error {
            SiteError::BadRequest(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        })?;
        let (Some(user), Some(login)) = (visit.user.as_ref(), visit.login_token()) else {
            return Err(StatusCode::UNAUTHORIZED);
        };
        let last = head.headers.get("last-event-id");
        let last = last.and_then(|id| id.to_str().ok()).and_then(seq);
        let after = visit.query.value("after").and_then(seq);
        let after = last.or(after).ok_or(StatusCode::BAD_REQUEST)?;
        let waiting = boxes_in(visit.query.value("waiting").unwrap_or_default());
        let mut waiting = waiting.ok_or(StatusCode::BAD_REQUEST)?;
        if waiting.len() > state.site.waiting_pictures_max {
            state.metrics.bound(Bound::WaitingPictures);
            waiting.truncate(state.site.waiting_pictures_max);
        }
        let now = state.clock.elapsed();
        Ok(Self {
            waiting,
            user: user.uid,
            login: login.to_owned(),
            place: state.streams.enter(user.uid),
            wakes: state.feed.wakes(user.uid).boxed(),
            after,
            pictures_told: after,
            told: None,
            not_before: now,
            next_beat: now,
            state: state.clone(),
        })
    }

    /// The next text of the stream, and whether it goes on; `None` at its end.
    async fn next_event(&mut self) -> Option<(String, bool)> {
        loop {
            let wake = if self.told.is_none() {
                Wake::Changed
            } else {
                self.wake().await
            };
            match wake {
                Wake::Changed => {
                    if self.told.is_some() && !self.pace().await {
                        return None;
                    }
                    let news = self.news().await.ok().flatten()?;
                    let text = self.word(&news);
                    if !text.is_empty() {
                        let now = self.state.clock.elapsed();
                        self.not_before = now.plus_ms(PACE_MS);
                        self.next_beat = now.plus_ms(BEAT_MS);
                        return Some((text, true));
                    }
                }
                Wake::Beat => {
                    self.next_beat = self.state.clock.elapsed().plus_ms(BEAT_MS);
                    return Some((":\n\n".to_owned(), true));
                }
                Wake::Drain => return Some((self.state.streams.farewell(), false)),
                Wake::End => return None,
            }
        }
    }

    /// Waits for a reason to look again.
    async fn wake(&mut self) -> Wake {
        tokio::select! {
            biased;
            () = self.place.lost() => Wake::End,
            () = self.place.sent_away() => Wake::Drain,
            woken = self.wakes.next() => if woken.is_some() { Wake::Changed } else { Wake::End },
            () = self.state.clock.sleep_until(self.next_beat) => Wake::Beat,
        }
    }

    /// Waits until the next word may be said; false when the stream has ended meanwhile.
    async fn pace(&mut self) -> bool {
        tokio::select! {
            () = self.place.lost() => false,
            () = self.state.clock.sleep_until(self.not_before) => true,
        }
    }

    /// What the record says now; `None` when the login has ended.
    async fn news(&mut self) -> Result<Option<News>, StoreFault> {
        let logged_in = self.state.accounts.logged_in(&self.login).await;
        if !matches!(logged_in, Ok(Some(_))) {
            return Ok(None);
        }
        let news = self.state.feed.news(self.user, self.after, &self.waiting);
        news.await.map(Some)
    }

    /// The events that say what has changed since the last word.
    fn word(&mut self, news: &News) -> String {
        let mut text = String::new();
        for one in news.pictures.iter().filter(|one| one.seq > self.pictures_told) {
            push_event(&mut text, one.seq, &PictureWord::of(&self.state, one));
        }
        for closed in &news.closed {
            push_event(&mut text, news.w, &PictureWord::closed(*closed));
        }
        self.waiting.retain(|one| !news.closed.contains(one));
        self.pictures_told = self.pictures_told.max(news.w);
        if self.told != Some((news.w, news.new)) {
            self.told = Some((news.w, news.new));
            push_event(
                &mut text,
                news.w,
                &CountWord {
                    w: news.w,
                    new: news.new,
                },
            );
        }
        text
    }
}

fn push_event(text: &mut String, id: i64, data: &impl Serialize) {
    use std::fmt::Write as _;
    // Writing into a String cannot fail.
    let _ = write!(text, "id: {id}\ndata: {}\n\n", text_of(data));
}

/// A word as JSON; numbers and plain texts cannot fail to be written.
fn text_of(word: &impl Serialize) -> String {
    serde_json::to_string(word).unwrap_or_default()
}

/// How much is new.
#[derive(Serialize)]
struct CountWord {
    w: i64,
    new: u32,
}

/// A picture that is ready; without `src` and sides a slot that has closed up.
#[derive(Serialize)]
struct PictureWord {
    story: i64,
    slot: u8,
    #[serde(flatten)]
    picture: Option<ReadyWord>,
}

/// Where a picture is, and its sides.
#[derive(Serialize)]
struct ReadyWord {
    src: String,
    width: u32,
    height: u32,
}

/// A poll's answer.
#[derive(Serialize)]
struct Answer {
    w: i64,
    new: u32,
    pictures: Vec<PictureWord>,
}

impl PictureWord {
    fn of(state: &AppState, news: &PictureNews) -> Self {
        let ready = news.picture.as_ref().map(|picture| ReadyWord {
            src: format!("{}{}", state.public_url.base_path, path_of(picture)),
            width: picture.width,
            height: picture.height,
        });
        Self {
            story: news.story.get(),
            slot: news.slot,
            picture: ready,
        }
    }

    fn closed((story, slot): (StoryId, u8)) -> Self {
        Self {
            story: story.get(),
            slot,
            picture: None,
        }
    }
}

/// The boxes that a page says it waits for, as their links name them: `<story>/p<slot>`, comma-joined; `None` for anything else.
fn boxes_in(text: &str) -> Option<Vec<(StoryId, u8)>> {
    let one = |text: &str| {
        let (story, slot) = text.split_once("/p")?;
        let slot = slot.parse().ok().filter(|slot| (1..=4).contains(slot))?;
        Some((story.parse().ok()?, slot))
    };
    text.split(',').filter(|text| !text.is_empty()).map(one).collect()
}

/// A place in the record: digits alone.
fn seq(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

fn number_in(state: &AppState, head: &http::request::Parts, name: &str) -> Option<i64> {
    let query = head.uri.query().unwrap_or_default();
    let fields = super::fields::Fields::read(query.as_bytes(), state.site.fields_max).ok()?;
    fields.value(name).and_then(seq)
}

/// Whether another site's page asks, as far as the browser tells.
fn is_foreign(headers: &HeaderMap, own_origin: &str) -> bool {
    let site = headers.get("sec-fetch-site");
    let origin = headers.get(header::ORIGIN);
    site.is_some_and(|site| site != "same-origin" && site != "none")
        || origin.is_some_and(|origin| origin != own_origin)
}

fn bare(status: StatusCode) -> Response {
    let mut response = status.into_response();
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_record_is_digits_alone() {
        assert_eq!(seq("0"), Some(0));
        assert_eq!(seq("184"), Some(184));
        for bad in ["", "-1", "+1", "1 ", "x", "9223372036854775808"] {
            assert_eq!(seq(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_page_waits_for_boxes_of_stories() {
        let story = |id| StoryId::new(id).unwrap();
        assert_eq!(boxes_in(""), Some(vec![]));
        assert_eq!(boxes_in("12/p1,7/p4"), Some(vec![(story(12), 1), (story(7), 4)]));
        for bad in [
            "12",
            "12/t",
            "12/p0",
            "12/p5",
            "0/p1",
            "x/p1",
            "1/p1;2/p1",
            "1/p1/p1",
        ] {
            assert_eq!(boxes_in(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_event_has_the_seq_it_speaks_of_as_its_id() {
        let mut text = String::new();
        push_event(&mut text, 7, &CountWord { w: 7, new: 1 });
        assert_eq!(text, "id: 7\ndata: {\"w\":7,\"new\":1}\n\n");
    }
}
