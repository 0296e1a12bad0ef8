//! What an open feed page hears: by stream, by poll, and how it ends (feed 6.8); and how often a feed may be read (feed 10).

use crate::pictures::host::Host;
use crate::pictures::settled_slots;
use crate::site::browser::{Browser, between};
use crate::site::stage::Stage;
use crier_platform::model::app::AppKind;
use crier_testkit::patience::within;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A stream as its bytes come.
pub(crate) struct Stream {
    socket: TcpStream,
    text: String,
}

impl Stream {
    pub(crate) async fn open(address: SocketAddr, path: &str, head: &str) -> Self {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{head}\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        Self {
            socket,
            text: String::new(),
        }
    }

    /// Reads until `what` has come; the text that stood before its end is left behind.
    pub(crate) async fn until(&mut self, what: &str) {
        let read = async {
            while !self.text.contains(what) {
                let mut bytes = [0; 4096];
                let count = self.socket.read(&mut bytes).await?;
                if count == 0 {
                    return Err(io::Error::other(format!("ended without {what:?}: {}", self.text)));
                }
                self.text.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
            }
            Ok(())
        };
        within(what, read).await.unwrap();
        let (_, rest) = self.text.split_once(what).unwrap();
        self.text = rest.to_owned();
    }

    /// Reads until nothing more comes.
    pub(crate) async fn rest(mut self) -> String {
        let read = self.socket.read_to_string(&mut self.text);
        within("the end of the stream", read).await.unwrap();
        self.text
    }
}

struct Reader {
    stage: Stage,
    bo: Browser,
}

impl Reader {
    /// Bo has accepted two applications: these are the first two places of the record.
    async fn new() -> Self {
        Self::on(Stage::open().await).await
    }

    async fn on(stage: Stage) -> Self {
        stage.grant("Rochambeau").await;
        stage.add_app("Orchard", "", AppKind::Web).await;
        stage.grant("Orchard").await;
        let bo = stage.logged_in("bo").await;
        Self { stage, bo }
    }

    fn login(&self) -> String {
        format!(
            "Cookie: crier_login={}\r\n",
            self.bo.cookie("crier_login").unwrap()
        )
    }

    async fn listen(&self, after: &str, head: &str) -> Stream {
        let head = format!("{}{head}", self.login());
        let path = format!("/feed/live?after={after}");
        Stream::open(self.stage.server.address, &path, &head).await
    }

    async fn publish(&self, app: &str, title: &str) {
        self.stage.publish(app, &[("title", title)]).await;
    }
}

