//! The worked examples of feed 2.10, and what holds for every accepted value.

use super::super::displayed;
use super::*;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, TagKind, Token as HtmlToken, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use proptest::prelude::*;
use std::cell::RefCell;

/// Canonical form, displayed characters and bytes of an accepted value; the cause for a refused one.
fn judge(place: Place, value: &str) -> Result<(String, usize, usize), String> {
    match Markup::read(place, value) {
        Ok(markup) => Ok((markup.canonical(), markup.clusters(), markup.plain().len())),
        Err(error) => Err(error.cause().to_owned()),
    }
}

/// `E` of the examples.
fn with_link(value: &str) -> String {
    value.replace('E', "http://e.example/")
}

const FAMILY: &str = "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}\u{200D}\u{1F466}";

#[test]
fn accepted_bodies_of_the_worked_examples_have_their_form_and_lengths() {
    let same = |value: &str, clusters, bytes| (value.to_owned(), value.to_owned(), clusters, bytes);
    let to = |value: &str, form: &str, clusters, bytes| (value.to_owned(), form.to_owned(), clusters, bytes);
    let linked =
        |value: &str, form: &str, clusters, bytes| (with_link(value), with_link(form), clusters, bytes);
    let cases = [
        same("Hello", 5, 5),
        to("  Hello \t\r\n world  ", "Hello world", 11, 11),
        to("Ann & Bob", "Ann &amp; Bob", 9, 9),
        same("Ann &amp; Bob", 9, 9),
        to("&eacute;", "é", 1, 2),
        to("&eacute", "&amp;eacute", 7, 7),
        to("&notin; &notit;", "∉ &amp;notit;", 9, 11),
        to("&bogus;", "&amp;bogus;", 7, 7),
        to("&#65;&#x42;", "AB", 2, 2),
        to("&#128;", "€", 1, 3),
        same("&amp;lt;", 4, 4),
        to("1 < 2 > 0", "1 &lt; 2 &gt; 0", 9, 9),
        to("<3", "&lt;3", 2, 2),
        same("&lt;b&gt;", 3, 3),
        same("<b>bold</b>", 4, 4),
        to("<b><b>x</b></b>", "<b>x</b>", 1, 1),
        to("<b></b>x", "x", 1, 1),
        to("<b> a</b> <i> b</i>", "<b>a</b> <i>b</i>", 3, 3),
        linked(
            "<b>1<a href=\"E\">2</a>3</b>",
            "<b>1</b><a href=\"E\"><b>2</b></a><b>3</b>",
            3,
            3,
        ),
        linked(
            "<a href=E>x</a><a href=\"E\">y</a>",
            "<a href=\"E\">x</a><a href=\"E\">y</a>",
            2,
            2,
        ),
        linked("<a href=\"E\"></a>x", "x", 1, 1),
        same("e\u{301}", 1, 3),
        to("e<b>&#x301;</b>", "e<b>\u{301}</b>", 1, 3),
        same("\u{1F44D}\u{1F3FD}", 1, 8),
        same(FAMILY, 1, 25),
        same("\u{1F1EB}\u{1F1F7}\u{1F1E9}\u{1F1EA}", 2, 16),
        same("\u{1F1EB}\u{1F1F7}\u{1F1E9}", 2, 12),
        to("&#x1F1EB;&#x1F1F7;", "\u{1F1EB}\u{1F1F7}", 1, 8),
        same(
            "\u{1F3F4}\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
            1,
            28,
        ),
        same("1\u{FE0F}\u{20E3}", 1, 7),
        same(&format!("a{}", "\u{301}".repeat(20)), 1, 41),
        same("\u{1100}\u{1161}\u{11A8}", 1, 9),
        same("\u{915}\u{94D}\u{937}\u{93F}", 1, 12),
        to("a&nbsp;b", "a\u{A0}b", 3, 4),
        same("a\u{3000}b", 3, 5),
        to("a&#x200B;b", "a\u{200B}b", 3, 5),
        same("a\u{2028}b", 3, 5),
        same("abc\u{202E}def", 7, 9),
        to("\u{5D0}&rlm;", "\u{5D0}\u{200F}", 2, 5),
        same("\u{FEFF}ab", 3, 5),
        to("a&#13;&#10;b", "a b", 3, 3),
        same("\u{FB01}", 1, 3),
        same("日本語", 3, 9),
    ];
    for (value, form, clusters, bytes) in cases {
        assert_eq!(
            judge(Place::Body, &value),
            Ok((form, clusters, bytes)),
            "{}",
            value.escape_unicode()
        );
    }
}

