//! A feed read from its record: views, reasons, cursors, acts, and what is let go (feed 4.11, 5, 6, 8).

use crate::harness::{Town, new_app};
use crier_platform::accounts::admin::NewUser;
use crier_platform::feed::config::FeedConfig;
use crier_platform::feed::cursor::FeedKey;
use crier_platform::feed::simulate::replay::Record;
use crier_platform::feed::{Away, BlankedBy, FeedReader, ReportReason, Serving, ToldStory, Wish};
use crier_platform::model::quantity::{Bytes, Span};
use crier_platform::model::record_line::RecordLine;
use crier_platform::model::story::Priority;
use crier_platform::ports::store::Write;
use crier_proto::ids::{StoryId, Uid};

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 86_400_000;

fn bo() -> Uid {
    Uid::new(563_683_308).unwrap()
}

/// Five applications that `bo` has accepted, and a reader of her feed.
async fn town() -> Town {
    let town = Town::with_people().await;
    for number in 1..=5 {
        let name = format!("App {number}");
        town.accounts.add_app(new_app(&name)).await.unwrap();
        let app = town.accounts.find_app(&name).await.unwrap().id;
        let terms = Write::AcceptTerms {
            app,
            user: bo(),
            added: false,
        };
        town.write(vec![terms]).await;
    }
    town
}

/// Stories of all five, newest last, each application again only when its window is open.
async fn stories(town: &Town, rounds: u32) -> Vec<StoryId> {
    let mut ids = Vec::new();
    for round in 0..rounds {
        for number in 1..=5 {
            let title = format!("Story {round} of {number}");
            ids.push(
                town.publish(&format!("App {number}"), &title, |story| {
                    story.priority = Priority::Number(u8::try_from((round * 7 + number) % 4).unwrap());
                    story.body = (round % 2 == 0).then(|| "A body".to_owned());
                })
                .await,
            );
        }
        town.clock.advance_ms(12 * HOUR_MS);
    }
    ids
}

/// How often a bound was reached.
fn met(town: &Town, bound: &str) -> u64 {
    let bounds = town.feed.figures().bounds();
    bounds.iter().find(|(name, _)| *name == bound).expect("a bound").1
}

/// How many stories of views had a verdict.
fn judged(town: &Town, verdict: &str) -> u64 {
    let verdicts = town.feed.figures().verdicts();
    verdicts
        .iter()
        .find(|(name, _)| *name == verdict)
        .expect("a verdict")
        .1
}

#[tokio::test]
async fn candidates_max_lets_the_oldest_leave_as_overflow_and_every_story_of_a_view_is_counted_once() {
    let town = town().await;
    let ids = stories(&town, 8).await;
    town.feed.hide(bo(), ids[39]).await.unwrap();
    let config = FeedConfig {
        candidates_max: 30,
        ..FeedConfig::default()
    };
    let feed = FeedReader::new(town.ports.clone(), config, FeedKey::new([7; 32]));
    let page = feed.view(bo(), Serving::View).await.unwrap();
    assert_eq!(page.slots.len(), 25);
    let figures = feed.figures();
    let all: u64 = figures.verdicts().iter().map(|(_, count)| count).sum();
    assert_eq!(
        (all, judged(&town, "overflow"), judged(&town, "hidden")),
        (40, 9, 1)
    );
    let shown = ["shown_merit", "shown_guaranteed", "shown_fill"].map(|verdict| judged(&town, verdict));
    assert_eq!(shown.iter().sum::<u64>(), 25);
    assert_eq!(judged(&town, "app_cap") + judged(&town, "below_cut"), 5);
    assert_eq!(met(&town, "candidates_max"), 1);
    let candidates = figures.candidates();
    assert_eq!((candidates.sum, figures.views_missed_max()), (30, 0));
    assert_eq!(
        figures
            .read_micros()
            .map(|(page, counted)| { (page, counted.spans.iter().map(|(_, count)| count).sum::<u64>()) }),
        [("1", 1), ("later", 0)]
    );
}

