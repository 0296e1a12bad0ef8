//! What the pages of a connection make of the frames they read, and what must hold of each.

use crate::stage::Stage;
use crate::tab::Told;
use crate::truth::{Place, Start};
use crate::window::{is_meant, number_of};
use crier_proto::message::Fanout;
use serde_json::{Value, json};

impl Stage {
    /// The pages read what has arrived.
    pub fn read(&mut self, at: usize) {
        while let Some(frame) = self.windows[at].wire.pop_front() {
            match frame["type"].as_str().unwrap() {
                "message" => self.start(at, &frame),
                "gap" => self.hear_of_a_gap(at, &frame),
                "registered" => self.is_registered(at, &frame),
                "sent" => self.hear_of_a_send(&frame),
                "ping" => {
                    let seq = frame["seq"].as_u64().unwrap();
                    for tab in &mut self.windows[at].tabs {
                        if tab.running.is_empty() {
                            tab.skip_to(seq);
                        }
                    }
                    let _ = self.say(at, &json!({"type": "pong", "at": frame["at"]}));
                }
                // What has started is not stopped, and here everything starts at once.
                "cancel" | "bye" | "drain" => {}
                "error" if frame["code"] == 4 => {}
                _ => panic!("seed {}: {frame}", self.seed),
            }
        }
    }

    fn start(&mut self, at: usize, frame: &Value) {
        let (seed, number) = (self.seed, number_of(frame));
        let life = self.life(&self.windows[at].speaks_of.clone());
        let place = Place {
            life,
            seq: frame["seq"].as_u64().unwrap(),
        };
        let id = frame["id"].as_str().unwrap();
        let (once, redelivered) = (frame["once"] == true, frame["redelivered"] == true);
        let message = &mut self.messages[number];
        assert_eq!(message.place, place, "seed {seed}: {frame}");
        assert_eq!(frame["event"], message.event, "seed {seed}: {frame}");
        let link_no = self.windows[at].link_no;
        let Self { windows, starts, .. } = self;
        let inherit = windows[at].inherit;
        let mut meant = 0;
        for tab in &mut windows[at].tabs {
            if !is_meant(frame, tab, message.event) {
                continue;
            }
            meant += 1;
            assert!(
                !tab.expects_epoch,
                "seed {seed}: {} before its gap: {frame}",
                tab.name
            );
            let own = tab.handlers.contains_key(message.event);
            if !own {
                message.written.insert(tab.name.clone());
                tab.failing.push(id.to_owned());
                continue;
            }
            let inherited = once && message.fanout == Fanout::All;
            assert!(
                inherit || !inherited,
                "seed {seed}: {} has given that up: {frame}",
                tab.name
            );
            if !tab.receive(id, place) {
                continue;
            }
            *starts += 1;
            // Owed under (a) or (b): by the handler, or by a claim at the commit.
            let owed = tab.handlers[message.event] < place;
            let claimed_then = message.there.contains(&(tab.name.clone(), link_no));
            if if once {
                claimed_then && message.claim.releases == 0 && !redelivered && !inherited
            } else {
                owed
            } {
                assert!(
                    tab.in_order < place,
                    "seed {seed}: {} out of order: {frame}",
                    tab.name
                );
                tab.in_order = place;
            }
            let page = tab.name.clone();
            message.written.insert(page.clone());
            message.starts.push(Start {
                page,
                once,
                redelivered,
            });
        }
        assert!(!once || meant <= 1, "seed {seed}: claimed by two: {frame}");
    }

    fn is_registered(&mut self, at: usize, frame: &Value) {
        let place = Place {
            life: self.life(frame["epoch"].as_str().unwrap()),
            seq: frame["seq"].as_u64().unwrap(),
        };
        let name = frame["page"].as_str().unwrap();
        let seed = self.seed;
        let window = &mut self.windows[at];
        let Some(tab) = window.tabs.iter_mut().find(|tab| tab.name == name) else {
            return;
        };
        let events = tab.registering.pop_front();
        let events = events.unwrap_or_else(|| panic!("seed {seed}: nobody asked for {frame}"));
        if tab.life == 0 {
            tab.begin(place, &[]);
        }
        for event in events {
            if tab.heard.contains(event) {
                tab.handlers.entry(event).or_insert(place);
            }
        }
    }

    fn hear_of_a_gap(&mut self, at: usize, frame: &Value) {
        let (seed, sent) = (self.seed, self.messages.len());
        let epoch = frame["epoch"].as_str().unwrap();
        let life = self.life(epoch);
        let from = Place {
            life,
            seq: frame["from"].as_u64().unwrap(),
        };
        let to = frame["to"].as_u64();
        *self
            .gaps
            .entry(frame["reason"].as_str().unwrap().to_owned())
            .or_default() += 1;
        assert_eq!(to.is_none(), frame["reason"] == "epoch", "seed {seed}: {frame}");
        let Self {
            windows, messages, ..
        } = self;
        let window = &mut windows[at];
        let window_inherits = window.inherit;
        for name in frame["pages"].as_array().unwrap() {
            let Some(tab) = window.tabs.iter_mut().find(|tab| tab.name == *name) else {
                continue;
            };
            assert_eq!(to.is_none(), tab.expects_epoch, "seed {seed}: {frame}");
            let open = |message: &&crate::truth::Message| {
                let within = to.is_some_and(|to| (from.seq..=to).contains(&message.place.seq));
                let holder = message.claim.holder.as_ref() == Some(&tab.name) || message.claim.unseen;
                let owed = tab
                    .handlers
                    .get(message.event)
                    .is_some_and(|after| *after < message.place);
                let ran = message.starts.iter().any(|start| start.page == tab.name);
                // A handler that it has given up since may have been owed it.
                let was_owed = message.there.iter().any(|(page, _)| *page == tab.name);
                let orphan = window_inherits && message.acked.is_empty();
                message.place.life == life && within && (owed || was_owed || holder || orphan) && !ran
            };
            // Who was there throughout and has settled everything is never told of a gap (live 5.5).
            let spurious = tab.stayed && messages.iter().find(open).is_none();
            assert!(
                !spurious,
                "seed {seed}: {} has missed nothing: {frame} {:?}",
                tab.name,
                messages.iter().find(|message| message.place == from)
            );
            match to {
                Some(to) => tab.skip_to(to),
                None => tab.begin_life(life),
            }
            tab.gaps.push(Told { from, to, sent });
        }
        if window.tabs.iter().all(|tab| !tab.expects_epoch) {
            epoch.clone_into(&mut window.epoch);
        }
    }
}
