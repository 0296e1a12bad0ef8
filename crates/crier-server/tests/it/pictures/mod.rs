//! Pictures from end to end (feed section 7): a story with four, from a host on the loopback to what a browser is served; photos
//! that callers upload; and what an administrator takes away.

pub(crate) mod host;
mod uploads;

use crate::site::stage::Stage;
use crier_platform::feed::Serving;
use crier_platform::model::picture::SlotPicture;
use crier_platform::model::story::{Slot, SlotState};
use crier_proto::digest::{lower_hex, sha256};
use crier_proto::ids::Uid;
use crier_testkit::patience::within;
use crier_testkit::{Answer, RawClient};
use host::Host;

const BO: i64 = 563_683_308;

/// The slots of bo's newest story as soon as none is waiting.
pub(crate) async fn settled_slots(stage: &Stage) -> Vec<Slot> {
    let settled = async {
        loop {
            let page = stage
                .server
                .state
                .feed
                .view(Uid::new(BO).unwrap(), Serving::Look)
                .await;
            let page = page.map_err(std::io::Error::other)?;
            let slots = page.slots.first().map(|placed| placed.view.story.slots.clone());
            match slots {
                Some(slots) if slots.iter().all(|slot| slot.state != SlotState::Pending) => return Ok(slots),
                Some(_) | None => tokio::task::yield_now().await,
            }
        }
    };
    within("the end of a fetch", settled).await.unwrap()
}

async fn get(stage: &Stage, path: &str, further: &str) -> Answer {
    let request = format!("GET {path} HTTP/1.1\r\nHost: crier.example\r\n{further}\r\n");
    RawClient::exchange(stage.server.address, request.as_bytes())
        .await
        .unwrap()
}

fn address_of(picture: SlotPicture) -> String {
    format!("/p/{}.{}", lower_hex(&picture.hash.0), picture.kind.extension())
}

/// A stage whose server may dial that host and nothing else of this machine.
async fn stage_beside(host: &Host) -> Stage {
    let allow = host.address.to_string();
    let stage = Stage::open_with(&[("CRIER__MEDIA__DIAL_ALLOW", &allow)]).await;
    stage.grant("Rochambeau").await;
    stage
}

