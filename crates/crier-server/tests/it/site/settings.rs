//! Settings: accepted applications, withdrawing, the time zone.

use crate::site::browser::location;
use crate::site::stage::Stage;

#[tokio::test]
async fn accepted_applications_are_listed_with_their_switch() {
    let stage = Stage::open().await;
    let mut bo = stage.logged_in("bo").await;
    assert!(
        bo.get("/settings")
            .await
            .text()
            .contains("You have not accepted any application yet")
    );
    stage.grant("Rochambeau").await;
    let app = stage.app("Rochambeau").await.id.to_string();
    let page = bo.get("/settings").await;
    assert!(page.text().contains("Rochambeau") && page.text().contains("Stories are <strong>on</strong>"));
    let off = bo
        .submit("/settings/stories", &[("app", &app), ("stories", "off")])
        .await;
    assert_eq!(
        (off.status, location(&off)),
        (303, format!("/settings#app{app}").as_str())
    );
    assert!(
        bo.get("/settings")
            .await
            .text()
            .contains("Stories are <strong>off</strong>")
    );
    let on = bo
        .submit("/settings/stories", &[("app", &app), ("stories", "on")])
        .await;
    assert_eq!(on.status, 303);
    assert!(
        bo.get("/settings")
            .await
            .text()
            .contains("Stories are <strong>on</strong>")
    );
}

#[tokio::test]
async fn withdrawing_asks_first_and_then_ends_the_applications_sessions() {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    stage.publish("Rochambeau", &[("title", "You won")]).await;
    let app = stage.app("Rochambeau").await.id.to_string();
    let caller = stage.caller("Rochambeau").await;
    let mut bo = stage.logged_in("bo").await;
    let asked = bo.get(&format!("/settings/withdraw?app={app}")).await;
    assert!(
        asked
            .text()
            .contains("Withdraw from <bdi dir=\"auto\">Rochambeau</bdi>?")
    );
    assert!(
        caller
            .call("users.getLoggedInUser", &[])
            .await
            .unwrap()
            .error_code()
            .is_none()
    );
    let done = bo.submit("/settings/withdraw", &[("app", &app)]).await;
    assert_eq!((done.status, location(&done)), (303, "/settings?done=withdrawn"));
    let ended = caller.call("users.getLoggedInUser", &[]).await.unwrap();
    assert_eq!(ended.error_code(), Some(102), "{}", ended.text());
    assert!(!bo.get("/feed").await.text().contains("You won"));
    assert_eq!(bo.get(&format!("/settings/withdraw?app={app}")).await.status, 404);
}

#[tokio::test]
async fn an_application_that_was_not_accepted_cannot_be_switched() {
    let stage = Stage::open().await;
    let app = stage.app("Rochambeau").await.id.to_string();
    let mut bo = stage.logged_in("bo").await;
    bo.get("/settings").await;
    let token = bo.form_token();
    for app in [app.as_str(), "4711", "x", ""] {
        let fields = [("app", app), ("stories", "on")];
        let answer = bo.post("/settings/stories", Some(&token), &fields).await;
        assert!(
            answer.status == 400 || answer.status == 404,
            "{app}: {}",
            answer.status
        );
    }
    assert!(
        bo.get("/settings")
            .await
            .text()
            .contains("You have not accepted any application yet")
    );
}

#[tokio::test]
async fn times_are_shown_in_the_zone_that_was_chosen() {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    stage.publish("Rochambeau", &[("title", "You won")]).await;
    let mut bo = stage.logged_in("bo").await;
    assert!(bo.get("/feed").await.text().contains(">Today at 00:00</time>"));
    bo.get("/settings").await;
    let saved = bo.submit("/settings/time-zone", &[("zone", "Asia/Tokyo")]).await;
    assert_eq!(location(&saved), "/settings?done=zone");
    let page = bo.get("/feed").await;
    assert!(page.text().contains(">Today at 09:00</time>") && page.text().contains("2026-11-21T00:00:01Z"));
    bo.get("/settings").await;
    assert_eq!(
        bo.submit("/settings/time-zone", &[("zone", "Middle/Earth")])
            .await
            .status,
        400
    );
}
