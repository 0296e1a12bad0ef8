//! The signing client behind `crier call`, `crier listen` and the demo: an ordinary caller that knows only the public doors.
//!
//! Promise: what it sends is what the wire contract asks of any caller (protocol sections 4, 6, 8). It speaks `http://` alone and
//! is the one place of this crate that opens outbound connections, to the address that its user named.

use bytes::Bytes;
use crier_platform::ports::clock::Clock;
use crier_proto::call::Verb;
use crier_proto::digest::{lower_hex, sha256};
use crier_proto::pairs::Pair;
use crier_proto::secret::Secret;
use crier_proto::signature::{canonical_text_v2, sign_v1, sign_v2, signed_text_v1};
use http::header::{CONTENT_TYPE, HOST};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpStream;
use url::Url;

/// Answers longer than this are not read.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// Milliseconds until an answer must be there.
const ANSWER_DEADLINE_MS: u64 = 30_000;

/// The keys of a caller, as a profile holds them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// Public address of the server.
    pub url: Option<String>,
    /// The application's key.
    pub api_key: Option<String>,
    /// The secret that signs: the application's, or the session's with `ss=1` and for desktop applications.
    pub secret: Option<String>,
    /// The session, for methods that need one.
    pub session_key: Option<String>,
}

impl Keys {
    /// These keys, the missing ones taken from others.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            url: self.url.or(others.url),
            api_key: self.api_key.or(others.api_key),
            secret: self.secret.or(others.secret),
            session_key: self.session_key.or(others.session_key),
        }
    }

    /// The profile of this name in a file of profiles: a TOML section for each, with `url`, `api_key`, `secret`, `session_key`.
    ///
    /// # Errors
    /// One sentence naming the file, or the profiles that it has.
    pub fn of_profile(file: &Path, name: &str) -> Result<Self, ClientError> {
        let shown = file.display();
        let text = std::fs::read_to_string(file)
            .map_err(|why| ClientError::Asked(format!("cannot read the profiles in {shown}: {why}")))?;
        let mut profiles: BTreeMap<String, Self> = toml::from_str(&text)
            .map_err(|why| ClientError::Asked(format!("{shown} holds no profiles: {}", why.message())))?;
        let known: Vec<String> = profiles.keys().cloned().collect();
        profiles.remove(name).ok_or_else(|| {
            ClientError::Asked(format!(
                "{shown} has no profile {name}; it has: {}",
                known.join(", ")
            ))
        })
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// What was asked cannot be done; the sentence says why.
    #[error("{0}")]
    Asked(String),
    /// Nothing answered.
    #[error("{0}")]
    Silent(String),
}

/// One call to be made.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// The method.
    pub method: String,
    /// Further parameters; a name of the client's own (`call_id`, `v`, …) replaces its value.
    pub parameters: Vec<(String, String)>,
    /// A file part.
    pub file: Option<Vec<u8>>,
}

/// Which signature (protocol sections 6 and 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigVersion {
    /// MD5.
    One,
    /// HMAC-SHA-256.
    Two,
}

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status; 200, 413 or 503 from a REST door.
    pub status: StatusCode,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// Whether it is an error document, in either format, wrapped or not.
    #[must_use]
    pub fn is_error(&self) -> bool {
        let holds = |mark: &[u8]| {
            self.body
                .windows(mark.len())
                .take(256)
                .any(|window| window == mark)
        };
        holds(b"{\"error_code\":") || holds(b"<error_response ") || holds(b"u003cerror_response ")
    }

    /// Whether it comes from a REST door at all: a document, with one of that door's statuses.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        self.is_error() || self.status == StatusCode::OK
    }
}

/// A caller of one server with one set of keys.
pub struct Client {
    url: Url,
    api_key: String,
    secret: Secret,
    session_key: Option<String>,
    version: SigVersion,
    clock: Arc<dyn Clock>,
    turn: AtomicU64,
}

/// Path of the REST door below the base path.
const REST_DOOR: &str = "/restserver.php";

impl Client {
    /// A caller with these keys; the address defaults to the server's own default.
    ///
    /// # Errors
    /// One sentence naming the key that is missing or the address that cannot be used.
    pub fn new(keys: Keys, version: SigVersion, clock: Arc<dyn Clock>) -> Result<Self, ClientError> {
        let asked = |text: &str| ClientError::Asked(text.to_owned());
        let url = keys.url.unwrap_or_else(|| "http://127.0.0.1:8420".into());
        let mut url =
            Url::parse(&url).map_err(|why| ClientError::Asked(format!("{url} is no URL: {why}")))?;
        // The address that clients of 2008 are configured with means the server it belongs to.
        if let Some(base) = url.path().strip_suffix(REST_DOOR).map(str::to_owned) {
            url.set_path(&base);
        }
        if url.scheme() != "http" || url.host_str().is_none() {
            return Err(asked(
                "this client speaks http:// alone: name the address behind the proxy with --url",
            ));
        }
        Ok(Self {
            url,
            api_key: keys
                .api_key
                .ok_or_else(|| asked("name the application with --api-key, or keys with --as"))?,
            secret: keys
                .secret
                .map(Secret::new)
                .ok_or_else(|| asked("give the secret that signs with --secret, or keys with --as"))?,
            session_key: keys.session_key,
            version,
            clock,
            turn: AtomicU64::new(0),
        })
    }