#[tokio::test]
async fn index_bytes_max_lets_the_least_recently_read_leave_and_their_feed_comes_back_the_same() {
    let town = town().await;
    stories(&town, 2).await;
    let config = FeedConfig {
        index_bytes_max: Bytes(1),
        ..FeedConfig::default()
    };
    let feed = FeedReader::new(town.ports.clone(), config, FeedKey::new([7; 32]));
    for _ in 0..2 {
        assert_eq!(feed.view(bo(), Serving::Look).await.unwrap().slots.len(), 10);
    }
    let index = feed.index_figures();
    assert_eq!((index.bytes, index.users, index.evicted_total), (0, 0, 2));
    assert_eq!(met(&town, "index_bytes_max"), 2);
}

async fn view(town: &Town) -> (Vec<StoryId>, String, Option<String>) {
    let page = town.feed.view(bo(), Serving::View).await.unwrap();
    let shown = page.slots.iter().map(|placed| placed.view.story.id).collect();
    (shown, page.v, page.more)
}

#[tokio::test]
async fn every_story_is_shown_at_its_rank_or_has_its_reason_and_the_sums_match() {
    let town = town().await;
    let ids = stories(&town, 8).await;
    town.feed.hide(bo(), ids[39]).await.unwrap();
    town.feed.report(bo(), ids[38], ReportReason::Spam).await.unwrap();
    let app = town.accounts.find_app("App 3").await.unwrap().id;
    assert!(town.feed.set_slider(bo(), app, 0).await.unwrap());
    let (shown, v, more) = view(&town).await;
    assert_eq!((shown.len(), more.is_some()), (25, true));
    let mut left_out = Vec::new();
    let mut from = Some(0);
    while let Some(at) = from {
        let missed = town.feed.missed(bo(), Some(&v), at).await.unwrap().unwrap();
        left_out.extend(missed.rows.iter().map(|row| (row.story.id(), row.verdict.name())));
        from = missed.next;
    }
    assert_eq!(shown.len() + left_out.len(), ids.len());
    for id in &ids {
        let why = town.feed.why(bo(), *id, Some(&v)).await.unwrap().unwrap();
        match shown.iter().position(|shown| shown == id) {
            Some(at) => {
                assert_eq!(why.explanation.slot, Some(at + 1), "{id:?}");
                assert_eq!(why.explanation.factors.len(), 9);
                assert_eq!(
                    why.explanation.factors.last().unwrap().score,
                    why.explanation.score.unwrap()
                );
            }
            None => {
                let row = left_out.iter().find(|(left, _)| left == id).expect("its reason");
                assert_eq!((why.explanation.slot, why.explanation.verdict), (None, row.1));
            }
        }
    }
    let verdict_of = |id: StoryId| left_out.iter().find(|(left, _)| *left == id).unwrap().1;
    assert_eq!((verdict_of(ids[39]), verdict_of(ids[38])), ("hidden", "reported"));
    assert_eq!(verdict_of(ids[37]), "slider_none");
}

#[tokio::test]
async fn pages_of_one_reading_hold_every_candidate_once_whatever_happens_after_it() {
    let town = town().await;
    let ids = stories(&town, 12).await;
    let first = town.feed.view(bo(), Serving::View).await.unwrap();
    let mut seen: Vec<StoryId> = first.slots.iter().map(|placed| placed.view.story.id).collect();
    town.publish("App 1", "Came later", |_| ()).await;
    town.feed.hide(bo(), ids[10]).await.unwrap();
    let mut more = first.more.clone();
    while let Some(cursor) = more {
        let page = town
            .feed
            .later(bo(), &cursor)
            .await
            .unwrap()
            .expect("a genuine cursor");
        let full = page.more.is_none() || page.slots.len() == 25;
        assert!(full, "every page but the last is full");
        for placed in &page.slots {
            assert_eq!(placed.place, Some(seen.len() + 1));
            let away = (placed.view.story.id == ids[10]).then_some(Away::Hidden);
            assert_eq!(placed.away, away, "a story hidden since stands in its place");
            seen.push(placed.view.story.id);
        }
        more = page.more;
    }
    let mut sorted = seen.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!((seen.len(), sorted.len()), (60, 60));
    let again = town.feed.later(bo(), &first.here).await.unwrap().unwrap();
    let shown = |page: &crier_platform::feed::ServedPage| -> Vec<StoryId> {
        page.slots.iter().map(|placed| placed.view.story.id).collect()
    };
    assert_eq!(shown(&again), shown(&first));
    let stranger = Uid::new(1_240_077).unwrap();
    assert!(town.feed.later(stranger, &first.here).await.unwrap().is_none());
    town.clock.advance_ms(HOUR_MS);
    assert!(
        town.feed.later(bo(), &first.here).await.unwrap().is_none(),
        "cursor_ttl"
    );
    assert_eq!(met(&town, "cursor_ttl"), 1);
}

