//! Numbers of views: each is told once, in order, and a mark vouches for one view alone (feed 2.9, 5.3, 8.2).

use crate::harness::Town;
use crier_platform::feed::config::FeedConfig;
use crier_platform::feed::cursor::FeedKey;
use crier_platform::feed::{FeedReader, Serving};
use crier_platform::model::record_line::{LineEvent, RecordLine};
use crier_platform::ports::store::Write;
use crier_proto::ids::{StoryId, Uid};
use futures_util::future::join_all;
use std::cell::Cell;
use std::collections::BTreeSet;

/// Readings of one feed at the same time, and how many each makes.
const READERS: usize = 6;
const VIEWS_OF_EACH: usize = 40;

fn bo() -> Uid {
    Uid::new(563_683_308).unwrap()
}

async fn town() -> (Town, StoryId) {
    let town = Town::with_people().await;
    let terms = Write::AcceptTerms {
        app: town.app().await.id,
        user: bo(),
        added: false,
    };
    town.write(vec![terms]).await;
    let story = town.publish("Rochambeau", "A story", |_| ()).await;
    (town, story)
}

fn reader(town: &Town) -> FeedReader {
    FeedReader::new(town.ports.clone(), FeedConfig::default(), FeedKey::new([7; 32]))
}

fn number_of(mark: &str) -> i64 {
    mark.split('.').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn views_read_at_the_same_time_each_have_a_number_of_their_own_while_they_are_written() {
    let (town, _) = town().await;
    let feed = reader(&town);
    let readers = (0..READERS).map(async |_| {
        let mut told = Vec::new();
        while told.len() < VIEWS_OF_EACH {
            let page = feed.view(bo(), Serving::View).await.unwrap();
            // One that others overtook too often is told as a look: its mark is that of a view before.
            told.push((page.v, page.here));
        }
        told
    });
    let all_read = Cell::new(false);
    let reading = async {
        let told = join_all(readers).await;
        all_read.set(true);
        told
    };
    let writing = async {
        while !all_read.get() {
            feed.write_notes().await;
            tokio::task::yield_now().await;
        }
    };
    let (told, ()) = tokio::join!(reading, writing);
    feed.write_notes().await;
    let kept = town.ports.store.feed_views(bo()).await.unwrap();
    let kept: Vec<i64> = kept.iter().map(|view| view.number).collect();
    assert_eq!(kept, (1..=kept.len() as i64).collect::<Vec<_>>());
    let told: Vec<(String, String)> = told.into_iter().flatten().collect();
    // Every view that is kept was told to one reader, whose cursor it holds; nothing that was told is missing.
    let marks: BTreeSet<i64> = told.iter().map(|(mark, _)| number_of(mark)).collect();
    assert!(marks.into_iter().eq(kept.iter().copied()));
    let mut of_views = Vec::new();
    for (mark, here) in &told {
        if feed.later(bo(), here).await.unwrap().is_some() {
            of_views.push(number_of(mark));
        }
    }
    of_views.sort_unstable();
    of_views.dedup();
    assert_eq!(of_views, kept);
}

#[tokio::test]
async fn a_mark_of_a_view_that_a_kill_took_does_not_vouch_for_the_one_that_has_its_number() {
    let (town, story) = town().await;
    let lost = reader(&town).view(bo(), Serving::View).await.unwrap();
    town.clock.advance_ms(1_000);
    let feed = reader(&town);
    let kept = feed.view(bo(), Serving::View).await.unwrap();
    assert_eq!((number_of(&lost.v), number_of(&kept.v)), (1, 1));
    assert_ne!(lost.v, kept.v);
    feed.clicked(bo(), story, &lost.v);
    feed.write_notes().await;
    let clicks = async || {
        let lines = feed.export(bo(), false).await.unwrap();
        let clicks = lines.iter().filter(|line| match line {
            RecordLine::Event(event) => matches!(event.event, LineEvent::Clicked),
            _ => false,
        });
        clicks.count()
    };
    assert_eq!(clicks().await, 0);
    let why = async |mark: &str| feed.why(bo(), story, Some(mark)).await.unwrap().unwrap();
    assert_eq!(why(&lost.v).await.explanation.view, None);
    assert_eq!(why(&kept.v).await.explanation.view, Some(1));
    assert!(feed.missed(bo(), Some(&lost.v), 0).await.unwrap().is_none());
    feed.clicked(bo(), story, &kept.v);
    feed.write_notes().await;
    assert_eq!(clicks().await, 1);
}

#[tokio::test]
async fn a_look_vouches_for_the_last_view_and_leaves_no_trace() {
    let (town, story) = town().await;
    let feed = reader(&town);
    let seen = feed.view(bo(), Serving::View).await.unwrap();
    town.clock.advance_ms(5_000);
    let look = feed.view(bo(), Serving::Look).await.unwrap();
    assert_eq!(look.v, seen.v);
    feed.write_notes().await;
    let look = feed.view(bo(), Serving::Look).await.unwrap();
    assert_eq!(look.v, seen.v);
    let why = feed.why(bo(), story, Some(&look.v)).await.unwrap().unwrap();
    assert_eq!(why.explanation.view, Some(1));
    assert_eq!(town.ports.store.feed_views(bo()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_story_is_new_once_also_while_the_view_that_showed_it_waits() {
    let (town, _) = town().await;
    let feed = reader(&town);
    let new = async || {
        let page = feed.view(bo(), Serving::View).await.unwrap();
        page.slots.iter().map(|placed| placed.new).collect::<Vec<bool>>()
    };
    assert_eq!(new().await, [true]);
    assert_eq!(new().await, [false], "the first view is not in the books yet");
    feed.write_notes().await;
    assert_eq!(new().await, [false]);
}

#[tokio::test]
async fn whoever_writes_views_waits_for_those_that_are_being_written() {
    let (town, _) = town().await;
    let feed = reader(&town);
    for number in 1..=20 {
        let page = feed.view(bo(), Serving::View).await.unwrap();
        assert_eq!(number_of(&page.v), number);
        let after = async {
            feed.write_notes().await;
            town.ports.store.feed_views(bo()).await.unwrap().len()
        };
        // The first takes the view; the second finds none that waits, and the books must hold it all the same.
        let ((), kept) = tokio::join!(feed.write_notes(), after);
        assert_eq!(kept as i64, number);
    }
}
