//! One reading only (protocol section 7): for every signed text of version 1 at most one request is ever accepted.
//!
//! Promise: the rule is decided exactly, by reachability over the possible cuts, in a time that grows with the
//! number of cuts and not with the number of readings. Knows nothing of secrets or of what a method does.

use crate::pairs::Pairs;
use crate::params::{COMMON, METHODS, MethodSpec, Param, SessionNeed, Shape, is_known, lookup};
use crate::signature::signed_pairs;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

/// Candidate cuts at most (protocol 7.3).
pub const CANDIDATE_CUTS_MAX: usize = 2_000;

/// What the rule needs to know of the application's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallIdRule {
    /// Settings `required` and `unique`: a `call_id` must be there when the method needs a session.
    Needed,
    /// Setting `ignored`.
    Ignored,
}

/// Why the rule refuses; its text is the cause of error 104 (protocol 7.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ambiguous {
    /// The name of the request's parameter in whose text the smallest foreign cut lies.
    ForeignCut {
        /// That parameter.
        within: String,
    },
    /// More than 2,000 candidate cuts.
    TooManyCuts,
}

impl fmt::Display for Ambiguous {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForeignCut { within } => write!(
                out,
                "the signed text has a second reading within {within}, percent-encode it or use sig_version 2"
            ),
            Self::TooManyCuts => write!(
                out,
                "the signed text has too many possible cuts, limit {CANDIDATE_CUTS_MAX}, use sig_version 2"
            ),
        }
    }
}

/// An offset of the signed text at which a considered name and `=` stand (protocol 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Byte offset of the name's first letter.
    pub offset: usize,
    /// The name.
    pub name: &'static str,
}

impl Cut {
    /// Where the value begins.
    fn value_start(self) -> usize {
        self.offset.saturating_add(self.name.len()).saturating_add(1)
    }
}

/// Names that no signed text of version 1 has (protocol 7.1).
fn is_unsigned(name: &str) -> bool {
    matches!(name, "sig" | "sig_version" | "ts")
}

/// All names considered behind their last byte, by which they are sorted; those of one byte longest first (protocol 7.1).
static CONSIDERED: LazyLock<Vec<(u8, &'static str)>> = LazyLock::new(|| {
    let own = METHODS.iter().flat_map(|method| method.params);
    let all = COMMON.iter().chain(own).map(|param| param.name);
    let mut names: Vec<_> = all
        .filter(|name| !is_unsigned(name))
        .filter_map(|name| name.bytes().last().map(|last| (last, name)))
        .collect();
    names.sort_unstable_by_key(|(last, name)| (*last, Reverse(name.len()), *name));
    names.dedup();
    names
});

/// Every candidate cut of a text by rising offset; at most `CANDIDATE_CUTS_MAX` and one more (protocol 7.1).
#[must_use]
pub fn candidate_cuts(text: &str) -> Vec<Cut> {
    let mut cuts = Vec::new();
    for (at, _) in text.match_indices('=') {
        let before = text.get(..at).unwrap_or_default();
        let Some(last) = before.bytes().last() else {
            continue;
        };
        // Longest first, so that offsets rise; those of the last byte alone, so that hardly a name is compared in vain.
        let first = CONSIDERED.partition_point(|(end, _)| *end < last);
        let ending = CONSIDERED.iter().skip(first).take_while(|(end, _)| *end == last);
        for (_, name) in ending.filter(|(_, name)| before.ends_with(*name)) {
            cuts.push(Cut {
                offset: at.saturating_sub(name.len()),
                name,
            });
            if cuts.len() > CANDIDATE_CUTS_MAX {
                return cuts;
            }
        }
    }
    cuts
}

