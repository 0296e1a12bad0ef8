//! An application's latest messages and what became of each, for its developer (live 7.5, 13.1). What they say is not told.

use crate::model::message::{Asker, SentMessage, Status};
use crate::ports::Ports;
use crate::ports::deliver::DeliverFault;
use crier_proto::ids::{AppId, MessageId};

/// The use cases. Clone it freely.
#[derive(Clone)]
pub struct MessageReader {
    ports: Ports,
}

impl MessageReader {
    /// A reader over these ports.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self { ports }
    }

    /// The newest messages of an application of which anything is still known, the newest first.
    ///
    /// # Errors
    /// When the mailboxes are out of reach.
    pub async fn latest(&self, app: AppId, limit: usize) -> Result<Vec<SentMessage>, DeliverFault> {
        self.ports.deliver.latest(app, limit).await
    }

    /// A message of an application with its timeline; nothing when it is unknown, forgotten or another application's.
    ///
    /// # Errors
    /// When the mailboxes are out of reach.
    pub async fn message(
        &self,
        app: AppId,
        id: MessageId,
    ) -> Result<Option<(SentMessage, Status)>, DeliverFault> {
        let asker = Asker { app, sender: None };
        let sent = self.ports.deliver.sent(id, asker).await?;
        let status = self.ports.deliver.status(id, asker).await?;
        Ok(sent.zip(status))
    }
}
