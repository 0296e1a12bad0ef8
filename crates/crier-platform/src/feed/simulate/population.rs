//! Who there is in a simulation: classes of people and of applications, as a population file writes them (feed 9.2).
//!
//! Promise: a population that passes [`Population::check`] can be simulated within bounds; a refusal names the table, the entry
//! and the key. Knows no file format.

use serde::{Deserialize, Serialize};

/// People times applications of one simulation: what it remembers grows with them.
pub const PAIRS_MAX: u64 = 5_000_000;
/// Applications of one simulation.
const APPS_MAX: u64 = 10_000;
/// Stories of one application per million user-days: a thousand a day for everybody.
const STORIES_MAX: u64 = 1_000_000_000;
/// Views of one person a day.
const VIEWS_MAX: u32 = 1_000;

/// A population.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Population {
    /// The twelve hours, or none.
    #[serde(default)]
    pub window: Window,
    /// Classes of people.
    pub users: Vec<UserClass>,
    /// Classes of applications.
    pub apps: Vec<AppClass>,
}

/// Whether an application may publish to one person twice in twelve hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Window {
    /// It may not, as in the product.
    #[default]
    #[serde(rename = "12h")]
    TwelveHours,
    /// It may.
    #[serde(rename = "off")]
    Off,
}

/// People who are alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserClass {
    /// How many.
    pub count: u32,
    /// Views of each a day.
    pub views_per_day: u32,
    /// The hour of the day in which they wake, and the one before which they sleep; 0 to 24.
    pub awake: [u32; 2],
    /// Chances per million to click a story at slot 1, 2…; the last one stands for all further slots.
    pub click: Vec<u32>,
    /// To hide it.
    pub hide: Vec<u32>,
    /// To report it.
    pub report: Vec<u32>,
    /// To thumb it up.
    pub thumb: Vec<u32>,
}

/// Applications that are alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppClass {
    /// What each is called; several of a class get a number behind it.
    pub name: String,
    /// How many.
    #[serde(default = "one")]
    pub count: u32,
    /// Stories tried per million user-days: 1,000,000 is one a day for everybody.
    pub stories: u64,
    /// Stories with a body, per mille.
    pub body: u32,
    /// Stories with pictures, per mille; those have one to four.
    pub pictures: u32,
    /// The priority that it gives; absent: none.
    #[serde(default)]
    pub priority: Option<u8>,
    /// What people's chances to click and to thumb are multiplied with, per mille.
    pub attraction: u32,
    /// What their chances to hide and to report are multiplied with, per mille.
    pub annoyance: u32,
    /// The day of its first stories, from 0.
    #[serde(default)]
    pub first_day: u32,
}

const fn one() -> u32 {
    1
}

impl UserClass {
    /// Hours a day in which they may view.
    #[must_use]
    pub const fn awake_hours(&self) -> u32 {
        self.awake[1].saturating_sub(self.awake[0])
    }

    /// Whether they are awake in this hour of the day.
    #[must_use]
    pub const fn is_awake(&self, hour_of_day: u32) -> bool {
        hour_of_day >= self.awake[0] && hour_of_day < self.awake[1]
    }
}

/// A place in a population and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// `users` or `apps`.
    pub table: &'static str,
    /// Which entry, from 0.
    pub entry: usize,
    /// Its key.
    pub key: &'static str,
    /// What is wrong.
    pub why: String,
}

impl Population {
    /// Applications, all classes together.
    #[must_use]
    pub fn apps(&self) -> usize {
        self.apps
            .iter()
            .map(|class| usize::try_from(class.count).unwrap_or(usize::MAX))
            .sum()
    }

    /// People, all classes together.
    #[must_use]
    pub fn people(&self) -> u64 {
        self.users.iter().map(|class| u64::from(class.count)).sum()
    }

    /// The class of an application by its place.
    #[must_use]
    pub fn class_of(&self, app: usize) -> Option<&AppClass> {
        let mut left = app;
        self.apps.iter().find(|class| {
            let count = usize::try_from(class.count).unwrap_or(usize::MAX);
            let is_this = left < count;
            left = left.saturating_sub(count);
            is_this
        })
    }

