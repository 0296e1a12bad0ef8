//! Rochambeau: rock-paper-scissors between two browser windows, an ordinary web application of 2008.
//!
//! Promise: it knows its api key, its secret and the address of the server, and nothing else of it. People come from
//! `login.php` with an auth token; the page gets a ticket; moves travel through LiveMessage and never through this file.
//! Sessions live in memory: after a restart everyone logs in again, which they do not notice.

use super::books::GAME_PATH;
use crate::bound::Bound;
use crate::client::{Client, Keys, Order, SigVersion};
use crate::metrics::ServerMetrics;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::routing::get;
use crier_platform::ports::clock::Clock;
use crier_proto::digest::{lower_hex, sha256};
use crier_proto::ids::Uid;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue,
    LOCATION, REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use http::{Response, StatusCode};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::Mutex;

const PAGE: &str = include_str!("../../assets/demo/rochambeau.html");
const OTHER_PAGE: &str = include_str!("../../assets/demo/other.html");
const STYLE: &str = include_str!("../../assets/demo/rochambeau.css");
const SCRIPT: &str = include_str!("../../assets/demo/rochambeau.js");

/// How often a call that was overtaken is repeated, and how much later (live 3.4).
const OVERTAKEN_MAX: usize = 2;
const OVERTAKEN_PAUSE_MS: u64 = 60;
const COOKIE_NAME: &str = "rochambeau";
const HTML: &str = "text/html; charset=utf-8";

/// What the application's server knows.
pub(super) struct Game {
    pub(super) public_url: String,
    pub(super) origin: String,
    /// Key and secret of the application.
    pub(super) keys: Keys,
    pub(super) clock: Arc<dyn Clock>,
    /// Whom one can play against.
    pub(super) players: Vec<(Uid, String)>,
    pub(super) sessions: Mutex<VecDeque<Visitor>>,
    /// `demo.sessions_max`.
    pub(super) sessions_max: usize,
    pub(super) metrics: ServerMetrics,
}

/// A browser that has come from `login.php`.
#[derive(Clone)]
pub(super) struct Visitor {
    cookie: String,
    session_key: String,
    uid: Uid,
}

/// The application's addresses.
pub(super) fn router(game: Game) -> Router {
    Router::new()
        .route(GAME_PATH, get(page))
        .route("/demo/rochambeau/ticket", get(ticket))
        .route(
            "/demo/rochambeau/rochambeau.css",
            get(|| async { answer("text/css; charset=utf-8", STYLE) }),
        )
        .route(
            "/demo/rochambeau/rochambeau.js",
            get(|| async { answer("text/javascript; charset=utf-8", SCRIPT) }),
        )
        .route("/demo/pictures/{name}", get(picture))
        .route("/demo/{name}/", get(other))
        .with_state(Arc::new(game))
}

