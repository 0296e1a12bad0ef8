//! `/developers/<app_id>/try`: one call, made and signed here, shown step by step; a call like any other.

use super::head::AppHead;
use super::owned::OwnedApp;
use super::texts::shown;
use super::trial::{Filled, Input, Section, Who, inputs, pairs_of};
use crate::site::door::{Answer, render};
use crate::site::error::SiteError;
use crate::site::fields::Fields;
use crate::site::layout::Chrome;
use askama::Template;
use crier_platform::accounts::admin::NewSessionOrder;
use crier_platform::dispatch::{Trial, TriedOut};
use crier_platform::model::session::Session;
use crier_platform::model::user::User;
use crier_proto::call::Verb;
use crier_proto::ids::Uid;
use crier_proto::pairs::{Pair, urlencoded};
use crier_proto::params::{METHODS, MethodSpec, SessionNeed, lookup};
use crier_proto::signature::Version;
use http::StatusCode;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// How long a session lasts that is made for one call, if the call does not come back, in seconds.
const OWN_SESSION_SECS: i64 = 300;
/// A picture for `photos.upload`: 8 by 8 pixels.
const TEST_PICTURE: &[u8] = include_bytes!("../../../assets/console/test-picture.png");

#[derive(Template)]
#[template(path = "console/try.html")]
pub(in crate::site) struct TryPage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) head: &'a AppHead,
    pub(in crate::site) form_token: &'a str,
    /// Every method, and whether it is the chosen one.
    pub(in crate::site) methods: Vec<(&'static str, bool)>,
    pub(in crate::site) method: &'static str,
    pub(in crate::site) takes_file: bool,
    pub(in crate::site) own: Vec<Input>,
    pub(in crate::site) common: Vec<Input>,
    pub(in crate::site) further: String,
    /// On whose behalf, as the form says it.
    pub(in crate::site) who: String,
    /// On whose behalf it may be, as the form says it and in words, and whether it is the chosen one.
    pub(in crate::site) whos: Vec<(String, String, bool)>,
    pub(in crate::site) version_2: bool,
    pub(in crate::site) get: bool,
    pub(in crate::site) ss: bool,
    pub(in crate::site) file: String,
    /// What became of the call, if one was made.
    pub(in crate::site) tried: Option<TriedShown>,
}

/// A call that was made.
pub(in crate::site) struct TriedShown {
    pub(in crate::site) version_2: bool,
    /// Name and value in the order of sending.
    pub(in crate::site) sent: Vec<(String, String)>,
    /// The same without `sig`, sorted by name.
    pub(in crate::site) sorted: Vec<(String, String)>,
    pub(in crate::site) text: String,
    pub(in crate::site) text_bytes: usize,
    /// Which secret signed.
    pub(in crate::site) secret: &'static str,
    pub(in crate::site) sig: String,
    pub(in crate::site) request: String,
    pub(in crate::site) curl: String,
    pub(in crate::site) answer: String,
    pub(in crate::site) refused: bool,
    pub(in crate::site) took_ms: u64,
    pub(in crate::site) number: Option<u64>,
    /// Name, media type and body of each rendering.
    pub(in crate::site) answers: Vec<(&'static str, &'static str, String)>,
}

pub(crate) async fn get(owned: OwnedApp) -> Answer {
    let chosen = owned.visit.query.value("method").and_then(lookup);
    let method = chosen.or_else(|| METHODS.first()).ok_or(SiteError::NotFound)?;
    let user = owned.visit.user()?;
    let filled = Filled::fresh(method, owned.visit.query.value("who"));
    page(&owned, &user, (method, &filled), None).await
}

