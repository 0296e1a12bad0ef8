//! Applications in the books. Knows columns, not what a setting means.

use super::open::SqliteStore;
use super::pen::{Halt, Pen};
use super::rows::{Columns, Word, bad};
use crate::sealed::{Place, Sealer};
use async_trait::async_trait;
use crier_platform::model::app::{AddressRule, App, Receipts, ReceiptsEnded, Settings};
use crier_platform::model::change::Fact;
use crier_platform::model::session::SessionId;
use crier_platform::model::time::WallMs;
use crier_platform::ports::store::{Apps, Conflict, StoreFault};
use crier_proto::ids::{ApiKey, AppId, Uid};
use crier_proto::secret::Secret;
use rusqlite::{OptionalExtension, Row, named_params};
use std::net::IpAddr;
use std::sync::Arc;

#[derive(serde::Serialize, serde::Deserialize)]
struct RuleColumn {
    text: String,
    network: IpAddr,
    bits: u8,
}

const FIND_BY_ID: &str = "SELECT * FROM app_row WHERE id = ?1";
const FIND_BY_KEY: &str = "SELECT * FROM app_row WHERE api_key = ?1";
const FIND_BY_NAME: &str = "SELECT * FROM app_row WHERE name = ?1";
const FIND_BY_CANVAS: &str = "SELECT * FROM app_row WHERE canvas = ?1 AND canvas <> ''";
const LIST: &str = "SELECT * FROM app_row ORDER BY id";

const INSERT: &str = "INSERT INTO app (id, api_key, secret, previous_secret, previous_until_ms, name, owner, kind, profile,
  call_id, feed_errors, feed_reply, image_links, live_text, signature, jsonp, strictness, allow_ip, calls_per_minute,
  callback, canvas, origins, icon, canvas_ss, receipts, native_clients, post_authorize, post_remove, enabled, created_ms,
  receipt_secret, previous_receipt_secret, previous_receipt_until_ms, receipts_ended_ms, receipts_ended_address)
  VALUES (:id, :api_key, :secret, :previous_secret, :previous_until_ms, :name, :owner, :kind, :profile,
  :call_id, :feed_errors, :feed_reply, :image_links, :live_text, :signature, :jsonp, :strictness, :allow_ip, :calls_per_minute,
  :callback, :canvas, :origins, :icon, :canvas_ss, :receipts, :native_clients, :post_authorize, :post_remove, :enabled, :created_ms,
  :receipt_secret, :previous_receipt_secret, :previous_receipt_until_ms, :receipts_ended_ms, :receipts_ended_address)";

const UPDATE: &str = "UPDATE app SET api_key = :api_key, secret = :secret, previous_secret = :previous_secret,
  previous_until_ms = :previous_until_ms, name = :name, owner = :owner, kind = :kind, profile = :profile, call_id = :call_id,
  feed_errors = :feed_errors, feed_reply = :feed_reply, image_links = :image_links, live_text = :live_text,
  signature = :signature, jsonp = :jsonp, strictness = :strictness, allow_ip = :allow_ip,
  calls_per_minute = :calls_per_minute, callback = :callback, canvas = :canvas, origins = :origins, icon = :icon,
  canvas_ss = :canvas_ss, receipts = :receipts, native_clients = :native_clients, post_authorize = :post_authorize,
  post_remove = :post_remove, enabled = :enabled, created_ms = :created_ms,
  receipt_secret = :receipt_secret, previous_receipt_secret = :previous_receipt_secret,
  previous_receipt_until_ms = :previous_receipt_until_ms, receipts_ended_ms = :receipts_ended_ms,
  receipts_ended_address = :receipts_ended_address WHERE id = :id";