/// Judges a call's pairs and their signed text (protocol 7.3).
///
/// # Errors
/// `Ambiguous` when some reading has a cut that the request has not, or at the ceiling of 2,000 cuts.
pub fn one_reading_only(pairs: &Pairs, signed_text: &str, rule: CallIdRule) -> Result<(), Ambiguous> {
    let cuts = candidate_cuts(signed_text);
    let signed = signed_pairs(pairs.as_slice());
    let mut own = Vec::with_capacity(signed.len());
    let mut offset = 0usize;
    for (name, value) in signed {
        own.push((offset, name));
        offset = offset
            .saturating_add(name.len())
            .saturating_add(value.len())
            .saturating_add(1);
    }
    let is_own = |cut: &Cut| {
        own.binary_search_by_key(&cut.offset, |(offset, _)| *offset)
            .is_ok()
    };
    let foreign: Vec<_> = cuts.iter().copied().filter(|cut| !is_own(cut)).collect();
    if foreign.is_empty() {
        return Ok(());
    }
    if cuts.len() > CANDIDATE_CUTS_MAX {
        return Err(Ambiguous::TooManyCuts);
    }
    let api_key = pairs.get("api_key").unwrap_or_default();
    let text = Text {
        text: signed_text,
        cuts: &cuts,
        foreign: &foreign,
        api_key,
        rule,
    };
    match first_foreign_cut(&text) {
        None => Ok(()),
        Some(offset) => {
            let holder = own.iter().rev().find(|(begin, _)| *begin <= offset);
            Err(Ambiguous::ForeignCut {
                within: holder.map_or("", |(_, name)| name).to_owned(),
            })
        }
    }
}

/// A signed text with its possible cuts, under the settings of the request's application.
struct Text<'a> {
    text: &'a str,
    cuts: &'a [Cut],
    /// The cuts that are none of the request's.
    foreign: &'a [Cut],
    api_key: &'a str,
    rule: CallIdRule,
}

/// The smallest offset of a foreign cut that lies in some reading (protocol 7.2, 7.4).
fn first_foreign_cut(text: &Text<'_>) -> Option<usize> {
    let mut first = None;
    for method in text.named_methods() {
        // No reading for a method has a name that the method does not know: without a foreign one there is no search.
        // So the `id` inside every `call_id` costs nothing.
        if !text.foreign.iter().any(|cut| is_known(method, cut.name)) {
            continue;
        }
        let ways = method
            .one_of
            .map_or_else(|| vec![None], |names| names.map(Some).to_vec());
        for needed in ways {
            let found = Search::new(text, method, needed).first_foreign();
            first = [first, found].into_iter().flatten().min();
        }
    }
    first
}

impl Text<'_> {
    /// The value of a cut when the next cut is `next`, or the text's end; `None` when the next one begins before the value does.
    fn value(&self, cut: Cut, next: Option<Cut>) -> Option<&str> {
        self.text
            .get(cut.value_start()..next.map_or(self.text.len(), |next| next.offset))
    }

    /// Every method that some cut at `method` and its next cut can name.
    fn named_methods(&self) -> Vec<&'static MethodSpec> {
        let mut named: Vec<&'static MethodSpec> = Vec::new();
        for (at, cut) in self
            .cuts
            .iter()
            .enumerate()
            .filter(|(_, cut)| cut.name == "method")
        {
            self.each_structured_next(at, |next| {
                let method = self.value(*cut, next).and_then(lookup);
                if let Some(method) =
                    method.filter(|method| named.iter().all(|held| held.name != method.name))
                {
                    named.push(method);
                }
            });
        }
        named
    }

    /// Calls `visit` with every cut that can follow a structured value at `at`, and with `None` if the text's end can.
    /// No structured value has a `=`, so only cuts up to the next `=` come into question.
    fn each_structured_next(&self, at: usize, mut visit: impl FnMut(Option<Cut>)) {
        let Some(cut) = self.cuts.get(at) else { return };
        let rest = self.text.get(cut.value_start()..).unwrap_or_default();
        let Some(next_equals) = rest
            .find('=')
            .map(|found| cut.value_start().saturating_add(found))
        else {
            return visit(None);
        };
        let following = self.cuts.iter().skip(at.saturating_add(1));
        for next in following.take_while(|next| next.offset <= next_equals) {
            visit(Some(*next));
        }
    }
}

