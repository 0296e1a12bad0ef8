//! What only the platform's door can answer, asked on a connection's behalf by whichever transport it has (live 2.1, 3.5, 3.8).
//!
//! Promise: every errand ends with a word to the hub; a connection whose transport is gone is told to it, however that went. Knows
//! no socket.

use crier_live::hub::{Coming, Errand, Hub};
use crier_live::link::{Link, Opening};
use crier_platform::live_door::LiveDoor;
use crier_platform::model::app::App;
use crier_platform::ports::clock::Clock;
use crier_proto::frame::ClientFrame;
use std::sync::Arc;

/// What a connection's errands need.
pub struct Door {
    /// The connections.
    pub hub: Arc<Hub>,
    /// Tickets and sends.
    pub live_door: Arc<LiveDoor>,
    /// Time, for the heads of answers.
    pub clock: Arc<dyn Clock>,
    /// Whose pages come.
    pub app: Arc<App>,
}

/// A connection as long as something carries it: the hub learns of its end when this is dropped.
pub struct Attachment {
    hub: Arc<Hub>,
    link: Arc<Link>,
    kept: bool,
}

impl Attachment {
    /// Opens a connection.
    #[must_use]
    pub fn open(hub: &Arc<Hub>, opening: Opening) -> Self {
        Self {
            link: hub.open(opening),
            hub: Arc::clone(hub),
            kept: false,
        }
    }

    /// The connections of this process.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Leaves the connection open: its end is told by somebody else.
    pub fn keep(mut self) {
        self.kept = true;
    }

    /// This connection.
    #[must_use]
    pub const fn link(&self) -> &Arc<Link> {
        &self.link
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        if !self.kept {
            self.hub.closed(&self.link);
        }
    }
}

impl Door {
    /// Does what the frames of one client message ask, one after another, each when there is room for its answer.
    pub async fn run_all(&self, frames: Vec<ClientFrame>, link: &Arc<Link>) {
        for frame in frames {
            self.hub.room(link).await;
            if let Some(errand) = self.hub.frame(link, frame) {
                self.run(errand, link).await;
            }
        }
    }

    /// Runs one errand to its end.
    pub async fn run(&self, errand: Errand, link: &Arc<Link>) {
        let (hub, live_door) = (&self.hub, &self.live_door);
        match errand {
            Errand::Resume { hello } => {
                let Some(turn) = hub.turn(link, Coming::Resume).await else {
                    return;
                };
                hub.resume(link, &hello);
                drop(turn);
            }
            Errand::Redeem { ticket, hello } => {
                let Some(turn) = hub.turn(link, Coming::New).await else {
                    return;
                };
                match live_door.redeem(&self.app, &ticket).await {
                    Ok(permit) => hub.admit(link, &hello, permit),
                    Err(bye) => hub.refuse(link, bye),
                }
                drop(turn);
            }
            Errand::Renew { ticket } => match live_door.redeem(&self.app, &ticket).await {
                Ok(permit) => hub.renewed(link, permit),
                Err(bye) => hub.end(link, bye, None),
            },
            Errand::Send {
                permit,
                reference,
                send,
            } => {
                let outcome = live_door.send(&permit, *send).await;
                hub.sent(link, reference, &outcome);
            }
            Errand::Say { frames } => {
                for frame in frames {
                    hub.room(link).await;
                    hub.say(link, frame);
                }
            }
        }
    }
}
