//! Entries of the audit log as pages show them.

use super::admitted::Admitted;
use crate::site::error::SiteError;
use crate::site::moment::Moment;
use crier_platform::model::audit::{AuditEntry, AuditQuery, KeptEntry};
use serde_json::Value;

/// An entry for people.
pub(in crate::site) struct ActRow {
    /// Its place, or empty for one that cannot be read.
    pub(in crate::site) number: String,
    pub(in crate::site) at: Moment,
    pub(in crate::site) act: String,
    /// As it is written in the entry, for the filter.
    pub(in crate::site) actor: String,
    /// The person's name, if it is a person who is there.
    pub(in crate::site) actor_name: String,
    pub(in crate::site) subject: String,
    /// The name of the person or application, if it is there.
    pub(in crate::site) subject_name: String,
    /// What else it tells, for people.
    pub(in crate::site) details: String,
}

impl Admitted {
    /// Entries of a query; one that cannot be read is left out, `verify` names it.
    pub(super) async fn acts(&self, query: AuditQuery) -> Result<Vec<ActRow>, SiteError> {
        let kept = self.visit.state.accounts.audit_page(query).await?;
        let mut rows = Vec::with_capacity(kept.len());
        for entry in kept.iter().filter_map(KeptEntry::entry) {
            rows.push(ActRow {
                number: entry.number.to_string(),
                at: self.moment(entry.at()),
                actor_name: self.name_of(&entry.actor).await?,
                subject_name: self.name_of(&entry.subject).await?,
                details: details(&entry),
                act: entry.act,
                actor: entry.actor,
                subject: entry.subject,
            });
        }
        Ok(rows)
    }

    /// The last few entries about a subject.
    pub(super) async fn last_acts(&self, subject: String) -> Result<Vec<ActRow>, SiteError> {
        let subject = Some(subject);
        self.acts(AuditQuery {
            subject,
            limit: 5,
            ..AuditQuery::default()
        })
        .await
    }

    /// The name behind `person:UID`, `user:UID` and `app:APP_ID`; empty when there is none.
    async fn name_of(&self, written: &str) -> Result<String, SiteError> {
        let accounts = &self.visit.state.accounts;
        let name = match written.split_once(':') {
            Some(("person" | "user", uid)) => match uid.parse() {
                Ok(uid) => accounts.user(uid).await?.map(|user| user.name.clone()),
                Err(_) => None,
            },
            Some(("app", id)) => match id.parse() {
                Ok(id) => accounts.app(id).await?.map(|app| app.name.clone()),
                Err(_) => None,
            },
            Some(_) | None => None,
        };
        Ok(name.unwrap_or_default())
    }
}

/// What an entry tells beside act and subject: `calls_per_minute 6000 → 60 · name changed`.
fn details(entry: &AuditEntry) -> String {
    let plain = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => "nothing".to_owned(),
        other => other.to_string(),
    };
    let one = |(name, value): (&String, &Value)| match value.as_array().map(Vec::as_slice) {
        Some([before, after]) => format!("{name} {} → {}", plain(before), plain(after)),
        Some(_) | None => format!("{name} {}", plain(value)),
    };
    entry.details.iter().map(one).collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_read_as_changes() {
        let text = r#"{"number":1,"at_ms":0,"actor":"system","act":"app.set","subject":"app:4",
            "details":{"calls_per_minute":[0,60],"name":"changed","owner":[null,7]}}"#;
        let entry: AuditEntry = serde_json::from_str(text).unwrap();
        assert_eq!(
            details(&entry),
            "calls_per_minute 0 → 60 · name changed · owner nothing → 7"
        );
    }
}
