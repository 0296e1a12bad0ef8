//! What a caller whose signature of version 1 does not match has probably signed instead (protocol 6): for people who look for
//! their mistake.
//!
//! It computes what the usual mistakes would have signed, and decides nothing: a call that shows one is refused all the same.
//! Neither a secret nor a right signature stands in what it says.

use crate::digest;
use crate::pairs::Pair;
use crate::secret::Secret;
use crate::signature::{joined, signed_pairs};
use std::fmt;

/// The usual ways to a wrong `sig`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mistake {
    /// The right digits in upper case, or with white space round them.
    Spelling,
    /// The other secret of protocol 6.2: the session's for the application's, or the reverse.
    OtherSecret,
    /// The secret before the text.
    SecretFirst,
    /// A blank or a line's end behind the secret.
    BlankBehindSecret,
    /// The pairs in the order in which they were sent.
    Unsorted,
    /// Names sorted without regard to case.
    SortedWithoutCase,
    /// Values as they travel, percent-encoded.
    Encoded,
    /// `&` between the pairs.
    Joined,
    /// Pairs with an empty value left out.
    EmptyLeftOut,
    /// Values without the white space at their ends.
    Trimmed,
    /// ISO-8859-1 for UTF-8.
    Latin1,
    /// UTF-8 encoded a second time.
    Utf8Twice,
    /// One pair left out, or added after signing.
    LeftOut(Box<str>),
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Spelling => "sig must be lower case, without white space",
            Self::OtherSecret => "signed with the other secret: see kind, session_key and ss",
            Self::SecretFirst => "the secret stands before the text, it belongs behind it",
            Self::BlankBehindSecret => "the secret ends in a blank or a line's end",
            Self::Unsorted => "the pairs are signed as sent, they must be sorted by name",
            Self::SortedWithoutCase => "names must be sorted by their bytes: upper case before lower case",
            Self::Encoded => "values are signed percent-encoded, they must be signed as plain text",
            Self::Joined => "nothing stands between the pairs that are signed",
            Self::EmptyLeftOut => "pairs with an empty value are signed too",
            Self::Trimmed => "values must be signed with the white space at their ends",
            Self::Latin1 => "values must be signed and sent as UTF-8",
            Self::Utf8Twice => "values are encoded as UTF-8 twice",
            Self::LeftOut(name) => return write!(out, "{name} is sent and not signed"),
        };
        out.write_str(text)
    }
}

/// The first byte in which two signed texts differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its place, counted from 0.
    pub at: usize,
    /// Our byte; `None` where our text has ended.
    pub ours: Option<u8>,
    /// Theirs.
    pub theirs: Option<u8>,
    /// The parameter in whose name or value it lies in our text.
    pub parameter: Option<Box<str>>,
}

/// What was probably done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The mistake.
    pub mistake: Mistake,
    /// Where the text that it signs leaves ours; `None` where the text is right.
    pub differs: Option<Difference>,
}

/// The secrets of a call.
#[derive(Debug, Clone, Copy)]
pub struct Secrets<'a> {
    /// The one that protocol 6.2 names.
    pub right: &'a Secret,
    /// The one that it does not, if the call carries a session.
    pub other: Option<&'a Secret>,
}

/// The usual mistake under which `sig` would be right; `None` if it is right already, or if no usual mistake explains it.
#[must_use]
pub fn explain(pairs: &[Pair], sig: &str, secrets: Secrets<'_>) -> Option<Explained> {
    let signed = signed_pairs(pairs);
    let ours = joined(&signed).into_bytes();
    let wanted = sig.trim().to_ascii_lowercase();
    let gives = |parts: &[&[u8]]| {
        let found = digest::lower_hex(&digest::md5(parts));
        digest::equal_in_constant_time(found.as_bytes(), wanted.as_bytes())
    };
    let secret = secrets.right.expose().as_bytes();
    let told = |mistake| {
        Some(Explained {
            mistake,
            differs: None,
        })
    };
    if gives(&[&ours, secret]) {
        return if sig == wanted {
            None
        } else {
            told(Mistake::Spelling)
        };
    }
    if secrets
        .other
        .is_some_and(|other| gives(&[&ours, other.expose().as_bytes()]))
    {
        return told(Mistake::OtherSecret);
    }
    if gives(&[secret, &ours]) {
        return told(Mistake::SecretFirst);
    }
    if BLANKS
        .iter()
        .any(|blank| gives(&[&ours, secret, blank.as_bytes()]))
    {
        return told(Mistake::BlankBehindSecret);
    }
    let (mistake, theirs) = texts(pairs, &signed)
        .into_iter()
        .find(|(_, text)| gives(&[text, secret]))?;
    Some(Explained {
        mistake,
        differs: first_difference(pairs, &theirs),
    })
}

