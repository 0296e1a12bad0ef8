//! `crier app …`.

use super::output::{Output, Row};
use super::place::Place;
use super::{Ended, Failure, failed};
use crier_platform::accounts::admin::{NewApp, app_settings};
use crier_platform::model::app::{App as Application, AppKind, ProfileName};

const EXAMPLES: &str = "\
Examples:
  crier app add Rochambeau --owner ada --profile period
  crier app add Chess --owner ada --callback https://chess.example/ --canvas chess --origin https://chess.example
  crier app set Rochambeau calls_per_minute=0 origins=http://127.0.0.1:8000,http://localhost:8000
  crier app set Rochambeau profile=modern
  crier app set Rochambeau receipts=https://game.example/receipts
  crier app rotate-secret Rochambeau --json
  crier app rotate-secret Rochambeau --receipts";

/// Commands on applications. APP is an app_id, an api_key or a name.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum App {
    /// Add an application; prints its api_key and secret
    Add(Box<Add>),
    /// Change settings, all or none: KEY=VALUE…; profile=NAME sets the whole table; lists comma-joined; the first
    /// receipts=URL prints the receipt_secret that signs receipts, once; receipts= turns them off
    Set(Set),
    /// Show an application and its settings
    Show(One),
    /// List all applications
    List(List),
    /// Give it a new secret; the previous one signs for a while too
    RotateSecret(RotateSecret),
    /// Refuse its calls and end its connections and sessions for good
    Disable(One),
    /// Permit its calls again
    Enable(One),
    /// Remove an application for good: its acceptances, sessions, photos and stories in every feed
    Erase(One),
}

/// `app add`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Add {
    /// The name
    name: String,
    /// The person it belongs to: uid or name
    #[arg(long, value_name = "USER")]
    owner: String,
    /// Its compatibility settings
    #[arg(long, value_name = "PROFILE", default_value = "documented", value_parser = ["documented", "period", "modern"])]
    profile: String,
    /// Where people come back to after logging in
    #[arg(long, value_name = "URL", default_value = "")]
    callback: String,
    /// Name of its canvas page: /apps/NAME/
    #[arg(long, value_name = "NAME", default_value = "")]
    canvas: String,
    /// Its secret is in every copy: calls with a session are signed with the session secret
    #[arg(long)]
    desktop: bool,
    /// Addresses its calls may come from: addresses, CIDR blocks, prefixes such as 10.1.2.*, comma-joined
    #[arg(long, value_name = "LIST", default_value = "")]
    allow_ip: String,
    /// Origin whose pages may open live connections; repeatable
    #[arg(long, value_name = "URL")]
    origin: Vec<String>,
    /// A given api_key, for replaying recorded calls
    #[arg(long, value_name = "K")]
    api_key: Option<String>,
    /// A given secret, for replaying recorded calls
    #[arg(long, value_name = "A")]
    secret: Option<String>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: Output,
}

/// `app set`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Set {
    /// app_id, api_key or name
    app: String,
    /// Settings
    #[arg(required = true, value_name = "KEY=VALUE")]
    settings: Vec<String>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: Output,
}

/// Commands on one application.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct One {
    /// app_id, api_key or name
    app: String,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: Output,
}

/// `app rotate-secret`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct RotateSecret {
    /// app_id, api_key or name
    app: String,
    /// The secret that signs its receipts, instead of the one that signs its calls
    #[arg(long)]
    receipts: bool,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: Output,
}

/// `app list`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct List {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: Output,
}

