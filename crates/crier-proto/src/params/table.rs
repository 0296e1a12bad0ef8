//! The tables themselves: common names, methods, and the parameters of each (protocol 4, 5.3, 14.1, 14.2, 15, 16).
//!
//! Data alone; the rules that use it are elsewhere.

use super::{MethodSpec, Param, SessionNeed, Shape};

/// A parameter that may be left out.
const fn optional(name: &'static str, shape: Shape, meaning: &'static str) -> Param {
    Param {
        name,
        required: false,
        shape,
        meaning,
    }
}

/// A parameter that must be there.
const fn required(name: &'static str, shape: Shape, meaning: &'static str) -> Param {
    Param {
        name,
        required: true,
        shape,
        meaning,
    }
}

/// The common parameters, in the order of protocol 4. Whether `session_key` and `call_id` are required, the method and
/// the application's settings say.
pub const COMMON: &[Param] = &[
    required("api_key", Shape::ApiKey, "Names the application."),
    required("method", Shape::Method, "Names the method."),
    required(
        "sig",
        Shape::Signature,
        "Proves the caller: MD5 or HMAC-SHA-256 over all other parameters.",
    ),
    required("v", Shape::ApiVersion, "The version of the interface: 1.0."),
    optional(
        "session_key",
        Shape::SessionKey,
        "The session of the user on whose behalf the call is made.",
    ),
    optional(
        "call_id",
        Shape::CallId,
        "A number greater than that of the session's previous call.",
    ),
    optional(
        "format",
        Shape::Format,
        "How to answer: XML (the default) or JSON.",
    ),
    optional(
        "callback",
        Shape::Callback,
        "The function that the answer is wrapped in, for a page's script element.",
    ),
    optional(
        "ss",
        Shape::Bool,
        "Signed with the session secret instead of the application secret.",
    ),
    optional(
        "sig_version",
        Shape::SigVersion,
        "2: the signature is HMAC-SHA-256.",
    ),
    optional(
        "ts",
        Shape::Timestamp,
        "With sig_version=2: the caller's Unix time, within 300 s of the server's.",
    ),
    optional("locale", Shape::Locale, "Accepted; without effect on the answer."),
    optional("return_ssl_resources", Shape::Bool, "Accepted; without effect."),
    optional(
        "call_as_apikey",
        Shape::Empty,
        "Acting for another application: never permitted.",
    ),
];

/// Every method, in the order of protocol 5.3.
pub const METHODS: &[MethodSpec] = &[
    MethodSpec {
        one_of: Some(["recipient", "uid"]),
        params: LIVE_MESSAGE_SEND,
        ..needs_session("liveMessage.send")
    },
    MethodSpec {
        params: FEED_PUBLISH,
        ..needs_session("feed.publishStoryToUser")
    },
    MethodSpec {
        session: SessionNeed::None,
        with_ss: false,
        in_batch: false,
        ..needs_session("auth.createToken")
    },
    MethodSpec {
        session: SessionNeed::None,
        with_ss: false,
        in_batch: false,
        params: AUTH_GET_SESSION,
        ..needs_session("auth.getSession")
    },
    needs_session("auth.expireSession"),
    MethodSpec {
        with_ss: false,
        ..needs_session("auth.promoteSession")
    },
    needs_session("users.getLoggedInUser"),
    MethodSpec {
        params: USERS_IS_APP,
        ..needs_session("users.isAppUser")
    },
    MethodSpec {
        params: USERS_IS_APP,
        ..needs_session("users.isAppAdded")
    },
    MethodSpec {
        in_batch: false,
        params: BATCH_RUN,
        ..needs_session("batch.run")
    },
    MethodSpec {
        with_ss: false,
        file: true,
        params: PHOTOS_UPLOAD,
        ..needs_session("photos.upload")
    },
    needs_session("liveMessage.createTicket"),
    MethodSpec {
        session: SessionNeed::Optional,
        params: MESSAGE_ID,
        ..needs_session("liveMessage.status")
    },
    MethodSpec {
        session: SessionNeed::Optional,
        params: MESSAGE_ID,
        ..needs_session("liveMessage.cancel")
    },
];

/// The most frequent kind: it needs a session, may be signed with its secret and stand in a batch, and takes no file and no
/// parameters.
const fn needs_session(name: &'static str) -> MethodSpec {
    MethodSpec {
        name,
        session: SessionNeed::Required,
        with_ss: true,
        file: false,
        in_batch: true,
        one_of: None,
        params: &[],
    }
}

