//! The answers of one long poll: which poll is waited on, what was answered last, and whether that arrived (live 4.8).
//!
//! Promise: an answer is kept until the page has confirmed it, and is given again unchanged when it asks for it; only the latest poll
//! is given frames. Knows no socket and no clock: whoever asks brings the moment.

use crate::outbox::Receipt;
use bytes::Bytes;
use crier_platform::model::time::ElapsedMs;
use crier_proto::frame::poll_to_json;

/// Milliseconds in which further frames may join the first one of an answer.
const GATHER_MS: u64 = 5;

/// A frame of an answer, and whose message it was.
pub(crate) type Sent = (Bytes, Option<Receipt>);

/// What a poll is to do now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Answer with this.
    Answer(Bytes),
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
    /// The last answer, until it is confirmed.
    last: Option<Bytes>,
    /// Its frames, until the kernel has taken them.
    sent: Vec<Sent>,
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
            return Step::Answer(self.nothing());
        }
        if let (true, Some(last)) = (self.again, &self.last) {
            return Step::Answer(last.clone());
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
        let texts: Vec<&str> = sent
            .iter()
            .map(|(frame, _)| std::str::from_utf8(frame).unwrap_or_default())
            .collect();
        self.n += 1;
        let answer = Bytes::from(poll_to_json(self.n, &texts));
        self.last = Some(answer.clone());
        self.sent = sent;
        if self.is_latest(turn) {
            return answer;
        }
        self.again = true;
        poll_to_json::<&str>(self.n - 1, &[]).into()
    }

    /// The kernel has taken the whole answer of this turn: the frames that are written now.
    pub(crate) fn taken(&mut self, turn: u64) -> Vec<Sent> {
        if self.is_latest(turn) {
            std::mem::take(&mut self.sent)
        } else {
            Vec::new()
        }
    }

    /// What was answered is not to be given again.
    pub(crate) fn forget(&mut self) {
        self.last = None;
        self.again = false;
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
            assert_eq!(polls.step(again, (true, false), NOW), Step::Answer(first.clone()));
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
            Step::Answer(nothing.clone())
        );
        assert_eq!(polls.build(first, sent("{}")), nothing);
        assert_eq!(polls.step(first, (true, false), NOW), Step::Answer(nothing));
        let all = Bytes::from_static(br#"{"n":1,"frames":[{}]}"#);
        assert_eq!(polls.step(second, (false, false), NOW), Step::Answer(all));
        assert!(polls.taken(first).is_empty());
        assert_eq!(polls.taken(second).len(), 1);
    }
}
