//! What the usual mistakes sign, as bytes.

use super::{Form, Mistake};
use crate::call::Verb;
use crate::pairs::Pair;
use crate::signature::{CANONICAL_HEAD, Version, signed_pairs};

/// Names and values on their way into a text.
type Laid<'a> = Vec<(&'a str, Vec<u8>)>;

/// Texts longer than this are not tried once more for each of their parameters: a try costs a digest of the whole.
const TRIED_BY_NAME_BYTES_MAX: usize = 4_096;

/// The texts that the usual mistakes sign, the likeliest first.
pub(super) fn texts(form: Form<'_>, pairs: &[Pair]) -> Vec<(Mistake, Vec<u8>)> {
    let signed = laid(&signed_pairs(pairs));
    let mut texts: Vec<(Mistake, Vec<u8>)> = Vec::new();
    let sets = common(pairs, &signed);
    texts.extend(
        sets.into_iter()
            .map(|(mistake, set)| (mistake, text_of(form, &set))),
    );
    match form.version {
        Version::Md5 => texts.extend(of_version_1(&signed)),
        Version::Hmac => texts.extend(of_version_2(form, &signed)),
    }
    let whole = text_of(form, &signed);
    texts.push((Mistake::LetterCase, whole.to_ascii_lowercase()));
    texts.push((Mistake::LetterCase, whole.to_ascii_uppercase()));
    for behind in BLANKS {
        texts.push((Mistake::BlankBehindText, [&*whole, behind.as_bytes()].concat()));
    }
    if whole.len() <= TRIED_BY_NAME_BYTES_MAX {
        let sets = by_name(&signed);
        texts.extend(
            sets.into_iter()
                .map(|(mistake, set)| (mistake, text_of(form, &set))),
        );
    }
    texts
}

/// What stands behind a text or a secret that was copied from a file or a form.
pub(super) const BLANKS: [&str; 3] = ["\n", "\r\n", " "];

/// Pairs that are signed by habit and forgotten in the request.
const FORGOTTEN: [(&str, &str); 9] = [
    ("v", "1.0"),
    ("format", "json"),
    ("format", "JSON"),
    ("format", "xml"),
    ("format", "XML"),
    ("ss", "1"),
    ("ss", ""),
    ("session_key", ""),
    ("callback", ""),
];

fn laid<'a>(pairs: &[(&'a str, &'a str)]) -> Laid<'a> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| (*name, value.as_bytes().to_vec()))
        .collect()
}

/// The mistakes of both versions that change the pairs as a whole.
fn common<'a>(pairs: &'a [Pair], signed: &Laid<'a>) -> Vec<(Mistake, Laid<'a>)> {
    let sent: Vec<_> = pairs
        .iter()
        .filter(|pair| &*pair.name != "sig")
        .map(|pair| (&*pair.name, &*pair.value))
        .collect();
    let mut without_case = signed.clone();
    without_case.sort_by_key(|(name, _)| name.to_ascii_lowercase());
    let values = |change: &dyn Fn(&[u8]) -> Vec<u8>| -> Laid<'a> {
        let changed = signed.iter().map(|(name, value)| (*name, change(value)));
        changed.collect()
    };
    let filled = signed.iter().filter(|(_, value)| !value.is_empty());
    let mut sets = vec![
        (Mistake::Unsorted, laid(&sent)),
        (Mistake::SortedWithoutCase, without_case),
        (Mistake::EmptyLeftOut, filled.cloned().collect()),
        (Mistake::Trimmed, values(&|value| value.trim_ascii().to_vec())),
        (Mistake::Latin1, values(&latin_1)),
        (Mistake::Utf8Twice, values(&utf_8_again)),
        (Mistake::SigIncluded, with(signed, ("sig", ""))),
    ];
    sets.extend(
        signed
            .iter()
            .map(|(name, _)| (Mistake::LeftOut((*name).into()), without(signed, name))),
    );
    let unsent = FORGOTTEN
        .into_iter()
        .filter(|(name, _)| signed.iter().all(|(sent, _)| sent != name));
    sets.extend(unsent.map(|pair| (Mistake::NotSent(pair.0), with(signed, pair))));
    sets
}