/// Protocol 14.1.
const LIVE_MESSAGE_SEND: &[Param] = &[
    optional(
        "recipient",
        Shape::Uid,
        "The user who gets the message; this or uid.",
    ),
    optional("uid", Shape::Uid, "Alias of recipient."),
    required(
        "event_name",
        Shape::Free,
        "The event for which pages register a handler: 1 to 128 bytes.",
    ),
    required(
        "message",
        Shape::Free,
        "Passed on byte for byte: 1 to 1,024 bytes.",
    ),
    optional(
        "outcome",
        Shape::Bool,
        "true: the answer is the outcome object instead of 1.",
    ),
    optional(
        "wait",
        Shape::Words(&["none", "written", "acked"]),
        "How far to wait before answering; none by default.",
    ),
    optional(
        "timeout_ms",
        Shape::Int { min: 0, max: 5000 },
        "The longest wait in milliseconds; 1000 by default.",
    ),
    optional(
        "ttl",
        Shape::Int { min: 0, max: 86_400 },
        "The message's life in the mailbox in seconds; 60 by default.",
    ),
    optional(
        "collapse_key",
        Shape::CollapseKey,
        "Replaces a waiting message with the same key.",
    ),
    optional(
        "fanout",
        Shape::Words(&["all", "one", "focused"]),
        "Which pages get it; all by default.",
    ),
];

/// Protocol 14.2.
const FEED_PUBLISH: &[Param] = &[
    required(
        "title",
        Shape::Free,
        "Markup: at most 60 displayed characters and one link.",
    ),
    optional(
        "body",
        Shape::Free,
        "Markup: at most 200 displayed characters; links, bold, italic.",
    ),
    optional("image_1", Shape::Free, IMAGE),
    optional("image_1_link", Shape::Free, IMAGE_LINK),
    optional("image_2", Shape::Free, IMAGE),
    optional("image_2_link", Shape::Free, IMAGE_LINK),
    optional("image_3", Shape::Free, IMAGE),
    optional("image_3_link", Shape::Free, IMAGE_LINK),
    optional("image_4", Shape::Free, IMAGE),
    optional("image_4_link", Shape::Free, IMAGE_LINK),
    optional(
        "priority",
        Shape::Int { min: 0, max: 100 },
        "The application's own weight for the story.",
    ),
];

/// What an `image_N` means.
const IMAGE: &str = "A picture: an http or https address, or the pid of an uploaded photo.";
/// What an `image_N_link` means.
const IMAGE_LINK: &str = "Where a click on the picture goes; required with the picture.";

/// Protocol 15.2.
const AUTH_GET_SESSION: &[Param] = &[
    required(
        "auth_token",
        Shape::AuthToken,
        "The token that a user's login has bound, or a typed code.",
    ),
    optional(
        "generate_session_secret",
        Shape::Bool,
        "true: the answer has the session secret also for a web application.",
    ),
    optional(
        "host_url",
        Shape::Free,
        "Accepted, at most 2,048 bytes; without effect.",
    ),
];

/// Protocol 15.6.
const USERS_IS_APP: &[Param] = &[optional(
    "uid",
    Shape::Uid,
    "The user asked about; by default the session's.",
)];

/// Protocol 15.7.
const BATCH_RUN: &[Param] = &[
    required(
        "method_feed",
        Shape::Free,
        "A JSON array of at most 20 urlencoded calls.",
    ),
    optional(
        "serial_only",
        Shape::Bool,
        "Accepted: items always run one after another.",
    ),
];

/// Protocol 15.8.
const PHOTOS_UPLOAD: &[Param] = &[
    optional("aid", Shape::Pid, "The album of this application for this user."),
    optional("caption", Shape::Free, "A text of at most 1,024 bytes."),
    optional("uid", Shape::Uid, "The session's user and no other."),
    optional(
        "file_sha256",
        Shape::Sha256,
        "SHA-256 of the file; required with sig_version=2.",
    ),
];

/// Protocol 16.4, 16.5.
const MESSAGE_ID: &[Param] = &[required(
    "id",
    Shape::MessageId,
    "The message's id from its outcome.",
)];

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of protocol 5.3, written down a second time.
    #[test]
    fn sessions_secrets_and_files_are_as_the_method_list_says() {
        let list: Vec<_> = METHODS
            .iter()
            .map(|method| (method.name, method.session, method.with_ss, method.file))
            .collect();
        use SessionNeed::{None, Optional, Required};
        assert_eq!(
            list,
            [
                ("liveMessage.send", Required, true, false),
                ("feed.publishStoryToUser", Required, true, false),
                ("auth.createToken", None, false, false),
                ("auth.getSession", None, false, false),
                ("auth.expireSession", Required, true, false),
                ("auth.promoteSession", Required, false, false),
                ("users.getLoggedInUser", Required, true, false),
                ("users.isAppUser", Required, true, false),
                ("users.isAppAdded", Required, true, false),
                ("batch.run", Required, true, false),
                ("photos.upload", Required, false, true),
                ("liveMessage.createTicket", Required, true, false),
                ("liveMessage.status", Optional, true, false),
                ("liveMessage.cancel", Optional, true, false),
            ]
        );
    }

    #[test]
    fn required_parameters_are_those_of_the_reading_rule() {
        let required: Vec<_> = METHODS
            .iter()
            .flat_map(|method| method.params)
            .filter(|param| param.required)
            .map(|param| param.name)
            .collect();
        assert_eq!(
            required,
            [
                "event_name",
                "message",
                "title",
                "auth_token",
                "method_feed",
                "id",
                "id"
            ]
        );
    }
}
