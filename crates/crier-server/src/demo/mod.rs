//! The demo: people, six applications, their stories, and a game that two browser windows play (operating section 6).
//!
//! Promise: what it shows is done by the doors that every application has. It fills its data through the use cases and the
//! dispatcher, and its game is an ordinary application on an origin of its own: a signing client behind, `/live.js` in front.
//! Opened again on the same data folder it adds what is missing and renews passwords and links.

mod books;
mod config;
mod host;
mod painting;
mod rochambeau;
mod stories;
mod welcome;

pub use config::DemoConfig;
pub use welcome::{Welcome, quoted};

use crate::client::{Client, ClientError, Keys, SigVersion};
use crate::lifecycle::Stop;
use crate::state::AppState;
use crier_platform::accounts::AccountError;
use crier_platform::model::quantity::Span;
use crier_platform::ports::entropy::Entropy;
use std::path::Path;
use tokio::net::TcpListener;

/// Where the game is looked for first; a free port is taken when somebody else has this one.
const GAME_PORT: u16 = 8422;

/// Why the demo could not be made: one sentence.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The game has no listener.
    #[error("cannot listen for the game on 127.0.0.1 ({0}): free a port and start again")]
    Listen(std::io::Error),
    /// A row could not be written.
    #[error("the demo's people and applications could not be written: {0}")]
    Accounts(#[from] AccountError),
    /// A story was refused.
    #[error("the demo's story was refused: {0}")]
    Story(String),
    /// The keys do not make a caller.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The profile for pasted commands could not be written.
    #[error("cannot write {0} ({1}): choose another folder with --data")]
    Profile(String, std::io::Error),
}

/// The listener of the game's origin, which also serves the pictures of the demo's stories. It is bound before the server is built,
/// because the server may dial exactly this address of its own machine and no other.
///
/// # Errors
/// When no port of the loopback address is free.
pub async fn listen() -> Result<TcpListener, DemoError> {
    match TcpListener::bind(("127.0.0.1", GAME_PORT)).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(DemoError::Listen),
    }
}

/// What the demo needs of the command that starts it.
pub struct Stage<'a> {
    /// The use cases of a server that is built; its listener may already be bound.
    pub state: &'a AppState,
    /// What the game's listener takes in: section `demo`, and `server.head_deadline`.
    pub bounds: (&'a DemoConfig, Span),
    /// The data folder, for the file of profiles.
    pub folder: &'a Path,
    /// For passwords.
    pub entropy: &'a dyn Entropy,
    /// Ends the game's listener.
    pub stop: &'a Stop,
    /// How the user starts this binary, as it can be pasted: `cargo run --release --` or a path.
    pub command: &'a str,
    /// Is told one line for each step.
    pub progress: &'a (dyn Fn(&str) + Sync),
}

/// Fills the data, opens the game on a listener of its own and says what to print.
///
/// # Errors
/// One sentence that says what went wrong.
pub async fn open(stage: &Stage<'_>, listener: TcpListener) -> Result<Welcome, DemoError> {
    let state = stage.state;
    let address = listener.local_addr().map_err(DemoError::Listen)?;
    let port = address.port();
    // Another host name than the server's, so that the browser treats the two as the strangers they are.
    let origin = format!("http://localhost:{port}");
    (stage.progress)("people: ada, bo, cy");
    let people = books::people(&state.accounts, stage.entropy).await?;
    (stage.progress)("applications: Rochambeau and five that compete with it for the feed");
    let apps = books::apps(&state.accounts, &origin).await?;
    (stage.progress)("stories: one of each application for each person, two of them with pictures");
    stories::publish(
        state,
        (&apps, &people),
        &format!("http://{address}/demo/pictures"),
    )
    .await?;
    let keys = Keys {
        url: Some(state.public_url.url.clone()),
        api_key: Some(apps.game.api_key.to_string()),
        secret: Some(apps.game.secret.expose().to_owned()),
        session_key: None,
    };
    let (bounds, head_deadline) = stage.bounds;
    let game = rochambeau::router(rochambeau::Game {
        public_url: state.public_url.url.clone(),
        origin: origin.clone(),
        keys: keys.clone(),
        clock: state.clock.clone(),
        players: people
            .iter()
            .map(|person| (person.user.uid, person.user.name.clone()))
            .collect(),
        sessions: tokio::sync::Mutex::default(),
        sessions_max: bounds.sessions_max,
        metrics: state.metrics.clone(),
    });
    // Made once to find out here, and not at the first visit, that these keys make no caller.
    Client::new(keys.clone(), SigVersion::Two, state.clock.clone())?;
    let host = host::Host {
        router: game,
        connections_max: bounds.connections_max,
        head_deadline,
        metrics: state.metrics.clone(),
        tasks: state.tasks.clone(),
        stop: stage.stop.clone(),
    };
    state.tasks.spawn(host.serve(listener));
    let session_key = books::session(&state.accounts, &apps.game, &people[0]).await?;
    let keys = Keys {
        session_key: Some(session_key),
        ..keys
    };
    welcome::welcome(stage, &people, &keys, origin).await
}
