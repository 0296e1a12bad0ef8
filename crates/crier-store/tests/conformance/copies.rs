//! Backup and restore.

use crate::backends::{START_MS, app, app_id, user};
use crate::files::{commit, key, open, raw, values, with_session};
use crier_platform::ports::store::{Apps, Marks, Sessions, Write};
use crier_store::{KEY_FILE, SqliteStore, StoreError};
use crier_testkit::SeededEntropy;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

fn restore(folder: &Path, backup: &Path) -> Result<(), StoreError> {
    SqliteStore::restore(folder, backup, Arc::new(SeededEntropy::new(4)))
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
