//! Pictures, photos and the jobs that fetch them (feed 7.2, 7.3, 7.9 to 7.12, 8.2).

use crate::backends::{World, app, app_id, story, uid};
use crier_platform::model::app::App;
use crier_platform::model::change::Fact;
use crier_platform::model::job::{
    AppFetches, Attempt, ImageHash, Job, JobQuery, NewPhoto, NextJob, PictureSpace, PictureWrite, Settlement,
    SourceHash, SourceRules,
};
use crier_platform::model::picture::{Cause, Fit, Picture, PictureHash, PictureType};
use crier_platform::model::story::{NewSlot, NewStory, Slot, SlotState};
use crier_platform::ports::fetch::Validators;
use crier_platform::ports::store::{Conflict, Made, Write};
use crier_proto::digest::sha256;
use crier_proto::ids::{Pid, StoryId};
use crier_proto::story::ImageSource;

const URL: &str = "http://x.example/a.png";
const WEEK_MS: u64 = 604_800_000;

fn slot(number: u8, source: ImageSource) -> NewSlot {
    NewSlot {
        number,
        source,
        link: "http://x.example/".to_owned(),
    }
}

/// A story of this application and user with a picture from this address.
fn shows(world: &World, (app, user): (i64, i64), url: &str) -> NewStory {
    NewStory {
        slots: vec![slot(1, ImageSource::Url(url.to_owned()))],
        exempt: true,
        ..story(app, user, world.now())
    }
}

async fn publish(world: &World, story: NewStory) -> StoryId {
    match world.commit(vec![Write::PublishStory(story)]).await.as_slice() {
        [Made::Story { id, .. }] => *id,
        other => panic!("no story: {other:?}"),
    }
}

async fn slot_of(world: &World, story: StoryId) -> Slot {
    world.store.story(story).await.unwrap().unwrap().slots[0].clone()
}

fn any_job(world: &World) -> JobQuery {
    JobQuery {
        now: world.now(),
        after: None,
        busy_apps: Vec::new(),
        busy_hosts: Vec::new(),
        running: Vec::new(),
    }
}

async fn next(world: &World) -> Job {
    match world.store.next_job(any_job(world)).await.unwrap() {
        NextJob::Now(job) => *job,
        other => panic!("no job: {other:?}"),
    }
}

fn picture(text: &'static str) -> Picture {
    Picture {
        hash: PictureHash(sha256(&[text.as_bytes()])),
        kind: PictureType::Png,
        width: 75,
        height: 56,
        bytes: text.as_bytes().into(),
    }
}

fn image(text: &str) -> ImageHash {
    ImageHash(sha256(&[b"image", text.as_bytes()]))
}

fn made(text: &'static str) -> Settlement {
    Settlement::Picture {
        image: image(text),
        picture: picture(text),
        validators: Validators {
            etag: Some("\"1\"".to_owned()),
            last_modified: None,
        },
    }
}

async fn write(world: &World, write: PictureWrite) {
    world.commit(vec![Write::Picture(write)]).await;
}

async fn settle(world: &World, source: SourceHash, settlement: Settlement) {
    let attempt = Attempt {
        source,
        settlement,
        spent: Some(1_000),
    };
    write(world, PictureWrite::Settle(Box::new(attempt))).await;
}

/// Works the next job off with this outcome.
async fn finish(world: &World, settlement: Settlement) {
    let job = next(world).await;
    settle(world, job.source, settlement).await;
    while world.store.has_waiting_slots(job.source).await.unwrap() {
        write(world, PictureWrite::Fill(job.source)).await;
    }
    write(world, PictureWrite::End(job.source)).await;
}

async fn space(world: &World) -> PictureSpace {
    world.store.picture_space().await.unwrap()
}

/// The application with this icon.
async fn set_icon(world: &World, number: i64, icon: &str) {
    let row = App {
        icon: icon.to_owned(),
        ..app(number, 7)
    };
    world.commit(vec![Write::SetApp(Box::new(row))]).await;
}

