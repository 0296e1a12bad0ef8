//! Everything that is written down during a run, and the pages that are alive.

use crate::chance::Chance;
use crate::page::frames::Frame;
use crate::page::line::{Route, Transport};
use crate::page::{Habit, Order, Page, Plan, Witness};
use crate::stage::Desk;
use crier_testkit::delivery_book::{DeliveryBook, Place, Start, Told};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{Sender, channel};

const ORDERS_WAITING: usize = 16;
const OPEN_WITHIN: Duration = Duration::from_secs(120);

/// A page that is alive.
pub struct Tab {
    /// Its id.
    pub id: String,
    /// Its user.
    pub person: usize,
    /// What it was told last to be connected by.
    pub transport: Transport,
    /// Its orders; dropped: it dies without a word.
    pub orders: Sender<Order>,
    open: Rc<Cell<bool>>,
}

/// What happened, by kind.
#[derive(Default)]
pub struct Counts {
    /// Named events.
    pub events: RefCell<BTreeMap<String, u64>>,
}

impl Counts {
    /// Counts one more.
    pub fn add(&self, name: impl Into<String>) {
        *self.events.borrow_mut().entry(name.into()).or_insert(0) += 1;
    }

    /// How many there were.
    pub fn of(&self, name: &str) -> u64 {
        self.events.borrow().get(name).copied().unwrap_or(0)
    }
}

/// The whole run.
pub struct World {
    /// All choices.
    pub chance: RefCell<Chance>,
    /// What is judged.
    pub book: RefCell<DeliveryBook>,
    /// What is printed.
    pub counts: Counts,
    /// What no server may do.
    pub wrong: RefCell<Vec<String>>,
    /// Pages alive.
    pub tabs: RefCell<Vec<Tab>>,
    /// Messages accepted so far.
    pub accepted: Cell<u64>,
    /// How many servers have been started after a crash: what orders the epochs of one mailbox.
    pub life: Cell<u32>,
    epochs: RefCell<HashMap<String, u32>>,
    routes: Rc<Vec<Route>>,
    desk: Rc<Desk>,
    seed: u64,
    born: Cell<u64>,
}

impl World {
    /// Before the first page.
    pub fn new(seed: u64, routes: Rc<Vec<Route>>, desk: Rc<Desk>) -> Self {
        Self {
            chance: RefCell::new(Chance::of(seed, 0)),
            book: RefCell::default(),
            counts: Counts::default(),
            wrong: RefCell::default(),
            tabs: RefCell::default(),
            accepted: Cell::new(0),
            life: Cell::new(0),
            epochs: RefCell::default(),
            routes,
            desk,
            seed,
            born: Cell::new(0),
        }
    }

    /// A place by the names of the wire.
    pub fn place(&self, epoch: &str, seq: u64) -> Place {
        let mut epochs = self.epochs.borrow_mut();
        let life = match epochs.get(epoch) {
            Some(life) => *life,
            None => *epochs.entry(epoch.to_owned()).or_insert(self.life.get()),
        };
        Place { life, seq }
    }

    /// Opens a page of this user.
    pub fn open_tab(self: &Rc<Self>, person: usize, transport: Transport) {
        let born = self.born.get() + 1;
        self.born.set(born);
        let mut chance = Chance::of(self.seed, born);
        let habit = match chance.below(10) {
            0 => Habit::Slow,
            1..=3 => Habit::Promises,
            _ => Habit::Prompt,
        };
        let id = format!("page-{born:017}");
        let plan = Plan {
            id: id.clone(),
            person,
            routes: Rc::clone(&self.routes),
            transport,
            habit,
            from_ticket: chance.percent(50),
            chance,
        };
        let open = Rc::new(Cell::new(false));
        let notes = Notes {
            world: Rc::clone(self),
            page: id.clone(),
            person,
            open: Rc::clone(&open),
        };
        let (orders, heard) = channel(ORDERS_WAITING);
        let page = Page::new(plan, Rc::clone(&self.desk), notes, heard);
        tokio::task::spawn_local(page.run());
        self.tabs.borrow_mut().push(Tab {
            id,
            person,
            transport,
            orders,
            open,
        });
    }