/// Makes the call and shows it.
pub(crate) async fn post(owned: OwnedApp, fields: Fields) -> Answer {
    let method = fields.value("method").and_then(lookup);
    let method = method.ok_or_else(|| SiteError::bad_request("Choose one of the methods."))?;
    let user = owned.visit.user()?;
    let filled = Filled::of(method, &fields)?;
    let (session, made_here) = session_for(&owned, &user, filled.who).await?;
    let trial = Trial {
        app: Arc::clone(&owned.app),
        session: session.clone(),
        ss: filled.ss,
        version: filled.version,
        verb: filled.verb,
        method: method.name.to_owned(),
        parameters: pairs_of(&filled),
        file: file_of(method, &filled.file),
        source: owned.visit.address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
    };
    let tried = owned.visit.state.dispatcher.try_out(trial).await;
    if let Some(session) = session.filter(|_| made_here) {
        // A call may have ended it already.
        let ended = owned
            .visit
            .state
            .accounts
            .end_own_session(session.user, session.key.as_str());
        ended.await?;
    }
    let shown = tried_shown(&owned, &filled, &tried);
    page(&owned, &user, (method, &filled), Some(shown)).await
}

/// The session of a call, and whether it was made for this one.
async fn session_for(
    owned: &OwnedApp,
    user: &User,
    who: Who,
) -> Result<(Option<Arc<Session>>, bool), SiteError> {
    let accounts = &owned.visit.state.accounts;
    match who {
        Who::Nobody => Ok((None, false)),
        Who::LastSession => {
            let last = accounts.last_session(owned.app.id, user.uid).await?;
            let last =
                last.ok_or_else(|| SiteError::bad_request("That session has ended. Choose another."))?;
            Ok((Some(last), false))
        }
        Who::OwnSession => made_for(owned, user.uid).await,
        Who::TestPerson(uid) => {
            let person = owned.test_people().find(|person| person.uid == uid);
            let person = person.ok_or_else(|| {
                SiteError::bad_request("That test person is not there any more. Choose another.")
            })?;
            made_for(owned, person.uid).await
        }
    }
}

/// A session of this user that is made for one call.
async fn made_for(owned: &OwnedApp, user: Uid) -> Result<(Option<Arc<Session>>, bool), SiteError> {
    let order = NewSessionOrder {
        app: owned.app.id.to_string(),
        user: user.to_string(),
        ttl_secs: Some(OWN_SESSION_SECS),
        session_key: None,
        session_secret: None,
    };
    let session = owned.visit.state.accounts.add_session(order).await?;
    Ok((Some(Arc::new(session)), true))
}

/// On whose behalf a call may be made, as the form says it and in words, and whether it is the chosen one.
async fn choices(
    owned: &OwnedApp,
    user: &User,
    (method, chosen): (&MethodSpec, Who),
) -> Result<Vec<(String, String, bool)>, SiteError> {
    let choice = |who: Who, words: String| (who.word(), words, who == chosen);
    let in_own = |user: &User| {
        let (name, uid) = (&user.name, user.uid);
        format!("{name}, number {uid}, in a session made for this call that ends with it")
    };
    let mut choices = vec![choice(Who::OwnSession, in_own(user))];
    let accounts = &owned.visit.state.accounts;
    if let Some(last) = accounts.last_session(owned.app.id, user.uid).await? {
        let begins = last.key.as_str().get(..4).unwrap_or_default();
        let words = format!("{}, in the latest session ({begins}…)", user.name);
        choices.push(choice(Who::LastSession, words));
    }
    let people = owned.test_people();
    choices.extend(people.map(|person| choice(Who::TestPerson(person.uid), in_own(person))));
    if method.session != SessionNeed::Required {
        choices.push(choice(Who::Nobody, "nobody: without a session".to_owned()));
    }
    // The one that the address asks for may have gone.
    if !choices.iter().any(|(_, _, is_chosen)| *is_chosen)
        && let Some((_, _, is_chosen)) = choices.first_mut()
    {
        *is_chosen = true;
    }
    Ok(choices)
}

fn file_of(method: &MethodSpec, file: &str) -> Option<Vec<u8>> {
    match file {
        _ if !method.file => None,
        "picture" => Some(TEST_PICTURE.to_vec()),
        "text" => Some(b"no picture".to_vec()),
        _ => None,
    }
}

