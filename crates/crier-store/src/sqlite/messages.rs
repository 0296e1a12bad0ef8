//! Mailboxes in durable mode: heads, messages and their outcomes, each row under a checksum (live 5.10).
//!
//! A row whose checksum is wrong is told as damaged, never as something else. Knows nothing of what claims and outcomes say.

use super::open::SqliteStore;
use super::pen::{Halt, Pen};
use super::rows::{Columns, bad};
use async_trait::async_trait;
use crier_platform::model::mailbox::{
    Found, KeptHead, KeptItem, KeptMessage, MailWrites, OutcomeMark, RowNo,
};
use crier_platform::model::time::WallMs;
use crier_platform::ports::store::{Flush, Messages, StoreFault, WhenKept};
use crier_proto::digest::sha256;
use crier_proto::frame::GapReason;
use crier_proto::ids::{AppId, Epoch, MessageId, Uid};
use rusqlite::{Connection, Row};

/// Bytes of a checksum: against accidents, not against who can write the file.
const SUM_BYTES: usize = 8;

/// The people that a message concerns must be there: an erasure must not be outlived by what was under way.
const ADD: &str = "INSERT INTO message (number, app, user, seq, id, sender, sent_ms, expires_ms, via, event, text, collapse_key,
    fanout, claim, outcome, sum)
  SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16
  WHERE EXISTS (SELECT 1 FROM user WHERE uid = ?3) AND EXISTS (SELECT 1 FROM user WHERE uid = ?6)";
const ADD_HEAD: &str =
    "INSERT OR REPLACE INTO mailbox (app, user, epoch, first, last, low, low_reason, used_ms, sum)
  SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 WHERE EXISTS (SELECT 1 FROM user WHERE uid = ?2)";
const MOVE_HEAD: &str =
    "UPDATE mailbox SET first = ?4, last = ?5, low = ?6, low_reason = ?7, used_ms = ?8, sum = ?9
  WHERE app = ?1 AND user = ?2 AND epoch = ?3";
const MARK: &str = "UPDATE message SET outcome = ?2 WHERE number = ?1";
const END: &str = "UPDATE message SET outcome = ?2, claim = x'', event = '', text = NULL, collapse_key = NULL WHERE number = ?1";
const WITHDRAW: &str = "UPDATE message SET claim = x'', event = '', text = NULL, collapse_key = NULL
  WHERE app = ?1 AND (user = ?2 OR sender = ?2) AND text IS NOT NULL";
const SEEN: &str = "UPDATE counter SET last = max(last, ?1) WHERE name = 'mailbox_wall_ms'";

/// The checksum of parts that belong together; their lengths are part of it.
fn sum_of(parts: &[&[u8]]) -> [u8; SUM_BYTES] {
    let lengths: Vec<u8> = parts
        .iter()
        .flat_map(|part| (part.len() as u64).to_le_bytes())
        .collect();
    let mut all = vec![&lengths[..]];
    all.extend_from_slice(parts);
    let digest = sha256(&all);
    let mut sum = [0; SUM_BYTES];
    sum.copy_from_slice(&digest[..SUM_BYTES]);
    sum
}

