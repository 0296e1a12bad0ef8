//! Reading a feed: order, pages, what stands on them and what does not, links, hiding.

use crate::harness::{Town, new_app, slot};
use crier_platform::feed::{FeedPage, Passed};
use crier_proto::ids::StoryId;

const TWELVE_HOURS_MS: u64 = 43_200_000;

async fn town() -> Town {
    let town = Town::with_people().await;
    town.accounts.add_grant("Rochambeau", "bo", true).await.unwrap();
    town
}

async fn page(town: &Town, before: Option<i64>) -> FeedPage {
    let bo = town.user("bo").await.uid;
    town.feed.page(bo, before).await.unwrap()
}

fn titles(page: &FeedPage) -> Vec<&str> {
    page.stories
        .iter()
        .map(|view| view.story.title.as_str())
        .collect()
}

#[tokio::test]
async fn stories_stand_newest_first_25_a_page_and_going_on_shows_each_once() {
    let town = town().await;
    for number in 1..=27 {
        let name = format!("App {number}");
        town.accounts.add_app(new_app(&name)).await.unwrap();
        town.accounts.add_grant(&name, "bo", true).await.unwrap();
        town.publish(&name, &format!("Story {number}"), |_| {}).await;
    }
    let first = page(&town, None).await;
    assert_eq!(titles(&first).len(), 25);
    assert_eq!(titles(&first)[..2], ["Story 27", "Story 26"]);
    // 27 stories and 28 acceptances: they share one count of places.
    assert_eq!(first.newest_seq, 55);
    let second = page(&town, first.more_before).await;
    assert_eq!(titles(&second), ["Story 2", "Story 1"]);
    assert_eq!(second.more_before, None);
}

#[tokio::test]
async fn a_full_page_with_nothing_below_it_has_no_next() {
    let town = town().await;
    for number in 1..=25 {
        let name = format!("App {number}");
        town.accounts.add_app(new_app(&name)).await.unwrap();
        town.accounts.add_grant(&name, "bo", true).await.unwrap();
        town.publish(&name, "x", |_| {}).await;
    }
    let first = page(&town, None).await;
    assert_eq!((first.stories.len(), first.more_before), (25, None));
}

#[tokio::test]
async fn a_hidden_story_keeps_its_line_for_ten_minutes_and_comes_back_by_undo() {
    let town = town().await;
    let (ada, bo) = (town.user("ada").await.uid, town.user("bo").await.uid);
    let story = town.publish("Rochambeau", "You won", |_| {}).await;
    assert!(!town.feed.set_hidden(ada, story, true).await.unwrap());
    assert!(town.feed.set_hidden(bo, story, true).await.unwrap());
    assert!(page(&town, None).await.stories[0].story.hidden_at.is_some());
    town.clock.advance_ms(600_000);
    let later = page(&town, None).await;
    assert_eq!((later.stories.len(), later.passed.hidden), (0, 1));
    assert!(town.feed.set_hidden(bo, story, false).await.unwrap());
    assert_eq!(titles(&page(&town, None).await), ["You won"]);
    let nothing = StoryId::new(4711).unwrap();
    assert!(!town.feed.set_hidden(bo, nothing, true).await.unwrap());
}

#[tokio::test]
async fn what_is_switched_off_withdrawn_disabled_or_a_week_old_is_passed_over() {
    let town = town().await;
    for name in ["Withdrawn", "Disabled"] {
        town.accounts.add_app(new_app(name)).await.unwrap();
        town.accounts.add_grant(name, "bo", true).await.unwrap();
        town.publish(name, name, |_| {}).await;
    }
    town.publish("Rochambeau", "Kept", |_| {}).await;
    town.accounts.remove_grant("Withdrawn", "bo").await.unwrap();
    town.accounts.enable_app("Disabled", false).await.unwrap();
    let shown = page(&town, None).await;
    assert_eq!(titles(&shown), ["Kept"]);
    assert_eq!(shown.passed.not_wanted, 2);
    town.accounts.add_grant("Rochambeau", "bo", false).await.unwrap();
    assert_eq!(page(&town, None).await.passed.not_wanted, 3);
    town.accounts.add_grant("Rochambeau", "bo", true).await.unwrap();
    town.clock.advance_ms(604_800_000);
    let expired = Passed {
        expired: 3,
        ..Passed::default()
    };
    assert_eq!(page(&town, None).await.passed, expired);
}

#[tokio::test]
async fn a_row_that_is_no_canonical_markup_is_never_shown() {
    let town = town().await;
    town.publish("Rochambeau", "<script>alert(1)</script>", |_| {})
        .await;
    town.clock.advance_ms(TWELVE_HOURS_MS);
    town.publish("Rochambeau", "fine", |story| {
        story.body = Some("<b>open".to_owned());
    })
    .await;
    let page = page(&town, None).await;
    assert_eq!((page.stories.len(), page.passed.damaged), (0, 2));
}

#[tokio::test]
async fn an_owners_story_to_himself_stands_first_and_takes_no_slot() {
    let town = town().await;
    town.accounts
        .set_app("Rochambeau", &[("owner".to_owned(), "bo".to_owned())])
        .await
        .unwrap();
    town.publish("Rochambeau", "Ordinary", |_| {}).await;
    town.accounts.remove_grant("Rochambeau", "bo").await.unwrap();
    town.publish("Rochambeau", "A try", |story| story.exempt = true)
        .await;
    let page = page(&town, None).await;
    let exempt: Vec<&str> = page.exempt.iter().map(|view| view.story.title.as_str()).collect();
    assert_eq!((exempt, page.stories.len()), (vec!["A try"], 0));
}

#[tokio::test]
async fn links_lead_to_their_stored_addresses_for_the_storys_own_user_only() {
    let town = town().await;
    let (ada, bo) = (town.user("ada").await.uid, town.user("bo").await.uid);
    let story = town
        .publish(
            "Rochambeau",
            "See <a href=\"http://t.example/?a=1&amp;b=2\">this</a>",
            |story| {
                story.body = Some(
                    "<a href=\"http://b.example/\">one</a> <a href=\"http://c.example/\">two</a>".to_owned(),
                );
                story.slots = vec![slot(2), slot(4)];
            },
        )
        .await;
    for (key, address) in [
        ("t", Some("http://t.example/?a=1&b=2")),
        ("b0", Some("http://b.example/")),
        ("b1", Some("http://c.example/")),
        ("b2", None),
        ("p2", Some("http://links.example/2")),
        ("p4", Some("http://links.example/4")),
        ("p1", None),
        ("p04", None),
        ("b", None),
        ("b00", None),
        ("b+0", None),
        ("x0", None),
        ("", None),
    ] {
        let found = town.feed.link(bo, story, key).await.unwrap();
        assert_eq!(found.as_deref(), address, "{key}");
        assert_eq!(town.feed.link(ada, story, key).await.unwrap(), None, "{key}");
    }
}
