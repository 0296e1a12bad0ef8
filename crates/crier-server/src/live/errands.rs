//! What only the platform's door can answer, asked on a connection's behalf by whichever transport it has (live 2.1, 3.5, 3.8).
//!
//! Promise: every errand ends with a word to the hub. Knows no socket.

use crier_live::hub::{Coming, Errand, Hub};
use crier_live::link::Link;
use crier_platform::live_door::LiveDoor;
use crier_platform::model::app::App;
use std::sync::Arc;

/// What a connection's errands need.
pub struct Door {
    /// The connections.
    pub hub: Arc<Hub>,
    /// Tickets and sends.
    pub live_door: Arc<LiveDoor>,
    /// Whose pages come.
    pub app: Arc<App>,
}

impl Door {
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
        }
    }
}
