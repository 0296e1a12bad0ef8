//! The order of checks for an item of a batch (protocol 15.7): the list of `pipeline`, less what the outer signature covers.
//!
//! Application, address and session are asked for again, since an item may act long after its batch and after an item that ended
//! them. What an item spends does not depend on its place in this list: one call of the quota, whatever becomes of it.

use super::pipeline::{Known, Witness, named};
use super::{address, app, parameters, session};
use crate::model::message::Door;
use crate::ports::Ports;
use crate::unit::Halt;
use crate::verified::{Proven, VerifiedCall};
use crier_proto::call::RawCall;
use crier_proto::error::{Code, Refusal};
use crier_proto::params::{self, MethodSpec, read_bool};

/// Runs steps 2 to 12 on an item of `outer`, as a call of its application, session, signing secret and address.
///
/// # Errors
/// The first failing check, or a fault.
pub(crate) async fn verify_item<'c>(
    ports: &Ports,
    raw: &'c RawCall,
    outer: &VerifiedCall<'_>,
    known: &mut Known,
) -> Result<VerifiedCall<'c>, Halt> {
    let store = &*ports.store;
    let pairs = raw.pairs();
    let now = ports.clock.wall();
    let batch_key = &outer.app().api_key;
    let batch_session = outer.session()?;

    // 2. An item acts for the application that has signed, and for no other.
    if pairs.get("api_key").is_some_and(|key| key != batch_key.as_str()) {
        return Err(Refusal::because(Code::InvalidApiKey, "api_key is not that of the batch").into());
    }
    let app = app::enabled(store, batch_key)
        .await?
        .ok_or(Refusal::plain(Code::InvalidApiKey))?;
    known.app = Some(app.clone());
    // 3. An application that has been given a list meanwhile.
    address::permitted(&app, raw.source())?;
    // 6. Nothing is asked for.
    let spelled = pairs.value("method").ok_or(Refusal::plain(Code::UnknownMethod))?;
    let spec = params::lookup(spelled);
    known.method = spec.map(|spec| spec.name);
    // 7. Nor for another user; nor for a session that an earlier item has ended.
    let session_key = batch_session.key.as_str();
    if pairs.value("session_key").is_some_and(|key| key != session_key) {
        return Err(Refusal::because(Code::InvalidSession, "session_key is not that of the batch").into());
    }
    let claimed = session::claimed(store, &app, Some(session_key), now).await?;
    let session = session::proven(claimed)?;
    known.user = Some(batch_session.user);
    // 10. What cannot stand in a batch, or not in one that a page has signed.
    let ss = outer.value("ss").and_then(read_bool).unwrap_or(false);
    let (spec, method) = named(spec, ss)?;
    may_stand_in_a_batch(spec)?;
    // 12. The closed list; a callback would be nobody's.
    parameters::check_item(raw, spec, &app.settings)?;

    let proven = Proven {
        raw,
        app,
        session,
        via: outer.via(),
        version: outer.version(),
        door: Door::Batch,
        method,
        charge: outer.charge().of_item(),
        order: outer.order().cloned(),
        now,
    };
    Ok(VerifiedCall::new(proven, Witness(())))
}

fn may_stand_in_a_batch(spec: &MethodSpec) -> Result<(), Refusal> {
    if spec.in_batch {
        Ok(())
    } else {
        Err(Refusal::because(
            Code::UnknownMethod,
            "not to be called in a batch",
        ))
    }
}