fn read(row: &Row<'_>, sealer: &Sealer) -> rusqlite::Result<App> {
    let api_key: ApiKey = row.parsed("api_key")?;
    let open =
        |place: Place<'_>, sealed: &[u8]| sealer.open(place, sealed).map_err(|_| bad("a sealed secret"));
    let secret = open(
        Place::App(&api_key),
        row.get_ref("secret")?.as_blob().map_err(|_| bad("secret"))?,
    )?;
    let previous: (Option<Vec<u8>>, Option<i64>) =
        (row.get("previous_secret")?, row.get("previous_until_ms")?);
    let previous_secret = match previous {
        (Some(sealed), Some(until)) => Some((open(Place::PreviousApp(&api_key), &sealed)?, WallMs(until))),
        _ => None,
    };
    Ok(App {
        id: row.app("id")?,
        secret,
        previous_secret,
        name: row.get("name")?,
        owner: row.user("owner")?,
        kind: row.word("kind")?,
        profile: row.word("profile")?,
        settings: read_settings(row)?,
        allow_ip: read_rules(row)?,
        calls_per_minute: row.get("calls_per_minute")?,
        callback: row.get("callback")?,
        canvas: row.get("canvas")?,
        origins: serde_json::from_str(row.get_ref("origins")?.as_str().map_err(|_| bad("origins"))?)
            .map_err(|_| bad("origins"))?,
        icon: row.get("icon")?,
        icon_picture: row.slot_picture()?,
        canvas_ss: row.get("canvas_ss")?,
        receipts: read_receipts(row, &api_key, sealer)?,
        native_clients: row.get("native_clients")?,
        post_authorize: row.get("post_authorize")?,
        post_remove: row.get("post_remove")?,
        enabled: row.get("enabled")?,
        created_at: row.wall("created_ms")?,
        api_key,
    })
}

fn read_receipts(row: &Row<'_>, api_key: &ApiKey, sealer: &Sealer) -> rusqlite::Result<Receipts> {
    let open = |column: &str, place: Place<'_>| -> rusqlite::Result<Option<Secret>> {
        let sealed: Option<Vec<u8>> = row.get(column)?;
        let opened = sealed.map(|sealed| sealer.open(place, &sealed).map_err(|_| bad("a sealed secret")));
        opened.transpose()
    };
    let previous = open("previous_receipt_secret", Place::PreviousReceipt(api_key))?;
    let until: Option<i64> = row.get("previous_receipt_until_ms")?;
    let ended: (Option<i64>, Option<String>) =
        (row.get("receipts_ended_ms")?, row.get("receipts_ended_address")?);
    Ok(Receipts {
        address: row.get("receipts")?,
        secret: open("receipt_secret", Place::Receipt(api_key))?,
        previous_secret: previous.zip(until.map(WallMs)),
        ended: match ended {
            (Some(at), Some(address)) => Some(ReceiptsEnded {
                address,
                at: WallMs(at),
            }),
            _ => None,
        },
    })
}

fn read_settings(row: &Row<'_>) -> rusqlite::Result<Settings> {
    Ok(Settings {
        call_id: row.word("call_id")?,
        feed_errors: row.word("feed_errors")?,
        feed_reply: row.word("feed_reply")?,
        image_links: row.word("image_links")?,
        live_text: row.word("live_text")?,
        signature: row.word("signature")?,
        jsonp: row.get("jsonp")?,
        strictness: row.word("strictness")?,
    })
}

