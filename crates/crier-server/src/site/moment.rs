//! A moment as a person reads it, in their own time zone (feed 6.2). Asks no clock: *now* is an argument.

use crier_platform::model::time::WallMs;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A moment for a `<time>` element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    /// For machines: RFC 3339, UTC.
    pub(crate) datetime: String,
    /// For people: as short as it can be without doubt.
    pub(crate) text: String,
    /// In full, with the zone.
    pub(crate) full: String,
}

/// The zone of an IANA name; UTC when there is no such name.
pub(crate) fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// Whether there is a time zone of this name.
pub(crate) fn is_zone(name: &str) -> bool {
    name == "UTC" || TimeZone::get(name).is_ok()
}

/// All zone names that a person may choose, sorted.
pub(crate) fn zone_names() -> Vec<String> {
    let mut names: Vec<String> = jiff::tz::db()
        .available()
        .map(|name| name.to_string())
        .filter(|name| {
            name.contains('/')
                && !name.starts_with("Etc/")
                && !name.starts_with("posix/")
                && !name.starts_with("right/")
        })
        .collect();
    names.push("UTC".to_owned());
    names.sort_unstable();
    names.dedup();
    names
}

fn stamp(moment: WallMs) -> Timestamp {
    Timestamp::from_millisecond(moment.0).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A moment to the millisecond, for lists of what happened within a second; with its date when that is not today's.
pub(crate) fn instant(at: WallMs, now: WallMs, zone: &TimeZone) -> String {
    let (at, now) = (
        stamp(at).to_zoned(zone.clone()),
        stamp(now).to_zoned(zone.clone()),
    );
    let pattern = if at.date() == now.date() {
        "%H:%M:%S%.3f"
    } else {
        "%-d %B %Y, %H:%M:%S%.3f"
    };
    at.strftime(pattern).to_string()
}

impl Moment {
    /// `at` as seen at `now` in `zone`.
    pub(crate) fn new(at: WallMs, now: WallMs, zone: &TimeZone) -> Self {
        let (at, now) = (stamp(at), stamp(now).to_zoned(zone.clone()));
        let local = at.to_zoned(zone.clone());
        let (yesterday, tomorrow) = (now.date().yesterday().ok(), now.date().tomorrow().ok());
        let text = if local.date() == now.date() {
            local.strftime("Today at %H:%M")
        } else if Some(local.date()) == yesterday {
            local.strftime("Yesterday at %H:%M")
        } else if Some(local.date()) == tomorrow {
            local.strftime("Tomorrow at %H:%M")
        } else if local.year() == now.year() {
            local.strftime("%A %-d %B at %H:%M")
        } else {
            local.strftime("%-d %B %Y at %H:%M")
        };
        Self {
            datetime: at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            text: text.to_string(),
            full: local.strftime("%A %-d %B %Y, %H:%M:%S %Z").to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21T22:30:00Z, a Saturday.
    const NOW: WallMs = WallMs(1_795_300_200_000);
    const HOUR: i64 = 3_600_000;

    fn text(hours_ago: i64, zone_name: &str) -> String {
        Moment::new(NOW.plus_ms(-HOUR * hours_ago), NOW, &zone(zone_name)).text
    }

    #[test]
    fn the_day_is_that_of_the_persons_zone() {
        assert_eq!(text(1, "UTC"), "Today at 21:30");
        assert_eq!(text(23, "UTC"), "Yesterday at 23:30");
        assert_eq!(text(0, "Asia/Tokyo"), "Today at 07:30");
        assert_eq!(text(8, "Asia/Tokyo"), "Yesterday at 23:30");
        assert_eq!(text(-2, "UTC"), "Tomorrow at 00:30");
        assert_eq!(text(-26, "UTC"), "Monday 23 November at 00:30");
        assert_eq!(text(72, "UTC"), "Wednesday 18 November at 22:30");
        assert_eq!(text(24 * 360, "UTC"), "26 November 2025 at 22:30");
    }

    #[test]
    fn machines_read_utc_and_people_the_zone() {
        let moment = Moment::new(NOW, NOW, &zone("Asia/Tokyo"));
        assert_eq!(moment.datetime, "2026-11-21T22:30:00Z");
        assert_eq!(moment.full, "Sunday 22 November 2026, 07:30:00 JST");
    }

    #[test]
    fn an_instant_of_another_day_says_which() {
        let at = NOW.plus_ms(7);
        assert_eq!(instant(at, NOW, &zone("Asia/Tokyo")), "07:30:00.007");
        assert_eq!(instant(at, NOW.plus_ms(HOUR), &zone("UTC")), "22:30:00.007");
        assert_eq!(
            instant(at, NOW.plus_ms(2 * HOUR), &zone("UTC")),
            "21 November 2026, 22:30:00.007"
        );
    }

    #[test]
    fn an_unknown_zone_reads_as_utc() {
        assert_eq!(text(0, "Middle/Earth"), "Today at 22:30");
        assert!(!is_zone("Middle/Earth") && is_zone("Europe/Berlin") && is_zone("UTC"));
        assert!(zone_names().iter().any(|name| name == "Europe/Berlin"));
    }
}
