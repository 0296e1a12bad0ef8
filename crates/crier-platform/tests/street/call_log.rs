//! The log of an application's calls: what is kept of which call, what never is, and every bound of it.

use crate::asked::Call;
use crate::harness::{Street, WEB, app_id, uid};
use crier_platform::call_log::{
    CallLogConfig, Explanation, KeptRequest, KeptValue, LoggedCall, Origin, Subject,
};
use crier_platform::model::app::{App, AppKind, Strictness};
use crier_platform::model::quantity::{Bytes, Span};
use crier_platform::ports::store::Write;
use crier_proto::call::RawCall;
use crier_proto::error::Code;
use crier_proto::ids::{ApiKey, AppId};
use crier_proto::mistake::{Form, Mistake, Part};
use crier_proto::secret::Secret;
use std::sync::Arc;

const SEND: &str = "liveMessage.send";
const WHO: &str = "users.getLoggedInUser";

impl Street {
    /// The calls in the log, the newest first.
    fn logged(&self) -> Vec<LoggedCall> {
        self.dispatcher.log().latest(app_id(), u64::MAX, 1_000)
    }

    fn last(&self) -> LoggedCall {
        self.logged().swap_remove(0)
    }

    fn look(&self) {
        self.dispatcher.log().watch(app_id(), self.ports.clock.elapsed());
    }

    /// A call that the first user's session signs wrongly: with nothing.
    async fn wrong(&self) -> Call {
        let (app, session) = (self.app().await, self.session().await);
        Call::acting(&app, &session, WHO, "1").with("sig", &"0".repeat(32))
    }

    fn met(&self, key: &str) -> u64 {
        let met = self.dispatcher.log().figures().met();
        met.into_iter().find(|(known, _)| *known == key).expect(key).1
    }
}

fn request(call: &LoggedCall) -> Arc<KeptRequest> {
    call.request.clone().expect("its parameters")
}

fn kept(call: &LoggedCall, name: &str) -> Option<KeptValue> {
    let request = request(call);
    let pair = request.pairs.iter().find(|(known, _)| &**known == name);
    pair.map(|(_, value)| value.clone())
}

fn whole(text: &str) -> Option<KeptValue> {
    Some(KeptValue::Whole(text.into()))
}

#[tokio::test]
async fn every_call_has_its_line_and_a_refused_one_its_parameters() {
    let street = Street::open(|_| {}).await;
    let message = |call: Call| {
        call.with("recipient", "563683308")
            .with("event_name", "e")
            .with("message", "between us")
    };
    street.act(message, SEND).await.value();
    let refused = street.act(|call| message(call).with("ttl", "x"), SEND).await;
    assert_eq!(refused.code(), 100);
    let [refused, sent] = <[LoggedCall; 2]>::try_from(street.logged()).expect("two calls");
    assert_eq!((sent.number, refused.number), (1, 2));
    assert_eq!(
        (sent.method, sent.user, sent.error, sent.origin),
        (Some(SEND), Some(uid(WEB)), None, Origin::Rest)
    );
    assert!(matches!(sent.subject, Some(Subject::Message(_))));
    assert_eq!(sent.at, street.now());
    assert_eq!(sent.call_id.as_deref(), Some("1000000"));
    assert!(sent.request.is_none(), "nobody looks");
    let cause = "ttl must be an integer from 0 to 86400";
    assert_eq!(
        refused
            .error
            .as_ref()
            .map(|(code, cause)| (*code, cause.as_deref())),
        Some((Code::InvalidParameter, Some(cause)))
    );
    assert_eq!(kept(&refused, "message"), whole("between us"));
    assert_eq!(kept(&refused, "ttl"), whole("x"));
    assert_eq!(
        street.dispatcher.log().call(app_id(), 1).map(|call| call.method),
        Some(Some(SEND))
    );
    assert!(street.dispatcher.log().call(app_id(), 3).is_none());
}