    /// The server's address.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The application's key.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// Path of the REST door: base path and `/restserver.php`.
    fn path(&self) -> String {
        format!("{}{REST_DOOR}", self.url.path().trim_end_matches('/'))
    }

    /// The signed pairs of a call, `sig` last.
    #[must_use]
    pub fn signed(&self, order: &Order) -> Vec<(String, String)> {
        let now = self.clock.wall_raw();
        let mut pairs: Vec<(String, String)> = vec![
            ("method".into(), order.method.clone()),
            ("api_key".into(), self.api_key.clone()),
            ("v".into(), "1.0".into()),
        ];
        if let Some(session_key) = &self.session_key {
            pairs.push(("session_key".into(), session_key.clone()));
            // Milliseconds, then a count: two calls of one millisecond rise too.
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % 10_000;
            let call_id = format!("{}.{:03}{turn:04}", now.secs(), now.0.rem_euclid(1000));
            pairs.push(("call_id".into(), call_id));
        }
        if self.version == SigVersion::Two {
            pairs.push(("sig_version".into(), "2".into()));
            pairs.push(("ts".into(), now.secs().to_string()));
            if let Some(file) = &order.file {
                pairs.push(("file_sha256".into(), lower_hex(&sha256(&[file]))));
            }
        }
        for (name, value) in &order.parameters {
            match pairs.iter_mut().find(|(known, _)| known == name) {
                Some((_, slot)) => slot.clone_from(value),
                None => pairs.push((name.clone(), value.clone())),
            }
        }
        let as_pair = |(name, value): &(String, String)| Pair {
            name: name.as_str().into(),
            value: value.as_str().into(),
        };
        let signing: Vec<Pair> = pairs.iter().map(as_pair).collect();
        let sig = match self.version {
            SigVersion::One => sign_v1(&signed_text_v1(&signing), &self.secret),
            SigVersion::Two => sign_v2(
                &canonical_text_v2(Verb::Post, &self.path(), &signing),
                &self.secret,
            ),
        };
        // A `sig` that the user gives is sent as it is: it shows what a wrong one is answered with.
        if !pairs.iter().any(|(name, _)| name == "sig") {
            pairs.push(("sig".into(), sig));
        }
        pairs
    }

