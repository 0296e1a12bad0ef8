//! Insights from outside: exact numbers after known calls, for the owner alone (feed 5.7).

use crate::live::{ORIGIN, PAGE};
use crate::site::browser::location;
use crate::site::stage::Stage;
use crier_platform::model::app::AppKind;
use crier_testkit::page::{FakePage, PageAddress};
use serde_json::{Value, json};

const PUBLISH: &str = "feed.publishStoryToUser";

async fn told(stage: &Stage, name: &str, by: &str) -> Value {
    let app = stage.app("Rochambeau").await.id;
    let mut ada = stage.logged_in("ada").await;
    let answer = ada.get(&format!("/developers/{app}/insights.json?by={by}")).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/json"))
    );
    let report = answer.json();
    if name.is_empty() {
        return report;
    }
    let series = report["series"].as_array().unwrap();
    let found = series.iter().find(|line| line["name"] == name);
    found
        .unwrap_or_else(|| panic!("no series {name} in {series:?}"))
        .clone()
}

/// What the present period and all of them say.
async fn last(stage: &Stage, name: &str, by: &str) -> (Value, Value) {
    let line = told(stage, name, by).await;
    (
        line["values"].as_array().unwrap().last().unwrap().clone(),
        line["total"].clone(),
    )
}

/// Bo has accepted; calls of every result, two messages to bo of which one finds a page.
async fn evening() -> Stage {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    let origins = [("origins".to_owned(), ORIGIN.to_owned())];
    stage
        .server
        .accounts()
        .set_app("Rochambeau", &origins)
        .await
        .unwrap();
    stage.publish("Rochambeau", &[("title", "One")]).await;
    let caller = stage.caller("Rochambeau").await;
    for (params, code) in [
        (&[("title", "Two")][..], Some(340)),
        (&[("title", "&nbsp;")], Some(345)),
        (&[("title", "&nbsp;")], Some(345)),
    ] {
        let answer = caller.call(PUBLISH, params).await.unwrap();
        assert_eq!(answer.error_code(), code, "{}", answer.text());
    }
    let wrong = caller.with_secret("0123456789abcdef0123456789abcdef");
    let answer = wrong.call("users.isAppUser", &[]).await.unwrap();
    assert_eq!(answer.error_code(), Some(104), "{}", answer.text());
    stage
}

#[tokio::test]
async fn calls_errors_and_stories_are_counted_exactly_hour_by_hour_and_over_a_restart() {
    let stage = evening().await;
    let mut bo = stage.logged_in("bo").await;
    bo.get("/feed").await;
    stage.server.state.feed.write_notes().await;
    for by in ["hour", "day", "week", "month"] {
        for (name, count) in [
            ("calls", 5),
            ("errors", 4),
            ("accepted", 1),
            ("refused", 3),
            ("not_permitted", 0),
            ("error_340:window", 1),
            ("error_345:title_blank", 2),
            ("error_104", 1),
            ("first_shown", 1),
            ("shown_merit", 1),
            ("median_slot", 1),
        ] {
            assert_eq!(
                last(&stage, name, by).await,
                (json!(count), json!(count)),
                "{name} by {by}"
            );
        }
    }
    assert_eq!(
        last(&stage, "clicked", "day").await,
        (json!("fewer than 5"), json!("fewer than 5"))
    );
    let calls = told(&stage, "", "day").await["calls"].clone();
    let blank = json!({"method": PUBLISH, "code": 345, "kind": "title_blank", "count": 2});
    assert!(calls.as_array().unwrap().contains(&blank), "{calls}");

    // An hour later the same numbers stand an hour further back.
    stage.server.clock.advance_ms(3_600_000);
    let line = told(&stage, "calls", "hour").await;
    let values = line["values"].as_array().unwrap();
    assert_eq!(
        (values.len(), &values[46], &values[47]),
        (48, &json!(5), &json!(0))
    );
    let stage = Stage {
        server: stage.server.restart(&[]).await.unwrap(),
    };
    assert_eq!(last(&stage, "calls", "day").await, (json!(5), json!(5)));
}

#[tokio::test]
async fn messages_are_counted_when_they_are_accepted_delivered_and_acked() {
    let stage = evening().await;
    let caller = stage.caller("Rochambeau").await;
    let bo = "563683308";
    let send = [("recipient", bo), ("event_name", "e"), ("message", "1")];
    // Nobody handles this one, and nobody will.
    let elsewhere = [("recipient", bo), ("event_name", "elsewhere"), ("message", "1")];
    let first = caller.call("liveMessage.send", &elsewhere).await.unwrap();
    assert_eq!(first.error_code(), None, "{}", first.text());
    assert_eq!(last(&stage, "messages_delivered", "hour").await.0, json!(0));
    let ticket = caller
        .call("liveMessage.createTicket", &[("format", "json")])
        .await
        .unwrap()
        .json();
    let at = PageAddress {
        address: stage.server.address,
        base_path: String::new(),
        api_key: stage.app("Rochambeau").await.api_key.to_string(),
        origin: Some(ORIGIN.to_owned()),
    };
    let mut page = FakePage::open(&at, PAGE).await.unwrap();
    page.hello(ticket["ticket"].as_str().unwrap(), &["e"])
        .await
        .unwrap();
    caller.call("liveMessage.send", &send).await.unwrap();
    let id = page.next_of("message").await.unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    page.ack(&[&id]).await.unwrap();
    // The page's next answer comes behind its ack.
    page.register(&["e", "f"]).await.unwrap();
    let expected = [
        ("messages_accepted", 2),
        ("messages_no_handler", 1),
        ("messages_delivered", 1),
        ("messages_acked", 1),
        ("messages_expired", 0),
    ];
    for (name, count) in expected {
        assert_eq!(
            last(&stage, name, "hour").await,
            (json!(count), json!(count)),
            "{name}"
        );
    }
}

