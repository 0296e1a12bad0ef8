//! The Origin rule: whose pages may open a live connection (live 3.7).
//!
//! Promise: byte for byte, no wildcard, no guess. Knows neither tickets nor sessions: an origin alone authorises nobody.

use crier_platform::model::app::App;
use http::header::{HeaderMap, ORIGIN};

/// What a request's Origin header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed<'a> {
    /// There is none.
    Missing,
    /// One, that could be an origin.
    One(&'a str),
    /// `null`, empty, more than one, or no text.
    Unusable,
}

impl<'a> Claimed<'a> {
    /// Reads the header.
    #[must_use]
    pub fn read(headers: &'a HeaderMap) -> Self {
        let mut values = headers.get_all(ORIGIN).iter();
        match (values.next(), values.next()) {
            (None, _) => Self::Missing,
            (Some(_), Some(_)) => Self::Unusable,
            (Some(value), None) => match value.to_str() {
                Ok("" | "null") | Err(_) => Self::Unusable,
                Ok(origin) => Self::One(origin),
            },
        }
    }
}

/// Whether this origin is listed: one of the application's, or the origin of its callback address.
#[must_use]
pub fn is_listed(app: &App, origin: &str) -> bool {
    app.origins.iter().any(|listed| listed == origin) || callback_origin(app).is_some_and(|own| own == origin)
}

/// Whether a request may open a live connection for this application; `own` is the server's public origin.
#[must_use]
pub fn permits(app: &App, headers: &HeaderMap, own: &str) -> bool {
    match Claimed::read(headers) {
        Claimed::One(origin) => is_listed(app, origin),
        Claimed::Unusable => false,
        Claimed::Missing => {
            let mut sites = headers.get_all("sec-fetch-site").iter();
            let same = sites.next().is_some_and(|site| site == "same-origin") && sites.next().is_none();
            app.native_clients || (same && is_listed(app, own))
        }
    }
}

fn callback_origin(app: &App) -> Option<String> {
    let origin = url::Url::parse(&app.callback).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crier_platform::model::app::{AppKind, ProfileName, Receipts};
    use crier_platform::model::time::WallMs;
    use crier_proto::ids::{AppId, Uid};
    use crier_proto::secret::Secret;

    const OWN: &str = "https://crier.example";

    fn app(origins: &[&str], native_clients: bool) -> App {
        App {
            id: AppId::new(1).unwrap(),
            api_key: "0123456789abcdef0123456789abcdef".parse().unwrap(),
            secret: Secret::new("s"),
            previous_secret: None,
            name: "a".into(),
            owner: Uid::new(1).unwrap(),
            kind: AppKind::Web,
            profile: ProfileName::Documented,
            settings: ProfileName::Documented.settings(),
            allow_ip: Vec::new(),
            calls_per_minute: 0,
            callback: "https://Game.example:443/play/".into(),
            canvas: String::new(),
            origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
            icon: String::new(),
            icon_picture: None,
            canvas_ss: false,
            receipts: Receipts::default(),
            native_clients,
            post_authorize: String::new(),
            post_remove: String::new(),
            enabled: true,
            created_at: WallMs(0),
        }
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_a_listed_origin_byte_for_byte_is_permitted() {
        let app = app(&["http://a.example:8000"], false);
        let permitted = |origin| permits(&app, &headers(&[("origin", origin)]), OWN);
        assert!(permitted("http://a.example:8000"));
        assert!(permitted("https://game.example"));
        for origin in [
            "",
            "null",
            "http://a.example",
            "http://a.example:8000/",
            "http://A.example:8000",
            "https://a.example:8000",
            "http://a.example:80000",
            "https://game.example:443",
            "https://evil.game.example",
            "https://crier.example",
        ] {
            assert!(!permitted(origin), "{origin}");
        }
    }

    #[test]
    fn more_than_one_origin_is_refused_even_if_both_are_listed() {
        let app = app(&["http://a.example", "http://b.example"], true);
        let twice = headers(&[("origin", "http://a.example"), ("origin", "http://b.example")]);
        assert!(!permits(&app, &twice, OWN));
        let equal = headers(&[("origin", "http://a.example"), ("origin", "http://a.example")]);
        assert!(!permits(&app, &equal, OWN));
    }

    #[test]
    fn a_missing_origin_needs_our_own_site_in_the_list_or_native_clients() {
        let same_origin = headers(&[("sec-fetch-site", "same-origin")]);
        let cross_site = headers(&[("sec-fetch-site", "cross-site")]);
        let none = HeaderMap::new();
        let cases = [
            (app(&[OWN], false), &same_origin, true),
            (app(&[OWN], false), &cross_site, false),
            (app(&[OWN], false), &none, false),
            (app(&["http://a.example"], false), &same_origin, false),
            (app(&[], true), &none, true),
            (app(&[], true), &cross_site, true),
        ];
        for (app, headers, expected) in cases {
            assert_eq!(permits(&app, headers, OWN), expected, "{headers:?}");
        }
    }

    #[test]
    fn native_clients_do_not_open_the_door_to_other_origins() {
        let app = app(&[], true);
        assert!(!permits(
            &app,
            &headers(&[("origin", "http://evil.example")]),
            OWN
        ));
        assert!(!permits(&app, &headers(&[("origin", "null")]), OWN));
    }
}
