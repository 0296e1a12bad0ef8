//! The closed sets that labels take their values from (live section 13). None names a person, an event or an id.

use crate::hub::Coming;
use crate::mailbox::Ended;
use crier_platform::model::message::DeliveryState;
use crier_proto::error::Code;
use crier_proto::frame::{Bye, ClientFrame, GapReason};
use crier_proto::message::Fanout;

/// A label's values: known beforehand, so that a count is an index and not a look-up.
pub(crate) trait Closed: Copy + 'static {
    /// All values, in the order of their indexes.
    fn all() -> Vec<Self>;
    /// Where the value stands in `all`.
    fn index(self) -> usize;
    /// The value as the page shows it.
    fn word(self) -> String;
}

macro_rules! closed {
    ($(#[$doc:meta])* $set:ident { $($value:ident $word:literal $what:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $set {
            $(#[doc = $what] $value,)+
        }

        impl $set {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$value,)+];

            /// What the value stands for, for the guide.
            #[cfg(test)]
            pub(crate) const fn help(self) -> &'static str {
                match self { $(Self::$value => $what,)+ }
            }

            /// The label's value.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$value => $word,)+ }
            }
        }

        impl Closed for $set {
            fn all() -> Vec<Self> {
                Self::ALL.to_vec()
            }

            fn index(self) -> usize {
                self as usize
            }

            fn word(self) -> String {
                self.as_str().to_owned()
            }
        }
    };
}

closed! {
    /// A bound that has a counter: the column "overflow name" of live section 12, less `send_queue`, which the page counts itself.
    Overflow {
        EventName "event_name" "An event name over 128 bytes.",
        Message "message" "A message text over 1,024 bytes.",
        CollapseKey "collapse_key" "A collapse key over 32 bytes.",
        Ttl "ttl" "A time to live over 24 hours.",
        MailboxRing "mailbox_ring" "The ring of one (application, recipient): its oldest message was dropped.",
        MailboxApp "mailbox_app" "The total of one application's mailboxes.",
        MailboxNode "mailbox_node" "The total of the process's mailboxes.",
        Head "head" "Mailbox heads: the one unused longest has left.",
        Quota "quota" "Calls of an application or a session.",
        RateRecipient "rate_recipient" "Sends to one (application, recipient).",
        RateSend "rate_send" "Sends by pages of one session.",
        RateFrames "rate_frames" "Client messages of one connection.",
        FrameSize "frame_size" "A client message over 65,536 bytes.",
        FrameItems "frame_items" "Frames of one array, or ids of one ack.",
        Handlers "handlers" "Pages or events of one connection, or events of one page.",
        TicketsOutstanding "tickets_outstanding" "Tickets of one (application, user): the oldest is void.",
        Authorised "authorised" "The authorised span of a connection, or the life of a resume token.",
        ConnectionsUser "connections_user" "Connections of one (application, user).",
        ConnectionsAddress "connections_address" "Connections of one address.",
        Connections "connections" "Connections of the process.",
        Hello "hello" "Sockets waiting for a hello, or the time that one may wait.",
        RequestHead "request_head" "The time or the size of a request's head.",
        RequestBody "request_body" "The time of a request's body.",
        Admit "admit" "Places in the queue of admissions, or the age of one.",
        Ping "ping" "The time for a pong.",
        PageGone "page_gone" "The grace of a page without a connection: its claims are free.",
        Outbox "outbox" "The bytes of one connection's outbox: it lags.",
        NoProgress "no_progress" "The time in which the kernel may take no byte.",
        Waiters "waiters" "Waiting calls: this one was answered at once.",
        Status "status" "Outcome records of one application: the oldest has left.",
        Timeline "timeline" "Entries of one message's timeline: later ones are left out.",
        ReceiptQueue "receipt_queue" "Receipts waiting for one application: the oldest has left.",
        ReceiptExpired "receipt_expired" "The age of a receipt: it was given up.",
        Broker "broker" "The time for the broker's answer.",
        AcksHeld "acks_held" "Acks held while the broker is away.",
        Stop "stop" "The deadline of a soft stop: what was left has been cut.",
    }
}

