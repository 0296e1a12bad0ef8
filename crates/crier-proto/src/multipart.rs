//! Multipart bodies and media types: what kind of body a `Content-Type` announces, where its parts begin, and what
//! each part is (protocol 3.2, 3.4, 3.5).
//!
//! Pure functions of bytes. The HTTP edge brings the whole body, already held to its limit.

use crate::call::Part;
use crate::pairs::{Budget, PAIRS_MAX, ShapeError, Source};

/// Bytes of a boundary at most (protocol 3.4).
pub const BOUNDARY_BYTES_MAX: usize = 70;
/// Bytes of one part's header section at most: far above any client's, and it bounds what a hostile part can cost.
pub const PART_HEADER_BYTES_MAX: usize = 16_384;
/// Parts that are split at most. With so many there are too many pairs or two files, whatever follows.
pub const PARTS_MAX: usize = PAIRS_MAX + 2;

/// How a non-empty body is to be read (protocol 3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyKind {
    /// `application/x-www-form-urlencoded`, or no `Content-Type`.
    Urlencoded,
    /// `multipart/form-data` with its boundary; `None` when there is none of 1 to 70 bytes.
    Multipart(Option<Vec<u8>>),
    /// Any other type.
    Other,
}

/// Judges a `Content-Type`: compared without case, parameters other than `boundary` ignored (protocol 3.2).
#[must_use]
pub fn body_kind(content_type: Option<&[u8]>) -> BodyKind {
    let Some(value) = content_type else {
        return BodyKind::Urlencoded;
    };
    let essence = value
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    if essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
        BodyKind::Urlencoded
    } else if essence.eq_ignore_ascii_case(b"multipart/form-data") {
        BodyKind::Multipart(boundary(value))
    } else {
        BodyKind::Other
    }
}

/// The `boundary` of a `Content-Type`: 1 to 70 bytes, quoted or bare, possibly with leading hyphens (protocol 3.4).
#[must_use]
pub fn boundary(content_type: &[u8]) -> Option<Vec<u8>> {
    let (_, params) = parameters(content_type)?;
    let mut found = params
        .into_iter()
        .filter(|(name, _)| name == b"boundary")
        .map(|(_, value)| value);
    let value = found.next().filter(|_| found.next().is_none())?;
    let fits = (1..=BOUNDARY_BYTES_MAX).contains(&value.len()) && !value.iter().any(u8::is_ascii_control);
    fits.then_some(value)
}

/// A parameter of a header: name in lower case, value unquoted.
type Parameter = (Vec<u8>, Vec<u8>);

/// A header value as its first word and its parameters, quoted (with `\` before a quoted byte) or bare. What has no
/// `=` is no parameter. `None` when a quote does not end or something stands behind it.
fn parameters(value: &[u8]) -> Option<(&[u8], Vec<Parameter>)> {
    let (first, mut rest) = until(value, b";");
    let mut params = Vec::new();
    while let Some((b';', after)) = rest.split_first() {
        let (name, after) = until(after, b";=");
        let Some(after) = after.strip_prefix(b"=") else {
            rest = after;
            continue;
        };
        let after = after.trim_ascii_start();
        let (value, after) = match after.strip_prefix(b"\"") {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let (bare, after) = until(after, b";");
                (bare.trim_ascii_end().to_vec(), after)
            }
        };
        params.push((name.trim_ascii().to_ascii_lowercase(), value));
        rest = after;
    }
    rest.is_empty().then_some((first.trim_ascii(), params))
}

/// What stands before the first of these bytes, and the rest from there on.
fn until<'a>(bytes: &'a [u8], ends: &[u8]) -> (&'a [u8], &'a [u8]) {
    let end = bytes
        .iter()
        .position(|byte| ends.contains(byte))
        .unwrap_or(bytes.len());
    bytes.split_at(end)
}

