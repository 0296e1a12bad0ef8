//! The state machine of one connection: frames and time in; frames, pings and close reasons out. No socket, no runtime.
//!
//! Promise: a connection says hello in time or ends, has an authorisation at every moment it is open, answers pings or ends, and
//! ends with exactly one bye, its last frame. Knows neither mailbox nor ledger nor who else is connected.

use crate::metrics::Transport;
use crate::outbox::{Outbox, Receipt};
use crate::rate::{Bucket, Rate};
use bytes::Bytes;
use crier_platform::model::ticket::Permit;
use crier_platform::model::time::{ElapsedMicros, ElapsedMs, WallMs};
use crier_proto::frame::{Bye, ClientFrame, SERVER_FRAME_BYTES_MAX, ServerFrame, read_frames};
use crier_proto::ids::MessageId;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// How long a closing connection may take to write what waits (live 9.6).
pub const CLOSING_MS: u64 = 2_000;
/// A long poll without a request is lost after this time (live 4.7).
pub const ABSENT_MS: u64 = 15_000;
/// A lagging connection reads on when fewer bytes than this wait (live 8.2).
pub const READ_ON_BYTES: usize = 16_384;
/// No client frame is read while more than the bound less this waits, so that answers stay bounded too: the longest frame, and the
/// gaps that reading on may tell with it.
const ANSWERS_BYTES: usize = SERVER_FRAME_BYTES_MAX + 8_192;

/// The numbers that a connection lives by (live section 12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Client messages.
    pub frames: Rate,
    /// Waiting bytes.
    pub outbox_bytes_max: usize,
    /// From opening to hello.
    pub hello_ms: u64,
    /// From ping to ping.
    pub ping_ms: u64,
    /// From ping to pong.
    pub pong_ms: u64,
    /// Longest time in which the kernel takes no byte of what waits.
    pub progress_ms: u64,
}

/// Where a connection is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Opened; a hello is expected.
    Greeting,
    /// The hello's ticket is being looked at.
    Admitting,
    /// Authorised.
    Open,
    /// The bye is queued or written.
    Closing,
}

/// What is to be written next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// One frame; `taken` when the kernel has it.
    Frame(Bytes),
    /// Everything is written: close with this reason.
    Close(Bye),
    /// End without a word: nothing can be written any more.
    Cut,
    /// Nothing now.
    Nothing,
}

/// What a moment asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tick {
    /// Nothing.
    Nothing,
    /// A ping is due.
    Ping,
    /// The connection has just been ended, with this reason.
    Ended(Bye),
    /// A closing or stuck connection is to be cut.
    Cut,
}

/// What followed from the kernel's taking of a frame.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The frame.
    pub frame: Option<Bytes>,
    /// The message that is written now.
    pub receipt: Option<Receipt>,
    /// The connection was lagging and may read on.
    pub read_on: bool,
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    phase: Phase,
    lagging: bool,
    cut: bool,
    /// Nobody hears it any more.
    gone: bool,
    transport: Transport,
    /// When a long poll without a request is lost; the end of time while there is one.
    lost_at: ElapsedMs,
    /// What is known of its right to be open.
    permit: Option<Arc<Permit>>,
    /// When that right was given: a later withdrawal ends it, an earlier one does not.
    authorised_at: WallMs,
    frames: Bucket,
    outbox: Outbox,
    /// End of the phase: hello deadline, authorised span, or closing time.
    ends: ElapsedMs,
    next_ping: ElapsedMs,
    pong_by: Option<ElapsedMs>,
    /// When the ping that waits for its pong was queued, for figures alone.
    pinged: Option<ElapsedMicros>,
    /// When the kernel last took a byte, or the outbox began to fill.
    progress: ElapsedMs,
    bye: Option<(Bye, Option<u64>)>,
    /// Who waits for room to answer.
    answerer: Option<Waker>,
}

impl Connection {
    /// A connection whose socket has just been opened.
    #[must_use]
    pub fn greeting(transport: Transport, terms: &Terms, now: ElapsedMs) -> Self {
        Self {
            phase: Phase::Greeting,
            lagging: false,
            cut: false,
            gone: false,
            transport,
            lost_at: ElapsedMs(u64::MAX),
            permit: None,
            authorised_at: WallMs(i64::MIN),
            frames: Bucket::full(terms.frames, now),
            outbox: Outbox::default(),
            ends: now.plus_ms(terms.hello_ms),
            next_ping: ElapsedMs(u64::MAX),
            pong_by: None,
            pinged: None,
            progress: now,
            bye: None,
            answerer: None,
        }
    }

