//! What must hold after every step, and at the end, whatever the dice have said.

use crate::stage::{ASKER, Stage};
use crate::tab::Tab;
use crate::truth::Back;
use crier_platform::model::message::{DeliveryState, Status, What};
use crier_platform::ports::deliver::Deliver;
use crier_proto::message::Fanout;

impl Stage {
    pub async fn state(&self, number: usize) -> Option<DeliveryState> {
        let status = self.status(number).await;
        status.map(|status| status.delivery.state)
    }

    async fn status(&self, number: usize) -> Option<Status> {
        let id = self.messages[number].id;
        self.process.node.status(id, ASKER()).await.unwrap()
    }

    /// Follows the claims of messages that one page alone may run.
    pub async fn watch(&mut self) {
        for number in 0..self.messages.len() {
            if !self.messages[number].over && self.messages[number].fanout != Fanout::All {
                self.look(number).await;
            }
        }
    }

    /// Follows one message: whatever has no claim is offered as soon as a page with the handler is there (live 6.4, 6.5).
    pub async fn look(&mut self, number: usize) {
        let Some(status) = self.status(number).await else {
            panic!("seed {}: {number} is forgotten", self.seed);
        };
        let (seed, event) = (self.seed, self.messages[number].event);
        let handling = |tab: &&Tab| tab.heard.contains(event);
        let tabs: Vec<&Tab> = self
            .connected()
            .flat_map(|window| window.tabs.iter().filter(handling))
            .collect();
        let last = status.timeline.iter().rev();
        let mut last = last.filter(|entry| matches!(entry.what, What::Offered | What::Released));
        let offered = last.next().filter(|entry| entry.what == What::Offered);
        let releases = status
            .timeline
            .iter()
            .filter(|entry| entry.what == What::Released)
            .count();
        let ended = status.timeline.iter().any(|entry| {
            matches!(
                entry.what,
                What::Expired | What::Dropped | What::Cancelled | What::Replaced | What::Revoked
            )
        });
        let holder = offered
            .and_then(|entry| entry.page.as_ref())
            .map(|page| page.as_str().to_owned());
        let place = self.messages[number].place;
        let at_end = self.connected().find_map(|window| {
            let mut tabs = window.tabs.iter();
            let tab = tabs.find(|tab| Some(&tab.name) == holder.as_ref())?;
            Some((window.link_no, tab.cursor >= place.seq))
        });
        let (lagging, nobody) = (status.lagging > 0, tabs.is_empty());
        let message = &mut self.messages[number];
        let claim = &mut message.claim;
        claim.unseen &= claim.releases == releases;
        claim.releases = releases;
        if !ended {
            claim.at_end = at_end;
        }
        message.over |= ended;
        claim.holder = holder;
        if claim.holder.is_some() {
            claim.unseen = false;
        } else if message.fanout != Fanout::All && !ended && status.delivery.acked == 0 {
            // Whose outbox was too full for it may have claimed it all the same.
            claim.unseen |= lagging;
            assert!(
                claim.unseen || nobody,
                "seed {seed}: {number} is offered to nobody: {message:?}"
            );
        }
    }

    /// Judges the whole schedule; nothing: the promise held.
    pub async fn judge(&mut self) -> Vec<String> {
        let mut breaches = Vec::new();
        for number in 0..self.messages.len() {
            let life = self.messages[number].place.life;
            if let Some(status) = self
                .status(number)
                .await
                .filter(|_| life as usize > self.lives_before)
            {
                let ended = |entry: &crier_platform::model::message::Happening| {
                    matches!(entry.what, What::Expired | What::Dropped)
                };
                self.messages[number].over |= status.timeline.iter().any(ended);
                breaches.extend(self.differs(number, &status));
            }
        }
        let mut alive: Vec<(u64, &Tab)> = Vec::new();
        for window in &self.windows {
            alive.extend(window.tabs.iter().map(|tab| (window.link_no, tab)));
        }
        for (number, message) in self.messages.iter().enumerate() {
            let breach = message.breach(number, &alive);
            breaches.extend(breach.map(|breach| format!("{number} {breach}: {message:?}")));
        }
        if self.process.keeps_count().is_none() {
            breaches.push("what got its place neither lives nor has ended".to_owned());
        }
        breaches
    }

    /// How an outcome differs from what the pages did (live 7.1, 7.5).
    fn differs(&self, number: usize, status: &Status) -> Option<String> {
        let message = &self.messages[number];
        let acked = message.acked.len();
        let failed = message.acked.values().filter(|(failed, _)| *failed).count();
        let told = (status.delivery.acked as usize, status.failed as usize);
        let state = status.delivery.state;
        let taken_back = match message.back {
            _ if acked > 0 => state == DeliveryState::Acked,
            Some(Back::Cancelled) => state == DeliveryState::Cancelled,
            Some(Back::Replaced) => state == DeliveryState::Replaced,
            // What had ended before the withdrawal has not ended by it.
            Some(Back::Revoked) => matches!(
                state,
                DeliveryState::Revoked | DeliveryState::Expired | DeliveryState::Dropped
            ),
            None if message.over => matches!(state, DeliveryState::Expired | DeliveryState::Dropped),
            None => matches!(
                state,
                DeliveryState::Written | DeliveryState::Queued | DeliveryState::NoHandler
            ),
        };
        let written = status.delivery.written as usize >= message.written.len();
        let equal = told == (acked, failed) && taken_back && written;
        (!equal).then(|| format!("{number}: status {status:?} of {message:?}"))
    }
}