#[test]
fn refused_bodies_of_the_worked_examples_have_their_cause() {
    let cases = [
        ("&#0;", "body: reference at character 1 is no character"),
        ("&#xD800;", "body: reference at character 1 is no character"),
        ("&#129;", "body: reference at character 1 is no character"),
        ("&#7;", "body: reference at character 1 is no character"),
        ("a\u{7}b", "body: control character at character 2"),
        ("a\0b", "body: control character at character 2"),
        (
            "<b><i>x</b></i>",
            "body: end tag at character 8 closes nothing open",
        ),
        ("</b>x", "body: end tag at character 1 closes nothing open"),
        ("<b>open", "body: element at character 1 is not closed"),
        (
            "<a href=\"http://e.example/\">x<a href=\"http://e.example/\">y</a></a>",
            "body: a inside an a at character 30",
        ),
        ("<br>", "body: tag at character 1 is not allowed"),
        ("<b/>", "body: malformed tag at character 1"),
        (
            "<b class=\"x\">y</b>",
            "body: attribute in the tag at character 1 is not allowed",
        ),
        ("<!-- x -->", "body: comment or declaration at character 1"),
        ("<fb:name uid=\"1\">", "body: tag at character 1 is not allowed"),
        ("x </ y", "body: malformed tag at character 3"),
        (
            "<a href=\"javascript:alert(1)\">x</a>",
            "body: link at character 1 is not acceptable",
        ),
        (
            "<a href=\"//e.example\">x</a>",
            "body: link at character 1 is not acceptable",
        ),
        (
            "<a href=\"http://e.example/ a\">x</a>",
            "body: link at character 1 is not acceptable",
        ),
    ];
    for (value, cause) in cases {
        assert_eq!(
            judge(Place::Body, value),
            Err(cause.to_owned()),
            "{}",
            value.escape_unicode()
        );
    }
}

#[test]
fn titles_of_the_worked_examples_have_their_form_or_cause() {
    let refused = |value: &str, cause: &str| assert_eq!(judge(Place::Title, value), Err(cause.to_owned()));
    refused("<b>bold</b>", "title: tag at character 1 is not allowed");
    assert_eq!(
        judge(Place::Title, "<A HREF='http://E.example:80/?a=1&b=2'>x</A >"),
        Ok(("<a href=\"http://e.example/?a=1&amp;b=2\">x</a>".to_owned(), 1, 1))
    );
    refused(
        &with_link("<a href=E>x</a><a href=\"E\">y</a>"),
        "title has 2 links, limit 1",
    );
    refused(
        &with_link("<a href=\"E\">x<a href=\"E\">y</a></a>"),
        "title has 2 links, limit 1",
    );
    let marked = format!("a{}", "\u{301}".repeat(5)).repeat(60);
    refused(&marked, "title has 660 bytes of text, limit 600");
    refused(&FAMILY.repeat(25), "title has 625 bytes of text, limit 600");
    assert_eq!(
        judge(Place::Title, &FAMILY.repeat(24)),
        Ok((FAMILY.repeat(24), 24, 600))
    );
    for blank in [
        "&nbsp;",
        "&nbsp;&#x200B;",
        &with_link("<a href=\"E\"></a>"),
        "",
        " \n ",
    ] {
        refused(blank, "title renders blank");
    }
    refused(&"x".repeat(61), "title has 61 displayed characters, limit 60");
    assert_eq!(judge(Place::Title, &"x".repeat(60)), Ok(("x".repeat(60), 60, 60)));
}

#[test]
fn blank_values_count_as_the_worked_examples_say() {
    for (plain, clusters, bytes) in [("\u{A0}", 1, 2), ("\u{A0}\u{200B}", 2, 5), ("", 0, 0)] {
        assert_eq!(
            (
                displayed::clusters(plain),
                plain.len(),
                displayed::is_blank(plain)
            ),
            (clusters, bytes, true)
        );
    }
}

#[test]
fn displayed_lengths_of_the_protocol_page_hold() {
    for (value, clusters) in [
        ("<a href=\"http://x.example/?a=1&b=2\">9 & up</a>", 6),
        ("9 &amp; up", 6),
        ("  9 &#38;\n up ", 6),
        ("3 < 4 & 5 > 2", 13),
        ("AT&T", 4),
        ("&copy", 5),
    ] {
        assert_eq!(
            Markup::read(Place::Title, value).map(|markup| markup.clusters()),
            Ok(clusters),
            "{value}"
        );
    }
}