    /// Where it is in its life.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// What it is authorised for; absent before its admission.
    #[must_use]
    pub const fn permit(&self) -> Option<&Arc<Permit>> {
        self.permit.as_ref()
    }

    /// Reads one client message; nothing, when it came after the end.
    ///
    /// # Errors
    /// The bye with which the connection is to be ended: too many messages, or one that cannot be read or is out of place.
    pub fn receive(&mut self, text: &str, terms: &Terms, now: ElapsedMs) -> Result<Vec<ClientFrame>, Bye> {
        self.receive_read(|| read_frames(text), terms, now)
    }

    /// Takes one client message that came as a request's body and was read there.
    ///
    /// # Errors
    /// As `receive`.
    pub fn receive_posted(
        &mut self,
        frames: Vec<ClientFrame>,
        terms: &Terms,
        now: ElapsedMs,
    ) -> Result<Vec<ClientFrame>, Bye> {
        self.receive_read(|| Ok(frames), terms, now)
    }

    fn receive_read(
        &mut self,
        read: impl FnOnce() -> Result<Vec<ClientFrame>, Bye>,
        terms: &Terms,
        now: ElapsedMs,
    ) -> Result<Vec<ClientFrame>, Bye> {
        if self.phase == Phase::Closing {
            return Ok(Vec::new());
        }
        if !self.counts(terms, now) {
            return Err(Bye::TooManyFrames);
        }
        let read = read()?;
        self.in_place(&read).map(|()| read)
    }

    /// Counts one client message; false when there were too many (live 4.15).
    pub fn counts(&mut self, terms: &Terms, now: ElapsedMs) -> bool {
        self.frames.take(terms.frames, now)
    }

    /// With which bye it has ended; absent while it has not.
    #[must_use]
    pub fn bye(&self) -> Option<Bye> {
        self.bye.map(|(bye, _)| bye)
    }

    /// With which bye it has ended, and after how many milliseconds it may come back; absent while it has not ended.
    #[must_use]
    pub const fn refusal(&self) -> Option<(Bye, Option<u64>)> {
        self.bye
    }

    /// A hello is the first frame, and no later one.
    fn in_place(&self, read: &[ClientFrame]) -> Result<(), Bye> {
        let hello = |frame: &ClientFrame| matches!(frame, ClientFrame::Hello(_));
        let opening = self.phase == Phase::Greeting;
        let first = read.first().is_some_and(hello);
        let later = read.iter().skip(1).any(hello);
        if opening == first && !later {
            Ok(())
        } else {
            Err(Bye::BadFrame)
        }
    }

    /// The hello is being judged; the hello deadline is met.
    pub fn admitting(&mut self) {
        if self.phase == Phase::Greeting {
            self.phase = Phase::Admitting;
        }
    }

    /// The connection is authorised until `until`; false when it has ended meanwhile.
    pub fn open(&mut self, permit: Arc<Permit>, until: ElapsedMs, first_ping: ElapsedMs) -> bool {
        match self.phase {
            Phase::Greeting | Phase::Admitting => {
                self.phase = Phase::Open;
                self.permit = Some(permit);
                self.ends = until;
                self.next_ping = first_ping;
                true
            }
            Phase::Open | Phase::Closing => false,
        }
    }

    /// A new ticket moves the end of the authorisation (live 3.8); false when the connection is not open.
    pub fn renew(&mut self, permit: Arc<Permit>, until: ElapsedMs) -> bool {
        let open = self.phase == Phase::Open;
        if open {
            self.permit = Some(permit);
            self.ends = until;
        }
        open
    }

    /// The page has answered the ping. Returns when that was queued, the first time.
    pub fn pong(&mut self) -> Option<ElapsedMicros> {
        self.pong_by = None;
        self.pinged.take()
    }

    /// Offers a message frame; false when the connection lags or begins to (live 8.2).
    pub fn offer(&mut self, (bytes, receipt): (Bytes, Receipt), terms: &Terms, now: ElapsedMs) -> bool {
        if self.phase != Phase::Open || self.lagging || self.gone {
            return false;
        }
        self.begins_to_fill(now);
        let fits = self.outbox.offer(bytes, receipt, terms.outbox_bytes_max);
        self.lagging = !fits;
        fits
    }

    /// Whether messages are held back until the outbox is nearly empty.
    #[must_use]
    pub const fn is_lagging(&self) -> bool {
        self.lagging
    }

