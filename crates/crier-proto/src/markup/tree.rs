//! The reader of markup: characters with marks, from which canonical form, plain text and links are made (feed 2.2, 2.3, 2.6).
//!
//! Promise: what is accepted has a canonical form that reads back as itself, with the same text and links (feed 2.7).

use super::displayed::{self, is_folded};
use super::lexer::{Lexer, Token};
use super::policy::{Place, Tag};

/// A stretch of characters with equal marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Plain characters, references decoded, white space folded.
    pub text: String,
    /// Index into `Markup::links`, if the run stands in an `a`.
    pub link: Option<usize>,
    /// Whether it is bold.
    pub bold: bool,
    /// Whether it is italic.
    pub italic: bool,
}

/// Accepted markup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Markup {
    runs: Vec<Run>,
    links: Vec<String>,
}

/// The first rule that a value breaks, in the order of checks of its page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarkupError {
    /// A rule of feed 2.2 or 2.7; the text is the cause, `N: … at character P`.
    Broken(String),
    /// Too much of this; the text is the cause.
    TooLong(Measure, String),
    /// A link over `story::LINK_BYTES_MAX`; the text is the cause, which is that of any other link.
    LinkTooLong(String),
    /// More than one `a` in a title; the text is the cause.
    TooManyLinks(String),
    /// Nothing to see; the text is the cause.
    Blank(String),
}

/// What of a value is measured (feed 2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Bytes of the value as given.
    MarkupBytes,
    /// Displayed characters.
    Clusters,
    /// Bytes of the displayed text.
    TextBytes,
}

impl Measure {
    /// As a cause names it (feed 3.3).
    const fn words(self) -> &'static str {
        match self {
            Self::MarkupBytes => "bytes of markup",
            Self::Clusters => "displayed characters",
            Self::TextBytes => "bytes of text",
        }
    }
}

impl MarkupError {
    /// The cause, as it stands in the refusal (feed 3.3).
    #[must_use]
    pub fn cause(&self) -> &str {
        match self {
            Self::Broken(cause)
            | Self::TooLong(_, cause)
            | Self::LinkTooLong(cause)
            | Self::TooManyLinks(cause)
            | Self::Blank(cause) => cause,
        }
    }
}

/// What the limits of a place are compared with (feed 2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Bytes of the value as given.
    pub markup_bytes: usize,
    /// Displayed characters.
    pub clusters: usize,
    /// Bytes of the displayed text.
    pub text_bytes: usize,
    /// Anchors, also those without a character.
    pub links: usize,
}

/// Markup that could be read, whatever limits it breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The markup; only without errors has it a canonical form.
    pub markup: Markup,
    /// Its counts.
    pub counts: Counts,
    /// Every limit that it breaks, in the order of checks.
    pub errors: Vec<MarkupError>,
}

