//! Random units against a model of a few maps: what a unit is answered, and what the books hold afterwards.

use crate::backends::{START_MS, World, app_id, grant, new_session, sqlite_in_memory, story, uid, user};
use crier_platform::model::audit::Actor;
use crier_platform::model::session::SessionId;
use crier_platform::model::story::NewStory;
use crier_platform::model::time::WallMs;
use crier_platform::ports::store::{Batch, CommitError, Conflict, Made, UnitId, Write};
use crier_proto::ids::SessionKey;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const TWELVE_HOURS_MS: i64 = 43_200_000;

#[derive(Debug, Clone)]
enum Step {
    Publish { app: i64, user: i64, exempt: bool },
    Grant { app: i64, user: i64 },
    Withdraw { app: i64, user: i64 },
    Open { app: i64, user: i64, key: u8 },
    End { session: i64 },
    Erase { user: i64 },
    Join { user: i64 },
}

/// What the books hold, as the port's page says it.
#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    users: BTreeSet<i64>,
    /// Of each user: place, application and time of each story.
    stories: BTreeMap<i64, Vec<(i64, i64, i64)>>,
    /// The last place of each user's record, which stories share with decisions.
    places: BTreeMap<i64, i64>,
    windows: BTreeMap<(i64, i64), i64>,
    grants: BTreeSet<(i64, i64)>,
    sessions: BTreeMap<(i64, u8), (i64, i64)>,
    next_story: i64,
    next_session: i64,
}

fn step() -> impl Strategy<Value = Step> {
    let (app, user) = (1i64..4, 1i64..4);
    prop_oneof![
        5 => (app.clone(), user.clone(), prop::bool::weighted(0.2))
            .prop_map(|(app, user, exempt)| Step::Publish { app, user, exempt }),
        2 => (app.clone(), user.clone()).prop_map(|(app, user)| Step::Grant { app, user }),
        1 => (app.clone(), user.clone()).prop_map(|(app, user)| Step::Withdraw { app, user }),
        2 => (app, user.clone(), 0u8..2).prop_map(|(app, user, key)| Step::Open { app, user, key }),
        1 => (1i64..8).prop_map(|session| Step::End { session }),
        1 => user.clone().prop_map(|user| Step::Erase { user }),
        3 => user.prop_map(|user| Step::Join { user }),
    ]
}

fn key(user: i64, key: u8) -> SessionKey {
    SessionKey::of(&format!("{key:024x}"), uid(user)).unwrap()
}

fn write(step: &Step, now: i64) -> Write {
    match *step {
        Step::Publish { app, user, exempt } => Write::PublishStory(NewStory {
            exempt,
            ..story(app, user, WallMs(now))
        }),
        Step::Grant { app, user } => Write::SetGrant(grant(app, user)),
        Step::Withdraw { app, user } => Write::RemoveGrant {
            app: app_id(app),
            user: uid(user),
        },
        Step::Open {
            app,
            user,
            key: digit,
        } => Write::AddSession(new_session(&key(user, digit), app, None)),
        Step::End { session } => Write::EndSession(SessionId(session)),
        Step::Erase { user } => Write::EraseUser(uid(user)),
        Step::Join { user: number } => Write::AddUser(user(number)),
    }
}

impl Model {
    /// Applies a step and says what it made, or which condition does not hold.
    fn apply(&mut self, step: &Step, now: i64) -> Result<Option<Made>, Conflict> {
        match *step {
            Step::Publish { app, user, exempt } => return self.publish((app, user), exempt, now).map(Some),
            Step::Grant { app, user } => {
                self.require(user)?;
                if self.grants.insert((app, user)) {
                    self.next_place(user);
                }
            }
            Step::Withdraw { app, user } => {
                if self.grants.remove(&(app, user)) {
                    self.next_place(user);
                }
                self.sessions.retain(|(of, _), (_, by)| (*of, *by) != (user, app));
            }
            Step::Open { app, user, key } => {
                self.require(user)?;
                if self.sessions.contains_key(&(user, key)) {
                    return Err(Conflict::KeyTaken);
                }
                self.next_session += 1;
                self.sessions.insert((user, key), (self.next_session, app));
                return Ok(Some(Made::Session(SessionId(self.next_session))));
            }
            Step::End { session } => self.sessions.retain(|_, (id, _)| *id != session),
            Step::Erase { user } => {
                self.require(user)?;
                self.users.remove(&user);
                self.stories.remove(&user);
                self.places.remove(&user);
                self.windows.retain(|(_, of), _| *of != user);
                self.grants.retain(|(_, of)| *of != user);
                self.sessions.retain(|(of, _), _| *of != user);
            }
            Step::Join { user } => {
                if !self.users.insert(user) {
                    return Err(Conflict::IdTaken);
                }
            }
        }
        Ok(None)
    }

