//! Receipts of an application: the secret that signs them, where they go, and the receiver that wants none (live 7.8 to 7.10).
//!
//! Promise: a secret is made once, with the first address, and changes by rotation alone, so that turning receipts off and on
//! again breaks no receiver. Knows nothing of messages.

use super::login::after;
use super::{AccountError, Accounts, CHANGE_ATTEMPTS_MAX};
use crate::model::app::{App, ReceiptsEnded};
use crate::model::time::WallMs;
use crate::ports::entropy::random_bytes;
use crate::ports::hooks::{ReceiptBook, ReceiptTarget};
use crate::ports::store::{Conflict, StoreFault};
use async_trait::async_trait;
use crier_proto::ids::AppId;
use crier_proto::receipt::{ReceiptKey, secret_of};
use crier_proto::secret::Secret;

impl Accounts {
    /// Makes the secret of a row that has an address and none yet.
    pub(super) fn first_receipt_secret(&self, row: &mut App) -> Option<Secret> {
        let receipts = &mut row.receipts;
        if receipts.address.is_empty() || receipts.secret.is_some() {
            return None;
        }
        let secret = secret_of(&random_bytes(&*self.ports.entropy));
        receipts.secret = Some(secret.clone());
        Some(secret)
    }

    /// `app rotate-secret --receipts`: the new secret, and until when the previous one signs too.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for an application that never had an address for receipts; when the books fail.
    pub async fn rotate_receipt_secret(&self, app: &str) -> Result<(Secret, WallMs), AccountError> {
        let older = self.find_app(app).await?;
        let mut row = older.as_ref().clone();
        let Some(previous) = row.receipts.secret.take() else {
            return Err(AccountError::Invalid(format!(
                "{} has no receipt secret yet: crier app set {} receipts=URL makes one",
                row.name, row.id
            )));
        };
        let until = after(self.ports.clock.wall(), self.config.secret_overlap);
        let secret = secret_of(&random_bytes(&*self.ports.entropy));
        row.receipts.secret = Some(secret.clone());
        row.receipts.previous_secret = Some((previous, until));
        self.store_app(older, row).await?;
        Ok((secret, until))
    }

    /// Ends the overlap of such a rotation at once: from now on the present secret alone signs receipts.
    ///
    /// # Errors
    /// `NotFound`; when the books fail.
    pub async fn end_previous_receipt_secret(&self, app: &str) -> Result<(), AccountError> {
        let older = self.find_app(app).await?;
        let mut row = older.as_ref().clone();
        row.receipts.previous_secret = None;
        self.store_app(older, row).await.map(|_| ())
    }
}

/// What signs a receipt now, the newest first.
fn keys_of(app: &App, now: WallMs) -> Vec<ReceiptKey> {
    let previous = app.receipts.previous_secret.as_ref();
    let previous = previous
        .filter(|(_, until)| now < *until)
        .map(|(secret, _)| secret);
    let secrets = app.receipts.secret.iter().chain(previous);
    secrets.filter_map(ReceiptKey::of).collect()
}

#[async_trait]
impl ReceiptBook for Accounts {
    async fn target(&self, app: AppId, now: WallMs) -> Result<Option<ReceiptTarget>, StoreFault> {
        let app = self.ports.store.app(app).await?;
        let app = app.filter(|app| !app.receipts.address.is_empty());
        Ok(app.map(|app| ReceiptTarget {
            url: app.receipts.address.clone(),
            keys: keys_of(&app, now),
        }))
    }

    async fn turn_off(&self, app: AppId, url: &str) -> Result<bool, StoreFault> {
        for _ in 0..CHANGE_ATTEMPTS_MAX {
            let Some(older) = self.ports.store.app(app).await? else {
                return Ok(true);
            };
            if older.receipts.address != url {
                return Ok(older.receipts.address.is_empty());
            }
            let mut row = older.as_ref().clone();
            row.receipts.address = String::new();
            row.receipts.ended = Some(ReceiptsEnded {
                address: url.to_owned(),
                at: self.ports.clock.wall(),
            });
            match self.store_app(older, row).await {
                Ok(_) => return Ok(true),
                Err(AccountError::Store(fault)) => return Err(fault),
                // Somebody else has changed the application meanwhile: look again.
                Err(_) => {}
            }
        }
        Err(StoreFault::Unavailable(
            AccountError::Conflict(Conflict::Changed).to_string(),
        ))
    }
}
