//! The feed as it is and the feed as it was in the view just noted are one feed, whatever happens (feed 4.1, 5.3, 9.4).

use crate::harness::{BEGIN_MS, Town, new_app, slot};
use crier_platform::accounts::admin::NewUser;
use crier_platform::feed::config::FeedConfig;
use crier_platform::feed::cursor::FeedKey;
use crier_platform::feed::simulate::replay::Record;
use crier_platform::feed::{FeedReader, ReportReason, ServedPage, Serving};
use crier_platform::model::job::{ImageHash, NewPhoto, PictureWrite};
use crier_platform::model::picture::{Picture, PictureHash, PictureType};
use crier_platform::model::quantity::Bytes;
use crier_platform::model::record::{FeedAct, FeedWrite};
use crier_platform::model::record_line::RecordLine;
use crier_platform::model::story::{NewSlot, Priority};
use crier_platform::model::time::WallMs;
use crier_platform::ports::entropy::{Entropy, random_bytes};
use crier_platform::ports::store::Write;
use crier_proto::digest::sha256;
use crier_proto::ids::{AppId, Pid, StoryId, Uid};
use crier_proto::story::ImageSource;
use crier_testkit::SeededEntropy;

const APPS: u64 = 6;
const HOUR_MS: u64 = 3_600_000;
const SEEDS: u64 = 60;
const STEPS: u64 = 45;

/// One life of one feed.
struct Life {
    town: Town,
    /// Reads every time anew what the first reader has in memory.
    forgetful: FeedReader,
    dice: SeededEntropy,
    apps: Vec<AppId>,
    stories: Vec<StoryId>,
    photos: Vec<Pid>,
    /// When each application may publish again.
    open_at: [i64; 6],
    /// The last page and the mark of its view.
    last: Option<ServedPage>,
    /// Marks of all views so far.
    marks: Vec<String>,
}

fn bo() -> Uid {
    Uid::new(563_683_308).unwrap()
}

fn accept(app: AppId) -> Write {
    Write::AcceptTerms {
        app,
        user: bo(),
        added: false,
    }
}

fn shown(page: &ServedPage) -> (Vec<StoryId>, Vec<StoryId>, u32, i64) {
    let ids = |placed: &[crier_platform::feed::PlacedStory]| {
        placed
            .iter()
            .map(|placed| placed.view.story.id)
            .collect::<Vec<_>>()
    };
    (ids(&page.exempt), ids(&page.slots), page.exempt_more, page.w)
}

impl Life {
    async fn begin(seed: u64) -> Self {
        let town = Town::with_people().await;
        let mut apps = Vec::new();
        for number in 1..=APPS {
            let name = format!("App {number}");
            town.accounts.add_app(new_app(&name)).await.unwrap();
            let app = town.accounts.find_app(&name).await.unwrap().id;
            // Nobody publishes to somebody who never accepted.
            town.write(vec![accept(app)]).await;
            apps.push(app);
        }
        let config = FeedConfig {
            index_bytes_max: Bytes(0),
            candidates_max: 30,
            ..FeedConfig::default()
        };
        let config_of_both = FeedConfig {
            candidates_max: 30,
            ..FeedConfig::default()
        };
        let key = || FeedKey::new([7; 32]);
        let mut life = Self {
            forgetful: FeedReader::new(town.ports.clone(), config, key()),
            dice: SeededEntropy::new(seed),
            apps,
            stories: Vec::new(),
            photos: (1..=3).map(|pid| Pid::new(pid).unwrap()).collect(),
            open_at: [0; 6],
            last: None,
            marks: Vec::new(),
            town,
        };
        life.town.feed = FeedReader::new(life.town.ports.clone(), config_of_both, key());
        life.upload_photos().await;
        life
    }

