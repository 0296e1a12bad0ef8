//! What an application's developers learn in numbers, over real books (feed 5.7).

use crate::harness::{Town, slot};
use crier_platform::accounts::admin::NewUser;
use crier_platform::feed::Serving;
use crier_platform::feed::config::FeedConfig;
use crier_platform::insights::{
    Figure, InsightRules, Insights, Length, Line, NOT_TOLD, NextAllowed, Report, WaitsFor,
};
use crier_platform::jobs::pictures::PictureRules;
use crier_platform::model::app::App;
use crier_platform::model::insight::Grain;
use crier_platform::model::job::{
    Attempt, ImageHash, JobQuery, NewPhoto, NextJob, PictureWrite, Settlement, SourceHash,
};
use crier_platform::model::picture::{Cause, Picture, PictureHash, PictureType};
use crier_platform::model::quantity::Span;
use crier_platform::model::tally::{Count, Series};
use crier_platform::ports::store::Write;
use crier_proto::ids::{Pid, StoryId, Uid};
use std::sync::Arc;

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 86_400_000;

fn rules() -> InsightRules {
    InsightRules::of(&FeedConfig::default(), PictureRules::at("http://crier.example"))
}

fn insights(town: &Town, rules: InsightRules) -> Insights {
    Insights::new(town.ports.clone(), town.feed.clone(), rules)
}

/// Readers of `Rochambeau`, so many, each with one story.
async fn readers(town: &Town, many: usize) -> Vec<(Uid, StoryId)> {
    let app = town.app().await.id;
    let mut readers = Vec::new();
    for number in 0..many {
        let uid = Uid::new(7_000 + i64::try_from(number).unwrap()).unwrap();
        let user = NewUser {
            name: format!("reader{number}"),
            uid: Some(uid),
            password: None,
            admin: false,
        };
        town.accounts.add_user(user).await.unwrap();
        let terms = Write::AcceptTerms {
            app,
            user: uid,
            added: false,
        };
        town.write(vec![terms]).await;
        let story = town
            .publish("Rochambeau", "A story", |story| story.user = uid)
            .await;
        readers.push((uid, story));
    }
    readers
}

async fn view(town: &Town, user: Uid) -> String {
    let page = town.feed.view(user, Serving::View).await.unwrap();
    assert_eq!(page.slots.len(), 1);
    page.v
}

async fn report(town: &Town, length: Length) -> Report {
    town.feed.write_notes().await;
    let app = town.app().await;
    insights(town, rules()).report(&app, length).await.unwrap()
}

fn line<'r>(report: &'r Report, name: &str) -> &'r Line {
    let found = report.series.iter().find(|line| line.name == name);
    found.unwrap_or_else(|| panic!("no series {name}"))
}

/// The figure of the present period, and the sum.
fn last(report: &Report, name: &str) -> (Figure, Figure) {
    let line = line(report, name);
    assert_eq!(line.values.len(), report.periods.len());
    (*line.values.last().unwrap(), line.total)
}

/// How often a bound was reached.
fn met(town: &Town, bound: &str) -> u64 {
    let bounds = town.feed.figures().bounds();
    bounds.iter().find(|(name, _)| *name == bound).expect("a bound").1
}

const FEW: Figure = Figure::FewerThan(5);

#[tokio::test]
async fn acts_of_fewer_than_insights_people_min_people_are_not_told_and_those_of_five_are() {
    let town = Town::with_people().await;
    let readers = readers(&town, 6).await;
    let mut marks = Vec::new();
    for (user, _) in &readers {
        marks.push(view(&town, *user).await);
    }
    for length in Length::ALL {
        let none = report(&town, length).await;
        assert_eq!(last(&none, "clicked"), (FEW, FEW), "none is told like four");
        assert_eq!(last(&none, "first_shown"), (Figure::Exact(6), Figure::Exact(6)));
        let merit = last(&none, "shown_merit");
        assert_eq!(merit, (Figure::Exact(6), Figure::Exact(6)), "{length:?}");
        assert_eq!(last(&none, "median_slot").0, Figure::Exact(1));
    }
    for ((user, story), mark) in readers.iter().zip(&marks).take(4) {
        town.feed.clicked(*user, *story, mark);
    }
    assert_eq!(last(&report(&town, Length::Day).await, "clicked"), (FEW, FEW));
    town.feed.clicked(readers[4].0, readers[4].1, &marks[4]);
    town.feed.hide(readers[0].0, readers[0].1).await.unwrap();
    let five = report(&town, Length::Day).await;
    assert_eq!(last(&five, "clicked").0, Figure::Exact(5));
    // The other days are not told, so the sum does not tell of them either.
    assert_eq!(last(&five, "clicked").1, Figure::AtLeast(5));
    assert_eq!(last(&five, "hidden"), (FEW, FEW));
    let json = serde_json::to_value(line(&five, "hidden")).unwrap();
    assert_eq!(
        (json["total"].as_str(), json["group"].as_str()),
        (Some("fewer than 5"), Some("stories"))
    );
    assert_eq!(
        serde_json::to_value(line(&five, "clicked")).unwrap()["total"],
        "5 or more"
    );
    assert_eq!(five.quality.now.score, None);
    assert!(met(&town, "insights_people_min") > 0);
}

