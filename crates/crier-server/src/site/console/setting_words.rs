//! What each setting of an application means, in one line, and how a form asks for it (protocol 17, live 3.7 and 7.8).
//!
//! The settings themselves, their words and their rules are the platform's; here are only the lines that people read.

/// A part of the settings: one form.
pub(super) struct Part {
    /// Its name in the form and in the address.
    pub(super) name: &'static str,
    /// Its heading.
    pub(super) heading: &'static str,
    /// What it is about.
    pub(super) lead: &'static str,
    /// Its settings, in the order of the form.
    pub(super) keys: &'static [&'static str],
}

/// All parts, in the order of the page. The profile has a form of its own above them.
pub(super) const PARTS: [Part; 4] = [
    Part {
        name: "about",
        heading: "The application",
        lead: "What people see of it, and where it lives.",
        keys: &["name", "icon", "callback", "canvas", "canvas_ss", "kind"],
    },
    Part {
        name: "calls",
        heading: "How calls are read",
        lead: "Each of these can differ from the profile.",
        keys: &[
            "call_id",
            "feed_errors",
            "feed_reply",
            "image_links",
            "live_text",
            "signature",
            "jsonp",
            "strictness",
        ],
    },
    Part {
        name: "callers",
        heading: "Who may call and connect",
        lead: "Lists are separated by commas.",
        keys: &["allow_ip", "origins", "native_clients"],
    },
    Part {
        name: "hooks",
        heading: "What your server is told",
        lead: "Addresses that Crier posts to. Leave one empty and nothing is posted there.",
        keys: &["receipts", "post_authorize", "post_remove"],
    },
];

/// The label and the meaning of a setting.
pub(super) fn words_for(key: &str) -> (&'static str, &'static str) {
    match key {
        "name" => (
            "Name",
            "What people read wherever the application appears. At most 64 characters.",
        ),
        "icon" => (
            "Icon",
            "Address of a picture. It is fetched once and shown small, 16 by 16 pixels.",
        ),
        "callback" => (
            "Callback URL",
            "Where people come back to after logging in, and what the canvas page shows. Its origin may always connect.",
        ),
        "canvas" => (
            "Canvas name",
            "Gives the application a page at /apps/NAME/. Of a-z, 0-9, _ and -, at most 40.",
        ),
        "canvas_ss" => (
            "Session secret to the canvas",
            "Whether the canvas frame is told the session's secret, for calls signed in the page.",
        ),
        "kind" => (
            "Kind",
            "Where the application runs, which decides which secret signs its calls.",
        ),
        "profile" => (
            "Profile",
            "How calls are read; each part of it can be set alone later.",
        ),
        "call_id" => ("call_id", "How the numbers of a session's calls are judged."),
        "feed_errors" => ("feed_errors", "How a refused story is explained to its caller."),
        "feed_reply" => ("feed_reply", "How the answer 1 of a published story is written."),
        "image_links" => (
            "image_links",
            "Which addresses the pictures of a story may lead to.",
        ),
        "live_text" => ("live_text", "What the text of a live message may be."),
        "signature" => ("signature", "Which signatures are taken."),
        "jsonp" => (
            "jsonp",
            "Whether an answer may be wrapped into a function call, for pages of other sites.",
        ),
        "strictness" => (
            "strictness",
            "What becomes of parameters that no method knows, and of a signature of 2008 whose text can be read as another request too. Lenient takes the latter: whoever writes into a value that you sign may cut it short and add parameters.",
        ),
        "allow_ip" => (
            "Addresses that may call",
            "Addresses, blocks such as 10.1.0.0/16, prefixes such as 10.1.2.*. Empty: calls may come from anywhere.",
        ),
        "origins" => (
            "Origins that may connect",
            "Sites whose pages may open live connections, such as https://game.example. At most 20.",
        ),
        "native_clients" => (
            "Connections without an origin",
            "Whether programs that are no browser may open live connections.",
        ),
        "receipts" => (
            "Receipts",
            "Told what became of each live message. The first address makes the secret that signs them.",
        ),
        "post_authorize" => ("Acceptances", "Told when a person accepts the application."),
        "post_remove" => ("Withdrawals", "Told when a person withdraws from it."),
        _ => ("", ""),
    }
}

/// What one word of a setting means.
pub(super) fn word_meaning(key: &str, word: &str) -> &'static str {
    match (key, word) {
        ("profile", "documented") => "as the two documented methods say, to the letter",
        ("profile", "period") => "as the platform of 2008 behaved, for its clients",
        ("profile", "modern") => "for software that is written today",
        ("kind", "web") => "on a server of yours, which keeps the secret",
        ("kind", "desktop") => "on people's machines, where the secret is in every copy",
        ("call_id", "required") => "each greater than the last",
        ("call_id", "unique") => "each once, in any order",
        ("call_id", "ignored") => "not judged",
        ("feed_errors", "documented") => "by the documented codes alone",
        ("feed_errors", "detailed") => "by a code for each rule of the markup",
        ("feed_reply", "scalar") => "the number alone",
        ("feed_reply", "list") => "a list that holds it",
        ("image_links", "http") => "http:// alone",
        ("image_links", "http_https") => "http:// and https://",
        ("live_text", "any") => "any text",
        ("live_text", "json") => "JSON alone",
        ("signature", "md5") => "those of 2008 and modern ones",
        ("signature", "hmac") => "modern ones alone, HMAC-SHA-256",
        ("strictness", "strict") => "both are refused",
        ("strictness", "lenient") => "the former have no effect, the latter is taken",
        ("jsonp" | "canvas_ss" | "native_clients", "on") => "yes",
        ("jsonp" | "canvas_ss" | "native_clients", "off") => "no",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crier_platform::accounts::developer::words_of;

    #[test]
    fn every_setting_and_every_word_of_it_has_its_line() {
        let mut keys: Vec<&str> = PARTS.iter().flat_map(|part| part.keys).copied().collect();
        assert_eq!(keys.len(), 20);
        keys.push("profile");
        for key in &keys {
            let (label, meaning) = words_for(key);
            assert!(!label.is_empty() && meaning.ends_with('.'), "{key}");
        }
        for key in keys {
            for word in words_of(key) {
                assert_ne!(word_meaning(key, word), "", "{key}={word}");
            }
        }
    }
}