    fn next_place(&mut self, user: i64) -> i64 {
        let place = self.places.entry(user).or_default();
        *place += 1;
        *place
    }

    fn require(&self, user: i64) -> Result<(), Conflict> {
        if self.users.contains(&user) {
            Ok(())
        } else {
            Err(Conflict::Missing)
        }
    }

    fn publish(&mut self, (app, user): (i64, i64), exempt: bool, now: i64) -> Result<Made, Conflict> {
        self.require(user)?;
        if !exempt {
            if let Some(last) = self.windows.get(&(app, user))
                && now - last < TWELVE_HOURS_MS
            {
                return Err(Conflict::WindowClosed {
                    next_allowed: WallMs(last + TWELVE_HOURS_MS),
                });
            }
            self.windows.insert((app, user), now);
        }
        self.next_story += 1;
        let seq = self.next_place(user);
        self.stories.entry(user).or_default().push((seq, app, now));
        let id = crier_proto::ids::StoryId::new(self.next_story).unwrap();
        Ok(Made::Story { id, seq })
    }
}

async fn same(world: &World, model: &Model) {
    for user in 1..4 {
        let read = world.store.stories(uid(user), None, u32::MAX).await.unwrap();
        let held: Vec<_> = read
            .iter()
            .rev()
            .map(|story| (story.seq, story.app.get(), story.published_at.0))
            .collect();
        assert_eq!(held, model.stories.get(&user).cloned().unwrap_or_default());
        assert_eq!(
            world.store.user(uid(user)).await.unwrap().is_some(),
            model.users.contains(&user)
        );
        for app in 1..4 {
            let window = world.store.window(app_id(app), uid(user)).await.unwrap();
            assert_eq!(window.map(|at| at.0), model.windows.get(&(app, user)).copied());
            let granted = world.store.grant(app_id(app), uid(user)).await.unwrap().is_some();
            assert_eq!(granted, model.grants.contains(&(app, user)));
        }
        for digit in 0..2 {
            let session = world.store.session(&key(user, digit)).await.unwrap();
            let held = session.map(|session| (session.id.0, session.app.get()));
            assert_eq!(held, model.sessions.get(&(user, digit)).copied());
        }
    }
}

async fn compare(units: Vec<(i64, Vec<Step>)>) {
    let world = sqlite_in_memory().await;
    let mut model = Model::default();
    let mut now = START_MS;
    for (number, (passed, steps)) in (0u128..).zip(units) {
        now += passed;
        let mut after = model.clone();
        let expected: Result<Vec<_>, _> = steps.iter().map(|step| after.apply(step, now)).collect();
        let writes = steps.iter().map(|step| write(step, now)).collect();
        let batch = Batch {
            id: UnitId(number.to_le_bytes()),
            by: Actor::System,
            now: WallMs(now),
            writes,
        };
        let found = world.store.commit(batch.clone()).await;
        match expected {
            Ok(made) => {
                let made: Vec<Made> = made.into_iter().flatten().collect();
                assert_eq!(found, Ok(made));
                assert_eq!(world.store.commit(batch).await, found, "a repeated unit");
                model = after;
            }
            Err(conflict) => assert_eq!(found, Err(CommitError::Refused(conflict))),
        }
        same(&world, &model).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn units_do_what_the_model_says(
        units in prop::collection::vec(
            (prop_oneof![Just(0), Just(1), Just(TWELVE_HOURS_MS - 1), Just(TWELVE_HOURS_MS)], prop::collection::vec(step(), 1..5)),
            1..16,
        )
    ) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(compare(units));
    }
}