#[tokio::test]
async fn an_answered_call_keeps_its_parameters_while_somebody_looks_and_never_what_people_wrote() {
    let street = Street::open_logging(CallLogConfig {
        watched_for: Span(60_000),
        ..CallLogConfig::default()
    })
    .await;
    let story = |call: Call| {
        call.with("title", "A title")
            .with("image_1_link", "http://e.example/")
    };
    street.look();
    street.act(story, "feed.publishStoryToUser").await.value();
    let call = street.last();
    assert!(matches!(call.subject, Some(Subject::Story(_))));
    assert_eq!(kept(&call, "title"), Some(KeptValue::Bytes(7)));
    assert_eq!(kept(&call, "image_1_link"), whole("http://e.example/"));
    assert_eq!(request(&call).signed_text(), None, "a value is not kept");
    street.turn_clock(59_999);
    street.act(|call| call, WHO).await.value();
    assert!(street.last().request.is_some());
    assert!(request(&street.last()).signed_text().is_some());
    street.turn_clock(1);
    street.act(|call| call, WHO).await.value();
    assert!(street.last().request.is_none(), "watched_for is over");
}

#[tokio::test]
async fn no_key_secret_or_signature_is_kept_of_any_call() {
    let street = Street::open(|_| {}).await;
    street.look();
    let (app, session) = (street.app().await, street.session().await);
    street.act(|call| call, WHO).await.value();
    street.answer(street.wrong().await.unsigned()).await;
    let own = format!("[\"method=x&session_key={}\"]", session.key);
    street
        .act(|call| call.with("method_feed", &own), "batch.run")
        .await;
    let leaked = |call: Call| {
        call.with("secret", app.secret.expose())
            .with("auth_token", "AB12Z")
    };
    street.act(leaked, "auth.getSession").await;
    let upper = Call::acting(&app, &session, WHO, "900").signed();
    let crier_proto::call::Body::Urlencoded(body) = upper.body else {
        unreachable!("calls are posted")
    };
    let text = std::str::from_utf8(&body).expect("ASCII").to_owned();
    let sig = text.rsplit("sig=").next().expect("a signature").to_owned();
    let shouted = Call::acting(&app, &session, WHO, "900").with("sig", &sig.to_ascii_uppercase());
    street.answer(shouted.unsigned()).await;
    let said = format!("{:?}", street.logged()).to_ascii_lowercase();
    assert_eq!(street.logged().len(), 5);
    let digits = session.key.as_str().split('-').next().expect("digits");
    for hidden in [
        app.secret.expose(),
        digits,
        session.secret.expose(),
        &sig,
        "ab12z",
    ] {
        assert!(
            !said.contains(&hidden.to_ascii_lowercase()),
            "{hidden} is in {said}"
        );
    }
    assert!(said.contains("~~~~~~~~~~~~~~~~~~~~~~~~-1240077"));
}

#[tokio::test]
async fn a_wrong_signature_is_explained_with_both_texts_and_a_cause_of_its_own_is_not() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let call = Call::acting(&app, &session, SEND, "5").with("ttl", "");
    let without = call.clone().without("ttl").signed();
    let crier_proto::call::Body::Urlencoded(body) = without.body else {
        unreachable!("calls are posted")
    };
    let text = std::str::from_utf8(&body).expect("ASCII").to_owned();
    let sig = text.rsplit("sig=").next().expect("a signature").to_owned();
    street.answer(call.with("sig", &sig).unsigned()).await;
    let logged = street.last();
    let request = request(&logged);
    let Explanation::Usual(explained) = &request.explanation else {
        unreachable!("{:?}", request.explanation)
    };
    assert_eq!(explained.mistake, Mistake::EmptyLeftOut);
    let ours = request.signed_text().expect("the text");
    let differs = explained.differs.as_ref().expect("a difference");
    assert_eq!(differs.part, Part::Parameter("ttl".into()));
    assert_eq!(&ours[differs.at..differs.at + 4], "ttl=");
    let theirs = std::str::from_utf8(explained.theirs.as_deref().expect("their text")).expect("UTF-8");
    assert_eq!(theirs, ours.replace("ttl=", ""));
    assert!(ours.contains(&format!("session_key={}-1240077", "~".repeat(24))));
    street.answer(street.wrong().await.unsigned()).await;
    assert_eq!(self::request(&street.last()).explanation, Explanation::Unusual);
    street
        .answer(street.wrong().await.without("sig").unsigned())
        .await;
    let logged = street.last();
    assert_eq!(
        logged.error.as_ref().and_then(|(_, cause)| cause.as_deref()),
        Some("sig is missing")
    );
    assert_eq!(self::request(&logged).explanation, Explanation::NotNeeded);
}