#[tokio::test]
async fn an_act_that_was_taken_back_is_counted_for_nobody() {
    let town = Town::with_people().await;
    let readers = readers(&town, 5).await;
    for (user, story) in &readers {
        view(&town, *user).await;
        town.feed.hide(*user, *story).await.unwrap();
    }
    assert_eq!(
        last(&report(&town, Length::Hour).await, "hidden").0,
        Figure::Exact(5)
    );
    town.feed.undo(readers[0].0, readers[0].1).await.unwrap();
    assert_eq!(last(&report(&town, Length::Hour).await, "hidden"), (FEW, FEW));
}

#[tokio::test]
async fn quality_tells_its_bucket_once_enough_people_have_acted() {
    let town = Town::with_people().await;
    let readers = readers(&town, 5).await;
    for (user, story) in &readers {
        let mark = view(&town, *user).await;
        town.feed.clicked(*user, *story, &mark);
    }
    town.feed.write_notes().await;
    town.clock.advance_ms(HOUR_MS);
    let quality = report(&town, Length::Hour).await.quality;
    // q = ⌊(1000 × 5 + 2000) / (5 + 50)⌋ = 127.
    let now = &quality.now;
    assert_eq!(
        (now.first_shown, now.clicked, now.hidden),
        (5, Figure::Exact(5), FEW)
    );
    assert_eq!(now.score.map(|score| (score.q, score.bucket)), Some((127, 7)));
    assert_eq!(quality.hours.last(), Some(now));
}

#[tokio::test]
async fn stories_that_were_never_shown_have_their_reason_in_counts_and_no_persons_act_is_among_them() {
    let town = Town::with_people().await;
    let readers = readers(&town, 7).await;
    let app = town.app().await.id;
    for (user, _) in &readers[..5] {
        assert!(town.feed.set_slider(*user, app, 0).await.unwrap());
    }
    town.accounts
        .switch_stories(app, readers[5].0, false)
        .await
        .unwrap();
    let told = |report: &Report| -> Vec<(&str, u64)> {
        report
            .never_shown
            .iter()
            .map(|fate| (fate.verdict, fate.stories))
            .collect()
    };
    let report_now = report(&town, Length::Day).await;
    assert_eq!(told(&report_now), [(NOT_TOLD, 2), ("slider_none", 5)]);
    assert!(town.feed.set_slider(readers[0].0, app, 2).await.unwrap());
    assert_eq!(told(&report(&town, Length::Day).await), [(NOT_TOLD, 7)]);
    let few = InsightRules {
        readers_max: 3,
        ..rules()
    };
    let app = town.app().await;
    let some = insights(&town, few).report(&app, Length::Day).await.unwrap();
    assert_eq!(told(&some), [(NOT_TOLD, 3)], "insights_readers_max");
    assert_eq!(met(&town, "insights_readers_max"), 1);
    town.clock.advance_ms(7 * DAY_MS);
    assert_eq!(told(&report(&town, Length::Day).await), [("expired", 7)]);
}

/// One more than nothing in this hour.
fn one(app: &App, hour: i64) -> Count {
    Count {
        app: app.id,
        hour,
        series: Series::Message("accepted"),
        more: 1,
    }
}