fn numbers<const N: usize>(values: [i64; N]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Words of the hub with the checksum that binds them to their row; no words are no bytes.
fn sealed(row: RowNo, kind: &[u8], words: &[u8]) -> Vec<u8> {
    if words.is_empty() {
        return Vec::new();
    }
    let sum = sum_of(&[&row.0.to_le_bytes(), kind, words]);
    [words, &sum].concat()
}

fn opened(row: RowNo, kind: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    if sealed.is_empty() {
        return Some(Vec::new());
    }
    let (words, sum) = sealed.split_at_checked(sealed.len().checked_sub(SUM_BYTES)?)?;
    (sum_of(&[&row.0.to_le_bytes(), kind, words]) == sum).then(|| words.to_vec())
}

const CLAIM: &[u8] = b"claim";
const OUTCOME: &[u8] = b"outcome";

fn sum_of_message(message: &KeptMessage, item: &KeptItem) -> [u8; SUM_BYTES] {
    let fixed = numbers([
        message.row.0,
        message.app.get(),
        message.user.get(),
        place(message.seq),
        message.sender.get(),
        message.sent_at.0,
        message.expires_at.0,
    ]);
    let key = item.collapse_key.as_deref().unwrap_or_default();
    sum_of(&[
        &fixed,
        message.id.as_bytes(),
        super::rows::Word::word(&item.via).as_bytes(),
        item.event.as_bytes(),
        item.text.as_bytes(),
        key.as_bytes(),
        super::rows::Word::word(&item.fanout).as_bytes(),
    ])
}

fn sum_of_head(head: &KeptHead) -> [u8; SUM_BYTES] {
    let fixed = numbers([
        head.app.get(),
        head.user.get(),
        head.first.0,
        place(head.last),
        place(head.low),
        head.used_at.0,
    ]);
    sum_of(&[&fixed, head.epoch.as_bytes(), head.low_reason.word().as_bytes()])
}

/// Places are below 2^53 (live 4.5).
fn place(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

fn place_of(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    u64::try_from(row.get::<_, i64>(column)?).map_err(|_| bad("a place"))
}

impl Pen<'_> {
    /// Applies writes to mailboxes.
    pub(crate) fn keep(&self, writes: &MailWrites) -> Result<(), Halt> {
        for head in &writes.heads {
            self.save_head(ADD_HEAD, head)?;
        }
        for message in &writes.messages {
            self.add_message(message)?;
        }
        for (row, claim) in &writes.claims {
            let update = "UPDATE message SET claim = ?2 WHERE number = ?1 AND text IS NOT NULL";
            self.run(update, (row.0, sealed(*row, CLAIM, claim)))?;
        }
        for mark in &writes.outcomes {
            let OutcomeMark { row, outcome, ended } = mark;
            let update = if *ended { END } else { MARK };
            self.run(update, (row.0, sealed(*row, OUTCOME, outcome)))?;
        }
        for head in &writes.moved {
            self.save_head(MOVE_HEAD, head)?;
        }
        for row in &writes.forgotten {
            self.run("DELETE FROM message WHERE number = ?1", [row.0])?;
        }
        for (app, user, epoch) in &writes.ended {
            let delete = "DELETE FROM mailbox WHERE app = ?1 AND user = ?2 AND epoch = ?3";
            self.run(delete, (app.get(), user.get(), epoch.as_bytes()))?;
        }
        self.run(SEEN, [writes.now.0]).map(|_| ())
    }

    fn add_message(&self, message: &KeptMessage) -> Result<(), Halt> {
        let Some(item) = &message.item else {
            return Err(Halt::Fault(StoreFault::Damaged(
                "a new message without its text".to_owned(),
            )));
        };
        let sum = sum_of_message(message, item);
        self.run(
            ADD,
            rusqlite::params![
                message.row.0,
                message.app.get(),
                message.user.get(),
                place(message.seq),
                message.id.as_bytes(),
                message.sender.get(),
                message.sent_at.0,
                message.expires_at.0,
                super::rows::Word::word(&item.via),
                &*item.event,
                &*item.text,
                item.collapse_key.as_deref(),
                super::rows::Word::word(&item.fanout),
                sealed(message.row, CLAIM, &message.claim),
                sealed(message.row, OUTCOME, &message.outcome),
                sum,
            ],
        )
        .map(|_| ())
    }

    fn save_head(&self, sql: &str, head: &KeptHead) -> Result<(), Halt> {
        self.run(
            sql,
            (
                head.app.get(),
                head.user.get(),
                head.epoch.as_bytes(),
                head.first.0,
                place(head.last),
                place(head.low),
                head.low_reason.word(),
                head.used_at.0,
                sum_of_head(head),
            ),
        )
        .map(|_| ())
    }

    /// Takes the texts of an application's messages to and from a user out of the mailboxes (live 3.14).
    pub(crate) fn empty_mailboxes(&self, app: AppId, user: Uid) -> Result<(), Halt> {
        self.run(WITHDRAW, (app.get(), user.get())).map(|_| ())
    }
}

/// A row as it was written, if its checksums and its columns say so.
fn read_message(row: &Row<'_>) -> rusqlite::Result<KeptMessage> {
    let number = RowNo(row.get("number")?);
    let text: Option<String> = row.get("text")?;
    let words = |column: &'static str, kind: &[u8]| {
        let sealed: Vec<u8> = row.get(column)?;
        opened(number, kind, &sealed).ok_or_else(|| bad(column))
    };
    let item = match text {
        None => None,
        Some(text) => Some(KeptItem {
            via: row.word("via")?,
            event: row.get::<_, String>("event")?.into(),
            text: text.into(),
            collapse_key: row.get::<_, Option<String>>("collapse_key")?.map(Into::into),
            fanout: row.word("fanout")?,
        }),
    };
    let message = KeptMessage {
        row: number,
        app: row.app("app")?,
        user: row.user("user")?,
        seq: place_of(row, "seq")?,
        id: MessageId::from_bytes(row.get("id")?),
        sender: row.user("sender")?,
        sent_at: row.wall("sent_ms")?,
        expires_at: row.wall("expires_ms")?,
        item,
        claim: words("claim", CLAIM)?,
        outcome: words("outcome", OUTCOME)?,
    };
    let sum: [u8; SUM_BYTES] = row.get("sum")?;
    match &message.item {
        Some(item) if sum != sum_of_message(&message, item) => Err(bad("sum")),
        Some(_) | None => Ok(message),
    }
}