    async fn upload_photos(&self) {
        for pid in 1..=3_u8 {
            let picture = |size: &str| {
                let bytes = format!("{pid} {size}").into_bytes();
                Picture {
                    hash: PictureHash(sha256(&[&bytes])),
                    kind: PictureType::Png,
                    width: 75,
                    height: 50,
                    bytes: bytes.into(),
                }
            };
            let photo = NewPhoto {
                pid: Pid::new(i64::from(pid)).unwrap(),
                owner: bo(),
                app: self.apps[0],
                caption: String::new(),
                image: ImageHash([pid; 32]),
                pictures: [picture("big"), picture("normal"), picture("small")],
                per_user_max: 9,
            };
            let upload = PictureWrite::AddPhoto(Box::new(photo));
            self.town.write(vec![Write::Picture(upload)]).await;
        }
    }

    fn roll(&self, sides: u64) -> u64 {
        let bytes = random_bytes::<8>(&self.dice as &dyn Entropy);
        u64::from_be_bytes(bytes) % sides
    }

    fn any_app(&self) -> AppId {
        self.apps[usize::try_from(self.roll(APPS)).unwrap()]
    }

    fn any_story(&self) -> Option<StoryId> {
        let at = self.roll(u64::try_from(self.stories.len()).unwrap().max(1));
        self.stories.get(usize::try_from(at).unwrap()).copied()
    }

    /// A story of any application, exempt while its twelve hours last; now and then of tomorrow.
    async fn publish(&mut self) {
        self.town.clock.advance_ms(HOUR_MS);
        let at = usize::try_from(self.roll(APPS)).unwrap();
        let (priority, body, photos) = (self.roll(5), self.roll(2) == 0, self.roll(4));
        let ahead = if self.roll(8) == 0 { 30 } else { 0 };
        let published = self
            .town
            .ports
            .clock
            .wall()
            .plus_ms(ahead * HOUR_MS.cast_signed());
        let exempt = published.0 < self.open_at[at] || self.roll(12) == 0;
        if !exempt {
            self.open_at[at] = published.0 + 12 * HOUR_MS.cast_signed();
        }
        let present = self.photos.iter().copied().take(usize::try_from(photos).unwrap());
        let slots = (1..).zip(present).map(|(number, pid)| NewSlot {
            source: ImageSource::Pid(pid),
            ..slot(number)
        });
        let slots = slots.collect();
        let name = format!("App {}", at + 1);
        let id = self.town.publish(&name, "A story", |story| {
            story.priority = Priority::Number(u8::try_from(priority).unwrap());
            story.body = body.then(|| "A <b>body</b>".to_owned());
            story.published_at = published;
            story.exempt = exempt;
            story.slots = slots;
        });
        let id = id.await;
        self.stories.push(id);
    }

    async fn step(&mut self) {
        let (feed, accounts) = (self.town.feed.clone(), &self.town.accounts);
        let (app, story) = (self.any_app(), self.any_story());
        match self.roll(16) {
            0 => {
                self.town.write(vec![accept(app)]).await;
            }
            1 if self.roll(3) == 0 => {
                let _ = accounts.withdraw(app, bo()).await;
            }
            2 => {
                let _ = accounts.switch_stories(app, bo(), self.roll(3) > 0).await;
            }
            3 => {
                feed.set_slider(bo(), app, u8::try_from(self.roll(5)).unwrap())
                    .await
                    .unwrap();
            }
            4..=8 => self.publish().await,
            9 if self.roll(6) == 0 => {
                if let Some(pid) = self.photos.pop() {
                    let remove = PictureWrite::RemovePhoto { owner: bo(), pid };
                    self.town.write(vec![Write::Picture(remove)]).await;
                }
            }
            10..=13 => {
                let Some(story) = story else { return };
                match self.roll(7) {
                    0 => feed.hide(bo(), story).await,
                    1 => feed.report(bo(), story, ReportReason::Other).await,
                    2 | 3 => feed.undo(bo(), story).await,
                    4 => feed.thumb(bo(), story, true).await,
                    5 => feed.thumb(bo(), story, false).await,
                    _ => {
                        if let Some(page) = &self.last {
                            feed.clicked(bo(), story, &page.v);
                        }
                        Ok(true)
                    }
                }
                .unwrap();
            }
            9 => self.take_away().await,
            14 => {
                // The wall clock of a machine that was put right.
                let back = self.roll(6) * HOUR_MS;
                let wall = self.town.ports.clock.wall().plus_ms(-back.cast_signed());
                self.town.clock.set_wall_ms(wall.0);
            }
            _ => self.town.clock.advance_ms(self.roll(40) * HOUR_MS),
        }
    }

