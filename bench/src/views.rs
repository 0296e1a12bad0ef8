//! kill −9 at random moments while feeds are read and acted on (feed 8.2): a view is kept as it was told or never happened, and with
//! it all later ones; what was answered to an act is in the record, and so is every view that its reader had seen before it.
//!
//! After each kill every view that is kept is computed again from the record. Then the server starts anew and "More stories" of a
//! page that was kept leads on, while that of a page that was lost leads back to the feed.

use crate::chance::Chance;
use crate::feed::books::{self, Reader, Shape};
use crate::feed::browser::{Browser, GONE, Page};
use crate::number;
use crate::server::{Folder, Server};
use crier_platform::ports::store::Stories;
use crier_proto::ids::StoryId;
use crier_store::SqliteStore;
use crier_testkit::ViewBook;
use crier_testkit::view_book::Checked;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::LocalSet;

const SHAPE: Shape = Shape {
    readers: 5,
    competing: 300,
    past: 0,
};
const READS: (&str, &str) = ("CRIER__FEED__READS_PER_USER", "1000000000");
/// Pages between two acts of a reader.
const PAGES_BETWEEN_ACTS: u64 = 4;

/// What a reader was told since the server's start.
#[derive(Default)]
struct Told {
    pages: Vec<Page>,
    /// The last view that was seen before an act that was answered.
    seen_before_act: i64,
    /// The last answered act on each story: whether it is hidden now.
    hidden: BTreeMap<StoryId, bool>,
    wrong: Option<String>,
}

/// `views [--kills N] [--seed N]`.
pub async fn run(arguments: &[String]) -> Result<(), String> {
    let kills = number(arguments, "--kills", 100)?;
    let seed = number(arguments, "--seed", 1)?;
    let folder = Folder::fresh("views")?;
    let data = folder.0.join("data");
    let readers = books::fill(&data, SHAPE).await?;
    let mut chance = Chance::of(seed, 0);
    let mut book = ViewBook::default();
    let mut sum = Checked::default();
    let (mut acts, mut led_on, mut led_back) = (0, 0, 0);
    let mut before: Vec<(usize, Page, bool)> = Vec::new();
    for turn in 0..=kills {
        let server = Server::start(&data, &[READS])?;
        for (place, page, is_kept) in before.drain(..) {
            let reader = readers.get(place).ok_or("a reader")?;
            let mut browser = Browser::connect(&server.address, reader).await?;
            match (is_kept, browser.later(&page).await) {
                (true, Ok(())) => led_on += 1,
                (false, Err(_)) => led_back += 1,
                (_, other) => return Err(format!("kill {turn}: kept {is_kept}, its cursor: {other:?}")),
            }
        }
        if turn == kills {
            break;
        }
        let told = read_until_killed(server, &readers, &mut chance).await?;
        let store = books::open(&data, books::now_ms())?;
        for (place, (reader, told)) in readers.iter().zip(told).enumerate() {
            let told = told.take();
            if let Some(wrong) = told.wrong {
                return Err(format!("kill {turn}: {wrong}"));
            }
            for page in &told.pages {
                book.note(reader.user, page.view, page.stories.clone())?;
            }
            let (checked, last) = book
                .check(&store, reader.user)
                .await
                .map_err(|why| format!("kill {turn}: {why}"))?;
            if told.seen_before_act > last {
                return Err(format!(
                    "kill {turn}: view {} was seen before an act and is lost, the last is {last}",
                    told.seen_before_act
                ));
            }
            acts += judged_acts(&store, reader, &told.hidden)
                .await
                .map_err(|why| format!("kill {turn}: {why}"))?;
            sum.lost += checked.lost;
            (sum.kept, sum.told) = (sum.kept.max(checked.kept), sum.told.max(checked.told));
            let kept = told.pages.iter().rev().find(|page| page.view <= last);
            let lost = told.pages.iter().find(|page| page.view > last);
            before.extend(kept.map(|page| (place, page.clone(), true)));
            before.extend(lost.map(|page| (place, page.clone(), false)));
            book.forget_above(reader.user, last);
        }
    }
    let views = views_kept(&data, &readers, &book).await?;
    println!(
        "kill -9 x {kills} (seed {seed}): {views} views kept, each as it was told and as its record computes it; {} told and lost, \
         all above what was kept; {acts} answered acts all there; {led_on} cursors led on, {led_back} of lost views led back",
        sum.lost
    );
    Ok(())
}

