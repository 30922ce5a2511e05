use super::*;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const FLOW: Flow = Flow::new(5000.0, 0.1);

/// A counter of the day and of ever under a clock whose days begin at whole days of the monotonic time.
struct Counter {
    today: Today,
    /// What the clock shows beyond the monotonic time.
    clock: i64,
    total: Option<f64>,
}

impl Counter {
    /// 10.3 kWh at 23:30 of day 0.
    fn before_midnight() -> Self {
        let mut counter = Self { today: Today::default(), clock: 0, total: Some(500.0) };
        counter.read(10.3, 23 * HOUR + 29 * MINUTE);
        assert_eq!(counter.read(10.3, 23 * HOUR + 30 * MINUTE), Some(10.3));
        counter
    }

    fn judge(&mut self, kwh: f64, at: i64) -> Verdict {
        let shows = at + self.clock;
        let midnight = at - shows.rem_euclid(DAY);
        let midnight = Midnight { day: shows.div_euclid(DAY), at: midnight, next: midnight + DAY };
        let around = Around { midnight: Some(midnight), total: self.total, flow: FLOW };
        self.today.observe(Point { kwh, at }, around)
    }

    fn read(&mut self, kwh: f64, at: i64) -> Option<f64> {
        self.judge(kwh, at);
        self.shows()
    }

    fn shows(&self) -> Option<f64> {
        self.today.published().map(|(kwh, _)| (kwh * 1000.0).round() / 1000.0)
    }
}

#[test]
fn after_midnight_a_low_value_is_the_new_day() {
    let mut counter = Counter::before_midnight();
    assert_eq!(counter.read(10.3, DAY - SECOND), Some(10.3));
    assert_eq!(counter.read(0.0, DAY + 20 * SECOND), Some(0.0));
    assert_eq!(counter.read(0.1, DAY + 10 * MINUTE), Some(0.1));
}

#[test]
fn before_midnight_a_low_value_is_no_new_day() {
    let mut counter = Counter::before_midnight();
    assert_eq!(counter.read(0.0, DAY - 5 * MINUTE), Some(10.3));
    assert_eq!(counter.read(0.1, DAY - MINUTE), Some(10.3));
    assert_eq!(counter.read(0.1, DAY + MINUTE), Some(0.1));
}

#[test]
fn a_late_value_of_yesterday_is_not_published_after_the_new_day_began() {
    let mut counter = Counter::before_midnight();
    counter.read(0.0, DAY + 5 * SECOND);
    assert_eq!(counter.judge(10.3, DAY + 20 * SECOND), Verdict::LateYesterday);
    assert_eq!(counter.shows(), Some(0.0));
}

#[test]
fn a_step_back_after_midnight_is_no_new_day() {
    let mut counter = Counter::before_midnight();
    assert_eq!(counter.read(10.2, DAY + MINUTE), Some(10.3));
    assert_eq!(counter.read(10.3, DAY + 2 * MINUTE), Some(10.3));
}

#[test]
fn a_counter_that_does_not_begin_anew_is_counted_by_its_total() {
    let mut counter = Counter::before_midnight();
    counter.read(10.3, DAY + MINUTE);
    assert_eq!(counter.read(10.3, DAY + 9 * MINUTE), Some(10.3));
    counter.total = Some(500.2);
    assert_eq!(counter.read(10.5, DAY + 11 * MINUTE), Some(0.2));
    counter.total = Some(500.3);
    assert_eq!(counter.read(10.6, DAY + 12 * MINUTE), Some(0.3));
    // It begins anew at last, and the day goes on.
    assert_eq!(counter.read(0.0, DAY + HOUR), Some(0.3));
}

#[test]
fn without_a_total_it_is_counted_from_what_it_showed_at_midnight() {
    let mut counter = Counter::before_midnight();
    counter.total = None;
    counter.today.total_then = None;
    counter.read(10.3, DAY + MINUTE);
    counter.read(10.4, DAY + 9 * MINUTE);
    assert_eq!(counter.read(10.4, DAY + 11 * MINUTE), Some(0.1));
    assert_eq!(counter.read(10.5, DAY + 12 * MINUTE), Some(0.2));
}

#[test]
fn after_a_night_without_readings_the_total_tells_whether_the_register_began_anew() {
    let mut begun = Counter::before_midnight();
    begun.total = Some(503.0);
    begun.read(2.8, DAY + 6 * HOUR);
    assert_eq!(begun.read(2.8, DAY + 6 * HOUR + SECOND), Some(2.8));
    let mut forgotten = Counter::before_midnight();
    forgotten.total = Some(503.0);
    forgotten.read(13.3, DAY + 6 * HOUR);
    let shows = forgotten.read(13.3, DAY + 6 * HOUR + SECOND).unwrap();
    assert!((2.5..=3.0).contains(&shows), "{shows}");
}

/// It is so low that it could be what the new day has brought.
#[test]
fn one_wrong_zero_begins_no_day_that_goes_on_with_what_the_day_before_showed() {
    let mut counter = Counter { today: Today::default(), clock: 0, total: Some(500.0) };
    for minute in 0..14 {
        counter.read(2.2, DAY - 4 * MINUTE + minute * MINUTE);
    }
    assert_eq!(counter.judge(0.0, DAY + 10 * MINUTE), Verdict::Unconfirmed);
    counter.read(2.2, DAY + 10 * MINUTE + SECOND);
    assert_eq!(counter.read(2.2, DAY + 11 * MINUTE), Some(0.0), "it did not begin anew: its total tells of the day");
    counter.total = Some(500.4);
    assert_eq!(counter.read(2.6, DAY + 30 * MINUTE).map(|kwh| (kwh * 10.0).round()), Some(4.0));
}

