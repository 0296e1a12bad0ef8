//! One node, the windows of one user, and the dice that decide what happens next.

use crate::process::Process;
use crate::tab::Tab;
use crate::truth::{Back, Message};
use crate::window::Window;
use crier_platform::model::message::Asker;
use crier_platform::model::session::SessionId;
use crier_platform::model::ticket::Permit;
use crier_platform::model::time::WallMs;
use crier_platform::ports::clock::Clock;
use crier_platform::ports::deliver::Deliver;
use crier_proto::ids::{AppId, SessionKey, Uid};
use crier_testkit::ManualClock;
use futures_util::future::poll_immediate;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;

pub const USER: i64 = 2;
const WINDOWS_MAX: usize = 3;
const TABS_MAX: usize = 3;
pub const EVENTS: [&str; 2] = ["e", "f"];

pub struct Stage {
    pub seed: u64,
    pub process: Process,
    pub processes: u64,
    pub clock: Arc<ManualClock>,
    pub windows: Vec<Window>,
    /// Every message, by its number.
    pub messages: Vec<Message>,
    /// The number of each id.
    pub numbers: BTreeMap<String, usize>,
    /// Pages' sends that this process knows: what they sent, and where it got its place.
    pub refs: BTreeMap<String, (Value, usize)>,
    /// The mailbox's lives, in order.
    pub epochs: Vec<String>,
    pub lives_before: usize,
    pub links: u64,
    pub starts: u64,
    pub restarts: u64,
    pub crashes: u64,
    /// Gaps told, by reason.
    pub gaps: BTreeMap<String, u64>,
    /// Messages taken back while a page may have held them.
    pub recalled: u64,
    names: u64,
    dice: u64,
}

pub fn app() -> AppId {
    AppId::new(7).unwrap()
}

pub const ASKER: fn() -> Asker = || Asker {
    app: app(),
    sender: None,
};

pub fn uid(number: i64) -> Uid {
    Uid::new(number).unwrap()
}

impl Stage {
    pub fn new(seed: u64) -> Self {
        let clock = Arc::new(ManualClock::at(1_795_290_600_000));
        Self {
            seed,
            process: Process::begin(seed, &clock),
            processes: 0,
            clock,
            windows: Vec::new(),
            messages: Vec::new(),
            numbers: BTreeMap::new(),
            refs: BTreeMap::new(),
            epochs: Vec::new(),
            lives_before: 0,
            links: 0,
            starts: 0,
            restarts: 0,
            crashes: 0,
            gaps: BTreeMap::new(),
            recalled: 0,
            names: 0,
            dice: seed,
        }
    }

    /// A number below `sides`, the same for the same seed (SplitMix64).
    pub fn throw(&mut self, sides: u64) -> u64 {
        self.dice = self.dice.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.dice;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }

    pub fn index(&mut self, of: usize) -> Option<usize> {
        (of > 0).then(|| usize::try_from(self.throw(of as u64)).unwrap())
    }

