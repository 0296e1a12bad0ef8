//! What is sent, by the application and by pages, and what is taken back.

use crate::stage::{ASKER, EVENTS, Stage, USER, app, uid};
use crate::tab::Tab;
use crate::truth::{Back, Claim, Message, Place};
use crier_live::hub::Errand;
use crier_platform::model::message::{Delivery, DeliveryState, Door, NewMessage, Via};
use crier_platform::ports::clock::Clock;
use crier_platform::ports::deliver::Deliver;
use crier_proto::ids::MessageId;
use crier_proto::message::Fanout;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

impl Stage {
    pub async fn send(&mut self) {
        let number = self.messages.len();
        let mut id = [0x5A; 16];
        id[8..].copy_from_slice(&(number as u64).to_be_bytes());
        let fanout = match self.throw(10) {
            0..=1 => Fanout::One,
            2 => Fanout::Focused,
            _ => Fanout::All,
        };
        let ttl_ms = match self.throw(12) {
            0 => 0,
            1..=3 => 2_000,
            _ => 60_000,
        };
        let key = Some(self.throw(2)).filter(|_| number.is_multiple_of(7));
        let padding = usize::try_from(self.throw(700)).unwrap();
        let message = NewMessage {
            id: MessageId::from_bytes(id),
            door: Door::Rest,
            app: app(),
            sender: uid(1),
            recipient: uid(USER),
            via: Via::App,
            event: self.an_event().into(),
            receipt: false,
            text: format!("{number}:{}", "x".repeat(padding)).into(),
            ttl_ms,
            collapse_key: key.map(|key| key.to_string().into()),
            fanout,
        };
        self.place(message).await;
    }

    /// A page sends to its own user; sometimes what it has sent before (live 4.2).
    pub async fn page_sends(&mut self, at: usize) {
        let known = self.index(self.refs.len()).filter(|_| self.throw(3) == 0);
        let number = self.messages.len();
        let Some(tab) = self.windows[at].tabs.first() else {
            return;
        };
        let Some(event) = tab.heard.first().copied() else {
            return;
        };
        let frame = match known.and_then(|index| self.refs.values().nth(index)) {
            Some((frame, _)) => frame.clone(),
            None => {
                json!({"type": "send", "ref": format!("reference-{number}"), "page": tab.name, "recipient": USER.to_string(),
                    "event": event, "message": format!("{number}:p"), "ttl": 60})
            }
        };
        let Some(errand) = self.say(at, &frame) else {
            return;
        };
        let Errand::Send { reference, send, .. } = errand else {
            panic!("seed {}: {errand:?}", self.seed);
        };
        assert!(known.is_none(), "seed {}: sent twice: {frame}", self.seed);
        let message = NewMessage {
            id: send.id,
            door: Door::Page,
            app: app(),
            sender: uid(USER),
            recipient: uid(USER),
            via: Via::User,
            event: event.into(),
            receipt: false,
            text: send.message.as_str().into(),
            ttl_ms: 60_000,
            collapse_key: None,
            fanout: Fanout::All,
        };
        let delivery = self.place(message).await;
        self.refs.insert(reference.as_str().to_owned(), (frame, number));
        if let Some(link) = self.windows[at].link.clone() {
            self.process.node.hub().sent(&link, reference, &Ok(delivery));
        }
    }

    /// A repeated `ref` gives the first outcome again.
    pub fn hear_of_a_send(&self, frame: &Value) {
        let Some((_, number)) = self.refs.get(frame["ref"].as_str().unwrap()) else {
            return;
        };
        let message = &self.messages[*number];
        assert_eq!(frame["id"], message.id.to_string(), "seed {}: {frame}", self.seed);
        assert_eq!(frame["seq"], message.place.seq, "seed {}: {frame}", self.seed);
    }

    async fn place(&mut self, message: NewMessage) -> Delivery {
        let event = EVENTS
            .into_iter()
            .find(|event| **event == *message.event)
            .unwrap();
        let (key, fanout, ttl_ms) = (message.collapse_key.clone(), message.fanout, message.ttl_ms);
        let key = key.map(|key| key.parse().unwrap());
        let replaced = |known: &Message| key.is_some() && known.key == key && known.event == event;
        let older = self.messages.iter().rposition(replaced);
        if let Some(older) = older.filter(|older| !self.messages[*older].over) {
            self.look(older).await;
        }
        let delivery = self.process.node.accept(None, message).await.unwrap();
        let place = Place {
            life: self.life(&delivery.epoch.to_string()),
            seq: delivery.seq,
        };
        assert!(
            self.messages.iter().all(|known| known.place < place),
            "seed {}: {place:?}",
            self.seed
        );
        if let Some(older) = older {
            self.take_back(older, Back::Replaced);
        }
        let there = self.connected().flat_map(|window| {
            let tabs = window.tabs.iter().filter(|tab| tab.heard.contains(event));
            tabs.map(|tab| (tab.name.clone(), window.link_no))
        });
        let there = there.collect();
        self.numbers.insert(delivery.id.to_string(), self.messages.len());
        self.messages.push(Message {
            id: delivery.id,
            event,
            fanout,
            place,
            key,
            expires_at: (ttl_ms > 0).then_some(self.clock.wall().0 + i64::try_from(ttl_ms).unwrap()),
            back: None,
            over: ttl_ms == 0,
            acked: BTreeMap::new(),
            written: BTreeSet::new(),
            starts: Vec::new(),
            there,
            claim: Claim::default(),
        });
        delivery
    }

    pub async fn cancel(&mut self) {
        let back = self.throw(6);
        let number = self
            .messages
            .len()
            .saturating_sub(1 + usize::try_from(back).unwrap());
        let Some(id) = self.messages.get(number).map(|message| message.id) else {
            return;
        };
        let before = self.state(number).await;
        let after = self.process.node.cancel(id, ASKER()).await.unwrap();
        let live = matches!(
            before,
            Some(DeliveryState::Written | DeliveryState::Queued | DeliveryState::NoHandler)
        );
        let cancelled = after.map(|delivery| delivery.state) == Some(DeliveryState::Cancelled);
        assert_eq!(
            live,
            cancelled && before != Some(DeliveryState::Cancelled),
            "seed {}",
            self.seed
        );
        if live {
            self.take_back(number, Back::Cancelled);
        }
    }

    /// A message is taken back: who holds it must be told to drop it, and nobody is owed it any more.
    fn take_back(&mut self, number: usize, back: Back) {
        let message = &mut self.messages[number];
        if message.over || message.back.is_some() {
            return;
        }
        message.back = Some(back);
        message.over = true;
        let id = message.id.to_string();
        for window in &mut self.windows {
            let holds = |tab: &Tab| {
                window.held.contains(&(number, tab.name.clone())) && !message.acked.contains_key(&tab.name)
            };
            if window.link.is_some() && window.tabs.iter().any(holds) {
                window.recalls.insert(id.clone());
                self.recalled += 1;
            }
        }
    }
}
