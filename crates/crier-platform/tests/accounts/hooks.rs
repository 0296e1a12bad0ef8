//! The hooks `post_authorize` and `post_remove` over real books: what is posted, in which order, how often, and when it is given up
//! (protocol 19.6, 19.7; the schedule of live 7.10).
#![expect(
    clippy::disallowed_methods,
    reason = "the job runs beside the test, as the server's lifecycle runs it"
)]

use crate::harness::{BEGIN_MS, Town, new_app};
use async_trait::async_trait;
use crier_platform::accounts::admin::NewUser;
use crier_platform::accounts::hooks::HooksConfig;
use crier_platform::accounts::terms::Assent;
use crier_platform::accounts::{Accounts, AccountsConfig};
use crier_platform::jobs::hooks::{HookFigures, PostHooks};
use crier_platform::model::hook::HookSpace;
use crier_platform::model::quantity::Span;
use crier_platform::model::retry::DELAYS_MS;
use crier_platform::ports::clock::Clock;
use crier_platform::ports::hooks::{Content, Hook, Hooks, Posted};
use crier_proto::digest::{hmac_sha256, lower_hex, md5};
use crier_testkit::patience::{all_done, within};
use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const AUTHORIZE: &str = "https://game.example/in";
const REMOVE: &str = "https://game.example/out";
const DAY_MS: u64 = 86_400_000;

/// A post that waits for its answer.
struct Call {
    url: String,
    body: String,
    deadline_ms: u64,
    answer: oneshot::Sender<Posted>,
}

impl Call {
    fn set(&self) -> BTreeMap<String, String> {
        let pairs = self.body.split('&').map(|pair| pair.split_once('=').unwrap());
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    fn user(&self) -> String {
        self.set()["fb_sig_user"].clone()
    }

    fn end(self, posted: Posted) {
        let _ = self.answer.send(posted);
    }
}

/// Applications' servers.
#[derive(Default)]
struct Receivers(Mutex<Vec<Call>>);

#[async_trait]
impl Hooks for Receivers {
    async fn post(&self, hook: Hook) -> Posted {
        let Content::Set(body) = hook.content else {
            panic!("a hook posts a set");
        };
        let (answer, answered) = oneshot::channel();
        self.0.lock().unwrap().push(Call {
            url: hook.url,
            body: String::from_utf8(body.to_vec()).unwrap(),
            deadline_ms: hook.deadline_ms,
            answer,
        });
        answered.await.unwrap_or(Posted::TryLater("no answer".to_owned()))
    }
}

/// A town whose application `Rochambeau` has both hooks, and the job that posts.
struct World {
    town: Town,
    accounts: Accounts,
    receivers: Arc<Receivers>,
    figures: Arc<HookFigures>,
    config: HooksConfig,
    running: JoinHandle<()>,
}

impl World {
    async fn with(change: impl FnOnce(&mut HooksConfig)) -> Self {
        let town = Town::with_people().await;
        let mut config = HooksConfig::default();
        change(&mut config);
        let accounts = Accounts::with_config(town.ports.clone(), (AccountsConfig::default(), config.clone()));
        hooked(&accounts, "Rochambeau", AUTHORIZE).await;
        let mut world = Self {
            town,
            accounts,
            receivers: Arc::default(),
            figures: Arc::default(),
            config,
            running: tokio::spawn(async {}),
        };
        world.start();
        world
    }

    fn start(&mut self) {
        let job = PostHooks::new(
            self.town.ports.clone(),
            self.accounts.clone(),
            (
                Arc::clone(&self.receivers) as _,
                self.config.clone(),
                Arc::clone(&self.figures),
            ),
        );
        self.running = tokio::spawn(job.run(pending()));
    }

    /// Drops the job where it stands.
    fn kill(&self) {
        self.running.abort();
        self.receivers.0.lock().unwrap().clear();
    }

    async fn accept(&self, app: &str, user: &str) {
        let (app, user) = (
            self.accounts.find_app(app).await.unwrap(),
            self.town.user(user).await,
        );
        self.accounts
            .accept_terms(&app, &user, Assent::default())
            .await
            .unwrap();
    }

    async fn withdraw(&self, user: &str) {
        let user = self.town.user(user).await;
        self.accounts
            .withdraw(self.town.app().await.id, user.uid)
            .await
            .unwrap();
    }