#[tokio::test]
async fn insights_hours_keep_and_insights_days_keep_let_counts_go_each_at_its_age() {
    let town = Town::with_people().await;
    let app = town.app().await;
    let hour = town.ports.clock.wall().0 / 3_600_000;
    let hours = [0, 1, 47, 48, 49].map(|back| one(&app, hour - back));
    town.write(vec![Write::Count(hours.to_vec())]).await;
    let short = InsightRules {
        hours_keep: Span(DAY_MS),
        days_keep: Span(2 * DAY_MS),
        ..rules()
    };
    insights(&town, short).let_go().await;
    let kept = |grain| town.ports.store.counts(app.id, grain, (0, hour + 24));
    let of_hours: Vec<i64> = kept(Grain::Hour)
        .await
        .unwrap()
        .iter()
        .map(|row| hour - row.hour)
        .collect();
    assert_eq!(of_hours, [1, 0]);
    let of_days = kept(Grain::Day).await.unwrap();
    assert!(
        of_days
            .iter()
            .all(|row| row.hour % 24 == 0 && row.hour >= hour - 48),
        "{of_days:?}"
    );
    assert!(!of_days.is_empty());
    let bounds = ["insights_hours_keep", "insights_days_keep"].map(|bound| met(&town, bound));
    assert_eq!(bounds, [1, 1]);
}

#[tokio::test]
async fn counts_add_up_hour_by_hour_and_those_of_an_application_that_is_gone_are_left_out() {
    let town = Town::with_people().await;
    let app = town.app().await;
    let stranger = App {
        id: crier_proto::ids::AppId::new(4_711).unwrap(),
        ..App::clone(&app)
    };
    let hour = town.ports.clock.wall().0 / 3_600_000;
    let rows = vec![one(&app, hour), one(&app, hour), one(&stranger, hour)];
    town.write(vec![Write::Count(rows)]).await;
    town.ports
        .tally
        .of(app.id)
        .add(town.ports.clock.wall(), Series::Message("accepted"));
    for length in Length::ALL {
        let told = last(&report(&town, length).await, "messages_accepted");
        assert_eq!(told, (Figure::Exact(3), Figure::Exact(3)), "{length:?}");
    }
    let none = town
        .ports
        .store
        .counts(stranger.id, Grain::Hour, (0, hour + 1))
        .await
        .unwrap();
    assert_eq!(none, []);
}

/// A picture of four bytes.
fn kept(number: u8) -> Picture {
    Picture {
        hash: PictureHash([number; 32]),
        kind: PictureType::Png,
        width: 1,
        height: 1,
        bytes: vec![number; 4].into(),
    }
}

/// Twelve bytes of pictures that nobody may evict.
async fn fill_cache(town: &Town, app: &App) {
    let photo = NewPhoto {
        pid: Pid::new(7).unwrap(),
        owner: app.owner,
        app: app.id,
        caption: String::new(),
        image: ImageHash([9; 32]),
        pictures: [1, 2, 3].map(kept),
        per_user_max: 1,
    };
    town.write(vec![Write::Picture(PictureWrite::AddPhoto(Box::new(photo)))])
        .await;
}

async fn waiting_source(town: &Town) -> SourceHash {
    let query = JobQuery {
        now: town.ports.clock.wall(),
        after: None,
        busy_apps: Vec::new(),
        busy_hosts: Vec::new(),
        running: Vec::new(),
    };
    match town.ports.store.next_job(query).await.unwrap() {
        NextJob::Now(job) => job.source,
        other => panic!("no job: {other:?}"),
    }
}