fn read_head(row: &Row<'_>) -> rusqlite::Result<KeptHead> {
    let reason: String = row.get("low_reason")?;
    let reasons = [
        GapReason::Overflow,
        GapReason::Expired,
        GapReason::Epoch,
        GapReason::Damaged,
    ];
    let head = KeptHead {
        app: row.app("app")?,
        user: row.user("user")?,
        epoch: Epoch::from_bytes(row.get("epoch")?),
        first: RowNo(row.get("first")?),
        last: place_of(row, "last")?,
        low: place_of(row, "low")?,
        low_reason: reasons
            .into_iter()
            .find(|known| known.word() == reason)
            .ok_or_else(|| bad("low_reason"))?,
        used_at: row.wall("used_ms")?,
    };
    let sum: [u8; SUM_BYTES] = row.get("sum")?;
    if sum == sum_of_head(&head) {
        Ok(head)
    } else {
        Err(bad("sum"))
    }
}

/// Whose and which, of a row that is not whole.
fn damaged<T>(row: &Row<'_>, number: i64, seq: &str) -> Found<T> {
    let place = || {
        Some((
            row.app("app").ok()?,
            row.user("user").ok()?,
            place_of(row, seq).ok()?,
        ))
    };
    Found::Damaged {
        row: RowNo(number),
        place: place(),
    }
}

/// The waiting messages to and from a user, for their export; what is damaged is left to the loading that tells of it.
pub(crate) fn kept_of(connection: &Connection, user: Uid) -> rusqlite::Result<Vec<KeptMessage>> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM message WHERE (user = ?1 OR sender = ?1) AND text IS NOT NULL ORDER BY number",
    )?;
    let rows = statement.query_map([user.get()], |row| Ok(read_message(row).ok()))?;
    rows.filter_map(Result::transpose).collect()
}

/// Gives every mailbox a new life, drawn from chance: its messages are from another time (live 5.8).
pub(crate) fn renew_heads(connection: &Connection, mut epoch: impl FnMut() -> Epoch) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("SELECT * FROM mailbox")?;
    let heads: Vec<Option<KeptHead>> = statement
        .query_map([], |row| Ok(read_head(row).ok()))?
        .collect::<rusqlite::Result<_>>()?;
    let update = "UPDATE mailbox SET epoch = ?3, sum = ?4 WHERE app = ?1 AND user = ?2";
    for head in heads.into_iter().flatten() {
        let head = KeptHead {
            epoch: epoch(),
            ..head
        };
        connection.execute(
            update,
            (
                head.app.get(),
                head.user.get(),
                head.epoch.as_bytes(),
                sum_of_head(&head),
            ),
        )?;
    }
    Ok(())
}

#[async_trait]
impl Messages for SqliteStore {
    fn keep(&self, writes: MailWrites, flush: Flush, when: WhenKept) {
        self.writer().keep(writes, flush, when);
    }

    async fn kept_messages(&self, after: RowNo, limit: u32) -> Result<Vec<Found<KeptMessage>>, StoreFault> {
        let found = self.readers().read(|connection| {
            let sql = "SELECT * FROM message WHERE number > ?1 ORDER BY number LIMIT ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map((after.0, limit), |row| {
                let number = row.get("number")?;
                Ok(read_message(row).map_or_else(|_| damaged(row, number, "seq"), Found::Whole))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        self.count_damaged(&found);
        Ok(found)
    }

    async fn kept_heads(&self) -> Result<(Vec<Found<KeptHead>>, WallMs), StoreFault> {
        let (found, wall) = self.readers().read(|connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM mailbox")?;
            let rows = statement.query_map([], |row| {
                Ok(read_head(row).map_or_else(|_| damaged(row, 0, "last"), Found::Whole))
            })?;
            let found = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            let seen = "SELECT last FROM counter WHERE name = 'mailbox_wall_ms'";
            let wall = connection.query_row(seen, [], |row| row.get(0).map(WallMs))?;
            Ok((found, wall))
        })?;
        self.count_damaged(&found);
        Ok((found, wall))
    }
}

impl SqliteStore {
    fn count_damaged<T>(&self, found: &[Found<T>]) {
        for one in found {
            if let Found::Damaged { row, place } = one {
                self.metrics().damaged.inc();
                tracing::error!(
                    message.row = row.0,
                    ?place,
                    "a damaged row of a mailbox is set aside"
                );
            }
        }
    }
}
