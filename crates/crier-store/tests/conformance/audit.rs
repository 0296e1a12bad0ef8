//! The audit log: which acts leave an entry, what it tells, and that nothing but the chain's next entry can be written.

use crate::backends::{World, app, app_id, grant, new_session, uid, user};
use crate::files::{commit, key, open, open_with, patient, raw};
use crier_platform::model::app::{App, Receipts};
use crier_platform::model::audit::{Actor, AuditCheck, AuditEntry, AuditQuery, KeptEntry};
use crier_platform::model::job::PictureWrite;
use crier_platform::model::login::LoginLink;
use crier_platform::model::picture::PictureHash;
use crier_platform::model::time::WallMs;
use crier_platform::model::user::User;
use crier_platform::ports::audit::Audit;
use crier_platform::ports::store::{Batch, Conflict, Store, UnitId, Write};
use crier_proto::secret::Secret;
use serde_json::Value;

/// All entries of a whole chain, in order.
async fn log(store: &(impl Audit + ?Sized)) -> Vec<AuditEntry> {
    let kept = store.audit_after(0, u32::MAX).await.unwrap();
    let mut check = AuditCheck::from_the_beginning(None);
    kept.iter().for_each(|kept| check.follow(kept).unwrap());
    kept.iter().map(|kept| kept.entry().unwrap()).collect()
}

/// The last entries, as `actor act subject details`.
async fn told(world: &World, last: usize) -> Vec<String> {
    let log = log(&*world.store).await;
    let entries = &log[log.len() - last..];
    let told = |entry: &AuditEntry| {
        let details = Value::Object(entry.details.clone());
        format!("{} {} {} {details}", entry.actor, entry.act, entry.subject)
    };
    entries.iter().map(told).collect()
}

pub async fn an_act_leaves_one_entry_that_names_actor_and_subject(world: &World) {
    let ada = Actor::Person(uid(9));
    world
        .commit_by(Actor::CommandLine, vec![Write::AddUser(user(7))])
        .await;
    world
        .commit_by(
            ada,
            vec![Write::AddApp(Box::new(app(4, 7))), Write::SetGrant(grant(4, 7))],
        )
        .await;
    let remove = Write::RemoveGrant {
        app: app_id(4),
        user: uid(7),
    };
    world.commit_by(ada, vec![remove]).await;
    world
        .commit_by(ada, vec![Write::AddSession(new_session(&key(), 4, None))])
        .await;
    let session = world.store.session(&key()).await.unwrap().unwrap().id;
    world
        .commit_by(
            Actor::CommandLine,
            vec![Write::ResetCallOrder(session), Write::EndSession(session)],
        )
        .await;
    let block = Write::Picture(PictureWrite::Block(PictureHash([0xAB; 32])));
    world.commit_by(ada, vec![block]).await;
    assert_eq!(
        told(world, 8).await,
        [
            "command_line user.add user:7 {\"admin\":false}".to_owned(),
            "person:9 app.add app:4 {\"owner\":7}".to_owned(),
            "person:9 grant.set user:7 {\"app\":4,\"feed\":true}".to_owned(),
            "person:9 grant.remove user:7 {\"app\":4}".to_owned(),
            "person:9 session.add user:7 {\"app\":4}".to_owned(),
            "command_line session.reset_call_order user:7 {\"app\":4}".to_owned(),
            "command_line session.end user:7 {\"app\":4}".to_owned(),
            format!("person:9 picture.block picture:{} {{}}", "ab".repeat(32)),
        ]
    );
    let first = &log(&*world.store).await[0];
    assert_eq!((first.number, first.at()), (1, world.now()));
}

pub async fn a_change_tells_numbers_and_words_and_of_all_else_only_that_it_changed(world: &World) {
    world.user(7).await;
    world.commit(vec![Write::AddApp(Box::new(app(4, 7)))]).await;
    let changed = App {
        name: "Another name".to_owned(),
        secret: Secret::new("a wholly new secret"),
        previous_secret: Some((Secret::new("secret of 4"), WallMs(5))),
        calls_per_minute: 60,
        enabled: false,
        callback: "https://x.example/?token=hush".to_owned(),
        receipts: Receipts {
            address: "https://x.example/r".to_owned(),
            secret: Some(Secret::new("ab".repeat(32))),
            ..Receipts::default()
        },
        ..app(4, 7)
    };
    world.commit(vec![Write::SetApp(Box::new(changed.clone()))]).await;
    assert_eq!(
        told(world, 1).await,
        [
            "system app.set app:4 {\"callback\":\"changed\",\"calls_per_minute\":[0,60],\"enabled\":[1,0],\
          \"name\":\"changed\",\"previous_until_ms\":[null,5],\"receipt_secret\":\"changed\",\
          \"receipts\":\"changed\",\"secret\":\"changed\"}"
        ]
    );
    // Sealed anew, but nothing is another.
    world.commit(vec![Write::SetApp(Box::new(changed))]).await;
    let person = User {
        name: "Somebody".to_owned(),
        password_hash: None,
        admin: true,
        time_zone: "UTC".to_owned(),
        ..user(7)
    };
    world.commit(vec![Write::SetUser(person.clone())]).await;
    let zone = User {
        time_zone: "Asia/Tokyo".to_owned(),
        ..person
    };
    world.commit(vec![Write::SetUser(zone)]).await;
    assert_eq!(
        told(world, 1).await,
        ["system user.set user:7 {\"admin\":[0,1],\"name\":\"changed\",\"password\":\"changed\"}"]
    );
    assert_eq!(log(&*world.store).await.len(), 4);
}

