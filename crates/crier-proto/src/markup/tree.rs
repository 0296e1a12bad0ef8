//! The reader of markup: characters with marks, from which canonical form, plain text and links are made (feed 2.2, 2.3, 2.6).

use super::Place;

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
    /// Too many bytes of markup, displayed characters or bytes of text; the text is the cause.
    TooLong(String),
    /// More than one `a` in a title; the text is the cause.
    TooManyLinks(String),
    /// Nothing to see; the text is the cause.
    Blank(String),
}

impl Markup {
    /// Reads a value for its place, with all the checks of protocol 14.2.3 c to g in their order.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn read(place: Place, value: &str) -> Result<Self, MarkupError> {
        let _ = (place, value);
        todo!()
    }

    /// The runs in order.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The links in order, in the URL parser's serialisation.
    #[must_use]
    pub fn links(&self) -> &[String] {
        &self.links
    }

    /// The canonical form (feed 2.6): a fixed point of `read`.
    #[must_use]
    pub fn canonical(&self) -> String {
        todo!()
    }

    /// The plain text.
    #[must_use]
    pub fn plain(&self) -> String {
        todo!()
    }

    /// Displayed characters (feed 2.5).
    #[must_use]
    pub fn clusters(&self) -> usize {
        todo!()
    }
}
