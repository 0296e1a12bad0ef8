//! kill −9 at seeded random moments under load: no acknowledged story is lost, no accepted call_id is forgotten, the window
//! never opens early, and the audit log tells of exactly the acts that are there.
//!
//! Short form with the other tests: `cargo test -p crier-store --test crash`. Long form:
//! `cargo test -p crier-store --test crash -- --kills 200 --seed 17`. Each kill ends a child process of this very binary, which
//! opens the books, publishes and marks from eight tasks at once and prints each acknowledged fact as a line; the moment is a
//! random number of lines. The parent then opens the same folder and compares. A failure prints the seed that repeats it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that cannot go on has failed its test"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "the child's tasks load the store in parallel and die with it"
)]

use crier_platform::model::audit::{Actor, AuditCheck};
use crier_platform::model::job::SourceRules;
use crier_platform::model::quantity::Bytes;
use crier_platform::model::session::{SessionId, SessionKind};
use crier_platform::model::story::{NewStory, Priority};
use crier_platform::model::time::WallMs;
use crier_platform::model::user::User;
use crier_platform::ports::audit::Audit;
use crier_platform::ports::entropy::{Entropy, random_bytes};
use crier_platform::ports::ledger::OrderRule;
use crier_platform::ports::store::{
    Batch, CommitError, Made, Marks, NewSession, Sessions, Store, Stories, UnitId, Users, Write as BookWrite,
};
use crier_proto::decimal::Decimal;
use crier_proto::ids::{AppId, SessionKey, StoryId, Uid};
use crier_proto::secret::Secret;
use crier_store::{SqliteStore, StoreConfig};
use crier_testkit::{ManualClock, SeededEntropy};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const NAME: &str = "kill_minus_nine_forgets_nothing_that_was_acknowledged";
const START_MS: i64 = 1_795_291_200_000;
const TWELVE_HOURS_MS: i64 = 43_200_000;
const USERS: u64 = 20;
const APPS: u64 = 5;
const SESSIONS: u64 = 4;
const TASKS: u64 = 8;
const LINES_BEFORE_KILL: u64 = 300;
/// People whom the load adds have numbers from here on.
const PEOPLE_FROM: i64 = 1_000_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| -> Option<u64> {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)?.parse().ok()
    };
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    // The two questions that test runners ask a binary of this kind.
    if has("--list") {
        let line = if has("--ignored") {
            String::new()
        } else {
            format!("{NAME}: test\n")
        };
        return write_out(&line);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    if arguments.first().is_some_and(|first| first == "--child") {
        let (folder, seed) = (arguments[1].clone(), arguments[2].parse().unwrap());
        let (began, value) = (arguments[3].parse().unwrap(), arguments[4].parse().unwrap());
        runtime.block_on(load(Path::new(&folder), seed, Progress { now: began, value }));
        return ExitCode::SUCCESS;
    }
    let (kills, seed) = (value("--kills").unwrap_or(20), value("--seed").unwrap_or(1));
    let counts = runtime.block_on(torment(kills, seed));
    write_out(&format!(
        "test {NAME} ... ok ({kills} kills, seed {seed}: {counts})\n"
    ))
}

fn write_out(text: &str) -> ExitCode {
    std::io::stdout()
        .write_all(text.as_bytes())
        .map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}

/// Where virtual time and call_ids stand; handed from child to child, so that both only rise.
#[derive(Clone, Copy)]
struct Progress {
    now: i64,
    value: i64,
}

fn draw(entropy: &dyn Entropy, below: u64) -> u64 {
    u64::from_le_bytes(random_bytes(entropy)) % below
}

fn open(folder: &Path, seed: u64) -> SqliteStore {
    // A small log, so that folding is met too.
    let config = StoreConfig {
        call_order_bytes_max: Bytes(4096),
        ..StoreConfig::default()
    };
    let clock = Arc::new(ManualClock::at(START_MS));
    SqliteStore::open(folder, &config, clock, Arc::new(SeededEntropy::new(seed))).unwrap()
}

