//! The pages of calls, messages and trials with samples.

use super::console::head;
use super::{HOSTILE, TOKEN, chrome, moment, run, sign};
use crate::site::console::{
    CallPage, CallRow, CallsPage, CheckPage, Checked, Compared, Count, Input, Looks, Made, MarkedText,
    MessagePage, MessageRow, MessageShown, MessagesPage, ObjectionRow, Parted, Parting, PictureLooks,
    RequestShown, Step, TriedShown, TryPage, Why,
};
use crate::site::story::{Link, Piece};
use askama::Template;

fn text() -> MarkedText {
    MarkedText {
        before: HOSTILE.to_owned(),
        mark: "<".to_owned(),
        after: HOSTILE.to_owned(),
    }
}

fn parting() -> Parting {
    Parting {
        at: 7,
        part: "title".to_owned(),
        ours: "<".to_owned(),
        theirs: ">".to_owned(),
    }
}

fn made() -> Made {
    Made {
        what: "message",
        id: "0".repeat(32),
    }
}

fn row(refused: bool) -> CallRow {
    CallRow {
        number: 7,
        method: "liveMessage.send".to_owned(),
        time: "12:00:00.007".to_owned(),
        moment: moment(),
        answer: if refused { "104" } else { "ok" }.to_owned(),
        refused,
        cause: if refused {
            HOSTILE.to_owned()
        } else {
            String::new()
        },
        took_ms: 3,
        user: "1240077".to_owned(),
        call_id: HOSTILE.to_owned(),
        made: (!refused).then(made),
        tried: refused,
        items: 2,
    }
}

fn calls(calls: Vec<CallRow>, only_refused: bool) -> String {
    let page = CallsPage {
        chrome: chrome(Some(HOSTILE)),
        head: &head(true),
        older: (!calls.is_empty()).then_some(7),
        calls,
        only_refused,
        live: "/crier/developers/7/live?of=calls&seen=0".to_owned(),
        unread: vec![("foo".into(), 2), ("bar".into(), 1)],
        kept_max: 200,
        watched_minutes: 10,
    };
    page.render().unwrap()
}

fn call(why: Option<Why>, compared: Option<Compared>) -> String {
    let request = why.map(|why| RequestShown {
        verb: "POST",
        path: "/crier/restserver.php".to_owned(),
        version: "1 (MD5)",
        pairs: vec![
            ("title".to_owned(), HOSTILE.to_owned(), None),
            ("message".to_owned(), String::new(), Some(9)),
            ("image_2".to_owned(), String::new(), None),
        ],
        sig_digits: Some(32),
        file_bytes: Some(7),
        text: Some(text()),
        why,
    });
    let page = CallPage {
        chrome: chrome(Some(HOSTILE)),
        head: &head(true),
        form_token: TOKEN,
        call: row(request.is_some()),
        items: vec![("no known method".to_owned(), "ok".to_owned(), Some(made()))],
        request,
        compared,
    };
    page.render().unwrap()
}

fn message_row() -> MessageRow {
    MessageRow {
        id: "0".repeat(32),
        event: HOSTILE.to_owned(),
        sender: "1".to_owned(),
        recipient: "2".to_owned(),
        state: "acked",
        time: "12:00:00.007".to_owned(),
        moment: moment(),
        pages: 1,
        handlers: 1,
        written: 1,
        acked: 1,
    }
}

fn messages() -> Vec<String> {
    let list = |messages| {
        let page = MessagesPage {
            chrome: chrome(Some(HOSTILE)),
            head: &head(true),
            messages,
            live: "/crier/developers/7/live?of=messages&seen=0".to_owned(),
        };
        page.render().unwrap()
    };
    let one = |message| {
        let page = MessagePage {
            chrome: chrome(Some(HOSTILE)),
            head: &head(true),
            id: HOSTILE.to_owned(),
            message,
        };
        page.render().unwrap()
    };
    let shown = MessageShown {
        row: message_row(),
        failed: 1,
        lagging: 1,
        expires: moment(),
        steps: vec![Step {
            after_ms: 0,
            time: "12:00:00.007".to_owned(),
            word: "acked",
            words: "the page's handler has returned",
            page: HOSTILE.to_owned(),
        }],
        live: "/crier/developers/7/live?of=0&seen=0".to_owned(),
    };
    vec![
        list(Vec::new()),
        list(vec![message_row()]),
        one(None),
        one(Some(shown)),
    ]
}

