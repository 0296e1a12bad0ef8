//! The pages of administration with samples.

use super::{HOSTILE, TOKEN, chrome, moment, sign};
use crate::site::administration::{
    ActRow, AdminHead, ApplicationPage, ApplicationsPage, AuditPage, FoundPicture, FoundStory, LinkPage,
    ListedApp, PeoplePage, PersonPage, PersonRow, QuotaRow, TakedownsPage, Verified,
};
use askama::Template;

fn head() -> AdminHead {
    AdminHead {
        here: "People",
        notice: "Done.",
    }
}

fn acts() -> Vec<ActRow> {
    vec![ActRow {
        number: "12".to_owned(),
        at: moment(),
        act: "app.set".to_owned(),
        actor: "person:7".to_owned(),
        actor_name: HOSTILE.to_owned(),
        subject: "app:8".to_owned(),
        subject_name: HOSTILE.to_owned(),
        details: "calls_per_minute 6000 → 60".to_owned(),
    }]
}

fn quotas() -> Vec<QuotaRow> {
    let row = |limit: &str| QuotaRow {
        words: "Calls in this minute",
        used: "6,000".to_owned(),
        limit: limit.to_owned(),
        full: !limit.is_empty(),
    };
    vec![row("6,000"), row("")]
}

fn people(people: Vec<PersonRow>) -> String {
    let page = PeoplePage {
        chrome: chrome(Some(HOSTILE)),
        head: head(),
        search: HOSTILE,
        people,
        more: "q=%22&after=%22".to_owned(),
    };
    page.render().unwrap()
}

fn person(erasing: bool, own: bool, owned: &[(&str, &str)]) -> String {
    let page = PersonPage {
        chrome: chrome(Some(HOSTILE)),
        head: head(),
        form_token: TOKEN,
        uid: "7".to_owned(),
        name: HOSTILE,
        joined: moment(),
        admin: true,
        enabled: own,
        has_password: false,
        own,
        owned: owned
            .iter()
            .map(|(id, name)| ((*id).to_owned(), (*name).to_owned()))
            .collect(),
        logins: 1,
        sessions: 2,
        accepted: 3,
        quotas: quotas(),
        acts: acts(),
        erasing,
    };
    page.render().unwrap()
}

fn application(enabled: bool, erasing: bool) -> String {
    let page = ApplicationPage {
        chrome: chrome(Some(HOSTILE)),
        head: head(),
        form_token: TOKEN,
        id: "8".to_owned(),
        name: HOSTILE,
        api_key: "0123456789abcdef0123456789abcdef",
        made: moment(),
        enabled,
        owner: ("7".to_owned(), HOSTILE.to_owned()),
        callback: HOSTILE,
        calls_per_minute: 6000,
        quotas: quotas(),
        acts: acts(),
        erasing,
    };
    page.render().unwrap()
}

fn audit(acts: Vec<ActRow>, whole: bool) -> String {
    let page = AuditPage {
        chrome: chrome(Some(HOSTILE)),
        head: head(),
        actor: HOSTILE,
        subject: HOSTILE,
        acts,
        more: "before=12".to_owned(),
        verified: Some(Verified {
            whole,
            says: "What was found.".to_owned(),
            head: "12:00".to_owned(),
        }),
    };
    page.render().unwrap()
}

fn story(title: &str) -> FoundStory {
    FoundStory {
        id: "4711".to_owned(),
        title: title.to_owned(),
        body: HOSTILE.to_owned(),
        app: ("8".to_owned(), HOSTILE.to_owned()),
        user: ("7".to_owned(), HOSTILE.to_owned()),
        published: moment(),
        report: Some(("spam", moment())),
    }
}

fn takedowns(picture: Option<FoundPicture>) -> String {
    let page = TakedownsPage {
        chrome: chrome(Some(HOSTILE)),
        head: head(),
        form_token: TOKEN,
        story: picture.is_some().then(|| story(HOSTILE)),
        unknown_story: picture.is_none(),
        reported: vec![story(HOSTILE), story("")],
        unknown_picture: picture.is_none(),
        picture,
    };
    page.render().unwrap()
}

/// Every page of administration.
pub(super) fn pages() -> Vec<String> {
    let row = |enabled: bool| PersonRow {
        uid: "7".to_owned(),
        name: HOSTILE.to_owned(),
        joined: moment(),
        admin: enabled,
        enabled,
    };
    let app = ListedApp {
        id: "8".to_owned(),
        name: HOSTILE.to_owned(),
        sign: sign(3, true),
        made: moment(),
        enabled: false,
        calls: "12 of 6,000".to_owned(),
    };
    let applications = |apps: Vec<ListedApp>| {
        let page = ApplicationsPage {
            chrome: chrome(Some(HOSTILE)),
            head: head(),
            search: HOSTILE,
            apps,
            more: String::new(),
        };
        page.render().unwrap()
    };
    let link = LinkPage {
        chrome: chrome(Some(HOSTILE)),
        head: head(),
        uid: "7".to_owned(),
        name: HOSTILE,
        address: "http://a.example/login/once?token=0".to_owned(),
    };
    let picture = FoundPicture {
        hash: "0a".repeat(32),
        src: format!("/crier/p/{}.png", "0a".repeat(32)),
    };
    vec![
        people(Vec::new()),
        people(vec![row(true), row(false)]),
        person(false, false, &[("8", HOSTILE)]),
        person(false, true, &[]),
        person(true, false, &[]),
        person(true, false, &[("8", HOSTILE)]),
        person(true, true, &[]),
        link.render().unwrap(),
        applications(Vec::new()),
        applications(vec![app]),
        application(true, false),
        application(false, false),
        application(true, true),
        audit(Vec::new(), false),
        audit(acts(), true),
        takedowns(None),
        takedowns(Some(picture)),
    ]
}
