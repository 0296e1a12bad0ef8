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

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Crier's own, or its store's or broker's.
    Ours,
    /// The call itself is wrong.
    Caller,
    /// The application does what it may not.
    App,
    /// A person has not done, or not allowed, what the call needs.
    User,
}

/// Whether the same call may succeed another time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Not before the call is changed.
    Never,
    /// Unchanged, after a while.
    Later,
    /// Unchanged, once somebody has repaired what is wrong: a login, an acceptance, a setting.
    AfterRepair,
}

/// How loudly an error is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Everyday.
    Debug,
    /// Worth a line.
    Info,
    /// Somebody should look.
    Warn,
    /// Somebody must look.
    Error,
}

/// What may follow the constant of a row (protocol 12.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CauseRule {
    /// A colon, a blank and the cause.
    Any,
    /// Nothing.
    None,
    /// The unknown outcome of a committed message alone, never an inner reason.
    OutcomeUnknown,
    /// The caller's address, in parentheses.
    Address,
}

impl Code {
    /// Every row, by rising number.
    pub const ALL: [Self; 25] = [
        Self::Unknown,
        Self::ServiceUnavailable,
        Self::UnknownMethod,
        Self::RequestLimit,
        Self::UnauthorizedAddress,
        Self::PermissionDenied,
        Self::InvalidParameter,
        Self::InvalidApiKey,
        Self::InvalidSession,
        Self::CallIdNotGreater,
        Self::IncorrectSignature,
        Self::InvalidAlbum,
        Self::TermsNotAccepted,
        Self::MissingImage,
        Self::FeedLimit,
        Self::TitleLinks,
        Self::TitleTooLong,
        Self::TitleBlank,
        Self::BodyTooLong,
        Self::PhotoSource,
        Self::PhotoLink,
        Self::BatchTooLarge,
        Self::LiveMessageFailed,
        Self::EventNameTooLong,
        Self::MessageTooLong,
    ];

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The constant part of `error_msg` (seeds: Error Codes; protocol 12.2).
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Unknown => "An unknown error occurred",
            Self::ServiceUnavailable => "Service temporarily unavailable",
            Self::UnknownMethod => "Unknown method",
            Self::RequestLimit => "Application request limit reached",
            Self::UnauthorizedAddress => "Unauthorized source IP address",
            Self::PermissionDenied => "Application does not have permission for this action",
            Self::InvalidParameter => "Invalid parameter",
            Self::InvalidApiKey => "Invalid API key",
            Self::InvalidSession => "Session key invalid or no longer valid",
            Self::CallIdNotGreater => "Call_id must be greater than previous",
            Self::IncorrectSignature => "Incorrect signature",
            Self::InvalidAlbum => "Invalid album id",
            Self::TermsNotAccepted => {
                "An application is only allowed to send LiveMessages to users who have accepted the TOS for that application."
            }
            Self::MissingImage => "Missing or invalid image file",
            Self::FeedLimit => "Feed publication request limit reached",
            Self::TitleLinks => "Feed story title can have at most one href anchor",
            Self::TitleTooLong => "Feed story title is too long",
            Self::TitleBlank => "Feed story title rendered as blank",
            Self::BodyTooLong => "Feed story body is too long",
            Self::PhotoSource => "Feed story photo could not be accessed or proxied",
            Self::PhotoLink => "Feed story photo link invalid",
            Self::BatchTooLarge => "Each batch API can not contain more than 20 items",
            Self::LiveMessageFailed => "An error occurred while sending the LiveMessage.",
            Self::EventNameTooLong => "The event_name parameter must be no longer than 128 bytes.",
            Self::MessageTooLong => "The message parameter must be no longer than 1024 bytes",
        }
    }

    /// Its name in logs, metrics and fixtures: lower case, unique.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::ServiceUnavailable => "service_unavailable",
            Self::UnknownMethod => "unknown_method",
            Self::RequestLimit => "request_limit",
            Self::UnauthorizedAddress => "unauthorized_address",
            Self::PermissionDenied => "permission_denied",
            Self::InvalidParameter => "invalid_parameter",
            Self::InvalidApiKey => "invalid_api_key",
            Self::InvalidSession => "invalid_session",
            Self::CallIdNotGreater => "call_id_not_greater",
            Self::IncorrectSignature => "incorrect_signature",
            Self::InvalidAlbum => "invalid_album",
            Self::TermsNotAccepted => "terms_not_accepted",
            Self::MissingImage => "missing_image",
            Self::FeedLimit => "feed_limit",
            Self::TitleLinks => "title_links",
            Self::TitleTooLong => "title_too_long",
            Self::TitleBlank => "title_blank",
            Self::BodyTooLong => "body_too_long",
            Self::PhotoSource => "photo_source",
            Self::PhotoLink => "photo_link",
            Self::BatchTooLarge => "batch_too_large",
            Self::LiveMessageFailed => "live_message_failed",
            Self::EventNameTooLong => "event_name_too_long",
            Self::MessageTooLong => "message_too_long",
        }
    }

    /// Its label in metrics: the number as text, so that dashboards and the wire speak alike.
    #[must_use]
    pub fn metric_label(self) -> String {
        self.number().to_string()
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn fault(self) -> Fault {
        match self {
            Self::Unknown | Self::ServiceUnavailable => Fault::Ours,
            Self::UnknownMethod
            | Self::InvalidParameter
            | Self::CallIdNotGreater
            | Self::IncorrectSignature
            | Self::InvalidAlbum
            | Self::MissingImage
            | Self::TitleLinks
            | Self::TitleTooLong
            | Self::TitleBlank
            | Self::BodyTooLong
            | Self::PhotoSource
            | Self::PhotoLink
            | Self::BatchTooLarge
            | Self::EventNameTooLong
            | Self::MessageTooLong => Fault::Caller,
            Self::RequestLimit
            | Self::UnauthorizedAddress
            | Self::PermissionDenied
            | Self::InvalidApiKey
            | Self::FeedLimit
            | Self::LiveMessageFailed => Fault::App,
            Self::InvalidSession | Self::TermsNotAccepted => Fault::User,
        }
    }

    /// Whether the same call may succeed another time.
    #[must_use]
    pub const fn retry(self) -> Retry {
        match self {
            Self::Unknown
            | Self::ServiceUnavailable
            | Self::RequestLimit
            | Self::FeedLimit
            | Self::LiveMessageFailed => Retry::Later,
            Self::UnauthorizedAddress
            | Self::InvalidApiKey
            | Self::InvalidSession
            | Self::TermsNotAccepted => Retry::AfterRepair,
            Self::UnknownMethod
            | Self::PermissionDenied
            | Self::InvalidParameter
            | Self::CallIdNotGreater
            | Self::IncorrectSignature
            | Self::InvalidAlbum
            | Self::MissingImage
            | Self::TitleLinks
            | Self::TitleTooLong
            | Self::TitleBlank
            | Self::BodyTooLong
            | Self::PhotoSource
            | Self::PhotoLink
            | Self::BatchTooLarge
            | Self::EventNameTooLong
            | Self::MessageTooLong => Retry::Never,
        }
    }

    /// How loudly it is logged: our own faults at error, what may be an attack or a broken deployment at info.
    #[must_use]
    pub const fn level(self) -> Level {
        match self {
            Self::Unknown => Level::Error,
            Self::ServiceUnavailable | Self::LiveMessageFailed => Level::Warn,
            Self::RequestLimit
            | Self::UnauthorizedAddress
            | Self::PermissionDenied
            | Self::InvalidApiKey
            | Self::CallIdNotGreater
            | Self::IncorrectSignature => Level::Info,
            Self::UnknownMethod
            | Self::InvalidParameter
            | Self::InvalidSession
            | Self::InvalidAlbum
            | Self::TermsNotAccepted
            | Self::MissingImage
            | Self::FeedLimit
            | Self::TitleLinks
            | Self::TitleTooLong
            | Self::TitleBlank
            | Self::BodyTooLong
            | Self::PhotoSource
            | Self::PhotoLink
            | Self::BatchTooLarge
            | Self::EventNameTooLong
            | Self::MessageTooLong => Level::Debug,
        }
    }

    /// What may follow its constant (protocol 12.1).
    const fn cause_rule(self) -> CauseRule {
        match self {
            Self::ServiceUnavailable => CauseRule::OutcomeUnknown,
            Self::UnauthorizedAddress => CauseRule::Address,
            Self::Unknown
            | Self::TermsNotAccepted
            | Self::BatchTooLarge
            | Self::LiveMessageFailed
            | Self::EventNameTooLong
            | Self::MessageTooLong => CauseRule::None,
            Self::UnknownMethod
            | Self::RequestLimit
            | Self::PermissionDenied
            | Self::InvalidParameter
            | Self::InvalidApiKey
            | Self::InvalidSession
            | Self::CallIdNotGreater
            | Self::IncorrectSignature
            | Self::InvalidAlbum
            | Self::MissingImage
            | Self::FeedLimit
            | Self::TitleLinks
            | Self::TitleTooLong
            | Self::TitleBlank
            | Self::BodyTooLong
            | Self::PhotoSource
            | Self::PhotoLink => CauseRule::Any,
        }
    }
}

