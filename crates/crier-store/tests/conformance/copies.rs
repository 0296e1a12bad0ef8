//! Backup and restore.

use crate::backends::{START_MS, app, app_id, uid, user};
use crate::files::{commit, key, open, raw, values, with_session};
use crate::mailboxes::{all, head, keep, message};
use crier_platform::model::audit::AuditHead;
use crier_platform::model::mailbox::{Found, KeptHead, MailWrites, RowNo};
use crier_platform::model::time::WallMs;
use crier_platform::ports::audit::Audit;
use crier_platform::ports::store::{Apps, Flush, Marks, Messages, Sessions, Write};
use crier_store::{KEY_FILE, SqliteStore, StoreError};
use crier_testkit::SeededEntropy;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

fn restore(folder: &Path, backup: &Path) -> Result<(), StoreError> {
    let entropy = Arc::new(SeededEntropy::new(4));
    SqliteStore::restore(folder, backup, (WallMs(START_MS), entropy))
}

#[tokio::test]
async fn a_folder_that_is_served_takes_no_backup_and_no_second_server_even_before_the_first_call() {
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("copy.crier");
    let store = open(folder.path());
    store.backup(&backup).unwrap();
    store.serve().unwrap();
    store.serve().unwrap();
    assert!(matches!(restore(folder.path(), &backup), Err(StoreError::Served)));
    let second = open(folder.path());
    assert!(matches!(second.serve(), Err(StoreError::Served)));
    drop(second);
    drop(store);
    restore(folder.path(), &backup).unwrap();
}

#[tokio::test]
async fn a_backup_taken_while_serving_brings_everything_back() {
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("copy.crier");
    let store = open(folder.path());
    let session = with_session(&store).await;
    commit(&store, 2, vec![Write::AddApp(Box::new(app(4, 7)))]).await;
    store.mark_call(session, &"12.5".parse().unwrap()).unwrap();
    store.mark_expiry(session, START_MS / 1000 + 60).unwrap();
    store.backup(&backup).unwrap();
    assert_eq!(fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
    // What comes after the copy is gone after it is restored.
    commit(&store, 3, vec![Write::AddApp(Box::new(app(5, 7)))]).await;
    store.mark_call(session, &"13".parse().unwrap()).unwrap();
    assert!(matches!(restore(folder.path(), &backup), Err(StoreError::Served)));
    assert!(matches!(store.backup(&backup), Err(StoreError::File { .. })));
    drop(store);
    restore(folder.path(), &backup).unwrap();
    let store = open(folder.path());
    assert!(
        store
            .app(app_id(4))
            .await
            .unwrap()
            .unwrap()
            .secret
            .matches("secret of 4")
    );
    assert!(store.app(app_id(5)).await.unwrap().is_none());
    assert_eq!(values(&store, session).await, ["12.5"]);
    assert_eq!(
        store.session(&key()).await.unwrap().unwrap().expires,
        Some(START_MS / 1000 + 60)
    );
    commit(&store, 4, vec![Write::AddApp(Box::new(app(6, 7)))]).await;
    assert!(store.diagnose().await.iter().all(|finding| finding.ok));
}

#[tokio::test]
async fn a_restore_goes_on_with_the_log_of_the_backup_and_tells_which_log_it_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("copy.crier");
    let store = open(folder.path());
    commit(&store, 1, vec![Write::AddUser(user(7))]).await;
    store.backup(&backup).unwrap();
    commit(&store, 2, vec![Write::AddUser(user(8))]).await;
    let kept = store.audit_after(0, 9).await.unwrap();
    drop(store);
    // What a killed restore has left is in nobody's way.
    let left = folder.path().join("restoring.db");
    fs::write(&left, "half a copy").unwrap();
    restore(folder.path(), &backup).unwrap();
    assert!(!left.exists());
    let store = open(folder.path());
    let log = store.audit_after(0, 9).await.unwrap();
    let mut head = AuditHead::default();
    log.iter().for_each(|kept| head.follow(kept).unwrap());
    assert_eq!((&log[0], log.len()), (&kept[0], 2));
    let mut replaced = AuditHead::default();
    kept.iter().for_each(|kept| replaced.follow(kept).unwrap());
    let entry = log[1].entry().unwrap();
    assert_eq!(
        (
            entry.actor.as_str(),
            entry.act.as_str(),
            entry.subject.as_str(),
            entry.at_ms
        ),
        ("command_line", "books.restore", "books", START_MS)
    );
    assert_eq!(entry.details["replaced"], replaced.to_string());
    drop(store);
    // Books that cannot be read are replaced all the same.
    fs::write(folder.path().join("crier.db"), "damaged").unwrap();
    fs::write(&left, "half a copy").unwrap();
    restore(folder.path(), &backup).unwrap();
    let aside = fs::read(folder.path().join("crier.db.damaged")).unwrap();
    assert_eq!(aside, b"damaged");
    let store = open(folder.path());
    let log = store.audit_after(1, 9).await.unwrap();
    assert_eq!(
        log[0].entry().unwrap().details["replaced"],
        serde_json::Value::Null
    );
    fs::write(&left, "half a copy").unwrap();
    store.serve().unwrap();
    assert!(!left.exists(), "the next server takes it away");
}

