//! A node under a turned clock and seeded chance, and pages without sockets.

use crate::books::KeptMessages;
use async_trait::async_trait;
use crier_live::config::LiveConfig;
use crier_live::connection::Next;
use crier_live::hub::{Errand, Hub};
use crier_live::link::{Link, Opening, Transport};
use crier_live::metrics::Metrics;
use crier_live::node::{Node, NodeParts};
use crier_live::resume::OriginMark;
use crier_platform::model::message::{Delivery, Door, NewMessage, Via};
use crier_platform::model::session::SessionId;
use crier_platform::model::ticket::Permit;
use crier_platform::model::time::WallMs;
use crier_platform::ports::clock::Clock;
use crier_platform::ports::deliver::{AcceptError, Deliver};
use crier_platform::ports::store::{Marks, Messages, StoreFault};
use crier_proto::decimal::Decimal;
use crier_proto::ids::{AppId, MessageId, SessionKey, Uid};
use crier_proto::message::Fanout;
use crier_testkit::{ManualClock, SeededEntropy};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

pub const START_MS: i64 = 1_795_290_600_000;

/// Marks that outlive a node, as the store's do.
#[derive(Default)]
pub struct KeptMarks {
    kept: Mutex<HashMap<SessionId, Vec<Decimal>>>,
    pub failing: AtomicBool,
}

#[async_trait]
impl Marks for KeptMarks {
    fn mark_call(&self, session: SessionId, value: &Decimal) -> Result<(), StoreFault> {
        if self.failing.load(Ordering::Relaxed) {
            return Err(StoreFault::Unavailable("disk full".into()));
        }
        self.kept
            .lock()
            .unwrap()
            .entry(session)
            .or_default()
            .push(value.clone());
        Ok(())
    }

    fn mark_expiry(&self, _: SessionId, _: i64) -> Result<(), StoreFault> {
        Ok(())
    }

    async fn call_ids(&self, session: SessionId) -> Result<Vec<Decimal>, StoreFault> {
        // Others run while the store is asked.
        tokio::task::yield_now().await;
        Ok(self
            .kept
            .lock()
            .unwrap()
            .get(&session)
            .cloned()
            .unwrap_or_default())
    }
}

impl KeptMarks {
    pub fn forget(&self, session: SessionId) {
        self.kept.lock().unwrap().remove(&session);
    }
}

/// Where mailboxes are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Memory,
    Durable,
}

thread_local! {
    static MODE: Cell<Mode> = const { Cell::new(Mode::Memory) };
    static WORLDS: Cell<u64> = const { Cell::new(1) };
}

/// The worlds of this test's thread are of this mode from now on.
pub fn in_mode(mode: Mode) {
    MODE.set(mode);
}

/// What outlives a process.
#[derive(Clone, Default)]
pub struct Folder {
    pub marks: Arc<KeptMarks>,
    pub books: Arc<KeptMessages>,
}

pub struct World {
    pub node: Arc<Node>,
    pub clock: Arc<ManualClock>,
    pub marks: Arc<KeptMarks>,
    pub books: Arc<KeptMessages>,
    pub metrics: Metrics,
    registry: Registry,
    ids: AtomicU8,
}

pub fn app() -> AppId {
    AppId::new(7).unwrap()
}

pub fn user(number: i64) -> Uid {
    Uid::new(number).unwrap()
}

pub fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub fn page_name(number: u8) -> String {
    format!("page-0123456789-{number:03}")
}

impl World {
    pub fn begin() -> Self {
        Self::with(LiveConfig::default())
    }

    pub fn with(config: LiveConfig) -> Self {
        Self::over(config, Folder::default(), Arc::new(ManualClock::at(START_MS)))
    }

    /// A process over what an earlier one has left; its mailboxes are not loaded yet.
    pub fn over(config: LiveConfig, folder: Folder, clock: Arc<ManualClock>) -> Self {
        let Folder { marks, books } = folder;
        let mut registry = Registry::default();
        let metrics = Metrics::registered(&mut registry);
        let node = Node::new(NodeParts {
            receipts: crier_live::config::ReceiptsConfig::default(),
            config,
            marks: Arc::clone(&marks) as Arc<dyn Marks>,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            // A later process draws other numbers.
            entropy: Arc::new(SeededEntropy::new(WORLDS.replace(WORLDS.get() + 1))),
            metrics: metrics.clone(),
            resume_key: [9; 32],
            messages: (MODE.get() == Mode::Durable).then(|| Arc::clone(&books) as Arc<dyn Messages>),
        });
        Self {
            node,
            clock,
            marks,
            books,
            metrics,
            registry,
            ids: AtomicU8::new(1),
        }
    }

