//! When a source is asked again, and what is left when the process is killed.

use crate::world::{World, image};
use crier_platform::model::picture::Cause;
use crier_platform::model::story::SlotState;
use crier_platform::ports::fetch::FetchFailed;

const URL: &str = "http://one.example/a.png";

fn status(status: u16, retry_after_ms: Option<u64>) -> FetchFailed {
    FetchFailed {
        cause: Cause::Status(status),
        retry_after_ms,
    }
}

/// Fails the open question and gives the milliseconds until the next is due.
async fn failed_until(world: &World, failed: FetchFailed, attempts: u32) -> u64 {
    use crier_platform::model::job::{JobQuery, NextJob};
    use crier_platform::ports::clock::Clock;
    world.asked(1).await.remove(0).answer(Err(failed));
    let now = world.clock.wall();
    let query = JobQuery {
        now,
        after: None,
        busy_apps: Vec::new(),
        busy_hosts: Vec::new(),
        running: Vec::new(),
    };
    loop {
        match world.ports.store.next_job(query.clone()).await.unwrap() {
            NextJob::At(due) => return (due.0 - now.0).cast_unsigned(),
            NextJob::Now(job) => assert!(job.attempts < attempts),
            NextJob::Never => panic!("the job is gone"),
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn retry_delays_ask_a_source_that_fails_six_times_at_growing_distances() {
    let world = World::with(|_| {}).await;
    let story = world.publish(1, URL).await;
    for (attempts, delay) in (1..).zip([30_000_u64, 120_000, 600_000, 3_600_000, 21_600_000]) {
        let wait = failed_until(&world, status(503, None), attempts).await;
        assert!(
            (delay * 8 / 10..=delay * 12 / 10).contains(&wait),
            "{delay}: {wait}"
        );
        world.clock.advance_ms(wait - 1);
        assert_eq!(world.asked(0).await.len(), 0, "not a millisecond early");
        world.clock.advance_ms(1);
    }
    assert_eq!(world.met("retry_delays"), 0);
    world.asked(1).await.remove(0).answer(Err(status(503, None)));
    let slot = world.settled(story).await;
    assert_eq!((slot.state, slot.attempts), (SlotState::Failed, 6));
    assert_eq!(world.met("retry_delays"), 1);
    assert_eq!(slot.cause.as_deref(), Some("status_503"));
}

#[tokio::test]
async fn a_final_cause_is_not_asked_again() {
    let world = World::with(|_| {}).await;
    for (number, cause) in [
        Cause::Status(404),
        Cause::ForbiddenAddress,
        Cause::TooBig,
        Cause::EncodedBody,
    ]
    .into_iter()
    .enumerate()
    {
        let story = world.publish(1, &format!("http://h{number}.example/")).await;
        world.asked(1).await.remove(0).answer(Err(cause.into()));
        let slot = world.settled(story).await;
        assert_eq!((slot.attempts, slot.cause), (1, Some(cause.to_string())));
    }
    let story = world.publish(1, "http://text.example/").await;
    world
        .asked(1)
        .await
        .remove(0)
        .answer(image("").map(|_| crier_platform::ports::fetch::Got::Image {
            bytes: "<html>".into(),
            validators: crier_platform::ports::fetch::Validators::default(),
        }));
    assert_eq!(world.settled(story).await.cause.as_deref(), Some("unsupported"));
}

#[tokio::test]
async fn retry_after_is_honoured_up_to_six_hours() {
    for (asked, waits) in [(300_000, 300_000), (90_000_000, 21_600_000)] {
        let world = World::with(|_| {}).await;
        world.publish(1, URL).await;
        assert_eq!(failed_until(&world, status(429, Some(asked)), 1).await, waits);
    }
    let world = World::with(|_| {}).await;
    world.publish(1, URL).await;
    let wait = failed_until(&world, status(429, Some(5)), 1).await;
    assert!(wait >= 24_000, "the delay of the attempt is the least: {wait}");
}

#[tokio::test]
async fn a_kill_at_any_moment_loses_no_job_and_repeats_each_at_most_once() {
    let mut world = World::with(|_| {}).await;
    let mut stories = Vec::new();
    for number in 0..4 {
        stories.push(
            world
                .publish(number + 1, &format!("http://h{number}.example/"))
                .await,
        );
    }
    let mut open = world.asked(4).await;
    open.remove(0).answer(image("done"));
    assert_eq!(world.settled(stories[0]).await.state, SlotState::Ready);
    world.kill();
    drop(open);
    world.start();
    let (open, hosts) = world.hosts_asked(3).await;
    assert_eq!(hosts, ["h1.example", "h2.example", "h3.example"]);
    for asked in open {
        asked.answer(image("done"));
    }
    for story in stories {
        assert_eq!(world.settled(story).await.state, SlotState::Ready);
    }
    assert_eq!(world.ports.store.picture_space().await.unwrap().bytes, 12);
}