impl Overflow {
    /// The bound of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|bound| bound.as_str() == name)
    }
}

closed! {
    /// By which way a connection carries its frames.
    Transport {
        WebSocket "ws" "WebSocket.",
        Sse "sse" "Server-sent events.",
        Poll "poll" "Long poll.",
    }
}

closed! {
    /// What becomes of a ticket.
    TicketFate {
        Issued "issued" "It was made.",
        Redeemed "redeemed" "It opened or renewed a connection.",
        Refused "refused" "It was shown and is unknown, used, expired or void.",
    }
}

closed! {
    /// What becomes of a receipt.
    ReceiptFate {
        Posted "posted" "Its receiver has it.",
        Retried "retried" "An attempt failed; it is made again.",
        Expired "expired" "It was given up by its age.",
        Dropped "dropped" "It had to leave for newer ones.",
        Off "off" "Its application wants no receipts any more.",
    }
}

closed! {
    /// Where a message's commit must have arrived before its sender is answered.
    Mode {
        Memory "memory" "In this process.",
        Durable "durable" "On the disk.",
    }
}

closed! {
    /// A message's state when it leaves its mailbox.
    Ending {
        Acked "acked" "A page had acked it.",
        Cancelled "cancelled" "By its sender.",
        Replaced "replaced" "By a newer one.",
        Revoked "revoked" "By a withdrawal.",
        Dropped "dropped" "By the ring's bounds.",
        Expired "expired" "By its time.",
    }
}

impl Ending {
    /// The ending that a state tells; nothing for the states of a message that lives.
    pub(crate) const fn of(state: DeliveryState) -> Option<Self> {
        match state {
            DeliveryState::Acked => Some(Self::Acked),
            DeliveryState::Cancelled => Some(Self::Cancelled),
            DeliveryState::Replaced => Some(Self::Replaced),
            DeliveryState::Revoked => Some(Self::Revoked),
            DeliveryState::Dropped => Some(Self::Dropped),
            DeliveryState::Expired => Some(Self::Expired),
            DeliveryState::Written | DeliveryState::Queued | DeliveryState::NoHandler => None,
        }
    }
}

impl From<Ended> for Ending {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Dropped => Self::Dropped,
            Ended::Expired => Self::Expired,
            Ended::Replaced => Self::Replaced,
            Ended::Revoked => Self::Revoked,
            Ended::Cancelled => Self::Cancelled,
        }
    }
}

closed! {
    /// Types of frames, by direction.
    FrameType {
        Hello "hello" "In.",
        Register "register" "In.",
        Unregister "unregister" "In.",
        Focus "focus" "In.",
        Ack "ack" "In.",
        Send "send" "In.",
        Renew "renew" "In.",
        Pong "pong" "In.",
        Leave "leave" "In.",
        Unknown "unknown" "In.",
        Welcome "welcome" "Out.",
        Registered "registered" "Out.",
        Message "message" "Out.",
        Sent "sent" "Out.",
        Error "error" "Out.",
        Gap "gap" "Out.",
        Cancel "cancel" "Out.",
        Ping "ping" "Out.",
        Renewed "renewed" "Out.",
        Drain "drain" "Out.",
        Bye "bye" "Out.",
    }
}

impl FrameType {
    /// The first type that the server says.
    const OUT_FROM: usize = Self::Welcome as usize;