impl Markup {
    /// Reads a value for its place, with all the checks of protocol 14.2.3 c to g in their order. The empty value is
    /// blank here; that an empty title is a missing one and an empty body an absent one is the caller's to say first.
    /// Links are not compared with the server's own pages: `read_accepting` does that.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn read(place: Place, value: &str) -> Result<Self, MarkupError> {
        Self::read_accepting(place, value, &|_| true)
    }

    /// As `read`, with a further judge of links, asked with their canonical form (feed 2.8: the server's own pages,
    /// `story::OwnSite::accepts`).
    ///
    /// The byte ceiling of the value is judged after its markup, as the order of checks demands; reading is linear in
    /// the value, which the request's own bounds hold small.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn read_accepting(
        place: Place,
        value: &str,
        accepts_link: &dyn Fn(&str) -> bool,
    ) -> Result<Self, MarkupError> {
        let counted = Self::count(place, value, accepts_link)?;
        let mut errors = counted.errors.into_iter();
        errors.next().map_or(Ok(counted.markup), Err)
    }

    /// As `read_accepting`, going on behind the first broken limit: the counts and every limit that the value breaks.
    ///
    /// # Errors
    /// Markup that cannot be read: nothing of it can be counted.
    pub fn count(
        place: Place,
        value: &str,
        accepts_link: &dyn Fn(&str) -> bool,
    ) -> Result<Counted, MarkupError> {
        let (markup, links) = Builder::new(place).build(Lexer::new(place, value, accepts_link))?;
        let name = place.name();
        let plain = markup.plain();
        let counts = Counts {
            markup_bytes: value.len(),
            clusters: displayed::clusters(&plain),
            text_bytes: plain.len(),
            links,
        };
        let lengths = [
            (
                counts.markup_bytes,
                Measure::MarkupBytes,
                place.markup_bytes_max(),
            ),
            (counts.clusters, Measure::Clusters, place.clusters_max()),
            (counts.text_bytes, Measure::TextBytes, place.text_bytes_max()),
        ];
        let long = lengths.into_iter().filter(|(found, _, limit)| found > limit);
        let mut errors: Vec<MarkupError> = long
            .map(|(found, what, limit)| {
                let cause = format!("{name} has {found} {}, limit {limit}", what.words());
                MarkupError::TooLong(what, cause)
            })
            .collect();
        if let Some(limit) = place.links_max().filter(|limit| links > *limit) {
            errors.push(MarkupError::TooManyLinks(format!(
                "{name} has {links} links, limit {limit}"
            )));
        }
        if displayed::is_blank(&plain) {
            errors.push(MarkupError::Blank(format!("{name} renders blank")));
        }
        if errors.is_empty() && Self::read_stored(place, &markup.canonical()).as_ref() != Some(&markup) {
            errors.push(MarkupError::Broken(format!("{name} has no stable form")));
        }
        Ok(Counted {
            markup,
            counts,
            errors,
        })
    }

    /// Reads what is kept: `None` unless it is its own canonical form (feed 2.7, "On output"). Lengths were judged when
    /// it was published: escaping may have made the canonical form longer than the value.
    #[must_use]
    pub fn read_stored(place: Place, canonical: &str) -> Option<Self> {
        let (markup, _) = Builder::new(place)
            .build(Lexer::new(place, canonical, &|_| true))
            .ok()?;
        (markup.canonical() == canonical).then_some(markup)
    }

    /// The runs in order.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The links in order, in the URL parser's serialisation. An `a` without a character has left none.
    #[must_use]
    pub fn links(&self) -> &[String] {
        &self.links
    }

    /// The canonical form (feed 2.6): what is kept. A fixed point of `read_stored`, and of `read` up to its byte ceiling.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut out = String::with_capacity(self.runs.iter().map(|run| run.text.len()).sum());
        let mut open: Option<&Run> = None;
        for run in &self.runs {
            close(&mut out, open, Some(run));
            let (link, bold, italic) = kept(open, Some(run));
            if let Some(address) = run.link.filter(|_| !link).and_then(|place| self.links.get(place)) {
                out.push_str("<a href=\"");
                escape(&mut out, address, true);
                out.push_str("\">");
            }
            if run.bold && !bold {
                out.push_str("<b>");
            }
            if run.italic && !italic {
                out.push_str("<i>");
            }
            escape(&mut out, &run.text, false);
            open = Some(run);
        }
        close(&mut out, open, None);
        out
    }

    /// The plain text.
    #[must_use]
    pub fn plain(&self) -> String {
        self.runs.iter().map(|run| run.text.as_str()).collect()
    }

    /// Displayed characters (feed 2.5).
    #[must_use]
    pub fn clusters(&self) -> usize {
        displayed::clusters(&self.plain())
    }
}

/// Which elements stay open from one run to the next, outermost first: one that is left closes all within it.
fn kept(from: Option<&Run>, to: Option<&Run>) -> (bool, bool, bool) {
    let (Some(from), Some(to)) = (from, to) else {
        return (false, false, false);
    };
    let link = from.link == to.link;
    let bold = link && from.bold && to.bold;
    let italic = link && from.bold == to.bold && from.italic && to.italic;
    (link, bold, italic)
}

fn close(out: &mut String, from: Option<&Run>, to: Option<&Run>) {
    let Some(open) = from else {
        return;
    };
    let (link, bold, italic) = kept(from, to);
    if open.italic && !italic {
        out.push_str("</i>");
    }
    if open.bold && !bold {
        out.push_str("</b>");
    }
    if open.link.is_some() && !link {
        out.push_str("</a>");
    }
}

fn escape(out: &mut String, text: &str, in_attribute: bool) {
    let is_special = |byte: u8| matches!(byte, b'&' | b'<' | b'>') || (in_attribute && byte == b'"');
    let mut rest = text;
    while let Some(place) = rest.bytes().position(is_special) {
        let (plain, here) = rest.split_at_checked(place).unwrap_or((rest, ""));
        out.push_str(plain);
        out.push_str(match here.as_bytes().first() {
            Some(b'&') => "&amp;",
            Some(b'<') => "&lt;",
            Some(b'>') => "&gt;",
            Some(_) | None => "&quot;",
        });
        rest = here.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
}

/// The marks of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Marks {
    link: Option<usize>,
    bold: bool,
    italic: bool,
}