/// The day before had brought nothing, and the first reply after the night is one from then.
#[test]
fn after_a_night_without_readings_a_late_zero_is_not_taken_for_the_new_day() {
    let mut counter = Counter { today: Today::default(), clock: 0, total: None };
    for minute in 0..4 {
        counter.read(0.0, 22 * HOUR + minute * MINUTE);
    }
    assert_eq!(counter.judge(0.0, DAY + 53 * MINUTE), Verdict::Unconfirmed);
    assert_eq!(counter.judge(1.1, DAY + 53 * MINUTE + SECOND), Verdict::Unconfirmed);
    assert_eq!(counter.read(1.1, DAY + 53 * MINUTE + 2 * SECOND), Some(1.1));
}

#[test]
fn a_day_that_began_with_a_wrong_zero_goes_on_with_what_two_readings_say() {
    let mut counter = Counter::before_midnight();
    counter.total = None;
    counter.today.total_then = None;
    counter.read(10.3, DAY - MINUTE);
    assert_eq!(counter.read(0.0, DAY + 8 * MINUTE), Some(0.0));
    assert_eq!(counter.judge(0.7, DAY + 8 * MINUTE + SECOND), Verdict::Unconfirmed);
    assert_eq!(counter.read(0.7, DAY + 8 * MINUTE + 2 * SECOND), Some(0.7));
    assert_eq!(counter.judge(5.7, DAY + 9 * MINUTE), Verdict::Jump, "more than can have come");
}

#[test]
fn a_clock_set_back_over_midnight_begins_no_second_day() {
    let mut counter = Counter::before_midnight();
    counter.read(0.0, DAY + MINUTE);
    counter.read(0.3, DAY + 20 * MINUTE);
    assert_eq!(counter.read(0.3, DAY + 20 * MINUTE + SECOND), Some(0.3));
    counter.clock = -HOUR;
    // The inverter begins anew now, and again at its second midnight.
    let mut lowest = f64::MAX;
    for minute in 21..200 {
        counter.total = Some(500.3);
        lowest = lowest.min(counter.read(0.0, DAY + minute * MINUTE).unwrap());
    }
    assert!((lowest - 0.3).abs() < 1e-9, "{lowest}");
}

/// Nothing had flowed before midnight, so that nothing shows that the day began; the evening comes a second time.
#[test]
fn a_day_that_began_with_nothing_goes_on_over_the_second_midnight_of_a_clock_set_back() {
    let mut counter = Counter { today: Today::default(), clock: 0, total: Some(500.0) };
    for minute in -10..=30 {
        assert!(counter.read(0.0, DAY + minute * MINUTE).is_none_or(|kwh| kwh == 0.0));
    }
    for minute in 1..=9 {
        counter.total = Some(500.0 + minute as f64 / 10.0);
        counter.read(minute as f64 / 10.0, DAY + (30 + minute) * MINUTE);
    }
    assert_eq!(counter.shows(), Some(0.9));
    // From 0:50 to 23:33 of the day before: the register begins anew, and again at the second midnight.
    counter.clock = -77 * MINUTE;
    for minute in 50..200 {
        assert_eq!(counter.read(0.0, DAY + minute * MINUTE), Some(0.9), "{minute}");
    }
    counter.total = Some(502.0);
    assert_eq!(counter.read(0.3, DAY + 260 * MINUTE), Some(2.0), "what has flowed since the first midnight");
    // The midnight after that one begins a day.
    counter.total = Some(509.0);
    counter.read(7.0, DAY + DAY + 76 * MINUTE);
    assert_eq!(counter.read(0.0, DAY + DAY + 78 * MINUTE), Some(0.0));
}

#[test]
fn a_clock_set_forward_over_midnight_begins_the_day_when_it_is_known() {
    let mut counter = Counter::before_midnight();
    assert_eq!(counter.judge(0.0, 23 * HOUR + 31 * MINUTE), Verdict::Fall);
    assert_eq!(counter.shows(), Some(10.3));
    counter.clock = HOUR;
    assert_eq!(counter.read(0.0, 23 * HOUR + 32 * MINUTE), Some(0.0));
    assert_eq!(counter.read(0.1, DAY + MINUTE), Some(0.1));
}

#[test]
fn an_inverter_whose_midnight_is_not_the_clocks_has_one_new_day_too() {
    let mut counter = Counter::before_midnight();
    counter.clock = -5 * HOUR;
    let shown: Vec<f64> = (0..60).filter_map(|minute| counter.read(0.0, DAY + minute * MINUTE)).collect();
    assert_eq!(shown.windows(2).filter(|pair| pair[1] < pair[0]).count(), 1);
    // At the clock's midnight there is no second one.
    for minute in 1..20 {
        assert_eq!(counter.read(0.1, DAY + 5 * HOUR + minute * MINUTE), Some(0.1));
    }
}

#[test]
fn a_first_value_right_after_midnight_can_be_of_the_day_before() {
    let mut counter = Counter { today: Today::default(), clock: 0, total: None };
    counter.read(10.3, DAY + 2 * MINUTE);
    assert_eq!(counter.read(10.3, DAY + 3 * MINUTE), Some(10.3));
    assert_eq!(counter.read(0.0, DAY + 4 * MINUTE), Some(0.0));
}
