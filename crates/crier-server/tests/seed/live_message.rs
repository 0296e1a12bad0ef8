//! The page of LiveMessage.send.

use crate::stage::{stage, stage_with};
use crier_platform::model::app::ProfileName;
use crier_testkit::identity::{APP_NAME, SENDER};

const SEND: &str = "liveMessage.send";
const RECIPIENT: &str = "563683308";

fn message<'text>(event: &'text str, text: &'text str) -> [(&'text str, &'text str); 3] {
    [("recipient", RECIPIENT), ("event_name", event), ("message", text)]
}

#[tokio::test]
async fn live_message_send_is_served_under_every_spelling_of_its_name() {
    let stage = stage().await;
    for spelling in [
        "liveMessage.send",
        "facebook.liveMessage.send",
        "facebook.livemessage.send",
        "LiveMessage.send",
        "liveMessage_send",
    ] {
        assert_eq!(stage.code(spelling, &message("e", "{}")).await, 0, "{spelling}");
    }
}

#[tokio::test]
async fn a_live_message_reaches_the_recipients_open_page_and_nobody_elses() {
    let stage = stage().await;
    let mut theirs = stage.page_of("recipient", &["rochambeau"]).await;
    let mut own = stage.page_of("sender", &["rochambeau"]).await;
    stage.call(SEND, &message("rochambeau", "{\"n\":1}")).await;
    stage
        .call(
            SEND,
            &[
                ("recipient", "1240077"),
                ("event_name", "rochambeau"),
                ("message", "{\"n\":2}"),
            ],
        )
        .await;
    let got = theirs
        .next_of("message")
        .await
        .expect("the recipient's page gets it");
    assert_eq!(
        (&got["raw"], &got["from"], &got["seq"]),
        (&"{\"n\":1}".into(), &"1240077".into(), &1.into())
    );
    let got = own
        .next_of("message")
        .await
        .expect("the other user's page gets its own");
    assert_eq!(got["raw"], "{\"n\":2}");
}

#[tokio::test]
async fn sender_and_recipient_must_both_have_accepted_the_application() {
    let stage = stage().await;
    let accounts = stage.server.accounts();
    assert_eq!(stage.code(SEND, &message("e", "{}")).await, 0);
    accounts
        .remove_grant(APP_NAME, "recipient")
        .await
        .expect("the recipient withdraws");
    let refused = stage.call(SEND, &message("e", "{}")).await;
    assert_eq!(refused.error_code(), Some(292));
    assert!(refused.text().contains("An application is only allowed to send LiveMessages to users who have accepted the TOS for that application.<"));
    accounts
        .add_grant(APP_NAME, "recipient", true)
        .await
        .expect("the recipient accepts again");
    assert_eq!(stage.code(SEND, &message("e", "{}")).await, 0);
    accounts
        .remove_grant(APP_NAME, "sender")
        .await
        .expect("the sender withdraws");
    let without = stage.caller_of("sender").await;
    assert_eq!(
        without
            .call(SEND, &message("e", "{}"))
            .await
            .expect("an answer")
            .error_code(),
        Some(292)
    );
}

#[tokio::test]
async fn session_key_names_the_sender() {
    let stage = stage().await;
    let mut page = stage.page_of("recipient", &["e"]).await;
    let other = stage.caller_of("recipient").await;
    other
        .call(SEND, &message("e", "\"from the recipient\""))
        .await
        .expect("an answer");
    stage.call(SEND, &message("e", "\"from the sender\"")).await;
    assert_eq!(
        page.next_of("message").await.expect("a message")["from"],
        RECIPIENT
    );
    assert_eq!(
        page.next_of("message").await.expect("a message")["from"],
        SENDER.to_string()
    );
}

#[tokio::test]
async fn recipient_is_a_user_id() {
    let stage = stage().await;
    let own = |recipient: &'static str| [("recipient", recipient), ("event_name", "e"), ("message", "{}")];
    for malformed in [
        "",
        "0",
        "x",
        "-1",
        "01",
        "9223372036854775808",
        "5636833 08",
        "1.0",
    ] {
        let refused = stage.call(SEND, &own(malformed)).await;
        assert_eq!(refused.error_code(), Some(100), "{malformed}");
        assert!(
            refused.text().contains("Invalid parameter: recipient"),
            "{}",
            refused.text()
        );
    }
    assert_eq!(stage.code(SEND, &own("9223372036854775807")).await, 292);
    assert_eq!(stage.code(SEND, &own("563683308")).await, 0);
}

