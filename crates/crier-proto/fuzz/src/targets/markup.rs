//! Titles and bodies. Input: `t` for a title or anything else for a body, then the value.
//!
//! Invariants: accepted markup has a canonical form that reads back as itself and keeps every limit; a refusal has a plain cause.

use super::is_cause;
use crier_proto::markup::{Markup, Place};

/// Judges one value.
pub fn target(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let place = if *first == b't' { Place::Title } else { Place::Body };
    let Ok(value) = std::str::from_utf8(rest) else {
        return;
    };
    match Markup::read(place, value) {
        Ok(markup) => accepted(place, &markup),
        Err(error) => assert!(is_cause(error.cause()), "{}", error.cause()),
    }
}

/// What holds for every markup that is read.
fn accepted(place: Place, markup: &Markup) {
    let canonical = markup.canonical();
    assert_eq!(Markup::read_stored(place, &canonical).as_ref(), Some(markup));
    if canonical.len() <= place.markup_bytes_max() {
        assert_eq!(Markup::read(place, &canonical).as_ref(), Ok(markup));
    }
    assert!((1..=place.clusters_max()).contains(&markup.clusters()));
    assert!(markup.plain().len() <= place.text_bytes_max());
    assert!(
        markup
            .links()
            .iter()
            .all(|link| link.starts_with("http://") || link.starts_with("https://"))
    );
    // Between tags nothing is left that a browser could take for one.
    let opened = canonical.matches('<').count();
    assert_eq!(opened, canonical.matches('>').count());
    assert!(canonical.split('<').skip(1).all(|tag| {
        ["a href=\"http", "/a>", "b>", "/b>", "i>", "/i>"]
            .iter()
            .any(|known| tag.starts_with(known))
    }));
}
