//! The methods as data: a wire name and what stands behind it. A further method is one file and one line here.
//!
//! Names, parameters and access come from `crier_proto::params`, where they are declared once.

use crate::unit::{Halt, Outcome, Unit};
use crate::verified::VerifiedCall;
use crier_proto::error::Refusal;
use futures_util::future::BoxFuture;
use std::marker::PhantomData;

/// All methods of this server, in the order of protocol 5.3.
static METHODS: &[&dyn AnyMethod] = &[
    &Entry::<super::live_message_send::LiveMessageSend>::NEW,
    &Entry::<super::feed_publish_story_to_user::FeedPublishStoryToUser>::NEW,
    &Entry::<super::auth_create_token::AuthCreateToken>::NEW,
    &Entry::<super::auth_get_session::AuthGetSession>::NEW,
    &Entry::<super::auth_expire_session::AuthExpireSession>::NEW,
    &Entry::<super::auth_promote_session::AuthPromoteSession>::NEW,
    &Entry::<super::users_get_logged_in_user::UsersGetLoggedInUser>::NEW,
    &Entry::<super::users_is_app_user::UsersIsAppUser>::NEW,
    &Entry::<super::users_is_app_added::UsersIsAppAdded>::NEW,
    &Entry::<super::batch_run::BatchRun>::NEW,
    &Entry::<super::photos_upload::PhotosUpload>::NEW,
    &Entry::<super::live_message_create_ticket::LiveMessageCreateTicket>::NEW,
    &Entry::<super::live_message_status::LiveMessageStatus>::NEW,
    &Entry::<super::live_message_cancel::LiveMessageCancel>::NEW,
];

/// A method: a pure decision on a verified call. It reads through the unit, adds writes to it and says what must happen
/// outside; it never publishes, commits or asks the time by itself.
pub(crate) trait Method: 'static {
    /// Its canonical wire name.
    const NAME: &'static str;
    /// Its arguments: values that obey the grammars of its page.
    type Args: Send;

    /// Stage 3: the arguments of a call.
    ///
    /// # Errors
    /// The first check of the method's page that fails, as far as the call alone can tell.
    fn parse(call: &VerifiedCall<'_>) -> Result<Self::Args, Refusal>;

    /// Stage 4: what the method decides.
    ///
    /// # Errors
    /// The first check that fails against the books, or a fault.
    fn run(args: Self::Args, unit: &mut Unit<'_>) -> impl Future<Output = Result<Outcome, Halt>> + Send;

    /// What this process is to remember of a call that the method has refused: nothing, unless its page says so.
    fn refused(_call: &VerifiedCall<'_>, _unit: &Unit<'_>) {}
}

/// A method behind its name.
pub(crate) trait AnyMethod: Sync {
    /// Its canonical wire name.
    fn name(&self) -> &'static str;

    /// Stages 3 and 4.
    fn decide<'a>(
        &'a self,
        call: &'a VerifiedCall<'_>,
        unit: &'a mut Unit<'_>,
    ) -> BoxFuture<'a, Result<Outcome, Halt>>;
}

/// The method behind a canonical name.
pub(crate) fn find(name: &str) -> Option<&'static dyn AnyMethod> {
    METHODS.iter().copied().find(|method| method.name() == name)
}

struct Entry<M>(PhantomData<fn() -> M>);

impl<M: Method> Entry<M> {
    const NEW: Self = Self(PhantomData);
}

impl<M: Method> AnyMethod for Entry<M> {
    fn name(&self) -> &'static str {
        M::NAME
    }

    fn decide<'a>(
        &'a self,
        call: &'a VerifiedCall<'_>,
        unit: &'a mut Unit<'_>,
    ) -> BoxFuture<'a, Result<Outcome, Halt>> {
        let args = M::parse(call);
        Box::pin(async move {
            let decided = match args {
                Ok(args) => M::run(args, unit).await,
                Err(refusal) => Err(refusal.into()),
            };
            if matches!(decided, Err(Halt::Refused(_))) {
                M::refused(call, unit);
            }
            decided
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crier_proto::params;

    #[test]
    fn every_registered_name_is_declared_on_the_wire_and_found_again() {
        for method in METHODS {
            let spec = params::lookup(method.name()).expect("a row of the parameter table");
            assert_eq!(spec.name, method.name());
            assert_eq!(find(spec.name).map(AnyMethod::name), Some(spec.name));
        }
        assert!(
            find("livemessage.send").is_none(),
            "the registry knows canonical names alone"
        );
    }
}