/// What is hidden leaves every other byte in its place, in the text of version 2 too.
#[tokio::test]
async fn a_kept_text_has_the_length_of_the_signed_one_in_both_versions() {
    let street = Street::open(|_| {}).await;
    let (app, session) = (street.app().await, street.session().await);
    let wrong = || {
        Call::acting(&app, &session, WHO, "5")
            .with("title", "é ~")
            .secret(&Secret::new("x"))
    };
    for (request, version_2) in [
        (wrong().signed(), false),
        (wrong().signed_v2(street.now_secs()), true),
    ] {
        let raw = RawCall::read(request).expect("a call");
        let text = Form::of(&raw).expect("a form").text(raw.pairs().as_slice());
        let again = wrong();
        let again = if version_2 {
            again.signed_v2(street.now_secs())
        } else {
            again.signed()
        };
        street.answer(again).await;
        let kept = self::request(&street.last()).signed_text().expect("the text");
        assert_eq!(kept.len(), text.len());
        let digits = session.key.as_str().split('-').next().expect("digits");
        assert_eq!(kept.replace(&"~".repeat(24), digits), text);
    }
}

#[tokio::test]
async fn the_secrets_of_a_desktop_session_and_of_a_rotation_are_known_to_the_explainer() {
    let street = Street::open(|app| app.kind = AppKind::Desktop).await;
    let (app, session) = (street.app().await, street.session().await);
    street
        .answer(Call::acting(&app, &session, WHO, "1").signed())
        .await;
    let named = |street: &Street| match &request(&street.last()).explanation {
        Explanation::Usual(explained) => Some(explained.mistake.clone()),
        Explanation::NotNeeded | Explanation::Unusual | Explanation::NotTried => None,
    };
    assert_eq!(named(&street), Some(Mistake::OtherSecret));
    let now = street.now();
    let former = Secret::new("ab".repeat(16));
    street
        .set_app(|app| {
            app.kind = AppKind::Web;
            app.previous_secret = Some((former.clone(), now));
        })
        .await;
    let call = Call::acting(&app, &session, WHO, "1").secret(&former);
    street.answer(call.signed()).await;
    assert_eq!(named(&street), Some(Mistake::FormerSecret));
}

#[tokio::test]
async fn the_items_of_a_batch_stand_in_its_line_with_what_they_made() {
    let street = Street::open(|_| {}).await;
    let items = "[\"method=liveMessage.send&recipient=563683308&event_name=e&message=m\",\"method=x\"]";
    street
        .act(|call| call.with("method_feed", items), "batch.run")
        .await
        .value();
    let logged = street.logged();
    assert_eq!(logged.len(), 1, "an item is no call of its own");
    let [sent, unknown] = *logged[0].items else {
        unreachable!("two items")
    };
    assert_eq!((sent.method, sent.error), (Some(SEND), None));
    assert!(matches!(sent.subject, Some(Subject::Message(_))));
    assert_eq!((unknown.method, unknown.error), (None, Some(Code::UnknownMethod)));
}

#[tokio::test]
async fn kept_max_lets_the_oldest_leave_and_calls_of_strangers_push_out_none_that_was_proved() {
    let street = Street::open_logging(CallLogConfig {
        kept_max: 2,
        ..CallLogConfig::default()
    })
    .await;
    let numbers = |street: &Street| -> Vec<u64> { street.logged().iter().map(|call| call.number).collect() };
    street.act(|call| call.with("foo", "1"), WHO).await;
    for _ in 0..5 {
        street.answer(street.wrong().await.unsigned()).await;
    }
    assert_eq!(numbers(&street), [6, 5, 1]);
    for _ in 0..3 {
        street.act(|call| call, WHO).await.value();
    }
    assert_eq!(numbers(&street), [9, 8, 6, 5, 1]);
    assert_eq!(street.met("calls.kept_max"), 4);
    let below = street.dispatcher.log().latest(app_id(), 8, 2);
    assert_eq!(below.iter().map(|call| call.number).collect::<Vec<_>>(), [6, 5]);
}

