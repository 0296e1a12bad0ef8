//! Refused events in frames that keep their bound (live 4.1, 4.3): a page may name more, and longer, than one answer can repeat.
//!
//! Promise: every event is told, in order, with its code; no `registered` frame of a part exceeds the bound; a name that no frame can
//! hold is told by its beginning. Knows nothing of why an event was refused.

use super::{RefusedEvent, SERVER_FRAME_BYTES_MAX};

/// The most that stands around the list: the type, a page's name, an epoch and a place.
const AROUND_BYTES: usize = 192;
/// The most that stands around one name: the field names, the code, quotes, braces and a comma.
const AROUND_ONE_BYTES: usize = 32;

/// Splits refused events into the lists of as many `registered` frames as they need; at least one, which may be empty.
#[must_use]
pub fn refused_in_parts(refused: Vec<RefusedEvent>) -> Vec<Vec<RefusedEvent>> {
    let most = SERVER_FRAME_BYTES_MAX - AROUND_BYTES;
    let mut parts = vec![Vec::new()];
    let mut bytes = 0_usize;
    for RefusedEvent { event, code } in refused {
        let event = cut(event, most - AROUND_ONE_BYTES);
        let more = written_bytes(&event).saturating_add(AROUND_ONE_BYTES);
        if bytes.saturating_add(more) > most {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes = bytes.saturating_add(more);
        if let Some(part) = parts.last_mut() {
            part.push(RefusedEvent { event, code });
        }
    }
    parts
}

/// As much of a name as takes no more than this on the wire.
fn cut(mut name: String, most: usize) -> String {
    let mut bytes = 0_usize;
    let over = name.char_indices().find(|(_, letter)| {
        bytes = bytes.saturating_add(written_letter_bytes(*letter));
        bytes > most
    });
    if let Some((at, _)) = over {
        name.truncate(at);
    }
    name
}

fn written_bytes(name: &str) -> usize {
    name.chars().map(written_letter_bytes).sum()
}

/// A letter in a JSON text: escaped by one stroke, by its number, or as it is.
const fn written_letter_bytes(letter: char) -> usize {
    match letter {
        '"' | '\\' | '\u{8}' | '\t' | '\n' | '\u{c}' | '\r' => 2,
        '\0'..='\u{1f}' => 6,
        _ => letter.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{SEQ_MAX, ServerFrame};
    use crate::ids::Epoch;

    fn refused(names: impl IntoIterator<Item = String>) -> Vec<RefusedEvent> {
        names
            .into_iter()
            .map(|event| RefusedEvent { event, code: 1101 })
            .collect()
    }

    fn frames(parts: &[Vec<RefusedEvent>]) -> Vec<usize> {
        let frame = |part: &Vec<RefusedEvent>| {
            let frame = ServerFrame::Registered {
                page: "p".repeat(32).parse().expect("32 letters are a page id"),
                epoch: Epoch::from_bytes([0xab; 8]),
                seq: SEQ_MAX,
                refused: part.clone(),
            };
            frame.to_json().len()
        };
        parts.iter().map(frame).collect()
    }

    #[test]
    fn what_fits_into_one_frame_is_one_part_and_nothing_is_one_too() {
        let few = refused((0..64).map(|number| format!("{number:0128}")));
        assert_eq!(refused_in_parts(few.clone()), [few]);
        assert_eq!(refused_in_parts(Vec::new()), [Vec::new()]);
    }

    #[test]
    fn every_event_is_told_in_order_and_no_frame_exceeds_its_bound() {
        for letter in ["x", "\"", "\u{1}", "é", "\u{10ffff}", "\u{7f}"] {
            for letters in [1, 128, 1_000, 1_021] {
                let all = refused((0..64).map(|number| format!("{number:02}{}", letter.repeat(letters))));
                let parts = refused_in_parts(all.clone());
                let sizes = frames(&parts);
                assert!(
                    sizes.iter().all(|size| *size <= SERVER_FRAME_BYTES_MAX),
                    "{letter:?} {letters}: {sizes:?}"
                );
                assert_eq!(parts.concat(), all);
            }
        }
    }

    #[test]
    fn a_name_that_no_frame_can_hold_is_told_by_its_beginning() {
        for letter in ["x", "\\", "\u{1f}", "é"] {
            let name = letter.repeat(60_000);
            let parts = refused_in_parts(refused([name.clone(), "short".to_owned()]));
            let told = parts.concat();
            assert!(name.starts_with(&told[0].event), "{letter:?}");
            assert_eq!(told[1].event, "short");
            let sizes = frames(&parts);
            assert!(
                sizes.iter().all(|size| *size <= SERVER_FRAME_BYTES_MAX),
                "{letter:?}: {sizes:?}"
            );
            // As much as there is room for.
            assert!(sizes[0] > SERVER_FRAME_BYTES_MAX - 256, "{letter:?}: {sizes:?}");
        }
    }
}
