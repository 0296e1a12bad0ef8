//! A reader's browser on one kept-alive connection: asks for pages of the feed and judges each that comes.

use super::books::Reader;
use crate::caller::{Answer, Caller};
use crier_proto::ids::StoryId;
use std::collections::BTreeSet;

/// Stories of a feed page, and of a page of "What didn't make it".
const SLOTS: usize = 25;
const MISSED_AT_ONCE: usize = 50;
/// How the words begin that say that the server is there no more.
pub const GONE: &str = "the server is gone";

/// Feed page 1 or a later one.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its stories in order.
    pub stories: Vec<StoryId>,
    /// The mark of its view.
    pub mark: String,
    /// The number of its view.
    pub view: i64,
    /// The cursor of "More stories".
    pub more: String,
    /// What proves the page's forms.
    form_token: String,
    /// Bytes of the document.
    pub bytes: usize,
}

/// A browser.
pub struct Browser {
    caller: Caller,
    cookie: String,
}

impl Browser {
    /// Connects.
    pub async fn connect(address: &str, reader: &Reader) -> Result<Self, String> {
        Ok(Self {
            caller: Caller::connect(address).await?,
            cookie: format!("crier_login={}", reader.token),
        })
    }

    async fn get(&mut self, path: &str) -> Result<String, String> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: crier\r\nCookie: {}\r\n\r\n",
            self.cookie
        );
        let answer = self.exchange(&request).await?;
        if answer.status() == 200 {
            Ok(answer.body)
        } else {
            Err(format!("{path}: status {}: {}", answer.status(), answer.body))
        }
    }

    async fn exchange(&mut self, request: &str) -> Result<Answer, String> {
        let answer = self.caller.exchange(request).await;
        answer.map_err(|why| format!("{GONE}: {why}"))
    }

    /// Sends the form of a story of a page: `hide`, `undo`, `thumb`. Done when this returns: the answer leads back.
    pub async fn act(&mut self, page: &Page, (act, story): (&str, StoryId)) -> Result<(), String> {
        let body = format!("form_token={}&v={}&story={story}", page.form_token, page.mark);
        let request = format!(
            "POST /feed/{act} HTTP/1.1\r\nHost: crier\r\nCookie: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.cookie,
            body.len()
        );
        let answer = self.exchange(&request).await?;
        if answer.status() == 303 {
            Ok(())
        } else {
            Err(format!("{act}: status {}: {}", answer.status(), answer.body))
        }
    }

    /// Feed page 1, or the one behind "More stories": 25 different stories and a mark.
    pub async fn page(&mut self, path: &str) -> Result<Page, String> {
        let body = self.get(path).await?;
        let stories = ids(&body, "<li id=\"s")?;
        let mark = between(&body, "name=\"v\" value=\"", '"').to_owned();
        let number = mark.split('.').next().unwrap_or_default();
        let different: BTreeSet<StoryId> = stories.iter().copied().collect();
        if stories.len() != SLOTS || different.len() != SLOTS || !body.trim_end().ends_with("</html>") {
            return Err(format!("{path}: {} stories: {stories:?}", stories.len()));
        }
        Ok(Page {
            view: number
                .parse()
                .map_err(|_| format!("{path}: no view in {mark:?}"))?,
            form_token: between(&body, "name=\"form_token\" value=\"", '"').to_owned(),
            more: between(&body, "href=\"/feed?cursor=", '"').to_owned(),
            bytes: body.len(),
            mark,
            stories,
        })
    }

    /// "Why this?" of a story of a page, which says its slot and its nine factors.
    pub async fn why(&mut self, page: &Page, slot: usize) -> Result<(), String> {
        let story = page.stories.get(slot).ok_or("a slot")?;
        let body = self.get(&format!("/feed/why/{story}?v={}", page.mark)).await?;
        let right = body.contains(&format!("slot {}:", slot + 1)) && body.matches("<tr>").count() >= 9;
        if right {
            Ok(())
        } else {
            Err(format!("why {story} at slot {}: {body}", slot + 1))
        }
    }

    /// The same as JSON.
    pub async fn why_json(&mut self, page: &Page, slot: usize) -> Result<(), String> {
        let story = page.stories.get(slot).ok_or("a slot")?;
        let body = self
            .get(&format!("/feed/why/{story}.json?v={}", page.mark))
            .await?;
        let said: serde_json::Value = serde_json::from_str(&body).map_err(|error| error.to_string())?;
        let factors = said
            .get("factors")
            .and_then(serde_json::Value::as_array)
            .map(Vec::len);
        let right = said.get("slot").and_then(serde_json::Value::as_u64) == Some(slot as u64 + 1)
            && said.get("view").and_then(serde_json::Value::as_i64) == Some(page.view)
            && factors == Some(9);
        if right {
            Ok(())
        } else {
            Err(format!("why {story}: {body}"))
        }
    }

    /// "What didn't make it": 50 different stories, none of them on the page.
    pub async fn missed(&mut self, page: &Page) -> Result<(), String> {
        let body = self.get(&format!("/feed/missed?v={}", page.mark)).await?;
        let left_out: BTreeSet<StoryId> = ids(&body, "href=\"/feed/why/")?.into_iter().collect();
        let shown = page
            .stories
            .iter()
            .filter(|story| left_out.contains(story))
            .count();
        if left_out.len() == MISSED_AT_ONCE && shown == 0 {
            Ok(())
        } else {
            Err(format!(
                "missed: {} stories, {shown} of them shown",
                left_out.len()
            ))
        }
    }

    /// The page behind "More stories": of the same view, none of its stories on the page before.
    pub async fn later(&mut self, page: &Page) -> Result<(), String> {
        let later = self.page(&format!("/feed?cursor={}", page.more)).await?;
        let again = later
            .stories
            .iter()
            .filter(|story| page.stories.contains(story))
            .count();
        if later.view == page.view && again == 0 {
            Ok(())
        } else {
            Err(format!(
                "later: view {} after {}, {again} stories again",
                later.view, page.view
            ))
        }
    }
}

fn between<'a>(text: &'a str, before: &str, end: char) -> &'a str {
    let rest = text.split_once(before).map_or("", |(_, rest)| rest);
    rest.split(end).next().unwrap_or_default()
}

/// The stories whose numbers follow these words, in order.
fn ids(body: &str, before: &str) -> Result<Vec<StoryId>, String> {
    let numbers = body.split(before).skip(1).map(|rest| {
        let digits = rest.split(|letter: char| !letter.is_ascii_digit()).next();
        digits.unwrap_or_default().parse::<StoryId>()
    });
    numbers
        .collect::<Result<_, _>>()
        .map_err(|_| format!("no number behind {before}"))
}
