//! Event names, each kept once: ten thousand pages with one handler share one text (live 15.1).
//!
//! Promise: names that nobody uses any more leave before the set has doubled.

use crate::shards::lock;
use std::collections::HashSet;
use std::sync::{Arc, Mutex};

/// Names kept without looking for unused ones.
const UNSWEPT: usize = 1_024;

/// The names in use.
#[derive(Debug)]
pub struct Names(Mutex<Set>);

#[derive(Debug)]
struct Set {
    names: HashSet<Arc<str>>,
    sweep_at: usize,
}

impl Default for Names {
    fn default() -> Self {
        Self(Mutex::new(Set {
            names: HashSet::new(),
            sweep_at: UNSWEPT,
        }))
    }
}

impl Names {
    /// The one text of this name.
    #[must_use]
    pub fn of(&self, name: &str) -> Arc<str> {
        let mut set = lock(&self.0);
        if let Some(known) = set.names.get(name) {
            return Arc::clone(known);
        }
        if set.names.len() >= set.sweep_at {
            set.names.retain(|known| Arc::strong_count(known) > 1);
            set.sweep_at = (set.names.len() * 2).max(UNSWEPT);
        }
        let name: Arc<str> = name.into();
        set.names.insert(Arc::clone(&name));
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_share_one_text_and_unused_ones_leave() {
        let names = Names::default();
        let kept = names.of("kept");
        assert!(Arc::ptr_eq(&kept, &names.of("kept")));
        for number in 0..10 * UNSWEPT {
            let _ = names.of(&number.to_string());
        }
        assert!(lock(&names.0).names.len() <= 2 * UNSWEPT);
        assert!(Arc::ptr_eq(&kept, &names.of("kept")));
    }
}
