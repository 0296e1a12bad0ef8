//! How often a password may be tried: per name and address, per address, and per name.
//!
//! Promise: memory is bounded, and nobody locks another person out from a few addresses. Forgets everything at a restart.

use crier_platform::model::time::ElapsedMs;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Failures of one name from one address in a window.
const NAME_AND_ADDRESS_FAILURES_MAX: u32 = 10;
/// Failures from one address in a window, whatever the names: a household or an office behind one address still fits.
const ADDRESS_FAILURES_MAX: u32 = 100;
/// Failures of one name in a window, whatever the addresses: many machines guessing together.
const NAME_FAILURES_MAX: u32 = 200;
/// Length of a window.
const WINDOW_MS: u64 = 600_000;
/// Counters kept; beyond that the oldest leaves.
const COUNTERS_MAX: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Both(String, IpAddr),
    Address(IpAddr),
    Name(String),
}

impl Key {
    const fn failures_max(&self) -> u32 {
        match self {
            Self::Both(..) => NAME_AND_ADDRESS_FAILURES_MAX,
            Self::Address(_) => ADDRESS_FAILURES_MAX,
            Self::Name(_) => NAME_FAILURES_MAX,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Counter {
    failures: u32,
    ends: ElapsedMs,
}

/// Counts failed log ins.
#[derive(Debug, Default)]
pub(crate) struct LoginThrottle {
    counters: Mutex<HashMap<Key, Counter>>,
}

impl LoginThrottle {
    /// Seconds to wait before this name may be tried from this address again; `None`: now.
    pub(crate) fn wait_secs(&self, name: &str, address: Option<IpAddr>, now: ElapsedMs) -> Option<u64> {
        let counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let over = |key: &Key| {
            let counter = counters.get(key).filter(|counter| counter.ends > now)?;
            let left = counter.ends.0.saturating_sub(now.0).div_ceil(1000);
            (counter.failures >= key.failures_max()).then_some(left)
        };
        keys(name, address).iter().filter_map(over).max()
    }

    /// Notes a failure.
    pub(crate) fn failed(&self, name: &str, address: Option<IpAddr>, now: ElapsedMs) {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys(name, address) {
            make_room(&mut counters, &key, now);
            let fresh = Counter {
                failures: 0,
                ends: now.plus_ms(WINDOW_MS),
            };
            let counter = counters.entry(key).or_insert(fresh);
            if counter.ends <= now {
                *counter = fresh;
            }
            counter.failures = counter.failures.saturating_add(1);
        }
    }

    /// Takes back the failure that a try was counted as, and forgets those of the name from an address that has now logged in.
    pub(crate) fn succeeded(&self, name: &str, address: Option<IpAddr>) {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys(name, address) {
            if let Key::Both(..) = key {
                counters.remove(&key);
            } else if let Some(counter) = counters.get_mut(&key) {
                counter.failures = counter.failures.saturating_sub(1);
            }
        }
    }
}

/// Drops what is over, and if that frees nothing the counter that ends first.
fn make_room(counters: &mut HashMap<Key, Counter>, key: &Key, now: ElapsedMs) {
    if counters.len() < COUNTERS_MAX || counters.contains_key(key) {
        return;
    }
    counters.retain(|_, counter| counter.ends > now);
    if counters.len() >= COUNTERS_MAX {
        let oldest = counters
            .iter()
            .min_by_key(|(_, counter)| counter.ends)
            .map(|(key, _)| key.clone());
        oldest.map(|key| counters.remove(&key));
    }
}

fn keys(name: &str, address: Option<IpAddr>) -> Vec<Key> {
    let mut keys = vec![Key::Name(folded(name))];
    if let Some(address) = address {
        keys.push(Key::Address(address));
        keys.push(Key::Both(folded(name), address));
    }
    keys
}

/// A name as it is compared, cut so that a counter stays small.
fn folded(name: &str) -> String {
    name.chars().take(64).collect::<String>().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
    const START: ElapsedMs = ElapsedMs(1_000);

    fn there(last: u8) -> Option<IpAddr> {
        Some(IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, last)))
    }

    #[test]
    fn the_eleventh_try_of_a_name_from_an_address_waits_until_the_window_ends() {
        let throttle = LoginThrottle::default();
        for _ in 0..10 {
            assert_eq!(throttle.wait_secs("Ada", HERE, START), None);
            throttle.failed("ada", HERE, START);
        }
        assert_eq!(throttle.wait_secs("ADA", HERE, START), Some(600));
        assert_eq!(throttle.wait_secs("bo", HERE, START), None);
        assert_eq!(throttle.wait_secs("ada", there(1), START), None);
        assert_eq!(throttle.wait_secs("ada", HERE, START.plus_ms(WINDOW_MS)), None);
    }

    #[test]
    fn a_log_in_forgets_the_failures_before_it() {
        let throttle = LoginThrottle::default();
        (0..10).for_each(|_| throttle.failed("ada", HERE, START));
        throttle.succeeded("ada", HERE);
        assert_eq!(throttle.wait_secs("ada", HERE, START), None);
    }

    #[test]
    fn an_address_that_tries_many_names_waits() {
        let throttle = LoginThrottle::default();
        (0..100).for_each(|n| throttle.failed(&format!("user{n}"), HERE, START));
        assert_eq!(throttle.wait_secs("someone", HERE, START), Some(600));
        assert_eq!(throttle.wait_secs("someone", there(1), START), None);
    }

    #[test]
    fn a_name_tried_from_many_addresses_waits_everywhere() {
        let throttle = LoginThrottle::default();
        (0..200).for_each(|n| throttle.failed("ada", there(n), START));
        assert_eq!(throttle.wait_secs("ada", HERE, START), Some(600));
    }

    #[test]
    fn counters_are_bounded() {
        let throttle = LoginThrottle::default();
        (0..COUNTERS_MAX + 50).for_each(|n| throttle.failed(&format!("user{n}"), None, START));
        assert_eq!(throttle.counters.lock().unwrap().len(), COUNTERS_MAX);
    }
}