fn answer(media_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

async fn picture(Path(name): Path<String>) -> Response<Body> {
    match super::painting::painted(&name) {
        Some(png) => answer("image/png", png),
        None => status(StatusCode::NOT_FOUND, "There is no such picture."),
    }
}

fn status(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = answer("text/plain; charset=utf-8", text.to_owned());
    *response.status_mut() = status;
    response
}

fn set(response: &mut Response<Body>, name: HeaderName, value: &str) {
    // Values are made of addresses and hexadecimal digits; one that is no header value is left out.
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn redirect(target: &str) -> Response<Body> {
    let mut response = status(StatusCode::FOUND, "");
    set(&mut response, LOCATION, target);
    response
}

/// The page, or the way to a session: with `auth_token` back from the login, without one to the login.
async fn page(
    State(game): State<Arc<Game>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    let query = query.unwrap_or_default();
    let token = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "auth_token");
    if let Some((_, token)) = token {
        return game.arrive(&token).await;
    }
    let Some(visitor) = game.visitor(&headers).await else {
        return redirect(&game.login_address());
    };
    match game.ticket(&visitor).await {
        Ok(ticket) => game.page(&visitor, &ticket),
        Err(Code::EndedSession) => {
            game.forget(&visitor).await;
            redirect(&game.login_address())
        }
        Err(why) => status(StatusCode::BAD_GATEWAY, &why.text()),
    }
}

/// A fresh ticket for a page whose span ends.
async fn ticket(State(game): State<Arc<Game>>, headers: HeaderMap) -> Response<Body> {
    let Some(visitor) = game.visitor(&headers).await else {
        return status(StatusCode::UNAUTHORIZED, "log in again");
    };
    match game.ticket(&visitor).await {
        Ok(ticket) => answer("application/json", ticket.to_string()),
        Err(Code::EndedSession) => status(StatusCode::UNAUTHORIZED, "log in again"),
        Err(why) => status(StatusCode::BAD_GATEWAY, &why.text()),
    }
}

/// The page of an application that has nothing but stories.
async fn other(Path(name): Path<String>, State(game): State<Arc<Game>>) -> Response<Body> {
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    if !plain || name.len() > 40 {
        return status(StatusCode::NOT_FOUND, "there is nothing here");
    }
    let shown = name.replace('-', " ");
    let mut response = answer(
        HTML,
        OTHER_PAGE
            .replace("{{name}}", &shown)
            .replace("{{crier}}", &game.public_url),
    );
    game.guard(&mut response);
    response
}

/// Why a call of the application was refused.
enum Code {
    /// 102: the person has to log in again.
    EndedSession,
    /// 103: a later call of the session was faster.
    Overtaken,
    /// Anything else, for the person to read.
    Other(String),
}

impl Code {
    fn text(self) -> String {
        match self {
            Self::EndedSession => "the session has ended: log in again".to_owned(),
            Self::Overtaken => "too many pages asked at once: load this one again".to_owned(),
            Self::Other(text) => text,
        }
    }
}

impl Game {
    fn login_address(&self) -> String {
        let api_key = self.keys.api_key.as_deref().unwrap_or_default();
        format!("{}/login.php?api_key={api_key}&v=1.0", self.public_url)
    }

    /// A signed call; the answer is what the method answers in JSON. Two pages of one session may overtake each other: then the
    /// call is repeated with a later time.
    async fn call(
        &self,
        method: &str,
        parameters: &[(&str, &str)],
        session_key: Option<&str>,
    ) -> Result<Value, Code> {
        for _ in 0..OVERTAKEN_MAX {
            match self.call_once(method, parameters, session_key).await {
                Err(Code::Overtaken) => {
                    let until = self.clock.elapsed().plus_ms(OVERTAKEN_PAUSE_MS);
                    self.clock.sleep_until(until).await;
                }
                answered => return answered,
            }
        }
        self.call_once(method, parameters, session_key).await
    }

    async fn call_once(
        &self,
        method: &str,
        parameters: &[(&str, &str)],
        session_key: Option<&str>,
    ) -> Result<Value, Code> {
        let other = |text: String| Code::Other(text);
        let keys = Keys {
            session_key: session_key.map(str::to_owned),
            ..self.keys.clone()
        };
        let client = Client::new(keys, SigVersion::Two, Arc::clone(&self.clock))
            .map_err(|why| other(why.to_string()))?;
        let mut order = Order {
            method: method.to_owned(),
            parameters: vec![("format".to_owned(), "json".to_owned())],
            file: None,
        };
        for (name, value) in parameters {
            order.parameters.push(((*name).to_owned(), (*value).to_owned()));
        }
        let answer = client.call(&order).await.map_err(|why| other(why.to_string()))?;
        let value: Value = serde_json::from_slice(&answer.body).map_err(|why| other(why.to_string()))?;
        match value.get("error_code").and_then(Value::as_i64) {
            None => Ok(value),
            Some(102) => Err(Code::EndedSession),
            Some(103) => Err(Code::Overtaken),
            Some(number) => {
                let text = value.get("error_msg").and_then(Value::as_str).unwrap_or_default();
                Err(other(format!(
                    "{method} was answered with error {number}: {text}"
                )))
            }
        }
    }

    async fn ticket(&self, visitor: &Visitor) -> Result<Value, Code> {
        self.call("liveMessage.createTicket", &[], Some(&visitor.session_key))
            .await
    }

    /// Someone comes back from the login with a token: it buys a session, which stays here; the browser gets a name for it.
    async fn arrive(&self, token: &str) -> Response<Body> {
        let session = match self.call("auth.getSession", &[("auth_token", token)], None).await {
            Ok(session) => session,
            // An old token of a page that was opened again from the browser's history.
            Err(Code::EndedSession) => return redirect(GAME_PATH),
            Err(Code::Other(text)) if text.contains("error 100") => return redirect(GAME_PATH),
            Err(why) => return status(StatusCode::BAD_GATEWAY, &why.text()),
        };
        let session_key = session
            .get("session_key")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let uid = match session.get("uid") {
            Some(Value::String(text)) => text.parse().ok(),
            Some(number) => number.as_i64().and_then(Uid::new),
            None => None,
        };
        let Some(uid) = uid else {
            return status(StatusCode::BAD_GATEWAY, "auth.getSession gave no session");
        };
        let secret = self.keys.secret.as_deref().unwrap_or_default();
        let cookie = lower_hex(&sha256(&[secret.as_bytes(), b"\n", session_key.as_bytes()]));
        let mut response = redirect(GAME_PATH);
        let value = format!("{COOKIE_NAME}={cookie}; Path={GAME_PATH}; HttpOnly; SameSite=Lax");
        set(&mut response, SET_COOKIE, &value);
        self.remember(Visitor {
            cookie,
            session_key: session_key.to_owned(),
            uid,
        })
        .await;
        response
    }

    /// The oldest session leaves for one too many: its browser goes through the login again, which its person does not notice.
    async fn remember(&self, visitor: Visitor) {
        let mut sessions = self.sessions.lock().await;
        if sessions.len() >= self.sessions_max {
            self.metrics.bound(Bound::DemoSessions);
            sessions.pop_front();
        }
        sessions.push_back(visitor);
    }

    async fn visitor(&self, headers: &HeaderMap) -> Option<Visitor> {
        let lines = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok());
        let cookie = lines
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == COOKIE_NAME)?
            .1;
        let sessions = self.sessions.lock().await;
        sessions.iter().find(|visitor| visitor.cookie == cookie).cloned()
    }

    async fn forget(&self, gone: &Visitor) {
        let mut sessions = self.sessions.lock().await;
        sessions.retain(|visitor| visitor.cookie != gone.cookie);
    }

    fn page(&self, visitor: &Visitor, ticket: &Value) -> Response<Body> {
        let player = |(uid, name): &(Uid, String)| json!({"uid": uid.to_string(), "name": name});
        let me = self.players.iter().find(|(uid, _)| *uid == visitor.uid);
        let me = me.map_or_else(|| json!({"uid": visitor.uid.to_string(), "name": "you"}), player);
        let others: Vec<Value> = self
            .players
            .iter()
            .filter(|(uid, _)| *uid != visitor.uid)
            .map(player)
            .collect();
        let table = json!({"me": me, "others": others});
        let page = PAGE
            .replace("{{crier}}", &self.public_url)
            .replace("{{table}}", &in_script(&table))
            .replace("{{ticket}}", &in_script(ticket));
        let mut response = answer(HTML, page);
        self.guard(&mut response);
        response
    }

    /// The page may load its own files and the server's script, and connect to the server; nothing else.
    fn guard(&self, response: &mut Response<Body>) {
        let crier = url::Url::parse(&self.public_url)
            .map_or_else(|_| String::new(), |url| url.origin().ascii_serialization());
        let socket = crier.replacen("http", "ws", 1);
        let policy = format!(
            "default-src 'none'; script-src 'self' {crier}; style-src 'self'; img-src 'self' data:; \
             connect-src 'self' {crier} {socket}; base-uri 'none'; form-action 'none'; frame-ancestors {crier} {}",
            self.origin
        );
        set(response, CONTENT_SECURITY_POLICY, &policy);
    }
}