#[tokio::test]
async fn kept_bytes_max_takes_parameters_from_the_oldest_and_call_bytes_max_from_the_longest() {
    let street = Street::open_logging(CallLogConfig {
        kept_bytes_max: Bytes(1_000),
        call_bytes_max: Bytes(600),
        ..CallLogConfig::default()
    })
    .await;
    let long = |length: usize| move |call: Call| call.with("foo", &"x".repeat(length));
    street.act(long(300), WHO).await;
    street.act(long(300), WHO).await;
    assert!(street.logged().iter().all(|call| call.request.is_some()));
    street.act(long(300), WHO).await;
    let has: Vec<bool> = street
        .logged()
        .iter()
        .map(|call| call.request.is_some())
        .collect();
    assert_eq!(has, [true, true, false], "the oldest of three");
    assert_eq!(street.met("calls.kept_bytes_max"), 1);
    assert_eq!(street.met("calls.call_bytes_max"), 0);
    street.act(long(600), WHO).await;
    assert_eq!(kept(&street.last(), "foo"), Some(KeptValue::Bytes(600)));
    assert_eq!(kept(&street.last(), "v"), whole("1.0"));
    assert_eq!(street.met("calls.call_bytes_max"), 1);
}

#[tokio::test]
async fn explained_per_app_max_and_explained_max_hold_for_a_minute() {
    for (own, all) in [(2, 100), (100, 2)] {
        let street = Street::open_logging(CallLogConfig {
            explained_per_app_max: own,
            explained_max: all,
            ..CallLogConfig::default()
        })
        .await;
        let mut told = Vec::new();
        for ms in [0, 0, 59_999, 1] {
            street.turn_clock(ms);
            street.answer(street.wrong().await.unsigned()).await;
            told.push(request(&street.last()).explanation.clone());
        }
        use Explanation::{NotTried, Unusual};
        assert_eq!(told, [Unusual, Unusual, NotTried, Unusual]);
        assert_eq!(street.met("calls.explained_max"), 1);
    }
}

#[tokio::test]
async fn names_without_effect_are_counted_for_a_lenient_application_up_to_unread_names_max() {
    let street = Street::open_logging(CallLogConfig {
        unread_names_max: 2,
        ..CallLogConfig::default()
    })
    .await;
    let strict = street.act(|call| call.with("foo", "1"), WHO).await;
    assert_eq!(strict.code(), 100);
    let counted = || street.dispatcher.log().unread_names(app_id());
    assert_eq!(counted(), [], "a refused name has had its word");
    street
        .set_app(|app| app.settings.strictness = Strictness::Lenient)
        .await;
    street
        .act(|call| call.with("zoo", "1").with("foo", ""), WHO)
        .await
        .value();
    street
        .act(|call| call.with("foo", "2").with("ts", "3"), WHO)
        .await
        .value();
    // Refused for another name, and proved to be the application's all the same.
    street
        .act(|call| call.with("foo", "2").with("locale", "?"), WHO)
        .await;
    street
        .answer(street.wrong().await.with("foo", "4").unsigned())
        .await;
    street.act(|call| call.with("foo", "5"), "no.method").await;
    assert_eq!(counted(), [("foo".into(), 3), ("zoo".into(), 1)]);
    assert_eq!(street.met("calls.unread_names_max"), 1, "ts found no place");
}

#[tokio::test]
async fn apps_max_lets_the_application_leave_that_has_not_called_for_the_longest_time() {
    let street = Street::open_logging(CallLogConfig {
        apps_max: 2,
        ..CallLogConfig::default()
    })
    .await;
    let first = street.app().await;
    let mut apps = vec![Arc::clone(&first)];
    for number in 2..=3_i64 {
        let app = App {
            id: AppId::new(number).expect("an id"),
            api_key: format!("{number:032x}").parse::<ApiKey>().expect("a key"),
            name: format!("app{number}"),
            ..(*first).clone()
        };
        street.write(vec![Write::AddApp(Box::new(app.clone()))]).await;
        apps.push(Arc::new(app));
    }
    for (app, ms) in [(0, 0), (1, 10), (0, 10), (2, 10)] {
        street.turn_clock(ms);
        let call = Call::of(&apps[app], "auth.createToken").signed();
        assert!(street.answer(call).await.error.is_none());
    }
    let newest: Vec<u64> = apps
        .iter()
        .map(|app| street.dispatcher.log().newest(app.id))
        .collect();
    assert_eq!(
        newest,
        [2, 0, 1],
        "the second has not called for the longest time"
    );
    assert_eq!(street.met("calls.apps_max"), 1);
}

#[tokio::test]
async fn nobody_elses_call_is_in_an_applications_log() {
    let street = Street::open(|_| {}).await;
    let unknown = Call::of(&*street.app().await, WHO).with("api_key", &"0".repeat(32));
    assert_eq!(street.ask(unknown.signed()).await.code(), 101);
    assert_eq!(street.dispatcher.log().newest(app_id()), 0);
}