    /// `in` for what pages say, `out` for what they are told.
    pub(crate) const fn direction(self) -> &'static str {
        if (self as usize) < Self::OUT_FROM {
            "in"
        } else {
            "out"
        }
    }

    /// The type of a page's frame.
    pub(crate) const fn of_client(frame: &ClientFrame) -> Self {
        match frame {
            ClientFrame::Hello(_) => Self::Hello,
            ClientFrame::Register(_) => Self::Register,
            ClientFrame::Unregister { .. } => Self::Unregister,
            ClientFrame::Focus { .. } => Self::Focus,
            ClientFrame::Ack { .. } => Self::Ack,
            ClientFrame::Send(_) => Self::Send,
            ClientFrame::Renew { .. } => Self::Renew,
            ClientFrame::Pong { .. } => Self::Pong,
            ClientFrame::Leave => Self::Leave,
            ClientFrame::Unknown => Self::Unknown,
        }
    }

    /// The type of a server's frame as it stands in the outbox: `type` is its first field.
    pub(crate) fn of_server(frame: &[u8]) -> Option<Self> {
        let rest = frame.strip_prefix(br#"{"type":""#)?;
        // The most frequent first.
        if rest.starts_with(b"message\"") {
            return Some(Self::Message);
        }
        let word = rest.split(|byte| *byte == b'"').next()?;
        Self::ALL[Self::OUT_FROM..]
            .iter()
            .copied()
            .find(|kind| kind.as_str().as_bytes() == word)
    }
}

/// By which door a message comes, as the page shows it; the door itself is the platform's.
pub use crier_platform::model::message::Door;

impl Closed for Door {
    fn all() -> Vec<Self> {
        vec![Self::Rest, Self::Batch, Self::Page]
    }

    fn index(self) -> usize {
        match self {
            Self::Rest => 0,
            Self::Batch => 1,
            Self::Page => 2,
        }
    }

    fn word(self) -> String {
        match self {
            Self::Rest => "rest",
            Self::Batch => "batch",
            Self::Page => "page",
        }
        .to_owned()
    }
}

/// `ok`, or the code of what was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Judged<T>(pub(crate) Option<T>);

impl<T: Closed> Closed for Judged<T> {
    fn all() -> Vec<Self> {
        let codes = T::all().into_iter().map(|code| Self(Some(code)));
        std::iter::once(Self(None)).chain(codes).collect()
    }

    fn index(self) -> usize {
        self.0.map_or(0, |code| code.index() + 1)
    }

    fn word(self) -> String {
        self.0.map_or_else(|| "ok".to_owned(), Closed::word)
    }
}

impl Closed for Coming {
    fn all() -> Vec<Self> {
        vec![Self::New, Self::Resume]
    }

    fn index(self) -> usize {
        match self {
            Self::New => 0,
            Self::Resume => 1,
        }
    }

    fn word(self) -> String {
        match self {
            Self::New => "ticket",
            Self::Resume => "resume",
        }
        .to_owned()
    }
}

impl Closed for Bye {
    fn all() -> Vec<Self> {
        Self::ALL.to_vec()
    }

    fn index(self) -> usize {
        Self::ALL.iter().position(|bye| *bye == self).unwrap_or(0)
    }

    fn word(self) -> String {
        self.number().to_string()
    }
}

impl Closed for Code {
    fn all() -> Vec<Self> {
        Self::ALL.to_vec()
    }

    fn index(self) -> usize {
        Self::ALL.iter().position(|code| *code == self).unwrap_or(0)
    }

    fn word(self) -> String {
        self.number().to_string()
    }
}

impl Closed for GapReason {
    fn all() -> Vec<Self> {
        vec![Self::Overflow, Self::Expired, Self::Epoch, Self::Damaged]
    }

    fn index(self) -> usize {
        match self {
            Self::Overflow => 0,
            Self::Expired => 1,
            Self::Epoch => 2,
            Self::Damaged => 3,
        }
    }

    fn word(self) -> String {
        GapReason::word(self).to_owned()
    }
}

impl Closed for Fanout {
    fn all() -> Vec<Self> {
        vec![Self::All, Self::One, Self::Focused]
    }

    fn index(self) -> usize {
        match self {
            Self::All => 0,
            Self::One => 1,
            Self::Focused => 2,
        }
    }

    fn word(self) -> String {
        match self {
            Self::All => "all",
            Self::One => "one",
            Self::Focused => "focused",
        }
        .to_owned()
    }
}