#[test]
fn within_one_tag_the_rows_decide_in_their_order() {
    let cases = [
        ("<u \u{7}", "body: control character at character 4"),
        ("<!-- \u{1} -->", "body: control character at character 6"),
        ("<a href='x>\u{2}'>", "body: control character at character 12"),
        ("<u/>", "body: tag at character 1 is not allowed"),
        ("<b class=x /", "body: malformed tag at character 1"),
        (
            "<a href=x href=y class=z>",
            "body: attribute in the tag at character 1 is not allowed",
        ),
        (
            "<a href=x href=y>",
            "body: a at character 1 needs exactly one href",
        ),
        ("<a>", "body: a at character 1 needs exactly one href"),
        ("<a href>", "body: link at character 1 is not acceptable"),
        ("<a href=>", "body: malformed tag at character 1"),
        (
            "<a href = 'http://e.example/'>",
            "body: malformed tag at character 1",
        ),
        (
            "<a href='http://e.example/'class=x>",
            "body: malformed tag at character 1",
        ),
        (
            "<a href=\"http://e.example/\"",
            "body: malformed tag at character 1",
        ),
        (
            "<a href=\"http://e.example/>",
            "body: malformed tag at character 1",
        ),
        ("<b", "body: malformed tag at character 1"),
        ("<b<i>x</i>", "body: tag at character 1 is not allowed"),
        ("</>", "body: malformed tag at character 1"),
        ("<b>x</b class=x>", "body: malformed tag at character 5"),
        ("<?php", "body: comment or declaration at character 1"),
        (
            "é<a href='http://e.example/&#0;'>",
            "body: reference at character 28 is no character",
        ),
        ("<b><i>x", "body: element at character 1 is not closed"),
        ("<b>x</b></b>", "body: end tag at character 9 closes nothing open"),
    ];
    for (value, cause) in cases {
        assert_eq!(judge(Place::Body, value), Err(cause.to_owned()), "{value}");
    }
}

#[test]
fn titles_are_judged_in_the_order_of_the_page() {
    let long_and_broken = format!("{}<u>", "x".repeat(5_000));
    assert_eq!(
        judge(Place::Title, &long_and_broken),
        Err("title: tag at character 5001 is not allowed".to_owned())
    );
    assert_eq!(
        judge(Place::Title, &"x".repeat(4_097)),
        Err("title has 4097 bytes of markup, limit 4096".to_owned())
    );
    let two_links = with_link("<a href=E>").repeat(2);
    assert_eq!(
        judge(Place::Title, &format!("{two_links}{}</a></a>", "x".repeat(61))),
        Err("title has 61 displayed characters, limit 60".to_owned())
    );
    assert_eq!(
        judge(Place::Title, &format!("{two_links}</a></a>")),
        Err("title has 2 links, limit 1".to_owned())
    );
    assert_eq!(
        judge(Place::Body, &" ".repeat(8_193)),
        Err("body has 8193 bytes of markup, limit 8192".to_owned())
    );
    assert_eq!(
        judge(Place::Body, &"x".repeat(201)),
        Err("body has 201 displayed characters, limit 200".to_owned())
    );
    assert_eq!(
        judge(Place::Body, "&#x200B;"),
        Err("body renders blank".to_owned())
    );
}

#[test]
fn a_further_judge_of_links_is_asked_with_the_canonical_link() {
    let judge_link = |link: &str| link != "http://e.example/no";
    let read = |value: &str| {
        Markup::read_accepting(Place::Title, value, &judge_link).map(|markup| markup.links().to_vec())
    };
    assert_eq!(
        read("<a href=http://e.example/yes>x</a>"),
        Ok(vec!["http://e.example/yes".to_owned()])
    );
    assert_eq!(
        read("x<a href=HTTP://E.EXAMPLE:80/no>x</a>"),
        Err(MarkupError::Broken(
            "title: link at character 2 is not acceptable".to_owned()
        ))
    );
}

#[test]
fn links_without_a_character_are_not_kept_and_the_others_are_numbered_anew() {
    let value =
        "<a href=http://a.example/> </a>x<a href=http://b.example/>y</a><a href=http://c.example/>\n</a>";
    let markup = Markup::read(Place::Body, value).unwrap();
    assert_eq!(markup.links(), ["http://b.example/"]);
    assert_eq!(markup.canonical(), "x<a href=\"http://b.example/\">y</a>");
    assert_eq!(
        markup.runs().iter().map(|run| run.link).collect::<Vec<_>>(),
        [None, Some(0)]
    );
}

#[test]
fn kept_text_that_is_not_its_own_canonical_form_is_told() {
    for damaged in [
        "<b></b>x",
        "<u>x</u>",
        "a  b",
        "<B>x</B>",
        "a&b",
        "\u{0}",
        "<a href='http://e.example/'>x</a>",
    ] {
        assert_eq!(Markup::read_stored(Place::Body, damaged), None, "{damaged}");
    }
    assert!(Markup::read_stored(Place::Body, "<b>a &amp; b</b>").is_some());
}

#[test]
fn a_canonical_form_longer_than_the_value_is_accepted_and_reads_back() {
    let value = format!("<a href='http://e.example/?{}'>x</a>", "&".repeat(2_000));
    let markup = Markup::read(Place::Title, &value).unwrap();
    let canonical = markup.canonical();
    assert!(canonical.len() > Place::Title.markup_bytes_max());
    assert_eq!(Markup::read_stored(Place::Title, &canonical), Some(markup));
}

