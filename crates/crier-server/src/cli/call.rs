//! `crier call`: sign, send, print the body.

use super::output::{complain, say_bytes};
use super::{Ended, Failure, failed};
use crate::adapters::clock::SystemClock;
use crate::client::{Client, ClientError, Keys, Order, SigVersion};
use crate::config;
use http::StatusCode;
use std::path::PathBuf;
use std::sync::Arc;

/// Status when the answer is an error document.
const ERROR_DOCUMENT: u8 = 3;
/// Status when nothing answered.
const NOTHING_ANSWERED: u8 = 4;

const EXAMPLES: &str = "\
Examples:
  crier call users.getLoggedInUser --api-key K --secret S --session-key SK --format json
  crier call liveMessage.send recipient=563683308 event_name=rochambeau message=rock --as demo
  crier call liveMessage.send recipient=563683308 event_name=rochambeau message=rock wait=acked outcome=1 --as demo
  crier call liveMessage.send recipient=563683308 event_name=chat message=@@bo --as demo
  crier call photos.upload picture=@rock.png --as demo
  crier call liveMessage.status id=ID --as demo
  crier call liveMessage.cancel id=ID --as demo
  crier call feed.publishStoryToUser 'title=<a href=\"http://chess.example/\">ada won</a>' --as demo --sig 1

As with curl, @ begins a file: message=@@bo sends the value @bo, picture=@rock.png what is in rock.png.

Exit status: 0 success, 3 the answer is an error document, 4 nothing answered.
A profile is a section of ~/.config/crier/profiles.toml (or --profiles FILE): [demo] with url, api_key, secret, session_key.";

/// Where a caller's keys come from.
#[derive(Debug, Clone, clap::Args)]
pub struct KeyArgs {
    /// The application's key
    #[arg(long, value_name = "K")]
    api_key: Option<String>,
    /// The secret that signs: the application's, or the session's with ss=1 and for desktop applications
    #[arg(long, value_name = "S")]
    secret: Option<String>,
    /// The session, for methods that need one
    #[arg(long, value_name = "SK")]
    session_key: Option<String>,
    /// Address of the server [default: http://127.0.0.1:8420]
    #[arg(long, value_name = "U")]
    url: Option<String>,
    /// Take the keys that are not given from this profile
    #[arg(long = "as", value_name = "PROFILE")]
    profile: Option<String>,
    /// File of profiles [default: ~/.config/crier/profiles.toml]
    #[arg(long, value_name = "FILE")]
    profiles: Option<PathBuf>,
}

impl KeyArgs {
    /// The client with these keys.
    ///
    /// # Errors
    /// One sentence naming what is missing.
    pub fn client(self, version: SigVersion) -> Result<Client, Failure> {
        let given = Keys {
            url: self.url,
            api_key: self.api_key,
            secret: self.secret,
            session_key: self.session_key,
        };
        let keys = match self.profile {
            None => given,
            Some(name) => {
                let file = self.profiles.or_else(config::profiles_file);
                let file = file.ok_or_else(|| failed("name the file of profiles with --profiles"))?;
                given.or(Keys::of_profile(&file, &name).map_err(failed)?)
            }
        };
        Client::new(keys, version, Arc::new(SystemClock::start())).map_err(failed)
    }
}

/// `call`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Call {
    /// The method, such as liveMessage.send
    method: String,
    /// Parameters; NAME=@FILE sends a file part, NAME=@@TEXT the value @TEXT
    #[arg(value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    #[command(flatten)]
    keys: KeyArgs,
    /// Format of the answer [default: xml]
    #[arg(long, value_parser = ["xml", "json"])]
    format: Option<String>,
    /// Signature: 1 is MD5, 2 is HMAC-SHA-256
    #[arg(long, value_name = "VERSION", default_value = "2", value_parser = ["1", "2"])]
    sig: String,
}

impl Call {
    /// Runs the command.
    pub fn run(self) -> Ended {
        let version = if self.sig == "1" {
            SigVersion::One
        } else {
            SigVersion::Two
        };
        let order = order(self.method, &self.parameters, self.format)?;
        let client = self.keys.client(version)?;
        super::block_on(async {
            let answer = match client.call(&order).await {
                Ok(answer) => answer,
                Err(ClientError::Silent(why)) => {
                    complain(&format!("crier: {why}"));
                    return Ok(NOTHING_ANSWERED);
                }
                Err(ClientError::Asked(why)) => return Err(failed(why)),
            };
            if !answer.is_error() && !answer.is_answer() {
                // Somebody's page, which nobody asked for: it is not printed.
                let says = match answer.status {
                    StatusCode::SERVICE_UNAVAILABLE => "takes no calls just now, try again",
                    _ => "is no REST door",
                };
                let (url, status) = (client.url(), answer.status);
                complain(&format!("crier: {url} {says}: HTTP {status}"));
                return Ok(NOTHING_ANSWERED);
            }
            say_bytes(&answer.body);
            if !answer.body.ends_with(b"\n") {
                say_bytes(b"\n");
            }
            Ok(if answer.is_error() { ERROR_DOCUMENT } else { 0 })
        })
    }
}

fn order(method: String, parameters: &[String], format: Option<String>) -> Result<Order, Failure> {
    let mut order = Order {
        method,
        ..Order::default()
    };
    for text in parameters {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| failed(format!("{text}: write NAME=VALUE, or NAME=@FILE for a file part")))?;
        match value.strip_prefix('@') {
            // The way to a value that begins with the sign itself.
            Some(text) if text.starts_with('@') => order.parameters.push((name.to_owned(), text.to_owned())),
            Some(_) if order.file.is_some() => return Err(failed("a call carries one file part")),
            Some(path) => {
                let bytes = std::fs::read(path).map_err(|why| {
                    failed(format!(
                        "cannot read {path} ({why}); to send the value @{path} write {name}=@@{path}"
                    ))
                })?;
                order.file = Some(bytes);
            }
            None => order.parameters.push((name.to_owned(), value.to_owned())),
        }
    }
    if let Some(format) = format {
        order.parameters.push(("format".into(), format));
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_split_at_their_first_equals_sign() {
        let order = order("m".into(), &["a=b=c".into(), "e=".into()], Some("json".into())).unwrap();
        let expected = [("a", "b=c"), ("e", ""), ("format", "json")];
        let found: Vec<_> = order
            .parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_second_at_sign_makes_a_value_of_what_would_be_a_file() {
        let order = order(
            "m".into(),
            &["a=@@ada".into(), "b=@@".into(), "c=x@@".into()],
            None,
        )
        .unwrap();
        let values: Vec<_> = order.parameters.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["@ada", "@", "x@@"]);
        assert!(order.file.is_none());
    }

    #[test]
    fn a_parameter_without_a_value_and_a_file_that_is_not_there_are_refused() {
        assert!(order("m".into(), &["a".into()], None).is_err());
        let refusal = order("m".into(), &["a=@/nowhere/at/all".into()], None).unwrap_err();
        assert!(
            refusal.sentence.starts_with("cannot read /nowhere/at/all ("),
            "{}",
            refusal.sentence
        );
        let way_out = "; to send the value @/nowhere/at/all write a=@@/nowhere/at/all";
        assert!(refusal.sentence.ends_with(way_out), "{}", refusal.sentence);
    }
}
