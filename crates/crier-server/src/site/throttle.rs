//! How often a password may be tried: per name and address, per address, and per name.
//!
//! Promise: memory is bounded, and nobody locks another person out from a few addresses. Forgets everything at a restart.

use super::config::SiteConfig;
use super::windows::Windows;
use crate::bound::Bound;
use crate::metrics::ServerMetrics;
use crier_platform::model::time::ElapsedMs;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Characters of a name that are compared, so that a counter stays small: as many as a name may have.
const NAME_CHARS: usize = crier_platform::accounts::NAME_CHARS_MAX;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Both(String, IpAddr),
    Address(IpAddr),
    Name(String),
}

/// Counts failed log ins.
pub struct LoginThrottle {
    per_name_and_address: u32,
    per_address: u32,
    per_name: u32,
    window_ms: u64,
    metrics: ServerMetrics,
    windows: Mutex<Windows<Key>>,
}

impl LoginThrottle {
    /// No failure yet, under the bounds of this section.
    #[must_use]
    pub fn new(site: &SiteConfig, metrics: ServerMetrics) -> Self {
        let counters = (Bound::LoginCounters, site.login_counters_max);
        Self {
            per_name_and_address: site.login_failures_per_name_and_address_max,
            per_address: site.login_failures_per_address_max,
            per_name: site.login_failures_per_name_max,
            window_ms: site.login_failures_window.0,
            windows: Mutex::new(Windows::new(counters, metrics.clone())),
            metrics,
        }
    }

    /// Seconds to wait before this name may be tried from this address again; `None`: now.
    pub(crate) fn wait_secs(&self, name: &str, address: Option<IpAddr>, now: ElapsedMs) -> Option<u64> {
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let over = |key: &Key| {
            let (bound, most) = self.bound_of(key);
            let window = windows.get(key, now).filter(|window| window.count >= most)?;
            Some((window.secs_left(now), bound))
        };
        let met = keys(name, address);
        let (secs, bound) = met.iter().filter_map(over).max_by_key(|(secs, _)| *secs)?;
        self.metrics.bound(bound);
        Some(secs)
    }

    /// Notes a failure.
    pub(crate) fn failed(&self, name: &str, address: Option<IpAddr>, now: ElapsedMs) {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys(name, address) {
            let window = windows.running(key, self.window_ms, now);
            window.count = window.count.saturating_add(1);
        }
    }

    /// Takes back the failure that a try was counted as, and forgets those of the name from an address that has now logged in.
    pub(crate) fn succeeded(&self, name: &str, address: Option<IpAddr>) {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys(name, address) {
            if let Key::Both(..) = key {
                windows.forget(&key);
            } else {
                windows.take_back(&key);
            }
        }
    }

    const fn bound_of(&self, key: &Key) -> (Bound, u32) {
        match key {
            Key::Both(..) => (Bound::LoginFailuresPerNameAndAddress, self.per_name_and_address),
            Key::Address(_) => (Bound::LoginFailuresPerAddress, self.per_address),
            Key::Name(_) => (Bound::LoginFailuresPerName, self.per_name),
        }
    }
}

/// The narrowest last: of several that wait equally long it is the one that is counted.
fn keys(name: &str, address: Option<IpAddr>) -> Vec<Key> {
    let mut keys = vec![Key::Name(folded(name))];
    if let Some(address) = address {
        keys.push(Key::Address(address));
        keys.push(Key::Both(folded(name), address));
    }
    keys
}

/// A name as it is compared.
fn folded(name: &str) -> String {
    name.chars()
        .take(NAME_CHARS)
        .collect::<String>()
        .to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
    const START: ElapsedMs = ElapsedMs(1_000);

    fn there(last: u8) -> Option<IpAddr> {
        Some(IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, last)))
    }

    fn throttle() -> LoginThrottle {
        LoginThrottle::new(&SiteConfig::default(), ServerMetrics::default())
    }

    fn times_met(throttle: &LoginThrottle) -> [u64; 3] {
        [
            Bound::LoginFailuresPerNameAndAddress,
            Bound::LoginFailuresPerAddress,
            Bound::LoginFailuresPerName,
        ]
        .map(|bound| throttle.metrics.times_met(bound))
    }

    #[test]
    fn login_failures_per_name_and_address_max_lets_the_eleventh_try_wait_until_login_failures_window_ends() {
        let throttle = throttle();
        for _ in 0..10 {
            assert_eq!(throttle.wait_secs("Ada", HERE, START), None);
            throttle.failed("ada", HERE, START);
        }
        assert_eq!(times_met(&throttle), [0, 0, 0]);
        assert_eq!(throttle.wait_secs("ADA", HERE, START), Some(600));
        assert_eq!(times_met(&throttle), [1, 0, 0]);
        assert_eq!(throttle.wait_secs("bo", HERE, START), None);
        assert_eq!(throttle.wait_secs("ada", there(1), START), None);
        assert_eq!(throttle.wait_secs("ada", HERE, START.plus_ms(600_000)), None);
    }

    #[test]
    fn a_log_in_forgets_the_failures_before_it() {
        let throttle = throttle();
        (0..10).for_each(|_| throttle.failed("ada", HERE, START));
        throttle.succeeded("ada", HERE);
        assert_eq!(throttle.wait_secs("ada", HERE, START), None);
    }

    #[test]
    fn login_failures_per_address_max_makes_an_address_that_tries_many_names_wait() {
        let throttle = throttle();
        (0..100).for_each(|n| throttle.failed(&format!("user{n}"), HERE, START));
        assert_eq!(throttle.wait_secs("someone", HERE, START), Some(600));
        assert_eq!(times_met(&throttle), [0, 1, 0]);
        assert_eq!(throttle.wait_secs("someone", there(1), START), None);
    }

    #[test]
    fn login_failures_per_name_max_makes_a_name_tried_from_many_addresses_wait_everywhere() {
        let throttle = throttle();
        (0..200).for_each(|n| throttle.failed("ada", there(n), START));
        assert_eq!(throttle.wait_secs("ada", HERE, START), Some(600));
        assert_eq!(times_met(&throttle), [0, 0, 1]);
    }

    #[test]
    fn login_counters_max_forgets_who_failed_first_and_counts_it() {
        let site = SiteConfig {
            login_counters_max: 3,
            login_failures_per_name_and_address_max: 1,
            ..SiteConfig::default()
        };
        let throttle = LoginThrottle::new(&site, ServerMetrics::default());
        throttle.failed("ada", HERE, START);
        assert_eq!(throttle.wait_secs("ada", HERE, START), Some(600));
        assert_eq!(throttle.metrics.times_met(Bound::LoginCounters), 0);
        throttle.failed("bo", there(1), START.plus_ms(1));
        assert_eq!(throttle.metrics.times_met(Bound::LoginCounters), 3);
        assert_eq!(throttle.wait_secs("ada", HERE, START.plus_ms(1)), None);
        assert_eq!(throttle.wait_secs("bo", there(1), START.plus_ms(1)), Some(600));
    }
}