    /// What administrators take away: a story, an application, a person; and what goes a day later.
    async fn take_away(&mut self) {
        match self.roll(8) {
            0..=2 => {
                if let Some(story) = self.any_story() {
                    assert!(self.town.feed.take_down(story).await.unwrap());
                }
            }
            3 | 4 => {
                let at = usize::try_from(self.roll(APPS)).unwrap();
                let name = format!("App {}", at + 1);
                self.town.accounts.erase_app(&name).await.unwrap();
                self.town.accounts.add_app(new_app(&name)).await.unwrap();
                self.apps[at] = self.town.accounts.find_app(&name).await.unwrap().id;
                self.town.write(vec![accept(self.apps[at])]).await;
                self.open_at[at] = 0;
                if at == 0 {
                    // The photos were uploaded with it.
                    self.photos.clear();
                }
                self.stories = self.kept_stories().await;
            }
            5 if self.roll(4) == 0 => {
                self.town.accounts.erase_user("bo").await.unwrap();
                let again = NewUser {
                    name: "bo".to_owned(),
                    uid: Some(bo()),
                    ..NewUser::default()
                };
                self.town.accounts.add_user(again).await.unwrap();
                (self.stories, self.photos, self.last) = (Vec::new(), Vec::new(), None);
                self.open_at = [0; 6];
                for app in self.apps.clone() {
                    self.town.write(vec![accept(app)]).await;
                }
            }
            _ => self.town.feed.let_go().await,
        }
    }

    /// The record as it is written out.
    async fn record(&self) -> Vec<RecordLine> {
        self.forgetful.export(bo(), true).await.unwrap()
    }

    /// Stories that nobody erased.
    async fn kept_stories(&self) -> Vec<StoryId> {
        let kept = self.record().await.into_iter().filter_map(|line| match line {
            RecordLine::Story(story) => story.title.map(|_| story.story),
            _ => None,
        });
        kept.collect()
    }

    /// Every story of seven days is on the page just served or among what didn't make it, once, and each says why.
    async fn add_up(&self, page: &ServedPage, context: &str) {
        let feed = &self.town.feed;
        let mut rows = Vec::new();
        let mut from = Some(0);
        let mut at = WallMs(0);
        while let Some(start) = from {
            let missed = feed.missed(bo(), Some(&page.v), start).await.unwrap().unwrap();
            rows.extend(missed.rows.iter().map(|row| (row.story.id(), row.verdict.name())));
            (from, at) = (missed.next, missed.at);
        }
        let young = self.record().await.into_iter().filter(|line| match line {
            RecordLine::Story(story) => {
                at.secs() - story.published_ms.secs() < 7 * 86_400 && story.seq <= page.w
            }
            _ => false,
        });
        let exempt = page.exempt.len() + usize::try_from(page.exempt_more).unwrap();
        assert_eq!(page.slots.len() + exempt + rows.len(), young.count(), "{context}");
        for (story, verdict) in rows.iter().take(3) {
            let why = feed.why(bo(), *story, Some(&page.v)).await.unwrap();
            let why = why.unwrap_or_else(|| panic!("{context}: no reason for {story:?}"));
            assert_eq!(why.explanation.verdict, *verdict, "{context}");
        }
        if let Some(placed) = page.slots.first() {
            let story = placed.view.story.id;
            let why = feed.why(bo(), story, Some(&page.v)).await.unwrap().unwrap();
            assert_eq!(why.explanation.slot, Some(1), "{context}");
        }
    }