/// An element that is open.
struct Open {
    tag: Tag,
    at: usize,
    /// The marks outside of it.
    outside: Marks,
}

/// Collects runs from tokens.
struct Builder {
    place: Place,
    runs: Vec<Run>,
    /// The link of every `a`, also of those that will vanish.
    anchors: Vec<String>,
    open: Vec<Open>,
    marks: Marks,
    /// White space that becomes one space as soon as something follows.
    space: Option<Marks>,
}

impl Builder {
    const fn new(place: Place) -> Self {
        Self {
            place,
            runs: Vec::new(),
            anchors: Vec::new(),
            open: Vec::new(),
            marks: Marks {
                link: None,
                bold: false,
                italic: false,
            },
            space: None,
        }
    }

    /// The markup, and how many `a` the value has.
    fn build(mut self, mut lexer: Lexer<'_>) -> Result<(Markup, usize), MarkupError> {
        while let Some((token, at)) = lexer.next()? {
            match token {
                Token::Plain(text) => self.add_plain(text),
                Token::Character(character) => self.add(character),
                Token::Text(text) => text.chars().for_each(|character| self.add(character)),
                Token::Start(tag, link) => self
                    .start(tag, link, at)
                    .map_err(|what| lexer.broken(what, at, ""))?,
                Token::End(tag) => match self.open.pop() {
                    Some(open) if open.tag == tag => self.marks = open.outside,
                    Some(_) | None => return Err(lexer.broken("end tag", at, " closes nothing open")),
                },
            }
        }
        if let Some(open) = self.open.first() {
            return Err(lexer.broken("element", open.at, " is not closed"));
        }
        let anchors = self.anchors.len();
        Ok((self.finish(), anchors))
    }

    fn start(&mut self, tag: Tag, link: Option<String>, at: usize) -> Result<(), &'static str> {
        let outside = self.marks;
        match (tag, self.place) {
            // A second `a` of a title is counted, not nested: it is refused by its number, later (protocol 14.2.3 e).
            (Tag::Anchor, Place::Body) if outside.link.is_some() => return Err("a inside an a"),
            (Tag::Anchor, Place::Title | Place::Body) => {
                self.marks.link = Some(self.anchors.len());
                self.anchors.extend(link);
            }
            (Tag::Bold, Place::Title | Place::Body) => self.marks.bold = true,
            (Tag::Italic, Place::Title | Place::Body) => self.marks.italic = true,
        }
        self.open.push(Open { tag, at, outside });
        Ok(())
    }

    fn add(&mut self, character: char) {
        if is_folded(character) {
            // Leading white space vanishes; a run of it takes the marks of its first character.
            if self.space.is_none() && !self.runs.is_empty() {
                self.space = Some(self.marks);
            }
            return;
        }
        if let Some(marks) = self.space.take() {
            self.push(" ", marks);
        }
        self.push(character.encode_utf8(&mut [0; 4]), self.marks);
    }

    /// Many characters at once, white space among them.
    fn add_plain(&mut self, text: &str) {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if is_folded(first) {
                self.add(first);
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
                continue;
            }
            let end = rest.find(is_folded).unwrap_or(rest.len());
            let (word, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
            if let Some(marks) = self.space.take() {
                self.push(" ", marks);
            }
            self.push(word, self.marks);
            rest = behind;
        }
    }

    fn push(&mut self, text: &str, marks: Marks) {
        let Marks { link, bold, italic } = marks;
        match self.runs.last_mut() {
            Some(run) if (run.link, run.bold, run.italic) == (link, bold, italic) => run.text.push_str(text),
            Some(_) | None => self.runs.push(Run {
                text: text.to_owned(),
                link,
                bold,
                italic,
            }),
        }
    }

    /// Leaves out the `a` that hold no character, and numbers the others anew.
    fn finish(mut self) -> Markup {
        let mut links = Vec::new();
        let mut last = None;
        for run in &mut self.runs {
            let Some(anchor) = run.link else {
                continue;
            };
            if last != Some(anchor) {
                last = Some(anchor);
                links.extend(self.anchors.get(anchor).cloned());
            }
            run.link = links.len().checked_sub(1);
        }
        Markup {
            runs: self.runs,
            links,
        }
    }
}

#[cfg(test)]
mod tests;
