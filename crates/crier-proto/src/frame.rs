//! Frames between server and page, and why a connection ends (live section 4).
//!
//! Shapes only: who may send which frame when is `crier-live`'s.

/// Why a connection ends: the number's range says whether to come back (live 4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

impl Bye {
    /// The number on the wire and the WebSocket close code.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }
}
