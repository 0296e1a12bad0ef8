//! `/developers/<app_id>/call?number=…`: one call as it was understood; of a wrong signature both texts and the first byte in which
//! they differ.

use super::calls::{CallRow, Made};
use super::head::AppHead;
use super::owned::OwnedApp;
use super::texts::{MarkedText, Parting};
use crate::site::door::{Answer, render, see_other};
use crate::site::error::SiteError;
use crate::site::fields::Fields;
use crate::site::layout::Chrome;
use crate::site::moment::zone;
use askama::Template;
use crier_platform::call_log::{Explanation, KeptRequest, KeptValue, LoggedCall, MASK};
use crier_proto::mistake::{Explained, Mistake, first_difference};
use crier_proto::signature::Version;
use http::StatusCode;

#[derive(Template)]
#[template(path = "console/call.html")]
pub(in crate::site) struct CallPage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) head: &'a AppHead,
    pub(in crate::site) form_token: &'a str,
    pub(in crate::site) call: CallRow,
    /// Method, answer and what was made, of each item of a batch.
    pub(in crate::site) items: Vec<(String, String, Option<Made>)>,
    pub(in crate::site) request: Option<RequestShown>,
    /// A text that was compared just now.
    pub(in crate::site) compared: Option<Compared>,
}

/// A request on a page.
pub(in crate::site) struct RequestShown {
    pub(in crate::site) verb: &'static str,
    pub(in crate::site) path: String,
    pub(in crate::site) version: &'static str,
    /// Name, value, and how many bytes of it are not kept.
    pub(in crate::site) pairs: Vec<(String, String, Option<usize>)>,
    pub(in crate::site) sig_digits: Option<usize>,
    pub(in crate::site) file_bytes: Option<usize>,
    /// The signed text, if all of it is kept.
    pub(in crate::site) text: Option<MarkedText>,
    pub(in crate::site) why: Why,
}

/// What is said of a wrong signature.
pub(in crate::site) enum Why {
    /// Nothing: it is right, or the cause says it.
    Nothing,
    /// A usual mistake.
    Mistake {
        words: String,
        /// The text was the right one.
        right: bool,
        theirs: Option<MarkedText>,
        parting: Option<Parting>,
    },
    /// None of them.
    Unusual,
    /// It was not looked for.
    NotTried,
}

/// A text beside ours.
pub(in crate::site) enum Compared {
    /// They are equal.
    Equal,
    /// They are not.
    Differs(Box<Parted>),
}

/// Two texts that part somewhere.
pub(in crate::site) struct Parted {
    pub(in crate::site) ours: MarkedText,
    pub(in crate::site) theirs: MarkedText,
    pub(in crate::site) parting: Parting,
}

pub(crate) async fn get(owned: OwnedApp) -> Answer {
    page(&owned, |_| Ok(None)).await
}

/// Compares a text that the developer's program has signed with ours. Keeps nothing of it.
pub(crate) async fn compare(owned: OwnedApp, fields: Fields) -> Answer {
    let theirs = fields.value("text").unwrap_or_default().to_owned();
    page(&owned, |request| Ok(Some(compared(request, &theirs)?))).await
}

/// The call that the address names; without one, the way to the list.
async fn page(
    owned: &OwnedApp,
    compare: impl FnOnce(&KeptRequest) -> Result<Option<Compared>, SiteError>,
) -> Answer {
    let visit = &owned.visit;
    let Some(number) = visit.query.value("number") else {
        return see_other(&owned.href("/calls"));
    };
    let number = number.parse().map_err(|_| SiteError::NotFound)?;
    let call = visit.state.dispatcher.log().call(owned.app.id, number);
    let call = call.ok_or(SiteError::NotFound)?;
    let compared = match &call.request {
        Some(request) => compare(request)?,
        None => None,
    };
    let user = visit.user()?;
    let (now, zone) = (visit.state.clock.wall(), zone(&user.time_zone));
    let head = owned.head("Call");
    let page = CallPage {
        chrome: owned.chrome(&head),
        head: &head,
        form_token: &visit.form_token(),
        items: items(&call),
        request: call.request.as_deref().map(shown),
        call: CallRow::of(&call, now, &zone),
        compared,
    };
    render(StatusCode::OK, &page)
}

