//! Every frame fixture read and written: the same files are read by the tests of the browser client (live 15.5).

use crier_proto::frame::{
    AfterBye, Bye, ClientFrame, FRAMES_BYTES_MAX, GapReason, Hello, MessageFrame, Opening, Outcome,
    PageCursor, PageId, PollBody, PostedFrames, RefusedEvent, SERVER_FRAME_BYTES_MAX, ServerFrame, VERSION,
    batch_to_json, poll_to_json, read_frames,
};
use crier_proto::message::{EVENT_NAME_BYTES_MAX, MESSAGE_BYTES_MAX, data_of};
use serde_json::{Value, json};
use std::str::FromStr;

fn cases(file: &str) -> Vec<Value> {
    serde_json::from_str(file).expect("a fixture is a list")
}

fn texts<T: ToString>(items: &[T]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

fn hello_meaning(hello: &Hello) -> Value {
    let opening = match hello.opening {
        Opening::Ticket(_) => "ticket",
        Opening::Resume(_) => "resume",
    };
    let pages: Vec<Value> = hello
        .pages
        .iter()
        .map(|page| json!({"page": page.page, "seq": page.seq, "events": page.events, "focus": page.focus}))
        .collect();
    json!({"type": "hello", "opening": opening, "epoch": hello.epoch.map(|epoch| epoch.to_string()), "pages": pages,
        "inherit": hello.inherit, "client": hello.client})
}

fn meaning(frame: &ClientFrame) -> Value {
    match frame {
        ClientFrame::Hello(hello) => hello_meaning(hello),
        ClientFrame::Register(register) => {
            let (epoch, seq) = register
                .cursor
                .map(|(epoch, seq)| (epoch.to_string(), seq))
                .unzip();
            json!({"type": "register", "page": register.page, "events": register.events, "epoch": epoch, "seq": seq,
                "focus": register.focus})
        }
        ClientFrame::Unregister { page, events } => {
            json!({"type": "unregister", "page": page, "events": events})
        }
        ClientFrame::Focus { page, focus } => json!({"type": "focus", "page": page, "focus": focus}),
        ClientFrame::Ack { page, ids, failed } => {
            json!({"type": "ack", "page": page, "ids": texts(ids), "failed": texts(failed)})
        }
        ClientFrame::Send(send) => {
            json!({"type": "send", "ref": send.reference, "page": send.page, "recipient": send.recipient,
            "event": send.event, "message": send.message, "ttl": send.ttl, "collapse_key": send.collapse_key,
            "fanout": send.fanout})
        }
        ClientFrame::Renew { ticket } => json!({"type": "renew", "ticket": ticket}),
        ClientFrame::Pong { at } => json!({"type": "pong", "at": at}),
        ClientFrame::Leave => json!({"type": "leave"}),
        ClientFrame::Unknown => json!({"type": "unknown"}),
    }
}

#[test]
fn client_fixtures_have_their_meaning_or_their_bye() {
    for case in cases(include_str!("../../../../fixtures/frames/client.json")) {
        let read = read_frames(case["text"].as_str().unwrap());
        let expected = match case.get("bye") {
            Some(bye) => Err(bye.as_u64().unwrap()),
            None => Ok(case["frame"]
                .as_array()
                .cloned()
                .unwrap_or_else(|| vec![case["frame"].clone()])),
        };
        let found = read
            .map(|frames| frames.iter().map(meaning).collect::<Vec<_>>())
            .map_err(|bye| u64::from(bye.number()));
        assert_eq!(found, expected, "{}", case["name"]);
    }
}

/// A field of a fixture's meaning, as the type it has in a frame.
struct Fields(Value);

impl Fields {
    fn text(&self, name: &str) -> String {
        self.0[name]
            .as_str()
            .unwrap_or_else(|| panic!("{name} in {}", self.0))
            .to_owned()
    }

    fn parsed<T: FromStr>(&self, name: &str) -> T {
        self.text(name)
            .parse()
            .unwrap_or_else(|_| panic!("{name} in {}", self.0))
    }

    fn parsed_if_any<T: FromStr>(&self, name: &str) -> Option<T> {
        self.0.get(name).map(|_| self.parsed(name))
    }

    fn whole(&self, name: &str) -> u64 {
        self.0[name]
            .as_u64()
            .unwrap_or_else(|| panic!("{name} in {}", self.0))
    }

    fn millis(&self, name: &str) -> i64 {
        i64::try_from(self.whole(name)).unwrap()
    }

    fn small(&self, name: &str) -> u32 {
        u32::try_from(self.whole(name)).unwrap()
    }

    fn list<T>(&self, name: &str, read: impl FnMut(Fields) -> T) -> Vec<T> {
        let items = self
            .0
            .get(name)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        items.into_iter().map(Fields).map(read).collect()
    }

    fn parsed_list<T: FromStr>(&self, name: &str) -> Vec<T> {
        self.list(name, |item| {
            item.0.as_str().and_then(|text| text.parse().ok()).expect("an id")
        })
    }

    fn is(&self, name: &str) -> bool {
        self.0.get(name) == Some(&Value::Bool(true))
    }

    fn message(&self) -> String {
        let (event, raw) = (self.text("event"), self.text("raw"));
        let data = data_of(&raw);
        let frame = MessageFrame {
            id: self.parsed("id"),
            seq: self.whole("seq"),
            event: &event,
            from: self.parsed("from"),
            via: if self.text("via") == "app" { "app" } else { "user" },
            app: self.parsed("app"),
            sent_at: self.millis("sent_at"),
            raw: &raw,
            data: data.as_deref(),
        };
        let pages: Vec<PageId> = self.parsed_list("pages");
        frame
            .share()
            .for_connection(&pages, self.is("once"), self.is("redelivered"))
    }

    fn outcome(&self) -> Outcome {
        assert_eq!(self.text("state"), "queued");
        Outcome {
            id: self.parsed("id"),
            seq: self.whole("seq"),
            epoch: self.parsed("epoch"),
            state: "queued",
            pages: self.small("pages"),
            handlers: self.small("handlers"),
            written: self.small("written"),
            acked: self.small("acked"),
            expires_at: self.millis("expires_at"),
        }
    }

    fn opening_frame(&self) -> Option<ServerFrame> {
        Some(match self.text("type").as_str() {
            "welcome" => ServerFrame::Welcome {
                v: VERSION,
                connection: self.text("connection"),
                resume: self.text("resume"),
                until: self.millis("until"),
                app: self.parsed("app"),
                user: self.parsed("user"),
                epoch: self.parsed("epoch"),
                pages: self.list("pages", |page| PageCursor {
                    page: page.parsed("page"),
                    seq: page.whole("seq"),
                }),
                ping_secs: self.whole("ping_secs"),
                now: self.millis("now"),
            },
            "registered" => ServerFrame::Registered {
                page: self.parsed("page"),
                epoch: self.parsed("epoch"),
                seq: self.whole("seq"),
                refused: self.list("refused", |refused| RefusedEvent {
                    event: refused.text("event"),
                    code: u16::try_from(refused.whole("code")).unwrap(),
                }),
            },
            _ => return None,
        })
    }

    fn frame(&self) -> ServerFrame {
        self.opening_frame()
            .unwrap_or_else(|| match self.text("type").as_str() {
                "sent" => ServerFrame::Sent {
                    reference: self.parsed("ref"),
                    outcome: self.outcome(),
                },
                "error" => ServerFrame::Error {
                    code: u16::try_from(self.whole("code")).unwrap(),
                    text: self.text("text"),
                    reference: self.parsed_if_any("ref"),
                    page: self.parsed_if_any("page"),
                },
                "gap" => ServerFrame::Gap {
                    from: self.whole("from"),
                    to: self.0["to"].as_u64(),
                    reason: if self.text("reason") == "epoch" {
                        GapReason::Epoch
                    } else {
                        GapReason::Overflow
                    },
                    epoch: self.parsed("epoch"),
                    pages: self.parsed_list("pages"),
                },
                "cancel" => ServerFrame::Cancel {
                    ids: self.parsed_list("ids"),
                },
                "ping" => ServerFrame::Ping {
                    at: self.millis("at"),
                    seq: self.whole("seq"),
                },
                "renewed" => ServerFrame::Renewed {
                    resume: self.text("resume"),
                    until: self.millis("until"),
                },
                "drain" => ServerFrame::Drain {
                    retry_after: self.whole("retry_after"),
                },
                other => panic!("no such frame: {other}"),
            })
    }
}

#[test]
fn server_fixtures_are_written_byte_for_byte() {
    for case in cases(include_str!("../../../../fixtures/frames/server.json")) {
        let fields = Fields(case["frame"].clone());
        let kind = fields.text("type");
        let written = if kind == "message" {
            fields.message()
        } else {
            fields.frame().to_json()
        };
        assert_eq!(written, case["text"].as_str().unwrap(), "{}", case["name"]);
        if kind != "message" {
            assert_eq!(fields.frame().kind(), kind);
        }
    }
}

#[test]
fn bye_fixtures_are_the_whole_table() {
    let cases = cases(include_str!("../../../../fixtures/frames/bye.json"));
    for case in &cases {
        let number = case["bye"].as_u64();
        let bye = Bye::ALL
            .into_iter()
            .find(|bye| Some(u64::from(bye.number())) == number)
            .expect("a row");
        let written = ServerFrame::bye(bye, case.get("retry_after").and_then(Value::as_u64)).to_json();
        assert_eq!(written, case["text"].as_str().unwrap(), "{}", case["name"]);
        let then = match bye.after() {
            AfterBye::Resume => "resume",
            AfterBye::BackOff => "back_off",
            AfterBye::NewTicket => "new_ticket",
            AfterBye::Stop => "stop",
        };
        assert_eq!(
            (case["then"].as_str(), case["status"].as_u64()),
            (Some(then), Some(u64::from(bye.http_status())))
        );
    }
    let numbers: std::collections::BTreeSet<_> =
        cases.iter().filter_map(|case| case["bye"].as_u64()).collect();
    assert_eq!(numbers.len(), Bye::ALL.len());
}

#[test]
fn gap_reasons_have_the_words_of_live_4_5() {
    for reason in [
        GapReason::Overflow,
        GapReason::Expired,
        GapReason::Epoch,
        GapReason::Damaged,
    ] {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.word());
    }
}

