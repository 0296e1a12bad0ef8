//! Figures of the feed after a scripted day: exact numbers, series by series (feed 10.1).

use crate::figures::scrape;
use crate::site::browser::between;
use crate::site::stage::Stage;
use std::collections::BTreeMap;

const PUBLISH: &str = "feed.publishStoryToUser";

/// Series of a family of the feed that have counted, by their label's value.
async fn counted(stage: &Stage, family: &str) -> Vec<(String, f64)> {
    let prefix = format!("crier_feed_{family}{{");
    let page: BTreeMap<String, f64> = scrape(&stage.server).await;
    let moved = page
        .iter()
        .filter(|(series, value)| series.starts_with(&prefix) && **value > 0.0);
    moved
        .map(|(series, value)| (between(series, "=\"", "\"").unwrap().to_owned(), *value))
        .collect()
}

/// Refuses one story and says by what it was counted.
async fn refused_as(stage: &Stage, params: &[(&str, &str)]) -> String {
    let before = counted(stage, "refused_total").await;
    let answer = stage
        .caller("Rochambeau")
        .await
        .call(PUBLISH, params)
        .await
        .unwrap();
    assert!(answer.error_code().is_some(), "{}", answer.text());
    let after = counted(stage, "refused_total").await;
    let moved: Vec<_> = after.into_iter().filter(|row| !before.contains(row)).collect();
    assert_eq!(moved.len(), 1, "{moved:?}");
    moved[0].0.clone()
}

async fn stage() -> Stage {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    stage
}

#[tokio::test]
async fn clusters_bytes_of_text_bytes_of_markup_and_bytes_of_a_link_are_counted_each_by_itself() {
    let stage = stage().await;
    let stacked = |times: usize| format!("a{}", "\u{301}".repeat(5)).repeat(times);
    let references = |times: usize| "&#x000000041;".repeat(times);
    let link = format!("http://e.example/{}", "x".repeat(2_032));
    let anchor = format!("<a href=\"{link}\">x</a>");
    for (params, cause) in [
        (vec![("title", "x".repeat(61))], "title_clusters"),
        (vec![("title", stacked(60))], "title_text_bytes"),
        (vec![("title", references(400))], "title_markup_bytes"),
        (
            vec![("title", "t".into()), ("body", "x".repeat(201))],
            "body_clusters",
        ),
        (
            vec![("title", "t".into()), ("body", stacked(200))],
            "body_text_bytes",
        ),
        (
            vec![("title", "t".into()), ("body", references(700))],
            "body_markup_bytes",
        ),
        (vec![("title", anchor)], "link_bytes"),
    ] {
        let params: Vec<(&str, &str)> = params
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        assert_eq!(refused_as(&stage, &params).await, cause);
    }
    let image = [
        ("title", "t"),
        ("image_1", link.as_str()),
        ("image_1_link", "http://e.example/"),
    ];
    assert_eq!(refused_as(&stage, &image).await, "link_bytes");
    let link = [
        ("title", "t"),
        ("image_1", "http://e.example/"),
        ("image_1_link", link.as_str()),
    ];
    assert_eq!(refused_as(&stage, &link).await, "link_bytes");
    assert_eq!(
        counted(&stage, "refused_total")
            .await
            .iter()
            .map(|(_, n)| n)
            .sum::<f64>(),
        9.0
    );
}