#[tokio::test]
async fn an_open_page_hears_of_each_new_story_once_and_by_its_seq() {
    let reader = Reader::new().await;
    reader.publish("Rochambeau", "One").await;
    let mut stream = reader.listen("3", "").await;
    stream.until("HTTP/1.1 200 OK\r\n").await;
    stream.until("text/event-stream\r\n").await;
    stream.until("retry: 3000\n\n").await;
    stream.until("id: 3\ndata: {\"w\":3,\"new\":0}\n\n").await;
    reader.publish("Orchard", "Two").await;
    stream.until("id: 4\ndata: {\"w\":4,\"new\":1}\n\n").await;
    assert!(!stream.text.contains("data:"), "{}", stream.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_that_is_ready_is_told_to_the_pages_that_are_open_and_to_those_that_poll() {
    let host = Host::open().await;
    let allow = host.address.to_string();
    let mut reader = Reader::on(Stage::open_with(&[("CRIER__MEDIA__DIAL_ALLOW", &allow)]).await).await;
    let source = host.url("/1.png");
    let params = [
        ("title", "One"),
        ("image_2", &source),
        ("image_2_link", "http://x.example/"),
    ];
    let mut stream = reader.listen("2", "").await;
    stream.until("id: 2\ndata: {\"w\":2,\"new\":0}\n\n").await;
    reader.stage.publish("Rochambeau", &params).await;
    settled_slots(&reader.stage).await;
    // The word of the story may have been said by itself: the next one comes a second later.
    let clock = &reader.stage.server.clock;
    clock
        .turning(1_000, stream.until("id: 4\ndata: {\"story\":"))
        .await;
    stream.until(",\"slot\":2,\"src\":\"/p/").await;
    stream.until(".png\",\"width\":75,\"height\":60}\n\n").await;
    let poll = reader.bo.get("/feed/poll?after=3&seen=3").await.json();
    assert_eq!((poll["w"].as_i64(), poll["new"].as_u64()), (Some(4), Some(0)));
    let told = poll["pictures"].as_array().unwrap();
    assert_eq!((told.len(), told[0]["slot"].as_u64()), (1, Some(2)));
    let page = reader.bo.get("/feed").await;
    let image = between(page.text(), "<img src=\"", "\"").unwrap();
    assert_eq!(told[0]["src"].as_str(), Some(image));
    // Who came after it is told nothing of it.
    let later = reader.bo.get("/feed/poll?after=4&seen=3").await.json();
    assert_eq!(later["pictures"].as_array().map(Vec::len), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_box_whose_picture_fails_or_is_removed_closes_up_on_the_pages_that_are_open() {
    let host = Host::open().await;
    let allow = host.address.to_string();
    let mut reader = Reader::on(Stage::open_with(&[("CRIER__MEDIA__DIAL_ALLOW", &allow)]).await).await;
    let (gone, there) = (host.url("/none.png"), host.url("/1.png"));
    let params = [
        ("title", "One"),
        ("image_1", &gone),
        ("image_1_link", "http://x.example/"),
        ("image_2", &there),
        ("image_2_link", "http://x.example/"),
    ];
    reader.stage.publish("Rochambeau", &params).await;
    // Whether the fetch ends before the page listens or while it does, it is told, and once.
    let mut stream = reader.listen("3&waiting=1/p1,1/p2", "").await;
    stream.until("retry: 3000\n\n").await;
    let picture = settled_slots(&reader.stage).await[1].picture.unwrap();
    let clock = Arc::clone(&reader.stage.server.clock);
    clock
        .turning(1_000, stream.until("data: {\"story\":1,\"slot\":1}\n\n"))
        .await;
    let poll = reader
        .bo
        .get("/feed/poll?after=9&seen=9&waiting=1/p1,1/p2,2/p1")
        .await;
    assert_eq!(
        poll.json()["pictures"].to_string(),
        "[{\"slot\":1,\"story\":1},{\"slot\":1,\"story\":2}]"
    );
    let pictures = &reader.stage.server.state.pictures;
    pictures.block(picture.hash).await.unwrap();
    clock
        .turning(1_000, stream.until("id: 5\ndata: {\"story\":1,\"slot\":2}\n\n"))
        .await;
    stream.until("id: 5\ndata: {\"w\":5,\"new\":0}\n\n").await;
    assert!(!stream.text.contains("data:"), "{}", stream.text);
}

#[tokio::test]
async fn a_page_that_asks_for_what_cannot_be_is_told_so() {
    let mut reader = Reader::new().await;
    for query in [
        "",
        "after=-1",
        "after=2&after=2",
        "after=2&waiting=x",
        "after=2&waiting=1/p5",
    ] {
        for way in ["live", "poll"] {
            let answer = reader.bo.get(&format!("/feed/{way}?{query}")).await;
            assert_eq!(answer.status, 400, "{way}?{query}");
        }
    }
}

#[tokio::test]
async fn the_page_carries_the_seq_that_its_stream_goes_on_from() {
    let mut reader = Reader::new().await;
    reader.publish("Rochambeau", "One").await;
    let page = reader.bo.get("/feed").await;
    assert!(
        page.text()
            .contains("<div class=\"bar\" role=\"status\" data-after=\"3\" data-base=\"\"></div>")
    );
}

#[tokio::test]
async fn last_event_id_wins_over_after() {
    let reader = Reader::new().await;
    reader.publish("Rochambeau", "One").await;
    reader.publish("Orchard", "Two").await;
    let mut stream = reader.listen("0", "Last-Event-ID: 3\r\n").await;
    stream.until("id: 4\ndata: {\"w\":4,\"new\":1}\n\n").await;
    let mut stream = reader.listen("4", "Last-Event-ID: 0\r\n").await;
    stream.until("{\"w\":4,\"new\":2}").await;
    let mut stream = reader.listen("3", "Last-Event-ID: x\r\n").await;
    stream.until("{\"w\":4,\"new\":1}").await;
}

#[tokio::test]
async fn an_application_that_is_switched_off_or_withdrawn_from_is_taken_out_of_the_count() {
    let reader = Reader::new().await;
    reader.publish("Rochambeau", "One").await;
    reader.publish("Orchard", "Two").await;
    let mut stream = reader.listen("0", "").await;
    stream.until("{\"w\":4,\"new\":2}").await;
    let accounts = reader.stage.server.accounts();
    let bo = accounts.find_user("bo").await.unwrap().uid;
    let orchard = reader.stage.app("Orchard").await.id;
    accounts.switch_stories(orchard, bo, false).await.unwrap();
    reader.stage.server.clock.advance_ms(1_000);
    stream.until("{\"w\":5,\"new\":1}").await;
    let game = reader.stage.app("Rochambeau").await.id;
    accounts.withdraw(game, bo).await.unwrap();
    reader.stage.server.clock.advance_ms(1_000);
    stream.until("{\"w\":6,\"new\":0}").await;
}

#[tokio::test]
async fn logging_out_ends_the_stream_within_a_second() {
    let mut reader = Reader::new().await;
    let mut stream = reader.listen("0", "").await;
    stream.until("{\"w\":2,\"new\":0}").await;
    reader.bo.get("/logout").await;
    assert_eq!(reader.bo.submit("/logout", &[]).await.status, 303);
    reader.stage.server.clock.advance_ms(1_000);
    assert!(!stream.rest().await.contains("data:"));
}

#[tokio::test]
async fn live_per_user_lets_the_oldest_stream_leave_for_the_seventeenth() {
    let reader = Reader::new().await;
    let mut streams = Vec::new();
    for _ in 0..17 {
        let mut stream = reader.listen("0", "").await;
        stream.until("{\"w\":2,\"new\":0}").await;
        streams.push(stream);
    }
    assert!(!streams.remove(0).rest().await.contains("data:"));
    reader.publish("Rochambeau", "One").await;
    for stream in &mut streams {
        stream.until("{\"w\":3,\"new\":1}").await;
    }
}

#[tokio::test]
async fn a_stream_that_has_nothing_to_say_beats_every_25_seconds() {
    let reader = Reader::new().await;
    let mut stream = reader.listen("0", "").await;
    stream.until("{\"w\":2,\"new\":0}\n\n").await;
    reader.stage.server.clock.advance_ms(25_000);
    stream.until(":\n\n").await;
}

#[tokio::test]
async fn a_stop_sends_each_page_away_with_its_own_time_to_come_back() {
    let reader = Reader::new().await;
    let mut stream = reader.listen("0", "").await;
    stream.until("{\"w\":2,\"new\":0}\n\n").await;
    let stopping = reader.stage.server.stop();
    let (stopped, ()) = tokio::join!(stopping, async {
        stream.until("retry: ").await;
        stream.until("event: drain\ndata: {\"retry_after\":").await;
    });
    assert!(stopped.unwrap());
}

#[tokio::test]
async fn nobody_but_the_person_on_this_very_site_may_listen() {
    let reader = Reader::new().await;
    let address = reader.stage.server.address;
    for (path, head, status) in [
        ("/feed/live?after=0", String::new(), 401),
        ("/feed/poll?after=0", String::new(), 401),
        (
            "/feed/live?after=0",
            format!("{}Sec-Fetch-Site: cross-site\r\n", reader.login()),
            403,
        ),
        (
            "/feed/live?after=0",
            format!("{}Origin: http://evil.example\r\n", reader.login()),
            403,
        ),
        ("/feed/live", reader.login(), 400),
        ("/feed/live?after=-1", reader.login(), 400),
    ] {
        let mut stream = Stream::open(address, path, &head).await;
        stream.until(&format!("HTTP/1.1 {status} ")).await;
    }
}

#[tokio::test]
async fn a_poll_answers_at_once_what_goes_beyond_what_was_seen_and_else_waits_for_it() {
    let mut reader = Reader::new().await;
    reader.publish("Rochambeau", "One").await;
    assert_eq!(
        reader.bo.get("/feed/poll?after=0").await.text(),
        "{\"w\":3,\"new\":1,\"pictures\":[]}"
    );
    let head = reader.login();
    let mut waiting = Stream::open(reader.stage.server.address, "/feed/poll?after=0&seen=3", &head).await;
    reader.publish("Orchard", "Two").await;
    waiting.until("{\"w\":4,\"new\":2,\"pictures\":[]}").await;
    let mut waiting = Stream::open(reader.stage.server.address, "/feed/poll?after=4", &head).await;
    // Until it has nothing to say for 25 seconds: the clock goes on until the poll has begun and is over.
    let over = waiting.until("{\"w\":4,\"new\":0,\"pictures\":[]}");
    reader.stage.server.clock.turning(25_000, over).await;
}

#[tokio::test]
async fn reads_per_user_answers_429_and_says_when_to_come_back() {
    let mut reader = Reader::new().await;
    for _ in 0..120 {
        assert_eq!(reader.bo.get("/feed").await.status, 200);
    }
    let refused = reader.bo.get("/feed").await;
    assert_eq!(refused.status, 429);
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    reader.stage.server.clock.advance_ms(60_000);
    assert_eq!(reader.bo.get("/feed").await.status, 200);
}