fn input(choices: Vec<(&'static str, bool)>, long: bool) -> Input {
    Input {
        field: format!("p_{}{long}", choices.len()),
        name: "message",
        required: long,
        meaning: "Passed on byte for byte.",
        value: HOSTILE.to_owned(),
        choices,
        long,
    }
}

fn trial(tried: Option<TriedShown>) -> String {
    let page = TryPage {
        chrome: chrome(Some(HOSTILE)),
        head: &head(true),
        form_token: TOKEN,
        methods: vec![("liveMessage.send", true), ("photos.upload", false)],
        method: "liveMessage.send",
        takes_file: true,
        own: vec![input(Vec::new(), true), input(Vec::new(), false)],
        common: vec![input(vec![("xml", true), ("json", false)], false)],
        further: HOSTILE.to_owned(),
        who: "own".to_owned(),
        whos: vec![
            ("own".to_owned(), HOSTILE.to_owned(), true),
            ("test-7".to_owned(), HOSTILE.to_owned(), false),
            ("nobody".to_owned(), "nobody".to_owned(), false),
        ],
        version_2: tried.is_some(),
        get: false,
        ss: false,
        file: "picture".to_owned(),
        tried,
    };
    page.render().unwrap()
}

fn tried(version_2: bool) -> TriedShown {
    let pair = || ("title".to_owned(), HOSTILE.to_owned());
    TriedShown {
        version_2,
        sent: vec![pair()],
        sorted: vec![pair()],
        text: HOSTILE.to_owned(),
        text_bytes: 7,
        secret: "the application secret",
        sig: "0".repeat(32),
        request: HOSTILE.to_owned(),
        curl: HOSTILE.to_owned(),
        answer: "104 Incorrect signature".to_owned(),
        refused: version_2,
        took_ms: 1,
        number: Some(7),
        answers: vec![("XML", "text/xml; charset=utf-8", HOSTILE.to_owned())],
    }
}

fn check(checked: Option<Checked>) -> String {
    let page = CheckPage {
        chrome: chrome(Some(HOSTILE)),
        head: &head(true),
        form_token: TOKEN,
        user: HOSTILE.to_owned(),
        inputs: vec![
            ("title", "Markup.", HOSTILE.to_owned(), true),
            ("priority", "A weight.", HOSTILE.to_owned(), false),
        ],
        checked,
    };
    page.render().unwrap()
}

fn checked() -> Checked {
    let link = Link {
        key: "t".to_owned(),
        host: HOSTILE.to_owned(),
    };
    let piece = |link| Piece {
        link,
        runs: vec![run(HOSTILE, None)],
    };
    Checked {
        verdict: "A call would be refused for the first of these.".to_owned(),
        good: false,
        counts: vec![(
            "title",
            vec![
                Count {
                    what: "displayed characters",
                    found: 61,
                    limit: Some(60),
                },
                Count {
                    what: "links",
                    found: 0,
                    limit: None,
                },
            ],
        )],
        objections: vec![ObjectionRow {
            documented: "100 Invalid parameter".to_owned(),
            detailed: "343 Feed story title is too long".to_owned(),
        }],
        next: Some((moment(), 1)),
        looks: Some(Looks {
            title: vec![piece(Some(link)), piece(None)],
            body: vec![piece(None)],
            pictures: vec![
                PictureLooks {
                    number: 1,
                    shown: None,
                },
                PictureLooks {
                    number: 2,
                    shown: Some(format!("/crier/p/{}.jpg", "0a".repeat(32))),
                },
            ],
            app: HOSTILE.to_owned(),
            sign: sign(3, true),
        }),
    }
}

/// Every page of calls, messages and trials.
pub(super) fn pages() -> Vec<String> {
    let mistake = Why::Mistake {
        words: "title is sent and not signed".to_owned(),
        right: false,
        theirs: Some(text()),
        parting: Some(parting()),
    };
    let differs = Compared::Differs(Box::new(Parted {
        ours: text(),
        theirs: text(),
        parting: parting(),
    }));
    let mut pages = vec![
        calls(Vec::new(), true),
        calls(vec![row(true), row(false)], false),
        call(None, None),
        call(Some(mistake), Some(differs)),
        call(Some(Why::Unusual), Some(Compared::Equal)),
        call(Some(Why::NotTried), None),
        call(Some(Why::Nothing), None),
        trial(None),
        trial(Some(tried(false))),
        trial(Some(tried(true))),
        check(None),
        check(Some(checked())),
    ];
    pages.extend(messages());
    pages
}
