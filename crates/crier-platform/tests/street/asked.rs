//! Calls as a period client makes them, and what their answers say.
#![expect(clippy::panic, reason = "a helper of tests that cannot go on says why")]

use crier_platform::dispatch::Answer;
use crier_platform::model::app::App;
use crier_platform::model::session::Session;
use crier_proto::call::{Body, RequestParts, Verb};
use crier_proto::pairs::Pair;
use crier_proto::secret::Secret;
use crier_proto::signature::{canonical_text_v2, sign_v1, sign_v2, signed_text_v1};
use std::net::IpAddr;

/// A call under construction: pairs in the order of their making.
#[derive(Clone)]
pub(crate) struct Call {
    pairs: Vec<Pair>,
    secret: Secret,
    pub(crate) source: IpAddr,
}

impl Call {
    /// A call of nothing by nobody, whose signature is given.
    pub(crate) fn empty() -> Self {
        Self {
            pairs: Vec::new(),
            secret: Secret::new(""),
            source: IpAddr::from([127, 0, 0, 1]),
        }
    }

    /// A call of `method` without a session, answered in JSON.
    pub(crate) fn of(app: &App, method: &str) -> Self {
        Self {
            pairs: Vec::new(),
            secret: app.secret.clone(),
            source: IpAddr::from([127, 0, 0, 1]),
        }
        .with("method", method)
        .with("api_key", app.api_key.as_str())
        .with("v", "1.0")
        .with("format", "json")
    }

    /// A call of `method` with a session and a `call_id`.
    pub(crate) fn acting(app: &App, session: &Session, method: &str, call_id: &str) -> Self {
        Self::of(app, method)
            .with("session_key", session.key.as_str())
            .with("call_id", call_id)
    }

    /// Sets a parameter, replacing it if it is there.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        match self.pairs.iter_mut().find(|pair| &*pair.name == name) {
            Some(pair) => pair.value = value.into(),
            None => self.pairs.push(Pair {
                name: name.into(),
                value: value.into(),
            }),
        }
        self
    }

    /// Takes a parameter away.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.pairs.retain(|pair| &*pair.name != name);
        self
    }

    /// Signs with another secret.
    pub(crate) fn secret(mut self, secret: &Secret) -> Self {
        self.secret = secret.clone();
        self
    }

    /// Comes from another address.
    pub(crate) fn from(mut self, source: &str) -> Self {
        self.source = source.parse().expect(source);
        self
    }

    /// Signed by version 1.
    pub(crate) fn signed(self) -> RequestParts {
        let sig = sign_v1(&signed_text_v1(&self.pairs), &self.secret);
        self.with("sig", &sig).unsigned()
    }

    /// Signed by version 2 at this Unix time.
    pub(crate) fn signed_v2(self, ts: i64) -> RequestParts {
        let call = self.with("sig_version", "2").with("ts", &ts.to_string());
        let text = canonical_text_v2(Verb::Post, "/restserver.php", &call.pairs);
        let sig = sign_v2(&text, &call.secret);
        call.with("sig", &sig).unsigned()
    }

    /// As it stands.
    pub(crate) fn unsigned(self) -> RequestParts {
        let escaped = |text: &str| -> String {
            text.bytes()
                .map(|byte| match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
                    other => format!("%{other:02X}"),
                })
                .collect()
        };
        let body: Vec<String> = self
            .pairs
            .iter()
            .map(|pair| format!("{}={}", escaped(&pair.name), escaped(&pair.value)))
            .collect();
        RequestParts {
            verb: "POST".into(),
            path: "/restserver.php".into(),
            query: Vec::new(),
            body: Body::Urlencoded(body.join("&").into_bytes()),
            source: self.source,
        }
    }
}

/// What an answer's JSON says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    /// A success.
    Value(serde_json::Value),
    /// An error: number and message.
    Error(u64, String),
}

impl Said {
    /// The error's number, 0 for a success.
    pub(crate) fn code(&self) -> u64 {
        match self {
            Self::Value(_) => 0,
            Self::Error(code, _) => *code,
        }
    }

    /// The error's cause: what follows the constant.
    pub(crate) fn cause(&self) -> &str {
        match self {
            Self::Value(_) => "",
            Self::Error(_, message) => message.split_once(": ").map_or("", |(_constant, cause)| cause),
        }
    }

    /// The value of a success.
    pub(crate) fn value(self) -> serde_json::Value {
        match self {
            Self::Value(value) => value,
            Self::Error(code, message) => panic!("a success, not {code} {message}"),
        }
    }
}

/// Reads an answer.
pub(crate) fn said(answer: &Answer) -> Said {
    let body = std::str::from_utf8(&answer.rendered.body).expect("answers are UTF-8");
    let json: serde_json::Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("JSON, not {body}"));
    let said = match json.get("error_code").and_then(serde_json::Value::as_u64) {
        Some(code) => Said::Error(code, json["error_msg"].as_str().expect("a message").to_owned()),
        None => Said::Value(json),
    };
    assert_eq!(
        answer.error.map_or(0, |code| u64::from(code.number())),
        said.code()
    );
    said
}
