//! What `doctor` asks of the books: is the file sound, do the counts agree, is the audit log whole, do the secrets open.

use super::counts;
use super::open::SqliteStore;
use super::schema;
use crier_platform::model::audit::AuditHead;
use crier_platform::ports::audit::Audit;
use crier_platform::ports::store::{Apps, Store, StoreFault};
use rusqlite::Connection;

/// Entries of the audit log read at once.
const ENTRIES_AT_ONCE: u32 = 1_000;

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found, and when it is not ok what to do.
    pub text: String,
}

impl SqliteStore {
    /// Looks at everything once; reads all pages, so it takes seconds on large books. Changes nothing.
    pub async fn diagnose(&self) -> Vec<Diagnosis> {
        let mut findings = vec![
            finding(self.readers().read(quick_check)),
            finding(self.readers().read(schema_state)),
        ];
        match self.readers().read(counts::check) {
            Ok(counted) => findings.extend(counted),
            Err(fault) => findings.push(finding(Err(fault))),
        }
        let bytes_max = self.shared().config.rewrite_bytes_max;
        findings.push(finding(
            self.readers()
                .read(|connection| counts::traces_left(connection, bytes_max)),
        ));
        findings.push(finding(self.chain_state().await));
        findings.push(finding(self.apps().await.map(|apps| Diagnosis {
            ok: true,
            text: format!("secrets of {} applications open with the key file", apps.len()),
        })));
        findings.push(finding(self.check().await.map(|()| Diagnosis {
            ok: true,
            text: "the writer takes units".to_owned(),
        })));
        findings
    }

    /// Follows the chain of the audit log from its first entry.
    async fn chain_state(&self) -> Result<Diagnosis, StoreFault> {
        let mut head = AuditHead::default();
        loop {
            let kept = self.audit_after(head.number, ENTRIES_AT_ONCE).await?;
            if kept.is_empty() {
                let text = format!("the chain of the audit log is whole, {} entries", head.number);
                return Ok(Diagnosis { ok: true, text });
            }
            for kept in &kept {
                if let Err(broken) = head.follow(kept) {
                    let text = format!(
                        "the audit log was changed from outside: {broken}; compare it with an export of an earlier day, crier audit verify FILE"
                    );
                    return Ok(Diagnosis { ok: false, text });
                }
            }
        }
    }
}

fn finding(found: Result<Diagnosis, StoreFault>) -> Diagnosis {
    found.unwrap_or_else(|fault| Diagnosis {
        ok: false,
        text: fault.to_string(),
    })
}

fn quick_check(connection: &Connection) -> rusqlite::Result<Diagnosis> {
    let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    let ok = said == "ok";
    let text = if ok {
        "the database file is sound".to_owned()
    } else {
        format!("the database file is damaged ({said}); restore a backup")
    };
    Ok(Diagnosis { ok, text })
}

fn schema_state(connection: &Connection) -> rusqlite::Result<Diagnosis> {
    let (found, known) = (schema::version(connection)?, schema::newest());
    Ok(Diagnosis {
        ok: found == known,
        text: format!("schema {found}, known up to {known}"),
    })
}
