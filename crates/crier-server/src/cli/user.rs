//! `crier user …`.

use super::output::{Output, Row, say};
use super::place::Place;
use super::{Ended, Failure, failed};
use crier_platform::accounts::admin::{NewUser, UserChange};
use crier_platform::model::user::User as Person;
use std::io::BufRead;

const EXAMPLES: &str = "\
Examples:
  crier user add ada
  echo 'a long password' | crier user add ada --password-stdin --admin
  crier user set ada --disable
  crier user login-link ada
  crier user list --json";

/// Commands on people. USER is a uid or a name.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum User {
    /// Add a person
    Add(Add),
    /// Change a person
    Set(Set),
    /// List everybody
    List(List),
    /// Show a person
    Show(One),
    /// Make a link that logs a person in once
    LoginLink(One),
    /// End all logins and sessions of a person; they may log in again
    EndAccess(One),
    /// Remove a person and everything held on them
    Erase(One),
    /// Write everything held on a person, one JSON object a line
    Export(One),
}

/// `user add`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Add {
    /// The name
    name: String,
    /// Their number [default: a random one]
    #[arg(long, value_name = "N")]
    uid: Option<String>,
    /// Read the password from standard input (one line)
    #[arg(long)]
    password_stdin: bool,
    /// They may administer the server
    #[arg(long)]
    admin: bool,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: Output,
}

/// `user set`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Set {
    /// Uid or name
    user: String,
    /// Read a new password from standard input (one line)
    #[arg(long)]
    password_stdin: bool,
    /// End their logins and sessions and permit no new ones
    #[arg(long, conflicts_with = "enable")]
    disable: bool,
    /// Permit logins and sessions again
    #[arg(long)]
    enable: bool,
    /// They may administer the server
    #[arg(long, conflicts_with = "no_admin")]
    admin: bool,
    /// They may not administer the server
    #[arg(long)]
    no_admin: bool,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: Output,
}

/// `user list`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct List {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: Output,
}

/// Commands on one person.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct One {
    /// Uid or name
    user: String,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: Output,
}

impl User {
    /// Runs the command.
    pub fn run(self) -> Ended {
        match self {
            Self::Add(command) => command.run()?,
            Self::Set(command) => command.run()?,
            Self::List(command) => {
                let users = command
                    .place
                    .with_accounts(async |accounts| accounts.users().await)?;
                let rows: Vec<Row> = users.iter().map(|user| full(user)).collect();
                command.output.rows(&rows, 2);
            }
            Self::Show(One { user, place, output }) => {
                let user = place.with_accounts(async |accounts| accounts.find_user(&user).await)?;
                output.row(&full(&user));
            }
            Self::LoginLink(One { user, place, output }) => {
                let (address, user) = place.with_state(async |state| {
                    let user = state.accounts.find_user(&user).await?;
                    let token = state.accounts.add_login_link(&user.uid.to_string()).await?;
                    Ok((state.public_url.login_link(&token), user))
                })?;
                let mut row = short(&user);
                row.push(("login_link", address.into()));
                output.row(&row);
            }
            Self::EndAccess(One { user, place, output }) => {
                let user = place.with_accounts(async |accounts| accounts.end_access(&user).await)?;
                output.row(&short(&user));
            }
            Self::Erase(One { user, place, output }) => {
                let user = place.with_accounts(async |accounts| accounts.erase_user(&user).await)?;
                output.row(&short(&user));
            }
            Self::Export(One { user, place, .. }) => {
                let mut write = |line: String| say(&line);
                place.with_state(async |state| {
                    let accounts = state.accounts;
                    accounts.export_user(&user, &state.feed, &mut write).await
                })?;
            }
        }
        Ok(0)
    }
}

impl Add {
    fn run(self) -> Result<(), Failure> {
        let number = |text: &String| {
            let wanted = "write a whole number from 1 to 9223372036854775807";
            text.parse()
                .map_err(|_| failed(format!("{text} is no uid: {wanted}")))
        };
        let new = NewUser {
            name: self.name,
            uid: self.uid.as_ref().map(number).transpose()?,
            password: password(self.password_stdin)?,
            admin: self.admin,
        };
        let user = self
            .place
            .with_accounts_or_new(async |accounts| accounts.add_user(new).await)?;
        self.output.row(&short(&user));
        Ok(())
    }
}

impl Set {
    fn run(self) -> Result<(), Failure> {
        let switch = |on: bool, off: bool| (on || off).then_some(on);
        let change = UserChange {
            password: password(self.password_stdin)?,
            enabled: switch(self.enable, self.disable),
            admin: switch(self.admin, self.no_admin),
            time_zone: None,
        };
        let name = self.user;
        let user = self
            .place
            .with_accounts(async |accounts| accounts.set_user(&name, change).await)?;
        self.output.row(&short(&user));
        Ok(())
    }
}

/// The first line of standard input, without its line end.
fn password(wanted: bool) -> Result<Option<String>, Failure> {
    if !wanted {
        return Ok(None);
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(failed)?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(failed(
            "standard input holds no password: write it on the first line",
        ));
    }
    Ok(Some(password.to_owned()))
}

fn short(user: &Person) -> Row {
    vec![
        ("uid", user.uid.get().into()),
        ("name", user.name.as_str().into()),
    ]
}

fn full(user: &Person) -> Row {
    let mut row = short(user);
    row.push(("created_at", user.created_at.secs().into()));
    row.push(("admin", user.admin.into()));
    row.push(("enabled", user.enabled.into()));
    row
}
