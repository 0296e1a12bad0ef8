//! Every template with a sample, read strictly: whatever a page shows, its frame, its forms and its addresses keep the rules.

mod administration;
mod calls;
mod console;
mod insights;

use super::app_login::DonePage;
use super::app_sign::AppSign;
use super::canvas::CanvasPage;
use super::code_gen::CodePage;
use super::error::ErrorPage;
use super::feed::{Cause, Empty, FeedPage, Notice, OfferedApp};
use super::front::FrontPage;
use super::layout::Chrome;
use super::login::LoginPage;
use super::logout::LogoutPage;
use super::moment::{Moment, zone};
use super::once::OncePage;
use super::photos::{DeletePhotoPage, PhotoRow, PhotosPage};
use super::settings::{AcceptedRow, SettingsPage};
use super::story::{Card, CardState, Link, Picture, PictureBox, Piece};
use super::terms::{TermsPage, Wish};
use super::withdraw::WithdrawPage;
use askama::Template;
use crier_platform::model::time::WallMs;
use crier_proto::markup::Run;

/// What a stranger would like to see come out as he wrote it.
const HOSTILE: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>&lt;\u{202e}";
const TOKEN: &str = "0123456789abcdef";

fn chrome(user: Option<&str>) -> Chrome<'_> {
    Chrome {
        base: "/crier",
        title: HOSTILE,
        user,
        admin: true,
        here: "feed",
        popup: true,
    }
}

fn moment() -> Moment {
    Moment::new(WallMs(1_795_300_200_000), WallMs(1_795_300_200_000), &zone("UTC"))
}

/// A sign, drawn or with an icon.
fn sign(tone: i64, has_icon: bool) -> AppSign {
    AppSign {
        icon: has_icon.then(|| format!("/crier/p/{}.png", "0b".repeat(32))),
        letter: "<".to_owned(),
        tone,
    }
}

fn run(text: &str, link: Option<usize>) -> Run {
    Run {
        text: text.to_owned(),
        link,
        bold: true,
        italic: true,
    }
}

fn card(id: &str, state: CardState) -> Card {
    let link = |key: &str| Link {
        key: key.to_owned(),
        host: "e.example".to_owned(),
    };
    let piece = |key: &str| Piece {
        link: Some(link(key)),
        runs: vec![run(HOSTILE, Some(0)), run("and more", Some(0))],
    };
    let boxes = (1..=4).map(|place| PictureBox {
        link: link(&format!("p{place}")),
        place,
        count: 4,
        shown: (place > 1).then(|| Picture {
            src: format!("/crier/p/{}.jpg", "0a".repeat(32)),
            width: 75,
            height: 56,
        }),
    });
    Card {
        id: id.to_owned(),
        title: vec![piece("t")],
        plain: HOSTILE.to_owned(),
        body: vec![
            piece("b0"),
            Piece {
                link: None,
                runs: vec![run("plain", None)],
            },
            piece("b1"),
        ],
        pictures: boxes.collect(),
        app: HOSTILE.to_owned(),
        sign: sign(3, false),
        published: moment(),
        own: true,
        new: true,
        thumbed: true,
        place: Some(1),
        state,
    }
}

fn feed(stories: Vec<Card>, empty: Option<Empty>) -> String {
    FeedPage {
        chrome: chrome(Some(HOSTILE)),
        form_token: TOKEN,
        v: "7.0123456789abcdef".to_owned(),
        w: 99,
        here: "b64-url_".to_owned(),
        notice: Notice::SwitchedOff(HOSTILE.to_owned()),
        exempt: vec![card("1", CardState::Shown)],
        exempt_more: 3,
        stories,
        later: true,
        more: Some("b64-url_".to_owned()),
        missed: true,
        keys: true,
        empty,
    }
    .render()
    .unwrap()
}

fn login(app: Option<&str>) -> String {
    LoginPage {
        chrome: chrome(None),
        form_token: TOKEN,
        action: "/crier/login?next=%22",
        then: "/feed",
        name: HOSTILE,
        wrong: true,
        app,
        lasting: true,
    }
    .render()
    .unwrap()
}

