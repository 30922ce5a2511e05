//! Which of several bands is in force when, on days of 23 and 25 hours too.

use jiff::civil::{DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};

/// Of a longer time only the end is looked at, days.
const LONGEST: i64 = 8;

/// A time in which one band is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span<T> {
    pub band: T,
    pub from: Timestamp,
    pub to: Timestamp,
}

impl<T> Span<T> {
    fn seconds(&self) -> f64 {
        self.to.duration_since(self.from).as_secs_f64().max(0.0)
    }
}

/// The bands (places in `starts`) in force from `from` to `to`, in order; at least one, unless there are none at all.
pub(super) fn spans(starts: &[Time], zone: &TimeZone, from: Timestamp, to: Timestamp) -> Vec<Span<usize>> {
    let earliest = to.checked_sub((LONGEST * 24).hours()).unwrap_or(Timestamp::MIN);
    let from = from.clamp(earliest, to);
    let mut spans: Vec<Span<usize>> = Vec::new();
    for (at, band) in changes(starts, zone, from, to) {
        let at = at.max(from);
        if let Some(last) = spans.last_mut() {
            last.to = at;
        }
        spans.push(Span { band, from: at, to });
    }
    // What ended as it began was in force before.
    let last = spans.pop();
    spans.retain(|span| span.from < span.to);
    spans.extend(last);
    spans
}

/// The band in force at `at`.
pub(super) fn in_force(starts: &[Time], zone: &TimeZone, at: Timestamp) -> Option<usize> {
    spans(starts, zone, at, at).last().map(|span| span.band)
}

/// `amount`, divided among the spans in proportion to time.
pub(super) fn divided<T: Copy>(spans: &[Span<T>], amount: f64) -> Vec<(T, f64)> {
    let whole: f64 = spans.iter().map(Span::seconds).sum();
    let all = |span: &Span<T>| (span.band, amount);
    if whole <= 0.0 {
        return spans.last().map(all).into_iter().collect();
    }
    spans.iter().map(|span| (span.band, amount * span.seconds() / whole)).collect()
}

/// The changes from the last one at or before `from` to the last one at or before `to`, in order.
fn changes(starts: &[Time], zone: &TimeZone, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, usize)> {
    let mut by_time: Vec<(Time, usize)> = starts.iter().copied().zip(0..).collect();
    by_time.sort_unstable();
    let date = |at: Timestamp| at.to_zoned_datetime(zone.clone()).date();
    let last_date = date(to);
    let days = date(from).yesterday().into_iter().flat_map(|first| first.series(1.day()));
    let mut changes: Vec<(Timestamp, usize)> = days
        .take_while(|day| *day <= last_date)
        .flat_map(|day| by_time.iter().map(move |&(time, band)| (day.to_datetime(time), band)))
        .filter_map(|(when, band)| Some((instant(when, zone)?, band)))
        .filter(|(at, _)| *at <= to)
        .collect();
    changes.sort_by_key(|(at, _)| *at);
    let before = changes.iter().rposition(|(at, _)| *at <= from).unwrap_or(0);
    changes.split_off(before)
}

/// When the zone's clock shows `when`: the first time where it does twice, the end of the leap where it never does.
fn instant(when: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(when);
    if !matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. }) {
        return ambiguous.compatible().ok();
    }
    let after = ambiguous.later().ok()?;
    zone.preceding(after.checked_add(1.second()).ok()?).next().map(|leap| leap.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::time;

    fn london() -> TimeZone {
        TimeZone::get("Europe/London").unwrap()
    }

    fn hours(starts: &[Time], from: &str, to: &str) -> Vec<(usize, f64)> {
        let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
        spans(starts, &london(), from, to).iter().map(|span| (span.band, span.seconds() / 3600.0)).collect()
    }

    #[test]
    fn a_day_has_as_many_hours_as_its_clock_counts() {
        let starts = [time(5, 30, 0, 0), time(0, 30, 0, 0)];
        let usual = hours(&starts, "2026-06-04T23:00:00Z", "2026-06-05T23:00:00Z");
        assert_eq!(usual, [(0, 0.5), (1, 5.0), (0, 18.5)]);
        let of_23 = hours(&starts, "2026-03-29T00:00:00Z", "2026-03-29T23:00:00Z");
        assert_eq!(of_23, [(0, 0.5), (1, 4.0), (0, 18.5)]);
        let of_25 = hours(&starts, "2026-10-24T23:00:00Z", "2026-10-26T00:00:00Z");
        assert_eq!(of_25, [(0, 0.5), (1, 6.0), (0, 18.5)]);
    }

    #[test]
    fn times_that_the_clock_leaps_over_all_begin_after_the_leap_and_the_last_of_them_holds() {
        let starts = [time(1, 15, 0, 0), time(1, 45, 0, 0), time(2, 10, 0, 0)];
        let found = hours(&starts, "2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z");
        let rounded: Vec<(usize, i64)> =
            found.iter().map(|(band, hours)| (*band, (hours * 60.0).round() as i64)).collect();
        assert_eq!(rounded, [(2, 60), (1, 10), (2, 50)]);
    }

    #[test]
    fn a_time_that_comes_twice_counts_once() {
        let starts = [time(1, 30, 0, 0), time(1, 45, 0, 0)];
        let found = hours(&starts, "2026-10-25T00:00:00Z", "2026-10-25T03:00:00Z");
        assert_eq!(found, [(1, 0.5), (0, 0.25), (1, 2.25)]);
    }

    #[test]
    fn one_band_is_always_in_force_and_none_never() {
        assert_eq!(hours(&[time(7, 0, 0, 0)], "2026-06-05T00:00:00Z", "2026-06-05T03:00:00Z"), [(0, 3.0)]);
        assert_eq!(hours(&[], "2026-06-05T00:00:00Z", "2026-06-06T00:00:00Z"), []);
        let nothing = hours(&[time(7, 0, 0, 0)], "2026-06-05T00:00:00Z", "2026-06-05T00:00:00Z");
        assert_eq!(nothing, [(0, 0.0)]);
    }

    #[test]
    fn what_is_divided_is_neither_more_nor_less() {
        let starts = [time(5, 30, 0, 0), time(23, 30, 0, 0)];
        let (from, to) = ("2026-06-01T21:30:00Z".parse().unwrap(), "2026-06-02T01:30:00Z".parse().unwrap());
        let parts = divided(&spans(&starts, &london(), from, to), 8.0);
        assert_eq!(parts, [(0, 2.0), (1, 6.0)]);
        assert_eq!(divided(&spans(&starts, &london(), to, to), 8.0), [(1, 8.0)]);
    }
}
