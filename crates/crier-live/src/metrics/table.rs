//! Every figure of this room: name, kind, labels and one sentence (live section 13).
//!
//! Promise: the page of figures, the guide's table and the counting come from this list; a figure that is not in it does not exist.
//! Knows no value.

/// What the names begin with.
pub const PREFIX: &str = "crier_live";

/// How a figure moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Rises only, from 0 at the start of the process.
    Counter,
    /// Stands where things are now.
    Gauge,
    /// Durations, counted into spans from 0.1 ms to 60 s.
    Histogram,
}

impl Kind {
    /// The kind as Prometheus spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

macro_rules! figures {
    ($($metric:ident $name:literal $kind:ident [$($label:literal),*] $help:literal;)+) => {
        /// Every figure of this room.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Metric {
            $(#[doc = $help] $metric,)+
        }

        impl Metric {
            /// All of them, in the order of live section 13.
            pub const ALL: &'static [Self] = &[$(Self::$metric,)+];

            /// Its name behind the prefix, without the `_total` that the text format adds to a counter.
            #[must_use]
            pub const fn short_name(self) -> &'static str {
                match self { $(Self::$metric => $name,)+ }
            }

            /// How it moves.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $(Self::$metric => Kind::$kind,)+ }
            }

            /// Its labels, each with a closed set of values.
            #[must_use]
            pub const fn labels(self) -> &'static [&'static str] {
                match self { $(Self::$metric => &[$($label),*],)+ }
            }

            /// What it says.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self { $(Self::$metric => $help,)+ }
            }
        }
    };
}

figures! {
    Connections "connections" Gauge ["transport"] "Open connections, those that have not said hello among them";
    Pages "pages" Gauge [] "Present pages, those within their grace among them";
    Handlers "handlers" Gauge [] "Registrations of one event by one present page";
    LaggingConnections "lagging_connections" Gauge [] "Connections whose outbox is full, so that nothing more is pushed to them";
    OutboxBytes "outbox_bytes" Gauge [] "Bytes of frames that the kernel has not taken, over all connections";
    Waiters "waiters" Gauge [] "Calls that wait for a page to be written to or to ack";
    Admissions "admissions" Counter ["kind", "result"] "Hellos judged, by ticket or resume token: ok, or the code of the bye";
    AdmissionWait "admission_wait_seconds" Histogram ["kind"] "From a hello to its turn in the queue of admissions";
    Resumes "resumes" Counter ["result"] "Resume tokens shown: ok, or the code of the bye that refused them";
    Tickets "tickets" Counter ["result"] "Tickets issued, redeemed, and refused when they were shown";
    Sends "sends" Counter ["door", "result"] "Messages by the door they came through: ok when one got its place, else the code of the error";
    MessagesEnded "messages_ended" Counter ["app", "state"] "Messages that left their mailbox, by their state at that moment";
    NoHandler "no_handler" Counter ["app"] "Messages whose event no present page handled at the commit";
    Redelivered "redelivered" Counter [] "Messages offered to a further page because the first vanished before its ack";
    Gaps "gaps" Counter ["reason"] "Gaps told to pages";
    AcceptSeconds "accept_seconds" Histogram ["mode"] "From a message's arrival at the mailbox to its place, with what the mode has to sync";
    AcceptToWritten "accept_to_written_seconds" Histogram [] "From a message's commit to its first complete hand-over to the kernel";
    AcceptToAcked "accept_to_acked_seconds" Histogram ["fanout"] "From a message's commit to its first ack";
    MailboxItems "mailbox_items" Gauge [] "Live messages";
    MailboxBytes "mailbox_bytes" Gauge [] "Bytes of live messages";
    Heads "heads" Gauge [] "Mailbox heads, those without messages among them";
    Frames "frames" Counter ["direction", "type"] "Frames read from pages (in) and taken by the kernel for them (out)";
    Byes "byes" Counter ["code"] "Ends of connections by the server, by close code";
    PingRoundTrip "ping_round_trip_seconds" Histogram [] "From a ping's place in the outbox to the page's pong";
    Receipts "receipts" Counter ["result"] "Receipts by what became of them: posted, retried (once for each failed attempt), expired, dropped, off";
    ReceiptsWaiting "receipts_waiting" Gauge [] "Receipts that wait or are on their way";
    ReceiptOldest "receipt_oldest_seconds" Gauge [] "Age of the oldest receipt that waits or is on its way; 0 when there is none";
    BrokerUp "broker_up" Gauge [] "1 while the broker answers; the one in the process always does";
    Overflow "overflow" Counter ["name"] "Bounds of live section 12 that were reached";
    Withdrawals "withdrawals" Counter [] "Withdrawals carried out";
    WithdrawalSeconds "withdrawal_seconds" Histogram [] "From a withdrawal's commit to the last byte written to a connection that it ended";
}

impl Metric {
    /// The name as the text format shows it.
    #[must_use]
    pub fn name(self) -> String {
        let suffix = if self.kind() == Kind::Counter {
            "_total"
        } else {
            ""
        };
        format!("{PREFIX}_{}{suffix}", self.short_name())
    }
}