/// JSON that can stand inside a script element.
fn in_script(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::clock::SystemClock;
    use http::Request;
    use tower::ServiceExt;

    fn game() -> Game {
        Game {
            public_url: "http://127.0.0.1:8420".to_owned(),
            origin: "http://localhost:8422".to_owned(),
            keys: Keys {
                api_key: Some("0123456789abcdef0123456789abcdef".to_owned()),
                ..Keys::default()
            },
            clock: Arc::new(SystemClock::start()),
            players: Vec::new(),
            sessions: Mutex::default(),
            sessions_max: 2,
            metrics: ServerMetrics::default(),
        }
    }

    async fn asked(path: &str) -> Response<Body> {
        let request = Request::get(path)
            .header(COOKIE, "a=b; rochambeau=unknown")
            .body(Body::empty())
            .expect("a request");
        match router(game()).oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    #[tokio::test]
    async fn a_browser_without_a_session_is_sent_to_the_login_and_gets_no_ticket() {
        let response = asked(GAME_PATH).await;
        assert_eq!(response.status(), StatusCode::FOUND);
        assert_eq!(
            response.headers()[LOCATION],
            "http://127.0.0.1:8420/login.php?api_key=0123456789abcdef0123456789abcdef&v=1.0"
        );
        let response = asked("/demo/rochambeau/ticket").await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn other_applications_have_a_plain_page_and_names_that_are_none_do_not() {
        let response = asked("/demo/night-sky/").await;
        assert_eq!(response.status(), StatusCode::OK);
        let policy = response.headers()[CONTENT_SECURITY_POLICY]
            .to_str()
            .expect("text");
        assert!(
            policy.contains("connect-src 'self' http://127.0.0.1:8420 ws://127.0.0.1:8420;"),
            "{policy}"
        );
        for path in ["/demo/%3Cb%3E/", "/demo/Night/"] {
            assert_eq!(asked(path).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[tokio::test]
    async fn sessions_max_of_the_demo_forgets_the_oldest_and_counts_it() {
        let game = game();
        let headers = |cookie: &str| {
            let value = HeaderValue::from_str(&format!("{COOKIE_NAME}={cookie}")).unwrap();
            HeaderMap::from_iter([(COOKIE, value)])
        };
        for cookie in ["one", "two", "three"] {
            let visitor = Visitor {
                cookie: cookie.to_owned(),
                session_key: String::new(),
                uid: Uid::new(1).unwrap(),
            };
            game.remember(visitor).await;
        }
        let mut known = Vec::new();
        for cookie in ["one", "two", "three"] {
            known.push(game.visitor(&headers(cookie)).await.is_some());
        }
        assert_eq!(known, [false, true, true]);
        assert_eq!(game.metrics.times_met(Bound::DemoSessions), 1);
    }

    #[test]
    fn json_in_a_script_element_cannot_end_it() {
        assert_eq!(
            in_script(&json!({"a": "</script>"})),
            "{\"a\":\"\\u003c/script>\"}"
        );
    }

    #[test]
    fn the_page_has_a_place_for_everything_that_is_put_into_it() {
        for place in ["{{crier}}", "{{table}}", "{{ticket}}"] {
            assert!(PAGE.contains(place), "{place}");
        }
    }
}
