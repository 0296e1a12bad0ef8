//! The driver: every seed as it is, then mutations of seeds until the time is over or an input breaks an invariant.
//!
//! Promise: the n-th input depends on corpus and seed alone, so a finding repeats.

use crate::Target;
use crate::dice::Dice;
use std::io;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// Bytes of a mutated input at most: enough for every limit of a value, and it bounds what an execution costs.
pub const INPUT_BYTES_MAX: usize = 16_384;
/// Changes to one seed at most.
const CHANGES_MAX: usize = 6;

/// Pieces that carry meaning somewhere on the wire; chance alone would not find them.
const DICTIONARY: &[&str] = &[
    "&",
    "=",
    "%",
    "+",
    "%00",
    "%c3%a9",
    "\r\n",
    "--b",
    "--b--\r\n",
    "\r\n\r\n",
    "; name=",
    "; filename=",
    "\"",
    "\\",
    "form-data",
    "format=json",
    "callback=f",
    "method=",
    "title=",
    "v=1.0",
    "session_key=",
    "call_id=1",
    "uid=5",
    "image_1_link=",
    "locale=en_US",
    "e-99",
    "e+20",
    ".",
    "0",
    "9",
    "<a href=\"http://a.example/\">",
    "</a>",
    "<b>",
    "</i>",
    "&amp;",
    "&#38;",
    "&#x80;",
    "&lt",
    "<",
    ">",
    "'",
    "$",
    "\u{0}",
    "\u{1}",
    "\u{2028}",
    "\u{fffe}",
    "\u{1f600}",
    "e\u{301}",
    "\u{200d}",
    "\u{ad}",
    "]]>",
];

/// What a run has found.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// How many inputs were judged, the last one included.
    pub executions: u64,
    /// The input that broke an invariant, if one did.
    pub crash: Option<Vec<u8>>,
}

/// The folder of a target's corpus.
#[must_use]
pub fn corpus_folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../fixtures/fuzz")
        .join(target)
}

/// The seeds of a folder in the order of their names, so that a run repeats.
///
/// # Errors
/// When the folder or a file cannot be read, or there is no seed.
pub fn corpus(folder: &Path) -> io::Result<Vec<Box<[u8]>>> {
    let mut paths = std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    if paths.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "no seeds"));
    }
    paths
        .iter()
        .map(|path| Ok(std::fs::read(path)?.into_boxed_slice()))
        .collect()
}

/// Judges every seed, then mutations of them for as long as `more` says so; it is asked with the executions so far.
pub fn run(target: Target, seeds: &[Box<[u8]>], seed: u64, mut more: impl FnMut(u64) -> bool) -> Finding {
    let mut dice = Dice::new(seed);
    let mut executions = 0u64;
    let mut waiting = seeds.iter();
    loop {
        let input = match waiting.next() {
            Some(seed) => seed.to_vec(),
            None if more(executions) => mutated(&mut dice, seeds),
            None => {
                return Finding {
                    executions,
                    crash: None,
                };
            }
        };
        executions = executions.saturating_add(1);
        if catch_unwind(|| target(&input)).is_err() {
            return Finding {
                executions,
                crash: Some(input),
            };
        }
    }
}

/// A seed with one to six changes.
fn mutated(dice: &mut Dice, seeds: &[Box<[u8]>]) -> Vec<u8> {
    let mut input = dice.pick(seeds).unwrap_or_default().to_vec();
    for _ in 0..=dice.below(CHANGES_MAX) {
        change(dice, &mut input, seeds);
    }
    input.truncate(INPUT_BYTES_MAX);
    input
}

/// One change: a bit, a byte, a piece cut, doubled, taken from another seed or from the dictionary.
fn change(dice: &mut Dice, input: &mut Vec<u8>, seeds: &[Box<[u8]>]) {
    let at = dice.below(input.len().saturating_add(1));
    let end = at.saturating_add(dice.below(32)).min(input.len());
    match dice.below(8) {
        0 => {
            let bit = dice.below(8);
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << bit;
            }
        }
        1 => input.insert(at, dice.bits().to_le_bytes()[0]),
        2 => drop(input.drain(at..end)),
        3 => {
            let piece = input.get(at..end).unwrap_or_default().to_vec();
            let to = dice.below(input.len().saturating_add(1));
            input.splice(to..to, piece);
        }
        4 => {
            let other = dice.pick(seeds).unwrap_or_default();
            let from = dice.below(other.len());
            let piece = other
                .get(from..from.saturating_add(dice.below(48)).min(other.len()))
                .unwrap_or_default();
            input.splice(at..end, piece.iter().copied());
        }
        5 => {
            let piece = input.get(at..end).unwrap_or_default().repeat(dice.below(64));
            input.splice(at..at, piece);
        }
        _ => {
            let piece = DICTIONARY
                .get(dice.below(DICTIONARY.len()))
                .copied()
                .unwrap_or_default();
            input.splice(at..at, piece.bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeds() -> Vec<Box<[u8]>> {
        vec![b"first".to_vec().into(), b"second".to_vec().into()]
    }

    #[test]
    fn seeds_are_judged_before_mutations() {
        let finding = run(|input| assert_ne!(input, b"second"), &seeds(), 1, |_| true);
        assert_eq!(
            finding,
            Finding {
                executions: 2,
                crash: Some(b"second".to_vec())
            }
        );
    }

    #[test]
    fn a_seed_repeats_its_inputs() {
        let mut one = Dice::new(7);
        let mut other = Dice::new(7);
        for _ in 0..500 {
            assert_eq!(mutated(&mut one, &seeds()), mutated(&mut other, &seeds()));
        }
    }

    #[test]
    fn inputs_never_grow_beyond_their_bound() {
        let seeds = vec![vec![b'x'; INPUT_BYTES_MAX * 2].into()];
        let finding = run(
            |input| assert!(input.len() <= INPUT_BYTES_MAX * 2),
            &seeds,
            3,
            |done| done < 200,
        );
        assert_eq!(
            finding,
            Finding {
                executions: 200,
                crash: None
            }
        );
        assert!((0..200).all(|seed| mutated(&mut Dice::new(seed), &seeds).len() <= INPUT_BYTES_MAX));
    }
}
