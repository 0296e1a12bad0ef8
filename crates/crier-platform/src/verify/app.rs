//! Step 2: whose call it is (seed: error 101, "not associated with any known application").

use super::Stop;
use crate::model::app::App;
use crate::ports::store::{Store, StoreFault};
use crier_proto::call::RawCall;
use crier_proto::error::{Code, Refusal};
use crier_proto::ids::ApiKey;
use std::sync::Arc;

/// The enabled application behind `api_key`. A disabled one is told no more than an unknown one.
pub(super) async fn known(store: &dyn Store, raw: &RawCall) -> Result<Arc<App>, Stop> {
    let Some(text) = raw.pairs().value("api_key") else {
        return Err(Stop::unspent(Refusal::because(
            Code::InvalidApiKey,
            "api_key is missing",
        )));
    };
    let unknown = || Stop::unspent(Refusal::plain(Code::InvalidApiKey));
    let key: ApiKey = text.parse().map_err(|_| unknown())?;
    enabled(store, &key).await?.ok_or_else(unknown)
}

/// The application of a key, unless it is disabled.
pub(super) async fn enabled(store: &dyn Store, key: &ApiKey) -> Result<Option<Arc<App>>, StoreFault> {
    Ok(store.app_by_key(key).await?.filter(|app| app.enabled))
}
