//! Stage 2 of the street: a call whose every common check has passed. What it will spend is written down and not yet spent.
//!
//! Only `verify::verify` can make one, since only it can make the witness; methods take it as proof and check nothing again.

use crate::methods::registry::AnyMethod;
use crate::model::app::App;
use crate::model::message::{Asker, Door, Via};
use crate::model::session::Session;
use crate::model::time::WallMs;
use crate::ports::ledger::{Charge, OrderCharge};
use crate::verify::Witness;
use crier_proto::call::RawCall;
use crier_proto::error::{Code, Refusal};
use crier_proto::signature::Version;
use std::sync::Arc;

/// A verified call: application, session, parameters and one unspent charge.
pub(crate) struct VerifiedCall<'c> {
    proven: Proven<'c>,
}

/// What `verify` has proved of a call.
pub(crate) struct Proven<'c> {
    /// Its pairs, whose names are all permitted.
    pub(crate) raw: &'c RawCall,
    /// Its application, enabled.
    pub(crate) app: Arc<App>,
    /// Its session: alive, this application's; there if the method needs one.
    pub(crate) session: Option<Arc<Session>>,
    /// Whose secret signed it.
    pub(crate) via: Via,
    /// In which version the signature is that covers it.
    pub(crate) version: Version,
    /// By which door it came.
    pub(crate) door: Door,
    /// What it names.
    pub(crate) method: &'static dyn AnyMethod,
    /// What it will spend.
    pub(crate) charge: Charge,
    /// The step in its session's call order that whatever it commits keeps with it: its own, or that of the batch it stands in.
    pub(crate) order: Option<OrderCharge>,
    /// *Now* of the whole call.
    pub(crate) now: WallMs,
}

impl<'c> VerifiedCall<'c> {
    /// The call that these facts describe. The witness exists in `verify` alone.
    pub(crate) fn new(proven: Proven<'c>, _witness: Witness) -> Self {
        Self { proven }
    }

    /// As it was read.
    pub(crate) fn raw(&self) -> &'c RawCall {
        self.proven.raw
    }

    /// The value of a parameter; an empty one counts as absent (protocol 1.3).
    pub(crate) fn value(&self, name: &str) -> Option<&'c str> {
        self.proven.raw.pairs().value(name)
    }

    /// The bytes of its file part.
    pub(crate) fn file(&self) -> Option<&'c [u8]> {
        self.proven.raw.file().map(|file| file.bytes.as_slice())
    }

    /// The application.
    pub(crate) fn app(&self) -> &Arc<App> {
        &self.proven.app
    }

    /// The session of a method that needs one.
    ///
    /// # Errors
    /// 102 if there is none, which step 7 has excluded for such methods.
    pub(crate) fn session(&self) -> Result<&Arc<Session>, Refusal> {
        self.proven
            .session
            .as_ref()
            .ok_or(Refusal::plain(Code::InvalidSession))
    }

    /// Whose messages it may reach: those of its session's user, or without a session all of the application (live 7.7).
    pub(crate) fn asker(&self) -> Asker {
        Asker {
            app: self.proven.app.id,
            sender: self.proven.session.as_ref().map(|session| session.user),
        }
    }

    /// Whose secret signed it (live 2.3).
    pub(crate) fn via(&self) -> Via {
        self.proven.via
    }

    /// In which version the signature is that covers it: an item of a batch has none of its own.
    pub(crate) fn version(&self) -> Version {
        self.proven.version
    }

    /// By which door it came (live section 13).
    pub(crate) fn door(&self) -> Door {
        self.proven.door
    }

    /// The method.
    pub(crate) fn method(&self) -> &'static dyn AnyMethod {
        self.proven.method
    }

    /// What it will spend.
    pub(crate) fn charge(&self) -> &Charge {
        &self.proven.charge
    }

    /// The step in its session's call order that stands in its commit.
    pub(crate) fn order(&self) -> Option<&OrderCharge> {
        self.proven.order.as_ref()
    }

    /// *Now* of the whole call.
    pub(crate) fn now(&self) -> WallMs {
        self.proven.now
    }
}
