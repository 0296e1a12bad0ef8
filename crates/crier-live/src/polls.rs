//! The answers of one long poll: which poll is waited on, what was answered last, and whether that arrived (live 4.8).
//!
//! Promise: an answer is kept until the page has confirmed it, and is given again when it asks for it: the same but for messages that
//! have been taken back meanwhile; only the latest poll is given frames. Knows no socket and no clock: whoever asks brings the moment.

use crate::outbox::Receipt;
use bytes::Bytes;
use crier_platform::model::time::ElapsedMs;
use crier_proto::frame::poll_to_json;
use crier_proto::ids::MessageId;

/// Milliseconds in which further frames may join the first one of an answer.
const GATHER_MS: u64 = 5;

/// A frame of an answer, and whose message it was.
pub(crate) type Sent = (Bytes, Option<Receipt>);

/// What a poll is to do now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Answer with no frames: another poll has come.
    Nothing(Bytes),
    /// Answer with `again`.
    Again,
    /// Answer with what waits, or with nothing.
    Build,
    /// Look again at this moment, or when something has changed.
    Until(ElapsedMs),
}

/// The polls of one connection.
#[derive(Debug, Default)]
pub(crate) struct Polls {
    /// Number of the last answer.
    n: u64,
    /// Which poll is the latest.
    turn: u64,
    /// The frames of the last answer, until it is confirmed.
    last: Option<Vec<Sent>>,
    /// The kernel has had all of it once: its messages are counted as written.
    counted: bool,
    /// The latest poll has not got the last answer.
    again: bool,
    holds_until: ElapsedMs,
    gathers_until: Option<ElapsedMs>,
}

impl Polls {
    /// A poll has come that got answer `got` last: its turn; `None` when that answer is not the last one or the one before.
    pub(crate) fn begin(&mut self, got: u64, holds_until: ElapsedMs) -> Option<u64> {
        if got == self.n {
            self.last = None;
            self.again = false;
        } else if got.checked_add(1) == Some(self.n) {
            self.again = self.last.is_some();
        } else {
            return None;
        }
        self.turn += 1;
        self.holds_until = holds_until;
        self.gathers_until = None;
        Some(self.turn)
    }

    /// Whether this is the latest poll.
    pub(crate) const fn is_latest(&self, turn: u64) -> bool {
        self.turn == turn
    }

    /// What the poll of this turn does at this moment; `waits`: there are frames, `ends`: and the bye is among them.
    pub(crate) fn step(&mut self, turn: u64, (waits, ends): (bool, bool), now: ElapsedMs) -> Step {
        if !self.is_latest(turn) {
            return Step::Nothing(self.nothing());
        }
        if self.again {
            return Step::Again;
        }
        if waits {
            let gathers_until = *self.gathers_until.get_or_insert(now.plus_ms(GATHER_MS));
            if ends || now >= gathers_until {
                return Step::Build;
            }
            return Step::Until(gathers_until.min(self.holds_until));
        }
        if now >= self.holds_until {
            return Step::Build;
        }
        Step::Until(self.holds_until)
    }

    /// Makes the next answer of these frames and gives it to this turn, or keeps it for the poll that came meanwhile.
    pub(crate) fn build(&mut self, turn: u64, sent: Vec<Sent>) -> Bytes {
        self.n += 1;
        self.last = Some(sent);
        self.counted = false;
        if self.is_latest(turn) {
            return self.text();
        }
        self.again = true;
        self.nothing()
    }

    /// The last answer once more, without the messages that `void` names: what was taken back since is not given to a page that may
    /// never have had it. Of the rest it is the write that began before, whatever has expired since.
    pub(crate) fn again(&mut self, void: impl Fn(&Receipt) -> bool) -> Bytes {
        if let Some(last) = &mut self.last {
            last.retain(|(_, receipt)| !receipt.as_ref().is_some_and(&void));
        }
        self.text()
    }

    /// The kernel has taken the whole answer of this turn: the frames that are written now.
    pub(crate) fn taken(&mut self, turn: u64) -> Vec<Sent> {
        if !self.is_latest(turn) || std::mem::replace(&mut self.counted, true) {
            return Vec::new();
        }
        self.last.clone().unwrap_or_default()
    }

    /// Whether a message is in the last answer, which the page has not confirmed.
    pub(crate) fn carries(&self, id: MessageId) -> bool {
        let mut receipts = self
            .last
            .iter()
            .flatten()
            .filter_map(|(_, receipt)| receipt.as_ref());
        receipts.any(|receipt| receipt.id == id)
    }

    /// The last answer.
    fn text(&self) -> Bytes {
        let texts: Vec<&str> = self
            .last
            .iter()
            .flatten()
            .map(|(frame, _)| std::str::from_utf8(frame).unwrap_or_default())
            .collect();
        poll_to_json(self.n, &texts).into()
    }