    async fn person(&self, name: &str) -> String {
        let user = NewUser {
            name: name.to_owned(),
            ..NewUser::default()
        };
        self.accounts.add_user(user).await.unwrap().uid.to_string()
    }

    /// Waits for so many posts, gives the job every chance to begin another, and takes them.
    async fn calls(&self, count: usize) -> Vec<Call> {
        let enough = async {
            while self.receivers.0.lock().unwrap().len() < count {
                tokio::task::yield_now().await;
            }
            Ok(())
        };
        within("a post", enough).await.unwrap();
        let calls = self.nothing_more().await;
        assert_eq!(calls.len(), count);
        calls
    }

    async fn call(&self) -> Call {
        self.calls(1).await.pop().unwrap()
    }

    async fn nothing_more(&self) -> Vec<Call> {
        all_done(&*self.town.ports.store).await;
        std::mem::take(&mut *self.receivers.0.lock().unwrap())
    }

    async fn space(&self) -> HookSpace {
        self.town.ports.store.hook_space().await.unwrap()
    }

    /// Waits until so many posts are left.
    async fn left(&self, waiting: u64) {
        let settled = async {
            while self.space().await.waiting != waiting {
                tokio::task::yield_now().await;
            }
            Ok(())
        };
        within("the end of posts", settled).await.unwrap();
        assert!(self.nothing_more().await.is_empty());
    }

    /// Waits until so many attempts have failed and are written.
    async fn tried(&self, failures: u64) {
        self.counted("retried", failures).await;
        assert!(self.nothing_more().await.is_empty());
    }

    /// Waits until a result is counted so often: the job counts after the books hold it.
    async fn counted(&self, result: &str, times: u64) {
        let counted = async {
            let count = |(word, count): (&str, u64)| word == result && count == times;
            while !self.figures.results().into_iter().any(count) {
                tokio::task::yield_now().await;
            }
            Ok(())
        };
        within(result, counted).await.unwrap();
    }
}

async fn hooked(accounts: &Accounts, app: &str, authorize: &str) {
    let pairs = [("post_authorize", authorize), ("post_remove", REMOVE)];
    let pairs = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
    accounts.set_app(app, &pairs).await.unwrap();
}

/// What is signed of a set, and with which signature it came: by the words of the page (protocol 6.1, 19.1).
fn judged(set: &BTreeMap<String, String>) -> (Vec<String>, String) {
    let prefixed = set
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("fb_sig_")?, value)));
    let lines = prefixed.map(|(name, value)| format!("{name}={value}"));
    (lines.collect(), set["fb_sig"].clone())
}

fn names(set: &BTreeMap<String, String>) -> Vec<&str> {
    set.keys().map(String::as_str).collect()
}