#[tokio::test]
async fn an_exported_record_replays_every_view_after_any_acts() {
    let town = town().await;
    let mut turn: usize = 0;
    for round in 0..6 {
        let ids = stories(&town, 3).await;
        for id in &ids {
            turn = (turn * 31 + 7) % 97;
            match turn % 7 {
                0 => town.feed.hide(bo(), *id).await.map(drop),
                1 => town.feed.report(bo(), *id, ReportReason::Other).await.map(drop),
                2 => town.feed.thumb(bo(), *id, true).await.map(drop),
                3 => town.feed.undo(bo(), ids[0]).await.map(drop),
                4 => town.feed.thumb(bo(), ids[1], false).await.map(drop),
                _ => {
                    let (shown, v, _) = view(&town).await;
                    if let Some(story) = shown.get(turn % 5) {
                        town.feed.clicked(bo(), *story, &v);
                    }
                    Ok(())
                }
            }
            .unwrap();
        }
        let app = town.accounts.find_app("App 2").await.unwrap().id;
        town.feed.set_slider(bo(), app, round % 5).await.unwrap();
        town.accounts
            .switch_stories(app, bo(), round % 2 == 0)
            .await
            .unwrap();
        view(&town).await;
    }
    town.feed.write_notes().await;
    let lines = town.feed.export(bo(), false).await.unwrap();
    let views = lines
        .iter()
        .filter(|line| matches!(line, RecordLine::View(_)))
        .count();
    assert!(views > 10, "{views}");
    let mut record = Record::default();
    lines.into_iter().for_each(|line| record.take(line).unwrap());
    let replayed = record.replay(None).unwrap();
    assert_eq!(replayed.len(), views);
    for view in replayed {
        assert!(view.same, "{view:?}");
    }
}

#[tokio::test]
async fn missed_rises_from_view_to_view_also_while_they_wait_to_be_written() {
    let town = town().await;
    stories(&town, 1).await;
    let numbers: Vec<String> = [view(&town).await.1, view(&town).await.1, view(&town).await.1]
        .iter()
        .map(|mark| mark.split('.').next().unwrap().to_owned())
        .collect();
    assert_eq!(numbers, ["1", "2", "3"]);
    town.feed.write_notes().await;
    assert_eq!(view(&town).await.1.split('.').next(), Some("4"));
    let fresh = FeedReader::new(town.ports.clone(), FeedConfig::default(), FeedKey::new([7; 32]));
    let page = fresh.view(bo(), Serving::View).await.unwrap();
    assert!(
        page.v.starts_with("4."),
        "a process that was killed never served it"
    );
}

#[tokio::test]
async fn more_notes_than_notes_max_make_the_reader_wait_and_none_is_lost() {
    let town = town().await;
    stories(&town, 1).await;
    let config = FeedConfig {
        notes_max: 1,
        ..FeedConfig::default()
    };
    let feed = FeedReader::new(town.ports.clone(), config, FeedKey::new([7; 32]));
    for number in 1..=5 {
        let page = feed.view(bo(), Serving::View).await.unwrap();
        assert!(page.v.starts_with(&format!("{number}.")), "{}", page.v);
    }
    assert_eq!(met(&town, "notes_max"), 4);
    feed.write_notes().await;
    assert_eq!(
        town.ports
            .store
            .feed_view(bo(), None)
            .await
            .unwrap()
            .unwrap()
            .number,
        5
    );
}

