//! Every documented error of the two seed methods, and those that any call may meet, each provoked on a running server and told
//! to a client of the period: what that client then reports must be the same code and text.
//!
//! 1 and 2 come of books that fail; like all others they are HTTP 200 (protocol 2.4).

use crate::stage::{server_with, stories};
use crier_platform::model::app::{AppKind, ProfileName};
use crier_platform::ports::store::StoreFault;
use crier_proto::error::Code;
use crier_testkit::identity::{API_KEY, APP_NAME, APP_SECRET, SESSION_KEY, renew_session};
use crier_testkit::{Broken, TestServer};

/// What a client made of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reported {
    /// A value, as the client's own language writes it.
    Value(String),
    /// Its own exception or error value: code and text.
    Error(u16, String),
}

/// With whose keys a client calls.
#[derive(Debug, Clone)]
pub struct Caller {
    pub api_key: String,
    pub secret: String,
    pub session_key: String,
}

impl Default for Caller {
    fn default() -> Self {
        Self {
            api_key: API_KEY.to_owned(),
            secret: APP_SECRET.to_owned(),
            session_key: SESSION_KEY.to_owned(),
        }
    }
}

const SEND: &str = "liveMessage.send";
const PUBLISH: &str = "feed.publishStoryToUser";
const WHO: &str = "users.getLoggedInUser";

type Params<'a> = &'a [(&'a str, &'a str)];

const MESSAGE: Params<'static> = &[("recipient", "563683308"), ("event_name", "e"), ("message", "{}")];
const STORY: Params<'static> = &[("title", "x")];

/// One way to an error.
#[derive(Clone, Copy)]
struct Way<'a> {
    code: Code,
    call: (&'a str, Params<'a>),
    /// Settings, each changed alone from the profile `period`.
    settings: Params<'a>,
    /// What the books do.
    broken: fn() -> Broken,
    /// Wrong keys.
    caller: fn(&mut Caller),
    /// A call that must succeed before.
    first: Option<(&'a str, Params<'a>)>,
}

fn way<'a>(code: Code, method: &'a str, params: Params<'a>) -> Way<'a> {
    Way {
        code,
        call: (method, params),
        settings: &[],
        broken: Broken::default,
        caller: |_| {},
        first: None,
    }
}

/// What both pages list, once for each method.
fn common<'a>(method: &'a str, params: Params<'a>, repeated: Params<'a>) -> Vec<Way<'a>> {
    let of = |code| way(code, method, params);
    vec![
        Way {
            broken: || Broken {
                grants: Some(StoreFault::Damaged("row 7 of grants".into())),
                ..Broken::default()
            },
            ..of(Code::Unknown)
        },
        Way {
            broken: || Broken {
                grants: Some(StoreFault::Unavailable("the disk is full".into())),
                ..Broken::default()
            },
            ..of(Code::ServiceUnavailable)
        },
        Way {
            settings: &[("calls_per_minute", "1")],
            first: Some((WHO, &[])),
            ..of(Code::RequestLimit)
        },
        Way {
            settings: &[("allow_ip", "192.0.2.7")],
            ..of(Code::UnauthorizedAddress)
        },
        way(Code::InvalidParameter, method, &[]),
        Way {
            caller: |caller| caller.api_key = "0".repeat(32),
            ..of(Code::InvalidApiKey)
        },
        Way {
            caller: |caller| caller.session_key = format!("{}-1240077", "0".repeat(24)),
            ..of(Code::InvalidSession)
        },
        Way {
            settings: &[("call_id", "required")],
            first: Some((WHO, &[("call_id", "7")])),
            call: (method, repeated),
            ..of(Code::CallIdNotGreater)
        },
        Way {
            caller: |caller| caller.secret = "0".repeat(32),
            ..of(Code::IncorrectSignature)
        },
    ]
}

