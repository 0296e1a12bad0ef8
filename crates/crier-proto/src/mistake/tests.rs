//! Each mistake of both versions, by the text that it signs.

use super::*;
use crate::digest;
use crate::secret::Secret;
use crate::signature::{sign_v1, sign_v2};

const SECRET: &str = "fedcba9876543210fedcba9876543210";
const OTHER: &str = "00112233445566778899aabbccddeeff";
const FORMER: &str = "abababababababababababababababab";
const KEY: &str = "api_key=0123456789abcdef0123456789abcdef";

const MD5: Form<'_> = Form {
    version: Version::Md5,
    verb: Verb::Post,
    path: "/crier/restserver.php",
};
const HMAC: Form<'_> = Form {
    version: Version::Hmac,
    ..MD5
};

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

fn explained(form: Form<'_>, sig: &str) -> Option<Explained> {
    let (right, other, former) = (Secret::new(SECRET), Secret::new(OTHER), Secret::new(FORMER));
    let secrets = Secrets {
        right: vec![&right],
        other: Some(&other),
        former: Some(&former),
    };
    explain(form, &pairs(), sig, &secrets)
}

fn md5(parts: &[&[u8]]) -> String {
    digest::lower_hex(&digest::md5(parts))
}

fn hmac(key: &[u8], text: &[u8]) -> String {
    digest::lower_hex(&digest::hmac_sha256(key, &[text]))
}

const OURS: &str = "Zone=1api_key=0123456789abcdef0123456789abcdefimage_2=method=feed.publishStoryToUsertitle=Étienne & 9 up v=1.0";
const HEAD: &str = "crier-hmac-sha256-2\nPOST\n/crier/restserver.php\n";
const LINE: &str = "Zone=1&api_key=0123456789abcdef0123456789abcdef&image_2=&method=feed.publishStoryToUser&title=%C3%89tienne%20%26%209%20up%20&v=1.0";

#[test]
fn a_right_signature_needs_no_explanation_and_a_foreign_one_has_none() {
    assert_eq!(MD5.text(&pairs()), OURS);
    assert_eq!(HMAC.text(&pairs()), format!("{HEAD}{LINE}"));
    let secret = Secret::new(SECRET);
    assert_eq!(explained(MD5, &sign_v1(OURS, &secret)), None);
    assert_eq!(explained(HMAC, &sign_v2(&format!("{HEAD}{LINE}"), &secret)), None);
    for foreign in ["", "0", "zz"] {
        assert_eq!(explained(MD5, foreign), None);
    }
    assert_eq!(explained(MD5, &"0".repeat(32)), None);
    assert_eq!(explained(HMAC, &"0".repeat(64)), None);
}