    pub fn an_event(&mut self) -> &'static str {
        if self.throw(3) == 0 { EVENTS[1] } else { EVENTS[0] }
    }

    fn some_events(&mut self) -> Vec<&'static str> {
        match self.throw(6) {
            0 => vec![EVENTS[1]],
            1..=2 => EVENTS.to_vec(),
            _ => vec![EVENTS[0]],
        }
    }

    /// Whatever the dice say.
    pub async fn step(&mut self) {
        match self.throw(400) {
            0..=99 => self.send().await,
            100..=107 => self.cancel().await,
            108..=121 if self.windows.len() < WINDOWS_MAX => self.open(),
            122..=123 if self.throw(4) == 0 => self.withdraw().await,
            124..=127 => self.restart().await,
            128 => self.crash(),
            129..=140 => self.advance(250).await,
            141..=150 => {
                let ms = self.throw(20_000);
                self.advance(ms).await;
            }
            face => {
                if let Some(at) = self.index(self.windows.len()) {
                    self.act(at, face).await;
                }
            }
        }
    }

    async fn act(&mut self, at: usize, face: u64) {
        if self.windows[at].link.is_none() {
            return self.come_back(at);
        }
        match face {
            151..=210 => {
                let frames = self.throw(6);
                self.take(at, frames);
            }
            211..=270 => self.read(at),
            271..=325 => self.ack(at, face.is_multiple_of(2)),
            326..=341 => self.lose(at),
            342..=344 => self.leave(at),
            345..=348 => self.move_over(at),
            349..=356 => self.register(at),
            357..=362 => self.unregister(at),
            363..=372 => self.focus(at),
            373..=384 => self.page_sends(at).await,
            _ => self.take(at, u64::MAX),
        }
    }

    fn new_tab(&mut self) -> Tab {
        self.names += 1;
        let mut tab = Tab::new(format!("page-0123456789-{:05}", self.names));
        let ended = self.messages.iter().rev().filter(|message| message.over);
        tab.strangers = ended.take(3).map(|message| message.id.to_string()).collect();
        tab
    }

    fn open(&mut self) {
        let mut window = Window {
            inherit: self.throw(4) > 0,
            ..Window::default()
        };
        for _ in 0..=self.throw(2) {
            let mut tab = self.new_tab();
            tab.heard = self.some_events().into_iter().collect();
            window.tabs.push(tab);
        }
        let pages = window.tabs.iter().map(|tab| {
            let events: Vec<&str> = tab.heard.iter().copied().collect();
            json!({"page": tab.name, "events": events})
        });
        let hello = json!({"pages": pages.collect::<Vec<_>>()});
        self.windows.push(window);
        self.connect(self.windows.len() - 1, hello);
    }

    /// A page registers further events; sometimes it is a new one on this connection.
    fn register(&mut self, at: usize) {
        let events = self.some_events();
        let comes = self.windows[at].tabs.len() < TABS_MAX && self.throw(3) == 0;
        if comes {
            let tab = self.new_tab();
            self.windows[at].tabs.push(tab);
        }
        let tabs = self.windows[at].tabs.len();
        let Some(index) = (if comes { Some(tabs - 1) } else { self.index(tabs) }) else {
            return;
        };
        let tab = &mut self.windows[at].tabs[index];
        tab.heard.extend(&events);
        tab.registering.push_back(events.clone());
        let frame = json!({"type": "register", "page": tab.name, "events": events});
        let _ = self.say(at, &frame);
    }

    /// A page gives up an event, or ends alone.
    fn unregister(&mut self, at: usize) {
        let Some(index) = self.index(self.windows[at].tabs.len()) else {
            return;
        };
        let ends = self.windows[at].tabs.len() > 1 && self.throw(3) == 0;
        let event = self.an_event();
        let tab = &mut self.windows[at].tabs[index];
        let mut frame = json!({"type": "unregister", "page": tab.name});
        if ends {
            let _ = self.say(at, &frame);
            self.windows[at].tabs.remove(index);
            return;
        }
        tab.heard.remove(event);
        tab.handlers.remove(event);
        frame["events"] = json!([event]);
        let _ = self.say(at, &frame);
    }

    fn focus(&mut self, at: usize) {
        let Some(index) = self.index(self.windows[at].tabs.len()) else {
            return;
        };
        let tab = &mut self.windows[at].tabs[index];
        tab.focus = !tab.focus;
        let frame = json!({"type": "focus", "page": tab.name, "focus": tab.focus});
        let _ = self.say(at, &frame);
    }

    fn leave(&mut self, at: usize) {
        let _ = self.say(at, &json!({"type": "leave"}));
        self.lose(at);
        self.windows.swap_remove(at);
    }

    /// The number of the mailbox's life with this epoch.
    pub fn life(&mut self, epoch: &str) -> u32 {
        let known = self.epochs.iter().position(|known| known == epoch);
        let index = known.unwrap_or_else(|| {
            self.epochs.push(epoch.to_owned());
            self.epochs.len() - 1
        });
        u32::try_from(index).unwrap() + 1
    }

    pub fn permit(&self) -> Permit {
        Permit {
            app: app(),
            user: uid(USER),
            session: SessionId(5),
            session_key: SessionKey::of("0123456789abcdef01234567", uid(USER)).unwrap(),
            until: WallMs(self.clock.wall().0 + 3_600_000),
            session_ends: false,
        }
    }

    /// The user takes back his acceptance and gives it again: nothing of before is delivered any more, and every page is a new one.
    async fn withdraw(&mut self) {
        let at = self.clock.wall();
        self.process.node.withdraw(app(), uid(USER), at).await.unwrap();
        for message in self.messages.iter_mut().filter(|message| message.back.is_none()) {
            message.back = Some(Back::Revoked);
            message.over = true;
        }
        for at in 0..self.windows.len() {
            self.take(at, u64::MAX);
            self.lose(at);
        }
        self.windows.clear();
        self.clock.advance_ms(1);
    }

    /// Time passes, quarter second by quarter second.
    pub async fn advance(&self, ms: u64) {
        let mut run = pin!(self.process.node.run());
        for _ in 0..ms.div_ceil(250) {
            self.clock.advance_ms(250);
            assert!(poll_immediate(run.as_mut()).await.is_none());
        }
    }

    /// Everybody who lives comes back and hears everything.
    pub fn settle(&mut self) {
        for _ in 0..2 {
            for at in 0..self.windows.len() {
                self.take(at, u64::MAX);
                if self.windows[at].link.is_none() {
                    self.come_back(at);
                }
                self.take(at, u64::MAX);
                while !self.windows[at].wire.is_empty() {
                    self.read(at);
                    self.ack(at, true);
                    self.take(at, u64::MAX);
                }
                let window = &self.windows[at];
                assert!(
                    window.recalls.is_empty(),
                    "seed {}: no cancel for {:?}",
                    self.seed,
                    window.recalls
                );
                let untold = window
                    .tabs
                    .iter()
                    .find(|tab| tab.expects_epoch)
                    .map(|tab| &tab.name);
                assert_eq!(untold, None, "seed {}: not told of its new epoch", self.seed);
            }
        }
    }
}
