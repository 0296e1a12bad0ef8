//! Reading a feed: order, pages, what stands on them and what does not, links, hiding.

use crate::harness::{Town, new_app, slot};
use crier_platform::feed::target::Target;
use crier_platform::feed::{Away, ServedPage, Serving};
use crier_proto::ids::StoryId;
use crier_proto::markup::Place;

const TWELVE_HOURS_MS: u64 = 43_200_000;

async fn town() -> Town {
    let town = Town::with_people().await;
    town.accounts.add_grant("Rochambeau", "bo", true).await.unwrap();
    town
}

async fn page(town: &Town) -> ServedPage {
    let bo = town.user("bo").await.uid;
    town.feed.view(bo, Serving::View).await.unwrap()
}

fn titles(page: &ServedPage) -> Vec<&str> {
    let slots = page.slots.iter();
    slots.map(|placed| placed.view.story.title.as_str()).collect()
}

#[tokio::test]
async fn of_stories_alike_the_newest_stand_first_25_a_page_and_going_on_shows_each_once() {
    let town = town().await;
    for number in 1..=27 {
        let name = format!("App {number}");
        town.accounts.add_app(new_app(&name)).await.unwrap();
        town.accounts.add_grant(&name, "bo", true).await.unwrap();
        town.publish(&name, &format!("Story {number}"), |_| {}).await;
    }
    let first = page(&town).await;
    assert_eq!(titles(&first).len(), 25);
    assert_eq!(titles(&first)[..2], ["Story 27", "Story 26"]);
    // 27 stories and 28 acceptances: they share one count of places.
    assert_eq!(first.w, 55);
    let bo = town.user("bo").await.uid;
    let second = town
        .feed
        .later(bo, first.more.as_deref().unwrap())
        .await
        .unwrap()
        .unwrap();
    let mut both: Vec<&str> = titles(&first).into_iter().chain(titles(&second)).collect();
    both.sort_unstable();
    both.dedup();
    assert_eq!((both.len(), second.slots.len()), (27, 2));
    assert_eq!(second.more, None);
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
    let first = page(&town).await;
    assert_eq!((first.slots.len(), first.more), (25, None));
}

#[tokio::test]
async fn a_hidden_story_keeps_its_line_on_the_page_it_was_hidden_on_and_comes_back_by_undo() {
    let town = town().await;
    let (ada, bo) = (town.user("ada").await.uid, town.user("bo").await.uid);
    let story = town.publish("Rochambeau", "You won", |_| {}).await;
    let before = page(&town).await;
    assert!(!town.feed.hide(ada, story).await.unwrap());
    assert!(town.feed.hide(bo, story).await.unwrap());
    let same = town.feed.later(bo, &before.here).await.unwrap().unwrap();
    assert_eq!(same.slots[0].away, Some(Away::Hidden));
    let next = page(&town).await;
    assert_eq!((next.slots.len(), next.verdicts), (0, vec![("hidden", 1)]));
    assert!(town.feed.undo(bo, story).await.unwrap());
    assert_eq!(titles(&page(&town).await), ["You won"]);
    let nothing = StoryId::new(4711).unwrap();
    assert!(!town.feed.hide(bo, nothing).await.unwrap());
}

#[tokio::test]
async fn what_is_switched_off_withdrawn_or_a_week_old_is_passed_over() {
    let town = town().await;
    for name in ["Withdrawn", "Disabled"] {
        town.accounts.add_app(new_app(name)).await.unwrap();
        town.accounts.add_grant(name, "bo", true).await.unwrap();
        town.publish(name, name, |_| {}).await;
    }
    town.publish("Rochambeau", "Kept", |_| {}).await;
    town.accounts.remove_grant("Withdrawn", "bo").await.unwrap();
    town.accounts.enable_app("Disabled", false).await.unwrap();
    // What a disabled application has said already stays: only its calls are refused.
    assert_eq!(titles(&page(&town).await), ["Kept", "Disabled"]);
    town.accounts.add_grant("Rochambeau", "bo", false).await.unwrap();
    town.accounts.add_grant("Disabled", "bo", false).await.unwrap();
    let causes = page(&town).await.verdicts;
    assert!(
        causes.contains(&("app_off", 2)) && causes.contains(&("no_grant", 1)),
        "{causes:?}"
    );
    town.accounts.add_grant("Rochambeau", "bo", true).await.unwrap();
    town.clock.advance_ms(604_800_000);
    assert_eq!(page(&town).await.verdicts, [("expired", 3)]);
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
    let page = page(&town).await;
    assert_eq!((page.slots.len(), page.verdicts), (0, vec![("damaged", 2)]));
}

#[tokio::test]
async fn a_row_that_escaping_has_made_longer_than_a_value_may_be_is_shown() {
    let town = town().await;
    let title = format!("<a href=\"http://e.example/?{}\">x</a>", "&amp;".repeat(1_000));
    assert!(title.len() > Place::Title.markup_bytes_max());
    let story = town.publish("Rochambeau", &title, |_| {}).await;
    let page = page(&town).await;
    assert_eq!(titles(&page), [title]);
    assert_eq!(page.slots[0].view.title.links().len(), 1);
    let bo = town.user("bo").await.uid;
    assert!(
        town.feed
            .why(bo, story, None)
            .await
            .unwrap()
            .is_some_and(|why| why.verdict.slot() == Some(1))
    );
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
    let page = page(&town).await;
    let exempt = page.exempt.iter();
    let exempt: Vec<&str> = exempt.map(|placed| placed.view.story.title.as_str()).collect();
    assert_eq!((exempt, page.slots.len()), (vec!["A try"], 0));
}

#[tokio::test]
async fn own_stories_beyond_25_did_not_make_it_and_what_has_expired_is_not_counted() {
    let town = town().await;
    let bo = town.user("bo").await.uid;
    let mut own = Vec::new();
    for _ in 0..27 {
        let story = town.publish("Rochambeau", "A try", |story| story.exempt = true);
        own.push(story.await);
    }
    let page = page(&town).await;
    assert_eq!((page.exempt.len(), page.exempt_more, page.missed), (25, 2, 2));
    let missed = town.feed.missed(bo, Some(&page.v), 0).await.unwrap().unwrap();
    let left_out: Vec<_> = missed.rows.iter().map(|row| row.story.id()).collect();
    assert_eq!(left_out, [own[1], own[0]]);
    let again = town.feed.later(bo, &page.here).await.unwrap().unwrap();
    assert_eq!(again.missed, 2);
    // Memory keeps them for an hour after they have expired.
    town.clock.advance_ms(7 * 24 * 3_600_000 + 1_800_000);
    town.publish("Rochambeau", "Ordinary", |_| {}).await;
    let page = self::page(&town).await;
    assert_eq!((page.exempt.len(), page.slots.len(), page.missed), (0, 1, 0));
    let again = town.feed.later(bo, &page.here).await.unwrap().unwrap();
    assert_eq!((again.slots.len(), again.missed), (1, 0));
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
        let address = address.map(|address| Target::Address(address.to_owned()));
        assert_eq!(found, address, "{key}");
        assert_eq!(town.feed.link(ada, story, key).await.unwrap(), None, "{key}");
    }
}
