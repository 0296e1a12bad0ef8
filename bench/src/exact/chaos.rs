//! What happens to servers, sockets and tabs while messages flow: which and when is the seed's, counted in accepted messages.

use super::world::World;
use super::{Home, Task};
use crate::page::Order;
use crier_testkit::FaultProxy;
use std::rc::Rc;
use std::time::Duration;

/// Events other than those of the server, over the whole run.
const EVENTS: u64 = 2_000;
const PAGES_MOST: u64 = 4;
/// Words of progress over a run.
const WORDS: u64 = 20;
/// One end of a server in so many, the second first, is a kill: what stands in memory then is told to be lost, and proves nothing more.
const KILLED_ONE_IN: u64 = 5;
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Until everything that a server said before it went has been read.
const READ_OUT: Duration = Duration::from_millis(500);

/// Opens one to four pages for every user.
pub fn populate(task: &Task, world: &Rc<World>) {
    for person in 0..task.users {
        let person = usize::try_from(person).unwrap_or(0);
        let pages = 1 + world.chance.borrow_mut().below(PAGES_MOST);
        (0..pages).for_each(|_| open_tab(task, world, person));
    }
}

fn open_tab(task: &Task, world: &Rc<World>, person: usize) {
    let transport = world.chance.borrow_mut().pick(&task.transports).copied();
    if let Some(transport) = transport {
        world.open_tab(person, transport);
    }
}

/// Rages until all messages are accepted.
pub async fn rage(
    (task, world): (&Task, &Rc<World>),
    home: &mut Home,
    proxies: &[FaultProxy],
) -> Result<(), String> {
    let events = EVENTS.min(task.messages / 50);
    let (event_every, restart_every) = (
        (task.messages / events.max(1)).max(1),
        task.messages / (task.restarts + 1),
    );
    let (mut next_event, mut next_restart) = (event_every, restart_every.max(1));
    let mut next_word = task.messages / WORDS;
    loop {
        let accepted = world.accepted.get();
        if accepted >= next_word {
            next_word += (task.messages / WORDS).max(1);
            eprintln!("exact: {accepted} of {} messages accepted", task.messages);
        }
        if accepted >= task.messages {
            return Ok(());
        }
        if accepted >= next_restart {
            next_restart += restart_every;
            restart((task, world), home).await?;
        } else if accepted >= next_event {
            next_event += event_every;
            event(task, world, proxies);
        } else {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

fn event(task: &Task, world: &Rc<World>, proxies: &[FaultProxy]) {
    let (kind, tab, proxy) = {
        let mut chance = world.chance.borrow_mut();
        let tabs = world.tabs.borrow().len() as u64;
        let (tab, proxy) = (chance.below(tabs), chance.below(proxies.len() as u64));
        (chance.below(100), tab, usize::try_from(proxy).unwrap_or(0))
    };
    let tab = usize::try_from(tab).unwrap_or(0);
    match kind {
        0..30 => {
            proxies.get(proxy).into_iter().for_each(FaultProxy::cut);
            world.counts.add("network cuts");
        }
        30..50 => {
            tell(world, tab, Order::Cut { held: false });
            world.counts.add("socket resets");
        }
        50..65 => end_tab(task, world, tab),
        65..90 => world.change(tab, &task.transports),
        _ => {
            let focus = world.chance.borrow_mut().percent(60);
            tell(world, tab, Order::Focus(focus));
            world.counts.add("focus changes");
        }
    }
}

fn tell(world: &World, tab: usize, order: Order) {
    if let Some(tab) = world.tabs.borrow().get(tab) {
        // A page that cannot keep up with its orders misses one.
        let _ = tab.orders.try_send(order);
    }
}

/// A tab ends, with or without a word, and a new page of the same user comes.
fn end_tab(task: &Task, world: &Rc<World>, place: usize) {
    let says_so = world.chance.borrow_mut().percent(50);
    if says_so {
        tell(world, place, Order::Leave);
    }
    let tab = world.tabs.borrow_mut().swap_remove(place);
    world.book.borrow_mut().page(&tab.id).ended = true;
    world
        .counts
        .add(if says_so { "tabs closed" } else { "tabs killed" });
    open_tab(task, world, tab.person);
}

async fn restart((task, world): (&Task, &Rc<World>), home: &mut Home) -> Result<(), String> {
    let running = home.running.take().ok_or("a server runs")?;
    let ends = world.counts.of("servers killed") + world.counts.of("servers stopped") + 1;
    let kill = task.durable || ends % KILLED_ONE_IN == 2;
    // Off this thread: pages go on reading what the server said before it went.
    let ended = tokio::task::spawn_blocking(move || {
        if kill {
            running.kill().map(|()| Some(0))
        } else {
            running.stop().map(|(code, _)| code)
        }
    });
    let code = ended.await.map_err(|error| error.to_string())??;
    if code != Some(0) {
        return Err(format!("the server stopped with exit code {code:?}"));
    }
    world
        .counts
        .add(if kill { "servers killed" } else { "servers stopped" });
    // What was read from the old one is of its life; epochs seen from now on are of the next.
    tokio::time::sleep(READ_OUT).await;
    if kill && !task.durable {
        world.life.set(world.life.get() + 1);
    }
    let mut next = Home {
        data: home.data.clone(),
        address: home.address.clone(),
        environment: home.environment.clone(),
        running: None,
    };
    let started = tokio::task::spawn_blocking(move || next.start().map(|()| next));
    *home = started.await.map_err(|error| error.to_string())??;
    Ok(())
}
