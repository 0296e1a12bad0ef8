//! An application: its keys, its owner, its compatibility settings (protocol section 17).

pub use super::address::AddressRule;
use super::picture::SlotPicture;
use super::time::WallMs;
use crier_proto::ids::{ApiKey, AppId, Uid};
use crier_proto::secret::Secret;

/// An application of a developer.
#[derive(Debug, Clone)]
pub struct App {
    /// Its number.
    pub id: AppId,
    /// Its public key.
    pub api_key: ApiKey,
    /// Signs its calls.
    pub secret: Secret,
    /// The secret before the last rotation, and until when it still signs.
    pub previous_secret: Option<(Secret, WallMs)>,
    /// Its name, unique without regard to ASCII case.
    pub name: String,
    /// The user whose application it is.
    pub owner: Uid,
    /// Web or desktop (protocol 6.2).
    pub kind: AppKind,
    /// The profile last chosen; single settings may differ from it.
    pub profile: ProfileName,
    /// Its compatibility settings.
    pub settings: Settings,
    /// Addresses its calls may come from; empty: all (protocol 11.3).
    pub allow_ip: Vec<AddressRule>,
    /// Calls it may make in a window of 60 s; 0: no limit (protocol 11.2).
    pub calls_per_minute: u32,
    /// Callback URL, or empty.
    pub callback: String,
    /// Canvas name `[a-z0-9_-]{1,40}`, or empty.
    pub canvas: String,
    /// Origins that may open live connections, `scheme://host[:port]`, lower case (live 3.7).
    pub origins: Vec<String>,
    /// Address of its icon, or empty.
    pub icon: String,
    /// What was made of it: read with the row, never written with it.
    pub icon_picture: Option<SlotPicture>,
    /// Whether the session secret goes to the canvas frame.
    pub canvas_ss: bool,
    /// Where receipts are posted to, and what signs them (live 7.8).
    pub receipts: Receipts,
    /// Whether live connections without an Origin are accepted (live 3.7).
    pub native_clients: bool,
    /// Hook address for accepted terms, or empty (protocol 19.6).
    pub post_authorize: String,
    /// Hook address for withdrawals, or empty (protocol 19.6).
    pub post_remove: String,
    /// A disabled application's key is refused with 101.
    pub enabled: bool,
    /// When it was made.
    pub created_at: WallMs,
}

impl App {
    /// Whether both rows say the same, secrets included; which of them was read first shows in a change alone.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        let previous = match (&self.previous_secret, &other.previous_secret) {
            (Some((mine, until)), Some((theirs, theirs_until))) => {
                mine.matches(theirs.expose()) && until == theirs_until
            }
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        previous
            && self.secret.matches(other.secret.expose())
            && self.receipts.is_same_as(&other.receipts)
            && self.open_parts() == other.open_parts()
    }

    /// Everything but the secrets and receipts; taken apart whole, so that no field is forgotten.
    fn open_parts(&self) -> impl PartialEq + '_ {
        let Self {
            id,
            api_key,
            secret: _,
            previous_secret: _,
            name,
            owner,
            kind,
            profile,
            settings,
            allow_ip,
            calls_per_minute,
            callback,
            canvas,
            origins,
            icon,
            icon_picture: _,
            canvas_ss,
            receipts: _,
            native_clients,
            post_authorize,
            post_remove,
            enabled,
            created_at,
        } = self;
        (
            (id, api_key, name, owner, kind, profile, settings, allow_ip),
            (calls_per_minute, callback, canvas, origins, icon, canvas_ss),
            (native_clients, post_authorize, post_remove, enabled, created_at),
        )
    }
}

/// The setting `receipts` and what goes with it (live 7.8 to 7.10).
#[derive(Debug, Clone, Default)]
pub struct Receipts {
    /// Address that receipts are posted to; empty: none are made.
    pub address: String,
    /// Signs them: 64 hexadecimal digits, made with the first address and kept when receipts are turned off.
    pub secret: Option<Secret>,
    /// The secret before the last rotation, and until when it still signs too.
    pub previous_secret: Option<(Secret, WallMs)>,
    /// Set when an address answered 410, until an address is set again.
    pub ended: Option<ReceiptsEnded>,
}