fn uid(number: u64) -> Uid {
    Uid::new(i64::try_from(number).unwrap() + 1).unwrap()
}

fn person(number: i64) -> User {
    User {
        uid: Uid::new(number).unwrap(),
        name: format!("user{number}"),
        password_hash: None,
        admin: false,
        enabled: true,
        created_at: WallMs(START_MS),
        time_zone: "UTC".to_owned(),
    }
}

fn session_key(number: u64) -> SessionKey {
    SessionKey::of(&format!("{number:024x}"), uid(number)).unwrap()
}

// ---- the child

struct Load {
    store: SqliteStore,
    entropy: SeededEntropy,
    now: AtomicI64,
    value: AtomicI64,
    sessions: Vec<SessionId>,
}

async fn load(folder: &Path, seed: u64, progress: Progress) {
    let store = open(folder, seed);
    let mut sessions = Vec::new();
    for number in 0..SESSIONS {
        sessions.push(store.session(&session_key(number)).await.unwrap().unwrap().id);
    }
    let load = Arc::new(Load {
        store,
        entropy: SeededEntropy::new(seed ^ 0xC1),
        now: AtomicI64::new(progress.now),
        value: AtomicI64::new(progress.value),
        sessions,
    });
    for _ in 0..TASKS {
        let load = Arc::clone(&load);
        tokio::spawn(async move {
            loop {
                load.turn().await;
            }
        });
    }
    std::future::pending::<()>().await;
}

impl Load {
    async fn turn(&self) {
        let session = self.sessions[usize::try_from(draw(&self.entropy, SESSIONS)).unwrap()];
        let number = self.value.fetch_add(1, Ordering::Relaxed);
        let value: Decimal = format!("{number}.25").parse().unwrap();
        match draw(&self.entropy, 5) {
            0 => {
                self.store.mark_call(session, &value).unwrap();
                say(&format!("M {} {number}.25", session.0));
            }
            1 => {
                self.store.mark_expiry(session, START_MS / 1000 + number).unwrap();
                say(&format!("E {} {}", session.0, START_MS / 1000 + number));
            }
            2 => self.add_person().await,
            _ => self.publish(session, value).await,
        }
    }

    /// An act that the audit log tells of.
    async fn add_person(&self) {
        // At random: a number that was written and never acknowledged is not drawn again.
        let number = PEOPLE_FROM + i64::try_from(draw(&self.entropy, 1 << 48)).unwrap();
        let batch = Batch {
            id: UnitId(random_bytes(&self.entropy)),
            by: Actor::CommandLine,
            now: WallMs(START_MS),
            writes: vec![BookWrite::AddUser(person(number))],
        };
        self.store.commit(batch).await.unwrap();
        say(&format!("A {number}"));
    }

    async fn publish(&self, session: SessionId, value: Decimal) {
        let step = i64::try_from(draw(&self.entropy, 600_000)).unwrap();
        let now = WallMs(self.now.fetch_add(step, Ordering::Relaxed) + step);
        let (user, app) = (
            uid(draw(&self.entropy, USERS)),
            1 + i64::try_from(draw(&self.entropy, APPS)).unwrap(),
        );
        let story = NewStory {
            user,
            app: AppId::new(app).unwrap(),
            title: "a title".to_owned(),
            body: None,
            priority: Priority::Absent,
            exempt: false,
            published_at: now,
            slots: Vec::new(),
            sources: SourceRules::default(),
        };
        let shown = value.to_string();
        let writes = vec![
            BookWrite::PublishStory(story),
            BookWrite::MarkCall {
                session,
                rule: OrderRule::Once,
                value,
            },
        ];
        match self
            .store
            .commit(Batch {
                id: UnitId(random_bytes(&self.entropy)),
                by: Actor::System,
                now,
                writes,
            })
            .await
        {
            Ok(made) => match made.as_slice() {
                [Made::Story { id, seq }] => {
                    say(&format!(
                        "P {} {user} {app} {seq} {} {} {shown}",
                        id.get(),
                        now.0,
                        session.0
                    ));
                }
                other => panic!("{other:?}"),
            },
            Err(CommitError::Refused(_)) => {}
            Err(fault) => panic!("{fault:?}"),
        }
    }
}

