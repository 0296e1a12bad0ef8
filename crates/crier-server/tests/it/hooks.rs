//! The hooks of an application as its server meets them, posted by the binary itself (protocol 19.6): from a page, from a command
//! beside the server, and over SIGKILL.

use crate::live_durable::{API_KEY, SECRET, Served, crier, folder};
use crate::receipts::{Post, Receiver};
use crier_proto::digest::{lower_hex, md5};
use crier_testkit::patience::within;
use std::collections::BTreeMap;
use std::process::Stdio;
use tempfile::TempDir;

fn done(folder: &TempDir, words: &str) {
    let status = crier(folder, words).stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{words}");
}

async fn taken(receiver: &Receiver, status: &str) -> Post {
    within("a post", async { Ok(receiver.take(status).await) })
        .await
        .unwrap()
}

/// The set of a post without its prefix, once its signature has been computed anew (protocol 6.1, 19.1).
fn set_of(post: &Post) -> BTreeMap<String, String> {
    assert_eq!(post.header("content-type"), "application/x-www-form-urlencoded");
    let pairs = post.body.split('&').map(|pair| pair.split_once('=').unwrap());
    let mut sent: BTreeMap<String, String> = pairs.map(|(name, value)| (name.into(), value.into())).collect();
    let signature = sent.remove("fb_sig").unwrap();
    let bare = |(name, value): (String, String)| (name.strip_prefix("fb_sig_").unwrap().to_owned(), value);
    let set: BTreeMap<String, String> = sent.into_iter().map(bare).collect();
    let text: String = set
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(signature, lower_hex(&md5(&[text.as_bytes(), SECRET.as_bytes()])));
    assert_eq!(
        (set["api_key"].as_str(), set["user"].as_str()),
        (API_KEY, "1240077")
    );
    set
}

#[tokio::test]
async fn what_was_accepted_and_withdrawn_is_posted_in_order_over_kill_minus_nine_and_by_commands_alone() {
    let (folder, receiver) = (folder(), Receiver::new().await);
    let at = receiver.address;
    done(
        &folder,
        &format!("app set Chess post_authorize=http://{at}/in post_remove=http://{at}/out"),
    );
    let mut server = Served::start(&folder);
    // A command beside the server: the server posts it within its next look.
    done(&folder, "grant remove --app Chess --user ada");
    let refused = taken(&receiver, "503 Service Unavailable").await;
    let set = set_of(&refused);
    assert_eq!((set["uninstall"].as_str(), set["added"].as_str()), ("1", "0"));
    server.kill();
    receiver.forget_the_dead().await;
    // Nobody serves: what is accepted now is told by the next process, behind what was not taken.
    done(&folder, "grant add --app Chess --user ada");
    let server = Served::start(&folder);
    let again = taken(&receiver, "200 OK").await;
    assert_eq!(again.body, refused.body);
    let accepted = set_of(&taken(&receiver, "200 OK").await);
    assert_eq!(
        (accepted["authorize"].as_str(), accepted["added"].as_str()),
        ("1", "0")
    );
    assert!(accepted["time"].parse::<f64>().unwrap() > set["time"].parse::<f64>().unwrap());
    // The session that it names is one: its key is all that a web application needs beside its own secret.
    let caller = server.caller(1).with_session(&accepted["session_key"]);
    let who = caller
        .call("users.getLoggedInUser", &[("format", "json")])
        .await
        .unwrap();
    assert_eq!(who.text(), "1240077");
}