async fn icon_of(world: &World, number: i64) -> Option<PictureHash> {
    // Caches look for changes within this time.
    world.clock.advance_ms(1_000);
    let app = world.store.app(app_id(number)).await.unwrap().unwrap();
    app.icon_picture.map(|picture| picture.hash)
}

async fn want_icons(world: &World) {
    assert!(world.store.icons_are_wanted().await.unwrap());
    write(world, PictureWrite::WantIcons(SourceRules::default())).await;
    assert!(!world.store.icons_are_wanted().await.unwrap());
}

pub async fn an_icon_is_fetched_when_it_is_set_kept_while_it_is_shown_and_asked_for_again_after_a_day(
    world: &World,
) {
    world.user(7).await;
    for number in [4, 5] {
        world.commit(vec![Write::AddApp(Box::new(app(number, 7)))]).await;
    }
    assert!(!world.store.icons_are_wanted().await.unwrap());
    // The same address as a picture of a story is a source of its own, at another size.
    let story = publish(world, shows(world, (4, 7), URL)).await;
    finish(world, made("cat")).await;
    set_icon(world, 4, URL).await;
    want_icons(world).await;
    let job = next(world).await;
    assert_eq!(
        (job.url.as_str(), job.fit, job.app, job.validators.is_empty()),
        (URL, Fit::ICON, app_id(4), true)
    );
    let mark = world.store.last_change().await.unwrap();
    finish(world, made("mark")).await;
    assert_eq!(world.facts_after(mark).await, [Fact::App(app_id(4))]);
    assert_eq!(icon_of(world, 4).await, Some(picture("mark").hash));
    assert_eq!(
        slot_of(world, story).await.picture.unwrap().hash,
        picture("cat").hash
    );
    // Another application's icon from there is here already.
    set_icon(world, 5, URL).await;
    want_icons(world).await;
    assert_eq!(
        world.store.next_job(any_job(world)).await.unwrap(),
        NextJob::Never
    );
    assert_eq!(icon_of(world, 5).await, Some(picture("mark").hash));
    // Of the cache's floor, long after it was served last.
    world.clock.advance_ms(2 * WEEK_MS);
    let (free, _) = world.store.evictable(10).await.unwrap();
    assert_eq!(free, [(picture("cat").hash, 3)]);
    // A day later it is asked for again, and shown meanwhile.
    want_icons(world).await;
    assert_eq!(next(world).await.validators.etag.as_deref(), Some("\"1\""));
    assert_eq!(icon_of(world, 4).await, Some(picture("mark").hash));
    finish(world, Settlement::Failed(Cause::Status(404))).await;
    assert_eq!(icon_of(world, 4).await, Some(picture("mark").hash));
    // Blocked, it is shown no more; taken away, nothing is wanted.
    write(world, PictureWrite::Block(picture("mark").hash)).await;
    assert_eq!(icon_of(world, 4).await, None);
    for number in [4, 5] {
        set_icon(world, number, "").await;
    }
    want_icons(world).await;
    assert_eq!(
        world.store.next_job(any_job(world)).await.unwrap(),
        NextJob::Never
    );
}