    /// Gives on the ids of an earlier process, so that none comes twice.
    pub fn numbering_after(&self, earlier: &Self) {
        self.ids
            .store(earlier.ids.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// What outlives this process.
    pub fn folder(&self) -> Folder {
        Folder {
            marks: Arc::clone(&self.marks),
            books: Arc::clone(&self.books),
        }
    }

    pub fn hub(&self) -> &Arc<Hub> {
        self.node.hub()
    }

    /// What the page of figures shows for this series, without the prefix.
    pub fn figure(&self, series: &str) -> Option<String> {
        let mut page = String::new();
        prometheus_client::encoding::text::encode(&mut page, &self.registry).unwrap();
        let line = format!("crier_live_{series} ");
        let found = page.lines().find_map(|known| known.strip_prefix(&line));
        found.map(ToOwned::to_owned)
    }

    /// Turns the clock and the wheel, quarter second by quarter second.
    pub async fn advance(&self, ms: u64) {
        // Without it the runtime would make a long loop without a pause wait.
        let run = tokio::task::unconstrained(self.node.run());
        tokio::pin!(run);
        for _ in 0..ms.div_ceil(250) {
            self.clock.advance_ms(250);
            assert!(futures_util::future::poll_immediate(run.as_mut()).await.is_none());
        }
    }

    pub fn message(&self, text: &str) -> NewMessage {
        let number = self.ids.fetch_add(1, Ordering::Relaxed);
        let mut id = [number; 16];
        id[0] = 0x5A;
        NewMessage {
            id: MessageId::from_bytes(id),
            door: Door::Rest,
            app: app(),
            sender: user(1),
            recipient: user(2),
            via: Via::App,
            event: "e".into(),
            text: text.into(),
            ttl_ms: 60_000,
            collapse_key: None,
            fanout: Fanout::All,
            receipt: false,
        }
    }

    pub async fn send(&self, text: &str) -> Delivery {
        self.accept(self.message(text)).await.unwrap()
    }

    pub async fn send_for(&self, text: &str, fanout: Fanout) -> Delivery {
        let message = self.message(text);
        self.accept(NewMessage { fanout, ..message }).await.unwrap()
    }

    pub async fn accept(&self, message: NewMessage) -> Result<Delivery, AcceptError> {
        self.node.accept(None, message).await
    }

    pub fn permit(&self) -> Permit {
        Permit {
            app: app(),
            user: user(2),
            session: SessionId(5),
            session_key: SessionKey::of("0123456789abcdef01234567", user(2)).unwrap(),
            until: WallMs(self.clock.wall().0 + 3_600_000),
            session_ends: false,
        }
    }

    pub fn socket(&self) -> Socket<'_> {
        let opening = Opening {
            transport: Transport::WebSocket,
            app: app(),
            origin: OriginMark::of(Some("http://a.example")),
            address: Some([127, 0, 0, 1].into()),
        };
        Socket {
            world: self,
            link: self.hub().open(opening),
        }
    }

    /// A connection whose one page has these handlers and begins at the mailbox's end.
    pub fn page(&self, number: u8, events: &[&str]) -> Socket<'_> {
        let socket = self.socket();
        socket.hello(&json!({"pages": [{"page": page_name(number), "events": events}]}));
        let welcome = socket.frames();
        assert_eq!(welcome[0]["type"], "welcome", "{welcome:?}");
        socket
    }
}

/// One connection, its transport played by the test.
pub struct Socket<'a> {
    world: &'a World,
    pub link: Arc<Link>,
}

impl Socket<'_> {
    /// Says hello with a ticket that is good, or with the `resume` among the fields.
    pub fn hello(&self, fields: &Value) {
        let mut hello = json!({"type": "hello", "v": 1});
        if fields.get("resume").is_none() {
            hello["ticket"] = "T".into();
        }
        for (name, value) in fields.as_object().unwrap() {
            hello[name] = value.clone();
        }
        self.say(&hello);
    }

    /// Says a frame; a ticket is always good.
    pub fn say(&self, frame: &Value) -> Option<Errand> {
        let hub = self.world.hub();
        let mut left = None;
        for frame in hub.received(&self.link, &frame.to_string()) {
            match hub.frame(&self.link, frame) {
                Some(Errand::Redeem { hello, .. }) => hub.admit(&self.link, &hello, self.world.permit()),
                Some(Errand::Resume { hello }) => hub.resume(&self.link, &hello),
                Some(Errand::Say { frames }) => {
                    frames.into_iter().for_each(|frame| hub.say(&self.link, frame));
                }
                other => left = other,
            }
        }
        left
    }

    /// Everything that is to be written, taken by a kernel with room; a close is the number alone.
    pub fn frames(&self) -> Vec<Value> {
        let hub = self.world.hub();
        let mut frames = Vec::new();
        loop {
            match hub.next(&self.link) {
                Next::Frame(bytes) => {
                    frames.push(serde_json::from_slice(&bytes).unwrap());
                    hub.taken(&self.link);
                }
                Next::Close(bye) => {
                    frames.push(bye.number().into());
                    return frames;
                }
                Next::Cut => {
                    frames.push("cut".into());
                    return frames;
                }
                Next::Nothing => return frames,
            }
        }
    }

    /// The texts of the messages to be written; other frames but pings must not be there.
    pub fn texts(&self) -> Vec<String> {
        let frames = self.frames().into_iter().filter(|frame| frame["type"] != "ping");
        let texts = frames.map(|frame| {
            assert_eq!(frame["type"], "message", "{frame}");
            frame["raw"].as_str().unwrap().to_owned()
        });
        texts.collect()
    }

    pub fn ack(&self, number: u8, id: &Value) {
        self.say(&json!({"type": "ack", "page": page_name(number), "ids": [id]}));
    }

    pub fn lose(&self) {
        self.world.hub().closed(&self.link);
    }

    /// The close code of a connection that has ended.
    pub fn code(&self) -> Option<u64> {
        self.frames().last().and_then(Value::as_u64)
    }
}
