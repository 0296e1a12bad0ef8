//! THE BYE TABLE: one row per reason for which a connection ends (live 4.6, 4.12).
//!
//! Every question about a bye is one exhaustive match. No other file knows a close code.

/// Why a connection ends: the number's range says whether to come back (live 4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u16)]
pub enum Bye {
    /// The connection moves to another node.
    Moved = 4000,
    /// The server restarts.
    Restarting = 4001,
    /// This node does not know the connection.
    ConnectionUnknown = 4002,
    /// Too much load.
    Overloaded = 4100,
    /// The page's side took no byte for too long.
    NoProgress = 4101,
    /// No pong in time.
    PingTimeout = 4102,
    /// More frames than the rate permits.
    TooManyFrames = 4103,
    /// A fault of ours.
    InternalError = 4104,
    /// The broker is out of reach.
    BrokerUnavailable = 4105,
    /// Too many connections of this user or address.
    TooManyConnections = 4106,
    /// No hello in time.
    NoHello = 4107,
    /// The ticket is unknown, used, expired or void.
    TicketInvalid = 4200,
    /// The authorised span is over.
    AuthorisationExpired = 4201,
    /// The resume token is not acceptable.
    ResumeInvalid = 4202,
    /// The session has ended.
    SessionEnded = 4203,
    /// A frame that is malformed or out of place.
    BadFrame = 4300,
    /// A frame over its size.
    FrameTooLarge = 4301,
    /// The origin is not one of the application's.
    OriginRefused = 4302,
    /// A newer connection took over.
    Superseded = 4303,
    /// The application is disabled.
    AppDisabled = 4304,
    /// The user has withdrawn from the application.
    Withdrawn = 4305,
    /// The protocol version is not spoken here.
    VersionNotSpoken = 4306,
}

/// What a client does after a bye: the four ranges of live 4.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AfterBye {
    /// 4000–4099: reconnects with `resume` after `retry_after`.
    Resume,
    /// 4100–4199: reconnects with `resume`, backing off.
    BackOff,
    /// 4200–4299: gets a new ticket, then connects, backing off.
    NewTicket,
    /// 4300–4399: stops for good.
    Stop,
}

impl Bye {
    /// Every row, in order of number.
    pub const ALL: [Self; 22] = [
        Self::Moved,
        Self::Restarting,
        Self::ConnectionUnknown,
        Self::Overloaded,
        Self::NoProgress,
        Self::PingTimeout,
        Self::TooManyFrames,
        Self::InternalError,
        Self::BrokerUnavailable,
        Self::TooManyConnections,
        Self::NoHello,
        Self::TicketInvalid,
        Self::AuthorisationExpired,
        Self::ResumeInvalid,
        Self::SessionEnded,
        Self::BadFrame,
        Self::FrameTooLarge,
        Self::OriginRefused,
        Self::Superseded,
        Self::AppDisabled,
        Self::Withdrawn,
        Self::VersionNotSpoken,
    ];

