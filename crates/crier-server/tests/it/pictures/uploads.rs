//! `photos.upload` (protocol 15.8, feed 7.12) over a real socket, with the multipart bodies of period clients.

use super::host::png;
use super::{address_of, get, publish, settled_slots};
use crate::figures::scrape;
use crate::site::browser::location;
use crate::site::stage::Stage;
use crier_platform::model::story::SlotState;
use crier_proto::digest::{lower_hex, sha256};
use crier_testkit::{Answer, RawClient};
use serde_json::Value;

const BOUNDARY: &str = "xYzZY";

/// Parameters, file, and the code and cause that they are told.
type Case<'a> = (&'a [(&'a str, &'a str)], Option<&'a [u8]>, u64, &'a str);

/// Uploads a file for bo with these parameters; without one only the parameters are sent.
async fn upload(stage: &Stage, params: &[(&str, &str)], file: Option<&[u8]>) -> Answer {
    stage.server.clock.advance_ms(1_000);
    let caller = stage.caller("Rochambeau").await;
    let mut given = vec![("format", "json")];
    given.extend(params);
    let mut body = Vec::new();
    for pair in caller.pairs("photos.upload", &given) {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{}\r\n",
            pair.name, pair.value
        );
        body.extend(head.as_bytes());
    }
    if let Some(file) = file {
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; filename=\"a\"\r\n\r\n");
        body.extend([head.as_bytes(), file, b"\r\n"].concat());
    }
    body.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
    let head = format!(
        "POST /restserver.php HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    RawClient::exchange(stage.server.address, &[head.as_bytes(), &body].concat())
        .await
        .unwrap()
}

async fn open() -> Stage {
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    stage
}

