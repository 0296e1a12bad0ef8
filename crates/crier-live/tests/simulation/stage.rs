//! One node, the tabs of one user, and the dice that decide what happens next.

use crate::tab::Tab;
use async_trait::async_trait;
use crier_live::config::LiveConfig;
use crier_live::connection::Next;
use crier_live::hub::Errand;
use crier_live::link::Opening;
use crier_live::metrics::{Metrics, Transport};

use crier_live::node::{Node, NodeParts};
use crier_live::resume::OriginMark;
use crier_platform::model::message::{Door, NewMessage, Via};
use crier_platform::model::quantity::Bytes;
use crier_platform::model::session::SessionId;
use crier_platform::model::ticket::Permit;
use crier_platform::model::time::WallMs;
use crier_platform::ports::clock::Clock;
use crier_platform::ports::deliver::Deliver;
use crier_platform::ports::store::{Marks, StoreFault};
use crier_proto::decimal::Decimal;
use crier_proto::ids::{AppId, MessageId, SessionKey, Uid};
use crier_proto::message::Fanout;
use crier_testkit::delivery_book::{FanOut, Place, Sent, Start, Told};
use crier_testkit::{DeliveryBook, ManualClock, SeededEntropy};
use futures_util::future::poll_immediate;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;

const USER: i64 = 2;
const TABS_MAX: usize = 3;

/// No call carries a charge here.
struct NoMarks;

#[async_trait]
impl Marks for NoMarks {
    fn mark_call(&self, _: SessionId, _: &Decimal) -> Result<(), StoreFault> {
        Ok(())
    }

    fn mark_expiry(&self, _: SessionId, _: i64) -> Result<(), StoreFault> {
        Ok(())
    }

    async fn call_ids(&self, _: SessionId) -> Result<Vec<Decimal>, StoreFault> {
        Ok(Vec::new())
    }
}

pub struct Stage {
    pub book: DeliveryBook,
    pub restarts: u64,
    /// A tab has ended, and may have taken its sole right to run a message with it.
    pub tab_ended: bool,
    seed: u64,
    dice: u64,
    node: Arc<Node>,
    clock: Arc<ManualClock>,
    tabs: Vec<Tab>,
    names: u64,
    sent: u64,
    /// The latest message of each collapse key.
    keyed: BTreeMap<u64, u64>,
    kept: BTreeMap<u64, Sent>,
    epochs: Vec<String>,
}

fn app() -> AppId {
    AppId::new(7).unwrap()
}

fn uid(number: i64) -> Uid {
    Uid::new(number).unwrap()
}

/// Bounds so low that a schedule meets them.
fn node(seed: u64, clock: &Arc<ManualClock>) -> Arc<Node> {
    Node::new(NodeParts {
        receipts: crier_live::config::ReceiptsConfig::default(),
        config: LiveConfig {
            ring_items_max: 10,
            outbox_bytes_max: Bytes(3_000),
            ..LiveConfig::default()
        },
        marks: Arc::new(NoMarks),
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        entropy: Arc::new(SeededEntropy::new(seed)),
        metrics: Metrics::default(),
        resume_key: [9; 32],
        messages: None,
    })
}

impl Stage {
    pub fn new(seed: u64) -> Self {
        let clock = Arc::new(ManualClock::at(1_795_290_600_000));
        Self {
            book: DeliveryBook::default(),
            restarts: 0,
            tab_ended: false,
            seed,
            dice: seed,
            node: node(seed, &clock),
            clock,
            tabs: Vec::new(),
            names: 0,
            sent: 0,
            keyed: BTreeMap::new(),
            kept: BTreeMap::new(),
            epochs: Vec::new(),
        }
    }

