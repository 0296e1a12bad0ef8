//! The sign before an application's name: its own icon where it has one that is here, or else a letter in a colour.

use super::story::path_of;
use crier_platform::model::app::App;
use crier_proto::ids::AppId;

/// Colours of drawn letters.
const TONES: i64 = 8;

/// An application's sign.
#[derive(Debug, Clone)]
pub(crate) struct AppSign {
    /// Address of its icon, if it has one.
    pub(crate) icon: Option<String>,
    /// The letter that is drawn otherwise.
    pub(crate) letter: String,
    /// The colour of that letter.
    pub(crate) tone: i64,
}

impl AppSign {
    /// The sign of `app` below this base path.
    pub(super) fn of(app: &App, base: &str) -> Self {
        let icon = app.icon_picture.as_ref();
        Self {
            icon: icon.map(|icon| format!("{base}{}", path_of(icon))),
            letter: letter_of(&app.name),
            tone: tone_of(app.id),
        }
    }

    /// The sign of an application whose icon is not shown.
    pub(super) fn drawn(app: Option<&App>) -> Self {
        Self {
            icon: None,
            letter: app.map_or_else(|| "·".to_owned(), |app| letter_of(&app.name)),
            tone: app.map_or(0, |app| tone_of(app.id)),
        }
    }
}

/// The letter drawn for an application without an icon.
fn letter_of(name: &str) -> String {
    let first = name.chars().find(|letter| letter.is_alphanumeric());
    first.map_or_else(
        || "·".to_owned(),
        |letter| letter.to_uppercase().take(1).collect(),
    )
}

/// The colour of that letter: one of eight, always the same for an application.
fn tone_of(app: AppId) -> i64 {
    app.get().rem_euclid(TONES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_the_first_that_can_be_read() {
        for (name, letter) in [
            ("Rochambeau", "R"),
            ("  élan", "É"),
            ("7 wonders", "7"),
            ("***", "·"),
            ("ßtraße", "S"),
        ] {
            assert_eq!(letter_of(name), letter);
        }
    }

    #[test]
    fn a_tone_is_one_of_eight_and_stays() {
        let app = AppId::new(1_234_567).unwrap();
        assert_eq!(tone_of(app), tone_of(app));
        assert!((0..TONES).contains(&tone_of(app)));
    }
}