fn terms(wish: Wish, accepted: bool) -> String {
    TermsPage {
        chrome: chrome(Some(HOSTILE)),
        form_token: TOKEN,
        action: "/crier/login.php",
        app: HOSTILE,
        sign: sign(0, false),
        cancel: "http://a.example/?x=\"",
        wish,
        accepted,
        offline: true,
        lasting: true,
    }
    .render()
    .unwrap()
}

fn canvas(way_in: Option<(&str, &str)>) -> String {
    let page = CanvasPage {
        chrome: chrome(Some(HOSTILE)),
        app: HOSTILE,
        origin: "http://a.example",
        address: "http://a.example/?x=\"'><script>&y",
        sandbox: "allow-scripts",
        way_in,
    };
    page.render().unwrap()
}

fn code() -> String {
    let page = CodePage {
        chrome: chrome(Some(HOSTILE)),
        app: HOSTILE,
        code: "0A9ZZ",
    };
    page.render().unwrap()
}

fn settings(apps: usize) -> String {
    let row = |id: usize| AcceptedRow {
        id: id.to_string(),
        name: HOSTILE.to_owned(),
        sign: sign(1, false),
        since: moment(),
        stories: id == 1,
        enabled: id == 1,
    };
    SettingsPage {
        chrome: chrome(Some(HOSTILE)),
        form_token: TOKEN,
        uid: "1240077".to_owned(),
        apps: (1..=apps).map(row).collect(),
        photos: (apps > 0).then(|| "2 photos".to_owned()),
        zones: vec![("UTC".to_owned(), true), ("Europe/Berlin".to_owned(), false)],
        notice: "Done.",
    }
    .render()
    .unwrap()
}

fn photo(pid: usize) -> PhotoRow {
    PhotoRow {
        pid: pid.to_string(),
        src: "/crier/p/0a.png".to_owned(),
        width: 75,
        height: 60,
        caption: HOSTILE.to_owned(),
        app: HOSTILE.to_owned(),
        uploaded: moment(),
    }
}

fn photos(count: usize) -> String {
    let page = PhotosPage {
        chrome: chrome(Some(HOSTILE)),
        photos: (1..=count).map(photo).collect(),
        count,
        first: count == 0,
        next: (count > 0).then_some(50),
        notice: "Done.",
    };
    page.render().unwrap()
}

/// The pages that ask one thing.
fn asking() -> Vec<String> {
    let once = OncePage {
        chrome: chrome(None),
        form_token: TOKEN,
        token: TOKEN,
        name: HOSTILE,
    };
    let logout = LogoutPage {
        chrome: chrome(Some(HOSTILE)),
        form_token: TOKEN,
        action: "/crier/logout",
        session_key: HOSTILE,
    };
    let withdraw = WithdrawPage {
        chrome: chrome(Some(HOSTILE)),
        form_token: TOKEN,
        app: "7".to_owned(),
        name: HOSTILE,
    };
    let delete_photo = DeletePhotoPage {
        chrome: chrome(Some(HOSTILE)),
        form_token: TOKEN,
        photo: photo(7),
    };
    vec![
        delete_photo.render().unwrap(),
        once.render().unwrap(),
        logout.render().unwrap(),
        withdraw.render().unwrap(),
    ]
}

fn all() -> Vec<String> {
    let offered = vec![OfferedApp {
        name: HOSTILE.to_owned(),
        api_key: TOKEN.to_owned(),
    }];
    let causes = vec![Cause {
        count: 3,
        words: "that you have hidden",
        way: Some(("/feed/hidden", "Look at them")),
    }];
    let front = FrontPage { chrome: chrome(None) };
    let error = ErrorPage {
        chrome: chrome(None),
        heading: HOSTILE,
        sentence: HOSTILE,
        onward: ("/login", "Go on"),
    };
    let done = DonePage {
        chrome: chrome(None),
        app: HOSTILE,
    };
    let mut pages = vec![
        front.render().unwrap(),
        error.render().unwrap(),
        done.render().unwrap(),
        login(None),
        login(Some(HOSTILE)),
        terms(Wish::Continue, true),
        terms(Wish::Accept, false),
        terms(Wish::Add, true),
        code(),
        canvas(None),
        canvas(Some(("/crier/authorize.php?api_key=0", "log in"))),
        settings(0),
        settings(2),
        photos(0),
        photos(2),
        feed(
            vec![
                card("2", CardState::Shown),
                card("3", CardState::Away),
                card("4", CardState::Reported),
                card("5", CardState::Off),
            ],
            None,
        ),
        feed(Vec::new(), Some(Empty::NoApps(offered))),
        feed(Vec::new(), Some(Empty::NoApps(Vec::new()))),
        feed(Vec::new(), Some(Empty::NoStories)),
        feed(Vec::new(), Some(Empty::NoneToShow(causes))),
        feed(Vec::new(), Some(Empty::NoMore)),
    ];
    pages.extend(asking());
    pages.extend(console::pages());
    pages.extend(administration::pages());
    pages.extend(calls::pages());
    pages.extend(insights::pages());
    pages
}