#[tokio::test]
async fn old_stories_lose_their_text_after_text_keep_and_old_views_leave_after_view_keep() {
    let town = town().await;
    let old = stories(&town, 1).await;
    view(&town).await;
    town.feed.write_notes().await;
    let config = FeedConfig {
        text_keep: Span(20 * DAY_MS),
        view_keep: Span(10 * DAY_MS),
        ..FeedConfig::default()
    };
    let feed = FeedReader::new(town.ports.clone(), config, FeedKey::new([7; 32]));
    town.clock.advance_ms(9 * DAY_MS);
    feed.let_go().await;
    assert!(town.ports.store.feed_view(bo(), Some(1)).await.unwrap().is_some());
    town.clock.advance_ms(2 * DAY_MS);
    feed.let_go().await;
    assert!(town.ports.store.feed_view(bo(), Some(1)).await.unwrap().is_none());
    let story = town.ports.store.story(old[0]).await.unwrap().unwrap();
    assert_eq!((story.title.as_str(), story.blanked), ("Story 0 of 1", None));
    town.clock.advance_ms(10 * DAY_MS);
    let young = town.publish("App 1", "Young", |_| ()).await;
    feed.let_go().await;
    let story = town.ports.store.story(old[0]).await.unwrap().unwrap();
    assert_eq!((story.title.as_str(), story.blanked.is_some()), ("", true));
    let story = town.ports.store.story(young).await.unwrap().unwrap();
    assert_eq!((story.title.as_str(), story.blanked), ("Young", None));
    assert_eq!((met(&town, "text_keep"), met(&town, "view_keep")), (1, 1));
}

#[tokio::test]
async fn a_uid_that_is_erased_and_added_again_reads_its_own_record_from_its_first_story() {
    let town = town().await;
    stories(&town, 2).await;
    assert_eq!(view(&town).await.0.len(), 10);
    town.accounts.erase_user("bo").await.unwrap();
    let again = NewUser {
        name: "bo".to_owned(),
        uid: Some(bo()),
        ..NewUser::default()
    };
    town.accounts.add_user(again).await.unwrap();
    for number in 1..=5 {
        town.accounts
            .add_grant(&format!("App {number}"), "bo", true)
            .await
            .unwrap();
    }
    // More than the reader's memory has seen of the record before.
    let ids = stories(&town, 4).await;
    let page = town.feed.view(bo(), Serving::View).await.unwrap();
    assert_eq!((page.slots.len(), page.missed), (20, 0));
    assert!(
        page.slots
            .iter()
            .all(|placed| ids.contains(&placed.view.story.id))
    );
    assert!(page.v.starts_with("1."), "{}", page.v);
    town.feed.write_notes().await;
    let kept = town.ports.store.feed_views(bo()).await.unwrap();
    assert_eq!((kept.len(), kept[0].shown.len()), (1, 20));
}