async fn publish(stage: &Stage, sources: &[String]) {
    let names: Vec<(String, String)> = (1..=sources.len())
        .map(|number| (format!("image_{number}"), format!("image_{number}_link")))
        .collect();
    let mut params = vec![("title", "pictures")];
    for ((image, link), source) in names.iter().zip(sources) {
        params.push((image, source));
        params.push((link, "http://x.example/"));
    }
    stage.server.clock.advance_ms(43_200_000);
    stage.publish("Rochambeau", &params).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_pictures_are_fetched_shrunk_to_75_pixels_and_served_by_us_alone() {
    let host = Host::open().await;
    let stage = stage_beside(&host).await;
    publish(
        &stage,
        &["/1.png", "/2.png", "/3.png", "/4.png"].map(|path| host.url(path)),
    )
    .await;
    let slots = settled_slots(&stage).await;
    assert_eq!(host.asked(), ["/1.png", "/2.png", "/3.png", "/4.png"]);
    assert_eq!(slots.len(), 4);
    for slot in slots {
        let picture = slot.picture.unwrap();
        assert_eq!(
            (slot.state, picture.width, picture.height),
            (SlotState::Ready, 75, 60)
        );
        let answer = get(&stage, &address_of(picture), "").await;
        assert_eq!(answer.status, 200);
        assert_eq!(sha256(&[&answer.body]), picture.hash.0);
        let tag = format!("\"{}\"", lower_hex(&picture.hash.0));
        for (name, value) in [
            ("cache-control", "public, max-age=31536000, immutable"),
            ("etag", tag.as_str()),
            ("content-type", "image/png"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; sandbox"),
            ("cross-origin-resource-policy", "cross-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{name}");
        }
        let again = get(&stage, &address_of(picture), &format!("If-None-Match: {tag}\r\n")).await;
        assert_eq!((again.status, again.body.len()), (304, 0));
        assert_eq!(again.header("etag"), Some(tag.as_str()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_applications_icon_is_fetched_and_stands_beside_its_stories_at_16_pixels() {
    let host = Host::open().await;
    let stage = stage_beside(&host).await;
    stage.publish("Rochambeau", &[("title", "an icon")]).await;
    let mut bo = stage.logged_in("bo").await;
    assert!(!bo.get("/feed").await.text().contains("class=\"sign\""));
    let icon = [("icon".to_owned(), host.url("/1.png"))];
    let accounts = &stage.server.state.accounts;
    accounts.set_app("Rochambeau", &icon).await.unwrap();
    // What was committed is followed by this clock; it stands still while the picture is fetched, or it would cut the fetch.
    stage.server.clock.advance_ms(1_000);
    let shown = async {
        loop {
            let app = accounts
                .find_app("Rochambeau")
                .await
                .map_err(std::io::Error::other)?;
            match &app.icon_picture {
                Some(picture) => return Ok(*picture),
                None => tokio::task::yield_now().await,
            }
        }
    };
    let picture = within("the icon", shown).await.unwrap();
    // The page reads the application from a cache, which looks by this clock too.
    stage.server.clock.advance_ms(1_000);
    assert_eq!((picture.width, picture.height), (16, 13));
    let page = bo.get("/feed").await.text().to_owned();
    let image = format!(
        "<img class=\"sign\" src=\"{}\" width=\"16\" height=\"16\" alt=\"\">",
        address_of(picture)
    );
    assert_eq!(page.matches(&image).count(), 1, "{page}");
    assert_eq!(get(&stage, &address_of(picture), "").await.status, 200);
    // "Check a story" shows a story as the feed page does, below the application's own head.
    let mut ada = stage.logged_in("ada").await;
    let check = format!("/developers/{}/story", stage.app("Rochambeau").await.id);
    ada.get(&check).await;
    let story = [("user", "563683308"), ("title", "an icon")];
    let checked = ada.submit(&check, &story).await.text().to_owned();
    assert_eq!(checked.matches(&image).count(), 2, "{checked}");
    for not_an_address in ["ftp://x.example/a.png", "17", "http://user@x.example/a.png"] {
        let icon = [("icon".to_owned(), not_an_address.to_owned())];
        assert!(
            accounts.set_app("Rochambeau", &icon).await.is_err(),
            "{not_an_address}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_that_fails_leaves_three_and_says_why() {
    let host = Host::open().await;
    let stage = stage_beside(&host).await;
    publish(
        &stage,
        &["/1.png", "/gone", "/2.png", "/3.png"].map(|path| host.url(path)),
    )
    .await;
    let slots = settled_slots(&stage).await;
    let states: Vec<SlotState> = slots.iter().map(|slot| slot.state).collect();
    use SlotState::{Failed, Ready};
    assert_eq!(states, [Ready, Failed, Ready, Ready]);
    assert_eq!(
        (slots[1].cause.as_deref(), slots[1].attempts),
        (Some("status_404"), 1)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_not_be_dialled_is_dropped_and_nobody_is_asked() {
    let host = Host::open().await;
    let stage = Stage::open().await;
    stage.grant("Rochambeau").await;
    let metadata = "http://169.254.169.254/latest/".to_owned();
    publish(
        &stage,
        &[host.url("/1.png"), metadata, "http://[::1]/".to_owned()],
    )
    .await;
    for slot in settled_slots(&stage).await {
        assert_eq!(slot.cause.as_deref(), Some("forbidden_address"));
    }
    assert_eq!(host.asked(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_in_many_slots_is_asked_once_and_our_own_pictures_not_at_all() {
    let host = Host::open().await;
    let stage = stage_beside(&host).await;
    publish(&stage, &[1; 4].map(|_| host.url("/1.png"))).await;
    let first = settled_slots(&stage).await[0].picture.unwrap();
    let own = format!("http://{}{}", stage.server.address, address_of(first));
    publish(&stage, &[host.url("/1.png"), own]).await;
    let slots = settled_slots(&stage).await;
    assert_eq!([slots[0].picture, slots[1].picture], [Some(first); 2]);
    // The second came twelve hours later, when the first answer was no longer fresh.
    assert_eq!(host.asked(), ["/1.png", "/1.png"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_no_is_the_same_404_that_nobody_keeps() {
    let host = Host::open().await;
    let stage = stage_beside(&host).await;
    publish(&stage, &[host.url("/1.png")]).await;
    let picture = settled_slots(&stage).await[0].picture.unwrap();
    let (address, digits) = (address_of(picture), lower_hex(&picture.hash.0));
    stage.server.state.pictures.block(picture.hash).await.unwrap();
    assert_eq!(settled_slots(&stage).await[0].state, SlotState::Removed);
    let mut answers = Vec::new();
    for path in [
        address,
        format!("/p/{digits}.jpg"),
        format!("/p/{digits}"),
        format!("/p/{}.png", digits.to_uppercase()),
        format!("/p/{}.png", "0".repeat(64)),
        "/p/x.png".to_owned(),
    ] {
        let answer = get(&stage, &path, "").await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        answers.push(answer.body);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    let posted = format!("POST /p/{digits}.png HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    let posted = RawClient::exchange(stage.server.address, posted.as_bytes())
        .await
        .unwrap();
    assert_eq!(posted.status, 405);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_blocks_a_picture_of_a_running_server() {
    let host = Host::open().await;
    let stage = stage_beside(&host).await;
    publish(&stage, &[host.url("/1.png")]).await;
    let picture = settled_slots(&stage).await[0].picture.unwrap();
    let digits = lower_hex(&picture.hash.0);
    let data = stage.server.data().to_owned();
    let run = |args: Vec<String>| {
        std::process::Command::new(env!("CARGO_BIN_EXE_crier"))
            .args(args)
            .output()
    };
    let place = data.display().to_string();
    let args = ["picture", "block", &digits, "--json", "--data", &place];
    let blocked = run(args.map(str::to_owned).to_vec()).unwrap();
    assert_eq!(
        String::from_utf8(blocked.stdout).unwrap(),
        format!("{{\"hash\":\"{digits}\",\"known\":true}}\n")
    );
    // The server learns within its second what another process has done.
    let taken_away = async {
        while get(&stage, &address_of(picture), "").await.status != 404 {}
        while settled_slots(&stage).await[0].state != SlotState::Removed {}
        Ok(())
    };
    let taken_away = within("the end of the picture", taken_away);
    stage.server.clock.turning(250, taken_away).await.unwrap();
    let wrong = run(["picture", "block", "x", "--data", &place]
        .map(str::to_owned)
        .to_vec())
    .unwrap();
    assert_eq!(wrong.status.code(), Some(1));
}

#[tokio::test]
async fn jobs_max_and_jobs_per_app_max_turn_pictures_away_and_count_them() {
    for key in ["CRIER__MEDIA__JOBS_MAX", "CRIER__MEDIA__JOBS_PER_APP_MAX"] {
        let stage = Stage::open_with(&[(key, "0")]).await;
        stage.grant("Rochambeau").await;
        publish(
            &stage,
            &[
                "http://x.example/1.png".to_owned(),
                "http://x.example/2.png".to_owned(),
            ],
        )
        .await;
        let slots = settled_slots(&stage).await;
        let causes: Vec<Option<&str>> = slots.iter().map(|slot| slot.cause.as_deref()).collect();
        assert_eq!(causes, [Some("queue_full"); 2], "{key}");
        let page = crate::figures::scrape(&stage.server).await;
        assert_eq!(page["crier_store_pictures_turned_away_total"], 2.0, "{key}");
    }
}