#[tokio::test]
async fn insights_are_there_for_the_owner_alone() {
    let stage = evening().await;
    let app = stage.app("Rochambeau").await.id;
    let mut bo = stage.logged_in("bo").await;
    let own = stage.add_app("Of bo", "", AppKind::Web).await;
    let owner = [("owner".to_owned(), "bo".to_owned())];
    stage.server.accounts().set_app("Of bo", &owner).await.unwrap();
    for path in ["insights", "insights.json"] {
        assert_eq!(
            bo.get(&format!("/developers/{}/{path}", own.id)).await.status,
            200
        );
        let foreign = bo.get(&format!("/developers/{app}/{path}")).await;
        let missing = bo.get(&format!("/developers/4711/{path}")).await;
        assert_eq!((foreign.status, missing.status), (404, 404));
        assert_eq!(foreign.text(), missing.text());
        let nobody = stage.browser().get(&format!("/developers/{app}/{path}")).await;
        assert_eq!(nobody.status, 303);
        assert!(location(&nobody).starts_with("/login"), "{}", location(&nobody));
        let length = bo.get(&format!("/developers/{}/{path}?by=year", own.id)).await;
        assert_eq!(length.status, 404);
    }
}

#[tokio::test]
async fn the_page_has_a_plot_with_title_and_numbers_for_every_series_and_answers_for_a_person() {
    let stage = evening().await;
    let app = stage.app("Rochambeau").await.id;
    let mut ada = stage.logged_in("ada").await;
    let page = ada
        .get(&format!("/developers/{app}/insights?by=hour&uid=563683308"))
        .await;
    let text = page.text();
    assert_eq!(page.status, 200);
    for part in [
        "<figcaption>All calls <b>5</b></figcaption>",
        "<figcaption>345 Feed story title rendered as blank: title_blank <b>2</b></figcaption>",
        "role=\"img\" aria-labelledby=\"calls0-t calls0-d\"><title id=\"calls0-t\">All calls</title>\
         <desc id=\"calls0-d\">5 in all. The most in one hour: 5, 2026-11-21 00:00.</desc>",
        "<tr><th scope=\"row\">2026-11-21 00:00</th><td>5</td></tr>",
        "<td>fewer than 5</td>",
        "Not before <time datetime=\"2026-11-21T12:00:01Z\"",
        "href=\"/developers/",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains("<script") && !text.contains("style="), "{text}");
    for (asked, uid) in [("563683308", "563683308"), ("bo&uid=7", "none")] {
        let answer = ada
            .submit(&format!("/developers/{app}/insights/next"), &[("uid", asked)])
            .await;
        let there = format!("/developers/{app}/insights?uid={uid}#next");
        assert_eq!((answer.status, location(&answer)), (303, there.as_str()));
        ada.get(&format!("/developers/{app}/insights")).await;
    }
    for (uid, words) in [
        ("1240077", "At any time: you own the application."),
        ("4711", "This person has not accepted your application."),
        ("bo", "That is no user id: write the number."),
    ] {
        let answer = ada.get(&format!("/developers/{app}/insights?uid={uid}")).await;
        assert!(answer.text().contains(words), "{uid}");
    }
}

#[tokio::test]
async fn a_failed_picture_is_named_with_its_cause_and_can_be_fetched_again_by_its_owner() {
    let stage = evening().await;
    let another = stage.add_app("Second", "", AppKind::Web).await;
    stage.grant("Second").await;
    // A loopback address: the guard refuses it for good.
    let params = [
        ("title", "With a picture"),
        ("image_1", "http://127.0.0.1:80/p.png"),
        ("image_1_link", "http://links.example/"),
    ];
    stage.publish("Second", &params).await;
    let mut ada = stage.logged_in("ada").await;
    let path = format!("/developers/{}/insights", another.id);
    let absent = loop {
        let report = ada.get(&format!("{path}.json")).await.json();
        let absent = report["absent_pictures"][0].clone();
        if absent["state"] == "failed" {
            break absent;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(absent["address"], "http://127.0.0.1/p.png");
    assert_eq!(
        (&absent["cause"], &absent["attempts"]),
        (&json!("forbidden_address"), &json!(1))
    );
    let source = absent["source"].as_str().unwrap();
    let page = ada.get(&path).await;
    assert!(
        page.text()
            .contains("cause <code>forbidden_address</code> · attempts 1"),
        "{}",
        page.text()
    );
    let queued = ada
        .submit(&format!("{path}/fetch-again"), &[("source", source)])
        .await;
    assert_eq!(
        (queued.status, location(&queued)),
        (303, format!("{path}?queued=1#pictures").as_str())
    );
    ada.get(&path).await;
    let none = ada
        .submit(&format!("{path}/fetch-again"), &[("source", "x")])
        .await;
    assert_eq!(none.status, 404);
}