/// One write of one line, so that a kill tears at most the last.
fn say(line: &str) {
    std::io::stdout()
        .lock()
        .write_all(format!("{line}\n").as_bytes())
        .unwrap();
    std::io::stdout().lock().flush().unwrap();
}

// ---- the parent

/// What children have been answered.
#[derive(Default)]
struct Acknowledged {
    stories: HashMap<StoryId, (Uid, AppId, i64, WallMs)>,
    values: HashMap<SessionId, Vec<Decimal>>,
    expiries: HashMap<SessionId, i64>,
    people: Vec<Uid>,
    latest: i64,
    greatest: i64,
}

async fn torment(kills: u64, seed: u64) -> String {
    let folder = tempfile::tempdir().unwrap();
    let entropy = SeededEntropy::new(seed);
    prepare(folder.path(), &entropy).await;
    let mut acknowledged = Acknowledged {
        latest: START_MS,
        greatest: 1,
        ..Acknowledged::default()
    };
    for kill in 0..kills {
        let lines = 1 + draw(&entropy, LINES_BEFORE_KILL);
        let mut child = start(
            folder.path(),
            seed.wrapping_mul(1009).wrapping_add(kill),
            &acknowledged,
        );
        let mut output = BufReader::new(child.stdout.take().unwrap());
        for _ in 0..lines {
            assert!(
                acknowledged.hear(&mut output),
                "the child ended by itself: seed {seed}, kill {kill}"
            );
        }
        child.kill().unwrap();
        child.wait().unwrap();
        while acknowledged.hear(&mut output) {}
        compare(folder.path(), &acknowledged, &format!("seed {seed}, kill {kill}")).await;
    }
    let values: usize = acknowledged.values.values().map(Vec::len).sum();
    format!(
        "{} stories, {values} call_ids and {} people acknowledged",
        acknowledged.stories.len(),
        acknowledged.people.len()
    )
}

async fn prepare(folder: &Path, entropy: &SeededEntropy) {
    let store = open(folder, 0);
    let mut writes = Vec::new();
    for number in 0..USERS {
        writes.push(BookWrite::AddUser(person(uid(number).get())));
    }
    for number in 0..SESSIONS {
        writes.push(BookWrite::AddSession(NewSession {
            key: session_key(number),
            app: AppId::new(1).unwrap(),
            user: uid(number),
            secret: Secret::new("secret"),
            expires: Some(START_MS / 1000),
            kind: SessionKind::Sliding,
        }));
    }
    let batch = Batch {
        id: UnitId(random_bytes(entropy)),
        by: Actor::System,
        now: WallMs(START_MS - 1000),
        writes,
    };
    store.commit(batch).await.unwrap();
    store.close().await.unwrap();
}