    /// The number on the wire and the WebSocket close code.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// `reason` of the bye frame and of the WebSocket close (live 4.6, the words of its table).
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Moved => "moved",
            Self::Restarting => "restarting",
            Self::ConnectionUnknown => "connection unknown here",
            Self::Overloaded => "overloaded",
            Self::NoProgress => "no progress",
            Self::PingTimeout => "ping time-out",
            Self::TooManyFrames => "too many frames",
            Self::InternalError => "internal error",
            Self::BrokerUnavailable => "broker unavailable",
            Self::TooManyConnections => "too many connections",
            Self::NoHello => "no hello",
            Self::TicketInvalid => "ticket invalid",
            Self::AuthorisationExpired => "authorisation expired",
            Self::ResumeInvalid => "resume token invalid",
            Self::SessionEnded => "session ended",
            Self::BadFrame => "bad frame",
            Self::FrameTooLarge => "frame too large",
            Self::OriginRefused => "origin refused",
            Self::Superseded => "superseded",
            Self::AppDisabled => "application disabled",
            Self::Withdrawn => "user has withdrawn",
            Self::VersionNotSpoken => "version not spoken",
        }
    }

    /// What the client does next.
    #[must_use]
    pub const fn after(self) -> AfterBye {
        match self {
            Self::Moved | Self::Restarting | Self::ConnectionUnknown => AfterBye::Resume,
            Self::Overloaded
            | Self::NoProgress
            | Self::PingTimeout
            | Self::TooManyFrames
            | Self::InternalError
            | Self::BrokerUnavailable
            | Self::TooManyConnections
            | Self::NoHello => AfterBye::BackOff,
            Self::TicketInvalid | Self::AuthorisationExpired | Self::ResumeInvalid | Self::SessionEnded => {
                AfterBye::NewTicket
            }
            Self::BadFrame
            | Self::FrameTooLarge
            | Self::OriginRefused
            | Self::Superseded
            | Self::AppDisabled
            | Self::Withdrawn
            | Self::VersionNotSpoken => AfterBye::Stop,
        }
    }

    /// The HTTP status of a refusal that carries this bye (live 4.12). Rows that 4.12 does not name never answer a
    /// request in practice; they have the status of their nearest neighbour: moved as restarting, the time-outs as load,
    /// superseded as an unknown connection, an unspoken version as a bad frame.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::BadFrame | Self::VersionNotSpoken => 400,
            Self::TicketInvalid | Self::AuthorisationExpired | Self::ResumeInvalid | Self::SessionEnded => {
                401
            }
            Self::OriginRefused | Self::AppDisabled | Self::Withdrawn => 403,
            Self::ConnectionUnknown | Self::Superseded => 410,
            Self::FrameTooLarge => 413,
            Self::TooManyFrames | Self::TooManyConnections => 429,
            Self::Moved
            | Self::Restarting
            | Self::Overloaded
            | Self::NoProgress
            | Self::PingTimeout
            | Self::InternalError
            | Self::BrokerUnavailable
            | Self::NoHello => 503,
        }
    }

    /// Whether the HTTP answer carries `Retry-After` (live 4.12: every 429 and 503).
    #[must_use]
    pub const fn http_has_retry_after(self) -> bool {
        matches!(self.http_status(), 429 | 503)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_client_does_is_told_by_the_range_of_the_number() {
        for bye in Bye::ALL {
            let by_range = match bye.number() {
                4000..=4099 => AfterBye::Resume,
                4100..=4199 => AfterBye::BackOff,
                4200..=4299 => AfterBye::NewTicket,
                4300..=4399 => AfterBye::Stop,
                other => panic!("{other} lies in no range"),
            };
            assert_eq!(bye.after(), by_range, "{bye:?}");
        }
    }

    #[test]
    fn the_rows_are_in_order_and_each_stands_once() {
        assert!(Bye::ALL.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn http_statuses_are_those_of_live_4_12() {
        let stated: [(&[Bye], u16, bool); 8] = [
            (&[Bye::BadFrame], 400, false),
            (
                &[
                    Bye::TicketInvalid,
                    Bye::AuthorisationExpired,
                    Bye::ResumeInvalid,
                    Bye::SessionEnded,
                ],
                401,
                false,
            ),
            (
                &[Bye::OriginRefused, Bye::AppDisabled, Bye::Withdrawn],
                403,
                false,
            ),
            (&[Bye::ConnectionUnknown], 410, false),
            (&[Bye::FrameTooLarge], 413, false),
            (&[Bye::TooManyFrames, Bye::TooManyConnections], 429, true),
            (&[Bye::Restarting, Bye::Overloaded], 503, true),
            (&[Bye::InternalError, Bye::BrokerUnavailable], 503, true),
        ];
        for (byes, status, retry) in stated {
            for bye in byes {
                assert_eq!(
                    (bye.http_status(), bye.http_has_retry_after()),
                    (status, retry),
                    "{bye:?}"
                );
            }
        }
    }

    #[test]
    fn reasons_fit_a_websocket_close_frame() {
        // A close frame's payload is at most 125 bytes, two of them the code.
        assert!(Bye::ALL.iter().all(|bye| bye.reason().len() <= 123));
    }
}
