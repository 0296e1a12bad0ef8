//! The log of calls from outside: what its owner sees of a call through the HTTP door, and that nobody else sees anything.

use crate::site::browser::{Browser, between};
use crate::site::live::Stream;
use crate::site::stage::Stage;
use crier_proto::call::Verb;
use crier_proto::digest::{hmac_sha256, lower_hex, md5};
use crier_proto::pairs::Pair;
use crier_proto::signature::{canonical_text_v2, signed_text_v1};
use crier_testkit::{RawClient, SignedClient, Signing};

const PUBLISH: &str = "feed.publishStoryToUser";

/// A call whose parameters show every mistake.
const PARAMS: [(&str, &str); 3] = [("title", "Été & 9 up"), ("Zone", "1"), ("image_2", "")];

struct Desk {
    stage: Stage,
    ada: Browser,
    calls: String,
}

impl Desk {
    async fn open() -> Self {
        let stage = Stage::open().await;
        let ada = stage.logged_in("ada").await;
        let app = stage.app("Rochambeau").await.id;
        Self {
            ada,
            calls: format!("/developers/{app}/call"),
            stage,
        }
    }

    /// Sends the pairs with another `sig`; returns the page of that call, as its owner sees it.
    async fn page_of(&mut self, caller: &SignedClient, pairs: &[Pair], sig: &str) -> String {
        let mut pairs = pairs.to_vec();
        for pair in &mut pairs {
            if &*pair.name == "sig" {
                pair.value = sig.into();
            }
        }
        let answer = RawClient::exchange(self.stage.server.address, &caller.request(&pairs)).await;
        let answer = answer.unwrap();
        assert_eq!(answer.error_code(), Some(104), "{}", answer.text());
        assert!(
            !answer.text().contains("must be sorted"),
            "the caller is told nothing"
        );
        let list = self.ada.get(&format!("{}s", self.calls)).await;
        let number = between(list.text(), "/call?number=", "\"")
            .expect("a call")
            .to_owned();
        let address = format!("{}?number={number}", self.calls);
        let foreign = self.stage.logged_in("bo").await.get(&address).await;
        assert_eq!(foreign.status, 404, "another developer");
        let page = self.ada.get(&address).await;
        assert_eq!(page.status, 200);
        page.text().to_owned()
    }
}

fn first_difference(ours: &[u8], theirs: &[u8]) -> usize {
    ours.iter()
        .zip(theirs)
        .take_while(|(one, other)| one == other)
        .count()
}