async fn page(
    owned: &OwnedApp,
    user: &User,
    (method, filled): (&'static MethodSpec, &Filled),
    tried: Option<TriedShown>,
) -> Answer {
    let visit = &owned.visit;
    let head = owned.head("Try a call");
    let page = TryPage {
        chrome: owned.chrome(&head),
        head: &head,
        form_token: &visit.form_token(),
        methods: METHODS
            .iter()
            .map(|each| (each.name, each.name == method.name))
            .collect(),
        method: method.name,
        takes_file: method.file,
        own: inputs(Section::Own, method, filled),
        common: inputs(Section::Common, method, filled),
        further: filled.further.clone(),
        who: filled.who.word(),
        whos: choices(owned, user, (method, filled.who)).await?,
        version_2: filled.version == Version::Hmac,
        get: filled.verb == Verb::Get,
        ss: filled.ss,
        file: filled.file.clone(),
        tried,
    };
    render(StatusCode::OK, &page)
}

fn tried_shown(owned: &OwnedApp, filled: &Filled, tried: &TriedOut) -> TriedShown {
    let named = |pair: &Pair| (pair.name.to_string(), shown(pair.value.as_bytes()));
    let mut sorted: Vec<&Pair> = tried.pairs.iter().filter(|pair| &*pair.name != "sig").collect();
    sorted.sort_by(|one, other| one.name.cmp(&other.name));
    let answer = match &tried.refusal {
        None => "answered".to_owned(),
        Some(refusal) => match refusal.cause() {
            Some(cause) => format!("{} {}: {cause}", refusal.code().number(), refusal.code().text()),
            None => format!("{} {}", refusal.code().number(), refusal.code().text()),
        },
    };
    let names = ["XML", "JSON", "JSONP"];
    let answers = names
        .into_iter()
        .zip(&tried.answers)
        .map(|(name, rendered)| (name, rendered.media_type, shown(&rendered.body)));
    TriedShown {
        version_2: filled.version == Version::Hmac,
        sent: tried.pairs.iter().map(named).collect(),
        sorted: sorted.into_iter().map(named).collect(),
        text: shown(tried.text.as_bytes()),
        text_bytes: tried.text.len(),
        secret: if tried.by_session {
            "the session secret"
        } else {
            "the application secret"
        },
        sig: tried.sig.clone(),
        request: request(owned, tried),
        curl: curl(owned, tried),
        refused: tried.refusal.is_some(),
        answer,
        took_ms: tried.took_ms,
        number: tried.number,
        answers: answers.collect(),
    }
}

/// The request as it would come over the wire.
fn request(owned: &OwnedApp, tried: &TriedOut) -> String {
    let url = &owned.visit.state.public_url.origin;
    let host = url.split_once("://").map_or(url.as_str(), |(_, host)| host);
    let encoded = urlencoded(&tried.pairs);
    match (tried.verb, tried.file_bytes) {
        (_, Some(bytes)) => format!(
            "POST {} HTTP/1.1\nHost: {host}\nContent-Type: multipart/form-data; boundary=…\n\none text part for each parameter, one file part of {bytes} bytes",
            tried.path
        ),
        (Verb::Get, None) => format!("GET {}?{encoded} HTTP/1.1\nHost: {host}\n", tried.path),
        (Verb::Post, None) => format!(
            "POST {} HTTP/1.1\nHost: {host}\nContent-Type: application/x-www-form-urlencoded\nContent-Length: {}\n\n{encoded}",
            tried.path,
            encoded.len()
        ),
    }
}

/// The same for a shell: each value in single quotes.
fn curl(owned: &OwnedApp, tried: &TriedOut) -> String {
    let address = format!("{}{}", owned.visit.state.public_url.origin, tried.path);
    let option = match tried.file_bytes {
        Some(_) => "--form-string",
        None => "--data-urlencode",
    };
    let mut lines = vec![match tried.verb {
        Verb::Get => format!("curl --get {}", quoted(&address)),
        Verb::Post => format!("curl {}", quoted(&address)),
    }];
    let pairs = tried.pairs.iter();
    lines
        .extend(pairs.map(|pair| format!("  {option} {}", quoted(&format!("{}={}", pair.name, pair.value)))));
    if tried.file_bytes.is_some() {
        lines.push("  --form 'file=@picture.png'".to_owned());
    }
    lines.join(" \\\n")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_in_a_shell_is_quoted_whole() {
        assert_eq!(quoted("Let's $go \"\\"), "'Let'\\''s $go \"\\'");
    }
}
