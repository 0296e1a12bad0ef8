//! `/admin/audit`: who did what, newest first; following its chain, and all of it as a file.

use super::acts::ActRow;
use super::admitted::{AdminHead, Admitted};
use crate::site::door::{Answer, render};
use crate::site::fields::encoded;
use crate::site::layout::Chrome;
use askama::Template;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use crier_platform::accounts::{AccountError, Accounts};
use crier_platform::model::audit::AuditQuery;
use futures_util::stream;
use http::{HeaderValue, StatusCode, header};

/// Entries on one page.
const ROWS: u32 = 50;

#[derive(Template)]
#[template(path = "administration/audit.html")]
pub(in crate::site) struct AuditPage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) head: AdminHead,
    pub(in crate::site) actor: &'a str,
    pub(in crate::site) subject: &'a str,
    pub(in crate::site) acts: Vec<ActRow>,
    /// The query of the next page, or empty.
    pub(in crate::site) more: String,
    /// What following the chain has found, when it was asked.
    pub(in crate::site) verified: Option<Verified>,
}

/// What following the chain has found.
pub(in crate::site) struct Verified {
    /// Whether all of it fits.
    pub(in crate::site) whole: bool,
    /// How many entries, and the head; or the first broken entry.
    pub(in crate::site) says: String,
    /// `NUMBER:HASH`, or empty.
    pub(in crate::site) head: String,
}

pub(crate) async fn get(admitted: Admitted) -> Answer {
    show(admitted, None).await
}

/// Follows the chain, and says what was found above the entries.
pub(crate) async fn verify(admitted: Admitted) -> Answer {
    let verified = match admitted.visit.state.accounts.verify_audit(None).await? {
        Ok(head) => Verified {
            whole: true,
            says: format!(
                "The chain holds: {} entries, each fits the one before it.",
                head.number
            ),
            head: head.to_string(),
        },
        Err(broken) => Verified {
            whole: false,
            says: format!("The chain does not hold: {broken}."),
            head: String::new(),
        },
    };
    show(admitted, Some(verified)).await
}

async fn show(admitted: Admitted, verified: Option<Verified>) -> Answer {
    let query = &admitted.visit.query;
    let filter = |name: &str| query.value(name).map(|value| value.trim().to_owned());
    let (actor, subject) = (filter("actor"), filter("subject"));
    let before = query.value("before").and_then(|number| number.parse().ok());
    let asked = AuditQuery {
        before,
        actor: actor.clone(),
        subject: subject.clone(),
        limit: ROWS + 1,
    };
    let (actor, subject) = (actor.unwrap_or_default(), subject.unwrap_or_default());
    let mut acts = admitted.acts(asked).await?;
    let rows = usize::try_from(ROWS).unwrap_or(usize::MAX);
    let is_more = acts.len() > rows;
    acts.truncate(rows);
    let last = acts.last().filter(|_| is_more);
    let page = AuditPage {
        chrome: admitted.chrome("Audit log"),
        head: admitted.head("Audit log"),
        more: last.map_or_else(String::new, |last| {
            let (actor, subject) = (encoded(&actor), encoded(&subject));
            format!("actor={actor}&subject={subject}&before={}", last.number)
        }),
        actor: &actor,
        subject: &subject,
        acts,
        verified,
    };
    render(StatusCode::OK, &page)
}

/// The whole log as `crier audit export` writes it, piece by piece.
pub(crate) async fn export(admitted: Admitted) -> Answer {
    let accounts = admitted.visit.state.accounts.clone();
    let pieces = stream::try_unfold((accounts, 0), |(accounts, after)| async move {
        piece(accounts, after).await
    });
    let mut response = Response::new(Body::from_stream(pieces));
    for (name, value) in [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"audit.log\""),
        (header::CACHE_CONTROL, "private, no-store"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// The next lines behind an entry, and where they end.
async fn piece(accounts: Accounts, after: i64) -> Result<Option<(Bytes, (Accounts, i64))>, AccountError> {
    let kept = accounts.audit_after(after).await?;
    let count = i64::try_from(kept.len()).unwrap_or(i64::MAX);
    if count == 0 {
        return Ok(None);
    }
    let mut lines = Vec::new();
    for kept in &kept {
        lines.extend(kept.line());
        lines.push(b'\n');
    }
    Ok(Some((lines.into(), (accounts, after.saturating_add(count)))))
}