#[tokio::test]
async fn accepting_and_withdrawing_post_the_sets_of_the_page_signed_with_the_application_secret() {
    let world = World::with(|_| {}).await;
    let (app, bo) = (world.town.app().await, world.town.user("bo").await);
    world.accept("Rochambeau", "bo").await;
    let call = world.call().await;
    assert_eq!((call.url.as_str(), call.deadline_ms), (AUTHORIZE, 5_000));
    let set = call.set();
    assert_eq!(
        names(&set),
        [
            "fb_sig",
            "fb_sig_added",
            "fb_sig_api_key",
            "fb_sig_authorize",
            "fb_sig_expires",
            "fb_sig_profile_update_time",
            "fb_sig_session_key",
            "fb_sig_time",
            "fb_sig_user",
        ]
    );
    let now = BEGIN_MS / 1_000;
    for (name, value) in [
        ("added", "0".to_owned()),
        ("api_key", app.api_key.to_string()),
        ("authorize", "1".to_owned()),
        ("expires", (now + 86_400).to_string()),
        ("profile_update_time", now.to_string()),
        ("time", format!("{now}.0000")),
        ("user", bo.uid.to_string()),
    ] {
        assert_eq!(set[&format!("fb_sig_{name}")], value, "{name}");
    }
    let (lines, signature) = judged(&set);
    let secret = app.secret.expose();
    assert_eq!(
        signature,
        lower_hex(&md5(&[lines.concat().as_bytes(), secret.as_bytes()]))
    );
    let key = set["fb_sig_session_key"].parse().unwrap();
    let session = world.town.ports.store.session(&key).await.unwrap().unwrap();
    assert_eq!((session.app, session.user), (app.id, bo.uid));
    call.end(Posted::Delivered);
    world.left(0).await;
    // To accept again is nothing new.
    world.accept("Rochambeau", "bo").await;
    world.left(0).await;

    let pairs = [("signature".to_owned(), "hmac".to_owned())];
    world.accounts.set_app("Rochambeau", &pairs).await.unwrap();
    world.withdraw("bo").await;
    let call = world.call().await;
    assert_eq!(call.url, REMOVE);
    let set = call.set();
    assert_eq!(
        names(&set),
        [
            "crier_sig",
            "fb_sig",
            "fb_sig_added",
            "fb_sig_api_key",
            "fb_sig_time",
            "fb_sig_uninstall",
            "fb_sig_user",
        ]
    );
    assert_eq!(
        (set["fb_sig_added"].as_str(), set["fb_sig_uninstall"].as_str()),
        ("0", "1")
    );
    let (lines, signature) = judged(&set);
    assert_eq!(
        signature,
        lower_hex(&md5(&[lines.concat().as_bytes(), secret.as_bytes()]))
    );
    let message = format!("crier-set-sha256-1\n{}", lines.join("&"));
    assert_eq!(
        set["crier_sig"],
        lower_hex(&hmac_sha256(secret.as_bytes(), &[message.as_bytes()]))
    );
    call.end(Posted::Delivered);
    world.left(0).await;
    world.counted("posted", 2).await;
    world.counted("retried", 0).await;
    // What nobody had accepted cannot be withdrawn, and tells nothing.
    let app = world.town.app().await.id;
    assert!(world.accounts.withdraw(app, bo.uid).await.is_err());
    world.left(0).await;
}

#[tokio::test]
async fn what_one_person_did_is_told_in_order_and_holds_up_nobody_else() {
    let world = World::with(|_| {}).await;
    let cy = world.person("cy").await;
    world.accept("Rochambeau", "bo").await;
    let first = world.call().await;
    world.withdraw("bo").await;
    world.accept("Rochambeau", "bo").await;
    assert!(world.nothing_more().await.is_empty());
    let body = first.body.clone();
    first.end(Posted::TryLater("the answer was 500".to_owned()));
    world.tried(1).await;
    // Somebody else accepts: bo's post is not due, and the hook rests only a moment.
    world.accept("Rochambeau", "cy").await;
    assert!(world.nothing_more().await.is_empty());
    world.town.clock.advance_ms(1_200);
    let mut told = Vec::new();
    for _ in 0..4 {
        let call = world.call().await;
        if call.body == body {
            told.push("bo again".to_owned());
        } else if call.user() == cy {
            told.push("cy".to_owned());
        } else {
            told.push(call.url.clone());
        }
        call.end(Posted::Delivered);
    }
    assert_eq!(told.iter().filter(|one| *one == "cy").count(), 1);
    told.retain(|one| one != "cy");
    assert_eq!(told, ["bo again", REMOVE, AUTHORIZE]);
    world.left(0).await;
}

#[tokio::test]
async fn a_dead_address_is_asked_by_the_schedule_and_given_up_after_a_day() {
    let world = World::with(|_| {}).await;
    world.accept("Rochambeau", "bo").await;
    let mut bodies = Vec::new();
    let mut waits = Vec::new();
    let mut last = world.town.clock.elapsed().0;
    let begun = last;
    loop {
        let call = world.call().await;
        let now = world.town.clock.elapsed().0;
        waits.push(now - last);
        last = now;
        bodies.push(call.body.clone());
        call.end(Posted::TryLater("no answer in time".to_owned()));
        let next = DELAYS_MS[(bodies.len() - 1).min(DELAYS_MS.len() - 1)];
        world.tried(bodies.len() as u64).await;
        if last - begun + next * 12 / 10 >= DAY_MS {
            world.town.clock.advance_ms(DAY_MS - (last - begun));
            break;
        }
        // Not a moment before the shortest wait, and at the longest one.
        world.town.clock.advance_ms(next * 8 / 10 - 1);
        assert!(world.nothing_more().await.is_empty(), "after {}", bodies.len());
        world.town.clock.advance_ms(next * 4 / 10 + 2);
    }
    assert!(bodies.len() > 20 && bodies.windows(2).all(|pair| pair[0] == pair[1]));
    assert!(waits.iter().sum::<u64>() < DAY_MS);
    world.left(0).await;
    assert_eq!(world.space().await.expired, 1);
    world.counted("expired", 1).await;
    world.counted("retried", bodies.len() as u64).await;
}

