//! `/developers/test`: one click makes a test application and test people, one takes them away, and in between stands what to paste
//! into a terminal to see a live message arrive (ADR 0024).

use crate::bound::Bound;
use crate::site::door::{Answer, render, see_other, unkept};
use crate::site::error::SiteError;
use crate::site::fields::Fields;
use crate::site::layout::Chrome;
use crate::site::visit::Visit;
use askama::Template;
use crier_platform::accounts::test_mode::{TestKeys, TestPerson};
use crier_platform::model::user::User;
use crier_proto::secret::Secret;
use http::StatusCode;

/// Where the form of this page leads back to.
const HERE: &str = "/developers/test";

#[derive(Template)]
#[template(path = "console/test_mode.html")]
pub(in crate::site) struct TestModePage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) form_token: &'a str,
    /// The test application, once there is one.
    pub(in crate::site) app: Option<BenchApp>,
    pub(in crate::site) people: Vec<BenchPerson>,
    /// How many test people there may be.
    pub(in crate::site) most: usize,
    /// Whether test mode was just ended.
    pub(in crate::site) ended: bool,
}

/// The test application.
pub(in crate::site) struct BenchApp {
    pub(in crate::site) id: String,
    pub(in crate::site) name: String,
}

/// A test person.
pub(in crate::site) struct BenchPerson {
    pub(in crate::site) uid: String,
    pub(in crate::site) name: String,
}

/// Keys, links and commands, on the one page that shows them.
#[derive(Template)]
#[template(path = "console/test_keys.html")]
pub(in crate::site) struct TestKeysPage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) api_key: &'a str,
    pub(in crate::site) secret: &'a str,
    /// What each command does, and the command.
    pub(in crate::site) commands: Vec<(String, String)>,
    pub(in crate::site) people: Vec<KeyedPerson>,
}

/// A test person with their keys.
pub(in crate::site) struct KeyedPerson {
    pub(in crate::site) uid: String,
    pub(in crate::site) name: String,
    pub(in crate::site) session_key: String,
    pub(in crate::site) session_secret: String,
    pub(in crate::site) link: String,
}

/// A link that logs a test person in once, on the one page that shows it.
#[derive(Template)]
#[template(path = "console/test_link.html")]
pub(in crate::site) struct TestLinkPage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) name: &'a str,
    pub(in crate::site) link: String,
}

pub(crate) async fn get(visit: Visit) -> Answer {
    let user = visit.user()?;
    let accounts = &visit.state.accounts;
    let bench = accounts.test_bench(user.uid).await?;
    let person = |user: &User| BenchPerson {
        uid: user.uid.to_string(),
        name: user.name.clone(),
    };
    let page = TestModePage {
        chrome: Chrome::of(&visit, "Test mode", "developers"),
        form_token: &visit.form_token(),
        app: bench.as_ref().map(|bench| BenchApp {
            id: bench.app.id.to_string(),
            name: bench.app.name.clone(),
        }),
        people: bench
            .iter()
            .flat_map(|bench| &bench.people)
            .map(|user| person(user))
            .collect(),
        most: usize::try_from(accounts.test_people_max()).unwrap_or(usize::MAX),
        ended: visit.query.value("done") == Some("ended"),
    };
    render(StatusCode::OK, &page)
}

/// A form's address that was opened as a page leads to the page of the form.
pub(crate) async fn back(visit: Visit) -> Answer {
    visit.user()?;
    see_other(&visit.href(HERE))
}

/// Makes the test application and its people, and shows their keys.
pub(crate) async fn begin(visit: Visit, fields: Fields) -> Answer {
    let user = visit.form_user(&fields, HERE)?;
    let keys = visit.state.accounts.begin_test(&user).await?;
    show_keys(&visit, &keys)
}

/// Makes all keys anew and shows them.
pub(crate) async fn keys(visit: Visit, fields: Fields) -> Answer {
    let user = visit.form_user(&fields, HERE)?;
    begun(&visit, &user).await?;
    let keys = visit.state.accounts.new_test_keys(user.uid).await?;
    show_keys(&visit, &keys)
}