    /// A view, and the same view again from the record; before it was written and by a reader who remembers nothing.
    async fn compare(&mut self, context: &str) {
        let page = self.town.feed.view(bo(), Serving::View).await.unwrap();
        let again = self
            .town
            .feed
            .later(bo(), &page.here)
            .await
            .unwrap()
            .expect("its view");
        assert_eq!(shown(&again), shown(&page), "{context}");
        if self.roll(2) == 0 {
            self.add_up(&page, context).await;
        }
        if self.roll(2) == 0 {
            self.town.feed.write_notes().await;
            let one = self.town.feed.view(bo(), Serving::Look).await.unwrap();
            let other = self.forgetful.view(bo(), Serving::Look).await.unwrap();
            assert_eq!(shown(&one), shown(&other), "{context}");
            assert_eq!(one.missed, other.missed, "{context}");
            self.compare_answers(context).await;
        }
        self.marks.push(page.v.clone());
        self.last = Some(page);
    }

    /// What is said of an earlier view, by a reader who has its stories in memory and by one who reads them all from the books.
    async fn compare_answers(&self, context: &str) {
        let at = self.roll(u64::try_from(self.marks.len()).unwrap().max(1));
        let Some(mark) = self.marks.get(usize::try_from(at).unwrap()) else {
            return;
        };
        // A view that an erased application competed in is kept by neither.
        let list = |missed: Option<crier_platform::feed::Missed>| {
            let rows = missed?.rows.into_iter();
            Some(rows.map(|row| (row.story.id(), row.verdict)).collect::<Vec<_>>())
        };
        let one = self.town.feed.missed(bo(), Some(mark), 0).await.unwrap();
        let other = self.forgetful.missed(bo(), Some(mark), 0).await.unwrap();
        assert_eq!(list(one), list(other), "{context}, {mark}");
        let Some(story) = self.any_story() else { return };
        let one = self.town.feed.why(bo(), story, Some(mark)).await.unwrap();
        let other = self.forgetful.why(bo(), story, Some(mark)).await.unwrap();
        let said = |why: Option<crier_platform::feed::Why>| {
            why.map(|why| (why.explanation, why.verdict, why.later_page, why.would_stand))
        };
        assert_eq!(said(one), said(other), "{context}, {mark}");
    }
}

#[tokio::test]
async fn the_feed_as_it_is_and_as_it_was_agree_after_any_acts() {
    let mut views = 0;
    for seed in 0..SEEDS {
        let mut life = Life::begin(seed).await;
        for step in 0..STEPS {
            life.step().await;
            if life.roll(3) == 0 {
                life.compare(&format!("seed {seed}, step {step}")).await;
            }
        }
        life.town.feed.write_notes().await;
        let mut record = Record::default();
        for line in life.forgetful.export(bo(), false).await.unwrap() {
            record.take(line).unwrap();
        }
        for view in record.replay(None).unwrap() {
            assert!(view.same, "seed {seed}: {view:?}");
            views += 1;
        }
    }
    assert!(views > 500, "{views}");
}

#[tokio::test]
async fn an_act_of_the_last_day_counts_when_a_story_is_of_the_day_after() {
    let life = Life::begin(1).await;
    let (app, town) = (life.apps[0], &life.town);
    town.write(vec![accept(app)]).await;
    let old = town.publish("App 1", "Old", |_| ()).await;
    let act = FeedWrite::Act {
        user: bo(),
        story: old,
        act: FeedAct::Thumb,
    };
    town.write(vec![Write::Feed(act)]).await;
    // 28 days hold it, a 29th does not: the story of tomorrow makes today the first of them.
    town.clock.advance_ms(27 * 24 * HOUR_MS);
    let today = town.feed.view(bo(), Serving::Look).await.unwrap();
    assert_eq!(today.slots.len(), 0);
    let ahead = town
        .publish("App 1", "Tomorrow", |story| {
            story.published_at = WallMs(BEGIN_MS + 28 * 24 * HOUR_MS.cast_signed());
        })
        .await;
    let page = town.feed.view(bo(), Serving::View).await.unwrap();
    let why = town.feed.why(bo(), ahead, Some(&page.v)).await.unwrap().unwrap();
    assert_eq!(why.explanation.factors.first().unwrap().factor, 65_536);
    let again = town.feed.later(bo(), &page.here).await.unwrap().unwrap();
    assert_eq!(shown(&again), shown(&page));
}
