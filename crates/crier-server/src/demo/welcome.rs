//! What the demo shows on the terminal: where to look, whom to be, and three commands to paste.
//!
//! Promise: the commands work as printed, from where the user stands: the profile they name is written before they are shown.

use super::books::{GAME_PATH, Person};
use super::{DemoError, Stage};
use crate::client::Keys;
use std::path::PathBuf;

/// The file of profiles in the data folder.
const PROFILES: &str = "profiles.toml";

/// All that is printed.
#[derive(Debug, Clone)]
pub struct Welcome {
    /// The public address.
    pub url: String,
    /// Address of the game's page.
    pub game: String,
    /// Name, uid, password and one-time login address of each person.
    pub people: Vec<PersonShown>,
    /// The application's key.
    pub api_key: String,
    /// The application's secret.
    pub secret: String,
    /// What each command does, and the command.
    pub commands: Vec<(String, String)>,
}

/// A person as the terminal shows them.
#[derive(Debug, Clone)]
pub struct PersonShown {
    /// The name.
    pub name: String,
    /// The uid.
    pub uid: String,
    /// The password.
    pub password: String,
    /// The address that logs in once; for ada and bo.
    pub link: Option<String>,
}

/// Makes the links and writes the profile.
pub(super) async fn welcome(
    stage: &Stage<'_>,
    people: &[Person],
    keys: &Keys,
    origin: String,
) -> Result<Welcome, DemoError> {
    let url = stage.state.public_url.url.clone();
    let mut shown = Vec::new();
    for (at, person) in people.iter().enumerate() {
        let link = if at < 2 {
            let token = stage.state.accounts.add_login_link(&person.user.name).await?;
            Some(format!("{url}/login/once?token={}", token.expose()))
        } else {
            None
        };
        shown.push(PersonShown {
            name: person.user.name.clone(),
            uid: person.user.uid.to_string(),
            password: person.password.clone(),
            link,
        });
    }
    let api_key = keys.api_key.clone().unwrap_or_default();
    let secret = keys.secret.clone().unwrap_or_default();
    let file = write_profile(stage, keys)?;
    let with = format!("--as demo --profiles {}", quoted(&file.display().to_string()));
    let command = stage.command;
    let bo = &shown[1].uid;
    let commands = vec![
        (
            "send a live message from ada: it shows up in bo's open game".to_owned(),
            format!(
                "{command} call liveMessage.send recipient={bo} event_name=rochambeau 'message={{\"say\":\"Let us start a game.\"}}' {with}"
            ),
        ),
        (
            "publish a story into ada's feed".to_owned(),
            format!(
                "{command} call feed.publishStoryToUser 'title=ada threw <a href=\"{origin}{GAME_PATH}\">rock</a> from a terminal' 'body=<b>It works.</b>' {with}"
            ),
        ),
        (
            "listen as ada: each message is one JSON line".to_owned(),
            format!("{command} listen rochambeau --origin {origin} {with}"),
        ),
    ];
    Ok(Welcome {
        game: format!("{origin}{GAME_PATH}"),
        url,
        people: shown,
        api_key,
        secret,
        commands,
    })
}

fn write_profile(stage: &Stage<'_>, keys: &Keys) -> Result<PathBuf, DemoError> {
    let folder = std::fs::canonicalize(stage.folder).unwrap_or_else(|_| stage.folder.to_owned());
    let file = folder.join(PROFILES);
    let mut text = "[demo]\n".to_owned();
    for (name, value) in [
        ("url", &keys.url),
        ("api_key", &keys.api_key),
        ("secret", &keys.secret),
        ("session_key", &keys.session_key),
    ] {
        let value = toml::Value::String(value.clone().unwrap_or_default());
        text.push_str(&format!("{name} = {value}\n"));
    }
    match std::fs::write(&file, text) {
        Ok(()) => Ok(file),
        Err(why) => Err(DemoError::Profile(file.display().to_string(), why)),
    }
}

/// A word that a POSIX shell takes as it is, or the same word in quotes.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+:@%,".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

impl Welcome {
    /// The text for the terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = vec![String::new(), format!("  Feed and settings   {}", self.url)];
        lines.push(format!("  The game            {}", self.game));
        lines.push(String::new());
        lines.push("  Log in once, each in a window of its own (the second one private), then open the game in both:".to_owned());
        for person in &self.people {
            if let Some(link) = &person.link {
                lines.push(format!("    {:<4} {link}", person.name));
            }
        }
        lines.push(String::new());
        for person in &self.people {
            let PersonShown {
                name, uid, password, ..
            } = person;
            lines.push(format!("  {name:<4} uid {uid:<20} password {password}"));
        }
        lines.push(String::new());
        lines.push(format!("  api_key  {}", self.api_key));
        lines.push(format!("  secret   {}", self.secret));
        for (what, command) in &self.commands {
            lines.push(format!("\n  # {what}\n  {command}"));
        }
        lines.push("\n  Ctrl-C ends the demo.\n".to_owned());
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_every_person_the_keys_and_each_command_on_a_line_of_its_own() {
        let person = |name: &str, link: Option<&str>| PersonShown {
            name: name.into(),
            uid: "1240077".into(),
            password: "abcd-efgh-ijkm".into(),
            link: link.map(str::to_owned),
        };
        let welcome = Welcome {
            url: "http://127.0.0.1:8420".into(),
            game: "http://localhost:8422/demo/rochambeau/".into(),
            people: vec![
                person("ada", Some("http://127.0.0.1:8420/login/once?token=t")),
                person("cy", None),
            ],
            api_key: "K".into(),
            secret: "S".into(),
            commands: vec![("try".into(), "crier call x".into())],
        };
        let text = welcome.text();
        for line in [
            "    ada  http://127.0.0.1:8420/login/once?token=t",
            "  cy   uid 1240077              password abcd-efgh-ijkm",
            "  api_key  K",
            "  secret   S",
            "  # try",
            "  crier call x",
        ] {
            assert!(text.lines().any(|one| one == line), "{line:?} in {text}");
        }
    }

    #[test]
    fn a_folder_with_a_blank_or_a_quote_is_quoted_for_the_shell() {
        assert_eq!(
            quoted("/srv/crier-demo.1/profiles.toml"),
            "/srv/crier-demo.1/profiles.toml"
        );
        assert_eq!(quoted("/srv/a b/it's"), "'/srv/a b/it'\\''s'");
    }
}