/// One more test person.
pub(crate) async fn person(visit: Visit, fields: Fields) -> Answer {
    let user = visit.form_user(&fields, HERE)?;
    begun(&visit, &user).await?;
    if !visit.state.accounts.add_test_person(user.uid).await? {
        visit.state.metrics.bound(Bound::TestPeople);
        let most = visit.state.accounts.test_people_max();
        return Err(SiteError::bad_request(format!(
            "You have {most} test people, which is as many as there can be."
        )));
    }
    see_other(&visit.href(HERE))
}

/// A link that logs one of them in once.
pub(crate) async fn link(visit: Visit, fields: Fields) -> Answer {
    let user = visit.form_user(&fields, HERE)?;
    let person = fields.value("person").and_then(|text| text.parse().ok());
    let person = person.ok_or(SiteError::NotFound)?;
    let link = visit.state.accounts.test_link(user.uid, person).await?;
    let (person, token) = link.ok_or(SiteError::NotFound)?;
    let page = TestLinkPage {
        chrome: Chrome::of(&visit, "A link to log in", "developers"),
        name: &person.name,
        link: link_of(&visit, &token),
    };
    unkept(render(StatusCode::OK, &page))
}

/// Takes the test people and everything of theirs away, and voids the application's keys.
pub(crate) async fn end(visit: Visit, fields: Fields) -> Answer {
    let user = visit.form_user(&fields, HERE)?;
    visit.state.accounts.end_test(user.uid).await?;
    see_other(&visit.href("/developers/test?done=ended"))
}

/// What is done with a bench that has not been made is not there.
async fn begun(visit: &Visit, user: &User) -> Result<(), SiteError> {
    let bench = visit.state.accounts.test_bench(user.uid).await?;
    bench.map(|_| ()).ok_or(SiteError::NotFound)
}

fn show_keys(visit: &Visit, keys: &TestKeys) -> Answer {
    let page = TestKeysPage {
        chrome: Chrome::of(visit, "Keys for testing", "developers"),
        api_key: keys.app.api_key.as_str(),
        secret: keys.app.secret.expose(),
        commands: commands(visit, keys),
        people: keys
            .people
            .iter()
            .map(|person| KeyedPerson {
                uid: person.user.uid.to_string(),
                name: person.user.name.clone(),
                session_key: person.session.key.to_string(),
                session_secret: person.session.secret.expose().to_owned(),
                link: link_of(visit, &person.link),
            })
            .collect(),
    };
    unkept(render(StatusCode::OK, &page))
}

/// What to paste: one listens, one sends to it, one publishes.
fn commands(visit: &Visit, keys: &TestKeys) -> Vec<(String, String)> {
    let [sender, listener, ..] = keys.people.as_slice() else {
        return Vec::new();
    };
    let with = |person: &TestPerson| {
        format!(
            "--api-key {} --secret {} --session-key {} --url {}",
            keys.app.api_key,
            keys.app.secret.expose(),
            person.session.key,
            visit.state.public_url.url
        )
    };
    let (from, to) = (first_name(&sender.user.name), first_name(&listener.user.name));
    let crier = &visit.state.command;
    vec![
        (
            format!("In one terminal, listen as {to}"),
            format!("{crier} listen hello {}", with(listener)),
        ),
        (
            format!(
                "In another, send a live message from {from} to {to}: it appears in the first as one line of JSON"
            ),
            format!(
                "{crier} call liveMessage.send recipient={} event_name=hello 'message={{\"text\":\"hi\"}}' {}",
                listener.user.uid,
                with(sender)
            ),
        ),
        (
            format!("Publish a story to the feed of {to}; the link below shows it"),
            format!(
                "{crier} call feed.publishStoryToUser 'title=A first story' 'body=It works.' {}",
                with(listener)
            ),
        ),
    ]
}

fn first_name(name: &str) -> &str {
    name.split(' ').next().unwrap_or(name)
}

fn link_of(visit: &Visit, token: &Secret) -> String {
    format!(
        "{}/login/once?token={}",
        visit.state.public_url.url,
        token.expose()
    )
}
