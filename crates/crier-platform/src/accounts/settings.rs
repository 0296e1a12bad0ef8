//! An application's settings by name: one table for `app set`, `app show` and their messages (protocol 17.1, 17.2).
//!
//! Knows no store: it changes a row in memory, and the caller decides whether that row is kept.

use super::AccountError;
use super::allow_ip::read_allow_ip;
use super::origins::{check_address, check_origin};
use crate::model::app::{
    App, AppKind, CallIdSetting, FeedErrors, FeedReply, ImageLinks, LiveText, ProfileName, Settings,
    SignatureSetting, Strictness,
};

use crier_proto::story::{ImageSource, read_image_source};

/// A setting with a closed list of words, in the order in which messages name them.
macro_rules! words {
    ($table:ident, $kind:ty, [$($word:literal => $value:expr),+ $(,)?]) => {
        const $table: &[(&str, $kind)] = &[$(($word, $value)),+];
    };
}

words!(PROFILES, ProfileName, [
    "documented" => ProfileName::Documented,
    "period" => ProfileName::Period,
    "modern" => ProfileName::Modern,
]);
words!(CALL_ID, CallIdSetting, [
    "required" => CallIdSetting::Required,
    "unique" => CallIdSetting::Unique,
    "ignored" => CallIdSetting::Ignored,
]);
words!(FEED_ERRORS, FeedErrors, [
    "documented" => FeedErrors::Documented,
    "detailed" => FeedErrors::Detailed,
]);
words!(FEED_REPLY, FeedReply, ["scalar" => FeedReply::Scalar, "list" => FeedReply::List]);
words!(IMAGE_LINKS, ImageLinks, ["http" => ImageLinks::Http, "http_https" => ImageLinks::HttpHttps]);
words!(LIVE_TEXT, LiveText, ["any" => LiveText::Any, "json" => LiveText::Json]);
words!(SIGNATURE, SignatureSetting, ["md5" => SignatureSetting::Md5, "hmac" => SignatureSetting::Hmac]);
words!(STRICTNESS, Strictness, ["strict" => Strictness::Strict, "lenient" => Strictness::Lenient]);
words!(KIND, AppKind, ["web" => AppKind::Web, "desktop" => AppKind::Desktop]);
words!(ON_OFF, bool, ["on" => true, "off" => false]);
words!(YES_NO, bool, ["yes" => true, "no" => false]);

/// The keys in the order of protocol section 17.
const KEYS: [&str; 24] = [
    "name",
    "profile",
    "call_id",
    "feed_errors",
    "feed_reply",
    "image_links",
    "live_text",
    "signature",
    "jsonp",
    "strictness",
    "kind",
    "allow_ip",
    "calls_per_minute",
    "owner",
    "callback",
    "canvas",
    "origins",
    "icon",
    "canvas_ss",
    "receipts",
    "native_clients",
    "post_authorize",
    "post_remove",
    "enabled",
];

/// The keys that `app set` knows, comma-joined.
fn key_names() -> String {
    KEYS.join(", ")
}

/// The value of a word.
fn read<T: Copy>(key: &str, word: &str, table: &[(&str, T)]) -> Result<T, AccountError> {
    let found = table
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, value)| *value);
    found.ok_or_else(|| {
        let names: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
        AccountError::Invalid(format!("{key}: {word:?} is not one of {}", names.join(", ")))
    })
}