fn text(photo: &Value, name: &str) -> String {
    photo[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} of {photo}"))
        .to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_uploaded_photo_has_three_sizes_and_a_pid_that_stories_may_show_at_once() {
    let stage = open().await;
    let file = png(200, (800, 400));
    let digest = lower_hex(&sha256(&[&file]));
    let params = [
        ("caption", "a caption"),
        ("uid", "563683308"),
        ("file_sha256", &digest),
    ];
    let answer = upload(&stage, &params, Some(&file)).await;
    let photo = answer.json();
    let fields: Vec<&str> = answer
        .text()
        .split("\":")
        .filter_map(|part| part.rsplit_once('"').map(|(_, name)| name))
        .filter(|name| {
            name.chars()
                .all(|letter| letter.is_ascii_lowercase() || letter == '_')
        })
        .collect();
    assert_eq!(
        fields[..9],
        [
            "pid",
            "aid",
            "owner",
            "src",
            "src_big",
            "src_small",
            "link",
            "caption",
            "created"
        ],
        "{}",
        answer.text()
    );
    assert_eq!(text(&photo, "owner"), "563683308");
    assert_eq!(text(&photo, "caption"), "a caption");
    assert_eq!(text(&photo, "link"), text(&photo, "src_big"));
    for (name, sides) in [
        ("src_big", (604, 302)),
        ("src", (130, 65)),
        ("src_small", (75, 38)),
    ] {
        let address = text(&photo, name);
        let path = address.split_once(&stage.server.address.to_string()).unwrap().1;
        let served = get(&stage, path, "").await;
        assert_eq!(served.status, 200, "{address}");
        let side = |at: usize| u32::from_be_bytes(served.body[at..at + 4].try_into().unwrap());
        assert_eq!((side(16), side(20)), sides, "{name}");
    }
    publish(&stage, &[text(&photo, "pid")]).await;
    let slot = settled_slots(&stage).await.remove(0);
    assert_eq!(slot.state, SlotState::Ready);
    assert!(text(&photo, "src_small").contains(&lower_hex(&slot.picture.unwrap().hash.0)));
    // The same image again: a new pid, the same pictures, and now the album is there to be named.
    let again = upload(&stage, &[("aid", &text(&photo, "aid"))], Some(&file))
        .await
        .json();
    assert_ne!(text(&again, "pid"), text(&photo, "pid"));
    for name in ["aid", "src", "src_big", "src_small"] {
        assert_eq!(again[name], photo[name], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_photos_address_as_a_storys_image_is_shrunk_to_a_slot_and_goes_with_the_photo_when_that_is_blocked()
{
    let stage = open().await;
    let photo = upload(&stage, &[], Some(&png(200, (800, 400)))).await.json();
    let (big, small) = (text(&photo, "src_big"), text(&photo, "src_small"));
    publish(&stage, &[big.clone(), small.clone()]).await;
    let slots = settled_slots(&stage).await;
    let sizes = slots.iter().map(|slot| {
        let picture = slot.picture.unwrap();
        (picture.width, picture.height)
    });
    assert_eq!(sizes.collect::<Vec<_>>(), [(75, 38), (75, 38)]);
    // What is small enough is shown as it is; of the photo a picture of its own was made.
    let [shrunk, same] = [&slots[0], &slots[1]].map(|slot| slot.picture.unwrap());
    assert!(small.contains(&lower_hex(&same.hash.0)));
    assert!(!big.contains(&lower_hex(&shrunk.hash.0)));
    assert_eq!(get(&stage, &address_of(shrunk), "").await.status, 200);
    stage.server.state.pictures.block(same.hash).await.unwrap();
    for picture in [shrunk, same] {
        assert_eq!(get(&stage, &address_of(picture), "").await.status, 404);
    }
    for slot in settled_slots(&stage).await {
        assert_eq!(slot.state, SlotState::Removed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_deletes_a_photo_that_an_application_has_uploaded_for_them_and_nobody_elses() {
    let stage = open().await;
    let (mut bo, mut ada) = (stage.logged_in("bo").await, stage.logged_in("ada").await);
    assert!(
        bo.get("/settings/photos")
            .await
            .text()
            .contains("<h2>No photo</h2>")
    );
    let photo = upload(&stage, &[("caption", "<b>us")], Some(&png(200, (800, 400))))
        .await
        .json();
    let pid = text(&photo, "pid");
    publish(&stage, std::slice::from_ref(&pid)).await;
    let shown = settled_slots(&stage).await[0].picture.unwrap();
    let settings = bo.get("/settings").await.text().to_owned();
    assert!(
        settings.contains("<a href=\"/settings/photos\">1 photo</a>"),
        "{settings}"
    );
    let list = bo.get("/settings/photos").await.text().to_owned();
    let image = format!("<img src=\"{}\" width=\"75\" height=\"38\"", address_of(shown));
    assert!(list.contains(&image) && list.contains("&#60;b&#62;us"), "{list}");
    let ask = format!("/settings/photos/delete?pid={pid}");
    assert!(list.contains(&ask) && bo.get(&ask).await.text().contains("Delete this photo?"));
    assert_eq!(ada.get(&ask).await.status, 404);
    assert!(!ada.get("/settings/photos").await.text().contains(&pid));
    ada.get("/settings").await;
    ada.submit("/settings/photos/delete", &[("pid", &pid)]).await;
    assert_eq!(settled_slots(&stage).await[0].state, SlotState::Ready);
    let deleted = bo.submit("/settings/photos/delete", &[("pid", &pid)]).await;
    assert_eq!(location(&deleted), "/settings/photos?done=deleted");
    assert_eq!(settled_slots(&stage).await[0].state, SlotState::Removed);
    for name in ["src", "src_big", "src_small"] {
        let address = text(&photo, name);
        let path = address.split_once(&stage.server.address.to_string()).unwrap().1;
        assert_eq!(get(&stage, path, "").await.status, 404, "{name}");
    }
    let told = bo.get("/settings/photos?done=deleted").await;
    assert!(told.text().contains("Deleted. No story shows it any more."));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_breaks_a_rule_is_told_which_in_the_order_of_its_page() {
    let stage = open().await;
    let file = png(1, (2, 2));
    let long = "x".repeat(1_025);
    let wrong = "0".repeat(64);
    let huge = png(1, (4_097, 1));
    let fat = [file.clone(), vec![0; 8_388_608]].concat();
    let cases: [Case<'_>; 9] = [
        (
            &[("caption", &long), ("uid", "1")],
            Some(&file),
            100,
            "caption has 1025 bytes, limit 1024",
        ),
        (
            &[("uid", "1240077"), ("file_sha256", "x")],
            Some(&file),
            100,
            "uid must be the session's user",
        ),
        (
            &[("file_sha256", "x"), ("aid", "1")],
            Some(&file),
            100,
            "file_sha256 must be 64",
        ),
        (
            &[("aid", "1"), ("file_sha256", &wrong)],
            Some(&file),
            120,
            "Invalid album id",
        ),
        (
            &[("file_sha256", &wrong)],
            Some(&file),
            100,
            "file_sha256 is not the digest of the file",
        ),
        (&[], None, 324, "no file was sent"),
        (&[], Some(&fat), 324, "limit 8388608"),
        (&[], Some(&huge), 324, "too_large"),
        (&[], Some(b"<svg/>"), 324, "unsupported"),
    ];
    for (params, file, code, cause) in cases {
        let answer = upload(&stage, params, file).await;
        assert_eq!(answer.error_code(), Some(code), "{}", answer.text());
        assert!(answer.text().contains(cause), "{cause}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn photos_per_user_photos_are_taken_and_not_one_more() {
    let stage = Stage::open_with(&[("CRIER__MEDIA__PHOTOS_PER_USER", "1")]).await;
    stage.grant("Rochambeau").await;
    let file = png(1, (2, 2));
    assert_eq!(upload(&stage, &[], Some(&file)).await.error_code(), None);
    let second = upload(&stage, &[], Some(&file)).await;
    assert_eq!(second.error_code(), Some(324), "{}", second.text());
    assert!(second.text().contains("as many photos"), "{}", second.text());
    let series = "crier_feed_overflow_total{name=\"photos_per_user\"}";
    assert_eq!(scrape(&stage.server).await[series], 1.0);
}