/// The tags of a page, as written between `<` and `>`.
fn tags(page: &str) -> Vec<&str> {
    page.split('<')
        .skip(1)
        .map(|rest| rest.split('>').next().unwrap())
        .collect()
}

fn name_of(tag: &str) -> &str {
    tag.split([' ', '\n']).next().unwrap()
}

/// The values of an attribute, wherever it stands.
fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    let opening = format!(" {attribute}=\"");
    page.split(opening.as_str())
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect()
}

#[test]
fn every_element_is_closed_in_its_order() {
    const VOID: [&str; 7] = ["!DOCTYPE", "meta", "link", "input", "path", "use", "img"];
    for page in all() {
        let mut open = Vec::new();
        for tag in tags(&page) {
            let name = name_of(tag);
            if let Some(closed) = name.strip_prefix('/') {
                assert_eq!(open.pop(), Some(closed), "{page}");
            } else if !VOID.contains(&name.trim_end_matches('/')) {
                open.push(name);
            }
        }
        assert_eq!(open, Vec::<&str>::new(), "{page}");
    }
}

#[test]
fn a_page_has_one_h1_its_landmarks_a_language_and_a_title() {
    for page in all() {
        for (once, count) in [
            ("<h1>", 1),
            ("<main id=\"main\">", 1),
            ("<header ", 1),
            ("<html lang=\"en\">", 1),
            ("<title>", 1),
        ] {
            assert_eq!(page.matches(once).count(), count, "{once} in {page}");
        }
    }
}

#[test]
fn nothing_that_strangers_wrote_becomes_a_tag_or_leaves_its_attribute() {
    for page in all() {
        for tag in tags(&page) {
            let name = name_of(tag);
            assert!(!["style", "object"].contains(&name), "{tag}");
            let canvas =
                tag.starts_with("iframe class=\"canvas\" ") && tag.contains(" sandbox=\"allow-scripts\" ");
            assert!(name != "iframe" || canvas, "{tag}");
            let own_script = ["feed.", "console-live."].iter().any(|name| {
                tag.starts_with(&format!("script src=\"/crier/assets/{name}")) && tag.ends_with(".js\" defer")
            });
            assert!(name != "script" || own_script, "{tag}");
            let picture = ["", "class=\"sign\" "]
                .iter()
                .any(|class| tag.starts_with(&format!("img {class}src=\"/crier/p/")));
            assert!(name != "img" || picture, "{tag}");
            assert!(!tag.contains("onerror") || tag.contains("&#60;img"), "{tag}");
            assert!(!tag.contains(" style=") && !tag.contains("javascript:"), "{tag}");
        }
        assert!(!page.contains("\"'>"), "{page}");
    }
}

#[test]
fn what_strangers_wrote_stands_in_an_element_of_its_own_direction() {
    for page in all() {
        let escaped = "&#34;&#39;&#62;&#60;script";
        for (at, _) in page.match_indices(escaped) {
            let before = page.get(..at).unwrap();
            let element = before.rsplit('<').next().unwrap();
            let inside_attribute = element
                .rsplit_once('"')
                .is_some_and(|(_, rest)| !rest.contains('>'))
                || !element.contains('>');
            let isolated = [
                "dir=\"auto\">",
                // A text of several lines; bytes in the order of their coming.
                "dir=\"auto\">\n",
                "dir=\"ltr\">",
                "<bdi>",
                "<b><i>",
                "<title>",
                "ugc\" title=\"e.example\">",
                "h1>",
                "unseen\"><bdi>",
            ];
            assert!(
                inside_attribute || isolated.iter().any(|ending| before.ends_with(ending)),
                "{}",
                before.get(at.saturating_sub(80)..).unwrap()
            );
        }
    }
}