/// Receipts were turned off by their receiver (live 7.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptsEnded {
    /// The address that answered 410.
    pub address: String,
    /// When.
    pub at: WallMs,
}

impl Receipts {
    /// Whether both say the same, secrets included.
    fn is_same_as(&self, other: &Self) -> bool {
        let same = |mine: Option<&Secret>, theirs: Option<&Secret>| match (mine, theirs) {
            (Some(mine), Some(theirs)) => mine.matches(theirs.expose()),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        let before = |receipts: &Self| receipts.previous_secret.as_ref().map(|(_, until)| *until);
        let previous = |receipts: &Self| {
            receipts
                .previous_secret
                .as_ref()
                .map(|(secret, _)| secret.clone())
        };
        same(self.secret.as_ref(), other.secret.as_ref())
            && same(previous(self).as_ref(), previous(other).as_ref())
            && (before(self), &self.address, &self.ended) == (before(other), &other.address, &other.ended)
    }
}

/// Web or desktop: decides which secret signs (protocol 6.2), expiry (10.3), quota scope (11.2), address rule (11.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppKind {
    /// Its secret stays on its server.
    Web,
    /// Its secret is in every copy: calls with a session are signed with the session secret.
    Desktop,
}

/// A row of compatibility settings under one name (protocol 17.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileName {
    /// As the seed pages say, to the letter. The default.
    Documented,
    /// As the platform of 2008 behaved.
    Period,
    /// For software written today.
    Modern,
}

/// Setting `call_id` (protocol 9.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallIdSetting {
    /// Each value greater than the last.
    Required,
    /// Each value once; calls may overtake each other.
    Unique,
    /// Not judged.
    Ignored,
}

/// Setting `feed_errors` (protocol 12.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedErrors {
    /// The codes of the seed page alone.
    Documented,
    /// 340 to 348.
    Detailed,
}

/// Setting `feed_reply` (protocol 13.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedReply {
    /// `1`.
    Scalar,
    /// A list of one.
    List,
}

/// Setting `image_links` (protocol 14.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageLinks {
    /// `http://` alone (seed: "must start with http://").
    Http,
    /// `https://` too.
    HttpHttps,
}

/// Setting `live_text` (protocol 14.1.2 g).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveText {
    /// Any text.
    Any,
    /// One JSON text.
    Json,
}

/// Setting `signature` (protocol section 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureSetting {
    /// Version 1 and 2.
    Md5,
    /// Version 2 alone.
    Hmac,
}

/// Setting `strictness` (protocol 4.1, 7.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// Closed list of names, one reading only.
    Strict,
    /// Unknown names are signed, echoed and ignored.
    Lenient,
}

/// All settings of protocol 17.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// `call_id`.
    pub call_id: CallIdSetting,
    /// `feed_errors`.
    pub feed_errors: FeedErrors,
    /// `feed_reply`.
    pub feed_reply: FeedReply,
    /// `image_links`.
    pub image_links: ImageLinks,
    /// `live_text`.
    pub live_text: LiveText,
    /// `signature`.
    pub signature: SignatureSetting,
    /// `jsonp`: on or off.
    pub jsonp: bool,
    /// `strictness`.
    pub strictness: Strictness,
}

impl ProfileName {
    /// The settings that this profile sets at once (protocol 17.1).
    #[must_use]
    pub const fn settings(self) -> Settings {
        let documented = Settings {
            call_id: CallIdSetting::Required,
            feed_errors: FeedErrors::Documented,
            feed_reply: FeedReply::Scalar,
            image_links: ImageLinks::Http,
            live_text: LiveText::Any,
            signature: SignatureSetting::Md5,
            jsonp: true,
            strictness: Strictness::Strict,
        };
        match self {
            Self::Documented => documented,
            Self::Period => Settings {
                call_id: CallIdSetting::Ignored,
                feed_errors: FeedErrors::Detailed,
                strictness: Strictness::Lenient,
                ..documented
            },
            Self::Modern => Settings {
                call_id: CallIdSetting::Unique,
                feed_errors: FeedErrors::Detailed,
                image_links: ImageLinks::HttpHttps,
                live_text: LiveText::Json,
                signature: SignatureSetting::Hmac,
                ..documented
            },
        }
    }
}