/// The word of a value.
fn word_of<T: PartialEq>(value: &T, table: &[(&'static str, T)]) -> String {
    let found = table.iter().find(|(_, known)| known == value);
    found.map_or_else(String::new, |(name, _)| (*name).to_owned())
}

/// Changes one setting of a row; `owner` and `name` are the caller's, who knows the books.
pub(super) fn apply(app: &mut App, key: &str, value: &str) -> Result<(), AccountError> {
    let settings = &mut app.settings;
    match key {
        "profile" => {
            app.profile = read(key, value, PROFILES)?;
            app.settings = app.profile.settings();
        }
        "call_id" => settings.call_id = read(key, value, CALL_ID)?,
        "feed_errors" => settings.feed_errors = read(key, value, FEED_ERRORS)?,
        "feed_reply" => settings.feed_reply = read(key, value, FEED_REPLY)?,
        "image_links" => settings.image_links = read(key, value, IMAGE_LINKS)?,
        "live_text" => settings.live_text = read(key, value, LIVE_TEXT)?,
        "signature" => settings.signature = read(key, value, SIGNATURE)?,
        "jsonp" => settings.jsonp = read(key, value, ON_OFF)?,
        "strictness" => settings.strictness = read(key, value, STRICTNESS)?,
        _ => return apply_property(app, key, value),
    }
    Ok(())
}

/// Changes one property of protocol 17.2.
fn apply_property(app: &mut App, key: &str, value: &str) -> Result<(), AccountError> {
    match key {
        "kind" => app.kind = read(key, value, KIND)?,
        "allow_ip" => app.allow_ip = read_allow_ip(value)?,
        "calls_per_minute" => app.calls_per_minute = read_count(key, value)?,
        "callback" => app.callback = read_address(key, value)?,
        "canvas" => {
            check_canvas(value)?;
            value.clone_into(&mut app.canvas);
        }
        "origins" => app.origins = read_origins(value)?,
        "icon" => app.icon = read_icon(key, value)?,
        "canvas_ss" => app.canvas_ss = read(key, value, ON_OFF)?,
        "receipts" => {
            app.receipts.address = read_receiver(key, value)?;
            app.receipts.ended = None;
        }
        "native_clients" => app.native_clients = read(key, value, ON_OFF)?,
        "post_authorize" => app.post_authorize = read_address(key, value)?,
        "post_remove" => app.post_remove = read_address(key, value)?,
        "enabled" => app.enabled = read(key, value, YES_NO)?,
        _ => {
            return Err(AccountError::Invalid(format!(
                "{key:?} is no setting of an application; there are {}",
                key_names()
            )));
        }
    }
    Ok(())
}

/// A whole number without sign or leading zeros.
fn read_count(key: &str, value: &str) -> Result<u32, AccountError> {
    let number = value
        .parse::<u32>()
        .ok()
        .filter(|number| number.to_string() == value);
    number.ok_or_else(|| {
        AccountError::Invalid(format!(
            "{key}: {value:?} is no whole number from 0 to {}",
            u32::MAX
        ))
    })
}

/// An address setting.
fn read_address(key: &str, value: &str) -> Result<String, AccountError> {
    check_address(key, value)?;
    Ok(value.to_owned())
}

/// An address that a picture can be fetched from (feed 7.1).
fn read_icon(key: &str, value: &str) -> Result<String, AccountError> {
    if value.is_empty() || matches!(read_image_source(value), Some(ImageSource::Url(_))) {
        return read_address(key, value);
    }
    Err(AccountError::Invalid(format!(
        "{key}: {value:?} is no address of a picture"
    )))
}

/// An address that is posted to: what stands behind `#` would never be sent.
fn read_receiver(key: &str, value: &str) -> Result<String, AccountError> {
    let address = read_address(key, value)?;
    if address.contains('#') {
        return Err(AccountError::Invalid(format!(
            "{key}: {value:?} has a part behind #, which is never sent: leave it out"
        )));
    }
    Ok(address)
}

/// Origins, comma-joined.
fn read_origins(value: &str) -> Result<Vec<String>, AccountError> {
    let entries = value.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries
        .map(|entry| check_origin(entry).map(|()| entry.to_owned()))
        .collect()
}

/// A canvas name: empty, or `[a-z0-9_-]{1,40}` (protocol 17.2).
pub(super) fn check_canvas(value: &str) -> Result<(), AccountError> {
    let permitted = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    if value.len() <= 40 && value.bytes().all(permitted) {
        return Ok(());
    }
    Err(AccountError::Invalid(format!(
        "canvas: {value:?} is not 1 to 40 of the characters a-z, 0-9, _ and -"
    )))
}

/// The words that a setting may be, in the order in which messages name them; empty for a setting without such a list.
#[must_use]
pub fn words_of(key: &str) -> Vec<&'static str> {
    fn names<T>(table: &[(&'static str, T)]) -> Vec<&'static str> {
        table.iter().map(|(name, _)| *name).collect()
    }
    match key {
        "profile" => names(PROFILES),
        "call_id" => names(CALL_ID),
        "feed_errors" => names(FEED_ERRORS),
        "feed_reply" => names(FEED_REPLY),
        "image_links" => names(IMAGE_LINKS),
        "live_text" => names(LIVE_TEXT),
        "signature" => names(SIGNATURE),
        "strictness" => names(STRICTNESS),
        "kind" => names(KIND),
        "jsonp" | "canvas_ss" | "native_clients" => names(ON_OFF),
        "enabled" => names(YES_NO),
        _ => Vec::new(),
    }
}

/// The settings of protocol 17.1, all of which a profile sets at once: key and value, in the order of that table.
#[must_use]
pub fn profile_settings(settings: &Settings) -> Vec<(&'static str, String)> {
    vec![
        ("call_id", word_of(&settings.call_id, CALL_ID)),
        ("feed_errors", word_of(&settings.feed_errors, FEED_ERRORS)),
        ("feed_reply", word_of(&settings.feed_reply, FEED_REPLY)),
        ("image_links", word_of(&settings.image_links, IMAGE_LINKS)),
        ("live_text", word_of(&settings.live_text, LIVE_TEXT)),
        ("signature", word_of(&settings.signature, SIGNATURE)),
        ("jsonp", word_of(&settings.jsonp, ON_OFF)),
        ("strictness", word_of(&settings.strictness, STRICTNESS)),
    ]
}

/// An application's settings as `app show` prints and `app set` takes them: key and value, in the order of protocol section 17.
#[must_use]
pub fn app_settings(app: &App) -> Vec<(&'static str, String)> {
    let allow_ip: Vec<&str> = app.allow_ip.iter().map(|rule| rule.text.as_str()).collect();
    let mut settings = vec![("profile", word_of(&app.profile, PROFILES))];
    settings.extend(profile_settings(&app.settings));
    settings.extend([
        ("kind", word_of(&app.kind, KIND)),
        ("allow_ip", allow_ip.join(",")),
        ("calls_per_minute", app.calls_per_minute.to_string()),
        ("owner", app.owner.to_string()),
        ("callback", app.callback.clone()),
        ("canvas", app.canvas.clone()),
        ("origins", app.origins.join(",")),
        ("icon", app.icon.clone()),
        ("canvas_ss", word_of(&app.canvas_ss, ON_OFF)),
        ("receipts", app.receipts.address.clone()),
        ("native_clients", word_of(&app.native_clients, ON_OFF)),
        ("post_authorize", app.post_authorize.clone()),
        ("post_remove", app.post_remove.clone()),
        ("enabled", word_of(&app.enabled, YES_NO)),
    ]);
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::app::{Receipts, ReceiptsEnded};
    use crate::model::time::WallMs;
    use crier_proto::ids::{AppId, Uid};
    use crier_proto::secret::Secret;

    fn sample() -> App {
        App {
            id: AppId::new(7).unwrap(),
            api_key: "0123456789abcdef0123456789abcdef".parse().unwrap(),
            secret: Secret::new("fedcba9876543210fedcba9876543210"),
            previous_secret: None,
            name: "Sample".to_owned(),
            owner: Uid::new(42).unwrap(),
            kind: AppKind::Web,
            profile: ProfileName::Documented,
            settings: ProfileName::Documented.settings(),
            allow_ip: Vec::new(),
            calls_per_minute: 6000,
            callback: String::new(),
            canvas: String::new(),
            origins: Vec::new(),
            icon: String::new(),
            icon_picture: None,
            canvas_ss: false,
            receipts: Receipts::default(),
            native_clients: false,
            post_authorize: String::new(),
            post_remove: String::new(),
            enabled: true,
            created_at: WallMs(0),
        }
    }

    fn shown(app: &App, key: &str) -> String {
        let found = app_settings(app).into_iter().find(|(name, _)| *name == key);
        found.map(|(_, value)| value).unwrap()
    }

    #[test]
    fn every_word_that_is_shown_is_a_word_that_can_be_set() {
        let mut app = sample();
        for (key, values) in [
            ("call_id", vec!["required", "unique", "ignored"]),
            ("feed_errors", vec!["documented", "detailed"]),
            ("feed_reply", vec!["scalar", "list"]),
            ("image_links", vec!["http", "http_https"]),
            ("live_text", vec!["any", "json"]),
            ("signature", vec!["md5", "hmac"]),
            ("jsonp", vec!["on", "off"]),
            ("strictness", vec!["strict", "lenient"]),
            ("kind", vec!["web", "desktop"]),
            ("allow_ip", vec!["10.1.2.*,::1", ""]),
            ("calls_per_minute", vec!["0", "12"]),
            ("canvas", vec!["rps_1-2", ""]),
            ("canvas_ss", vec!["on", "off"]),
            ("native_clients", vec!["on", "off"]),
            ("enabled", vec!["no", "yes"]),
        ] {
            for value in values {
                apply(&mut app, key, value).unwrap();
                assert_eq!(shown(&app, key), value, "{key}");
            }
        }
    }

    #[test]
    fn an_address_for_receipts_set_anew_forgets_that_one_was_refused() {
        let mut app = sample();
        app.receipts.ended = Some(ReceiptsEnded {
            address: "https://game.example/r".to_owned(),
            at: WallMs(5),
        });
        apply(&mut app, "receipts", "https://game.example/r").unwrap();
        assert_eq!(shown(&app, "receipts"), "https://game.example/r");
        assert_eq!(app.receipts.ended, None);
        apply(&mut app, "receipts", "").unwrap();
        assert_eq!(shown(&app, "receipts"), "");
    }

    #[test]
    fn a_profile_sets_the_whole_table() {
        let mut app = sample();
        apply(&mut app, "profile", "modern").unwrap();
        for (key, value) in [
            ("profile", "modern"),
            ("call_id", "unique"),
            ("feed_errors", "detailed"),
            ("feed_reply", "scalar"),
            ("image_links", "http_https"),
            ("live_text", "json"),
            ("signature", "hmac"),
            ("jsonp", "on"),
            ("strictness", "strict"),
        ] {
            assert_eq!(shown(&app, key), value, "{key}");
        }
    }

    #[test]
    fn an_unknown_key_or_word_is_named_with_what_is_possible() {
        let mut app = sample();
        let key = apply(&mut app, "colour", "red").unwrap_err().to_string();
        assert!(
            key.contains("\"colour\"") && key.contains("calls_per_minute"),
            "{key}"
        );
        let word = apply(&mut app, "call_id", "always").unwrap_err().to_string();
        assert_eq!(
            word,
            "call_id: \"always\" is not one of required, unique, ignored"
        );
        for (key, bad) in [
            ("calls_per_minute", "-1"),
            ("calls_per_minute", "07"),
            ("canvas", "Big"),
            ("canvas", &"x".repeat(41)),
            ("allow_ip", "everywhere"),
            ("receipts", "ftp://game.example/r"),
            ("receipts", "https://user@game.example/r"),
            ("receipts", "https://game.example/r#part"),
            ("receipts", &format!("https://game.example/{}", "r".repeat(2_048))),
            ("jsonp", "yes"),
        ] {
            assert!(apply(&mut app, key, bad).is_err(), "{key}={bad}");
        }
    }
}