#[tokio::test]
async fn a_waiting_picture_says_what_it_waits_for_and_a_failed_one_why_it_is_not_there() {
    let town = Town::with_people().await;
    let app = town.app().await;
    town.publish("Rochambeau", "With a picture", |story| {
        story.slots = vec![slot(1)];
    })
    .await;
    let source = waiting_source(&town).await;
    let absent = async |rules: InsightRules| {
        let report = insights(&town, rules).report(&app, Length::Day).await.unwrap();
        let [absent] = report.absent_pictures.as_slice() else {
            panic!("{:?}", report.absent_pictures)
        };
        absent.clone()
    };
    let settle = async |settlement, spent| {
        let attempt = Attempt {
            source,
            settlement,
            spent,
        };
        let writes = [
            PictureWrite::Settle(Box::new(attempt)),
            PictureWrite::Fill(source),
            PictureWrite::End(source),
        ];
        town.write(writes.map(Write::Picture).to_vec()).await;
    };
    let turn = absent(rules()).await;
    assert_eq!(turn.address, "http://pictures.example/1.png");
    assert_eq!(
        (turn.state, turn.waits_for, turn.attempts),
        ("pending", Some(WaitsFor::Turn), 0)
    );
    assert_eq!(
        (turn.slots, turn.cause.as_deref(), turn.may_be_fetched_again),
        (1, None, false)
    );

    // The first attempt has failed: the next one is known, and so is the cause.
    let due = town.ports.clock.wall().plus_ms(30_000);
    let later = Settlement::Later {
        cause: Cause::Timeout,
        due,
    };
    settle(later, Some(1_000)).await;
    let retry = absent(rules()).await;
    assert_eq!((retry.waits_for, retry.attempts), (Some(WaitsFor::Retry), 1));
    assert_eq!(
        (retry.cause.as_deref(), retry.next_attempt),
        (Some("timeout"), Some(due.secs_rounded_up()))
    );

    // Its moment has come, but the hour is used up: by fetches, or by bytes.
    town.clock.advance_ms(31_000);
    let next_hour = (town.ports.clock.wall().secs() / 3_600 + 1) * 3_600;
    for pictures in [
        PictureRules {
            app_fetches_per_hour: 1,
            ..rules().pictures
        },
        PictureRules {
            app_bytes_per_hour: 1_000,
            ..rules().pictures
        },
    ] {
        let spent = InsightRules { pictures, ..rules() };
        let budget = absent(spent).await;
        assert_eq!(
            (budget.waits_for, budget.next_attempt),
            (Some(WaitsFor::AppBudget), Some(next_hour))
        );
        assert_eq!((budget.cause.as_deref(), budget.attempts), (Some("timeout"), 1));
    }

    // Nothing is fetched while the cache is full, whatever else would hold it up.
    fill_cache(&town, &app).await;
    let pictures = PictureRules {
        app_fetches_per_hour: 1,
        cache_bytes_hard: 11,
        ..rules().pictures
    };
    let full = absent(InsightRules { pictures, ..rules() }).await;
    assert_eq!(
        (full.waits_for, full.next_attempt),
        (Some(WaitsFor::CacheFull), None)
    );

    settle(Settlement::Failed(Cause::Status(404)), Some(0)).await;
    let failed = absent(rules()).await;
    assert_eq!(
        (failed.state, failed.waits_for, failed.attempts),
        ("failed", None, 2)
    );
    assert_eq!(
        (failed.cause.as_deref(), failed.next_attempt),
        (Some("status_404"), None)
    );
    assert!(failed.may_be_fetched_again);
    let slots = report(&town, Length::Day).await.pictures;
    assert_eq!(slots.len(), 1);
    assert_eq!(
        (slots[0].state.as_str(), slots[0].cause.as_deref(), slots[0].slots),
        ("failed", Some("status_404"), 1)
    );
}

#[tokio::test]
async fn the_next_allowed_time_is_told_for_people_who_have_accepted() {
    let town = Town::with_people().await;
    let (app, bo) = (town.app().await, town.user("bo").await.uid);
    let next = async |user| insights(&town, rules()).next_allowed(&app, user).await.unwrap();
    assert_eq!(next(bo).await, NextAllowed::NoGrant);
    let terms = Write::AcceptTerms {
        app: app.id,
        user: bo,
        added: false,
    };
    town.write(vec![terms]).await;
    assert_eq!(next(bo).await, NextAllowed::Now);
    town.publish("Rochambeau", "A story", |_| ()).await;
    let then = town.ports.clock.wall().plus_ms(43_200_000);
    assert_eq!(next(bo).await, NextAllowed::At(then));
    assert_eq!(next(app.owner).await, NextAllowed::Always);
    town.clock.advance_ms(12 * HOUR_MS);
    assert_eq!(next(bo).await, NextAllowed::Now);
}

#[tokio::test]
async fn whoever_counts_never_waits_and_what_the_books_did_not_take_is_written_later() {
    let town = Town::with_people().await;
    let app = town.app().await;
    let tally = Arc::clone(&town.ports.tally);
    tally
        .of(app.id)
        .add(town.ports.clock.wall(), Series::Ended("acked"));
    let taken = tally.take();
    assert!(tally.put_back(taken, town.ports.clock.wall()));
    assert_eq!(
        last(&report(&town, Length::Hour).await, "messages_accepted").0,
        Figure::Exact(0)
    );
    let kept = town
        .ports
        .store
        .counts(app.id, Grain::Hour, (0, i64::MAX))
        .await
        .unwrap();
    assert_eq!(
        (kept.len(), kept[0].series.as_str(), kept[0].count),
        (1, "ended/acked", 1)
    );
}