#[tokio::test]
async fn a_kill_loses_no_post_and_the_next_process_posts_the_same_bytes() {
    let mut world = World::with(|_| {}).await;
    world.accept("Rochambeau", "bo").await;
    let before = world.call().await.body;
    world.kill();
    world.withdraw("bo").await;
    world.town.clock.advance_ms(3_000);
    world.start();
    let again = world.call().await;
    assert_eq!(again.body, before);
    again.end(Posted::Delivered);
    let removed = world.call().await;
    assert_eq!(removed.url, REMOVE);
    removed.end(Posted::Delivered);
    world.left(0).await;
}

#[tokio::test]
async fn a_receiver_that_answers_410_and_an_address_that_was_taken_away_end_a_post() {
    let world = World::with(|_| {}).await;
    world.accept("Rochambeau", "bo").await;
    world.call().await.end(Posted::Refused);
    world.left(0).await;
    world.withdraw("bo").await;
    let call = world.call().await;
    let pairs = [("post_remove".to_owned(), String::new())];
    world.accounts.set_app("Rochambeau", &pairs).await.unwrap();
    call.end(Posted::TryLater("the answer was 404".to_owned()));
    world.tried(1).await;
    world.town.clock.advance_ms(1_200);
    world.left(0).await;
    world.counted("refused", 1).await;
    world.counted("off", 1).await;
    // Without an address nothing is queued at all, and no session is made.
    let pairs = [("post_authorize".to_owned(), String::new())];
    world.accounts.set_app("Rochambeau", &pairs).await.unwrap();
    world.accept("Rochambeau", "bo").await;
    world.withdraw("bo").await;
    assert_eq!(world.space().await.waiting, 0);
}

#[tokio::test]
async fn hooks_waiting_max_lets_the_oldest_of_an_application_leave_and_counts_them() {
    let world = World::with(|hooks| hooks.waiting_max = 2).await;
    let mut people = Vec::new();
    for name in ["cy", "di", "ed"] {
        people.push(world.person(name).await);
    }
    world.accept("Rochambeau", "bo").await;
    let first = world.call().await;
    for name in ["cy", "di", "ed"] {
        world.accept("Rochambeau", name).await;
    }
    assert_eq!((world.space().await.waiting, world.space().await.dropped), (2, 2));
    // Its row is gone; that it was taken still counts.
    first.end(Posted::Delivered);
    for person in &people[1..] {
        let call = world.call().await;
        assert_eq!(call.user(), *person);
        call.end(Posted::Delivered);
    }
    world.left(0).await;
    world.counted("posted", 3).await;
    world.counted("dropped", 2).await;
}

#[tokio::test]
async fn hooks_requests_max_bounds_posts_at_once_and_applications_take_turns() {
    let world = World::with(|hooks| {
        hooks.requests_max = 1;
        hooks.deadline = Span(250);
    })
    .await;
    world.accounts.add_app(new_app("Other")).await.unwrap();
    hooked(&world.accounts, "Other", "https://other.example/in").await;
    world.person("cy").await;
    for app in ["Rochambeau", "Other"] {
        for user in ["bo", "cy"] {
            world.accept(app, user).await;
        }
    }
    let mut told = Vec::new();
    for _ in 0..4 {
        let call = world.call().await;
        assert_eq!(call.deadline_ms, 250);
        told.push(call.url == AUTHORIZE);
        call.end(Posted::Delivered);
    }
    assert_ne!(told[0], told[1]);
    assert_eq!(told.iter().filter(|first| **first).count(), 2);
    world.left(0).await;
}

#[tokio::test]
async fn an_erased_person_has_withdrawn_and_leaves_no_other_post() {
    let world = World::with(|_| {}).await;
    world.kill();
    world.accept("Rochambeau", "bo").await;
    world.accounts.erase_user("bo").await.unwrap();
    let mut world = world;
    world.start();
    let call = world.call().await;
    assert_eq!((call.url.as_str(), call.user()), (REMOVE, "563683308".to_owned()));
    call.end(Posted::Delivered);
    world.left(0).await;
}