    /// Signs, sends, waits for the answer.
    ///
    /// # Errors
    /// `Silent` when nothing answered in time.
    pub async fn call(&self, order: &Order) -> Result<Answer, ClientError> {
        let pairs = self.signed(order);
        let (media_type, body) = match &order.file {
            None => {
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                form.extend_pairs(&pairs);
                (
                    "application/x-www-form-urlencoded".to_owned(),
                    form.finish().into_bytes(),
                )
            }
            Some(file) => multipart(&pairs, file),
        };
        let request = Request::post(self.path())
            .header(HOST, self.authority())
            .header(CONTENT_TYPE, media_type)
            .body(Full::new(Bytes::from(body)))
            .map_err(|why| ClientError::Asked(format!("the request cannot be written: {why}")))?;
        let until = self.clock.elapsed().plus_ms(ANSWER_DEADLINE_MS);
        tokio::select! {
            answer = self.exchange(request) => answer,
            () = self.clock.sleep_until(until) => Err(self.silent("no answer within 30 s")),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, ClientError> {
        let stream = self.connect().await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|why| self.silent(&why.to_string()))?;
        let answered = async {
            let response = sender.send_request(request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
                .collect()
                .await?;
            let body = body.to_bytes();
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(Answer { status, body })
        };
        // The connection ends by itself when the answer is whole; until then both go on together.
        tokio::pin!(connection);
        tokio::pin!(answered);
        let answer = tokio::select! {
            answer = &mut answered => answer,
            ended = &mut connection => match ended {
                Ok(()) => answered.await,
                Err(why) => Err(why.into()),
            },
        };
        answer.map_err(|why| self.silent(&why.to_string()))
    }

    /// A connection to the server.
    ///
    /// # Errors
    /// `Silent` when nobody listens there.
    pub async fn connect(&self) -> Result<TcpStream, ClientError> {
        TcpStream::connect(self.authority())
            .await
            .map_err(|why| self.silent(&why.to_string()))
    }

    /// Host and port, as the `Host` header has them.
    #[must_use]
    pub fn authority(&self) -> String {
        let port = self.url.port_or_known_default().unwrap_or(80);
        format!("{}:{port}", self.url.host_str().unwrap_or_default())
    }

    fn silent(&self, why: &str) -> ClientError {
        ClientError::Silent(format!("nothing answered at {}: {why}", self.url))
    }
}

/// The pairs and one file as a multipart body; the boundary is made of the bytes themselves, so that it is not among them.
fn multipart(pairs: &[(String, String)], file: &[u8]) -> (String, Vec<u8>) {
    let text: Vec<&[u8]> = pairs
        .iter()
        .map(|(_, value)| value.as_bytes())
        .chain([file])
        .collect();
    let boundary = format!("crier-{}", lower_hex(&sha256(&text)));
    let mut body = Vec::new();
    for (name, value) in pairs {
        let head =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(head.as_bytes());
    }
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; filename=\"file\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(file);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::clock::SystemClock;

    const K: &str = "0123456789abcdef0123456789abcdef";

    fn client(version: SigVersion, url: &str) -> Result<Client, ClientError> {
        let keys = Keys {
            url: Some(url.into()),
            api_key: Some(K.into()),
            secret: Some("fedcba9876543210fedcba9876543210".into()),
            session_key: Some("acacbdbd010123237878dede-1240077".into()),
        };
        Client::new(keys, version, Arc::new(SystemClock::start()))
    }

    #[test]
    fn the_address_of_the_rest_door_names_its_server_too() {
        for (given, path) in [
            ("http://h:1", "/restserver.php"),
            ("http://h:1/restserver.php", "/restserver.php"),
            ("http://h:1/crier/restserver.php", "/crier/restserver.php"),
        ] {
            assert_eq!(client(SigVersion::Two, given).unwrap().path(), path, "{given}");
        }
    }

    fn order(parameters: &[(&str, &str)]) -> Order {
        Order {
            method: "liveMessage.send".into(),
            parameters: parameters
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
            file: None,
        }
    }

    #[test]
    fn version_one_signs_the_published_example() {
        let pairs = client(SigVersion::One, "http://127.0.0.1:1")
            .unwrap()
            .signed(&order(&[
                ("call_id", "1217611234.5678"),
                ("recipient", "563683308"),
                ("event_name", "rochambeau"),
                ("message", "{\"message\":\"Let's start a game.\"}"),
            ]));
        assert_eq!(
            pairs.last().unwrap(),
            &("sig".into(), "e7968ff3117ca3c913afb583328cc65e".into())
        );
    }

    #[test]
    fn version_two_signs_the_published_example() {
        let pairs = client(SigVersion::Two, "http://127.0.0.1:1")
            .unwrap()
            .signed(&order(&[
                ("call_id", "1795290600.1"),
                ("ts", "1795290600"),
                ("recipient", "563683308"),
                ("event_name", "rochambeau"),
                ("message", "{\"message\":\"Let's start a game.\"}"),
            ]));
        let sig = "c6473d4fe5949a8d8aaf03048af29007c3994d0bd324684c33c6afe5479efe41";
        assert_eq!(pairs.last().unwrap(), &("sig".into(), sig.into()));
    }

    #[test]
    fn addresses_that_this_client_cannot_speak_to_are_refused() {
        for bad in ["https://host/", "host", "ftp://host/"] {
            assert!(
                matches!(client(SigVersion::Two, bad), Err(ClientError::Asked(_))),
                "{bad}"
            );
        }
        assert_eq!(
            client(SigVersion::Two, "http://h/crier/").unwrap().path(),
            "/crier/restserver.php"
        );
    }

    #[test]
    fn error_documents_are_told_from_answers_in_every_wrapping() {
        let is_error = |body: &'static str| {
            Answer {
                status: StatusCode::OK,
                body: Bytes::from_static(body.as_bytes()),
            }
            .is_error()
        };
        assert!(is_error("{\"error_code\":104,"));
        assert!(is_error("/**/f({\"error_code\":104,"));
        assert!(is_error(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<error_response xmlns="
        ));
        assert!(is_error(
            "/**/f('\\u003c?xml version=\\\"1.0\\\" encoding=\\\"UTF-8\\\"?\\u003e\\n\\u003cerror_response xmlns"
        ));
        assert!(!is_error("true"));
        assert!(!is_error("<liveMessage_send_response xmlns="));
    }

    #[test]
    fn a_profile_is_found_by_name_and_an_unknown_one_names_those_there_are() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("profiles.toml");
        std::fs::write(&file, format!("[demo]\napi_key = \"{K}\"\n[other]\n")).unwrap();
        assert_eq!(
            Keys::of_profile(&file, "demo").unwrap().api_key.as_deref(),
            Some(K)
        );
        let refusal = Keys::of_profile(&file, "nobody").unwrap_err().to_string();
        assert!(
            refusal.ends_with("has no profile nobody; it has: demo, other"),
            "{refusal}"
        );
    }
}
