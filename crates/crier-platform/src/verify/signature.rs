//! Step 8: who signed (seed: `sig`; protocol sections 6 and 8). The table of protocol 6.2 is here and nowhere else.

use super::session::Claimed;
use crate::model::app::{App, AppKind, SignatureSetting};
use crate::model::message::Via;
use crate::model::session::Session;
use crate::model::time::WallMs;
use crier_proto::call::RawCall;
use crier_proto::error::{Code, Refusal};
use crier_proto::mistake::Secrets;
use crier_proto::secret::Secret;
use crier_proto::signature::{Signed, Version, read_ts};

/// Seconds by which `ts` may differ from the clock, either way (protocol 8.4).
const TS_WINDOW_SECS: u64 = 300;

/// A signature that matches.
pub(super) struct Proof {
    /// The text that was signed.
    pub(super) signed: Signed,
    /// Whose secret signed it.
    pub(super) via: Via,
}

/// What the check needs beside the call.
pub(super) struct Context<'a> {
    /// The application.
    pub(super) app: &'a App,
    /// What is known of the session.
    pub(super) session: &'a Claimed,
    /// `ss`, as far as it is a bool.
    pub(super) ss: bool,
    /// The wall clock.
    pub(super) now: WallMs,
    /// The wall clock as the system gives it, for the window of version 2.
    pub(super) now_raw: WallMs,
}

/// Checks the signature. With a session that does not exist it does the same work with a secret that nobody has.
pub(super) fn check(raw: &RawCall, context: &Context<'_>) -> Result<Proof, Refusal> {
    let refuse = |cause: &'static str| Refusal::because(Code::IncorrectSignature, cause);
    let signed = Signed::of(raw).ok_or_else(|| refuse("sig_version must be 2 or absent"))?;
    let sig = raw.pairs().value("sig").ok_or_else(|| refuse("sig is missing"))?;
    match (signed.version, context.app.settings.signature) {
        (Version::Md5, SignatureSetting::Hmac) => {
            return Err(refuse("this application takes sig_version 2 alone"));
        }
        (Version::Hmac, SignatureSetting::Md5 | SignatureSetting::Hmac) => {
            in_window(raw.pairs().value("ts"), context.now_raw)?;
        }
        (Version::Md5, SignatureSetting::Md5) => {}
    }
    let via = signer(context.app.kind, context.session.is_carried(), context.ss);
    let matches = match via {
        Via::App => matches_app(&signed, sig, context),
        Via::User => match context.session.living() {
            Some(session) => signed.matches(sig, &session.secret),
            None => matches_nobody(&signed, sig),
        },
    };
    if matches {
        Ok(Proof { signed, via })
    } else {
        Err(Refusal::plain(Code::IncorrectSignature))
    }
}

/// The table of protocol 6.2; the combination without a session and with `ss` was refused in step 5.
fn signer(kind: AppKind, carried: bool, ss: bool) -> Via {
    match (kind, carried, ss) {
        (AppKind::Web, true, true) | (AppKind::Desktop, true, _) => Via::User,
        (AppKind::Web, true, false) | (AppKind::Web | AppKind::Desktop, false, _) => Via::App,
    }
}

/// All secrets of an application and a session, sorted by what this table says of them for a call that carries it: for whoever signs
/// a call here, and for explaining a wrong signature.
pub(crate) fn secrets_of<'a>(
    app: &'a App,
    session: Option<&'a Session>,
    ss: bool,
    now: WallMs,
) -> Secrets<'a> {
    let via = signer(app.kind, session.is_some(), ss);
    let of_session = session.map(|session| &session.secret);
    let previous = app.previous_secret.as_ref();
    let still = previous
        .filter(|(_, until)| now < *until)
        .map(|(secret, _)| secret);
    match via {
        Via::App => Secrets {
            right: [Some(&app.secret), still].into_iter().flatten().collect(),
            other: of_session,
            former: previous
                .filter(|(_, until)| now >= *until)
                .map(|(secret, _)| secret),
        },
        Via::User => Secrets {
            right: of_session.into_iter().collect(),
            other: Some(&app.secret),
            former: None,
        },
    }
}

/// The application's secret, or until its end the one before the last rotation.
fn matches_app(signed: &Signed, sig: &str, context: &Context<'_>) -> bool {
    if signed.matches(sig, &context.app.secret) {
        return true;
    }
    match &context.app.previous_secret {
        Some((secret, until)) if context.now < *until => signed.matches(sig, secret),
        Some(_) | None => false,
    }
}

/// The work of a comparison against a session that does not exist (protocol 11.1). Never true: the answer is thrown away.
fn matches_nobody(signed: &Signed, sig: &str) -> bool {
    let nobody = Secret::new("ffffffffffffffffffffffffffffffff__");
    std::hint::black_box(signed.matches(sig, &nobody));
    false
}

/// The window of version 2 (protocol 8.4).
fn in_window(ts: Option<&str>, now: WallMs) -> Result<(), Refusal> {
    let refuse = |cause: String| Refusal::because(Code::IncorrectSignature, cause);
    let text = ts.ok_or_else(|| refuse("ts is missing".into()))?;
    let ts = read_ts(text).ok_or_else(|| refuse("ts is malformed".into()))?;
    let off = now.secs().abs_diff(ts);
    if off <= TS_WINDOW_SECS {
        return Ok(());
    }
    let side = if ts < now.secs() { "behind" } else { "ahead of" };
    Err(refuse(format!(
        "ts is {off} s {side} the server, limit {TS_WINDOW_SECS}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(ts: Option<&str>) -> Result<(), Option<String>> {
        in_window(ts, WallMs(1_795_290_600_999)).map_err(|refusal| {
            assert_eq!(refusal.code(), Code::IncorrectSignature);
            refusal.cause().map(str::to_owned)
        })
    }

    #[test]
    fn ts_may_be_300_s_off_either_way_and_the_cause_says_by_how_much_it_is_more() {
        assert_eq!(judged(Some("1795290600")), Ok(()));
        assert_eq!(judged(Some("1795290300")), Ok(()));
        assert_eq!(judged(Some("1795290900")), Ok(()));
        assert_eq!(
            judged(Some("1795290299")),
            Err(Some("ts is 301 s behind the server, limit 300".into()))
        );
        assert_eq!(
            judged(Some("1795290901")),
            Err(Some("ts is 301 s ahead of the server, limit 300".into()))
        );
    }

    #[test]
    fn ts_is_up_to_twelve_digits() {
        assert_eq!(judged(None), Err(Some("ts is missing".into())));
        for text in [
            "x",
            "-1",
            "+1795290600",
            "1795290600.0",
            "0001795290600",
            " 1795290600",
        ] {
            assert_eq!(judged(Some(text)), Err(Some("ts is malformed".into())), "{text}");
        }
        assert_eq!(judged(Some("001795290600")), Ok(()));
    }

    #[test]
    fn the_secret_is_chosen_by_kind_session_and_ss() {
        let (carried, none) = (true, false);
        assert_eq!(signer(AppKind::Web, none, false), Via::App);
        assert_eq!(signer(AppKind::Web, carried, false), Via::App);
        assert_eq!(signer(AppKind::Web, carried, true), Via::User);
        assert_eq!(signer(AppKind::Desktop, none, false), Via::App);
        assert_eq!(signer(AppKind::Desktop, carried, false), Via::User);
        assert_eq!(signer(AppKind::Desktop, carried, true), Via::User);
    }
}