pub async fn what_people_do_in_their_own_affairs_is_no_entry(world: &World) {
    world.user(7).await;
    let (app, user) = (app_id(4), uid(7));
    let accept = Write::AcceptTerms {
        app,
        user,
        added: false,
    };
    let own = vec![
        accept.clone(),
        Write::SwitchStories {
            app,
            user,
            feed: false,
        },
        Write::PermitOfflineAccess { app, user },
        Write::AddSession(new_session(&key(), 4, None)),
        Write::RemoveGrant { app, user },
    ];
    world.commit(own.clone()).await;
    world.commit_by(Actor::Person(user), own.clone()).await;
    assert_eq!(log(&*world.store).await.len(), 1, "but their own account");
    world.commit_by(Actor::CommandLine, own).await;
    assert_eq!(
        told(world, 5).await,
        [
            "command_line grant.add user:7 {\"app\":4}",
            "command_line grant.set user:7 {\"app\":4,\"feed\":false}",
            "command_line grant.offline_access user:7 {\"app\":4}",
            "command_line session.add user:7 {\"app\":4}",
            "command_line grant.remove user:7 {\"app\":4}",
        ]
    );
}

pub async fn a_refused_or_repeated_unit_leaves_no_entry(world: &World) {
    world.user(7).await;
    let refused = world
        .refused(vec![Write::AddUser(user(8)), Write::AddUser(user(7))])
        .await;
    assert_eq!(refused, Conflict::IdTaken);
    let batch = world.batch(vec![Write::AddUser(user(8))]);
    world.store.commit(batch.clone()).await.unwrap();
    world.store.commit(batch).await.unwrap();
    let log = log(&*world.store).await;
    let subjects: Vec<&str> = log.iter().map(|entry| entry.subject.as_str()).collect();
    assert_eq!(subjects, ["user:7", "user:8"]);
}

pub async fn a_link_that_logs_in_is_told_when_it_is_made_and_when_it_is_used(world: &World) {
    world.user(7).await;
    let link = LoginLink {
        token: world.bytes(),
        user: uid(7),
        expires_at: WallMs(world.now().0 + 1_000),
    };
    let token = link.token;
    world
        .commit_by(Actor::Person(uid(9)), vec![Write::AddLoginLink(link)])
        .await;
    world.commit(vec![Write::UseLoginLink(token)]).await;
    assert_eq!(
        world.refused(vec![Write::UseLoginLink(token)]).await,
        Conflict::TokenNotUsable
    );
    assert_eq!(
        told(world, 2).await,
        [
            "person:9 login_link.add user:7 {}",
            "system login_link.use user:7 {}"
        ]
    );
}

pub async fn an_erasure_leaves_the_chain_whole_and_no_name_in_it(world: &World) {
    let name = "Wilhelmina".to_owned();
    let named = User { name, ..user(7) };
    world.commit(vec![Write::AddUser(named.clone())]).await;
    world
        .commit(vec![Write::SetUser(User { admin: true, ..named })])
        .await;
    world
        .commit_by(Actor::CommandLine, vec![Write::EraseUser(uid(7))])
        .await;
    assert_eq!(told(world, 1).await, ["command_line user.erase user:7 {}"]);
    for kept in world.store.audit_after(0, u32::MAX).await.unwrap() {
        let text = String::from_utf8(kept.text).unwrap();
        assert!(
            !text.contains("Wilhelmina") && !text.contains("argon2id"),
            "{text}"
        );
    }
}