/// Bytes of a cause at most (protocol 12.1).
pub const CAUSE_BYTES_MAX: usize = 200;

/// A row and the exact cause: what a caller is told instead of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    code: Code,
    cause: Option<Cow<'static, str>>,
    bound: Option<&'static str>,
    kind: Option<&'static str>,
}

impl Refusal {
    /// The row alone.
    #[must_use]
    pub const fn plain(code: Code) -> Self {
        Self {
            code,
            cause: None,
            bound: None,
            kind: None,
        }
    }

    /// The row with its cause (protocol 12.1: printable ASCII without quotes, angles, ampersand or backslash, at most 200 bytes).
    #[must_use]
    pub fn because(code: Code, cause: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            cause: Some(cause.into()),
            bound: None,
            kind: None,
        }
    }

    /// The same, of a value that was over the bound of this name: for figures, never told (live section 12).
    #[must_use]
    pub const fn over(mut self, bound: &'static str) -> Self {
        self.bound = Some(bound);
        self
    }

    /// The name of the bound that was exceeded, if the refusal is for that.
    #[must_use]
    pub const fn bound(&self) -> Option<&'static str> {
        self.bound
    }

    /// The same, told apart from others of its row by a word of a closed set: for figures, never told (feed 5.7, 10.1).
    #[must_use]
    pub const fn of_kind(mut self, kind: &'static str) -> Self {
        self.kind = Some(kind);
        self
    }

    /// The word that tells it apart from others of its row, if figures tell it apart.
    #[must_use]
    pub const fn kind(&self) -> Option<&'static str> {
        self.kind
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

    /// `error_msg` as it goes on the wire (protocol 12.1). Rows that carry no cause drop theirs; a byte that no cause
    /// may have becomes `?`.
    #[must_use]
    pub fn message(&self) -> String {
        let mut message = String::from(self.code.text());
        let Some(cause) = self.cause.as_deref() else {
            return message;
        };
        match self.code.cause_rule() {
            CauseRule::None => {}
            CauseRule::OutcomeUnknown if !cause.starts_with("outcome unknown, id ") => {}
            CauseRule::Any | CauseRule::OutcomeUnknown => {
                message.push_str(": ");
                push_permitted(&mut message, cause);
            }
            CauseRule::Address => {
                message.push_str(" (ip was: ");
                push_permitted(&mut message, cause);
                message.push(')');
            }
        }
        message
    }
}