/// What one method asks of a reading, with the names that it may have in byte order.
struct Search<'a> {
    text: &'a Text<'a>,
    method: &'static MethodSpec,
    /// Permitted names in byte order; whether each must be there.
    names: Vec<(&'static Param, bool)>,
}

impl<'a> Search<'a> {
    fn new(text: &'a Text<'a>, method: &'static MethodSpec, needed: Option<&'static str>) -> Self {
        let needs_session = method.session == SessionNeed::Required;
        let must = |param: &Param| match param.name {
            "session_key" => needs_session,
            "call_id" => needs_session && text.rule == CallIdRule::Needed,
            name => param.required || needed == Some(name),
        };
        let all = COMMON
            .iter()
            .chain(method.params)
            .filter(|param| !is_unsigned(param.name));
        let mut names: Vec<_> = all.map(|param| (param, must(param))).collect();
        names.sort_unstable_by_key(|(param, _)| param.name);
        Self { text, method, names }
    }

    /// The place of a name among the permitted ones.
    fn rank(&self, name: &str) -> Option<usize> {
        self.names
            .binary_search_by_key(&name, |(param, _)| param.name)
            .ok()
    }

    /// Whether no required name lies between two places: `from` exclusive (`None`: before all), `to` exclusive.
    fn nothing_skipped(&self, from: Option<usize>, to: usize) -> bool {
        let first = from.map_or(0, |from| from.saturating_add(1));
        let between = self.names.iter().take(to).skip(first);
        first <= to && between.into_iter().all(|(_, must)| !must)
    }

    /// Whether a value fits its line of protocol 7.2 f.
    fn fits(&self, shape: Shape, value: &str) -> bool {
        let needs_session = self.method.session == SessionNeed::Required;
        match shape {
            Shape::Free | Shape::Callback => true,
            Shape::ApiKey => value == self.text.api_key,
            Shape::Method => lookup(value).is_some_and(|method| method.name == self.method.name),
            Shape::ApiVersion | Shape::MessageId => shape.admits(value),
            Shape::SessionKey => shape.admits(value) || (value.is_empty() && !needs_session),
            Shape::CallId => match self.text.rule {
                CallIdRule::Ignored => value.len() <= 64 && !value.contains('='),
                CallIdRule::Needed => shape.admits(value) || (value.is_empty() && !needs_session),
            },
            Shape::Format
            | Shape::Bool
            | Shape::Locale
            | Shape::Empty
            | Shape::Uid
            | Shape::Pid
            | Shape::AuthToken
            | Shape::Int { .. }
            | Shape::Words(_)
            | Shape::CollapseKey
            | Shape::Sha256 => value.is_empty() || shape.admits(value),
            Shape::Signature | Shape::SigVersion | Shape::Timestamp => false,
        }
    }

    /// Whether a shape's value may be any text, and so end at any later cut.
    fn is_free(shape: Shape) -> bool {
        matches!(shape, Shape::Free | Shape::Callback)
    }

    /// The first foreign cut that can be reached from offset 0 and from which the end can be reached.
    fn first_foreign(&self) -> Option<usize> {
        let reached = self.forward();
        let ending = self.backward();
        let used = self.text.cuts.iter().zip(reached.iter().zip(ending));
        used.filter(|(_, (reached, ending))| **reached && *ending)
            .map(|(cut, _)| cut.offset)
            .find(|offset| {
                self.text
                    .foreign
                    .binary_search_by_key(offset, |cut| cut.offset)
                    .is_ok()
            })
    }