fn start(folder: &Path, seed: u64, acknowledged: &Acknowledged) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .arg("--child")
        .arg(folder)
        .args([
            seed.to_string(),
            acknowledged.latest.to_string(),
            acknowledged.greatest.to_string(),
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

impl Acknowledged {
    /// Takes one line; false at the end of the output. A torn last line was never said.
    fn hear(&mut self, output: &mut impl BufRead) -> bool {
        let mut line = String::new();
        if output.read_line(&mut line).unwrap() == 0 || !line.ends_with('\n') {
            return false;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |index: usize| -> i64 { words[index].parse().unwrap() };
        match words[0] {
            "M" => self.mark(SessionId(number(1)), words[2]),
            "E" => {
                let latest = self.expiries.entry(SessionId(number(1))).or_default();
                *latest = number(2).max(*latest);
            }
            "A" => self.people.push(Uid::new(number(1)).unwrap()),
            "P" => {
                let story = (
                    Uid::new(number(2)).unwrap(),
                    AppId::new(number(3)).unwrap(),
                    number(4),
                    WallMs(number(5)),
                );
                self.latest = self.latest.max(number(5));
                self.stories.insert(StoryId::new(number(1)).unwrap(), story);
                self.mark(SessionId(number(6)), words[7]);
            }
            other => panic!("{other}"),
        }
        true
    }

    fn mark(&mut self, session: SessionId, value: &str) {
        let whole = value.split('.').next().unwrap().parse::<i64>().unwrap();
        self.greatest = self.greatest.max(whole + 1);
        self.values
            .entry(session)
            .or_default()
            .push(value.parse().unwrap());
    }
}

async fn compare(folder: &Path, acknowledged: &Acknowledged, when: &str) {
    let store = open(folder, 0);
    for (id, (user, app, seq, at)) in &acknowledged.stories {
        let story = store.story(*id).await.unwrap();
        let found = story
            .as_ref()
            .map(|story| (story.user, story.app, story.seq, story.published_at));
        assert_eq!(
            found,
            Some((*user, *app, *seq, *at)),
            "acknowledged story {id} is lost: {when}"
        );
    }
    for number in 0..USERS {
        check_record(&store, uid(number), when).await;
    }
    for number in 0..SESSIONS {
        let session = store.session(&session_key(number)).await.unwrap().unwrap();
        let kept = store.call_ids(session.id).await.unwrap();
        for value in acknowledged.values.get(&session.id).into_iter().flatten() {
            let refused_anyway = kept.len() == 128 && value < &kept[0];
            assert!(
                kept.contains(value) || refused_anyway,
                "accepted call_id {value} is forgotten: {when}"
            );
        }
        let expiry = acknowledged.expiries.get(&session.id).copied();
        assert!(session.expires >= expiry, "a moved expiry is forgotten: {when}");
    }
    check_audit(&store, &acknowledged.people, when).await;
    for finding in store.diagnose().await {
        assert!(finding.ok, "{}: {when}", finding.text);
    }
}

/// The chain is whole, it tells of each person who is there once and of nobody else, and each who was acknowledged is there.
async fn check_audit(store: &SqliteStore, acknowledged: &[Uid], when: &str) {
    let mut check = AuditCheck::from_the_beginning(None);
    let mut told = Vec::new();
    for kept in store.audit_after(0, u32::MAX).await.unwrap() {
        check
            .follow(&kept)
            .unwrap_or_else(|broken| panic!("{broken}: {when}"));
        told.push(kept.entry().unwrap().subject);
    }
    let there = store.users().await.unwrap();
    let mut there: Vec<String> = there.iter().map(|user| format!("user:{}", user.uid)).collect();
    told.sort();
    there.sort();
    assert_eq!(told, there, "acts and entries differ: {when}");
    for uid in acknowledged {
        let subject = format!("user:{uid}");
        assert!(there.binary_search(&subject).is_ok(), "{subject} is lost: {when}");
    }
}

/// Places without a gap, and never two stories of one application within twelve hours.
async fn check_record(store: &SqliteStore, user: Uid, when: &str) {
    let mut stories = store.stories(user, None, u32::MAX).await.unwrap();
    stories.reverse();
    let mut last: HashMap<AppId, WallMs> = HashMap::new();
    for (place, story) in (1..).zip(&stories) {
        assert_eq!(story.seq, place, "{when}");
        let early = last
            .insert(story.app, story.published_at)
            .is_some_and(|before| story.published_at.0 - before.0 < TWELVE_HOURS_MS);
        assert!(!early, "the window has opened early for user {user}: {when}");
    }
    for (app, at) in last {
        assert_eq!(store.window(app, user).await.unwrap(), Some(at), "{when}");
    }
}
