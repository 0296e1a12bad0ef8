//! `crier session …`: an application's right to act for a person.

use super::output::Output;
use super::place::Place;
use super::{Ended, Failure, failed};
use crier_platform::accounts::admin::NewSessionOrder;
use crier_platform::model::quantity::Span;

const EXAMPLES: &str = "\
Examples:
  crier session add --app Rochambeau --user ada --json
  crier session add --app Rochambeau --user ada --ttl never
  crier session remove SESSION_KEY";

/// Commands on sessions.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum Session {
    /// Open a session; the person need not have accepted the application
    Add(Add),
    /// End a session
    Remove(Remove),
}

/// `session add`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Add {
    /// Application: app_id, api_key or name
    #[arg(long, value_name = "APP")]
    app: String,
    /// Person: uid or name
    #[arg(long, value_name = "USER")]
    user: String,
    /// How long it lasts: a span such as 90m, 24h or 7d, or never
    #[arg(long, value_name = "SPAN", default_value = "24h")]
    ttl: String,
    /// A given session key, for replaying recorded calls
    #[arg(long, value_name = "SK")]
    session_key: Option<String>,
    /// A given session secret, for replaying recorded calls
    #[arg(long, value_name = "S")]
    session_secret: Option<String>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: Output,
}

/// `session remove`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Remove {
    /// The session's key
    session_key: String,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: Output,
}

impl Session {
    /// Runs the command.
    pub fn run(self) -> Ended {
        match self {
            Self::Add(command) => command.run(),
            Self::Remove(command) => {
                let key = command.session_key;
                command
                    .place
                    .with_accounts(async |accounts| accounts.remove_session(&key).await)?;
                command.output.row(&vec![("session_key", key.as_str().into())]);
                Ok(0)
            }
        }
    }
}

impl Add {
    fn run(self) -> Ended {
        let order = NewSessionOrder {
            app: self.app,
            user: self.user,
            ttl_secs: ttl_secs(&self.ttl)?,
            session_key: self.session_key,
            session_secret: self.session_secret,
        };
        let session = self
            .place
            .with_accounts(async |accounts| accounts.add_session(order).await)?;
        self.output.row(&vec![
            ("session_key", session.key.as_str().into()),
            ("secret", session.secret.expose().into()),
            ("uid", session.user.get().into()),
            ("expires", session.expires.unwrap_or(0).into()),
        ]);
        Ok(0)
    }
}

/// Seconds of a span, at least one; nothing for `never`.
fn ttl_secs(text: &str) -> Result<Option<i64>, Failure> {
    if text == "never" {
        return Ok(None);
    }
    let secs = text.parse::<Span>().ok().map(|span| span.0 / 1000);
    match secs.and_then(|secs| i64::try_from(secs).ok()) {
        Some(secs) if secs > 0 => Ok(Some(secs)),
        _ => Err(failed(format!(
            "--ttl {text}: expected a span such as 90m, 24h or 7d, or never"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_whole_seconds_and_never_is_no_span() {
        assert_eq!(ttl_secs("24h"), Ok(Some(86_400)));
        assert_eq!(ttl_secs("1500ms"), Ok(Some(1)));
        assert_eq!(ttl_secs("never"), Ok(None));
        for bad in ["0s", "5", "soon", "", "999ms"] {
            assert!(ttl_secs(bad).is_err(), "{bad}");
        }
    }
}
