//! Names that calls of a lenient application carry and no method reads (protocol 4.1): counted, so that whoever wrote them finds a
//! misspelt wish.

use crate::model::app::{App, Strictness};
use crate::verify::Known;
use crier_proto::call::RawCall;
use crier_proto::params::{lookup, unknown_names};
use std::collections::BTreeMap;

/// How many calls carried each name.
#[derive(Debug, Default)]
pub(super) struct Unread(BTreeMap<Box<str>, u64>);

impl Unread {
    /// Counts each name of a call, at most so many names; how many found no place.
    pub(super) fn count<'a>(&mut self, names: impl Iterator<Item = &'a str>, most: usize) -> u64 {
        let mut left_out = 0;
        for name in names {
            if let Some(calls) = self.0.get_mut(name) {
                *calls += 1;
            } else if self.0.len() < most {
                self.0.insert(name.into(), 1);
            } else {
                left_out += 1;
            }
        }
        left_out
    }

    /// The names and their calls, the most frequent first.
    pub(super) fn listed(&self) -> Vec<(Box<str>, u64)> {
        let mut listed: Vec<_> = self
            .0
            .iter()
            .map(|(name, calls)| (name.clone(), *calls))
            .collect();
        // Stable: names of one frequency stay in byte order.
        listed.sort_by_key(|(_, calls)| std::cmp::Reverse(*calls));
        listed
    }
}

/// The names of a call that had no effect: of an application that is lenient, once the call is proved to be its own.
pub(super) fn names_of<'c>(
    raw: &'c RawCall,
    known: &Known,
    app: &App,
) -> impl Iterator<Item = &'c str> + use<'c> {
    let lenient = app.settings.strictness == Strictness::Lenient && known.proved;
    let method = known.method.filter(|_| lenient).and_then(lookup);
    method
        .into_iter()
        .flat_map(|method| unknown_names(method, raw.pairs().as_slice()))
}