/// Where a text that a caller has signed leaves ours; `None` if they are equal.
#[must_use]
pub fn first_difference(pairs: &[Pair], theirs: &[u8]) -> Option<Difference> {
    let signed = signed_pairs(pairs);
    let ours = joined(&signed).into_bytes();
    let same = ours.iter().zip(theirs).take_while(|(one, other)| one == other);
    let at = same.count();
    let (our_byte, their_byte) = (ours.get(at).copied(), theirs.get(at).copied());
    (our_byte != their_byte).then(|| Difference {
        at,
        ours: our_byte,
        theirs: their_byte,
        parameter: parameter_at(&signed, at),
    })
}

/// What stands behind a secret that was copied from a file or a form.
const BLANKS: [&str; 3] = ["\n", "\r\n", " "];

/// The pair of our text that holds the byte at this place.
fn parameter_at(signed: &[(&str, &str)], at: usize) -> Option<Box<str>> {
    let mut end = 0_usize;
    signed.iter().find_map(|(name, value)| {
        end = end
            .saturating_add(name.len())
            .saturating_add(value.len())
            .saturating_add(1);
        (at < end).then(|| (*name).into())
    })
}

type Signed<'a> = [(&'a str, &'a str)];

/// The texts that the usual mistakes sign.
fn texts(pairs: &[Pair], signed: &Signed<'_>) -> Vec<(Mistake, Vec<u8>)> {
    let sent: Vec<_> = pairs
        .iter()
        .filter(|pair| &*pair.name != "sig")
        .map(|pair| (&*pair.name, &*pair.value))
        .collect();
    let mut without_case = signed.to_vec();
    without_case.sort_by_key(|(name, _)| name.to_ascii_lowercase());
    let kept = |keeps: &dyn Fn(&(&str, &str)) -> bool| -> Vec<u8> {
        let left: Vec<_> = signed.iter().copied().filter(|pair| keeps(pair)).collect();
        joined(&left).into_bytes()
    };
    let trimmed: Vec<_> = signed.iter().map(|(name, value)| (*name, value.trim())).collect();
    let ours = joined(signed);
    let mut texts = vec![
        (Mistake::Unsorted, joined(&sent).into_bytes()),
        (Mistake::SortedWithoutCase, joined(&without_case).into_bytes()),
        (Mistake::EmptyLeftOut, kept(&|(_, value)| !value.is_empty())),
        (Mistake::Trimmed, joined(&trimmed).into_bytes()),
        (Mistake::Latin1, latin_1(&ours)),
        (
            Mistake::Utf8Twice,
            ours.bytes().map(char::from).collect::<String>().into_bytes(),
        ),
        (Mistake::Joined, with_ampersands(signed, |value| value.to_owned())),
    ];
    for style in ENCODINGS {
        let encoded: Vec<_> = signed
            .iter()
            .map(|(name, value)| (*name, style.encoded(value)))
            .collect();
        let encoded: Vec<_> = encoded.iter().map(|(name, value)| (*name, &**value)).collect();
        texts.push((Mistake::Encoded, joined(&encoded).into_bytes()));
        texts.push((
            Mistake::Joined,
            with_ampersands(signed, |value| style.encoded(value)),
        ));
    }
    texts.extend(signed.iter().map(|(name, _)| {
        let left_out = Mistake::LeftOut((*name).into());
        (left_out, kept(&|(other, _)| other != name))
    }));
    texts
}