fn read_rules(row: &Row<'_>) -> rusqlite::Result<Vec<AddressRule>> {
    let text = row.get_ref("allow_ip")?.as_str().map_err(|_| bad("allow_ip"))?;
    let rules: Vec<RuleColumn> = serde_json::from_str(text).map_err(|_| bad("allow_ip"))?;
    let rule = |RuleColumn { text, network, bits }| AddressRule { text, network, bits };
    Ok(rules.into_iter().map(rule).collect())
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, Halt> {
    serde_json::to_string(value).map_err(|error| Halt::Fault(StoreFault::Damaged(error.to_string())))
}

impl Pen<'_> {
    /// `Write::AddApp`.
    pub(crate) fn add_app(&self, app: &App) -> Result<(), Halt> {
        self.refuse_if(
            Conflict::IdTaken,
            "SELECT 1 FROM app WHERE id = ?1",
            [app.id.get()],
        )?;
        self.refuse_taken(app)?;
        self.save_app(INSERT, app)?;
        self.note(&Fact::App(app.id))
    }

    /// `Write::ExpectFewerApps`.
    pub(crate) fn expect_fewer_apps(&self, owner: Uid, than: u32) -> Result<(), Halt> {
        self.refuse_if(
            Conflict::AppsFull,
            "SELECT 1 WHERE (SELECT COUNT(*) FROM app WHERE owner = ?1 AND id NOT IN (SELECT app FROM test_app)) >= ?2",
            (owner.get(), than),
        )
    }

    /// `Write::ExpectApp`.
    pub(crate) fn expect_app(&self, app: &App) -> Result<(), Halt> {
        let mut statement = self.connection.prepare_cached(FIND_BY_ID)?;
        let found = statement.query_row([app.id.get()], |row| read(row, self.sealer));
        match found.optional()? {
            None => Err(Halt::Refused(Conflict::Missing)),
            Some(found) if found.is_same_as(app) => Ok(()),
            Some(_) => Err(Halt::Refused(Conflict::Changed)),
        }
    }

    /// `Write::SetApp`. A disabled application's sessions end (protocol 10.4).
    pub(crate) fn set_app(&mut self, app: &App) -> Result<(), Halt> {
        self.refuse_taken(app)?;
        self.refuse_if(
            Conflict::TestOnly,
            "SELECT 1 FROM test_app WHERE app = ?1 AND owner <> ?2
              AND EXISTS (SELECT 1 FROM test_person WHERE test_person.owner = test_app.owner)",
            (app.id.get(), app.owner.get()),
        )?;
        // Without people it is given away as any other application, and no test application any more.
        self.run(
            "DELETE FROM test_app WHERE app = ?1 AND owner <> ?2",
            (app.id.get(), app.owner.get()),
        )?;
        if self.save_app(UPDATE, app)? == 0 {
            return Err(Halt::Refused(Conflict::Missing));
        }
        // First: whoever follows the facts ends the connections with this one's own word, before the sessions' (live 3.11).
        self.note(&Fact::App(app.id))?;
        if !app.enabled {
            let sessions = self.list("SELECT id FROM session WHERE app = ?1", [app.id.get()])?;
            for session in sessions {
                self.end_session(SessionId(session))?;
            }
        }
        Ok(())
    }

    /// Which secrets a row to be written has that the present one has not, by what they are called.
    pub(super) fn changed_secrets(&self, app: &App) -> Result<Vec<&'static str>, Halt> {
        let mut statement = self.connection.prepare_cached(FIND_BY_ID)?;
        let found = statement.query_row([app.id.get()], |row| read(row, self.sealer));
        let Some(before) = found.optional()? else {
            return Ok(Vec::new());
        };
        let same = |mine: Option<&Secret>, theirs: Option<&Secret>| match (mine, theirs) {
            (Some(mine), Some(theirs)) => mine.matches(theirs.expose()),
            (mine, theirs) => mine.is_none() && theirs.is_none(),
        };
        let receipts = same(before.receipts.secret.as_ref(), app.receipts.secret.as_ref());
        let secret = same(Some(&before.secret), Some(&app.secret));
        let changed = [("secret", secret), ("receipt_secret", receipts)];
        let names = changed.into_iter().filter(|(_, same)| !same);
        Ok(names.map(|(name, _)| name).collect())
    }

    fn refuse_taken(&self, app: &App) -> Result<(), Halt> {
        let id = app.id.get();
        self.refuse_if(
            Conflict::KeyTaken,
            "SELECT 1 FROM app WHERE api_key = ?1 AND id <> ?2",
            (app.api_key.as_str(), id),
        )?;
        self.refuse_if(
            Conflict::NameTaken,
            "SELECT 1 FROM app WHERE name = ?1 AND id <> ?2",
            (&app.name, id),
        )?;
        self.refuse_if(
            Conflict::CanvasTaken,
            "SELECT 1 FROM app WHERE canvas = ?1 AND canvas <> '' AND id <> ?2",
            (&app.canvas, id),
        )
    }

    fn save_app(&self, sql: &str, app: &App) -> Result<usize, Halt> {
        let previous = app.previous_secret.as_ref();
        let receipts = &app.receipts;
        let previous_receipt = receipts.previous_secret.as_ref();
        let rule = |rule: &AddressRule| RuleColumn {
            text: rule.text.clone(),
            network: rule.network,
            bits: rule.bits,
        };
        let rules: Vec<RuleColumn> = app.allow_ip.iter().map(rule).collect();
        self.run(
            sql,
            named_params! {
                ":id": app.id.get(),
                ":api_key": app.api_key.as_str(),
                ":secret": self.sealer.seal(Place::App(&app.api_key), &app.secret),
                ":previous_secret":
                    previous.map(|(secret, _)| self.sealer.seal(Place::PreviousApp(&app.api_key), secret)),
                ":previous_until_ms": previous.map(|(_, until)| until.0),
                ":name": app.name,
                ":owner": app.owner.get(),
                ":kind": app.kind.word(),
                ":profile": app.profile.word(),
                ":call_id": app.settings.call_id.word(),
                ":feed_errors": app.settings.feed_errors.word(),
                ":feed_reply": app.settings.feed_reply.word(),
                ":image_links": app.settings.image_links.word(),
                ":live_text": app.settings.live_text.word(),
                ":signature": app.settings.signature.word(),
                ":jsonp": app.settings.jsonp,
                ":strictness": app.settings.strictness.word(),
                ":allow_ip": json(&rules)?,
                ":calls_per_minute": app.calls_per_minute,
                ":callback": app.callback,
                ":canvas": app.canvas,
                ":origins": json(&app.origins)?,
                ":icon": app.icon,
                ":canvas_ss": app.canvas_ss,
                ":receipts": receipts.address,
                ":native_clients": app.native_clients,
                ":post_authorize": app.post_authorize,
                ":post_remove": app.post_remove,
                ":enabled": app.enabled,
                ":created_ms": app.created_at.0,
                ":receipt_secret":
                    receipts.secret.as_ref().map(|secret| self.sealer.seal(Place::Receipt(&app.api_key), secret)),
                ":previous_receipt_secret": previous_receipt
                    .map(|(secret, _)| self.sealer.seal(Place::PreviousReceipt(&app.api_key), secret)),
                ":previous_receipt_until_ms": previous_receipt.map(|(_, until)| until.0),
                ":receipts_ended_ms": receipts.ended.as_ref().map(|ended| ended.at.0),
                ":receipts_ended_address": receipts.ended.as_ref().map(|ended| ended.address.as_str()),
            },
        )
    }
}