pub async fn all_slots_of_an_address_wait_on_one_job_and_become_ready_with_an_event_each(world: &World) {
    for user in [7, 8] {
        world.user(user).await;
    }
    let stories = [
        publish(world, shows(world, (4, 7), URL)).await,
        publish(world, shows(world, (5, 8), URL)).await,
    ];
    assert_eq!(space(world).await.jobs, 1);
    let job = next(world).await;
    assert_eq!((job.url.as_str(), job.app, job.attempts), (URL, app_id(4), 0));
    assert_eq!((job.validators.is_empty(), job.is_settled), (true, false));
    settle(world, job.source, made("cat")).await;
    // Killed here, the job is still there and has nothing left to ask.
    assert!(next(world).await.is_settled);
    assert_eq!(slot_of(world, stories[0]).await.state, SlotState::Pending);
    for _ in 0..2 {
        // Finishing twice changes nothing.
        write(world, PictureWrite::Fill(job.source)).await;
        write(world, PictureWrite::End(job.source)).await;
        settle(world, job.source, made("dog")).await;
    }
    assert_eq!(
        world.store.next_job(any_job(world)).await.unwrap(),
        NextJob::Never
    );
    for story in stories {
        let slot = slot_of(world, story).await;
        let shown = slot.picture.unwrap();
        assert_eq!(
            (slot.state, slot.attempts, slot.cause),
            (SlotState::Ready, 1, None)
        );
        assert_eq!(
            (shown.hash, shown.width, shown.height),
            (picture("cat").hash, 75, 56)
        );
    }
    assert_eq!(space(world).await, PictureSpace { jobs: 0, bytes: 3 });
    let spent = AppFetches {
        fetches: 1,
        bytes: 1_000,
    };
    let hour = world.now().0 / 3_600_000;
    assert_eq!(world.store.app_fetches(app_id(4), hour).await.unwrap(), spent);
    // A place for the story and one for its picture.
    let (_, seq) = match world
        .commit(vec![Write::PublishStory(shows(world, (4, 7), URL))])
        .await
        .as_slice()
    {
        [Made::Story { id, seq }] => (*id, *seq),
        other => panic!("no story: {other:?}"),
    };
    assert_eq!(seq, 3);
}

pub async fn a_fresh_source_is_used_and_an_older_one_is_asked_with_its_validators(world: &World) {
    world.user(7).await;
    let first = publish(world, shows(world, (4, 7), URL)).await;
    finish(world, made("cat")).await;
    world.clock.advance_ms(3_599_999);
    let fresh = publish(world, shows(world, (4, 7), URL)).await;
    assert_eq!(
        slot_of(world, fresh).await.picture.unwrap().hash,
        picture("cat").hash
    );
    world.clock.advance_ms(1);
    let older = publish(world, shows(world, (4, 7), URL)).await;
    assert_eq!(slot_of(world, older).await.state, SlotState::Pending);
    assert_eq!(next(world).await.validators.etag.as_deref(), Some("\"1\""));
    finish(world, Settlement::Unchanged).await;
    assert_eq!(
        slot_of(world, older).await.picture.unwrap().hash,
        picture("cat").hash
    );
    world.clock.advance_ms(3_600_000);
    let newest = publish(world, shows(world, (4, 7), URL)).await;
    finish(world, made("dog")).await;
    // Earlier slots keep their picture whatever a later fetch brings.
    assert_eq!(
        slot_of(world, newest).await.picture.unwrap().hash,
        picture("dog").hash
    );
    assert_eq!(
        slot_of(world, first).await.picture.unwrap().hash,
        picture("cat").hash
    );
    assert!(world.store.picture(picture("cat").hash).await.unwrap().is_some());
}

pub async fn a_final_failure_is_believed_for_its_time_and_a_delayed_job_comes_again(world: &World) {
    world.user(7).await;
    let first = publish(world, shows(world, (4, 7), URL)).await;
    let due = world.now().plus_ms(30_000);
    let later = Settlement::Later {
        cause: Cause::Status(503),
        due,
    };
    settle(world, next(world).await.source, later).await;
    assert_eq!(
        world.store.next_job(any_job(world)).await.unwrap(),
        NextJob::At(due)
    );
    world.clock.advance_ms(30_000);
    assert_eq!(next(world).await.attempts, 1);
    finish(world, Settlement::Failed(Cause::Status(404))).await;
    for story in [first, publish(world, shows(world, (5, 7), URL)).await] {
        let slot = slot_of(world, story).await;
        assert_eq!(slot.state, SlotState::Failed);
        assert_eq!(slot.cause.as_deref(), Some("status_404"));
    }
    world.clock.advance_ms(900_000);
    let again = publish(world, shows(world, (5, 7), URL)).await;
    assert_eq!(slot_of(world, again).await.state, SlotState::Pending);
    assert_eq!(next(world).await.attempts, 0);
}