    /// Sends a page to another of these transports, or anew to its own when there is no other; beside its connection or after it.
    pub fn change(&self, place: usize, transports: &[Transport]) {
        let mut tabs = self.tabs.borrow_mut();
        let Some(tab) = tabs.get_mut(place) else {
            return;
        };
        let (from, mut chance) = (tab.transport, self.chance.borrow_mut());
        let others: Vec<Transport> = transports.iter().copied().filter(|to| *to != from).collect();
        let to = chance.pick(&others).copied().unwrap_or(from);
        // A page that cannot keep up with its orders misses one.
        if tab.orders.try_send(Order::Change(to, chance.percent(50))).is_ok() {
            tab.transport = to;
            self.counts
                .add(format!("changes from {} to {}", from.name(), to.name()));
        }
    }

    /// Waits until every page alive is connected.
    pub async fn all_open(&self) -> Result<(), String> {
        let until = Instant::now() + OPEN_WITHIN;
        loop {
            let away = self.tabs.borrow().iter().filter(|tab| !tab.open.get()).count();
            if away == 0 {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(format!("{away} pages did not come back"));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// What one page writes into the world.
struct Notes {
    world: Rc<World>,
    page: String,
    person: usize,
    open: Rc<Cell<bool>>,
}

/// The text of a message: who it is for, its number, and bytes up to the size of a usual message.
pub fn text_of(message: u64, person: usize) -> String {
    let filler = "x".repeat(150 + usize::try_from(message % 64).unwrap_or(0));
    format!("{{\"n\":{message},\"to\":{person},\"filler\":\"{filler}\"}}")
}

fn number_in(raw: &str) -> Option<u64> {
    let digits = raw.strip_prefix("{\"n\":")?;
    digits.split(',').next()?.parse().ok()
}

impl Witness for Notes {
    fn welcome(&mut self, epoch: &str, begins_at: Option<u64>) {
        self.open.set(true);
        self.world.counts.add("connections");
        if let Some(seq) = begins_at {
            let place = self.world.place(epoch, seq);
            let mut book = self.world.book.borrow_mut();
            let page = book.page(&self.page);
            (page.recipient, page.owed_after) = (self.person as u64, place);
        }
    }

    fn started(&mut self, epoch: &str, frame: &Frame<'_>) {
        let Some(message) =
            number_in(&frame.raw).filter(|message| frame.raw == text_of(*message, self.person))
        else {
            return self.wrong(format!("a text that nobody sent to this user: {}", frame.raw));
        };
        let start = Start {
            message,
            place: self.world.place(epoch, frame.seq),
            once: frame.once,
            redelivered: frame.redelivered,
        };
        self.world.book.borrow_mut().page(&self.page).starts.push(start);
    }

    fn gap(&mut self, known: &str, gap: &Frame<'_>) {
        self.world.counts.add(format!("gap {}", gap.reason));
        let from = self.world.place(known, gap.from.as_u64().unwrap_or(0));
        let last = if known == gap.epoch { u64::MAX } else { 0 };
        let to = self.world.place(&gap.epoch, gap.to.unwrap_or(last));
        let reason = gap.reason.clone().into_owned();
        let told = Told { from, to, reason };
        self.world.book.borrow_mut().page(&self.page).gaps.push(told);
    }

    fn away(&mut self, code: u16, _: u64) {
        self.open.set(false);
        self.world.counts.add(format!("bye {code}"));
    }

    fn stopped(&mut self, code: u16) {
        self.wrong(format!("bye {code}"));
    }

    fn wrong(&mut self, what: String) {
        self.world
            .wrong
            .borrow_mut()
            .push(format!("{}: {what}", self.page));
    }
}