#[test]
fn mistakes_that_leave_the_text_right_are_named() {
    let (text, secret) = (OURS.as_bytes(), SECRET.as_bytes());
    let right = md5(&[text, secret]);
    let canonical = format!("{HEAD}{LINE}");
    let canonical = canonical.as_bytes();
    let spelled: Vec<u8> = (0..16)
        .map(|at| u8::from_str_radix(&SECRET[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    for (form, sig, mistake) in [
        (MD5, right.to_ascii_uppercase(), Mistake::Spelling),
        (MD5, format!(" {right}\n"), Mistake::Spelling),
        (MD5, md5(&[text, OTHER.as_bytes()]), Mistake::OtherSecret),
        (MD5, md5(&[text, FORMER.as_bytes()]), Mistake::FormerSecret),
        (MD5, md5(&[secret, text]), Mistake::SecretFirst),
        (MD5, md5(&[text, secret, b"\n"]), Mistake::BlankBehindSecret),
        (MD5, md5(&[text, secret, b" "]), Mistake::BlankBehindSecret),
        (MD5, "0".repeat(64), Mistake::OtherVersion),
        (HMAC, right.clone(), Mistake::OtherVersion),
        (
            HMAC,
            hmac(secret, canonical).to_ascii_uppercase(),
            Mistake::Spelling,
        ),
        (HMAC, hmac(OTHER.as_bytes(), canonical), Mistake::OtherSecret),
        (HMAC, hmac(FORMER.as_bytes(), canonical), Mistake::FormerSecret),
        (
            HMAC,
            hmac(&[secret, b"\r\n"].concat(), canonical),
            Mistake::BlankBehindSecret,
        ),
        (HMAC, hmac(&spelled, canonical), Mistake::SecretFromHex),
        (
            HMAC,
            digest::lower_hex(&digest::sha256(&[canonical, secret])),
            Mistake::NotKeyed,
        ),
    ] {
        let expected = Some(Explained {
            mistake,
            theirs: None,
            differs: None,
        });
        assert_eq!(explained(form, &sig), expected, "{form:?} {sig}");
    }
}

/// A mistake, the text that it signs, and the first byte and the part in which that differs.
type Row = (Mistake, Vec<u8>, usize, Part);

fn part(name: &str) -> Part {
    Part::Parameter(name.into())
}

fn assert_named(form: Form<'_>, ours: &str, (mistake, theirs, at, part): Row) {
    let sig = match form.version {
        Version::Md5 => md5(&[&theirs, SECRET.as_bytes()]),
        Version::Hmac => hmac(SECRET.as_bytes(), &theirs),
    };
    let told = explained(form, &sig).unwrap_or_else(|| panic!("{mistake:?}"));
    let differs = told.differs.expect("a difference");
    assert_eq!(
        (&told.mistake, differs.at, &differs.part),
        (&mistake, at, &part),
        "{form:?}"
    );
    assert_eq!(told.theirs.as_deref(), Some(&*theirs));
    assert_eq!(
        (differs.ours, differs.theirs),
        (ours.as_bytes().get(at).copied(), theirs.get(at).copied())
    );
    assert_eq!(
        first_difference(form, &pairs(), &theirs)
            .expect("a difference")
            .at,
        at
    );
}

/// ISO-8859-1 of a text that it can write.
fn narrow(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect()
}

#[test]
fn mistakes_in_the_text_of_version_1_are_named_with_their_first_byte_and_parameter() {
    let twice: String = OURS.bytes().map(char::from).collect();
    let put = |old: &str, new: &str| OURS.replace(old, new).into_bytes();
    let rows: Vec<Row> = vec![
        (
            Mistake::Unsorted,
            format!("method=feed.publishStoryToUsertitle=Étienne & 9 up Zone=1{KEY}image_2=v=1.0").into(),
            0,
            part("Zone"),
        ),
        (
            Mistake::SortedWithoutCase,
            format!("{KEY}image_2=method=feed.publishStoryToUsertitle=Étienne & 9 up v=1.0Zone=1").into(),
            0,
            part("Zone"),
        ),
        (Mistake::WithoutEquals, put("=", ""), 4, part("Zone")),
        (Mistake::EmptyLeftOut, put("image_2=", ""), 46, part("image_2")),
        (Mistake::Trimmed, put("up ", "up"), 105, part("title")),
        (
            Mistake::Padded("method".into()),
            put("ToUser", "ToUser "),
            84,
            part("title"),
        ),
        (
            Mistake::Padded("Zone".into()),
            put("Zone=1", "Zone= 1"),
            5,
            part("Zone"),
        ),
        (
            Mistake::LetterCase,
            put("feed.publishStoryToUser", "feed.publishstorytouser"),
            73,
            part("method"),
        ),
        (
            Mistake::LetterCase,
            OURS.to_ascii_lowercase().into(),
            0,
            part("Zone"),
        ),
        (Mistake::Latin1, narrow(OURS), 90, part("title")),
        (Mistake::Utf8Twice, twice.into(), 91, part("title")),
        (
            Mistake::SigIncluded,
            put("title=", "sig=title="),
            84,
            part("title"),
        ),
        (Mistake::LeftOut("v".into()), put("v=1.0", ""), 106, part("v")),
        (
            Mistake::NotSent("format"),
            put("image_2=", "format=jsonimage_2="),
            46,
            part("image_2"),
        ),
        (
            Mistake::BlankBehindText,
            put("v=1.0", "v=1.0\r\n"),
            111,
            Part::End,
        ),
    ];
    for row in rows {
        assert_named(MD5, OURS, row);
    }
}

#[test]
fn values_as_they_travel_and_what_stands_between_pairs_are_named() {
    let put = |old: &str, new: &str| OURS.replace(old, new).into_bytes();
    let rows: Vec<Row> = vec![
        (
            Mistake::Encoded,
            put("Étienne & 9 up ", "%C3%89tienne%20%26%209%20up%20"),
            90,
            part("title"),
        ),
        (
            Mistake::Encoded,
            put("Étienne & 9 up ", "%C3%89tienne+%26+9+up+"),
            90,
            part("title"),
        ),
        (
            Mistake::Encoded,
            put("Étienne & 9 up ", "%c3%89tienne+%26+9+up+"),
            90,
            part("title"),
        ),
        (
            Mistake::Joined,
            format!("Zone=1&{KEY}&image_2=&method=feed.publishStoryToUser&title=Étienne & 9 up &v=1.0")
                .into(),
            6,
            part("api_key"),
        ),
        (
            Mistake::Joined,
            format!("Zone=1 {KEY} image_2= method=feed.publishStoryToUser title=Étienne & 9 up  v=1.0")
                .into(),
            6,
            part("api_key"),
        ),
        (
            Mistake::Joined,
            format!(
                "Zone=1&{KEY}&image_2=&method=feed.publishStoryToUser&title=%C3%89tienne+%26+9+up+&v=1.0"
            )
            .into(),
            6,
            part("api_key"),
        ),
    ];
    for row in rows {
        assert_named(MD5, OURS, row);
    }
}

#[test]
fn a_text_in_utf_16_is_named_with_its_secret_in_utf_16() {
    let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let told = explained(MD5, &md5(&[&wide(OURS), &wide(SECRET)])).expect("an explanation");
    assert_eq!(told.mistake, Mistake::Utf16);
    assert_eq!(told.differs.expect("a difference").at, 1);
}

#[test]
fn mistakes_in_the_text_of_version_2_are_named_with_their_first_byte_and_part() {
    let ours = format!("{HEAD}{LINE}");
    let put = |old: &str, new: &str| ours.replace(old, new).into_bytes();
    let unsorted = format!(
        "{HEAD}method=feed.publishStoryToUser&title=%C3%89tienne%20%26%209%20up%20&Zone=1&{KEY}&image_2=&v=1.0"
    );
    let plain =
        format!("{HEAD}Zone=1&{KEY}&image_2=&method=feed.publishStoryToUser&title=Étienne & 9 up &v=1.0");
    let rows: Vec<Row> = vec![
        (Mistake::OtherVerb, put("POST", "GET"), 20, Part::Line(2)),
        (
            Mistake::OtherPath,
            put("/crier/restserver.php", "/restserver.php"),
            26,
            Part::Line(3),
        ),
        (
            Mistake::OtherPath,
            put("/crier/restserver.php", ""),
            25,
            Part::Line(3),
        ),
        (Mistake::LinesLeftOut, LINE.into(), 0, Part::Line(1)),
        (
            Mistake::LinesLeftOut,
            put("crier-hmac-sha256-2\n", ""),
            0,
            Part::Line(1),
        ),
        (
            Mistake::LineEnds,
            format!("{ours}\n").into(),
            ours.len(),
            Part::End,
        ),
        (Mistake::LineEnds, put("\n", "\r\n"), 19, Part::Line(1)),
        (Mistake::Unsorted, unsorted.into(), 47, part("Zone")),
        (Mistake::NotEncoded, plain.into(), 141, part("title")),
        (Mistake::EncodedOtherwise, put("%20", "+"), 153, part("title")),
        (
            Mistake::EncodedOtherwise,
            put("%C3%89", "%c3%89"),
            142,
            part("title"),
        ),
        (Mistake::EmptyLeftOut, put("&image_2=", ""), 95, part("image_2")),
        (Mistake::Trimmed, put("up%20", "up"), 168, part("title")),
        (Mistake::Latin1, put("%C3%89", "%C9"), 143, part("title")),
        (
            Mistake::Utf8Twice,
            put("%C3%89", "%C3%83%C2%89"),
            146,
            part("title"),
        ),
        (Mistake::LeftOut("v".into()), put("&v=1.0", ""), 171, part("v")),
        (
            Mistake::LetterCase,
            put("feed.publishStoryToUser", "feed.publishstorytouser"),
            123,
            part("method"),
        ),
    ];
    for row in rows {
        assert_named(HMAC, &ours, row);
    }
}

#[test]
fn a_text_that_goes_on_differs_behind_our_last_parameter() {
    for form in [MD5, HMAC] {
        let ours = form.text(&pairs());
        let differs = first_difference(form, &pairs(), format!("{ours}x").as_bytes()).expect("a difference");
        assert_eq!(
            differs,
            Difference {
                at: ours.len(),
                ours: None,
                theirs: Some(b'x'),
                part: Part::End
            }
        );
        assert_eq!(first_difference(form, &pairs(), ours.as_bytes()), None);
    }
}

#[test]
fn both_secrets_of_a_rotation_are_tried() {
    let (new, old) = (Secret::new(SECRET), Secret::new(FORMER));
    let secrets = Secrets {
        right: vec![&new, &old],
        ..Secrets::default()
    };
    let sig = md5(&[OURS.replace("image_2=", "").as_bytes(), FORMER.as_bytes()]);
    let told = explain(MD5, &pairs(), &sig, &secrets).expect("an explanation");
    assert_eq!(told.mistake, Mistake::EmptyLeftOut);
}

#[test]
fn nothing_that_is_said_holds_a_secret_or_a_right_signature() {
    let right = md5(&[OURS.as_bytes(), SECRET.as_bytes()]);
    let wrong = [
        right.to_ascii_uppercase(),
        md5(&[SECRET.as_bytes(), OURS.as_bytes()]),
        md5(&[OURS.as_bytes(), OTHER.as_bytes()]),
        md5(&[OURS.replace("image_2=", "").as_bytes(), SECRET.as_bytes()]),
    ];
    for sig in wrong {
        let told = explained(MD5, &sig).expect("an explanation");
        let text = std::str::from_utf8(told.theirs.as_deref().unwrap_or_default()).unwrap();
        let said = format!("{told:?} {} {text}", told.mistake);
        for hidden in [SECRET, OTHER, &right] {
            assert!(!said.to_ascii_lowercase().contains(hidden), "{said}");
        }
    }
}
