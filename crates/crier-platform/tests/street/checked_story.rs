//! "Check a story" (feed 3.8): it says what a call would be told, says the rest too, and writes nothing.

use crate::asked::{Call, Said};
use crate::harness::{OWNER, STRANGER, Street, WEB, uid};
use crier_platform::dispatch::CheckedStory;
use crier_platform::model::app::{FeedErrors, ProfileName};
use crier_proto::markup::Counts;

const PUBLISH: &str = "feed.publishStoryToUser";

type Values<'v> = &'v [(&'v str, &'v str)];

impl Street {
    async fn check(&self, user: i64, values: Values<'_>) -> CheckedStory {
        let owned: Vec<_> = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let app = self.app().await;
        self.dispatcher
            .check_story(&app, uid(user), &owned)
            .await
            .expect("books")
    }
}

/// Number and cause of each objection, as `documented` and as `detailed`.
fn told(checked: &CheckedStory) -> Vec<(u16, u16, String)> {
    checked
        .objections
        .iter()
        .map(|objected| {
            let (one, other) = (&objected.documented, &objected.detailed);
            assert_eq!(one.cause(), other.cause());
            let cause = one.cause().unwrap_or_default().to_owned();
            (one.code().number(), other.code().number(), cause)
        })
        .collect()
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_in_order_and_in_both_spellings() {
    let street = Street::open(|_| {}).await;
    let long = "x".repeat(61);
    let links = format!("<a href=\"http://e.example/\">{long}</a><a href=\"http://e.example/\">y</a>");
    let checked = street
        .check(
            WEB,
            &[
                ("title", &links),
                ("body", "<b>open"),
                ("image_1", "http://e.example/1.png"),
                ("image_2", "nowhere"),
                ("image_2_link", "http://e.example/"),
                ("image_3", "17"),
                ("image_3_link", "http://e.example/"),
                ("image_4", "https://e.example/4.png#x"),
                ("image_4_link", "http://e.example/4"),
                ("priority", "high"),
            ],
        )
        .await;
    let expected = [
        (100, 343, "title has 62 displayed characters, limit 60"),
        (100, 342, "title has 2 links, limit 1"),
        (100, 100, "body: element at character 1 is not closed"),
        (100, 348, "image_1_link is missing"),
        (100, 347, "image_2 is neither an acceptable URL nor a photo id"),
        (100, 347, "image_3: no such photo"),
        (100, 100, "priority must be an integer from 0 to 100"),
    ];
    let told = told(&checked);
    let told: Vec<_> = told
        .iter()
        .map(|(one, other, cause)| (*one, *other, &**cause))
        .collect();
    assert_eq!(told, expected);
    let title = checked.title.expect("a title that can be read");
    assert_eq!(
        title.counts,
        Counts {
            markup_bytes: links.len(),
            clusters: 62,
            text_bytes: 62,
            links: 2
        }
    );
    assert_eq!(checked.body, None);
    assert_eq!(
        checked.slots.iter().map(|slot| slot.number).collect::<Vec<_>>(),
        [4]
    );
    assert!(checked.permitted && !checked.exempt && checked.closed.is_none());
}

/// For each spoilt story the first objection is what a call is told, and without one a call is answered 1.
#[tokio::test]
async fn the_first_objection_is_what_a_call_is_told() {
    let values: [Values<'_>; 9] = [
        &[],
        &[("title", "&nbsp;")],
        &[("title", "<i>x</i>")],
        &[("title", "x"), ("body", "&#8203;")],
        &[("title", "x"), ("image_1", "x")],
        &[
            ("title", "x"),
            ("image_2", "x"),
            ("image_2_link", "http://e.example/"),
        ],
        &[
            ("title", "x"),
            ("image_2", "http://e.example/"),
            ("image_2_link", "https://e.example/"),
        ],
        &[("title", "x"), ("priority", "101")],
        &[("title", "x"), ("image_1_link", "nonsense")],
    ];
    for errors in [FeedErrors::Documented, FeedErrors::Detailed] {
        let street = Street::open(|app| app.settings.feed_errors = errors).await;
        for story in values {
            let checked = street.check(WEB, story).await;
            let with = |call: Call| {
                story
                    .iter()
                    .fold(call, |call, (name, value)| call.with(name, value))
            };
            let said = street.act(with, PUBLISH).await;
            let first = checked.objections.first().map(|objected| match errors {
                FeedErrors::Documented => &objected.documented,
                FeedErrors::Detailed => &objected.detailed,
            });
            let expected = first.map_or((0, ""), |refusal| {
                (
                    u64::from(refusal.code().number()),
                    refusal.cause().unwrap_or_default(),
                )
            });
            assert_eq!((said.code(), said.cause()), expected, "{story:?}");
        }
    }
}

#[tokio::test]
async fn a_check_opens_no_window_spends_nothing_and_writes_nothing() {
    let street = Street::of(ProfileName::Documented).await;
    for _ in 0..3 {
        let checked = street
            .check(
                WEB,
                &[
                    ("title", "x"),
                    ("image_1", "http://e.example/1"),
                    ("image_1_link", "http://e.example/"),
                ],
            )
            .await;
        assert!(checked.objections.is_empty() && checked.closed.is_none());
    }
    assert_eq!(street.stories(WEB).await, []);
    street.act(|call| call.with("title", "x"), PUBLISH).await.value();
    let checked = street.check(WEB, &[("title", "y")]).await;
    let (until, objected) = checked.closed.expect("the twelve hours");
    assert_eq!(until, street.now().plus_ms(43_200_000));
    let cause = format!(
        "one story in 12 hours for each user, next allowed at {}",
        until.secs_rounded_up()
    );
    let spelled = [objected.documented, objected.detailed];
    assert_eq!(
        spelled.each_ref().map(|refusal| refusal.code().number()),
        [4, 340]
    );
    assert!(spelled.iter().all(|refusal| refusal.cause() == Some(&*cause)));
    let Said::Error(4, _) = street.act(|call| call.with("title", "y"), PUBLISH).await else {
        unreachable!("the twelve hours")
    };
    assert_eq!(street.stories(WEB).await.len(), 1);
}

#[tokio::test]
async fn the_owner_is_exempt_and_who_permits_no_stories_is_told_0() {
    let street = Street::open(|_| {}).await;
    let owner = street.check(OWNER, &[("title", "x")]).await;
    assert_eq!((owner.exempt, owner.permitted), (true, true));
    let stranger = street.check(STRANGER, &[("title", "x")]).await;
    assert_eq!((stranger.exempt, stranger.permitted), (false, false));
}