    /// The applications' names in the order of their places.
    #[must_use]
    pub fn app_names(&self) -> Vec<String> {
        let of_class = |class: &AppClass| {
            let name = class.name.clone();
            let several = class.count > 1;
            (1..=class.count).map(move |number| {
                if several {
                    format!("{name} {number}")
                } else {
                    name.clone()
                }
            })
        };
        self.apps.iter().flat_map(of_class).collect()
    }

    /// What no single value's type can say.
    ///
    /// # Errors
    /// The first value that cannot be simulated.
    pub fn check(&self) -> Result<(), Wrong> {
        for (entry, class) in self.users.iter().enumerate() {
            class.check(entry)?;
        }
        for (entry, class) in self.apps.iter().enumerate() {
            class.check(entry)?;
        }
        let apps: u64 = self.apps.iter().map(|class| u64::from(class.count)).sum();
        let wrong = |table, why: String| Wrong {
            table,
            entry: 0,
            key: "count",
            why,
        };
        if self.people() == 0 {
            return Err(wrong("users", "there must be somebody".to_owned()));
        }
        if apps == 0 || apps > APPS_MAX {
            return Err(wrong(
                "apps",
                format!("applications must be 1 to {APPS_MAX} all together, not {apps}"),
            ));
        }
        if self.people().saturating_mul(apps) > PAIRS_MAX {
            let why = format!("people times applications must be at most {PAIRS_MAX}");
            return Err(wrong("users", why));
        }
        Ok(())
    }
}

impl UserClass {
    fn check(&self, entry: usize) -> Result<(), Wrong> {
        let refuse = |wrong: bool, key, why: &str| refuse(wrong, ("users", entry, key), why);
        refuse(
            self.views_per_day > VIEWS_MAX,
            "views_per_day",
            &format!("must be at most {VIEWS_MAX}"),
        )?;
        let is_day = self.awake[0] < self.awake[1] && self.awake[1] <= DAY_HOURS;
        refuse(
            !is_day,
            "awake",
            "must be two hours from 0 to 24, the first before the second",
        )?;
        for (key, chances) in [
            ("click", &self.click),
            ("hide", &self.hide),
            ("report", &self.report),
            ("thumb", &self.thumb),
        ] {
            let fits = !chances.is_empty() && chances.iter().all(|chance| *chance <= 1_000_000);
            refuse(!fits, key, "must be chances from 0 to 1000000, at least one")?;
        }
        Ok(())
    }
}

const DAY_HOURS: u32 = super::DAY_HOURS;

impl AppClass {
    fn check(&self, entry: usize) -> Result<(), Wrong> {
        let refuse = |wrong: bool, key, why: &str| refuse(wrong, ("apps", entry, key), why);
        refuse(self.name.trim().is_empty(), "name", "must not be empty")?;
        refuse(
            self.stories > STORIES_MAX,
            "stories",
            &format!("must be at most {STORIES_MAX}"),
        )?;
        refuse(self.body > 1_000, "body", "must be at most 1000 per mille")?;
        refuse(
            self.pictures > 1_000,
            "pictures",
            "must be at most 1000 per mille",
        )?;
        refuse(
            self.priority.is_some_and(|priority| priority > 100),
            "priority",
            "must be from 0 to 100",
        )?;
        refuse(
            self.attraction > 1_000_000,
            "attraction",
            "must be at most 1000000 per mille",
        )?;
        refuse(
            self.annoyance > 1_000_000,
            "annoyance",
            "must be at most 1000000 per mille",
        )
    }
}

fn refuse(wrong: bool, place: (&'static str, usize, &'static str), why: &str) -> Result<(), Wrong> {
    let (table, entry, key) = place;
    if wrong {
        Err(Wrong {
            table,
            entry,
            key,
            why: why.to_owned(),
        })
    } else {
        Ok(())
    }
}