/// What a mistake signs instead of our text.
type Theirs = fn(&str) -> Vec<u8>;
/// The words that name a mistake, and what it signs.
type Row = (&'static str, Theirs);

fn narrow(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect()
}

#[tokio::test]
async fn the_owner_is_shown_the_first_differing_byte_of_ten_mistakes_and_nobody_else_is_shown_anything() {
    let mut desk = Desk::open().await;
    let app = desk.stage.app("Rochambeau").await;
    let caller = desk.stage.caller("Rochambeau").await;
    let secret = app.secret.expose().as_bytes();
    let rows: [Row; 10] = [
        ("must be sorted by name", |ours| {
            let (zone, rest) = ours.split_at("Zone=1".len());
            [rest.as_bytes(), zone.as_bytes()].concat()
        }),
        ("signed percent-encoded", |ours| {
            ours.replace("Été & 9 up", "%C3%89t%C3%A9+%26+9+up").into()
        }),
        ("pairs with an empty value are signed too", |ours| {
            ours.replace("image_2=", "").into()
        }),
        ("title is signed with white space that is not sent", |ours| {
            ours.replace("9 up", "9 up ").into()
        }),
        ("signed and sent as UTF-8", narrow),
        ("encoded as UTF-8 twice", |ours| {
            ours.bytes().map(char::from).collect::<String>().into()
        }),
        ("v is sent and not signed", |ours| {
            ours.replace("v=1.0", "").into()
        }),
        ("format is signed and not sent", |ours| {
            ours.replace("image_2=", "format=jsonimage_2=").into()
        }),
        ("upper and lower case as they are sent", |ours| {
            ours.replace(PUBLISH, "feed.publishstorytouser").into()
        }),
        ("sig itself is not signed", |ours| {
            ours.replace("title=", "sig=title=").into()
        }),
    ];
    for (words, theirs) in rows {
        let pairs = caller.pairs(PUBLISH, &PARAMS);
        let ours = signed_text_v1(&pairs);
        let theirs = theirs(&ours);
        let sorted_as_sent = words == "must be sorted by name";
        let theirs = if sorted_as_sent {
            // As sent: the order of the pairs themselves.
            let sent = pairs.iter().filter(|pair| &*pair.name != "sig");
            sent.flat_map(|pair| format!("{}={}", pair.name, pair.value).into_bytes())
                .collect()
        } else {
            theirs
        };
        let sig = lower_hex(&md5(&[&theirs, secret]));
        let page = desk.page_of(&caller, &pairs, &sig).await;
        assert!(page.contains(words), "{words}: {page}");
        let at = first_difference(ours.as_bytes(), &theirs);
        assert!(
            page.contains(&format!("byte <strong>{at}</strong>, counted from 0")),
            "{words} at {at}"
        );
        assert_eq!(
            page.matches("<mark>").count(),
            3,
            "both texts, and ours once more"
        );
        assert!(!page.contains(app.secret.expose()) && !page.contains(&sig));
    }
}

#[tokio::test]
async fn mistakes_of_the_secret_and_of_the_digits_are_named_with_a_right_text() {
    let mut desk = Desk::open().await;
    let app = desk.stage.app("Rochambeau").await;
    let caller = desk.stage.caller("Rochambeau").await;
    let secret = app.secret.expose().to_owned();
    let pairs = caller.pairs(PUBLISH, &PARAMS);
    let ours = signed_text_v1(&pairs);
    let (text, key) = (ours.as_bytes(), secret.as_bytes());
    for (sig, words) in [
        (
            lower_hex(&md5(&[text, key])).to_ascii_uppercase(),
            "sig must be lower case",
        ),
        (lower_hex(&md5(&[key, text])), "the secret stands before the text"),
        (
            lower_hex(&md5(&[text, key, b"\n"])),
            "a blank or a line&#39;s end",
        ),
        (lower_hex(&md5(&[text, b"another"])), "None of the usual mistakes"),
        (
            lower_hex(&hmac_sha256(key, &[text])),
            "as many digits as the other version",
        ),
    ] {
        let page = desk.page_of(&caller, &pairs, &sig).await;
        assert!(page.contains(words), "{words}: {page}");
        assert!(!page.contains("counted from 0"), "{words}");
        let said = page.contains("The text that was signed is right.");
        assert_eq!(
            said,
            !words.starts_with("None") && !words.starts_with("as many"),
            "{words}"
        );
    }
    // A text beside ours: equal means that it is the secret. The digits of the session key are those of the caller.
    let address = format!("{}?number=5", desk.calls);
    desk.ada.get(&address).await;
    let page = desk.ada.submit(&address, &[("text", &ours)]).await;
    assert!(page.text().contains("The two texts are equal"), "{}", page.text());
    let page = desk
        .ada
        .submit(&address, &[("text", &ours.replace("image_2=", ""))])
        .await;
    let at = ours.find("image_2=").unwrap();
    assert!(
        page.text().contains(&format!("byte <strong>{at}</strong>")),
        "{}",
        page.text()
    );
    assert!(page.text().contains("in <strong>image_2</strong>"));
}

#[tokio::test]
async fn mistakes_of_version_2_are_shown_line_by_line() {
    let mut desk = Desk::open().await;
    let app = desk.stage.app("Rochambeau").await;
    let now = desk.stage.server.state.clock.wall().secs();
    let caller = desk.stage.caller("Rochambeau").await.signing(Signing::Hmac(now));
    let rows: [(&str, &str, Theirs); 5] = [
        (
            "line 2 must be the HTTP method",
            "line 2, the HTTP method",
            |ours| ours.replace("POST", "GET").into(),
        ),
        ("line 3 must be the path", "line 3, the path", |ours| {
            ours.replace("/restserver.php", "restserver.php").into()
        }),
        ("in version 2 they are percent-encoded", "title", |ours| {
            ours.replace("%C3%89t%C3%A9%20%26%209%20up", "Été & 9 up").into()
        }),
        ("percent-encoded in another style", "title", |ours| {
            ours.replace("%20", "+").into()
        }),
        ("pairs with an empty value are signed too", "image_2", |ours| {
            ours.replace("&image_2=", "").into()
        }),
    ];
    for (words, part, theirs) in rows {
        let pairs = caller.pairs(PUBLISH, &PARAMS);
        let ours = canonical_text_v2(Verb::Post, "/restserver.php", &pairs);
        let theirs = theirs(&ours);
        let sig = lower_hex(&hmac_sha256(app.secret.expose().as_bytes(), &[&theirs]));
        let page = desk.page_of(&caller, &pairs, &sig).await;
        let at = first_difference(ours.as_bytes(), &theirs);
        assert!(page.contains(words), "{words}: {page}");
        let told = format!("byte <strong>{at}</strong>, counted from 0, in <strong>{part}</strong>");
        assert!(page.contains(&told), "{told}: {page}");
        let before = between(
            &page,
            "<h3>What must be signed</h3><pre tabindex=\"0\" dir=\"ltr\">",
            "<mark>",
        )
        .unwrap();
        assert_eq!(
            before.replace("&#38;", "&").len(),
            at,
            "the mark stands at that byte: {before}"
        );
    }
}

#[tokio::test]
async fn an_open_log_hears_of_each_call_and_a_message_of_each_step() {
    let mut desk = Desk::open().await;
    desk.stage.grant("Rochambeau").await;
    let caller = desk.stage.caller("Rochambeau").await;
    let login = format!(
        "Cookie: crier_login={}\r\n",
        desk.ada.cookie("crier_login").unwrap()
    );
    let list = desk.ada.get(&format!("{}s", desk.calls)).await;
    let live = between(list.text(), "data-live=\"", "\"")
        .unwrap()
        .replace("&#38;", "&");
    assert!(live.ends_with("/live?of=calls&seen=0"), "{live}");
    let mut stream = Stream::open(desk.stage.server.address, &live, &login).await;
    stream.until("text/event-stream\r\n").await;
    stream.until("retry: 3000\n\n").await;
    let params = [
        ("recipient", "563683308"),
        ("event_name", "rochambeau"),
        ("message", "between us"),
    ];
    let sent = caller.call("liveMessage.send", &params).await.unwrap();
    let id = sent.header("crier-id").unwrap().to_owned();
    desk.stage.server.clock.advance_ms(500);
    stream.until("data: 1\n\n").await;
    let list = desk.ada.get(&format!("{}s", desk.calls)).await;
    assert!(
        list.text().contains(&format!("/message?id={id}\"")),
        "{}",
        list.text()
    );
    assert!(list.text().contains("user 563683308"));
    let address = format!("{}?id={id}", desk.calls.replace("/call", "/message"));
    let page = desk.ada.get(&address).await;
    for words in ["rochambeau", "563683308", "<b>accepted</b>", "<b>no_handler</b>"] {
        assert!(page.text().contains(words), "{words}: {}", page.text());
    }
    assert!(!page.text().contains("between us"));
    let live = between(page.text(), "data-live=\"", "\"")
        .unwrap()
        .replace("&#38;", "&");
    let mut steps = Stream::open(desk.stage.server.address, &live, &login).await;
    steps.until("retry: 3000\n\n").await;
    desk.stage.server.clock.advance_ms(60_000);
    steps.until("data: ").await;
    let page = desk.ada.get(&address).await;
    assert!(
        page.text().contains("<b>expired</b>") && page.text().contains("+60000 ms"),
        "{}",
        page.text()
    );
    let list = desk.ada.get(&desk.calls.replace("/call", "/messages")).await;
    assert!(list.text().contains("expired</span>"), "{}", list.text());
    assert_eq!(desk.stage.logged_in("bo").await.get(&address).await.status, 404);
    let unknown = format!(
        "{}?id={}",
        desk.calls.replace("/call", "/message"),
        "0".repeat(32)
    );
    assert_eq!(desk.ada.get(&unknown).await.status, 404);
}

#[tokio::test]
async fn the_log_is_read_page_by_page_and_refused_calls_alone() {
    let mut desk = Desk::open().await;
    let caller = desk.stage.caller("Rochambeau").await;
    for _ in 0..51 {
        caller.call("users.getLoggedInUser", &[]).await.unwrap();
    }
    let refused = caller.call("users.isAppUser", &[("uid", "x")]).await.unwrap();
    assert_eq!(refused.error_code(), Some(100));
    let first = desk.ada.get(&format!("{}s", desk.calls)).await;
    assert_eq!(first.text().matches("<li value=").count(), 50);
    assert!(first.text().contains("<li value=\"52\">") && first.text().contains("Invalid parameter: uid"));
    let older = format!("{}s?below=3", desk.calls);
    assert!(first.text().contains(&format!("{older}\"")), "{}", first.text());
    let second = desk.ada.get(&older).await;
    assert_eq!(second.text().matches("<li value=").count(), 2);
    assert!(!second.text().contains("data-live"));
    let only = desk.ada.get(&format!("{}s?only=refused", desk.calls)).await;
    assert_eq!(only.text().matches("<li value=").count(), 1);
    let call = desk.ada.get(&format!("{}?number=1", desk.calls)).await;
    assert!(call.text().contains("were not kept"), "nobody looked then");
    assert_eq!(
        desk.ada.get(&format!("{}?number=4711", desk.calls)).await.status,
        404
    );
}