/// What stands up to the closing quote, and what follows it and its blanks.
fn unquoted(quoted: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut value = Vec::new();
    let mut rest = quoted;
    loop {
        match rest.split_first()? {
            (b'"', after) => return Some((value, after.trim_ascii_start())),
            (b'\\', after) => {
                let (byte, after) = after.split_first()?;
                value.push(*byte);
                rest = after;
            }
            (byte, after) => {
                value.push(*byte);
                rest = after;
            }
        }
    }
}

/// A multipart body, split as far as it can be read.
#[derive(Debug, Clone, Default)]
pub struct Split {
    /// The parts that a delimiter ends: also those of a broken body, since one of them may name the format of its answer.
    pub parts: Vec<Part>,
    /// Whether it has a boundary, whole part headers and a closing delimiter, as far as it was split.
    pub is_whole: bool,
}

impl Split {
    /// A body by the boundary of its `Content-Type`; no parts, and not whole, without one.
    #[must_use]
    pub fn of(body: &[u8], boundary: Option<&[u8]>) -> Self {
        boundary.map_or_else(Self::default, |boundary| split(body, boundary))
    }
}

/// Splits a body at its boundary (protocol 3.4): preamble and epilogue ignored, values left as they are. At most
/// `PARTS_MAX` parts.
fn split(body: &[u8], boundary: &[u8]) -> Split {
    let mut split = Split::default();
    let Some((_, mut line, mut rest)) = next_delimiter(body, boundary, true) else {
        return split;
    };
    while line == Line::Opens && split.parts.len() < PARTS_MAX {
        let Some((part, next, after)) = next_part(rest, boundary) else {
            return split;
        };
        split.parts.push(part);
        (line, rest) = (next, after);
    }
    split.is_whole = true;
    split
}

/// The part that begins here, what the delimiter behind it does, and what follows that line.
fn next_part<'a>(bytes: &'a [u8], boundary: &[u8]) -> Option<(Part, Line, &'a [u8])> {
    let (headers, content) = headers(bytes)?;
    let (value, line, rest) = next_delimiter(content, boundary, false)?;
    let body = value.to_vec();
    Some((Part { headers, body }, line, rest))
}

/// What a delimiter line does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Another part follows.
    Opens,
    /// The parts end.
    Closes,
}

/// What stands before the next delimiter, what that does, and what follows its line.
fn next_delimiter<'a>(
    bytes: &'a [u8],
    boundary: &[u8],
    at_start: bool,
) -> Option<(&'a [u8], Line, &'a [u8])> {
    if at_start && let Some((line, rest)) = delimiter(bytes, boundary) {
        return Some((&[], line, rest));
    }
    let mut from = 0usize;
    loop {
        let cr = bytes
            .get(from..)?
            .iter()
            .position(|byte| *byte == b'\r')?
            .checked_add(from)?;
        from = cr.checked_add(1)?;
        let found = bytes
            .get(from..)
            .and_then(|rest| rest.strip_prefix(b"\n"))
            .and_then(|rest| delimiter(rest, boundary));
        if let Some((line, rest)) = found {
            return Some((bytes.get(..cr)?, line, rest));
        }
    }
}

/// Reads a delimiter line at the very start of `bytes`: hyphens, boundary, perhaps the closing hyphens, perhaps
/// blanks, line end. Anything else behind the boundary makes it content.
fn delimiter<'a>(bytes: &'a [u8], boundary: &[u8]) -> Option<(Line, &'a [u8])> {
    let rest = bytes.strip_prefix(b"--")?.strip_prefix(boundary)?;
    let (line, rest) = match rest.strip_prefix(b"--") {
        Some(rest) => (Line::Closes, rest),
        None => (Line::Opens, rest),
    };
    let blanks = rest
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    let rest = rest.get(blanks..)?;
    match (rest.strip_prefix(b"\r\n"), line) {
        (Some(after), _) => Some((line, after)),
        (None, Line::Closes) if rest.is_empty() => Some((line, rest)),
        (None, Line::Closes | Line::Opens) => None,
    }
}

/// Header names and raw values.
type Headers = Vec<(String, Vec<u8>)>;

