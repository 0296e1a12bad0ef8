//! THE ORDER of checks (protocol section 11): one list, top to bottom. The first check that fails decides the code, and what
//! it spends is what its place in the list has reached.
//!
//! Knows nothing of what the method will do; step 13 is the method's own.

use super::{address, app, call_order, parameters, quota, session, signature};
use crate::faults::Fault;
use crate::methods::registry;
use crate::model::app::{App, CallIdSetting, Strictness};
use crate::model::message::Door;
use crate::model::session::Session;
use crate::model::time::WallMs;
use crate::ports::Ports;
use crate::ports::ledger::Charge;
use crate::ports::store::StoreFault;
use crate::verified::{Proven, VerifiedCall};
use crier_proto::call::RawCall;
use crier_proto::error::{Code, Refusal};
use crier_proto::ids::Uid;
use crier_proto::params::{self, MethodSpec, SessionNeed, read_bool};
use crier_proto::reading::{CallIdRule, one_reading_only};
use crier_proto::signature::Version;
use std::sync::Arc;

/// Proof that the whole list has been passed. Only this file can make one, and `item` for the list that it shortens.
pub(crate) struct Witness(pub(super) ());

/// What became known of a call on its way, for rendering its answer and for its log line.
#[derive(Default)]
pub(crate) struct Known {
    /// The application, once its key was known.
    pub(crate) app: Option<Arc<App>>,
    /// The session's user, once the signature has matched.
    pub(crate) user: Option<Uid>,
    /// The canonical method name, once `method` named a known one.
    pub(crate) method: Option<&'static str>,
    /// The session that its key names, if it lives: also of a call whose signature is wrong.
    pub(crate) session: Option<Arc<Session>>,
    /// The signature has matched.
    pub(crate) proved: bool,
}

/// Why a call goes no further.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It is refused, once what it has spent is settled; the ledger's own refusal precedes this one.
    Refused {
        /// Row and cause.
        refusal: Refusal,
        /// What its place in the order has reached.
        spent: Charge,
    },
    /// Something of ours failed.
    Fault(Fault),
}

impl Stop {
    /// A refusal before the signature matched: nothing is spent.
    pub(crate) fn unspent(refusal: Refusal) -> Self {
        Self::Refused {
            refusal,
            spent: Charge::default(),
        }
    }

    /// A refusal that spends this much.
    fn spending(charge: &Charge) -> impl Fn(Refusal) -> Self + '_ {
        |refusal| Self::Refused {
            refusal,
            spent: charge.clone(),
        }
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::unspent(refusal)
    }
}

impl From<StoreFault> for Stop {
    fn from(fault: StoreFault) -> Self {
        Self::Fault(fault.into())
    }
}

/// Runs steps 2 to 12 on a raw call (step 1 made it one).
///
/// # Errors
/// The first failing check and what it spends, or a fault.
pub(crate) async fn verify<'c>(
    ports: &Ports,
    raw: &'c RawCall,
    now: WallMs,
    known: &mut Known,
) -> Result<VerifiedCall<'c>, Stop> {
    let store = &*ports.store;
    let pairs = raw.pairs();
    let session_key = pairs.value("session_key");
    let ss = pairs.value("ss").and_then(read_bool).unwrap_or(false);

    // 2. Nobody's call: no limit, secret or setting is there to judge it by.
    let app = app::known(store, raw).await?;
    known.app = Some(Arc::clone(&app));
    // 3. A stolen secret is of no use elsewhere.
    address::permitted(&app, raw.source())?;
    // 4. An application that floods us costs no signature. A desktop session is looked up for it, since its quota is its own.
    let claimed = session::claimed(store, &app, session_key, now).await?;
    known.session = claimed.living().cloned();
    let quota = quota::charge(&app, claimed.living().map(|session| session.id));
    quota::not_known_spent(&*ports.ledger, quota)?;
    // 5. A secret of no session cannot sign.
    if ss && session_key.is_none() {
        return Err(Refusal::because(Code::InvalidSession, "ss needs a session_key").into());
    }
    // 6. Nothing is asked for.
    let spelled = pairs.value("method").ok_or(Refusal::plain(Code::UnknownMethod))?;
    let spec = params::lookup(spelled);
    known.method = spec.map(|spec| spec.name);
    // 7 and 8. Acting for nobody, or by nobody. Both are computed before either is told: the time taken says nothing about sessions.
    if session_key.is_none() && spec.is_some_and(|spec| spec.session == SessionNeed::Required) {
        return Err(Refusal::because(Code::InvalidSession, "session_key is missing").into());
    }
    let context = signature::Context {
        app: &app,
        session: &claimed,
        ss,
        now,
        now_raw: ports.clock.wall_raw(),
    };
    let proof = signature::check(raw, &context);
    let session = session::proven(claimed)?;
    let proof = proof?;
    if let Some(session) = &session {
        known.user = Some(session.user);
        session::renew(store, session, now)?;
    }
    // From here on the caller is proven, and every exit spends what its place has reached.
    known.proved = true;
    let mut charge = Charge { quota, order: None };
    // 9. The same signed text must not stand for another request.
    one_reading(raw, &app, &proof).map_err(Stop::spending(&charge))?;
    // 10. Nothing that we know, or nothing that a page's secret may do.
    let (spec, method) = named(spec, ss).map_err(Stop::spending(&charge))?;
    // 11. A repeated or overtaken call; the comparison itself is the ledger's.
    let session_id = session.as_ref().map(|session| session.id);
    charge.order = call_order::charge(app.settings.call_id, session_id, pairs.value("call_id"))
        .map_err(Stop::spending(&charge))?;
    // 12. A misspelled or unknown wish is told, not ignored.
    parameters::check(raw, spec, &app.settings).map_err(Stop::spending(&charge))?;

    let proven = Proven {
        raw,
        app,
        session,
        via: proof.via,
        version: proof.signed.version,
        door: Door::Rest,
        method,
        order: charge.order.clone(),
        charge,
        now,
    };
    Ok(VerifiedCall::new(proven, Witness(())))
}

/// Step 9: version 1 only, strict applications only (protocol 7.6).
fn one_reading(raw: &RawCall, app: &App, proof: &signature::Proof) -> Result<(), Refusal> {
    let rule = match app.settings.call_id {
        CallIdSetting::Required | CallIdSetting::Unique => CallIdRule::Needed,
        CallIdSetting::Ignored => CallIdRule::Ignored,
    };
    match (proof.signed.version, app.settings.strictness) {
        (Version::Md5, Strictness::Strict) => one_reading_only(raw.pairs(), &proof.signed.text, rule)
            .map_err(|ambiguous| Refusal::because(Code::IncorrectSignature, ambiguous.to_string())),
        (Version::Md5, Strictness::Lenient) | (Version::Hmac, Strictness::Strict | Strictness::Lenient) => {
            Ok(())
        }
    }
}

/// Step 10: the method, if it exists and may be signed this way.
pub(super) fn named(
    spec: Option<&'static MethodSpec>,
    ss: bool,
) -> Result<(&'static MethodSpec, &'static dyn registry::AnyMethod), Refusal> {
    let unknown = || Refusal::plain(Code::UnknownMethod);
    let spec = spec.ok_or_else(unknown)?;
    let method = registry::find(spec.name).ok_or_else(unknown)?;
    if ss && !spec.with_ss {
        return Err(Refusal::because(
            Code::UnknownMethod,
            "not to be signed with the session secret",
        ));
    }
    Ok((spec, method))
}