#[test]
fn a_message_of_exactly_65_536_bytes_is_read_and_one_byte_more_is_not() {
    let of = |bytes: usize| {
        let frame = r#"{"type":"leave","x":""}"#;
        frame.replace(r#":"""#, &format!(r#":"{}""#, "x".repeat(bytes - frame.len())))
    };
    assert_eq!(read_frames(&of(FRAMES_BYTES_MAX)), Ok(vec![ClientFrame::Leave]));
    assert_eq!(read_frames(&of(FRAMES_BYTES_MAX + 1)), Err(Bye::FrameTooLarge));
}

#[test]
fn the_largest_message_frame_is_within_its_bound() {
    // Control characters take six bytes each in JSON, in the text and again in the value.
    let (event, raw) = (
        "\u{1}".repeat(EVENT_NAME_BYTES_MAX),
        format!("'{}'", "\u{1}".repeat(MESSAGE_BYTES_MAX - 2)),
    );
    let pages: Vec<PageId> = (0..32)
        .map(|page| format!("{page:032}").parse().unwrap())
        .collect();
    let data = data_of(&raw);
    assert!(data.is_some());
    let frame = MessageFrame {
        id: "f".repeat(32).parse().unwrap(),
        seq: crier_proto::frame::SEQ_MAX,
        event: &event,
        from: i64::MAX.try_into().unwrap(),
        via: "user",
        app: i64::MAX.try_into().unwrap(),
        sent_at: i64::MAX,
        raw: &raw,
        data: data.as_deref(),
    };
    let written = frame.share().for_connection(&pages, true, true);
    assert!(written.len() <= SERVER_FRAME_BYTES_MAX, "{}", written.len());
}

#[test]
fn a_poll_opens_with_hello_or_goes_on_with_what_it_got() {
    let page = "page-0123456789ab";
    let open = format!(r#"{{"hello":{{"v":1,"ticket":"T","pages":[{{"page":"{page}","events":[]}}]}}}}"#);
    assert!(matches!(PollBody::read(&open), Ok(PollBody::Open(hello)) if hello.pages.len() == 1));
    let next = |frames: Vec<ClientFrame>| {
        Ok(PollBody::Next {
            connection: "C".to_owned(),
            got: 3,
            frames,
        })
    };
    assert_eq!(PollBody::read(r#"{"connection":"C","got":3}"#), next(vec![]));
    assert_eq!(
        PollBody::read(r#"{"connection":"C","got":3,"frames":[]}"#),
        next(vec![])
    );
    let leave = r#"{"connection":"C","got":3,"frames":[{"type":"leave"}]}"#;
    assert_eq!(PollBody::read(leave), next(vec![ClientFrame::Leave]));
    for bad in [
        "",
        "[]",
        "{}",
        r#"{"connection":"C"}"#,
        r#"{"got":0}"#,
        r#"{"connection":1,"got":0}"#,
        r#"{"hello":[]}"#,
    ] {
        assert_eq!(PollBody::read(bad), Err(Bye::BadFrame), "{bad}");
    }
    assert_eq!(PollBody::read(r#"{"hello":{"v":2}}"#), Err(Bye::VersionNotSpoken));
}

#[test]
fn posted_frames_are_one_or_an_array_of_1_to_64() {
    let posted = |frames: &str| PostedFrames::read(&format!(r#"{{"connection":"C","frames":{frames}}}"#));
    let one = Ok(PostedFrames {
        connection: "C".to_owned(),
        frames: vec![ClientFrame::Leave],
    });
    assert_eq!(posted(r#"{"type":"leave"}"#), one);
    assert_eq!(posted(r#"[{"type":"leave"}]"#), one);
    assert_eq!(posted("[]"), Err(Bye::BadFrame));
    assert_eq!(PostedFrames::read(r#"{"connection":"C"}"#), Err(Bye::BadFrame));
    assert_eq!(
        PostedFrames::read(&" ".repeat(FRAMES_BYTES_MAX + 1)),
        Err(Bye::FrameTooLarge)
    );
}

#[test]
fn frames_are_gathered_into_arrays_and_poll_bodies() {
    assert_eq!(batch_to_json(&["{1}"]), "{1}");
    assert_eq!(batch_to_json(&["{1}", "{2}"]), "[{1},{2}]");
    assert_eq!(poll_to_json::<&str>(4, &[]), r#"{"n":4,"frames":[]}"#);
    assert_eq!(poll_to_json(5, &["{1}", "{2}"]), r#"{"n":5,"frames":[{1},{2}]}"#);
}

#[test]
fn secrets_of_frames_are_not_shown() {
    let page = "page-0123456789ab";
    let hello =
        format!(r#"{{"type":"hello","v":1,"ticket":"S3CRET","pages":[{{"page":"{page}","events":[]}}]}}"#);
    let renewed = ServerFrame::Renewed {
        resume: "S3CRET".to_owned(),
        until: 0,
    };
    let polled =
        PollBody::read(r#"{"connection":"S3CRET","got":0,"frames":[{"type":"renew","ticket":"S3CRET"}]}"#);
    let posted =
        PostedFrames::read(r#"{"connection":"S3CRET","frames":[{"type":"renew","ticket":"S3CRET"}]}"#);
    let ClientFrame::Hello(inner) = &read_frames(&hello).unwrap()[0] else {
        panic!("a hello is a hello")
    };
    let shown = format!(
        "{inner:?}{:?}{polled:?}{posted:?}{renewed:?}",
        read_frames(&hello)
    );
    assert!(!shown.contains("S3CRET"), "{shown}");
    assert!(shown.contains("renew"), "{shown}");
}
