//! Books in memory, a clock that is turned by hand, and hosts that answer when the test says so.

use async_trait::async_trait;
use bytes::Bytes;
use crier_live::config::{LiveConfig, ReceiptsConfig};
use crier_live::metrics::Metrics;
use crier_live::node::{Node, NodeParts};
use crier_platform::jobs::pictures::{FetchPictures, PictureBooks, PictureRules};
use crier_platform::model::audit::Actor;
use crier_platform::model::job::{SourceRules, host_of};
use crier_platform::model::picture::Cause;
use crier_platform::model::story::{NewSlot, NewStory, Priority, Slot, SlotState};
use crier_platform::model::time::WallMs;
use crier_platform::model::user::User;
use crier_platform::ports::Ports;
use crier_platform::ports::entropy::random_bytes;
use crier_platform::ports::fetch::{Fetch, FetchFailed, Fetched, Got, Validators, Wanted};
use crier_platform::ports::passwords::{PasswordFault, Passwords};
use crier_platform::ports::store::{Batch, Made, Store, UnitId, Write};
use crier_proto::ids::{AppId, StoryId, Uid};
use crier_proto::story::ImageSource;
use crier_store::SqliteStore;
use crier_testkit::patience::{all_done, within};
use crier_testkit::{ManualClock, PlainImages, SeededEntropy};
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub const START_MS: i64 = 1_795_291_200_000;

/// What a host answers.
pub type Answer = Result<Got, FetchFailed>;

/// A question that a host has not answered yet.
pub struct Asked {
    pub wanted: Wanted,
    answer: oneshot::Sender<Answer>,
}

impl Asked {
    pub fn host(&self) -> &str {
        host_of(&self.wanted.url)
    }

    pub fn answer(self, answer: Answer) {
        let _ = self.answer.send(answer);
    }
}

/// Hosts of every name.
#[derive(Default)]
pub struct Hosts {
    asked: Mutex<Vec<Asked>>,
}

#[async_trait]
impl Fetch for Hosts {
    async fn fetch(&self, wanted: Wanted) -> Fetched {
        let (answer, answered) = oneshot::channel();
        self.asked.lock().unwrap().push(Asked { wanted, answer });
        let outcome = answered.await.unwrap_or(Err(Cause::NoAnswer.into()));
        Fetched {
            outcome,
            bytes: 1_000,
        }
    }
}

struct NoPasswords;

#[async_trait]
impl Passwords for NoPasswords {
    async fn hash(&self, _password: String) -> Result<String, PasswordFault> {
        Err(PasswordFault)
    }
    async fn verify(&self, _password: String, _hash: Option<String>) -> Result<bool, PasswordFault> {
        Err(PasswordFault)
    }
}

pub struct World {
    pub clock: Arc<ManualClock>,
    pub ports: Ports,
    pub hosts: Arc<Hosts>,
    pub books: PictureBooks,
    pub rules: PictureRules,
    running: Option<JoinHandle<()>>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.kill();
    }
}

pub fn image(text: &str) -> Answer {
    Ok(Got::Image {
        bytes: Bytes::from(format!("image {text}")),
        validators: Validators::default(),
    })
}

impl World {
    /// With users 1 to 9 and a job that runs by these rules.
    pub async fn with(change: impl FnOnce(&mut PictureRules)) -> Self {
        let clock = Arc::new(ManualClock::at(START_MS));
        let entropy = Arc::new(SeededEntropy::new(7));
        let store = SqliteStore::open_in_memory(clock.clone(), entropy.clone()).unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        let node = Node::new(NodeParts {
            receipts: ReceiptsConfig::default(),
            config: LiveConfig::default(),
            marks: Arc::clone(&store) as _,
            clock: clock.clone(),
            entropy: entropy.clone(),
            metrics: Metrics::default(),
            resume_key: [7; 32],
            messages: None,
        });
        let ports = Ports {
            store,
            ledger: node.clone(),
            deliver: node.clone(),
            tickets: node,
            clock: clock.clone(),
            entropy,
            passwords: Arc::new(NoPasswords),
            images: Arc::new(PlainImages),
            fetching: Arc::default(),
            posting: Arc::default(),
            wakes: Arc::default(),
            feed_figures: Arc::default(),
            tally: Arc::default(),
        };
        let mut rules = PictureRules::at("http://crier.example");
        change(&mut rules);
        let mut world = Self {
            clock,
            ports,
            hosts: Arc::default(),
            books: PictureBooks::default(),
            rules,
            running: None,
        };
        for number in 1..=9 {
            let user = User {
                uid: Uid::new(number).unwrap(),
                name: format!("user{number}"),
                password_hash: None,
                admin: false,
                enabled: true,
                created_at: WallMs(START_MS),
                time_zone: String::new(),
            };
            world.write(vec![Write::AddUser(user)]).await;
        }
        world.start();
        world
    }