async fn views_kept(data: &Path, readers: &[Reader], book: &ViewBook) -> Result<u64, String> {
    let store = books::open(data, books::now_ms())?;
    let mut views = 0;
    for reader in readers {
        views += book.check(&store, reader.user).await?.0.kept;
    }
    Ok(views)
}

async fn read_until_killed(
    server: Server,
    readers: &[Reader],
    chance: &mut Chance,
) -> Result<Vec<Rc<RefCell<Told>>>, String> {
    let tasks = LocalSet::new();
    let mut all = Vec::new();
    for (place, reader) in readers.iter().enumerate() {
        let told = Rc::new(RefCell::new(Told::default()));
        let (address, reader) = (server.address.clone(), reader.clone());
        let chance = Chance::of(chance.below(u64::MAX), place as u64);
        all.push(Rc::clone(&told));
        tasks.spawn_local(async move {
            let ended = read_and_act(&address, &reader, (&told, chance)).await;
            if let Err(why) = ended
                && !why.starts_with(GONE)
            {
                told.borrow_mut().wrong = Some(why);
            }
        });
    }
    let moment = Duration::from_millis(30 + chance.below(500));
    let killed = tasks.run_until(async {
        tokio::time::sleep(moment).await;
        server.kill()
    });
    killed.await?;
    // What the server had answered before it died is still in the readers' sockets: they read on until the end.
    tasks.await;
    Ok(all)
}

async fn read_and_act(
    address: &str,
    reader: &Reader,
    (told, mut chance): (&RefCell<Told>, Chance),
) -> Result<(), String> {
    let gone = |why: String| format!("{GONE}: {why}");
    let mut browser = Browser::connect(address, reader).await.map_err(gone)?;
    loop {
        let page = browser.page("/feed").await?;
        told.borrow_mut().pages.push(page.clone());
        if chance.below(PAGES_BETWEEN_ACTS) > 0 {
            continue;
        }
        let story = *chance.pick(&page.stories).ok_or("a story")?;
        let act = *chance.pick(&["hide", "thumb"]).ok_or("an act")?;
        // How the story stands is not known until the answer comes.
        told.borrow_mut().hidden.remove(&story);
        browser.act(&page, (act, story)).await?;
        told.borrow_mut().seen_before_act = page.view;
        if act == "thumb" {
            continue;
        }
        if chance.below(2) == 0 {
            browser.act(&page, ("undo", story)).await?;
            told.borrow_mut().hidden.insert(story, false);
        } else {
            told.borrow_mut().hidden.insert(story, true);
        }
    }
}

/// How many stories are as the last answered act on them left them.
async fn judged_acts(
    store: &SqliteStore,
    reader: &Reader,
    hidden: &BTreeMap<StoryId, bool>,
) -> Result<u64, String> {
    let stories = store.stories(reader.user, None, 10_000).await;
    let stories = stories.map_err(|fault| fault.to_string())?;
    for (id, is_hidden) in hidden {
        let story = stories.iter().find(|story| story.id == *id);
        let story = story.ok_or_else(|| format!("story {id} is gone"))?;
        if story.hidden_at.is_some() != *is_hidden {
            return Err(format!(
                "story {id}: hidden {is_hidden} was answered, {:?} is kept",
                story.hidden_at
            ));
        }
    }
    Ok(hidden.len() as u64)
}