pub async fn applications_take_turns_and_busy_hosts_and_running_jobs_are_passed_over(world: &World) {
    world.user(7).await;
    for (app, url) in [
        (4, "http://a.example/1"),
        (4, "http://a.example/2"),
        (4, "http://b.example:81/3"),
        (6, "http://c.example/4"),
        (9, "http://d.example/5"),
    ] {
        publish(world, shows(world, (app, 7), url)).await;
        world.clock.advance_ms(1);
    }
    let ask = |after: Option<i64>, busy: &[i64], hosts: &[&str]| JobQuery {
        after: after.map(app_id),
        busy_apps: busy.iter().map(|app| app_id(*app)).collect(),
        busy_hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        ..any_job(world)
    };
    for (query, expected) in [
        (ask(None, &[], &[]), Some("http://a.example/1")),
        (ask(Some(4), &[], &[]), Some("http://c.example/4")),
        (ask(Some(6), &[], &[]), Some("http://d.example/5")),
        (ask(Some(9), &[], &[]), Some("http://a.example/1")),
        (ask(Some(9), &[], &["a.example"]), Some("http://b.example:81/3")),
        (ask(Some(9), &[4], &["c.example"]), Some("http://d.example/5")),
        (ask(Some(4), &[6, 9], &["a.example", "b.example"]), None),
    ] {
        let found = world.store.next_job(query.clone()).await.unwrap();
        let url = match &found {
            NextJob::Now(job) => Some(job.url.as_str()),
            NextJob::At(_) | NextJob::Never => None,
        };
        assert_eq!(url, expected, "{query:?}");
    }
    let running = JobQuery {
        running: vec![SourceHash(sha256(&[b"http://a.example/1"]))],
        ..any_job(world)
    };
    let NextJob::Now(job) = world.store.next_job(running).await.unwrap() else {
        panic!("a job")
    };
    assert_eq!(job.url, "http://a.example/2");
}

pub async fn a_full_queue_fails_the_slot_and_not_the_story(world: &World) {
    world.user(7).await;
    let bounded = |app, url: &str, jobs_per_app_max, jobs_max| NewStory {
        sources: SourceRules {
            jobs_per_app_max,
            jobs_max,
            ..SourceRules::default()
        },
        ..shows(world, (app, 7), url)
    };
    publish(world, bounded(4, "http://x.example/1", 1, 9)).await;
    let full = publish(world, bounded(4, "http://x.example/2", 1, 9)).await;
    assert_eq!(slot_of(world, full).await.cause.as_deref(), Some("queue_full"));
    // What waits already has its place, and another application has its own.
    let joined = publish(world, bounded(4, "http://x.example/1", 1, 9)).await;
    assert_eq!(slot_of(world, joined).await.state, SlotState::Pending);
    publish(world, bounded(5, "http://x.example/3", 1, 9)).await;
    let full = publish(world, bounded(6, "http://x.example/4", 1, 2)).await;
    assert_eq!(slot_of(world, full).await.cause.as_deref(), Some("queue_full"));
    assert_eq!(space(world).await.jobs, 2);
    // The queue is not the address: as soon as there is a place, it is asked.
    let later = publish(world, bounded(6, "http://x.example/4", 1, 9)).await;
    assert_eq!(slot_of(world, later).await.state, SlotState::Pending);
}

pub async fn slots_are_filled_for_a_hundred_users_at_once(world: &World) {
    for user in 1..=101 {
        world.user(user).await;
        publish(world, shows(world, (4, user), URL)).await;
    }
    let job = next(world).await;
    settle(world, job.source, made("cat")).await;
    write(world, PictureWrite::Fill(job.source)).await;
    assert!(world.store.has_waiting_slots(job.source).await.unwrap());
    // Not before its last slot.
    write(world, PictureWrite::End(job.source)).await;
    assert!(next(world).await.is_settled);
    write(world, PictureWrite::Fill(job.source)).await;
    assert!(!world.store.has_waiting_slots(job.source).await.unwrap());
}

