//! The index: its bytes, its bound, its order of leaving, and that it never says anything but what it was given.

use crier_platform::feed::index::{FeedIndex, SHARD_USERS_MAX, UserStories};
use crier_platform::model::quantity::Bytes;
use crier_platform::model::ranking::{AppPlace, Marks, PriorityClass, RankedStory};
use crier_platform::model::time::WallMs;
use crier_proto::ids::{AppId, StoryId, Uid};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn uid(number: i64) -> Uid {
    Uid::new(number).expect("positive")
}

fn app(number: i64) -> AppId {
    AppId::new(number).expect("positive")
}

fn story(seq: i64) -> RankedStory {
    RankedStory {
        id: StoryId::new(seq + 1_000).expect("positive"),
        seq,
        published: WallMs(seq * 1_000),
        app: AppPlace(0),
        priority: PriorityClass::One,
        pictures: 0,
        has_body: true,
        marks: Marks::none(),
    }
}

/// Stories 1 to `count`, of as many applications as there are stories when `apps` is 0.
fn stories(count: i64, apps: i64) -> UserStories {
    let of = |seq: i64| app(if apps == 0 { seq } else { seq % apps + 1 });
    UserStories::of((1..=count).map(|seq| (of(seq), story(seq))))
}

#[test]
fn a_story_takes_at_most_64_bytes_all_told_for_users_with_ten_or_more() {
    for (count, apps) in [(10, 3), (10, 0), (11, 0), (64, 5), (65, 5), (66, 0), (1_000, 25)] {
        let mut index = FeedIndex::new(Bytes(1 << 40));
        let users = 3_000;
        for number in 1..=users {
            let mut user = UserStories::default();
            for seq in 1..=count {
                let of = if apps == 0 { seq } else { seq % apps + 1 };
                assert!(user.push(app(of), story(seq)));
            }
            index.load(uid(number * 7_919 % 100_003), user);
            if count == 1_000 && number == 50 {
                break;
            }
        }
        let stories = index.figures().stories;
        let (kept, counted) = (index.figures().bytes / stories, index.counted_bytes() / stories);
        assert!(
            kept <= 64 && counted <= 64,
            "{count} of {apps} apps: {kept}, {counted}"
        );
        let accounted = i64::try_from(index.figures().bytes).unwrap();
        let difference = accounted.abs_diff(i64::try_from(index.counted_bytes()).unwrap());
        assert!(
            difference * 8 <= accounted.unsigned_abs(),
            "accounting is off by {difference}"
        );
    }
}

#[test]
fn index_bytes_max_holds_and_the_least_recently_read_user_leaves() {
    let one = {
        let mut index = FeedIndex::new(Bytes(1 << 40));
        index.load(uid(1), stories(10, 2));
        index.figures().bytes
    };
    let mut index = FeedIndex::new(Bytes(u64::try_from(one * 3).unwrap()));
    for number in 1..=3 {
        index.load(uid(number), stories(10, 2));
    }
    assert_eq!((index.figures().users, index.figures().evicted_total), (3, 0));
    assert!(index.read(uid(1)).is_some());
    index.load(uid(4), stories(10, 2));
    assert_eq!(index.figures().evicted_total, 1);
    let here: Vec<bool> = (1..=4).map(|number| index.read(uid(number)).is_some()).collect();
    assert_eq!(here, [true, false, true, true]);
    // A change may need room too: then the one that was read longest ago goes.
    assert!(index.change(uid(4), |user| {
        (11..=14).for_each(|seq| assert!(user.push(app(1), story(seq))));
    }));
    assert_eq!((index.figures().users, index.figures().evicted_total), (2, 2));
    assert!(index.read(uid(1)).is_none());
    // A user greater than the whole bound does not stay.
    index.load(uid(9), stories(1_000, 2));
    assert_eq!(
        (
            index.figures().users,
            index.figures().bytes,
            index.figures().stories
        ),
        (0, 0, 0)
    );
}

