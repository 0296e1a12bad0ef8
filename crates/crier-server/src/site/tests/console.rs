//! The pages of the console with samples.

use super::{HOSTILE, TOKEN, chrome, moment, sign};
use crate::site::console::{
    AppHead, AppRow, ApplicationsPage, Asked, AskedPart, BenchApp, BenchPerson, Done, KeyedPerson, MadePage,
    NewPage, OverviewPage, PeoplePage, PersonRow, ProfileSays, SecretPage, SecretsPage, SessionRow,
    SettingsPage, TestKeysPage, TestLinkPage, TestModePage, Word,
};
use askama::Template;

pub(super) fn head(enabled: bool) -> AppHead {
    AppHead {
        title: HOSTILE.to_owned(),
        id: "7".to_owned(),
        name: HOSTILE.to_owned(),
        sign: sign(3, enabled),
        enabled,
        test: !enabled,
        here: "Overview",
    }
}

fn applications(apps: Vec<AppRow>, may_make: bool) -> String {
    let page = ApplicationsPage {
        chrome: chrome(Some(HOSTILE)),
        apps,
        may_make,
        form_token: TOKEN,
        testing: !may_make,
    };
    page.render().unwrap()
}

fn asked(key: &'static str, words: Vec<Word>, wrong: bool) -> Asked {
    Asked {
        key,
        label: "Name",
        meaning: "What it is called.",
        value: HOSTILE.to_owned(),
        words,
        profile: wrong.then(|| ProfileSays {
            value: "unique".to_owned(),
            differs: true,
        }),
        wrong: wrong.then(|| HOSTILE.to_owned()),
    }
}

/// Fields to write into and to choose from, right and wrong.
fn fields() -> Vec<Asked> {
    let word = |chosen: bool| Word {
        word: "unique",
        meaning: "each once",
        chosen,
    };
    vec![
        asked("name", Vec::new(), false),
        asked("callback", Vec::new(), true),
        asked("call_id", vec![word(true), word(false)], true),
    ]
}

fn settings(wrong: usize) -> String {
    let page = SettingsPage {
        chrome: chrome(Some(HOSTILE)),
        head: &head(true),
        form_token: TOKEN,
        profiles: vec![("period", "as it was", true), ("modern", "as it is", false)],
        parts: vec![AskedPart {
            name: "hooks",
            heading: "Hooks",
            lead: "Lead.",
            fields: fields(),
        }],
        quota: "6000".to_owned(),
        ended: Some((HOSTILE.to_owned(), moment())),
        saved: if wrong == 0 { "hooks" } else { "" },
        wrong,
    };
    page.render().unwrap()
}

fn secrets(until: bool) -> String {
    let page = SecretsPage {
        chrome: chrome(Some(HOSTILE)),
        head: &head(true),
        form_token: TOKEN,
        calls_until: until.then(moment),
        receipts: until,
        receipts_until: until.then(moment),
        ended: until,
    };
    page.render().unwrap()
}

/// Pages that are shown once.
fn shown_once() -> Vec<String> {
    let made = MadePage {
        chrome: chrome(Some(HOSTILE)),
        id: "7".to_owned(),
        name: HOSTILE,
        api_key: TOKEN,
        secret: TOKEN,
    };
    let secret = SecretPage {
        chrome: chrome(Some(HOSTILE)),
        head: &head(true),
        heading: "The new secret",
        secret: TOKEN,
        until: Some(moment()),
    };
    vec![made.render().unwrap(), secret.render().unwrap()]
}

fn people(some: bool) -> String {
    let person = |uid: &str, named: bool| PersonRow {
        uid: uid.to_owned(),
        name: named.then(|| HOSTILE.to_owned()),
        since: moment(),
        added: named,
        stories: named,
        offline: named,
    };
    let session = |id: &str, ends: bool| SessionRow {
        id: id.to_owned(),
        name: HOSTILE.to_owned(),
        key: "0a1b2c".to_owned(),
        made: moment(),
        ends: ends.then(moment),
    };
    let page = PeoplePage {
        chrome: chrome(Some(HOSTILE)),
        head: &head(true),
        form_token: TOKEN,
        accept: "http://127.0.0.1/authorize.php?api_key=0&v=1.0".to_owned(),
        people: if some {
            vec![person("1", true), person("2", false)]
        } else {
            Vec::new()
        },
        later: some,
        next: some.then(|| "1.2".to_owned()),
        sessions: if some {
            vec![session("1", true), session("2", false)]
        } else {
            Vec::new()
        },
        ordered: some,
        done: if some { Done::Reset } else { Done::NoSession },
    };
    page.render().unwrap()
}

/// Test mode before it has begun, with room, and full; its keys; a link.
fn testing() -> Vec<String> {
    let bench = |most: usize, begun: bool| {
        let person = BenchPerson {
            uid: "7".to_owned(),
            name: HOSTILE.to_owned(),
        };
        let page = TestModePage {
            chrome: chrome(Some(HOSTILE)),
            form_token: TOKEN,
            app: begun.then(|| BenchApp {
                id: "8".to_owned(),
                name: HOSTILE.to_owned(),
            }),
            people: if begun { vec![person] } else { Vec::new() },
            most,
            ended: !begun,
        };
        page.render().unwrap()
    };
    let keys = TestKeysPage {
        chrome: chrome(Some(HOSTILE)),
        api_key: TOKEN,
        secret: TOKEN,
        commands: vec![(HOSTILE.to_owned(), "crier listen hello".to_owned())],
        people: vec![KeyedPerson {
            uid: "7".to_owned(),
            name: HOSTILE.to_owned(),
            session_key: TOKEN.to_owned(),
            session_secret: TOKEN.to_owned(),
            link: "http://127.0.0.1/login/once?token=0".to_owned(),
        }],
    };
    let link = TestLinkPage {
        chrome: chrome(Some(HOSTILE)),
        name: HOSTILE,
        link: "http://127.0.0.1/login/once?token=0".to_owned(),
    };
    vec![
        bench(2, true),
        bench(1, true),
        bench(2, false),
        keys.render().unwrap(),
        link.render().unwrap(),
    ]
}

/// Every page of the console.
pub(super) fn pages() -> Vec<String> {
    let row = |enabled: bool| AppRow {
        id: if enabled { "7" } else { "8" }.to_owned(),
        name: HOSTILE.to_owned(),
        sign: sign(3, enabled),
        made: moment(),
        enabled,
        test: !enabled,
    };
    let overview = OverviewPage {
        chrome: chrome(Some(HOSTILE)),
        head: &head(false),
        api_key: "0".repeat(32),
        profile: "modern".to_owned(),
        differing: vec![("call_id", "ignored".to_owned()), ("jsonp", "off".to_owned())],
        kind: "web".to_owned(),
        callback: HOSTILE,
        canvas: String::new(),
        origins: &[HOSTILE.to_owned()],
        allow_ip: vec!["10.1.2.*", "::1"],
        calls_per_minute: 6000,
        calls: 12,
        made: moment(),
        door: "http://127.0.0.1/restserver.php".to_owned(),
    };
    let new = NewPage {
        chrome: chrome(Some(HOSTILE)),
        form_token: TOKEN,
        fields: fields(),
        wrong: 2,
    };
    let mut pages = vec![
        applications(Vec::new(), true),
        applications(Vec::new(), false),
        applications(vec![row(true), row(false)], true),
        overview.render().unwrap(),
        new.render().unwrap(),
        settings(0),
        settings(1),
        secrets(true),
        secrets(false),
    ];
    pages.extend(shown_once());
    pages.extend(testing());
    pages.extend([people(true), people(false)]);
    pages
}
