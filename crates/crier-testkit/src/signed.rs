//! A caller that signs as the pages say (protocol sections 6 and 8), by either version and over every carrier.

use crate::raw::{Answer, RawClient};
use crier_proto::call::Verb;
use crier_proto::pairs::Pair;
use crier_proto::secret::Secret;
use crier_proto::signature::{canonical_text_v2, sign_v1, sign_v2, signed_text_v1};
use std::fmt::Write;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

/// How parameters travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// In the query of a GET.
    Get,
    /// Urlencoded in the body of a POST.
    Post,
    /// As parts of a multipart POST.
    Multipart,
}

/// How a call is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// Version 1.
    Md5,
    /// Version 2 with this `ts`, Unix seconds.
    Hmac(i64),
}

/// The boundary of our multipart bodies.
const BOUNDARY: &str = "crier-testkit-boundary";

/// One application's caller, perhaps with a session. `call_id` rises by one with each call.
pub struct SignedClient {
    address: SocketAddr,
    path: String,
    api_key: String,
    secret: Secret,
    session_key: Option<String>,
    carrier: Carrier,
    signing: Signing,
    call_id: AtomicU64,
}

impl SignedClient {
    /// A caller without a session that posts urlencoded, version 1.
    #[must_use]
    pub fn new(address: SocketAddr, api_key: &str, secret: &str) -> Self {
        Self {
            address,
            path: "/restserver.php".to_owned(),
            api_key: api_key.to_owned(),
            secret: Secret::new(secret),
            session_key: None,
            carrier: Carrier::Post,
            signing: Signing::Md5,
            call_id: AtomicU64::new(1),
        }
    }

    /// With a session: its calls carry `session_key` and a `call_id`.
    #[must_use]
    pub fn with_session(mut self, session_key: &str) -> Self {
        self.session_key = Some(session_key.to_owned());
        self
    }

    /// Signing with another secret.
    #[must_use]
    pub fn with_secret(mut self, secret: &str) -> Self {
        self.secret = Secret::new(secret);
        self
    }

    /// Over another carrier.
    #[must_use]
    pub fn over(mut self, carrier: Carrier) -> Self {
        self.carrier = carrier;
        self
    }

    /// In another version.
    #[must_use]
    pub fn signing(mut self, signing: Signing) -> Self {
        self.signing = signing;
        self
    }

    /// At another path: base path and `/restserver.php`.
    #[must_use]
    pub fn at_path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// The next call's `call_id`.
    #[must_use]
    pub fn from_call_id(self, next: u64) -> Self {
        self.call_id.store(next, Ordering::Relaxed);
        self
    }

    /// The signed pairs of a call. What `params` names is not added a second time; an empty value stays.
    #[must_use]
    pub fn pairs(&self, method: &str, params: &[(&str, &str)]) -> Vec<Pair> {
        let mut pairs: Vec<Pair> = params.iter().map(|(name, value)| pair(name, value)).collect();
        let mut add = |name: &str, value: &str| {
            if !params.iter().any(|(given, _)| *given == name) {
                pairs.push(pair(name, value));
            }
        };
        add("method", method);
        add("api_key", &self.api_key);
        add("v", "1.0");
        if let Some(session_key) = &self.session_key {
            add("session_key", session_key);
            add(
                "call_id",
                &self.call_id.fetch_add(1, Ordering::Relaxed).to_string(),
            );
        }
        if let Signing::Hmac(ts) = self.signing {
            add("sig_version", "2");
            add("ts", &ts.to_string());
        }
        let sig = match self.signing {
            Signing::Md5 => sign_v1(&signed_text_v1(&pairs), &self.secret),
            Signing::Hmac(_) => sign_v2(&canonical_text_v2(self.verb(), &self.path, &pairs), &self.secret),
        };
        if !params.iter().any(|(given, _)| *given == "sig") {
            pairs.push(pair("sig", &sig));
        }
        pairs
    }

    fn verb(&self) -> Verb {
        match self.carrier {
            Carrier::Get => Verb::Get,
            Carrier::Post | Carrier::Multipart => Verb::Post,
        }
    }

    /// The bytes of a request that carries these pairs.
    #[must_use]
    pub fn request(&self, pairs: &[Pair]) -> Vec<u8> {
        let (path, host) = (&self.path, self.address);
        match self.carrier {
            Carrier::Get => format!(
                "GET {path}?{} HTTP/1.1\r\nHost: {host}\r\n\r\n",
                urlencoded(pairs)
            )
            .into_bytes(),
            Carrier::Post => posted(
                path,
                host,
                "application/x-www-form-urlencoded",
                &urlencoded(pairs),
            ),
            Carrier::Multipart => {
                let media_type = format!("multipart/form-data; boundary={BOUNDARY}");
                posted(path, host, &media_type, &multipart(pairs))
            }
        }
    }

    /// Makes a signed call on a connection of its own.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn call(&self, method: &str, params: &[(&str, &str)]) -> io::Result<Answer> {
        let request = self.request(&self.pairs(method, params));
        RawClient::exchange(self.address, &request).await
    }
}

fn pair(name: &str, value: &str) -> Pair {
    Pair {
        name: name.into(),
        value: value.into(),
    }
}

fn posted(path: &str, host: SocketAddr, media_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// Pairs as `application/x-www-form-urlencoded`, every byte but letters and digits escaped.
#[must_use]
pub fn urlencoded(pairs: &[Pair]) -> String {
    let mut out = String::new();
    for Pair { name, value } in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(name);
        out.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() {
                out.push(char::from(byte));
            } else {
                // Writing to a string cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

fn multipart(pairs: &[Pair]) -> String {
    let part = |Pair { name, value }: &Pair| {
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let parts: String = pairs.iter().map(part).collect();
    format!("{parts}--{BOUNDARY}--\r\n")
}