impl SqliteStore {
    fn find_app(&self, sql: &str, value: impl rusqlite::ToSql) -> Result<Option<Arc<App>>, StoreFault> {
        self.readers().read(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            statement
                .query_row([value], |row| read(row, self.sealer()))
                .optional()
                .map(|app| app.map(Arc::new))
        })
    }
}

#[async_trait]
impl Apps for SqliteStore {
    async fn app(&self, id: AppId) -> Result<Option<Arc<App>>, StoreFault> {
        self.find_app(FIND_BY_ID, id.get())
    }

    async fn app_by_key(&self, key: &ApiKey) -> Result<Option<Arc<App>>, StoreFault> {
        self.find_app(FIND_BY_KEY, key.as_str())
    }

    async fn app_by_name(&self, name: &str) -> Result<Option<Arc<App>>, StoreFault> {
        self.find_app(FIND_BY_NAME, name)
    }

    async fn app_by_canvas(&self, canvas: &str) -> Result<Option<Arc<App>>, StoreFault> {
        self.find_app(FIND_BY_CANVAS, canvas)
    }

    async fn apps(&self) -> Result<Vec<Arc<App>>, StoreFault> {
        self.readers().read(|connection| {
            let mut statement = connection.prepare_cached(LIST)?;
            statement
                .query_map([], |row| read(row, self.sealer()).map(Arc::new))?
                .collect()
        })
    }
}
