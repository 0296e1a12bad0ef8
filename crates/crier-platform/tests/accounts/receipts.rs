//! Receipts of an application: their secret, their address, and the receiver that wants none (live 7.8 to 7.10).

use crate::harness::{BEGIN_MS, Town};
use crier_platform::model::app::ReceiptsEnded;
use crier_platform::model::time::WallMs;
use crier_platform::ports::hooks::ReceiptBook;
use crier_proto::ids::ReceiptId;
use crier_proto::receipt::{Attempt, signature};

fn to(address: &str) -> (String, String) {
    ("receipts".to_owned(), address.to_owned())
}

#[tokio::test]
async fn a_receipt_secret_is_made_with_the_first_address_and_told_this_once() {
    let town = Town::with_people().await;
    let set = async |address: &str| {
        let settings = [to(address)];
        let changed = town.accounts.change_app("Rochambeau", &settings).await.unwrap();
        let kept = changed
            .app
            .receipts
            .secret
            .as_ref()
            .map(|secret| secret.expose().to_owned());
        (
            changed.receipt_secret.map(|secret| secret.expose().to_owned()),
            kept,
        )
    };
    assert_eq!(set("").await, (None, None));
    let (made, kept) = set("https://game.example/r").await;
    assert_eq!(made, kept);
    assert_eq!(made.as_ref().map(String::len), Some(64));
    assert_ne!(made.as_deref(), Some(town.app().await.secret.expose()));
    // Another address, off, and on again: the same secret, which nobody is shown again.
    assert_eq!(set("https://game.example/s").await, (None, kept.clone()));
    assert_eq!(set("").await, (None, kept.clone()));
    assert_eq!(set("https://game.example/r").await, (None, kept));
}

#[tokio::test]
async fn after_a_rotation_of_the_receipt_secret_both_sign_for_a_day() {
    let town = Town::with_people().await;
    let none_yet = town
        .accounts
        .rotate_receipt_secret("Rochambeau")
        .await
        .unwrap_err();
    assert!(
        none_yet.to_string().contains("has no receipt secret yet"),
        "{none_yet}"
    );
    let settings = [to("https://game.example/r")];
    let changed = town.accounts.change_app("Rochambeau", &settings).await.unwrap();
    let old = changed.receipt_secret.unwrap();
    let (new, until) = town.accounts.rotate_receipt_secret("Rochambeau").await.unwrap();
    let app = town.app().await;
    assert!(app.receipts.secret.as_ref().unwrap().matches(new.expose()) && !new.matches(old.expose()));
    let keys_at = async |moment: WallMs| {
        let target = town.accounts.target(app.id, moment).await.unwrap().unwrap();
        assert_eq!(target.url, "https://game.example/r");
        let attempt = Attempt {
            id: ReceiptId::from_bytes([1; 16]),
            timestamp: 1,
        };
        signature(&target.keys, attempt, b"x")
            .split(',')
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let both = keys_at(until.plus_ms(-1)).await;
    assert_eq!(both.len(), 2);
    assert_eq!(keys_at(until).await, both[..1]);
}

#[tokio::test]
async fn a_receiver_that_wants_no_receipts_turns_them_off_unless_the_address_has_changed() {
    let town = Town::with_people().await;
    let id = town.app().await.id;
    let settings = [to("https://game.example/r")];
    town.accounts.set_app("Rochambeau", &settings).await.unwrap();
    assert!(
        !town
            .accounts
            .turn_off(id, "https://game.example/old")
            .await
            .unwrap()
    );
    assert_eq!(town.app().await.receipts.address, "https://game.example/r");
    assert!(
        town.accounts
            .turn_off(id, "https://game.example/r")
            .await
            .unwrap()
    );
    let receipts = town.app().await.receipts.clone();
    assert!(receipts.address.is_empty() && receipts.secret.is_some());
    let ended = ReceiptsEnded {
        address: "https://game.example/r".to_owned(),
        at: WallMs(BEGIN_MS),
    };
    assert_eq!(receipts.ended, Some(ended));
    assert!(town.accounts.target(id, WallMs(0)).await.unwrap().is_none());
    town.accounts.set_app("Rochambeau", &settings).await.unwrap();
    assert_eq!(town.app().await.receipts.ended, None);
}