/// The mistakes that change one value, tried for each.
fn by_name<'a>(signed: &Laid<'a>) -> Vec<(Mistake, Laid<'a>)> {
    let mut sets = Vec::new();
    for (place, (name, value)) in signed.iter().enumerate() {
        let put = |value: Vec<u8>| {
            let mut set = signed.clone();
            if let Some(pair) = set.get_mut(place) {
                pair.1 = value;
            }
            set
        };
        for padded in [
            [&**value, b" "].concat(),
            [b" ", &**value].concat(),
            [&**value, b"\n"].concat(),
        ] {
            sets.push((Mistake::Padded((*name).into()), put(padded)));
        }
        for cased in [value.to_ascii_lowercase(), value.to_ascii_uppercase()] {
            if cased != *value {
                sets.push((Mistake::LetterCase, put(cased)));
            }
        }
    }
    sets
}

/// Those of version 1 alone: what stands between names, values and pairs, and values as they travel.
fn of_version_1(signed: &Laid<'_>) -> Vec<(Mistake, Vec<u8>)> {
    let mut texts = vec![(Mistake::WithoutEquals, glued(signed, b"", b""))];
    for between in ["&", "\n", " ", ",", ";"] {
        texts.push((Mistake::Joined, glued(signed, b"=", between.as_bytes())));
    }
    for style in &STYLES {
        let encoded = style.pairs(signed);
        texts.push((Mistake::Encoded, glued(&encoded, b"=", b"")));
        texts.push((Mistake::Joined, glued(&encoded, b"=", b"&")));
    }
    texts
}

/// Those of version 2 alone: its lines, and how its pairs are encoded.
fn of_version_2(form: Form<'_>, signed: &Laid<'_>) -> Vec<(Mistake, Vec<u8>)> {
    let line = glued(&RFC_3986.pairs(signed), b"=", b"&");
    let other_verb = match form.verb {
        Verb::Get => Verb::Post,
        Verb::Post => Verb::Get,
    };
    let mut texts = vec![(
        Mistake::OtherVerb,
        under(
            Form {
                verb: other_verb,
                ..form
            },
            &line,
        ),
    )];
    let without_slash = form.path.trim_start_matches('/');
    let base_left_out = form.path.rfind('/').and_then(|slash| form.path.get(slash..));
    for path in ["", "/", without_slash, base_left_out.unwrap_or_default()] {
        if path != form.path {
            texts.push((Mistake::OtherPath, under(Form { path, ..form }, &line)));
        }
    }
    let whole = under(form, &line);
    let behind_the_head = whole.strip_prefix(CANONICAL_HEAD.as_bytes());
    let second_line = behind_the_head.and_then(|rest| rest.strip_prefix(b"\n"));
    texts.push((Mistake::LinesLeftOut, line.clone()));
    texts.push((Mistake::LinesLeftOut, second_line.unwrap_or_default().to_vec()));
    texts.push((Mistake::LineEnds, [&*whole, b"\n"].concat()));
    texts.push((Mistake::LineEnds, replaced(&whole, b"\r\n")));
    texts.push((Mistake::LineEnds, replaced(&whole, b"")));
    texts.push((Mistake::NotEncoded, under(form, &glued(signed, b"=", b"&"))));
    texts.push((Mistake::NotEncoded, under(form, &glued(signed, b"=", b""))));
    for style in &STYLES {
        let encoded = glued(&style.pairs(signed), b"=", b"&");
        texts.push((Mistake::EncodedOtherwise, under(form, &encoded)));
    }
    texts
}