/// The headers of a part and what follows the blank line. A line that begins with a blank continues the one before.
fn headers(bytes: &[u8]) -> Option<(Headers, &[u8])> {
    let mut headers: Headers = Vec::new();
    let mut from = 0usize;
    loop {
        let rest = bytes.get(from..)?;
        let end = rest
            .windows(2)
            .take(PART_HEADER_BYTES_MAX)
            .position(|pair| pair == b"\r\n")?;
        let line = rest.get(..end)?;
        from = from.checked_add(end)?.checked_add(2)?;
        if line.is_empty() {
            return Some((headers, bytes.get(from..)?));
        }
        if from > PART_HEADER_BYTES_MAX {
            return None;
        }
        if matches!(line.first(), Some(b' ' | b'\t')) {
            let (_, value) = headers.last_mut()?;
            value.push(b' ');
            value.extend_from_slice(line.trim_ascii());
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at(colon);
        let name = std::str::from_utf8(name).ok()?.trim_ascii_end();
        headers.push((name.to_owned(), value.get(1..)?.trim_ascii().to_vec()));
    }
}

/// What a part is once its headers are judged (protocol 3.4, 3.5).
enum Role {
    /// A parameter with this name.
    Text(Vec<u8>),
    /// The file part.
    File,
}

/// The only value of a header, its name in any case; `Err` when it stands twice.
fn header<'a>(part: &'a Part, name: &str) -> Result<Option<&'a [u8]>, ()> {
    let mut found = part
        .headers
        .iter()
        .filter(|(held, _)| held.eq_ignore_ascii_case(name))
        .map(|(_, value)| &**value);
    let first = found.next();
    if found.next().is_some() {
        Err(())
    } else {
        Ok(first)
    }
}

/// Judges a part by its headers.
fn role(part: &Part) -> Result<Role, ShapeError> {
    let encoding = header(part, "Content-Transfer-Encoding").map_err(|()| ShapeError::PartEncoding)?;
    if let Some(encoding) = encoding {
        let encoding = encoding.trim_ascii();
        if ![&b"7bit"[..], b"8bit", b"binary"]
            .iter()
            .any(|known| encoding.eq_ignore_ascii_case(known))
        {
            return Err(ShapeError::PartEncoding);
        }
    }
    let value = header(part, "Content-Disposition").map_err(|()| ShapeError::PartDisposition)?;
    let (kind, params) = value.and_then(parameters).ok_or(ShapeError::PartDisposition)?;
    if !kind.eq_ignore_ascii_case(b"form-data") {
        return Err(ShapeError::PartDisposition);
    }
    if params
        .iter()
        .any(|(name, _)| name == b"filename" || name == b"filename*")
    {
        return Ok(Role::File);
    }
    let mut names = params
        .into_iter()
        .filter(|(name, _)| name == b"name")
        .map(|(_, value)| value);
    match (names.next(), names.next()) {
        (Some(name), None) => Ok(Role::Text(name)),
        (Some(_), Some(_)) => Err(ShapeError::PartDisposition),
        (None, _) => Err(ShapeError::PartName),
    }
}

/// The pairs of the text parts, and the index of the file part if there is one (protocol 3.4 to 3.8).
///
/// # Errors
/// The first `ShapeError` in the order of the parts.
pub fn judge(parts: &[Part], budget: &mut Budget) -> Result<(Source, Option<usize>), ShapeError> {
    let mut source = Source::default();
    let mut file = None;
    for (index, part) in parts.iter().enumerate() {
        match role(part)? {
            Role::Text(name) => source.add_raw(&name, &part.body, budget)?,
            Role::File if file.is_some() => return Err(ShapeError::TwoFiles),
            Role::File => file = Some(index),
        }
    }
    Ok((source, file))
}

/// The value of the first text part `format` that is text, whatever is wrong with the others (protocol 3.12).
#[must_use]
pub fn first_format(parts: &[Part]) -> Option<&str> {
    parts
        .iter()
        .filter(|part| matches!(role(part), Ok(Role::Text(name)) if name == b"format"))
        .find_map(|part| std::str::from_utf8(&part.body).ok())
}

#[cfg(test)]
mod tests;