    /// The outbox is nearly empty and the mailbox is being read on.
    pub fn read_on(&mut self) {
        self.lagging = false;
    }

    /// Queues an answer to a frame of the page. Whoever lets it answer has waited for room.
    pub fn answer(&mut self, bytes: Bytes, now: ElapsedMs) {
        if self.phase != Phase::Closing && !self.gone {
            self.begins_to_fill(now);
            self.outbox.answer(bytes);
        }
    }

    /// Queues a short frame of the server's own; false when even the reserve is full.
    pub fn control(&mut self, bytes: Bytes, terms: &Terms, now: ElapsedMs) -> bool {
        if self.phase == Phase::Closing {
            return false;
        }
        self.begins_to_fill(now);
        self.outbox.control(bytes, terms.outbox_bytes_max)
    }

    /// Queues a ping, and on a WebSocket waits for its pong from now on (live 4.14).
    pub fn ping(&mut self, bytes: Bytes, terms: &Terms, now: ElapsedMs) {
        // Only a WebSocket client answers: the others show by their progress and their polls that they live.
        if self.control(bytes, terms, now) && self.transport == Transport::WebSocket {
            // A further ping gives no further time for the pong of the first.
            self.pong_by.get_or_insert(now.plus_ms(terms.pong_ms));
        }
    }

    /// Notes when a ping was queued, if one waits for its pong.
    pub fn pinged(&mut self, at: ElapsedMicros) {
        if self.pong_by.is_some() {
            self.pinged.get_or_insert(at);
        }
    }

    /// Ends the connection: what waits is written, then the bye, then nothing.
    pub fn end(&mut self, bye: Bye, retry_after_ms: Option<u64>, now: ElapsedMs) {
        if self.phase == Phase::Closing {
            return;
        }
        self.begins_to_fill(now);
        self.outbox
            .answer(ServerFrame::bye(bye, retry_after_ms).to_json().into());
        self.phase = Phase::Closing;
        self.bye = Some((bye, retry_after_ms));
        self.made_room();
        // A bye for a poll waits for its next request as long as the connection itself would.
        let patience_ms = match self.transport {
            Transport::Poll => ABSENT_MS,
            Transport::WebSocket | Transport::Sse => CLOSING_MS,
        };
        self.ends = now.plus_ms(patience_ms);
    }

    /// A request of the long poll has come, or has gone.
    pub fn attended(&mut self, is_here: bool, now: ElapsedMs) {
        self.lost_at = if is_here {
            ElapsedMs(u64::MAX)
        } else {
            now.plus_ms(ABSENT_MS)
        };
    }

