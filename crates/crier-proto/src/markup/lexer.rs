//! Cuts a value into characters and tags, from left to right, refusing by the rows of feed 2.2 in their order.
//!
//! Knows nothing of nesting, folding or lengths: those are `tree`'s.

use super::displayed::{is_folded, is_refused_control};
use super::policy::{Place, Tag};
use super::reference::{self, Reference};
use super::tree::MarkupError;
use crate::story::{LINK_BYTES_MAX, LinkSchemes, read_link};

/// A piece of the value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Characters of text that say nothing but themselves.
    Plain(&'a str),
    /// One or two characters of text, references decoded.
    Text(String),
    /// One character of text.
    Character(char),
    /// A start tag; the link of an `a`.
    Start(Tag, Option<String>),
    /// An end tag.
    End(Tag),
}

/// Reads tokens off the front.
pub(super) struct Lexer<'a> {
    place: Place,
    rest: &'a str,
    /// Position of the first character of `rest`, counted from 1.
    at: usize,
    accepts_link: &'a dyn Fn(&str) -> bool,
}

/// A tag taken apart, not yet judged.
struct Parts<'a> {
    attributes: Vec<Attribute<'a>>,
    /// Bytes from `<` to `>`, both included.
    length: usize,
}

struct Attribute<'a> {
    name: &'a str,
    value: &'a str,
    /// Byte of the value within the tag.
    offset: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(place: Place, value: &'a str, accepts_link: &'a dyn Fn(&str) -> bool) -> Self {
        Self {
            place,
            rest: value,
            at: 1,
            accepts_link,
        }
    }

    /// The next token and its position; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<(Token<'a>, usize)>, MarkupError> {
        let at = self.at;
        let plain = plain_bytes(self.rest);
        if plain > 0 {
            let (text, rest) = self.rest.split_at_checked(plain).unwrap_or((self.rest, ""));
            self.at = self.at.saturating_add(text.chars().count());
            self.rest = rest;
            return Ok(Some((Token::Plain(text), at)));
        }
        let Some(first) = self.rest.chars().next() else {
            return Ok(None);
        };
        let token = match first {
            '<' if begins_tag(self.rest) => self.tag()?,
            '&' => match reference::read(self.rest) {
                Reference::Decoded(text, length) => {
                    self.advance(length);
                    Token::Text(text)
                }
                Reference::NoCharacter => return Err(self.no_character(at)),
                Reference::Ampersand => self.character('&'),
            },
            other if is_refused_control(other) => return Err(self.broken("control character", at, "")),
            other => self.character(other),
        };
        Ok(Some((token, at)))
    }

    fn character(&mut self, character: char) -> Token<'a> {
        self.advance(character.len_utf8());
        Token::Character(character)
    }

    fn advance(&mut self, bytes: usize) {
        let (passed, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.at = self.at.saturating_add(passed.chars().count());
        self.rest = rest;
    }

    /// The cause `N: … at character P…`, which quotes nothing from the value.
    pub(super) fn broken(&self, what: &str, at: usize, end: &str) -> MarkupError {
        MarkupError::Broken(self.cause(what, at, end))
    }

    fn cause(&self, what: &str, at: usize, end: &str) -> String {
        format!("{}: {what} at character {at}{end}", self.place.name())
    }

    fn no_character(&self, at: usize) -> MarkupError {
        self.broken("reference", at, " is no character")
    }

    /// Position of the character at this byte of `rest`.
    fn position(&self, byte: usize) -> usize {
        let before = self.rest.get(..byte).unwrap_or(self.rest);
        self.at.saturating_add(before.chars().count())
    }

    /// Reads a tag, judged in the order of the rows.
    fn tag(&mut self) -> Result<Token<'a>, MarkupError> {
        let (rest, at) = (self.rest, self.at);
        if let Some((byte, _)) = extent(rest)
            .char_indices()
            .find(|(_, character)| is_refused_control(*character))
        {
            return Err(self.broken("control character", self.position(byte), ""));
        }
        if rest.starts_with("<!") || rest.starts_with("<?") {
            return Err(self.broken("comment or declaration", at, ""));
        }
        let is_end = rest.starts_with("</");
        let opening = if is_end { 2 } else { 1 };
        let behind = rest.get(opening..).unwrap_or_default();
        let length = behind
            .find(|c: char| is_folded(c) || matches!(c, '/' | '>'))
            .unwrap_or(behind.len());
        let name = behind.get(..length).unwrap_or_default();
        if name.is_empty() {
            return Err(self.broken("malformed tag", at, ""));
        }
        let Some(tag) = self.place.permits(name) else {
            return Err(self.broken("tag", at, " is not allowed"));
        };
        let parts = take_apart(rest, opening.saturating_add(length))
            .filter(|parts| !is_end || parts.attributes.is_empty())
            .ok_or_else(|| self.broken("malformed tag", at, ""))?;
        let token = if is_end {
            Token::End(tag)
        } else {
            self.start(tag, &parts.attributes)?
        };
        self.advance(parts.length);
        Ok(token)
    }

    fn start(&self, tag: Tag, attributes: &[Attribute<'_>]) -> Result<Token<'a>, MarkupError> {
        let is_anchor = match tag {
            Tag::Anchor => true,
            Tag::Bold | Tag::Italic => false,
        };
        if attributes
            .iter()
            .any(|attribute| !is_anchor || !attribute.name.eq_ignore_ascii_case("href"))
        {
            return Err(self.broken("attribute in the tag", self.at, " is not allowed"));
        }
        if !is_anchor {
            return Ok(Token::Start(tag, None));
        }
        let [href] = attributes else {
            return Err(self.broken("a", self.at, " needs exactly one href"));
        };
        let value = self.decoded(href)?;
        let link = read_link(&value, LinkSchemes::HttpOrHttpsAnyCase)
            .filter(|link| (self.accepts_link)(link))
            .ok_or_else(|| {
                let cause = self.cause("link", self.at, " is not acceptable");
                if value.len() > LINK_BYTES_MAX {
                    MarkupError::LinkTooLong(cause)
                } else {
                    MarkupError::Broken(cause)
                }
            })?;
        Ok(Token::Start(tag, Some(link)))
    }

    /// The value of an attribute with its references decoded once.
    fn decoded(&self, attribute: &Attribute<'_>) -> Result<String, MarkupError> {
        let mut out = String::with_capacity(attribute.value.len());
        let mut rest = attribute.value;
        while let Some(place) = rest.find('&') {
            let (before, here) = rest.split_at_checked(place).unwrap_or((rest, ""));
            out.push_str(before);
            let length = match reference::read(here) {
                Reference::Decoded(text, length) => {
                    out.push_str(&text);
                    length
                }
                Reference::NoCharacter => {
                    let passed = attribute.value.len().saturating_sub(here.len());
                    return Err(self.no_character(self.position(attribute.offset.saturating_add(passed))));
                }
                Reference::Ampersand => {
                    out.push('&');
                    1
                }
            };
            rest = here.get(length..).unwrap_or_default();
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// Bytes at the front of which none begins a tag, a reference or a control character: the next of them that might ends it.
fn plain_bytes(rest: &str) -> usize {
    // C2 begins the controls U+0080 to U+009F, and much else, which is then judged by itself.
    let may_say_more = |byte: u8| matches!(byte, b'<' | b'&' | 0..=0x1F | 0x7F | 0xC2);
    let end = rest.bytes().position(may_say_more);
    end.unwrap_or(rest.len())
}

/// Whether a `<` begins a tag: it does before an ASCII letter, `/`, `!`, `?`.
fn begins_tag(rest: &str) -> bool {
    matches!(rest.as_bytes(), [b'<', next, ..] if next.is_ascii_alphabetic() || matches!(next, b'/' | b'!' | b'?'))
}

/// What belongs to the tag at the front: up to its `>` outside of quoted values, or everything.
fn extent(rest: &str) -> &str {
    let mut quote = None;
    let mut before = '<';
    for (byte, character) in rest.char_indices() {
        match (quote, character) {
            (None, '>') => return rest.get(..=byte).unwrap_or(rest),
            (None, '"' | '\'') if before == '=' => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None | Some(_), _) => {}
        }
        before = character;
    }
    rest
}

/// Takes a tag apart behind its name; `None` when it is malformed.
fn take_apart(rest: &str, behind_name: usize) -> Option<Parts<'_>> {
    let mut attributes = Vec::new();
    let mut here = behind_name;
    loop {
        let behind = rest.get(here..)?;
        let space = behind
            .len()
            .saturating_sub(behind.trim_start_matches(is_folded).len());
        here = here.saturating_add(space);
        let behind = rest.get(here..)?;
        if behind.starts_with('>') {
            return Some(Parts {
                attributes,
                length: here.saturating_add(1),
            });
        }
        if space == 0 {
            return None;
        }
        let attribute = attribute(behind, here)?;
        here = attribute.1;
        attributes.push(attribute.0);
    }
}

/// Reads `name`, `name=value`, `name="value"` or `name='value'` at byte `here` of the tag, and where it ends.
fn attribute(behind: &str, here: usize) -> Option<(Attribute<'_>, usize)> {
    let length = behind.find(|c: char| is_folded(c) || matches!(c, '/' | '>' | '='))?;
    let name = behind.get(..length)?;
    if name.is_empty() || name.contains(['"', '\'', '<']) {
        return None;
    }
    let here = here.saturating_add(length);
    let Some(given) = behind.get(length..)?.strip_prefix('=') else {
        let nothing = Attribute {
            name,
            value: "",
            offset: here,
        };
        return Some((nothing, here));
    };
    let here = here.saturating_add(1);
    let (value, before, after) = match given.chars().next()? {
        quote @ ('"' | '\'') => (given.get(1..)?.split_once(quote)?.0, 1, 1),
        _ => {
            let ends = |c: char| is_folded(c) || matches!(c, '"' | '\'' | '<' | '>' | '=' | '`');
            let bare = given.get(..given.find(ends)?)?;
            (Some(bare).filter(|bare| !bare.is_empty())?, 0, 0)
        }
    };
    let offset = here.saturating_add(before);
    let end = offset.saturating_add(value.len()).saturating_add(after);
    Some((Attribute { name, value, offset }, end))
}