#[tokio::test]
async fn a_backup_is_restored_into_a_new_folder_with_the_key_beside_it() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let backup = old.path().join("copy.crier");
    let store = open(old.path());
    commit(
        &store,
        1,
        vec![Write::AddUser(user(7)), Write::AddApp(Box::new(app(4, 7)))],
    )
    .await;
    store.backup(&backup).unwrap();
    assert!(matches!(
        restore(new.path(), &backup),
        Err(StoreError::KeyMissing(_))
    ));
    fs::create_dir(new.path().join("keys")).unwrap();
    fs::write(new.path().join(KEY_FILE), [9; 32]).unwrap();
    assert!(matches!(
        restore(new.path(), &backup),
        Err(StoreError::KeyForeign(_))
    ));
    fs::copy(old.path().join(KEY_FILE), new.path().join(KEY_FILE)).unwrap();
    restore(new.path(), &backup).unwrap();
    let restored = open(new.path());
    assert!(
        restored
            .app(app_id(4))
            .await
            .unwrap()
            .unwrap()
            .secret
            .matches("secret of 4")
    );
}

#[tokio::test]
async fn what_is_no_backup_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    commit(
        &store,
        1,
        vec![Write::AddUser(user(7)), Write::AddApp(Box::new(app(4, 7)))],
    )
    .await;
    drop(store);
    let other = folder.path().join("other");
    fs::write(&other, "not a database").unwrap();
    assert!(matches!(
        restore(folder.path(), &other),
        Err(StoreError::NotABackup(_))
    ));
    fs::write(&other, "").unwrap();
    assert!(matches!(
        restore(folder.path(), &other),
        Err(StoreError::NotABackup(_))
    ));
    assert!(matches!(
        restore(folder.path(), &folder.path().join("none")),
        Err(StoreError::File { .. })
    ));
    let apps: i64 = raw(folder.path())
        .query_row("SELECT count(*) FROM app", [], |row| row.get(0))
        .unwrap();
    assert_eq!(apps, 1);
}

#[tokio::test]
async fn a_restored_backup_keeps_the_messages_and_gives_every_mailbox_a_new_life() {
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("copy.crier");
    let store = open(folder.path());
    let people = vec![Write::AddUser(user(7)), Write::AddUser(user(8))];
    commit(&store, 1, people).await;
    let writes = MailWrites {
        heads: vec![head(7), head(8)],
        messages: vec![message(1, 7, 8)],
        ..MailWrites::default()
    };
    keep(&store, writes, Flush::Now).await.unwrap();
    store.backup(&backup).unwrap();
    drop(store);
    restore(folder.path(), &backup).unwrap();
    let store = open(folder.path());
    assert_eq!(all(&store).await, [message(1, 7, 8)]);
    let (found, _) = store.kept_heads().await.unwrap();
    let mut epochs = vec![head(7).epoch];
    for (one, user) in found.into_iter().zip([7, 8]) {
        let Found::Whole(renewed) = one else {
            panic!("{one:?}");
        };
        let epoch = renewed.epoch;
        assert!(!epochs.contains(&epoch));
        epochs.push(epoch);
        assert_eq!(renewed, KeptHead { epoch, ..head(user) });
    }
    assert_eq!(epochs.len(), 3);
}

#[tokio::test]
async fn a_damaged_row_of_a_mailbox_is_told_and_hides_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let people = vec![Write::AddUser(user(7)), Write::AddUser(user(8))];
    commit(&store, 1, people).await;
    let writes = MailWrites {
        heads: vec![head(7), head(8)],
        messages: (1..=6).map(|row| message(row, 7, 8)).collect(),
        ..MailWrites::default()
    };
    keep(&store, writes, Flush::Now).await.unwrap();
    let damage = [
        "UPDATE message SET text = 'changed' WHERE number = 1",
        "UPDATE message SET seq = 70 WHERE number = 2",
        "UPDATE message SET outcome = x'0102040000000000000000' WHERE number = 3",
        "UPDATE message SET claim = (SELECT claim FROM message WHERE number = 5) WHERE number = 4",
        "UPDATE message SET via = 'nobody', app = 0 WHERE number = 5",
        "UPDATE mailbox SET last = 4 WHERE user = 7",
    ];
    for sql in damage {
        assert_eq!(raw(folder.path()).execute(sql, []).unwrap(), 1);
    }
    let found = store.kept_messages(RowNo(0), 10).await.unwrap();
    let hurt = |row: i64, seq: u64| Found::Damaged {
        row: RowNo(row),
        place: Some((app_id(4), uid(8), seq)),
    };
    let nowhere = Found::Damaged {
        row: RowNo(5),
        place: None,
    };
    let last = Found::Whole(message(6, 7, 8));
    assert_eq!(
        found,
        [hurt(1, 1), hurt(2, 70), hurt(3, 3), hurt(4, 4), nowhere, last]
    );
    let (heads, _) = store.kept_heads().await.unwrap();
    let lost = Found::Damaged {
        row: RowNo(0),
        place: Some((app_id(4), uid(7), 4)),
    };
    assert_eq!(heads, [lost, Found::Whole(head(8))]);
    assert_eq!(store.metrics().damaged.get(), 6);
}
