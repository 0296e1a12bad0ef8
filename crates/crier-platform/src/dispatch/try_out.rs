//! A call that an application's developer makes from its test page: signed here, since the secret must not reach the page; then
//! the same street as any call, and one outcome rendered in every way.

use super::{Dispatcher, Success};
use crate::call_log::Origin;
use crate::model::app::App;
use crate::model::session::Session;
use crate::model::time::WallMs;
use crate::unit::Halt;
use crate::verify::secrets_of;
use crier_proto::call::{Body, Part, RawCall, RequestParts, Verb};
use crier_proto::digest::{lower_hex, sha256};
use crier_proto::error::Refusal;
use crier_proto::mistake::Form;
use crier_proto::multipart::Split;
use crier_proto::pairs::{Pair, urlencoded};
use crier_proto::render::jsonp::Callback;
use crier_proto::render::{self, Format, Rendered, Style};
use crier_proto::signature::{Version, sign_v1, sign_v2};
use std::net::IpAddr;
use std::sync::Arc;

/// Path of the REST door below the base path.
const REST_DOOR: &str = "/restserver.php";
/// The function of the JSONP rendering where the call names none.
const CALLBACK: &str = "callback";

/// A call to be made.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Whose secret signs, as protocol 6.2 says.
    pub app: Arc<App>,
    /// The session that it carries, if any.
    pub session: Option<Arc<Session>>,
    /// Signed with the session secret: adds `ss=1`.
    pub ss: bool,
    /// In which version.
    pub version: Version,
    /// By GET or POST; a file goes by POST.
    pub verb: Verb,
    /// The method as it shall be spelled.
    pub method: String,
    /// Further parameters in their order; those that are made here (`call_id`, `ts`, `v`, …) are replaced by what stands here.
    pub parameters: Vec<(String, String)>,
    /// A file part.
    pub file: Option<Vec<u8>>,
    /// From where it comes.
    pub source: IpAddr,
}

/// What became of it.
#[derive(Debug)]
pub struct TriedOut {
    /// By GET or POST.
    pub verb: Verb,
    /// The path of the REST door.
    pub path: String,
    /// What was sent, `sig` last.
    pub pairs: Vec<Pair>,
    /// The text that was signed; for version 1 the secret follows it.
    pub text: String,
    /// The session secret signed it, not the application's.
    pub by_session: bool,
    /// The signature.
    pub sig: String,
    /// Bytes of the file part.
    pub file_bytes: Option<usize>,
    /// Milliseconds until the answer.
    pub took_ms: u64,
    /// Why it was refused, if it was.
    pub refusal: Option<Refusal>,
    /// Its place in the application's log; nothing for a request whose shape is wrong.
    pub number: Option<u64>,
    /// The one outcome in XML, in JSON, and in JSON for a page's script element.
    pub answers: [Rendered; 3],
}

impl Dispatcher {
    /// Makes the call. It is a call like any other: it spends what a call spends and does what it does.
    pub async fn try_out(&self, trial: Trial) -> TriedOut {
        let now = self.ports.clock.wall();
        let path = format!("{}{REST_DOOR}", self.own_pages.base_path());
        let verb = if trial.file.is_some() {
            Verb::Post
        } else {
            trial.verb
        };
        let mut pairs = unsigned(&trial, (now, self.ports.clock.elapsed().0));
        let form = Form {
            version: trial.version,
            verb,
            path: &path,
        };
        let text = form.text(&pairs);
        let session = trial.session.as_deref();
        let secrets = secrets_of(&trial.app, session, trial.ss, now);
        // Without a session there is nobody's secret to sign with `ss`: the call is refused before its signature is looked at.
        let secret = secrets.right.first().map_or(&trial.app.secret, |secret| *secret);
        let sig = match trial.version {
            Version::Md5 => sign_v1(&text, secret),
            Version::Hmac => sign_v2(&text, secret),
        };
        pairs.push(Pair {
            name: "sig".into(),
            value: sig.as_str().into(),
        });
        let request = request((verb, &path), &pairs, &trial);
        let began = self.ports.clock.elapsed();
        let (acted, style, number) = self.tried(request).await;
        let took_ms = self.ports.clock.elapsed().0.saturating_sub(began.0);
        TriedOut {
            verb,
            by_session: session.is_some_and(|session| secret.matches(session.secret.expose())),
            file_bytes: trial.file.as_ref().map(Vec::len),
            text,
            sig,
            took_ms,
            refusal: acted.as_ref().err().map(|halt| halt.refusal().into_owned()),
            number,
            answers: in_every_way(&style, &acted, &pairs),
            path: path.clone(),
            pairs,
        }
    }