/// What the HTML standard's own tokenizer finds: text, and the names and attributes of tags.
#[derive(Default)]
struct SecondReader {
    text: RefCell<String>,
    tags: RefCell<Vec<String>>,
    links: RefCell<Vec<String>>,
}

impl TokenSink for SecondReader {
    type Handle = ();

    fn process_token(&self, token: HtmlToken, _line: u64) -> TokenSinkResult<()> {
        match token {
            HtmlToken::CharacterTokens(text) => self.text.borrow_mut().push_str(&text),
            HtmlToken::TagToken(tag) => {
                let slash = if tag.kind == TagKind::EndTag { "/" } else { "" };
                self.tags.borrow_mut().push(format!("{slash}{}", tag.name));
                for attribute in &tag.attrs {
                    assert_eq!(&*attribute.name.local, "href");
                    self.links.borrow_mut().push(attribute.value.to_string());
                }
            }
            HtmlToken::EOFToken => {}
            HtmlToken::ParseError(_)
            | HtmlToken::DoctypeToken(_)
            | HtmlToken::CommentToken(_)
            | HtmlToken::NullCharacterToken => {
                // Bidi and unassigned characters are parse errors of the standard and text all the same; comments and
                // doctypes would be missed in the text.
            }
        }
        TokenSinkResult::Continue
    }
}

fn read_by_html5ever(canonical: &str) -> SecondReader {
    let options = TokenizerOpts {
        discard_bom: false,
        exact_errors: false,
        ..TokenizerOpts::default()
    };
    let tokenizer = Tokenizer::new(SecondReader::default(), options);
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from_slice(canonical));
    let _ = tokenizer.feed(&queue);
    tokenizer.end();
    tokenizer.sink
}

/// Pieces of which values are likely to be interesting.
fn value() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => prop::sample::select(vec![
            "<b>", "</b>", "<i>", "</i>", "<a href=\"http://e.example/?a=1&b\">", "<a href='http://E.example/'>", "</a>", "<B >",
            "</I\n>", "&amp;", "&lt;", "&gt;", "&quot;", "&nbsp;", "&#38;", "&#60;", "&#x301;", "&", "<", ">", "\"", "'", ";", " ",
            "\n", "\t", "#", "x", "lt;", "/", "!", "&NewLine;", "\u{200D}", "\u{1F468}", "\u{1F1EB}", "\u{301}", "\u{FEFF}", "\u{FFFE}",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Values that are mostly well-formed.
fn well_formed() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "[a-c &<>;\n\"']{0,6}",
        Just("&lt;".to_owned()),
        Just("&nbsp;\u{301}".to_owned())
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inside| format!("<b>{inside}</b>")),
            inner.clone().prop_map(|inside| format!("<i >{inside}</I>")),
            prop::collection::vec(inner, 0..5).prop_map(|parts| parts.concat()),
            "[a-z &<]{0,4}".prop_map(|inside| format!("<a href='http://e.example/?q=1&r'>{inside}</a>")),
        ]
    })
}

proptest! {
    #[test]
    fn the_canonical_form_is_a_fixed_point_with_equal_text_links_and_count(value in prop_oneof![value(), well_formed()]) {
        if let Ok(markup) = Markup::read(Place::Body, &value) {
            let canonical = markup.canonical();
            let again = Markup::read(Place::Body, &canonical).expect("a canonical form is acceptable");
            prop_assert_eq!(again.canonical(), canonical);
            prop_assert_eq!(again.plain(), markup.plain());
            prop_assert_eq!(again.links(), markup.links());
            prop_assert_eq!(again.clusters(), markup.clusters());
        }
    }

    #[test]
    fn a_second_reader_finds_only_a_b_i_and_the_same_text(value in prop_oneof![value(), well_formed()]) {
        if let Ok(markup) = Markup::read(Place::Body, &value) {
            let found = read_by_html5ever(&markup.canonical());
            prop_assert_eq!(&*found.text.borrow(), &markup.plain());
            prop_assert_eq!(&*found.links.borrow(), markup.links());
            for tag in found.tags.borrow().iter() {
                prop_assert!(matches!(tag.as_str(), "a" | "/a" | "b" | "/b" | "i" | "/i"), "{}", tag);
            }
        }
    }

    #[test]
    fn no_value_makes_the_reader_panic_and_no_cause_quotes_it(value in any::<String>()) {
        for place in [Place::Title, Place::Body] {
            if let Err(error) = Markup::read(place, &value) {
                let cause = error.cause();
                prop_assert!(cause.len() <= 200 && cause.bytes().all(|byte| matches!(byte, b' '..=b'~')));
                prop_assert!(!cause.contains(['"', '\'', '<', '>', '&', '\\']));
            }
        }
    }
}
