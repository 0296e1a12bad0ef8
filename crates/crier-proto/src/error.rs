//! THE ERROR TABLE: one row per code of protocol 12.2, and the refusal that carries a row and its exact cause.
//!
//! Every question about a code is one exhaustive match. No other file knows a wire number.

use std::borrow::Cow;
use std::fmt;

/// A row of the table. The discriminant is the number on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u16)]
pub enum Code {
    /// 1: a fault of ours; nothing committed unless a retry finds it.
    Unknown = 1,
    /// 2: store or broker out of reach, disk full, draining.
    ServiceUnavailable = 2,
    /// 3: steps 6 and 10 of the order of checks.
    UnknownMethod = 3,
    /// 4: quota, the recipient's rate; the twelve hours under `feed_errors=documented`.
    RequestLimit = 4,
    /// 5: the source address is not in the application's list.
    UnauthorizedAddress = 5,
    /// 10: `call_as_apikey` not empty.
    PermissionDenied = 10,
    /// 100: shape, grammar, missing values.
    InvalidParameter = 100,
    /// 101: `api_key` missing, malformed, unknown, or the application disabled.
    InvalidApiKey = 101,
    /// 102: the session is missing, malformed, unknown, expired or another application's.
    InvalidSession = 102,
    /// 103: `call_id` not greater than the session's last.
    CallIdNotGreater = 103,
    /// 104: signature wrong, or more than one reading.
    IncorrectSignature = 104,
    /// 120: photos.upload, no such album.
    InvalidAlbum = 120,
    /// 292: sender or recipient has not accepted the terms.
    TermsNotAccepted = 292,
    /// 324: photos.upload, no usable image file.
    MissingImage = 324,
    /// 340: the twelve hours under `feed_errors=detailed`.
    FeedLimit = 340,
    /// 342: more than one `a` in the title.
    TitleLinks = 342,
    /// 343: title too long.
    TitleTooLong = 343,
    /// 345: title renders blank.
    TitleBlank = 345,
    /// 346: body too long.
    BodyTooLong = 346,
    /// 347: picture source neither URL nor usable pid.
    PhotoSource = 347,
    /// 348: picture without link, or link not allowed.
    PhotoLink = 348,
    /// 950: batch.run with more than 20 items.
    BatchTooLarge = 950,
    /// 1100: the application's mailbox total is full.
    LiveMessageFailed = 1100,
    /// 1101: `event_name` over 128 bytes.
    EventNameTooLong = 1101,
    /// 1102: `message` over 1,024 bytes.
    MessageTooLong = 1102,
}

impl Code {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }
}

/// A row and the exact cause: what a caller is told instead of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    code: Code,
    cause: Option<Cow<'static, str>>,
}

impl Refusal {
    /// The row alone.
    #[must_use]
    pub const fn plain(code: Code) -> Self {
        Self { code, cause: None }
    }

    /// The row with its cause (protocol 12.1: printable ASCII without quotes, angles, ampersand or backslash, at most 200 bytes).
    #[must_use]
    pub fn because(code: Code, cause: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            cause: Some(cause.into()),
        }
    }

    /// The row.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The cause, if there is one.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// `error_msg` as it goes on the wire (protocol 12.1).
    #[must_use]
    pub fn message(&self) -> String {
        todo!()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.code.number(), self.message())
    }
}