    /// A number below `sides`, the same for the same seed (SplitMix64).
    fn throw(&mut self, sides: u64) -> u64 {
        self.dice = self.dice.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.dice;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn pick(&mut self) -> Option<usize> {
        let tabs = self.tabs.len() as u64;
        (tabs > 0).then(|| usize::try_from(self.throw(tabs)).unwrap())
    }

    /// Whatever the dice say.
    pub async fn step(&mut self) {
        let face = self.throw(200);
        match face {
            0..=59 => self.send().await,
            60..=69 if self.tabs.len() < TABS_MAX => self.open(),
            199 if self.throw(4) == 0 => self.withdraw().await,
            196..=198 => self.restart().await,
            190..=195 => self.advance(250).await,
            185..=189 => {
                let ms = self.throw(20_000);
                self.advance(ms).await;
            }
            _ => {
                if let Some(at) = self.pick() {
                    self.act(at, face);
                }
            }
        }
    }

    fn act(&mut self, at: usize, face: u64) {
        if self.tabs[at].link.is_none() {
            return self.come_back(at);
        }
        match face {
            70..=99 => {
                let frames = self.throw(6);
                self.take(at, frames);
            }
            100..=129 => self.read(at),
            130..=159 => self.ack(at),
            160..=171 => self.lose(at),
            172..=174 => self.end(at),
            175..=179 => {
                self.tabs[at].focus = !self.tabs[at].focus;
                let (page, focus) = (self.tabs[at].name.clone(), self.tabs[at].focus);
                self.say(at, &json!({"type": "focus", "page": page, "focus": focus}));
            }
            _ => self.take(at, u64::MAX),
        }
    }

    async fn send(&mut self) {
        self.sent += 1;
        let number = self.sent;
        let mut id = [0x5A; 16];
        id[8..].copy_from_slice(&number.to_be_bytes());
        let fanout = match self.throw(10) {
            0 => Fanout::One,
            1 => Fanout::Focused,
            _ => Fanout::All,
        };
        let ttl_ms = match self.throw(12) {
            0 => 0,
            1..=3 => 2_000,
            _ => 60_000,
        };
        let key = Some(self.throw(2)).filter(|_| number.is_multiple_of(7));
        let padding = usize::try_from(self.throw(700)).unwrap();
        let message = NewMessage {
            id: MessageId::from_bytes(id),
            door: Door::Rest,
            app: app(),
            sender: uid(1),
            recipient: uid(USER),
            via: Via::App,
            event: "e".into(),
            text: format!("{number}:{}", "x".repeat(padding)).into(),
            ttl_ms,
            collapse_key: key.map(|key| key.to_string().into()),
            fanout,
            receipt: false,
        };
        let delivery = self.node.accept(None, message).await.unwrap();
        let place = Place {
            life: self.life(&delivery.epoch.to_string()),
            seq: delivery.seq,
        };
        let fan_out = if fanout == Fanout::All {
            FanOut::All
        } else {
            FanOut::One
        };
        let sent = Sent {
            recipient: 2,
            fan_out,
            place: Some(place),
        };
        self.kept.insert(number, sent);
        self.book.sent(number, sent);
        if let Some(key) = key
            && let Some(older) = self.keyed.insert(key, number)
        {
            self.is_owed_no_more(older);
        }
    }

    /// A message that was replaced or revoked may have run; nobody is owed it.
    fn is_owed_no_more(&mut self, number: u64) {
        if let Some(sent) = self.kept.get_mut(&number) {
            sent.place = None;
            self.book.sent(number, *sent);
        }
    }

    fn life(&mut self, epoch: &str) -> u32 {
        let known = self.epochs.iter().position(|known| known == epoch);
        let index = known.unwrap_or_else(|| {
            self.epochs.push(epoch.to_owned());
            self.epochs.len() - 1
        });
        u32::try_from(index).unwrap() + 1
    }

    fn open(&mut self) {
        self.names += 1;
        let tab = Tab::new(format!("page-0123456789-{:05}", self.names));
        self.tabs.push(tab);
        let at = self.tabs.len() - 1;
        let hello = json!({"pages": [{"page": self.tabs[at].name, "events": ["e"]}]});
        self.connect(at, hello);
    }

    fn come_back(&mut self, at: usize) {
        let by_token = self.throw(8) > 0;
        let tab = &self.tabs[at];
        let page = json!({"page": tab.name, "seq": tab.cursor, "events": ["e"], "focus": tab.focus});
        let mut hello = json!({"epoch": tab.epoch, "pages": [page]});
        if by_token {
            hello["resume"] = tab.resume.clone().into();
        }
        self.connect(at, hello);
    }

    fn connect(&mut self, at: usize, mut hello: Value) {
        hello["type"] = "hello".into();
        hello["v"] = 1.into();
        if hello.get("resume").is_none() {
            hello["ticket"] = "T".into();
        }
        let link = self.node.hub().open(Opening {
            transport: Transport::WebSocket,
            app: app(),
            origin: OriginMark::of(None),
            address: None,
        });
        self.tabs[at].link = Some(link);
        self.say(at, &hello);
        // The welcome is the first that the kernel takes.
        self.take(at, 1);
        let welcome = self.tabs[at].wire.pop_front().unwrap();
        assert_eq!(welcome["type"], "welcome", "seed {}: {welcome}", self.seed);
        let life = self.life(welcome["epoch"].as_str().unwrap());
        let seq = welcome["pages"][0]["seq"].as_u64().unwrap();
        let tab = &mut self.tabs[at];
        welcome["resume"].as_str().unwrap().clone_into(&mut tab.resume);
        if tab.epoch.is_empty() {
            welcome["epoch"].as_str().unwrap().clone_into(&mut tab.epoch);
            tab.skip_to(seq);
            let record = self.book.page(&tab.name);
            record.recipient = 2;
            record.owed_after = Place { life, seq };
        }
    }

    fn say(&mut self, at: usize, frame: &Value) {
        let Some(link) = self.tabs[at].link.clone() else {
            return;
        };
        let hub = Arc::clone(self.node.hub());
        for frame in hub.received(&link, &frame.to_string()) {
            match hub.frame(&link, frame) {
                Some(Errand::Redeem { hello, .. }) => hub.admit(&link, &hello, self.permit()),
                Some(Errand::Resume { hello }) => hub.resume(&link, &hello),
                Some(Errand::Renew { .. } | Errand::Send { .. }) | None => {}
            }
        }
    }

    fn permit(&self) -> Permit {
        Permit {
            app: app(),
            user: uid(USER),
            session: SessionId(5),
            session_key: SessionKey::of("0123456789abcdef01234567", uid(USER)).unwrap(),
            until: WallMs(self.clock.wall().0 + 3_600_000),
        }
    }

    /// The kernel takes so many frames; they are on their way then, and lost with the connection.
    fn take(&mut self, at: usize, frames: u64) {
        let Some(link) = self.tabs[at].link.clone() else {
            return;
        };
        let hub = Arc::clone(self.node.hub());
        for _ in 0..frames {
            match hub.next(&link) {
                Next::Frame(bytes) => {
                    self.tabs[at]
                        .wire
                        .push_back(serde_json::from_slice(&bytes).unwrap());
                    hub.taken(&link);
                }
                Next::Close(_) | Next::Cut => {
                    self.read(at);
                    hub.closed(&link);
                    self.tabs[at].link = None;
                    return;
                }
                Next::Nothing => return,
            }
        }
    }

    /// The page reads what has arrived.
    fn read(&mut self, at: usize) {
        while let Some(frame) = self.tabs[at].wire.pop_front() {
            match frame["type"].as_str().unwrap() {
                "message" => self.start(at, &frame),
                "gap" => self.hear_of_a_gap(at, &frame),
                "ping" => {
                    let tab = &mut self.tabs[at];
                    if tab.running.is_empty() {
                        tab.skip_to(frame["seq"].as_u64().unwrap());
                    }
                    self.say(at, &json!({"type": "pong", "at": frame["at"]}));
                }
                // What has started is not stopped, and here everything starts at once.
                "cancel" | "bye" => {}
                other => panic!("seed {}: {other}", self.seed),
            }
        }
    }

    fn start(&mut self, at: usize, frame: &Value) {
        let meant = frame.get("pages").is_none_or(|pages| {
            let mut pages = pages.as_array().unwrap().iter();
            pages.any(|page| *page == self.tabs[at].name)
        });
        assert!(meant, "seed {}: one page a connection", self.seed);
        let seq = frame["seq"].as_u64().unwrap();
        let raw = frame["raw"].as_str().unwrap();
        let life = self.life(&self.tabs[at].epoch.clone());
        if self.tabs[at].receive(frame["id"].as_str().unwrap(), seq) {
            let start = Start {
                message: raw.split_once(':').unwrap().0.parse().unwrap(),
                place: Place { life, seq },
                once: frame["once"] == true,
                redelivered: frame["redelivered"] == true,
            };
            self.book.page(&self.tabs[at].name).starts.push(start);
        }
    }

    fn hear_of_a_gap(&mut self, at: usize, frame: &Value) {
        let life = self.life(frame["epoch"].as_str().unwrap());
        let from = frame["from"].as_u64().unwrap();
        let to = frame["to"].as_u64();
        let Some(to) = to else {
            panic!("seed {}: the epoch never changes here: {frame}", self.seed);
        };
        self.tabs[at].skip_to(to);
        self.book.page(&self.tabs[at].name).gaps.push(Told {
            from: Place { life, seq: from },
            to: Place { life, seq: to },
            reason: frame["reason"].as_str().unwrap().to_owned(),
        });
    }

    /// Some handlers return.
    fn ack(&mut self, at: usize) {
        let all = self.throw(2) == 0;
        let running: Vec<String> = self.tabs[at].running.keys().cloned().collect();
        let mut ids: Vec<String> = running
            .into_iter()
            .filter(|_| all || self.throw(2) == 0)
            .collect();
        self.tabs[at].settle(&ids);
        ids.append(&mut self.tabs[at].again);
        for ids in ids.chunks(256) {
            let page = self.tabs[at].name.clone();
            self.say(at, &json!({"type": "ack", "page": page, "ids": ids}));
        }
    }

    fn lose(&mut self, at: usize) {
        if let Some(link) = self.tabs[at].link.take() {
            self.node.hub().closed(&link);
        }
        self.tabs[at].wire.clear();
    }

    fn end(&mut self, at: usize) {
        self.say(at, &json!({"type": "leave"}));
        self.lose(at);
        let tab = self.tabs.swap_remove(at);
        self.book.page(&tab.name).ended = true;
        self.tab_ended = true;
    }

    /// The user takes back his acceptance and gives it again: nothing of before is delivered any more, and every page is a new one.
    async fn withdraw(&mut self) {
        let at = self.clock.wall();
        self.node.withdraw(app(), uid(USER), at).await.unwrap();
        while !self.tabs.is_empty() {
            let last = self.tabs.len() - 1;
            self.take(last, u64::MAX);
            self.lose(last);
            let tab = self.tabs.swap_remove(last);
            self.book.page(&tab.name).ended = true;
        }
        let before: Vec<u64> = self.kept.keys().copied().collect();
        before.into_iter().for_each(|number| self.is_owed_no_more(number));
        self.keyed.clear();
        self.clock.advance_ms(1);
    }

    /// A clean stop, and another process over what it kept.
    async fn restart(&mut self) {
        let old = Arc::clone(&self.node);
        let mut stop = pin!(old.stop());
        let mut stopped = poll_immediate(stop.as_mut()).await.is_some();
        for at in 0..self.tabs.len() {
            self.take(at, u64::MAX);
            self.lose(at);
        }
        if !stopped {
            stopped = poll_immediate(stop.as_mut()).await.is_some();
        }
        assert!(stopped, "seed {}: everybody has gone", self.seed);
        self.restarts += 1;
        let kept = old.hub().snapshot();
        self.node = node(self.seed + self.restarts * 1_000_003, &self.clock);
        self.node.hub().restore(&kept).unwrap();
    }

    /// Time passes, quarter second by quarter second.
    async fn advance(&self, ms: u64) {
        let mut run = pin!(self.node.run());
        for _ in 0..ms.div_ceil(250) {
            self.clock.advance_ms(250);
            assert!(poll_immediate(run.as_mut()).await.is_none());
        }
    }

    /// Everybody who lives comes back and hears everything.
    pub fn settle(&mut self) {
        for _ in 0..2 {
            for at in 0..self.tabs.len() {
                self.take(at, u64::MAX);
                if self.tabs[at].link.is_none() {
                    self.come_back(at);
                }
                loop {
                    self.take(at, u64::MAX);
                    if self.tabs[at].wire.is_empty() {
                        break;
                    }
                    self.read(at);
                    let running: Vec<String> = self.tabs[at].running.keys().cloned().collect();
                    self.tabs[at].settle(&running);
                    let page = self.tabs[at].name.clone();
                    for ids in running.chunks(256) {
                        self.say(at, &json!({"type": "ack", "page": page, "ids": ids}));
                    }
                }
            }
        }
    }
}