pub async fn entries_are_found_by_actor_and_subject_newest_first(world: &World) {
    let ada = Actor::Person(uid(9));
    for number in 1..=6 {
        let by = if number % 2 == 0 { ada } else { Actor::CommandLine };
        world.commit_by(by, vec![Write::AddUser(user(number))]).await;
        world
            .commit_by(
                ada,
                vec![Write::SetUser(User {
                    admin: true,
                    ..user(number)
                })],
            )
            .await;
    }
    let asked = async |query: AuditQuery| -> Vec<i64> {
        let kept = world.store.audit_page(query).await.unwrap();
        kept.iter().map(|kept| kept.entry().unwrap().number).collect()
    };
    let all = AuditQuery {
        limit: 3,
        ..AuditQuery::default()
    };
    assert_eq!(asked(all.clone()).await, [12, 11, 10]);
    let before = Some(10);
    assert_eq!(
        asked(AuditQuery {
            before,
            ..all.clone()
        })
        .await,
        [9, 8, 7]
    );
    let actor = Some("command_line".to_owned());
    let by_command_line = AuditQuery { actor, ..all.clone() };
    assert_eq!(asked(by_command_line.clone()).await, [9, 5, 1]);
    let subject = Some("user:3".to_owned());
    assert_eq!(
        asked(AuditQuery {
            subject: subject.clone(),
            ..all
        })
        .await,
        [6, 5]
    );
    assert_eq!(
        asked(AuditQuery {
            subject,
            ..by_command_line
        })
        .await,
        [5]
    );
    let next: Vec<KeptEntry> = world.store.audit_after(10, 5).await.unwrap();
    assert_eq!(
        next.iter()
            .map(|kept| kept.entry().unwrap().number)
            .collect::<Vec<_>>(),
        [11, 12]
    );
}

#[tokio::test]
async fn the_books_themselves_refuse_to_change_remove_or_replace_an_entry() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for number in 1..=3_u8 {
        commit(&store, number, vec![Write::AddUser(user(i64::from(number)))]).await;
    }
    let books = raw(folder.path());
    for (sql, says) in [
        (
            "UPDATE audit SET entry = '{}' WHERE number = 2",
            "only ever added to",
        ),
        ("UPDATE audit SET hash = x'00'", "only ever added to"),
        ("DELETE FROM audit WHERE number = 3", "only ever added to"),
        ("DELETE FROM audit", "only ever added to"),
        (
            "INSERT OR REPLACE INTO audit (number, entry, hash) VALUES (2, '{}', x'00')",
            "right behind the last one",
        ),
        (
            "INSERT INTO audit (number, entry, hash) VALUES (5, '{}', x'00')",
            "right behind the last one",
        ),
        (
            "REPLACE INTO audit SELECT number, entry, hash FROM audit WHERE number = 1",
            "right behind the last one",
        ),
    ] {
        let refused = books.execute(sql, []).unwrap_err().to_string();
        assert!(refused.contains(says), "{sql}: {refused}");
    }
    assert_eq!(log(&store).await.len(), 3);
}

#[tokio::test]
async fn an_entry_that_was_spoilt_past_the_triggers_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for number in 1..=5_u8 {
        commit(&store, number, vec![Write::AddUser(user(i64::from(number)))]).await;
    }
    let books = raw(folder.path());
    books
        .execute_batch(
            "DROP TRIGGER audit_entry_changed; DROP TRIGGER audit_entry_removed; DROP TRIGGER audit_entry_out_of_turn;",
        )
        .unwrap();
    for (sql, number) in [
        (
            "UPDATE audit SET entry = replace(entry, 'user:4', 'user:9') WHERE number = 4",
            4,
        ),
        ("UPDATE audit SET hash = zeroblob(32) WHERE number = 3", 3),
        ("DELETE FROM audit WHERE number = 2", 2),
        ("UPDATE audit SET number = 0 WHERE number = 5", 1),
    ] {
        books.execute(sql, []).unwrap();
        let mut check = AuditCheck::from_the_beginning(None);
        let kept = store.audit_after(-1, u32::MAX).await.unwrap();
        let broken = kept.iter().find_map(|kept| check.follow(kept).err()).unwrap();
        assert_eq!(broken.number, number, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_write_at_once_write_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    // Each waits its turn, however slow the disk is for the other.
    let stores = [(); 2].map(|()| open_with(folder.path(), &patient()).unwrap());
    let writing = async |of: u8| {
        for number in (of..40).step_by(2) {
            let batch = Batch {
                id: UnitId([number; 16]),
                by: Actor::CommandLine,
                now: WallMs(0),
                writes: vec![Write::AddUser(user(i64::from(number) + 1))],
            };
            stores[usize::from(of)].commit(batch).await.unwrap();
        }
    };
    tokio::join!(writing(0), writing(1));
    let mut subjects: Vec<String> = log(&stores[0])
        .await
        .into_iter()
        .map(|entry| entry.subject)
        .collect();
    subjects.sort();
    let mut expected: Vec<String> = (1..=40).map(|number| format!("user:{number}")).collect();
    expected.sort();
    assert_eq!(subjects, expected);
    assert_eq!(log(&stores[1]).await.len(), 40);
}