pub async fn pictures_of_live_stories_and_photos_are_not_evicted_and_the_least_used_go_first(world: &World) {
    world.user(7).await;
    let urls = ["http://x.example/1", "http://x.example/2", "http://x.example/3"];
    let texts = ["one", "three", "fifteen"];
    let mut stories = Vec::new();
    for (url, text) in urls.into_iter().zip(texts) {
        stories.push(publish(world, shows(world, (4, 7), url)).await);
        finish(world, made(text)).await;
    }
    write(
        world,
        PictureWrite::AddPhoto(Box::new(photo(3, ["one", "o", "p"]))),
    )
    .await;
    let hash = |text| picture(text).hash;
    let evictable = || async { world.store.evictable(10).await.unwrap() };
    assert_eq!(evictable().await, (vec![], 17));
    write(world, PictureWrite::Evict(vec![hash("three")])).await;
    assert_eq!(space(world).await.bytes, 17);
    world.clock.advance_ms(WEEK_MS);
    write(world, PictureWrite::Use(vec![hash("three")])).await;
    assert_eq!(
        evictable().await,
        (vec![(hash("fifteen"), 7), (hash("three"), 5)], 5)
    );
    write(world, PictureWrite::Evict(vec![hash("fifteen"), hash("one")])).await;
    assert_eq!(space(world).await.bytes, 10);
    let states = [
        slot_of(world, stories[1]).await.state,
        slot_of(world, stories[2]).await.state,
    ];
    assert_eq!(states, [SlotState::Ready, SlotState::Evicted]);
    // Its address is asked anew, and not whether it still is what is no longer there.
    publish(world, shows(world, (4, 7), urls[2])).await;
    assert!(next(world).await.validators.is_empty());
}