    /// Whether it has been given up without a word.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.cut
    }

    /// Whether the bye has been taken, and with it everything.
    #[must_use]
    pub fn has_said_all(&self) -> bool {
        self.bye.is_some() && self.outbox.is_empty()
    }

    /// Whether there is something to say, and whether it ends with the bye.
    #[must_use]
    pub fn has_to_say(&self) -> (bool, bool) {
        (
            !self.outbox.is_empty() || self.bye.is_some() || self.cut,
            self.bye.is_some() || self.cut,
        )
    }

    /// The page has left: nothing more is said.
    pub fn hang_up(&mut self) {
        self.cut();
    }

    /// Notes when the right to be open was given.
    pub fn authorised(&mut self, at: WallMs) {
        self.authorised_at = at;
    }

    /// When the right to be open was given.
    #[must_use]
    pub const fn authorised_at(&self) -> WallMs {
        self.authorised_at
    }

    /// Drops waiting messages that `gone` names (live 3.14), and says whose they were.
    pub fn withdraw(&mut self, gone: impl Fn(&Receipt) -> bool) -> Vec<Receipt> {
        let dropped = self.outbox.withdraw(gone);
        self.made_room();
        dropped
    }

    /// Whether a message waits or is being written.
    #[must_use]
    pub fn carries(&self, id: MessageId) -> bool {
        self.outbox.carries(id)
    }

    /// Whether it lags and little enough waits for it to read on (live 8.2).
    #[must_use]
    pub fn may_read_on(&self) -> bool {
        self.phase == Phase::Open && self.lagging && self.outbox.bytes() < READ_ON_BYTES
    }

    /// Whether a frame of the client may be read now: there is room for the answer.
    #[must_use]
    pub fn wants_frames(&self, terms: &Terms) -> bool {
        let fits = self.outbox.bytes() <= terms.outbox_bytes_max.saturating_sub(ANSWERS_BYTES);
        self.phase != Phase::Closing && (fits || self.gone)
    }

    /// Ready when a frame may be answered, or when no answer will ever be heard. One at a time may wait.
    pub fn poll_room(&mut self, terms: &Terms, cx: &Context<'_>) -> Poll<()> {
        if self.phase == Phase::Closing || self.wants_frames(terms) {
            return Poll::Ready(());
        }
        self.answerer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// The other side has gone while a message of it is being worked at: nothing more is said to it. Returns whether the work is
    /// still worth finishing, because the connection had its right to ask for it.
    pub fn is_heard_no_more(&mut self) -> bool {
        self.gone = true;
        self.made_room();
        self.permit.is_some()
    }

    /// Wakes who waits for room; it looks for itself whether there is enough.
    fn made_room(&mut self) {
        if let Some(answerer) = self.answerer.take() {
            answerer.wake();
        }
    }

    /// Drops the messages at the front of the outbox whose time is over: no write begins after it (live 5.2).
    pub fn lapse(&mut self, now: ElapsedMs) -> Vec<Receipt> {
        let lapsed = self.outbox.lapse(now);
        if !lapsed.is_empty() {
            self.made_room();
        }
        lapsed
    }

    /// Queues the gap that stands for lapsed messages before everything that waits.
    pub fn tell_first(&mut self, bytes: Bytes) {
        self.outbox.put_first(bytes);
    }

    /// The kernel has not taken a byte of the frame that `next_output` gave last: it is not on its way yet.
    pub fn put_back(&mut self) {
        self.outbox.put_back();
    }

    /// What is to be written next.
    pub fn next_output(&mut self) -> Next {
        if self.cut {
            return Next::Cut;
        }
        if let Some(bytes) = self.outbox.next_frame() {
            return Next::Frame(bytes);
        }
        match self.bye {
            Some((bye, _)) if self.outbox.is_empty() => Next::Close(bye),
            Some(_) | None => Next::Nothing,
        }
    }

    /// The kernel has all bytes of the last frame that `next` gave.
    pub fn taken(&mut self, now: ElapsedMs) -> Taken {
        self.progress = now;
        let (frame, receipt) = self.outbox.taken().unzip();
        self.made_room();
        Taken {
            frame,
            receipt: receipt.flatten(),
            read_on: self.may_read_on(),
        }
    }

    /// The kernel has taken some bytes.
    pub fn progressed(&mut self, now: ElapsedMs) {
        self.progress = now;
    }

    /// Waiting bytes.
    #[must_use]
    pub const fn waiting_bytes(&self) -> usize {
        self.outbox.bytes()
    }

    /// Waiting frames.
    #[must_use]
    pub fn waiting_frames(&self) -> usize {
        self.outbox.frames()
    }

    /// Judges the moment. To be asked again at `next_due`.
    pub fn tick(&mut self, terms: &Terms, now: ElapsedMs) -> Tick {
        match self.phase {
            Phase::Closing if now >= self.ends => self.cut(),
            Phase::Closing => Tick::Nothing,
            Phase::Greeting if now >= self.ends => self.ended(Bye::NoHello, now),
            Phase::Greeting | Phase::Admitting => Tick::Nothing,
            Phase::Open if now >= self.ends => self.ended(self.end_of_span(), now),
            Phase::Open if now >= self.lost_at => self.cut(),
            Phase::Open if self.is_stuck(terms, now) => {
                self.gives_up();
                Tick::Cut
            }
            Phase::Open => self.tick_pings(terms, now),
        }
    }

    /// The session's end, where that is what ends the span (live 3.8, 3.11).
    fn end_of_span(&self) -> Bye {
        match &self.permit {
            Some(permit) if permit.session_ends => Bye::SessionEnded,
            Some(_) | None => Bye::AuthorisationExpired,
        }
    }

    fn tick_pings(&mut self, terms: &Terms, now: ElapsedMs) -> Tick {
        // While bytes wait, the page cannot be blamed for a ping it has not seen: progress is judged instead (live 8.4).
        if self.pong_by.is_some_and(|by| now >= by) {
            if self.outbox.is_empty() {
                return self.ended(Bye::PingTimeout, now);
            }
            self.pong_by = None;
            self.pinged = None;
        }
        if now < self.next_ping {
            return Tick::Nothing;
        }
        self.next_ping = now.plus_ms(terms.ping_ms);
        if self.outbox.is_empty() {
            Tick::Ping
        } else {
            Tick::Nothing
        }
    }

    /// When `tick` is to be asked next.
    #[must_use]
    pub fn next_due(&self, terms: &Terms) -> ElapsedMs {
        match self.phase {
            Phase::Greeting | Phase::Closing => self.ends,
            Phase::Admitting => ElapsedMs(u64::MAX),
            Phase::Open => {
                let stuck = if self.outbox.is_empty() {
                    ElapsedMs(u64::MAX)
                } else {
                    self.progress.plus_ms(terms.progress_ms)
                };
                let pong = self.pong_by.unwrap_or(ElapsedMs(u64::MAX));
                self.ends
                    .min(self.next_ping)
                    .min(stuck)
                    .min(pong)
                    .min(self.lost_at)
            }
        }
    }

    /// Whether what waits has waited too long without progress. The transport is asked to try once more before this is believed.
    #[must_use]
    pub fn is_stuck(&self, terms: &Terms, now: ElapsedMs) -> bool {
        self.phase == Phase::Open
            && !self.outbox.is_empty()
            && now >= self.progress.plus_ms(terms.progress_ms)
    }

    fn ended(&mut self, bye: Bye, now: ElapsedMs) -> Tick {
        self.end(bye, None, now);
        Tick::Ended(bye)
    }

    /// Nothing of what is being written is taken any more; false when the connection has ended already.
    pub fn gives_up(&mut self) -> bool {
        let lives = self.phase != Phase::Closing;
        if lives {
            // Not a byte can be written, so the bye is for whoever asks later.
            self.bye = Some((Bye::NoProgress, None));
            self.cut();
        }
        lives
    }

    fn cut(&mut self) -> Tick {
        self.phase = Phase::Closing;
        self.cut = true;
        self.made_room();
        Tick::Cut
    }

    fn begins_to_fill(&mut self, now: ElapsedMs) {
        if self.outbox.is_empty() {
            self.progress = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::ENTRY_BYTES;
    use crier_platform::model::session::SessionId;
    use crier_proto::ids::{AppId, SessionKey, Uid};

    const TERMS: Terms = Terms {
        frames: Rate {
            per_second: 100,
            burst: 200,
        },
        outbox_bytes_max: 65_536,
        hello_ms: 5_000,
        ping_ms: 25_000,
        pong_ms: 10_000,
        progress_ms: 30_000,
    };
    const START: ElapsedMs = ElapsedMs(1_000_000);
    const HELLO: &str =
        r#"{"type":"hello","v":1,"ticket":"T","pages":[{"page":"0123456789abcdef","events":[]}]}"#;
    const LEAVE: &str = r#"{"type":"leave"}"#;

    fn permit() -> Arc<Permit> {
        let user = Uid::new(2).expect("2 is a uid");
        Arc::new(Permit {
            app: AppId::new(1).expect("1 is an application id"),
            user,
            session: SessionId(3),
            session_key: SessionKey::of("0123456789abcdef01234567", user).expect("24 digits"),
            until: WallMs(0),
            session_ends: false,
        })
    }

    fn opened() -> Connection {
        let mut connection = Connection::greeting(Transport::WebSocket, &TERMS, START);
        assert_eq!(
            connection.receive(HELLO, &TERMS, START).map(|read| read.len()),
            Ok(1)
        );
        connection.admitting();
        assert!(connection.open(permit(), START.plus_ms(3_600_000), START.plus_ms(7_000)));
        connection
    }

    fn offered(connection: &mut Connection, length: usize) -> bool {
        let receipt = Receipt {
            id: MessageId::from_bytes([1; 16]),
            seq: 1,
            sender: Uid::new(9).expect("9 is a uid"),
            sent_at: WallMs(0),
            expires: ElapsedMs(u64::MAX),
            pages: Box::default(),
        };
        connection.offer((Bytes::from(vec![b'x'; length]), receipt), &TERMS, START)
    }

    fn bye(connection: &mut Connection) -> Bye {
        loop {
            match connection.next_output() {
                Next::Frame(_) => drop(connection.taken(START)),
                Next::Close(bye) => return bye,
                other => panic!("a bye, not {other:?}"),
            }
        }
    }

    #[test]
    fn the_first_frame_is_a_hello_and_no_later_one_is() {
        let mut early = Connection::greeting(Transport::WebSocket, &TERMS, START);
        assert_eq!(early.receive(LEAVE, &TERMS, START), Err(Bye::BadFrame));
        let mut twice = opened();
        assert_eq!(twice.receive(HELLO, &TERMS, START), Err(Bye::BadFrame));
        let mut both = Connection::greeting(Transport::WebSocket, &TERMS, START);
        let array = format!("[{HELLO},{LEAVE}]");
        assert_eq!(both.receive(&array, &TERMS, START).map(|read| read.len()), Ok(2));
    }

    #[test]
    fn the_hello_deadline_ends_a_silent_socket_and_nothing_else_does() {
        let mut connection = Connection::greeting(Transport::WebSocket, &TERMS, START);
        assert_eq!(connection.next_due(&TERMS), START.plus_ms(5_000));
        assert_eq!(connection.tick(&TERMS, START.plus_ms(4_999)), Tick::Nothing);
        let late = connection.tick(&TERMS, START.plus_ms(5_000));
        assert_eq!(late, Tick::Ended(Bye::NoHello));
        assert_eq!(bye(&mut connection), Bye::NoHello);
    }

    #[test]
    fn there_is_exactly_one_bye_and_it_is_the_last_frame() {
        let mut connection = opened();
        assert!(offered(&mut connection, 10));
        connection.end(Bye::Restarting, Some(5), START);
        connection.end(Bye::Withdrawn, None, START);
        assert!(!offered(&mut connection, 10));
        connection.answer(Bytes::from_static(b"late"), START);
        let mut frames = Vec::new();
        while let Next::Frame(bytes) = connection.next_output() {
            frames.push(bytes);
            connection.taken(START);
        }
        assert_eq!(frames.len(), 2);
        assert_eq!(
            &*frames[1],
            br#"{"type":"bye","code":4001,"reason":"restarting","retry_after":5}"#
        );
        assert_eq!(connection.next_output(), Next::Close(Bye::Restarting));
    }

    #[test]
    fn a_closing_connection_is_cut_after_its_two_seconds() {
        let mut connection = opened();
        connection.end(Bye::Moved, None, START);
        assert_eq!(connection.next_due(&TERMS), START.plus_ms(CLOSING_MS));
        assert_eq!(connection.tick(&TERMS, START.plus_ms(CLOSING_MS)), Tick::Cut);
        assert_eq!(connection.next_output(), Next::Cut);
    }

    #[test]
    fn a_full_outbox_lags_until_it_is_nearly_empty() {
        let mut connection = opened();
        for _ in 0..8 {
            assert!(offered(&mut connection, 8_192 - ENTRY_BYTES));
        }
        assert!(!offered(&mut connection, 1));
        assert!(connection.is_lagging() && !connection.wants_frames(&TERMS));
        let mut taken = 0;
        loop {
            assert!(matches!(connection.next_output(), Next::Frame(_)));
            taken += 1;
            if connection.taken(START).read_on {
                break;
            }
        }
        // Seven frames gone leave 8,192 bytes, the first amount below the mark.
        assert_eq!((taken, connection.waiting_bytes()), (7, 8_192));
        connection.read_on();
        assert!(offered(&mut connection, 1));
    }

    #[test]
    fn a_reader_that_takes_a_byte_in_time_is_never_cut() {
        let mut connection = opened();
        assert!(offered(&mut connection, 100));
        let mut now = START;
        for _ in 0..10 {
            now = now.plus_ms(29_000);
            assert_eq!(connection.tick(&TERMS, now), Tick::Nothing);
            connection.progressed(now);
        }
        assert_eq!(connection.tick(&TERMS, now.plus_ms(30_000)), Tick::Cut);
    }

    #[test]
    fn an_unanswered_ping_ends_an_idle_connection() {
        let mut connection = opened();
        let pinged = START.plus_ms(7_000);
        assert_eq!(connection.tick(&TERMS, pinged), Tick::Ping);
        connection.ping(Bytes::from_static(b"ping"), &TERMS, pinged);
        assert!(matches!(connection.next_output(), Next::Frame(_)));
        connection.taken(pinged);
        assert_eq!(connection.next_due(&TERMS), pinged.plus_ms(10_000));
        let late = connection.tick(&TERMS, pinged.plus_ms(10_000));
        assert_eq!(late, Tick::Ended(Bye::PingTimeout));
    }

    #[test]
    fn no_state_is_open_without_an_authorisation() {
        let mut connection = opened();
        assert!(connection.renew(permit(), START.plus_ms(5_000)));
        let over = connection.tick(&TERMS, START.plus_ms(5_000));
        assert_eq!(over, Tick::Ended(Bye::AuthorisationExpired));
        assert!(!connection.renew(permit(), START.plus_ms(90_000)));
        assert!(!connection.open(permit(), START.plus_ms(90_000), START));
    }
}
