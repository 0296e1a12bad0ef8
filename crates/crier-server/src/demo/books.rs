//! Who and what the demo consists of, written through the use cases of the command line.
//!
//! Promise: opened a second time it adds nothing twice. Knows nothing of stories.

use super::DemoError;
use crier_platform::accounts::Accounts;
use crier_platform::accounts::admin::{NewSessionOrder, NewUser, UserChange};
use crier_platform::accounts::apps::NewApp;
use crier_platform::model::app::{App, AppKind, ProfileName};
use crier_platform::model::user::User;
use crier_platform::ports::entropy::{Entropy, random_bytes};
use crier_proto::ids::Uid;
use futures_util::future::try_join_all;
use std::sync::Arc;

/// The game's name and the path of its page.
pub(super) const GAME: &str = "Rochambeau";
/// Path of the game's page, with the slash at its end.
pub(super) const GAME_PATH: &str = "/demo/rochambeau/";

/// Name and, where operating section 6 gives one, uid.
const PEOPLE: [(&str, Option<i64>); 3] = [("ada", Some(1_240_077)), ("bo", Some(563_683_308)), ("cy", None)];

/// Applications that compete with the game: name and canvas name, which is also their page's path.
const OTHERS: [(&str, &str); 5] = [
    ("Orchard", "orchard"),
    ("Night Sky", "night-sky"),
    ("Corner Quiz", "corner-quiz"),
    ("Postcards", "postcards"),
    ("Rainy Day Reads", "rainy-day-reads"),
];

/// A person of the demo and the password that was just set.
pub(super) struct Person {
    pub(super) user: Arc<User>,
    pub(super) password: String,
}

/// The applications.
pub(super) struct Apps {
    pub(super) game: Arc<App>,
    /// Those that this start has added: their stories are still to be told.
    pub(super) added: Vec<Arc<App>>,
}

/// ada, bo and cy, each with a new password.
pub(super) async fn people(accounts: &Accounts, entropy: &dyn Entropy) -> Result<Vec<Person>, DemoError> {
    let made = PEOPLE.map(|(name, uid)| one_person(accounts, name, uid, password(entropy)));
    try_join_all(made).await
}

async fn one_person(
    accounts: &Accounts,
    name: &str,
    uid: Option<i64>,
    password: String,
) -> Result<Person, DemoError> {
    let user = if accounts.find_user(name).await.is_ok() {
        let change = UserChange {
            password: Some(password.clone()),
            ..UserChange::default()
        };
        accounts.set_user(name, change).await?
    } else {
        let new = NewUser {
            name: name.to_owned(),
            uid: uid.and_then(Uid::new),
            password: Some(password.clone()),
            admin: false,
        };
        accounts.add_user(new).await?
    };
    Ok(Person { user, password })
}

/// Three groups of four letters and digits that cannot be mistaken for one another: 60 bits.
fn password(entropy: &dyn Entropy) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut text = String::new();
    for (at, byte) in random_bytes::<12>(entropy).into_iter().enumerate() {
        if at > 0 && at % 4 == 0 {
            text.push('-');
        }
        text.push(char::from(LETTERS[usize::from(byte % 32)]));
    }
    text
}

/// The six applications at this origin, accepted by all three people.
pub(super) async fn apps(accounts: &Accounts, origin: &str) -> Result<Apps, DemoError> {
    let named = [(GAME, "rochambeau")].into_iter().chain(OTHERS);
    let all = try_join_all(named.map(|(name, canvas)| app(accounts, name, canvas, origin))).await?;
    let ids: Vec<String> = all.iter().map(|(app, _)| app.id.to_string()).collect();
    let grants = ids
        .iter()
        .flat_map(|id| PEOPLE.map(|(name, _)| accounts.add_grant(id, name, true)));
    try_join_all(grants).await?;
    Ok(Apps {
        game: Arc::clone(&all[0].0),
        added: all
            .into_iter()
            .filter_map(|(app, added)| added.then_some(app))
            .collect(),
    })
}

/// ada owns the game, cy the others: so ada's game may publish again at once, as an owner may (feed 3.5).
/// True when it was not there yet.
async fn app(
    accounts: &Accounts,
    name: &str,
    canvas: &str,
    origin: &str,
) -> Result<(Arc<App>, bool), DemoError> {
    let callback = format!("{origin}/demo/{canvas}/");
    if accounts.find_app(name).await.is_ok() {
        let settings = [("callback".to_owned(), callback)];
        return Ok((accounts.set_app(name, &settings).await?, false));
    }
    let owner = if name == GAME { "ada" } else { "cy" };
    let new = NewApp {
        name: name.to_owned(),
        owner: owner.to_owned(),
        profile: ProfileName::Documented,
        callback,
        canvas: canvas.to_owned(),
        kind: AppKind::Web,
        allow_ip: String::new(),
        origins: Vec::new(),
        api_key: None,
        secret: None,
    };
    Ok((accounts.add_app(new).await?, true))
}

/// A session of a person for the commands to paste: the key.
pub(super) async fn session(accounts: &Accounts, app: &App, person: &Person) -> Result<String, DemoError> {
    let order = NewSessionOrder {
        app: app.id.to_string(),
        user: person.user.uid.to_string(),
        ttl_secs: None,
        session_key: None,
        session_secret: None,
    };
    Ok(accounts.add_session(order).await?.key.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Rising;

    impl Entropy for Rising {
        fn fill(&self, bytes: &mut [u8]) {
            for (at, byte) in bytes.iter_mut().enumerate() {
                *byte = u8::try_from(at).expect("few bytes");
            }
        }
    }

    #[test]
    fn a_password_is_three_groups_of_four() {
        assert_eq!(password(&Rising), "abcd-efgh-ijkm");
    }
}