/// ISO-8859-1; what it does not have becomes `?`, as period clients wrote it.
fn latin_1(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
        .collect()
}

fn with_ampersands(signed: &Signed<'_>, value: impl Fn(&str) -> String) -> Vec<u8> {
    let pairs: Vec<String> = signed
        .iter()
        .map(|(name, text)| format!("{name}={}", value(text)))
        .collect();
    pairs.join("&").into_bytes()
}

/// One of the ways in which languages percent-encode.
struct Encoding {
    blank: &'static str,
    upper: bool,
    unreserved: &'static [u8],
}

const ENCODINGS: [Encoding; 4] = [
    Encoding {
        blank: "%20",
        upper: true,
        unreserved: b"-._~",
    },
    Encoding {
        blank: "+",
        upper: true,
        unreserved: b"-._",
    },
    Encoding {
        blank: "+",
        upper: true,
        unreserved: b"-._*",
    },
    Encoding {
        blank: "+",
        upper: false,
        unreserved: b"-._!*()",
    },
];

impl Encoding {
    fn encoded(&self, value: &str) -> String {
        value
            .bytes()
            .map(|byte| match byte {
                b' ' => self.blank.to_owned(),
                _ if byte.is_ascii_alphanumeric() || self.unreserved.contains(&byte) => {
                    char::from(byte).to_string()
                }
                _ if self.upper => format!("%{byte:02X}"),
                _ => format!("%{byte:02x}"),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::{sign_v1, signed_text_v1};

    const SECRET: &str = "fedcba9876543210fedcba9876543210";
    const OTHER: &str = "00112233445566778899aabbccddeeff";

    fn pairs() -> Vec<Pair> {
        [
            ("method", "feed.publishStoryToUser"),
            ("title", "Étienne & 9 up "),
            ("Zone", "1"),
            ("api_key", "0123456789abcdef0123456789abcdef"),
            ("image_2", ""),
            ("v", "1.0"),
        ]
        .map(|(name, value)| Pair {
            name: name.into(),
            value: value.into(),
        })
        .into()
    }

    fn explained(sig: &str) -> Option<Explained> {
        let (right, other) = (Secret::new(SECRET), Secret::new(OTHER));
        explain(
            &pairs(),
            sig,
            Secrets {
                right: &right,
                other: Some(&other),
            },
        )
    }

    fn hex(parts: &[&[u8]]) -> String {
        digest::lower_hex(&digest::md5(parts))
    }

    const OURS: &str = "Zone=1api_key=0123456789abcdef0123456789abcdefimage_2=method=feed.publishStoryToUsertitle=Étienne & 9 up v=1.0";

    #[test]
    fn a_right_signature_needs_no_explanation_and_a_foreign_one_has_none() {
        assert_eq!(signed_text_v1(&pairs()), OURS);
        assert_eq!(explained(&sign_v1(OURS, &Secret::new(SECRET))), None);
        assert_eq!(explained(&"0".repeat(32)), None);
        assert_eq!(explained(""), None);
    }

    #[test]
    fn mistakes_that_leave_the_text_right_are_named() {
        let (text, secret) = (OURS.as_bytes(), SECRET.as_bytes());
        let right = hex(&[text, secret]);
        for (sig, mistake) in [
            (right.to_ascii_uppercase(), Mistake::Spelling),
            (format!(" {right}\n"), Mistake::Spelling),
            (hex(&[text, OTHER.as_bytes()]), Mistake::OtherSecret),
            (hex(&[secret, text]), Mistake::SecretFirst),
            (hex(&[text, secret, b"\n"]), Mistake::BlankBehindSecret),
            (hex(&[text, secret, b" "]), Mistake::BlankBehindSecret),
        ] {
            let expected = Some(Explained {
                mistake,
                differs: None,
            });
            assert_eq!(explained(&sig), expected, "{sig}");
        }
    }

    /// The signed text that each mistake makes of `pairs`, and the first byte and the parameter in which it differs.
    #[test]
    fn mistakes_in_the_text_are_named_with_their_first_byte_and_parameter() {
        let key = "api_key=0123456789abcdef0123456789abcdef";
        let rows: [(Mistake, Vec<u8>, usize, &str); 12] = [
            (
                Mistake::Unsorted,
                format!("method=feed.publishStoryToUsertitle=Étienne & 9 up Zone=1{key}image_2=v=1.0").into(),
                0,
                "Zone",
            ),
            (
                Mistake::SortedWithoutCase,
                format!("{key}image_2=method=feed.publishStoryToUsertitle=Étienne & 9 up v=1.0Zone=1").into(),
                0,
                "Zone",
            ),
            (
                Mistake::Encoded,
                OURS.replace("Étienne & 9 up ", "%C3%89tienne%20%26%209%20up%20")
                    .into(),
                90,
                "title",
            ),
            (
                Mistake::Encoded,
                OURS.replace("Étienne & 9 up ", "%C3%89tienne+%26+9+up+").into(),
                90,
                "title",
            ),
            (
                Mistake::Encoded,
                OURS.replace("Étienne & 9 up ", "%c3%89tienne+%26+9+up+").into(),
                90,
                "title",
            ),
            (
                Mistake::Joined,
                format!("Zone=1&{key}&image_2=&method=feed.publishStoryToUser&title=Étienne & 9 up &v=1.0")
                    .into(),
                6,
                "api_key",
            ),
            (
                Mistake::Joined,
                format!(
                    "Zone=1&{key}&image_2=&method=feed.publishStoryToUser&title=%C3%89tienne+%26+9+up+&v=1.0"
                )
                .into(),
                6,
                "api_key",
            ),
            (
                Mistake::EmptyLeftOut,
                OURS.replace("image_2=", "").into(),
                46,
                "image_2",
            ),
            (Mistake::Trimmed, OURS.replace("up ", "up").into(), 105, "title"),
            (
                Mistake::Latin1,
                OURS.chars()
                    .map(|c| u8::try_from(u32::from(c)).unwrap())
                    .collect(),
                90,
                "title",
            ),
            (
                Mistake::Utf8Twice,
                OURS.bytes().map(char::from).collect::<String>().into(),
                91,
                "title",
            ),
            (
                Mistake::LeftOut("v".into()),
                OURS.replace("v=1.0", "").into(),
                106,
                "v",
            ),
        ];
        for (mistake, theirs, at, parameter) in rows {
            let told =
                explained(&hex(&[&theirs, SECRET.as_bytes()])).unwrap_or_else(|| panic!("{mistake:?}"));
            let differs = told.differs.expect("a difference");
            assert_eq!(
                (&told.mistake, differs.at, differs.parameter.as_deref()),
                (&mistake, at, Some(parameter))
            );
            assert_eq!(
                (differs.ours, differs.theirs),
                (OURS.as_bytes().get(at).copied(), theirs.get(at).copied())
            );
            assert_eq!(first_difference(&pairs(), &theirs).expect("a difference").at, at);
        }
    }

    #[test]
    fn a_text_that_goes_on_differs_behind_our_last_parameter() {
        let longer = format!("{OURS}x");
        let differs = first_difference(&pairs(), longer.as_bytes()).expect("a difference");
        assert_eq!(
            (differs.at, differs.ours, differs.theirs),
            (OURS.len(), None, Some(b'x'))
        );
        assert_eq!(differs.parameter, None);
        assert_eq!(first_difference(&pairs(), OURS.as_bytes()), None);
    }

    #[test]
    fn nothing_that_is_said_holds_a_secret_or_a_right_signature() {
        let right = hex(&[OURS.as_bytes(), SECRET.as_bytes()]);
        let wrong = [
            right.to_ascii_uppercase(),
            hex(&[SECRET.as_bytes(), OURS.as_bytes()]),
            hex(&[OURS.as_bytes(), OTHER.as_bytes()]),
            hex(&[OURS.replace("image_2=", "").as_bytes(), SECRET.as_bytes()]),
        ];
        for sig in wrong {
            let told = explained(&sig).expect("an explanation");
            let said = format!("{told:?} {}", told.mistake);
            for hidden in [SECRET, OTHER, &right] {
                assert!(!said.to_ascii_lowercase().contains(hidden), "{said}");
            }
        }
    }
}
