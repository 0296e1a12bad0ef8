//! Addresses at which one's own feed can be read without a login (feed 6.9).

use super::figures::FeedBound;
use super::notebook::Note;
use super::{FeedReader, ServedPage, Serving};
use crate::model::record::{FeedAddress, FeedWrite};
use crate::model::user::User;
use crate::ports::entropy::random_bytes;
use crate::ports::store::{CommitError, Conflict, StoreFault};
use crier_proto::digest::{lower_hex, sha256};
use crier_proto::ids::Uid;
use crier_proto::secret::Secret;
use std::sync::Arc;

/// Random bytes of a token: 160 bits.
const TOKEN_BYTES: usize = 20;

impl FeedReader {
    /// The addresses of a user, oldest first.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn addresses(&self, user: Uid) -> Result<Vec<FeedAddress>, StoreFault> {
        self.shared.ports.store.feed_addresses(user).await
    }

    /// How many addresses a user may have.
    #[must_use]
    pub fn addresses_max(&self) -> usize {
        usize::try_from(self.shared.config.addresses_per_user).unwrap_or(usize::MAX)
    }

    /// Makes an address. Its token, 40 hexadecimal digits, is told this once; `None`: the user has as many as may be.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn add_address(&self, user: Uid, label: &str) -> Result<Option<Secret>, StoreFault> {
        let token = lower_hex(&random_bytes::<TOKEN_BYTES>(&*self.shared.ports.entropy));
        let write = FeedWrite::AddAddress {
            token: sha256(&[token.as_bytes()]),
            user,
            label: label.to_owned(),
            most: self.shared.config.addresses_per_user,
        };
        match self.write(write).await {
            Ok(()) => Ok(Some(Secret::new(token))),
            Err(CommitError::Refused(Conflict::AddressesFull)) => {
                self.shared.ports.feed_figures.bound(FeedBound::Addresses);
                Ok(None)
            }
            Err(CommitError::Refused(Conflict::Missing)) => Ok(None),
            Err(CommitError::Refused(conflict)) => Err(StoreFault::Damaged(format!("{conflict:?}"))),
            Err(CommitError::Fault(fault)) => Err(fault),
        }
    }

    /// Revokes an address by its number; false when the user has no such address.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn revoke_address(&self, user: Uid, number: i64) -> Result<bool, StoreFault> {
        self.done(user, FeedWrite::RevokeAddress { user, number }).await
    }

    /// Whether a token opens a feed.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn is_address(&self, token: &str) -> Result<bool, StoreFault> {
        let digest = sha256(&[token.as_bytes()]);
        Ok(self.shared.ports.store.feed_address(digest).await?.is_some())
    }

    /// Whose feed a token opens, and its first page as a look; `None`: no such address.
    ///
    /// # Errors
    /// When the books fail.
    pub async fn by_address(&self, token: &str) -> Result<Option<(Arc<User>, ServedPage)>, StoreFault> {
        let digest = sha256(&[token.as_bytes()]);
        let Some(address) = self.shared.ports.store.feed_address(digest).await? else {
            return Ok(None);
        };
        let user = self.shared.ports.store.user(address.user).await?;
        let Some(user) = user.filter(|user| user.enabled) else {
            return Ok(None);
        };
        // That an address was used may be forgotten: it is told by the hour at most.
        let _ = self
            .shared
            .notebook
            .note(address.user, Note::Write(FeedWrite::UseAddress(digest)));
        let page = self.view(address.user, Serving::Look).await?;
        Ok(Some((user, page)))
    }
}