    /// Which cuts can be reached from offset 0. Names rise, so each name is finished before the next is looked at; of a
    /// free name only the earliest value start counts, since its value may end anywhere behind it.
    fn forward(&self) -> Vec<bool> {
        let cuts = self.text.cuts;
        let mut reached = vec![false; cuts.len()];
        let mut free_from: Vec<Option<usize>> = vec![None; self.names.len()];
        let mut entered: BTreeSet<(usize, usize)> = BTreeSet::new();
        for (rank, (param, _)) in self.names.iter().enumerate() {
            for (at, cut) in cuts.iter().enumerate().filter(|(_, cut)| cut.name == param.name) {
                let is_first = cut.offset == 0 && self.nothing_skipped(None, rank);
                let after_free = free_from.iter().take(rank).enumerate().any(|(before, start)| {
                    start.is_some_and(|start| start <= cut.offset) && self.nothing_skipped(Some(before), rank)
                });
                let after_structured = entered
                    .range((at, 0)..(at, rank))
                    .any(|(_, before)| self.nothing_skipped(Some(*before), rank));
                if !(is_first || after_free || after_structured) {
                    continue;
                }
                if let Some(slot) = reached.get_mut(at) {
                    *slot = true;
                }
                if Self::is_free(param.shape) {
                    if let Some(slot) = free_from.get_mut(rank) {
                        *slot = Some(slot.map_or(cut.value_start(), |held| held.min(cut.value_start())));
                    }
                } else {
                    self.each_fitting_next(at, param.shape, |next| {
                        entered.extend(next.map(|next| (next, rank)));
                    });
                }
            }
        }
        reached
    }

    /// From which cuts the end can be reached; the mirror of `forward`, with names falling.
    fn backward(&self) -> Vec<bool> {
        let cuts = self.text.cuts;
        let count = self.names.len();
        let mut ending = vec![false; cuts.len()];
        // Of each name, the last offset of a cut from which the end can be reached.
        let mut last: Vec<Option<usize>> = vec![None; count];
        for (rank, (param, _)) in self.names.iter().enumerate().rev() {
            let may_end = self.nothing_skipped(Some(rank), count);
            for (at, cut) in cuts.iter().enumerate().filter(|(_, cut)| cut.name == param.name) {
                let mut ends = false;
                if Self::is_free(param.shape) {
                    let later = last.iter().enumerate().skip(rank.saturating_add(1));
                    ends = may_end
                        || later.into_iter().any(|(after, offset)| {
                            offset.is_some_and(|offset| offset >= cut.value_start())
                                && self.nothing_skipped(Some(rank), after)
                        });
                } else {
                    self.each_fitting_next(at, param.shape, |next| {
                        ends = ends
                            || match next {
                                None => may_end,
                                Some(next) => {
                                    let after = cuts.get(next).and_then(|next| self.rank(next.name));
                                    ending.get(next) == Some(&true)
                                        && after.is_some_and(|after| {
                                            after > rank && self.nothing_skipped(Some(rank), after)
                                        })
                                }
                            };
                    });
                }
                if ends {
                    if let Some(slot) = ending.get_mut(at) {
                        *slot = true;
                    }
                    if let Some(slot) = last.get_mut(rank) {
                        *slot = (*slot).max(Some(cut.offset));
                    }
                }
            }
        }
        ending
    }

    /// Calls `visit` with the index of every cut at which the structured value of the cut `at` can end; `None`: the text's end.
    fn each_fitting_next(&self, at: usize, shape: Shape, mut visit: impl FnMut(Option<usize>)) {
        let Some(cut) = self.text.cuts.get(at).copied() else {
            return;
        };
        self.text.each_structured_next(at, |next| {
            if self
                .text
                .value(cut, next)
                .is_some_and(|value| self.fits(shape, value))
            {
                visit(next.and_then(|next| {
                    self.text
                        .cuts
                        .binary_search_by_key(&next.offset, |held| held.offset)
                        .ok()
                }));
            }
        });
    }
}
