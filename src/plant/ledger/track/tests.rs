use super::*;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const FLOW: Flow = Flow::new(5000.0, 0.1);

/// A counter that showed 100.0 kWh for a minute, and the time of its last reading.
fn settled() -> (Track, i64) {
    let mut track = Track::default();
    let reads: Vec<_> = (0..5).map(|poll| read(&mut track, 100.0, poll * 15 * SECOND)).collect();
    assert_eq!(reads[0], Verdict::Unconfirmed);
    assert_eq!(reads[1..], [Verdict::Believed; 4]);
    (track, MINUTE)
}

fn read(track: &mut Track, kwh: f64, at: i64) -> Verdict {
    track.observe(Point { kwh, at }, FLOW)
}

/// In tenths of a kWh.
fn shows(track: &Track) -> i64 {
    (track.last().unwrap().kwh * 10.0).round() as i64
}

#[test]
fn a_first_reading_waits_for_a_second_that_agrees() {
    let mut track = Track::default();
    assert_eq!(read(&mut track, 6553.6, 0), Verdict::Unconfirmed);
    assert_eq!(read(&mut track, 100.0, SECOND), Verdict::Unconfirmed);
    assert_eq!(track.last(), None);
    assert_eq!(read(&mut track, 100.0, 2 * SECOND), Verdict::Believed);
}

#[test]
fn a_small_rise_is_believed_at_once() {
    let (mut track, at) = settled();
    assert_eq!(read(&mut track, 100.1, at + 15 * SECOND), Verdict::Believed);
    assert_eq!(shows(&track), 1001);
}

#[test]
fn more_than_can_have_flowed_is_a_jump() {
    let (mut track, at) = settled();
    assert_eq!(read(&mut track, 100.4, at + 15 * SECOND), Verdict::Jump);
    assert_eq!(read(&mut track, 106.4, at + 30 * SECOND), Verdict::Jump);
    assert_eq!((read(&mut track, 100.0, at + 45 * SECOND), shows(&track)), (Verdict::Believed, 1000));
}

#[test]
fn after_an_outage_what_can_have_flowed_needs_one_confirmation() {
    let (mut track, at) = settled();
    assert_eq!(read(&mut track, 104.0, at + HOUR), Verdict::Unconfirmed);
    assert_eq!(shows(&track), 1000);
    assert_eq!(read(&mut track, 104.0, at + HOUR + SECOND), Verdict::Believed);
    assert_eq!(shows(&track), 1040);
}

#[test]
fn a_stale_reading_after_an_outage_does_not_hide_the_outage() {
    let (mut track, at) = settled();
    assert_eq!(read(&mut track, 100.0, at + HOUR), Verdict::Believed);
    assert_eq!(read(&mut track, 104.0, at + HOUR + 15 * SECOND), Verdict::Unconfirmed);
    assert_eq!(read(&mut track, 104.0, at + HOUR + 30 * SECOND), Verdict::Believed);
}

#[test]
fn a_step_back_of_a_tenth_is_the_same_counter() {
    let (mut track, at) = settled();
    assert_eq!(read(&mut track, 99.9, at + 15 * SECOND), Verdict::Believed);
    assert_eq!(read(&mut track, 99.8, at + 30 * SECOND), Verdict::Fall, "but it does not walk away in tenths");
}

#[test]
fn small_wrong_readings_do_not_add_up() {
    let (mut track, mut at) = settled();
    let mut highest = 0.0_f64;
    for _ in 0..50 {
        for more in [0.1, 0.0, 0.2, 0.0, 0.3, 0.0, 0.4, 0.0] {
            at += 15 * SECOND;
            if read(&mut track, 100.0 + more, at) == Verdict::Believed {
                highest = highest.max(100.0 + more);
            }
        }
    }
    assert!(highest <= 100.3 + EPSILON, "{highest}");
    assert_eq!(shows(&track), 1000);
}

#[test]
fn what_contradicts_all_before_is_believed_after_ten_agreeing_reads_over_ten_minutes() {
    for (other, tenths) in [(3.0, 30), (9000.0, 90_000)] {
        let (mut track, at) = settled();
        let verdicts: Vec<_> = (1..=41).map(|poll| read(&mut track, other, at + poll * 15 * SECOND)).collect();
        assert!(verdicts[..40].iter().all(|verdict| matches!(verdict, Verdict::Fall | Verdict::Jump)), "{verdicts:?}");
        assert_eq!((verdicts[40], shows(&track)), (Verdict::Anew, tenths));
    }
}

#[test]
fn one_reading_that_fits_ends_what_contradicts_it() {
    let (mut track, at) = settled();
    for poll in 1..=200 {
        let kwh = if poll % 9 == 0 { 100.0 } else { 3.0 };
        assert_ne!(read(&mut track, kwh, at + poll * 15 * SECOND), Verdict::Anew);
    }
}

#[test]
fn nonsense_in_a_file_is_left_out() {
    let trail = [f64::NAN, -5.0, f64::INFINITY, 7.0].map(|kwh| Point { kwh, at: i64::MAX });
    let track = Track { trail: trail.to_vec(), ..Track::default() }.shifted(i64::MAX);
    assert_eq!(track.trail, [Point { kwh: 7.0, at: i64::MAX }]);
}
