//! Everything held on a person, as JSON lines (operating section 3, feed 8.6).
//!
//! Secrets, hashes of passwords and tokens are not a person's data but keys to it, and are left out. Texts of stories stand in
//! their own lines, the record beside them is as `crier feed export` writes it without texts.

use super::{AccountError, Accounts};
use crate::feed::FeedReader;
use crate::model::audit::{Actor, AuditEntry, AuditQuery, KeptEntry};
use crate::model::job::Photo;
use crate::model::mailbox::KeptMessage;
use crate::model::record::FeedAddress;
use crate::model::record_line::RecordLine;
use crate::model::story::{Priority, Story};
use crate::model::time::WallMs;
use crate::model::user::User;
use crate::ports::store::{Kept, KeptSession};
use crier_proto::digest::{base64url, lower_hex};
use crier_proto::ids::{AppId, Uid};
use crier_proto::story::ImageSource;
use serde_json::{Value, json};

/// Entries of the audit log read at once.
const ENTRIES_AT_ONCE: u32 = 1_000;
/// Stories read at once.
const STORIES_AT_ONCE: u32 = 200;

impl Accounts {
    /// `user export`: one JSON object a line, everything held on a person, each with its `kind`. A line is given away as soon as
    /// it is made: the pictures of a thousand photos are never together in memory.
    ///
    /// # Errors
    /// `NotFound`; when the books fail.
    pub async fn export_user(
        &self,
        user: &str,
        feed: &FeedReader,
        write: &mut (dyn FnMut(String) + Send),
    ) -> Result<(), AccountError> {
        let user = self.find_user(user).await?;
        let mut give = |line: Value| write(line.to_string());
        give(user_line(&user));
        for app in self.apps_of(user.uid).await? {
            give(json!({"kind": "owned_app", "app_id": app.id.get(), "name": app.name}));
        }
        for grant in self.ports.store.grants_of(user.uid).await? {
            give(json!({
                "kind": "grant", "app_id": grant.app.get(), "feed": grant.feed, "added": grant.added,
                "offline_access": grant.offline_access, "granted_at": grant.granted_at.secs(),
            }));
        }
        kept_lines(&self.ports.store.kept_on(user.uid).await?)
            .into_iter()
            .for_each(&mut give);
        for address in self.ports.store.feed_addresses(user.uid).await? {
            give(address_line(&address));
        }
        for photo in self.ports.store.photos_of(user.uid).await? {
            give(self.photo_line(&photo).await?);
        }
        self.audit_lines(user.uid, &mut give).await?;
        let mut before = None;
        loop {
            let stories = self
                .ports
                .store
                .stories(user.uid, before, STORIES_AT_ONCE)
                .await?;
            stories.iter().map(story_line).for_each(&mut give);
            match stories.last() {
                Some(last) => before = Some(last.seq),
                None => break,
            }
        }
        let record = feed.export(user.uid, false).await?;
        record.iter().map(record_line).for_each(give);
        Ok(())
    }

    /// An uploaded photo with its three pictures, largest first; one that the books have lost is left out.
    async fn photo_line(&self, photo: &Photo) -> Result<Value, AccountError> {
        let mut pictures = Vec::new();
        for hash in [photo.big, photo.normal, photo.small] {
            if let Some(picture) = self.ports.store.picture(hash).await? {
                pictures.push(json!({
                    "path": format!("/p/{}.{}", lower_hex(&hash.0), picture.kind.extension()),
                    "type": picture.kind.media_type(), "base64url": base64url(&picture.bytes),
                }));
            }
        }
        Ok(json!({
            "kind": "photo", "pid": photo.pid.get(), "app_id": photo.app.get(), "caption": photo.caption,
            "created_at": photo.created_at.secs(), "pictures": pictures,
        }))
    }
}

/// The account itself.
fn user_line(user: &User) -> Value {
    json!({
        "kind": "user", "uid": user.uid.get(), "name": user.name, "admin": user.admin, "enabled": user.enabled,
        "created_at": user.created_at.secs(), "time_zone": user.time_zone,
    })
}