fn items(call: &LoggedCall) -> Vec<(String, String, Option<Made>)> {
    let items = call.items.iter().map(|item| {
        (
            item.method.unwrap_or("no known method").to_owned(),
            item.error.map_or_else(
                || "ok".to_owned(),
                |code| format!("{} {}", code.number(), code.text()),
            ),
            item.subject.map(Made::of),
        )
    });
    items.collect()
}

fn shown(request: &KeptRequest) -> RequestShown {
    let pairs = request.pairs.iter().map(|(name, value)| match value {
        KeptValue::Whole(value) => (name.to_string(), super::texts::shown(value.as_bytes()), None),
        KeptValue::Bytes(bytes) => (name.to_string(), String::new(), Some(*bytes)),
    });
    let ours = request.signed_text();
    let (text, why) = match (&request.explanation, ours) {
        (Explanation::Usual(explained), Some(ours)) => explained_in(explained, &ours),
        (Explanation::Usual(explained), None) => {
            let why = Why::Mistake {
                words: explained.mistake.to_string(),
                right: leaves_the_text_right(explained),
                theirs: None,
                parting: explained.differs.as_ref().map(Parting::of),
            };
            (None, why)
        }
        (Explanation::Unusual, ours) => (ours.as_deref().map(MarkedText::plain), Why::Unusual),
        (Explanation::NotTried, ours) => (ours.as_deref().map(MarkedText::plain), Why::NotTried),
        (Explanation::NotNeeded, ours) => (ours.as_deref().map(MarkedText::plain), Why::Nothing),
    };
    RequestShown {
        verb: request.verb.as_str(),
        path: request.path.to_string(),
        version: match request.version {
            Some(Version::Md5) => "1 (MD5)",
            Some(Version::Hmac) => "2 (HMAC-SHA-256)",
            None => "none that there is",
        },
        pairs: pairs.collect(),
        sig_digits: request.sig_digits,
        file_bytes: request.file_bytes,
        text,
        why,
    }
}

/// Whether a mistake says that the text was signed as it must be: a count of digits says nothing of it.
fn leaves_the_text_right(explained: &Explained) -> bool {
    explained.differs.is_none() && explained.mistake != Mistake::OtherVersion
}

/// Both texts of a usual mistake, with the first differing byte marked in each.
fn explained_in(explained: &Explained, ours: &str) -> (Option<MarkedText>, Why) {
    let at = explained.differs.as_ref().map(|differs| differs.at);
    let text = at.map_or_else(
        || MarkedText::plain(ours),
        |at| MarkedText::marked(ours.as_bytes(), at),
    );
    let theirs = explained.theirs.as_deref().zip(at);
    let why = Why::Mistake {
        words: explained.mistake.to_string(),
        right: leaves_the_text_right(explained),
        theirs: theirs.map(|(theirs, at)| MarkedText::marked(theirs, at)),
        parting: explained.differs.as_ref().map(Parting::of),
    };
    (Some(text), why)
}

/// Where a developer's text parts from ours. Digits that are hidden in ours count as equal.
fn compared(request: &KeptRequest, theirs: &str) -> Result<Compared, SiteError> {
    let gone =
        || SiteError::bad_request("A value of this call is not kept, so there is no text to compare with.");
    let (form, pairs) = request.form().zip(request.whole()).ok_or_else(gone)?;
    let ours = form.text(&pairs);
    let mut theirs = theirs.as_bytes().to_vec();
    for (their, our) in theirs.iter_mut().zip(ours.bytes()) {
        if our == MASK && their.is_ascii_hexdigit() {
            *their = our;
        }
    }
    Ok(match first_difference(form, &pairs, &theirs) {
        None => Compared::Equal,
        Some(difference) => Compared::Differs(Box::new(Parted {
            ours: MarkedText::marked(ours.as_bytes(), difference.at),
            theirs: MarkedText::marked(&theirs, difference.at),
            parting: Parting::of(&difference),
        })),
    })
}