#[tokio::test]
async fn every_other_cause_of_a_refused_story_has_its_counter_and_a_call_its_result() {
    let stage = stage().await;
    for (params, cause) in [
        (&[("body", "b")][..], "title_missing"),
        (&[("title", "<b>t</b>")], "title_markup"),
        (
            &[(
                "title",
                "<a href=\"http://e.example\">a</a><a href=\"http://e.example\">b</a>",
            )],
            "title_links",
        ),
        (&[("title", "&nbsp;")], "title_blank"),
        (&[("title", "t"), ("body", "<br>")], "body_markup"),
        (&[("title", "t"), ("body", "&nbsp;")], "body_blank"),
        (
            &[
                ("title", "t"),
                ("image_1", "x"),
                ("image_1_link", "http://e.example"),
            ],
            "image_source",
        ),
        (
            &[
                ("title", "t"),
                ("image_1", "7"),
                ("image_1_link", "http://e.example"),
            ],
            "image_photo",
        ),
        (&[("title", "t"), ("image_1", "http://e.example")], "image_link"),
    ] {
        assert_eq!(refused_as(&stage, params).await, cause);
    }
    stage.publish("Rochambeau", &[("title", "One")]).await;
    assert_eq!(refused_as(&stage, &[("title", "Two")]).await, "window");
    stage
        .add_app("Another", "", crier_platform::model::app::AppKind::Web)
        .await;
    let zero = stage
        .caller("Another")
        .await
        .call(PUBLISH, &[("title", "0")])
        .await
        .unwrap();
    assert_eq!(zero.error_code(), None, "{}", zero.text());
    let results: BTreeMap<String, f64> = counted(&stage, "publish_total").await.into_iter().collect();
    assert_eq!((results["ok"], results["not_permitted"]), (1.0, 1.0));
    assert_eq!(results.values().sum::<f64>(), 12.0, "{results:?}");
    let page = scrape(&stage.server).await;
    assert_eq!(page["crier_feed_publish_seconds_count"], 12.0);
    assert_eq!(page[r#"crier_feed_refused_total{cause="priority"}"#], 0.0);
}

#[tokio::test]
async fn a_view_and_what_its_reader_does_are_counted_by_verdict_and_event() {
    let stage = stage().await;
    stage.publish("Rochambeau", &[("title", "One")]).await;
    let mut bo = stage.logged_in("bo").await;
    let first = bo.get("/feed").await;
    let id = crate::site::stage::first_story(&first);
    for (at, act) in [("/feed", "hide"), ("/feed/hidden", "undo"), ("/feed", "thumb")] {
        // A feed without a story has no form; what was hidden is brought back where it is listed.
        if at != "/feed" {
            bo.get(at).await;
        }
        let answer = bo.submit(&format!("/feed/{act}"), &[("story", &id)]).await;
        assert_eq!(answer.status, 303, "{act}");
        bo.get("/feed").await;
    }
    // An act writes the views that wait before it.
    let events: BTreeMap<String, f64> = counted(&stage, "event_total").await.into_iter().collect();
    for event in ["granted", "shown", "hidden", "undone", "thumbed"] {
        assert_eq!(events.get(event), Some(&1.0), "{event} {events:?}");
    }
    assert_eq!(
        counted(&stage, "verdict_total").await,
        [("hidden".to_owned(), 1.0), ("shown_merit".to_owned(), 3.0)]
    );
    let page = scrape(&stage.server).await;
    for (series, value) in [
        ("candidates_sum", 3.0),
        ("candidates_count", 4.0),
        (r#"candidates_bucket{le="1.0"}"#, 4.0),
        (r#"read_seconds_count{page="1"}"#, 4.0),
        (r#"read_seconds_count{page="later"}"#, 0.0),
        ("quarantined_total", 0.0),
        ("index_evicted_total", 0.0),
        ("views_missed_max", 0.0),
        (r#"overflow_total{name="reads_per_user"}"#, 0.0),
        (r#"overflow_total{name="live_per_user"}"#, 0.0),
    ] {
        assert_eq!(
            page.get(&format!("crier_feed_{series}")),
            Some(&value),
            "{series}"
        );
    }
    assert!(page["crier_feed_index_bytes"] > 0.0);
}

#[tokio::test]
async fn reads_per_user_is_counted_when_a_read_is_one_too_many() {
    let stage = Stage::open_with(&[("CRIER__FEED__READS_PER_USER", "1")]).await;
    let mut bo = stage.logged_in("bo").await;
    assert_eq!(bo.get("/feed").await.status, 200);
    assert_eq!(bo.get("/feed").await.status, 429);
    assert_eq!(
        counted(&stage, "overflow_total").await,
        [("reads_per_user".to_owned(), 1.0)]
    );
}