    /// The answer to a poll that another one has overtaken. It takes no number: there is nothing in it to confirm.
    fn nothing(&self) -> Bytes {
        let confirmed = self.n - u64::from(self.again);
        poll_to_json::<&str>(confirmed, &[]).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crier_platform::model::time::WallMs;
    use crier_proto::ids::Uid;

    const NOW: ElapsedMs = ElapsedMs(1_000);
    const HELD: ElapsedMs = ElapsedMs(26_000);

    fn sent(text: &'static str) -> Vec<Sent> {
        vec![(Bytes::from_static(text.as_bytes()), None)]
    }

    #[test]
    fn a_poll_waits_for_a_frame_then_gathers_five_milliseconds() {
        let mut polls = Polls::default();
        let turn = polls.begin(0, HELD).unwrap();
        assert_eq!(polls.step(turn, (false, false), NOW), Step::Until(HELD));
        assert_eq!(polls.step(turn, (true, false), NOW), Step::Until(NOW.plus_ms(5)));
        assert_eq!(polls.step(turn, (true, false), NOW.plus_ms(5)), Step::Build);
        assert_eq!(&*polls.build(turn, sent("{}")), br#"{"n":1,"frames":[{}]}"#);
        let turn = polls.begin(1, HELD).unwrap();
        assert_eq!(
            polls.step(turn, (true, true), NOW),
            Step::Build,
            "a bye waits for nothing"
        );
        assert_eq!(polls.step(turn, (false, false), HELD), Step::Build);
    }

    #[test]
    fn an_answer_that_was_not_confirmed_is_given_again_unchanged_and_a_confirmed_one_never() {
        let mut polls = Polls::default();
        let turn = polls.begin(0, HELD).unwrap();
        let first = polls.build(turn, sent("{}"));
        assert_eq!(polls.taken(turn).len(), 1);
        for _ in 0..2 {
            let again = polls.begin(0, HELD).unwrap();
            assert_eq!(polls.step(again, (true, false), NOW), Step::Again);
            assert_eq!(polls.again(|_| true), first, "no message is in it");
            assert!(polls.taken(again).is_empty(), "its frames are written once");
        }
        let next = polls.begin(1, HELD).unwrap();
        assert_eq!(polls.step(next, (false, false), NOW), Step::Until(HELD));
        for got in [0, 2, u64::MAX] {
            let known = got == 0;
            assert_eq!(polls.begin(got, HELD).is_some(), known, "{got}");
        }
        polls.begin(1, HELD).unwrap();
        let turn = polls.begin(1, HELD).unwrap();
        assert_eq!(&*polls.build(turn, sent("[]")), br#"{"n":2,"frames":[[]]}"#);
        assert_eq!(polls.begin(0, HELD), None, "two behind");
    }

    #[test]
    fn a_second_poll_answers_the_first_with_no_frames_and_gets_what_the_first_was_to_have() {
        let mut polls = Polls::default();
        let first = polls.begin(0, HELD).unwrap();
        let second = polls.begin(0, HELD).unwrap();
        let nothing = Bytes::from_static(br#"{"n":0,"frames":[]}"#);
        assert_eq!(
            polls.step(first, (true, false), NOW),
            Step::Nothing(nothing.clone())
        );
        assert_eq!(polls.build(first, sent("{}")), nothing);
        assert_eq!(polls.step(first, (true, false), NOW), Step::Nothing(nothing));
        let all = Bytes::from_static(br#"{"n":1,"frames":[{}]}"#);
        assert_eq!(polls.step(second, (false, false), NOW), Step::Again);
        assert_eq!(polls.again(|_| false), all);
        assert!(polls.taken(first).is_empty());
        assert_eq!(polls.taken(second).len(), 1);
    }

    #[test]
    fn what_was_taken_back_is_left_out_of_an_answer_that_is_given_again() {
        let message = |number| {
            let receipt = Receipt {
                id: MessageId::from_bytes([number; 16]),
                seq: u64::from(number),
                sender: Uid::new(9).unwrap(),
                sent_at: WallMs(0),
                expires: ElapsedMs(0),
                pages: Box::default(),
            };
            (Bytes::from(number.to_string()), Some(receipt))
        };
        let mut polls = Polls::default();
        let turn = polls.begin(0, HELD).unwrap();
        assert_eq!(
            &*polls.build(turn, vec![message(1), message(2)]),
            br#"{"n":1,"frames":[1,2]}"#
        );
        assert!(polls.carries(MessageId::from_bytes([1; 16])));
        let again = polls.begin(0, HELD).unwrap();
        assert_eq!(&*polls.again(|of| of.seq == 1), br#"{"n":1,"frames":[2]}"#);
        assert!(!polls.carries(MessageId::from_bytes([1; 16])));
        assert_eq!(polls.taken(again).len(), 1, "the kernel had none of it before");
        assert!(polls.taken(again).is_empty());
        polls.begin(1, HELD).unwrap();
        assert!(!polls.carries(MessageId::from_bytes([2; 16])), "confirmed");
    }
}