    /// Starts the job, as a process does.
    pub fn start(&mut self) {
        let job = FetchPictures::new(
            self.ports.clone(),
            Arc::clone(&self.hosts) as _,
            (self.rules.clone(), self.books.clone()),
        );
        self.running = Some(tokio::spawn(job.run()));
    }

    /// Drops the job where it stands, with every question that was under way.
    pub fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
        }
        self.hosts.asked.lock().unwrap().clear();
    }

    pub async fn write(&self, writes: Vec<Write>) -> Vec<Made> {
        let batch = Batch {
            id: UnitId(random_bytes(&*self.ports.entropy)),
            by: Actor::System,
            now: self.ports.clock.wall(),
            writes,
        };
        self.ports.store.commit(batch).await.unwrap()
    }

    /// Publishes a story of this application for user 1, and wakes the job.
    pub async fn publish(&self, app: i64, url: &str) -> StoryId {
        let story = NewStory {
            user: Uid::new(1).unwrap(),
            app: AppId::new(app).unwrap(),
            title: "a title".to_owned(),
            body: None,
            priority: Priority::Absent,
            exempt: true,
            published_at: self.ports.clock.wall(),
            slots: vec![NewSlot {
                number: 1,
                source: ImageSource::Url(url.to_owned()),
                link: "http://x.example/".to_owned(),
            }],
            sources: SourceRules::default(),
        };
        let made = self.write(vec![Write::PublishStory(story)]).await;
        self.ports.fetching.knock();
        match made.as_slice() {
            [Made::Story { id, .. }] => *id,
            other => panic!("no story: {other:?}"),
        }
    }

    /// How often a bound was met.
    pub fn met(&self, key: &str) -> u64 {
        let bounds = self.ports.feed_figures.bounds();
        bounds.into_iter().find(|(word, _)| *word == key).unwrap().1
    }

    pub async fn slot(&self, story: StoryId) -> Slot {
        let story = self.ports.store.story(story).await.unwrap().unwrap();
        story.slots[0].clone()
    }

    /// The story's slot once it is no longer pending.
    pub async fn settled(&self, story: StoryId) -> Slot {
        let settled = async {
            loop {
                let slot = self.slot(story).await;
                if slot.state != SlotState::Pending {
                    return Ok(slot);
                }
                tokio::task::yield_now().await;
            }
        };
        within("the end of a fetch", settled).await.unwrap()
    }

    /// Waits until so many questions are asked, gives the job every chance to ask another, and takes them.
    pub async fn asked(&self, count: usize) -> Vec<Asked> {
        let enough = async {
            while self.hosts.asked.lock().unwrap().len() < count {
                tokio::task::yield_now().await;
            }
            Ok(())
        };
        within("a question to a host", enough).await.unwrap();
        all_done(&*self.ports.store).await;
        std::mem::take(&mut *self.hosts.asked.lock().unwrap())
    }

    /// The hosts of the questions that are open, sorted.
    pub async fn hosts_asked(&self, count: usize) -> (Vec<Asked>, Vec<String>) {
        let asked = self.asked(count).await;
        let mut hosts: Vec<String> = asked.iter().map(|one| one.host().to_owned()).collect();
        hosts.sort();
        (asked, hosts)
    }
}