impl Accounts {
    /// What the audit log tells of a person: what was done to them, then what they did to others and to their applications, each
    /// newest first.
    async fn audit_lines(&self, user: Uid, give: &mut impl FnMut(Value)) -> Result<(), AccountError> {
        let (subject, actor) = (format!("user:{user}"), Actor::Person(user).to_string());
        let of_both = |entry: &AuditEntry| entry.actor == actor && entry.subject == subject;
        for by_subject in [true, false] {
            let mut before = None;
            loop {
                let page = self.audit_page(AuditQuery {
                    before,
                    actor: (!by_subject).then(|| actor.clone()),
                    subject: by_subject.then(|| subject.clone()),
                    limit: ENTRIES_AT_ONCE,
                });
                // One that cannot be read cannot be told whose it is either: `audit verify` names it.
                let entries: Vec<AuditEntry> = page.await?.iter().filter_map(KeptEntry::entry).collect();
                let Some(last) = entries.last() else { break };
                before = Some(last.number);
                let told = entries.iter().filter(|entry| by_subject || !of_both(entry));
                told.map(audit_line).for_each(&mut *give);
            }
        }
        Ok(())
    }
}

/// An entry of the audit log, as it stands there.
fn audit_line(entry: &AuditEntry) -> Value {
    json!({
        "kind": "audit_entry", "number": entry.number, "at": entry.at().secs(), "actor": entry.actor, "act": entry.act,
        "subject": entry.subject, "details": entry.details,
    })
}

/// Sessions, logins, links, windows and waiting messages.
fn kept_lines(kept: &Kept) -> Vec<Value> {
    let session = |session: &KeptSession| {
        json!({
            "kind": "session", "app_id": session.app.get(), "created_at": session.created_at.secs(),
            "expires": session.expires,
        })
    };
    let ends = |kind: &str, at: &WallMs| json!({"kind": kind, "expires_at": at.secs()});
    let window = |(app, at): &(AppId, WallMs)| json!({"kind": "window", "app_id": app.get(), "last_story_at": at.secs()});
    let mut lines: Vec<Value> = kept.sessions.iter().map(session).collect();
    lines.extend(kept.logins.iter().map(|at| ends("login", at)));
    lines.extend(kept.login_links.iter().map(|at| ends("login_link", at)));
    lines.extend(kept.windows.iter().map(window));
    lines.extend(kept.messages.iter().filter_map(message_line));
    lines
}

/// A live message that waits in a durable mailbox.
fn message_line(message: &KeptMessage) -> Option<Value> {
    let item = message.item.as_ref()?;
    Some(json!({
        "kind": "message", "id": message.id.to_string(), "app_id": message.app.get(), "from": message.sender.get(),
        "to": message.user.get(), "event_name": &*item.event, "message": &*item.text,
        "sent_at": message.sent_at.secs(), "expires_at": message.expires_at.secs_rounded_up(),
    }))
}

/// Where a picture comes from: an address, or the number of an uploaded photo.
fn source(source: &ImageSource) -> Value {
    match source {
        ImageSource::Url(url) => json!(url),
        ImageSource::Pid(pid) => json!(pid.get()),
    }
}

/// An address of a private feed; its token is a key and is kept as a hash alone.
fn address_line(address: &FeedAddress) -> Value {
    json!({
        "kind": "feed_address", "label": address.label, "created_at": address.created_at.secs(),
        "used_at": address.used_at.map(WallMs::secs),
    })
}

/// A line of the feed's record, whole under `record`: together they are what `crier simulate --replay` reads.
fn record_line(line: &RecordLine) -> Value {
    json!({"kind": "feed_record", "record": line})
}

/// A story of their feed.
fn story_line(story: &Story) -> Value {
    let priority = match &story.priority {
        Priority::Absent => Value::Null,
        Priority::Number(number) => json!(number),
        Priority::Text(text) => json!(text),
    };
    let slots: Vec<Value> = story
        .slots
        .iter()
        .map(|slot| json!({"number": slot.number, "source": source(&slot.source), "link": slot.link}))
        .collect();
    json!({
        "kind": "story", "story_id": story.id.get(), "app_id": story.app.get(), "seq": story.seq,
        "published_at": story.published_at.secs(), "title": story.title, "body": story.body,
        "priority": priority, "exempt": story.exempt, "pictures": slots,
        "hidden_at": story.hidden_at.map(WallMs::secs), "reported_at": story.reported.map(|(at, _)| at.secs()),
        "reported_as": story.reported.map(|(_, reason)| reason.word()), "thumbed": story.thumbed,
        "first_shown_at": story.first_shown_at.map(WallMs::secs),
        "blanked_at": story.blanked.map(|(at, _)| at.secs()),
    })
}