/// Appends what protocol 12.1 permits of a cause: period clients look for `"` and `<` to find the end of the text.
fn push_permitted(message: &mut String, cause: &str) {
    let permitted = |c: char| matches!(c, ' '..='~') && !matches!(c, '"' | '<' | '>' | '&' | '\\');
    message.extend(
        cause
            .chars()
            .take(CAUSE_BYTES_MAX)
            .map(|c| if permitted(c) { c } else { '?' }),
    );
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.code.number(), self.message())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_row_is_listed_once_by_rising_number() {
        assert!(Code::ALL.is_sorted_by(|one, next| one.number() < next.number()));
        let names: BTreeSet<_> = Code::ALL.map(Code::name).into();
        assert_eq!(names.len(), Code::ALL.len());
    }

    #[test]
    fn constants_with_a_full_stop_and_1_950_1102_never_carry_a_cause() {
        for code in Code::ALL {
            let bare = code.text().ends_with('.') || matches!(code.number(), 1 | 950 | 1102);
            let message = Refusal::because(code, "why").message();
            assert_eq!(message == code.text(), bare || code.number() == 2, "{message}");
        }
    }

    #[test]
    fn code_2_tells_an_unknown_outcome_and_nothing_else() {
        let of = |cause: &'static str| Refusal::because(Code::ServiceUnavailable, cause).message();
        assert_eq!(of("disk full"), "Service temporarily unavailable");
        assert_eq!(
            of("outcome unknown, id 00112233445566778899aabbccddeeff"),
            "Service temporarily unavailable: outcome unknown, id 00112233445566778899aabbccddeeff"
        );
    }

    #[test]
    fn code_5_shows_the_address_in_parentheses() {
        let refusal = Refusal::because(Code::UnauthorizedAddress, "192.0.2.7");
        assert_eq!(
            refusal.message(),
            "Unauthorized source IP address (ip was: 192.0.2.7)"
        );
    }

    #[test]
    fn a_cause_follows_a_colon_and_keeps_to_permitted_bytes() {
        let refusal = Refusal::because(Code::InvalidParameter, "title has \"<&>\\é\n");
        assert_eq!(refusal.message(), "Invalid parameter: title has ???????");
        let long = Refusal::because(Code::InvalidParameter, "x".repeat(300));
        assert_eq!(
            long.message().len(),
            "Invalid parameter: ".len() + CAUSE_BYTES_MAX
        );
    }

    #[test]
    fn a_refusal_is_shown_with_its_number() {
        assert_eq!(
            Refusal::plain(Code::IncorrectSignature).to_string(),
            "104 Incorrect signature"
        );
    }
}
