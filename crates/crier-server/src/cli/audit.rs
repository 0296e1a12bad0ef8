//! `crier audit …`: the log of what operators and developers have done (docs/guide/audit.md).

use super::output::{Output, Row, say_bytes};
use super::place::Place;
use super::{Ended, Failure, failed};
use crier_platform::model::audit::{AuditCheck, AuditHead, AuditQuery, BrokenAt, KeptEntry};
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  crier audit list --subject user:1240077
  crier audit list --actor command_line --limit 20 --json
  crier audit verify
  crier audit export > audit.log && crier audit verify audit.log";

/// Bytes of a line of an export beyond which it is no entry.
const LINE_BYTES_MAX: usize = 65_536;

/// Commands on the audit log.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum Audit {
    /// List entries, newest first
    List(List),
    /// Follow the chain and name the first entry that is broken
    Verify(Verify),
    /// Write all entries, one a line: its hash, a blank, its text
    Export(Export),
}

/// `audit list`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct List {
    /// By this actor alone: command_line, system or person:UID
    #[arg(long)]
    actor: Option<String>,
    /// About this subject alone: user:UID, app:APP_ID, story:STORY_ID or picture:HASH
    #[arg(long)]
    subject: Option<String>,
    /// Entries before this number alone
    #[arg(long, value_name = "NUMBER")]
    before: Option<i64>,
    /// At most as many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: Output,
}

/// `audit verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Verify {
    /// An export [default: the log of the books]
    file: Option<PathBuf>,
    /// The head that was printed by an earlier look: also says whether the log was cut or written anew since
    #[arg(long, value_name = "NUMBER:HASH", value_parser = |text: &str| text.parse::<AuditHead>().map_err(|()| "write it as it was printed: NUMBER:HASH"))]
    head: Option<AuditHead>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    output: Output,
}

/// `audit export`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Export {
    #[command(flatten)]
    place: Place,
}

impl Audit {
    /// Runs the command.
    pub fn run(self) -> Ended {
        match self {
            Self::List(command) => command.run(),
            Self::Verify(command) => command.run(),
            Self::Export(Export { place }) => place
                .with_accounts(async |accounts| {
                    let mut after = 0;
                    loop {
                        let kept = accounts.audit_after(after).await?;
                        if kept.is_empty() {
                            return Ok(());
                        }
                        for kept in &kept {
                            say_bytes(&[&kept.line()[..], b"\n"].concat());
                            after += 1;
                        }
                    }
                })
                .map(|()| 0),
        }
    }
}

impl List {
    fn run(self) -> Ended {
        let query = AuditQuery {
            before: self.before,
            actor: self.actor,
            subject: self.subject,
            limit: self.limit,
        };
        let kept = self
            .place
            .with_accounts(async |accounts| accounts.audit_page(query).await)?;
        let rows: Vec<Row> = kept.iter().map(row).collect();
        self.output.rows(&rows, 6);
        Ok(0)
    }
}

/// An entry as it is listed; of one that cannot be read, its hash.
fn row(kept: &KeptEntry) -> Row {
    let hash = crier_proto::digest::lower_hex(&kept.hash);
    let Some(entry) = kept.entry() else {
        return vec![("number", Value::Null), ("hash", hash.into())];
    };
    vec![
        ("number", entry.number.into()),
        ("at_ms", entry.at_ms.into()),
        ("actor", entry.actor.into()),
        ("act", entry.act.into()),
        ("subject", entry.subject.into()),
        ("details", Value::Object(entry.details)),
        ("hash", hash.into()),
    ]
}

impl Verify {
    fn run(self) -> Ended {
        let noted = self.head;
        let walked = match &self.file {
            Some(file) => verify_file(file, AuditCheck::from_the_beginning(noted))?,
            None => self
                .place
                .with_accounts(async |accounts| accounts.verify_audit(noted).await)?,
        };
        let head = walked.map_err(failed)?;
        self.output.row(&vec![
            ("entries", head.number.into()),
            ("head", head.to_string().into()),
        ]);
        Ok(0)
    }
}

/// Follows the chain of an export.
fn verify_file(file: &Path, mut check: AuditCheck) -> Result<Result<AuditHead, BrokenAt>, Failure> {
    let said = |why: std::io::Error| failed(format!("{}: {why}", file.display()));
    let mut reader = BufReader::new(File::open(file).map_err(said)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        let most = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
        let read = std::io::Read::take(&mut reader, most)
            .read_until(b'\n', &mut line)
            .map_err(said)?;
        if read == 0 {
            return Ok(check.end());
        }
        let entry = line.strip_suffix(b"\n").unwrap_or(&line);
        let Some(kept) = KeptEntry::of_line(entry) else {
            let number = check.head().number.saturating_add(1);
            let why = "its line is no hash, a blank and a text";
            return Ok(Err(BrokenAt { number, why }));
        };
        if let Err(broken) = check.follow(&kept) {
            return Ok(Err(broken));
        }
    }
}