/// Provokes each error in turn and asks the client what it was told; nothing is sent or published but what a way needs.
pub async fn every_documented_error_reaches(
    mut client: impl FnMut(&TestServer, &Caller, &str, Params<'_>) -> Reported,
) {
    let one_message = [("CRIER__LIVE__APP_ITEMS_MAX", "1")];
    let server = server_with(&one_message, AppKind::Web, ProfileName::Period).await;
    let (long_event, long_text) = ("e".repeat(129), "m".repeat(1_025));
    let (long_title, long_body) = ("x".repeat(61), "x".repeat(201));
    let again = |params: Params<'static>| [params, &[("call_id", "7")]].concat();
    let (message_again, story_again) = (again(MESSAGE), again(STORY));
    let mut ways = common(SEND, MESSAGE, &message_again);
    let stranger = [("recipient", "99"), MESSAGE[1], MESSAGE[2]];
    let event = [MESSAGE[0], ("event_name", &long_event), MESSAGE[2]];
    let text = [MESSAGE[0], MESSAGE[1], ("message", &long_text)];
    ways.extend([
        way(Code::TermsNotAccepted, SEND, &stranger),
        way(Code::EventNameTooLong, SEND, &event),
        way(Code::MessageTooLong, SEND, &text),
        Way {
            first: Some((SEND, MESSAGE)),
            ..way(Code::LiveMessageFailed, SEND, MESSAGE)
        },
        way(Code::UnknownMethod, "no.suchMethod", &[]),
        way(Code::PermissionDenied, WHO, &[("call_as_apikey", "x")]),
    ]);
    let (title, body) = ([("title", &*long_title)], [STORY[0], ("body", &long_body)]);
    let no_photo = [STORY[0], ("image_1", "5"), ("image_1_link", "http://l.example/")];
    let no_link = [STORY[0], ("image_1", "http://e.example/1.gif")];
    ways.extend(common(PUBLISH, STORY, &story_again));
    ways.extend([
        way(
            Code::TitleLinks,
            PUBLISH,
            &[(
                "title",
                "<a href=\"http://a.example/\">a</a><a href=\"http://b.example/\">b</a>",
            )],
        ),
        way(Code::TitleTooLong, PUBLISH, &title),
        way(Code::TitleBlank, PUBLISH, &[("title", "&nbsp;")]),
        way(Code::BodyTooLong, PUBLISH, &body),
        way(Code::PhotoSource, PUBLISH, &no_photo),
        way(Code::PhotoLink, PUBLISH, &no_link),
        Way {
            first: Some((PUBLISH, STORY)),
            ..way(Code::FeedLimit, PUBLISH, STORY)
        },
        // The same window, told as the seed page tells it.
        Way {
            settings: &[("feed_errors", "documented")],
            ..way(Code::RequestLimit, PUBLISH, STORY)
        },
    ]);
    for way in &ways {
        provoke(&server, way, &mut client).await;
    }
    assert_eq!(stories(&server).await, ["x"], "the one story that a way needs");
}

async fn provoke(
    server: &TestServer,
    way: &Way<'_>,
    client: &mut impl FnMut(&TestServer, &Caller, &str, Params<'_>) -> Reported,
) {
    let owned = |pairs: Params<'_>| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    let usual = [
        ("profile", "period"),
        ("allow_ip", ""),
        ("calls_per_minute", "6000"),
    ];
    // Every quota and the session's call order begin anew.
    renew_session(server.accounts()).await.unwrap();
    server.clock.advance_ms(60_000);
    server.accounts().set_app(APP_NAME, &owned(&usual)).await.unwrap();
    server
        .accounts()
        .set_app(APP_NAME, &owned(way.settings))
        .await
        .unwrap();
    if let Some((method, params)) = way.first {
        let reported = client(server, &Caller::default(), method, params);
        assert!(matches!(reported, Reported::Value(_)), "{method}: {reported:?}");
    }
    let mut caller = Caller::default();
    (way.caller)(&mut caller);
    server.books.breaks((way.broken)());
    let (method, params) = way.call;
    let reported = client(server, &caller, method, params);
    server.books.breaks(Broken::default());
    let Reported::Error(code, text) = &reported else {
        panic!("{method} {:?}: {reported:?}", way.code);
    };
    assert_eq!(*code, way.code.number(), "{method} {:?}: {reported:?}", way.code);
    assert!(
        text.starts_with(way.code.text()),
        "{method} {:?}: {reported:?}",
        way.code
    );
}