/// A form that only asks for another page has no token: it would stand in an address.
#[test]
fn every_form_that_changes_something_is_a_post_with_a_token() {
    for page in all() {
        for form in page.split("<form").skip(1) {
            let form = form.split("</form>").next().unwrap();
            let asks = ["admin", "developers/"]
                .iter()
                .any(|place| form.contains(&format!(" method=\"get\" action=\"/crier/{place}")));
            if asks {
                // It asks and changes nothing: what it holds may stand in the address.
                assert!(!form.contains(TOKEN), "{form}");
                continue;
            }
            assert!(form.contains(" method=\"post\" action=\"/crier/"), "{form}");
            assert!(
                form.contains(&format!("name=\"form_token\" value=\"{TOKEN}\"")),
                "{form}"
            );
        }
    }
}

#[test]
fn addresses_stay_below_the_base_path() {
    for page in all() {
        for attribute in ["href", "src", "action", "formaction"] {
            for address in values(&page, attribute) {
                let own = address.starts_with("/crier/") || address.starts_with('#');
                assert!(own || address.starts_with("http://a.example/?x="), "{address}");
            }
        }
    }
}

#[test]
fn an_id_stands_once_on_a_page() {
    for page in all() {
        let mut ids = values(&page, "id");
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "{page}");
    }
}

#[test]
fn a_storys_links_are_marked_as_strangers_and_name_their_host() {
    let page = feed(vec![card("2", CardState::Shown)], None);
    for tag in tags(&page).iter().filter(|tag| tag.contains("/go/")) {
        assert!(
            tag.contains("rel=\"nofollow noopener noreferrer ugc\" title=\"e.example\""),
            "{tag}"
        );
    }
    for key in ["t", "b0", "b1", "p1", "p2", "p3", "p4"] {
        assert!(
            page.contains(&format!("href=\"/crier/go/2/{key}?v=7.0123456789abcdef\"")),
            "{key}"
        );
    }
}

#[test]
fn a_hidden_story_is_one_line_without_its_text() {
    let line_of = |own| {
        let story = Card {
            own,
            ..card("3", CardState::Away)
        };
        let page = feed(vec![story], None);
        let line = page.split("<li id=\"s3\"").nth(1).unwrap();
        line.split("</li>").next().unwrap().to_owned()
    };
    let line = line_of(false);
    assert!(line.contains("Hidden.") && line.contains("Undo"), "{line}");
    assert!(line.contains("I don't want this application here"), "{line}");
    // A switch says nothing about what one's own applications show oneself.
    assert!(!line_of(true).contains("I don't want this application here"));
    for reason in ["spam", "offensive", "not_mine", "other"] {
        assert!(line.contains(&format!("/feed/report/{reason}\"")), "{line}");
    }
    assert!(!line.contains("alert"), "{line}");
}

#[test]
fn buttons_of_a_story_name_it() {
    let page = feed(vec![card("2", CardState::Shown)], None);
    assert!(page.contains("aria-label=\"Hide “&#34;&#39;&#62;"), "{page}");
}

#[test]
fn a_page_of_25_stories_and_100_pictures_has_at_most_80_kib() {
    let text = |length: usize| {
        vec![Piece {
            link: None,
            runs: vec![Run {
                text: "x".repeat(length),
                link: None,
                bold: false,
                italic: false,
            }],
        }]
    };
    let stories = (1..=25).map(|id| Card {
        title: text(60),
        plain: "x".repeat(60),
        body: text(200),
        app: "Rochambeau".to_owned(),
        own: false,
        ..card(&(1_000_000 + id).to_string(), CardState::Shown)
    });
    let page = FeedPage {
        chrome: chrome(Some("ada")),
        form_token: &TOKEN.repeat(4),
        v: "1000000.0123456789abcdef".to_owned(),
        w: 1_000_000,
        here: TOKEN.repeat(6),
        notice: Notice::OldCursor,
        exempt: Vec::new(),
        exempt_more: 0,
        stories: stories.collect(),
        later: true,
        more: Some(TOKEN.repeat(6)),
        missed: true,
        keys: true,
        empty: None,
    };
    let bytes = page.render().unwrap().len();
    assert!(bytes <= 80 * 1024, "{bytes}");
}