#[test]
fn shards_split_at_1024_users_and_everybody_is_found_after_it() {
    let mut index = FeedIndex::new(Bytes(1 << 40));
    for number in 1..=5_000 {
        index.load(uid(number * 7_919 % 100_003), stories(1, 1));
        assert!(index.fullest_shard() <= SHARD_USERS_MAX);
    }
    assert!((1..=5_000).all(|number| index.read(uid(number * 7_919 % 100_003)).is_some()));
    for number in 1..=5_000 {
        assert!(index.forget(uid(number * 7_919 % 100_003)));
    }
    assert_eq!(index.figures().bytes, 0);
    assert_eq!(index.fullest_shard(), 0);
}

#[test]
fn whoever_reads_goes_on_with_what_was_read() {
    let mut index = FeedIndex::new(Bytes(1 << 20));
    index.load(uid(1), stories(70, 2));
    let before = index.read(uid(1)).expect("it is loaded");
    index.change(uid(1), |user| {
        assert!(user.change(3, |story| story.marks = Marks::HIDDEN));
        assert!(user.push(app(8), story(71)));
    });
    let after = index.read(uid(1)).expect("it is loaded");
    assert_eq!(
        (before.len(), before.newest_seq(), before.apps().len()),
        (70, 70, 2)
    );
    assert_eq!((after.len(), after.newest_seq(), after.apps().len()), (71, 71, 3));
    let marks = |user: &UserStories| user.lookup(3).map(|story| story.marks);
    assert_eq!(
        (marks(&before), marks(&after)),
        (Some(Marks::none()), Some(Marks::HIDDEN))
    );
}

#[test]
fn a_story_that_is_known_is_not_taken_twice_and_old_chunks_leave_whole() {
    let mut user = stories(200, 3);
    assert!(!user.push(app(1), story(200)));
    assert!(!user.change(201, |_| {}));
    assert_eq!(user.newest_published(), Some(WallMs(200_000)));
    user.leave_before(WallMs(100_000));
    assert_eq!(
        (user.len(), user.iter().next().map(|story| story.seq)),
        (136, Some(65))
    );
    user.leave_before(WallMs(1_000_000));
    assert!(user.is_empty() && user.newest_seq() == 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_index_says_what_a_plain_map_would_say(
        steps in proptest::collection::vec((0..5_u8, 1..40_i64, 1..90_i64), 1..200),
    ) {
        let mut index = FeedIndex::new(Bytes(1 << 30));
        let mut plain: BTreeMap<i64, Vec<(AppId, RankedStory)>> = BTreeMap::new();
        for (step, user, number) in steps {
            match step {
                0 => {
                    let rows: Vec<_> = (1..=number).map(|seq| (app(seq % 5 + 1), story(seq))).collect();
                    index.load(uid(user), UserStories::of(rows.clone()));
                    plain.insert(user, rows);
                }
                1 | 2 => {
                    let next = plain.get(&user).map_or(0, Vec::len) as i64 + 1;
                    let taken = index.change(uid(user), |stories| assert!(stories.push(app(number), story(next))));
                    prop_assert_eq!(taken, plain.contains_key(&user));
                    if let Some(rows) = plain.get_mut(&user) {
                        rows.push((app(number), story(next)));
                    }
                }
                3 => {
                    let mark = |story: &mut RankedStory| story.pictures = 2;
                    index.change(uid(user), |stories| { stories.change(number, mark); });
                    let rows = plain.get_mut(&user).into_iter().flatten();
                    rows.filter(|(_, story)| story.seq == number).for_each(|(_, story)| mark(story));
                }
                _ => prop_assert_eq!(index.forget(uid(user)), plain.remove(&user).is_some()),
            }
        }
        for user in 1..40 {
            let read = index.read(uid(user)).map(|stories| {
                let apps = stories.apps().to_vec();
                stories.iter().map(|story| (apps[story.app.index()], story.id, story.pictures)).collect::<Vec<_>>()
            });
            let expected = plain.get(&user).map(|rows| {
                rows.iter().map(|(app, story)| (*app, story.id, story.pictures)).collect::<Vec<_>>()
            });
            prop_assert_eq!(read, expected);
        }
        prop_assert_eq!(index.figures().stories, plain.values().map(Vec::len).sum::<usize>());
    }
}