#[tokio::test]
async fn pages_get_the_events_they_registered() {
    let stage = stage().await;
    let mut page = stage.page_of("recipient", &["wanted"]).await;
    stage.call(SEND, &message("other", "1")).await;
    stage.call(SEND, &message("wanted", "2")).await;
    let got = page.next_of("message").await.expect("a message");
    assert_eq!((&got["event"], &got["raw"]), (&"wanted".into(), &"2".into()));
}

#[tokio::test]
async fn event_name_of_128_bytes_passes_and_of_129_is_error_1101() {
    let stage = stage().await;
    for (event, code) in [
        ("e".repeat(128), 0),
        ("é".repeat(64), 0),
        ("e".repeat(129), 1101),
        (format!("{}e", "é".repeat(64)), 1101),
    ] {
        assert_eq!(
            stage.code(SEND, &message(&event, "{}")).await,
            code,
            "{} bytes",
            event.len()
        );
    }
    let refused = stage.call(SEND, &message(&"e".repeat(129), "{}")).await;
    assert!(
        refused
            .text()
            .contains("<error_msg>The event_name parameter must be no longer than 128 bytes.</error_msg>")
    );
}

#[tokio::test]
async fn message_of_1024_bytes_passes_and_of_1025_is_error_1102() {
    let stage = stage().await;
    for (text, code) in [
        ("m".repeat(1024), 0),
        ("😀".repeat(256), 0),
        ("m".repeat(1025), 1102),
        (format!("{}m", "😀".repeat(256)), 1102),
    ] {
        assert_eq!(
            stage.code(SEND, &message("e", &text)).await,
            code,
            "{} bytes",
            text.len()
        );
    }
    let refused = stage.call(SEND, &message("e", &"m".repeat(1025))).await;
    assert!(
        refused
            .text()
            .contains("<error_msg>The message parameter must be no longer than 1024 bytes</error_msg>")
    );
}

#[tokio::test]
async fn the_message_is_passed_on_byte_for_byte_and_as_a_value() {
    let stage = stage().await;
    let mut page = stage.page_of("recipient", &["e"]).await;
    let cases = [
        (
            "{\"a\": [1, 2.50, \"é </script>\"]}",
            Some("{\"a\": [1, 2.50, \"é </script>\"]}"),
        ),
        ("{message:'hi'}", Some("{\"message\":\"hi\"}")),
        ("no JSON at all", None),
    ];
    for (text, value) in cases {
        stage.call(SEND, &message("e", text)).await;
        let got = page.next_of("message").await.expect("a message");
        assert_eq!(got["raw"], text);
        let wanted: Option<serde_json::Value> = value.map(|value| serde_json::from_str(value).expect("JSON"));
        assert_eq!(got.get("data"), wanted.as_ref());
    }
}

#[tokio::test]
async fn the_example_request_of_the_page_is_accepted() {
    let stage = stage().await;
    let mut page = stage.page_of("recipient", &["rochambeau"]).await;
    let answer = stage
        .call(SEND, &message("rochambeau", "{message:\"Let's start a game.\"}"))
        .await;
    assert_eq!(answer.error_code(), None);
    let got = page.next_of("message").await.expect("a message");
    assert_eq!(got["raw"], "{message:\"Let's start a game.\"}");
    assert_eq!(got["data"], serde_json::json!({"message": "Let's start a game."}));
}

#[tokio::test]
async fn the_example_answer_of_the_page_is_given() {
    let stage = stage().await;
    let answer = stage.call(SEND, &message("e", "{}")).await;
    let example = "<?xml version=\"1.0\" encoding=\"UTF-8\"?> <liveMessage_send_response xmlns=\"http://api.facebook.com/1.0/\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"http://api.facebook.com/1.0/ http://api.facebook.com/1.0/facebook.xsd\">1</liveMessage_send_response>";
    assert_eq!(answer.text().trim_end().replace("?>\n", "?> "), example);
    assert_eq!(answer.header("content-type"), Some("text/xml; charset=utf-8"));
}

#[tokio::test]
async fn a_full_application_mailbox_is_error_1100() {
    let stage = stage_with(ProfileName::Documented, &[("CRIER__LIVE__APP_ITEMS_MAX", "3")]).await;
    for _ in 0..3 {
        assert_eq!(stage.code(SEND, &message("e", "{}")).await, 0);
    }
    let refused = stage.call(SEND, &message("e", "{}")).await;
    assert_eq!(refused.error_code(), Some(1100));
    assert!(
        refused
            .text()
            .contains("<error_msg>An error occurred while sending the LiveMessage.</error_msg>")
    );
}