#[tokio::test]
async fn an_erased_application_s_stories_leave_empty_places_for_a_day_and_then_nothing() {
    let town = town().await;
    let ids = stories(&town, 8).await;
    let first = town.feed.view(bo(), Serving::View).await.unwrap();
    let second = first.more.clone().expect("a second page");
    let before = town.feed.later(bo(), &second).await.unwrap().unwrap();
    let app = town.accounts.find_app("App 3").await.unwrap().id;
    town.accounts.erase_app("App 3").await.unwrap();
    let again = town.feed.later(bo(), &second).await.unwrap().unwrap();
    let places = |page: &crier_platform::feed::ServedPage| -> Vec<(Option<usize>, StoryId)> {
        let placed = page.slots.iter();
        placed
            .map(|placed| (placed.place, placed.view.story.id))
            .collect()
    };
    let theirs: Vec<StoryId> = ids.iter().copied().skip(2).step_by(5).collect();
    let left: Vec<_> = places(&before)
        .into_iter()
        .filter(|(_, id)| !theirs.contains(id))
        .collect();
    assert_eq!(places(&again), left, "nothing moves up into an empty place");
    assert!(left.len() < before.slots.len());
    let why = town.feed.why(bo(), theirs[7], None).await.unwrap().unwrap();
    let ToldStory::Faded(faded) = why.story else {
        panic!("it has no text any more");
    };
    assert!(faded.app.is_none());
    assert_eq!(faded.blanked.map(|(_, by)| by), Some(BlankedBy::Erasure));
    let page = town.feed.view(bo(), Serving::View).await.unwrap();
    assert!(page.slots.iter().all(|placed| placed.view.app.id != app));
    town.feed.write_notes().await;

    let stories_of = async || {
        let lines = town.feed.export(bo(), false).await.unwrap();
        let stories = lines.iter().filter(|line| match line {
            RecordLine::Story(story) => story.app == app,
            _ => false,
        });
        let views = lines.iter().filter(|line| matches!(line, RecordLine::View(_)));
        (stories.count(), views.count())
    };
    town.clock.advance_ms(DAY_MS - 60_000);
    town.feed.let_go().await;
    assert_eq!(stories_of().await, (8, 2));
    town.clock.advance_ms(120_000);
    town.feed.let_go().await;
    town.feed.let_go().await;
    assert_eq!(stories_of().await, (0, 1), "the view that saw them went too");
    assert!(town.feed.why(bo(), theirs[7], None).await.unwrap().is_none());
    let mut record = Record::default();
    for line in town.feed.export(bo(), false).await.unwrap() {
        record.take(line).unwrap();
    }
    assert!(record.replay(None).unwrap().iter().all(|view| view.same));
    let page = town.feed.view(bo(), Serving::View).await.unwrap();
    assert_eq!((page.slots.len(), page.missed), (25, 7));
}

#[tokio::test]
async fn a_preview_and_a_look_leave_no_trace() {
    let town = town().await;
    stories(&town, 2).await;
    let app = town.accounts.find_app("App 1").await.unwrap().id;
    let wish = Wish {
        app,
        slider: 0,
        on: true,
    };
    let tried = town.feed.preview(bo(), &[wish]).await.unwrap();
    assert_eq!(tried.slots.len(), 8);
    let look = town.feed.view(bo(), Serving::Look).await.unwrap();
    assert_eq!(look.slots.len(), 10);
    assert!(look.slots.iter().all(|placed| placed.new));
    town.feed.write_notes().await;
    assert_eq!(town.ports.store.feed_view(bo(), None).await.unwrap(), None);
    view(&town).await;
    town.feed.write_notes().await;
    let seen = town.feed.view(bo(), Serving::Look).await.unwrap();
    assert!(seen.slots.iter().all(|placed| !placed.new));
}

#[tokio::test]
async fn more_addresses_than_addresses_per_user_are_refused_and_a_revoked_one_opens_nothing() {
    let town = town().await;
    stories(&town, 1).await;
    let mut tokens = Vec::new();
    for number in 0..5 {
        let token = town
            .feed
            .add_address(bo(), &format!("Reader {number}"))
            .await
            .unwrap();
        tokens.push(token.expect("room").expose().to_owned());
    }
    assert!(town.feed.add_address(bo(), "one more").await.unwrap().is_none());
    assert_eq!(met(&town, "addresses_per_user"), 1);
    let (user, page) = town.feed.by_address(&tokens[2]).await.unwrap().expect("its feed");
    assert_eq!((user.uid, page.slots.len()), (bo(), 5));
    town.feed.write_notes().await;
    let known = town.feed.addresses(bo()).await.unwrap();
    assert_eq!(
        known.iter().filter(|address| address.used_at.is_some()).count(),
        1
    );
    let stranger = Uid::new(1_240_077).unwrap();
    assert!(!town.feed.revoke_address(stranger, known[2].number).await.unwrap());
    assert!(town.feed.revoke_address(bo(), known[2].number).await.unwrap());
    assert!(town.feed.by_address(&tokens[2]).await.unwrap().is_none());
    assert!(town.feed.by_address("").await.unwrap().is_none());
}