/// The text of a form over these pairs in their order.
fn text_of(form: Form<'_>, pairs: &Laid<'_>) -> Vec<u8> {
    match form.version {
        Version::Md5 => glued(pairs, b"=", b""),
        Version::Hmac => under(form, &glued(&RFC_3986.pairs(pairs), b"=", b"&")),
    }
}

/// Line 4 under the three lines before it.
fn under(form: Form<'_>, line: &[u8]) -> Vec<u8> {
    let head = format!("{CANONICAL_HEAD}\n{}\n{}\n", form.verb.as_str(), form.path);
    [head.as_bytes(), line].concat()
}

fn glued(pairs: &Laid<'_>, inside: &[u8], between: &[u8]) -> Vec<u8> {
    let pairs: Vec<Vec<u8>> = pairs
        .iter()
        .map(|(name, value)| [name.as_bytes(), inside, value].concat())
        .collect();
    pairs.join(between)
}

/// Every LF replaced.
fn replaced(text: &[u8], by: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    lines.join(by)
}

fn with<'a>(signed: &Laid<'a>, (name, value): (&'a str, &'a str)) -> Laid<'a> {
    let mut set = signed.clone();
    set.push((name, value.into()));
    set.sort();
    set
}

fn without<'a>(signed: &Laid<'a>, name: &str) -> Laid<'a> {
    let kept = signed.iter().filter(|(other, _)| *other != name);
    kept.cloned().collect()
}

/// ISO-8859-1; what it does not have becomes `?`, as period clients wrote it.
fn latin_1(value: &[u8]) -> Vec<u8> {
    chars_of(value)
        .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
        .collect()
}

fn utf_8_again(value: &[u8]) -> Vec<u8> {
    let read_as_latin_1: String = value.iter().copied().map(char::from).collect();
    read_as_latin_1.into_bytes()
}

/// UTF-16, low byte first, as the platforms write it that hold texts so.
pub(super) fn utf_16(text: &[u8]) -> Vec<u8> {
    chars_of(text)
        .flat_map(|c| c.encode_utf16(&mut [0; 2]).to_vec())
        .flat_map(u16::to_le_bytes)
        .collect()
}

/// What is laid is of the pairs, which are UTF-8.
fn chars_of(value: &[u8]) -> impl Iterator<Item = char> {
    std::str::from_utf8(value).unwrap_or_default().chars()
}

/// One of the ways in which languages percent-encode.
struct Style {
    blank: &'static str,
    upper: bool,
    unreserved: &'static [u8],
}

/// enc of protocol 8.2.
const RFC_3986: Style = Style {
    blank: "%20",
    upper: true,
    unreserved: b"-._~",
};

const STYLES: [Style; 6] = [
    RFC_3986,
    Style {
        blank: "+",
        upper: true,
        unreserved: b"-._",
    },
    Style {
        blank: "+",
        upper: true,
        unreserved: b"-._*",
    },
    Style {
        blank: "+",
        upper: false,
        unreserved: b"-._!*()",
    },
    Style {
        blank: "%20",
        upper: false,
        unreserved: b"-._~",
    },
    Style {
        blank: "%20",
        upper: true,
        unreserved: b"-._~!*'()",
    },
];

impl Style {
    /// Names need no encoding: they are letters, digits and underscores.
    fn pairs<'a>(&self, pairs: &Laid<'a>) -> Laid<'a> {
        let encoded = pairs.iter().map(|(name, value)| (*name, self.encoded(value)));
        encoded.collect()
    }

    fn encoded(&self, value: &[u8]) -> Vec<u8> {
        value
            .iter()
            .flat_map(|byte| {
                match byte {
                    b' ' => self.blank.to_owned(),
                    _ if byte.is_ascii_alphanumeric() || self.unreserved.contains(byte) => {
                        char::from(*byte).to_string()
                    }
                    _ if self.upper => format!("%{byte:02X}"),
                    _ => format!("%{byte:02x}"),
                }
                .into_bytes()
            })
            .collect()
    }
}