    async fn tried(&self, request: RequestParts) -> (Result<Success, Halt>, Style, Option<u64>) {
        match RawCall::read(request) {
            Ok(raw) => {
                let concluded = self.conclude(&raw, Origin::TestPage).await;
                (concluded.acted, raw.style(true), concluded.number)
            }
            Err(shape) => (Err(Halt::Refused(shape.refusal)), Style::bare(shape.format), None),
        }
    }
}

/// Every pair but `sig`.
fn unsigned(trial: &Trial, (now, elapsed_ms): (WallMs, u64)) -> Vec<Pair> {
    let mut pairs: Vec<(String, String)> = vec![
        ("method".into(), trial.method.clone()),
        ("api_key".into(), trial.app.api_key.to_string()),
        ("v".into(), "1.0".into()),
    ];
    if let Some(session) = &trial.session {
        pairs.push(("session_key".into(), session.key.to_string()));
        // Seconds with decimals, as the seed page suggests; the stopwatch lets two calls of one millisecond rise too.
        let call_id = format!(
            "{}.{:03}{:04}",
            now.secs(),
            now.0.rem_euclid(1000),
            elapsed_ms % 10_000
        );
        pairs.push(("call_id".into(), call_id));
    }
    if trial.ss {
        pairs.push(("ss".into(), "1".into()));
    }
    if trial.version == Version::Hmac {
        pairs.push(("sig_version".into(), "2".into()));
        pairs.push(("ts".into(), now.secs().to_string()));
        if let Some(file) = &trial.file {
            pairs.push(("file_sha256".into(), lower_hex(&sha256(&[file]))));
        }
    }
    for (name, value) in &trial.parameters {
        match pairs.iter_mut().find(|(known, _)| known == name) {
            Some((_, slot)) => slot.clone_from(value),
            None => pairs.push((name.clone(), value.clone())),
        }
    }
    let pairs = pairs.into_iter().map(|(name, value)| Pair {
        name: name.into(),
        value: value.into(),
    });
    pairs.collect()
}

/// The request as the HTTP edge would hand it over.
fn request((verb, path): (Verb, &str), pairs: &[Pair], trial: &Trial) -> RequestParts {
    let encoded = || urlencoded(pairs).into_bytes();
    let (query, body) = match (verb, &trial.file) {
        (_, Some(file)) => {
            let parts = parts(pairs, file);
            (
                Vec::new(),
                Body::Multipart(Split {
                    parts,
                    is_whole: true,
                }),
            )
        }
        (Verb::Get, None) => (encoded(), Body::Empty),
        (Verb::Post, None) => (Vec::new(), Body::Urlencoded(encoded())),
    };
    RequestParts {
        verb: verb.as_str().to_owned(),
        path: path.to_owned(),
        query,
        body,
        source: trial.source,
    }
}

fn parts(pairs: &[Pair], file: &[u8]) -> Vec<Part> {
    let part = |disposition: String, body: &[u8]| Part {
        headers: vec![("Content-Disposition".to_owned(), disposition.into_bytes())],
        body: body.to_vec(),
    };
    let mut parts: Vec<Part> = pairs
        .iter()
        .map(|pair| {
            part(
                format!("form-data; name=\"{}\"", pair.name),
                pair.value.as_bytes(),
            )
        })
        .collect();
    parts.push(part("form-data; filename=\"file\"".to_owned(), file));
    parts
}

/// The outcome as XML, JSON and JSONP.
fn in_every_way(style: &Style, acted: &Result<Success, Halt>, pairs: &[Pair]) -> [Rendered; 3] {
    let callback = style.callback.clone().or_else(|| Callback::parse(CALLBACK));
    [
        (Format::Xml, None),
        (Format::Json, None),
        (Format::Json, callback),
    ]
    .map(|(format, callback)| {
        let style = Style {
            format,
            callback,
            root: style.root.clone(),
        };
        match acted {
            Ok(success) => render::success(&style, &success.reply),
            Err(halt) => render::error(&style, &halt.refusal(), pairs),
        }
    })
}