fn photo(pid: i64, [big, normal, small]: [&'static str; 3]) -> NewPhoto {
    NewPhoto {
        pid: Pid::new(pid).unwrap(),
        owner: uid(7),
        app: app_id(4),
        caption: "a caption".to_owned(),
        image: image(big),
        pictures: [picture(big), picture(normal), picture(small)],
        per_user_max: 2,
    }
}

pub async fn a_photo_is_its_owners_until_it_is_removed_and_equal_pictures_are_kept_once(world: &World) {
    world.user(7).await;
    for pid in [3, 2] {
        write(
            world,
            PictureWrite::AddPhoto(Box::new(photo(pid, ["bigger", "big", "pic"]))),
        )
        .await;
    }
    assert_eq!(space(world).await.bytes, 12);
    let third = PictureWrite::AddPhoto(Box::new(photo(1, ["x", "y", "z"])));
    assert_eq!(
        world.refused(vec![Write::Picture(third)]).await,
        Conflict::PhotosFull
    );
    let photos = world.store.photos_of(uid(7)).await.unwrap();
    let pids: Vec<i64> = photos.iter().map(|photo| photo.pid.get()).collect();
    assert_eq!(pids, [2, 3]);
    let shown = publish(
        world,
        NewStory {
            slots: vec![slot(1, ImageSource::Pid(Pid::new(3).unwrap()))],
            ..shows(world, (4, 7), URL)
        },
    )
    .await;
    assert_eq!(
        slot_of(world, shown).await.picture.unwrap().hash,
        picture("pic").hash
    );
    let remove = |owner, pid| {
        Write::Picture(PictureWrite::RemovePhoto {
            owner: uid(owner),
            pid: Pid::new(pid).unwrap(),
        })
    };
    assert_eq!(world.refused(vec![remove(8, 3)]).await, Conflict::Missing);
    world.commit(vec![remove(7, 3)]).await;
    assert_eq!(slot_of(world, shown).await.state, SlotState::Removed);
    assert_eq!(space(world).await.bytes, 12);
    world.commit(vec![remove(7, 2)]).await;
    assert_eq!(space(world).await.bytes, 0);
    assert_eq!(world.store.photo(Pid::new(2).unwrap()).await.unwrap(), None);
}

pub async fn a_blocked_picture_goes_everywhere_and_its_image_is_refused_under_any_address(world: &World) {
    world.user(7).await;
    let first = publish(world, shows(world, (4, 7), URL)).await;
    finish(world, made("cat")).await;
    write(
        world,
        PictureWrite::AddPhoto(Box::new(photo(3, ["cat", "c", "a"]))),
    )
    .await;
    publish(world, shows(world, (4, 7), "http://y.example/")).await;
    let running = next(world).await;
    write(world, PictureWrite::Block(picture("cat").hash)).await;
    for text in ["cat", "c", "a"] {
        assert_eq!(world.store.picture(picture(text).hash).await.unwrap(), None);
    }
    assert_eq!(slot_of(world, first).await.state, SlotState::Removed);
    assert_eq!(world.store.photos_of(uid(7)).await.unwrap(), []);
    assert_eq!(space(world).await.bytes, 0);
    // It was on its way under another address when it was blocked.
    settle(world, running.source, made("cat")).await;
    write(world, PictureWrite::Fill(running.source)).await;
    write(world, PictureWrite::End(running.source)).await;
    let later = publish(world, shows(world, (4, 7), "http://y.example/")).await;
    assert_eq!(slot_of(world, later).await.cause.as_deref(), Some("blocked"));
    assert_eq!(space(world).await, PictureSpace { jobs: 0, bytes: 0 });
    let again = PictureWrite::AddPhoto(Box::new(photo(4, ["cat", "d", "e"])));
    assert_eq!(
        world.refused(vec![Write::Picture(again)]).await,
        Conflict::Blocked
    );
}

pub async fn erasing_a_user_removes_photos_and_what_only_their_stories_showed(world: &World) {
    for user in [7, 8] {
        world.user(user).await;
    }
    publish(world, shows(world, (4, 7), "http://x.example/own")).await;
    finish(world, made("own")).await;
    for user in [7, 8] {
        publish(world, shows(world, (4, user), "http://x.example/both")).await;
    }
    finish(world, made("both")).await;
    publish(world, shows(world, (4, 7), "http://x.example/waiting")).await;
    write(
        world,
        PictureWrite::AddPhoto(Box::new(photo(3, ["big", "mid", "pic"]))),
    )
    .await;
    world.commit(vec![Write::EraseUser(uid(7))]).await;
    assert_eq!(space(world).await, PictureSpace { jobs: 0, bytes: 4 });
    assert!(world.store.picture(picture("both").hash).await.unwrap().is_some());
    assert_eq!(world.store.photo(Pid::new(3).unwrap()).await.unwrap(), None);
}

pub async fn a_failed_slot_is_fetched_again_three_times_at_most_and_by_its_application_alone(world: &World) {
    world.user(7).await;
    let story = publish(world, shows(world, (4, 7), URL)).await;
    let again = |app| {
        Write::Picture(PictureWrite::FetchAgain {
            rules: SourceRules::default(),
            app: app_id(app),
            story,
            slot: 1,
        })
    };
    assert_eq!(world.refused(vec![again(4)]).await, Conflict::Missing);
    for _ in 0..3 {
        finish(world, Settlement::Failed(Cause::Broken)).await;
        assert_eq!(world.refused(vec![again(5)]).await, Conflict::Missing);
        world.commit(vec![again(4)]).await;
        assert_eq!(slot_of(world, story).await.state, SlotState::Pending);
    }
    finish(world, Settlement::Failed(Cause::Broken)).await;
    assert_eq!(world.refused(vec![again(4)]).await, Conflict::Missing);
}

pub async fn a_picture_of_our_own_site_is_read_from_the_books(world: &World) {
    world.user(7).await;
    publish(world, shows(world, (4, 7), URL)).await;
    finish(world, made("cat")).await;
    let own = publish(world, shows(world, (4, 7), "http://crier.example/p/cat.png")).await;
    finish(world, Settlement::Own(picture("cat").hash)).await;
    assert_eq!(
        slot_of(world, own).await.picture.unwrap().hash,
        picture("cat").hash
    );
    let unknown = publish(world, shows(world, (4, 7), "http://crier.example/p/dog.png")).await;
    finish(world, Settlement::Own(picture("dog").hash)).await;
    assert_eq!(slot_of(world, unknown).await.cause.as_deref(), Some("status_404"));
}