impl App {
    /// Runs the command.
    pub fn run(self) -> Ended {
        match self {
            Self::Add(command) => command.run()?,
            Self::Set(command) => command.run()?,
            Self::Show(One { app, place, output }) => {
                let app = place.with_accounts(async |accounts| accounts.find_app(&app).await)?;
                output.row(&full(&app));
            }
            Self::List(List { place, output }) => {
                let apps = place.with_accounts(async |accounts| accounts.apps().await)?;
                let rows: Vec<Row> = apps.iter().map(|app| full(app)).collect();
                output.rows(&rows, 4);
            }
            Self::RotateSecret(command) => command.run()?,
            Self::Disable(one) => one.enable(false)?,
            Self::Enable(one) => one.enable(true)?,
            Self::Erase(One { app, place, output }) => {
                let app = place.with_accounts(async |accounts| accounts.erase_app(&app).await)?;
                output.row(&vec![
                    ("app_id", app.id.get().into()),
                    ("name", app.name.as_str().into()),
                ]);
            }
        }
        Ok(0)
    }
}

impl Add {
    fn run(self) -> Result<(), Failure> {
        let new = NewApp {
            name: self.name,
            owner: self.owner,
            profile: match self.profile.as_str() {
                "period" => ProfileName::Period,
                "modern" => ProfileName::Modern,
                _ => ProfileName::Documented,
            },
            callback: self.callback,
            canvas: self.canvas,
            kind: if self.desktop {
                AppKind::Desktop
            } else {
                AppKind::Web
            },
            allow_ip: self.allow_ip,
            origins: self.origin,
            api_key: self.api_key,
            secret: self.secret,
        };
        let app = self
            .place
            .with_accounts(async |accounts| accounts.add_app(new).await)?;
        let mut row = keys(&app);
        row.insert(2, ("secret", app.secret.expose().into()));
        row.push(("profile", self.profile.into()));
        self.output.row(&row);
        Ok(())
    }
}

impl RotateSecret {
    fn run(self) -> Result<(), Failure> {
        let Self { app, place, .. } = self;
        let (name, rotated) = if self.receipts {
            let rotated = place.with_accounts(async |accounts| accounts.rotate_receipt_secret(&app).await);
            ("receipt_secret", rotated)
        } else {
            let rotated = place.with_accounts(async |accounts| accounts.rotate_secret(&app).await);
            ("secret", rotated)
        };
        let (secret, until) = rotated?;
        self.output.row(&vec![
            (name, secret.expose().into()),
            ("previous_valid_until", until.secs().into()),
        ]);
        Ok(())
    }
}

impl Set {
    fn run(self) -> Result<(), Failure> {
        let pair = |text: &String| {
            text.split_once('=')
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .ok_or_else(|| failed(format!("{text}: write KEY=VALUE, as in calls_per_minute=600")))
        };
        let settings = self.settings.iter().map(pair).collect::<Result<Vec<_>, _>>()?;
        let name = self.app;
        let changed = self
            .place
            .with_accounts(async |accounts| accounts.change_app(&name, &settings).await)?;
        let mut row = full(&changed.app);
        if let Some(secret) = changed.receipt_secret {
            row.push(("receipt_secret", secret.expose().into()));
        }
        self.output.row(&row);
        Ok(())
    }
}

impl One {
    fn enable(self, enabled: bool) -> Result<(), Failure> {
        let name = self.app;
        let app = self
            .place
            .with_accounts(async |accounts| accounts.enable_app(&name, enabled).await)?;
        let mut row = keys(&app);
        row.push(("enabled", app.enabled.into()));
        self.output.row(&row);
        Ok(())
    }
}

fn keys(app: &Application) -> Row {
    vec![
        ("app_id", app.id.get().into()),
        ("api_key", app.api_key.as_str().into()),
        ("name", app.name.as_str().into()),
    ]
}

/// Everything that may be shown of an application; its secrets may not. A receiver that answered 410 to receipts is named.
fn full(app: &Application) -> Row {
    let settings = app_settings(app);
    let value = |(key, value): (&'static str, String)| match key {
        "calls_per_minute" => (key, app.calls_per_minute.into()),
        _ => (key, value.into()),
    };
    let ended = app.receipts.ended.iter().flat_map(|ended| {
        [
            ("receipts_refused_by", ended.address.as_str().into()),
            ("receipts_refused_at", ended.at.secs().into()),
        ]
    });
    keys(app)
        .into_iter()
        .chain(settings.into_iter().map(value))
        .chain(ended)
        .collect()
}
