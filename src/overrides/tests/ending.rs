//! The end, whatever clocks do.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::fixture::{model, reach};
use crate::control::OverrideKind;
use crate::overrides::end::{Look, Verdict, Why, rederived, verdict};
use crate::overrides::journal::{Record, RecordId};
use crate::overrides::recipe::{Options, recipe};

/// How often it is looked at, s.
const EVERY: i64 = 20;

/// A change of a clock, so many seconds after the override began.
#[derive(Clone, Copy, Debug)]
struct Jump {
    after: i64,
    to: To,
}

#[derive(Clone, Copy, Debug)]
enum To {
    By(i64),
    Year1970,
}

/// A world in which an override runs.
#[derive(Clone, Debug)]
struct World {
    begun: Timestamp,
    minutes: u16,
    kind: OverrideKind,
    host: Vec<Jump>,
    inverter: Vec<Jump>,
}

impl World {
    fn civil(at: Timestamp) -> DateTime {
        jiff::tz::TimeZone::UTC.to_datetime(at)
    }

    /// What a clock shows so many seconds after the beginning.
    fn shows(&self, jumps: &[Jump], after: i64) -> Timestamp {
        let mut offset = SignedDuration::ZERO;
        for jump in jumps.iter().filter(|jump| jump.after <= after) {
            match jump.to {
                To::By(seconds) => offset += SignedDuration::from_secs(seconds),
                To::Year1970 => {
                    offset = Timestamp::UNIX_EPOCH.duration_since(self.begun + SignedDuration::from_secs(jump.after));
                }
            }
        }
        self.begun + SignedDuration::from_secs(after) + offset
    }

    fn look(&self, after: i64, ran: i64) -> Look {
        Look {
            now: self.shows(&self.host, after),
            ran: Duration::from_secs(ran.unsigned_abs()),
            inverter: Some(Self::civil(self.shows(&self.inverter, after))),
        }
    }

    fn record(&self) -> Record {
        let mut context = model("HYBRID_GEN1", 3);
        let shows = Self::civil(self.begun);
        let parts = [shows.year() - 2000, shows.month().into(), shows.day().into(), shows.hour().into()];
        let parts = parts.into_iter().chain([shows.minute().into(), shows.second().into()]);
        for (register, part) in (35..).zip(parts) {
            context.known.put(register, part.unsigned_abs());
        }
        let recipe = recipe(self.kind, self.minutes, &context, Options::default()).unwrap();
        let id = RecordId::new(self.begun, 1);
        recipe.plan(reach(), self.begun).into_record(id, self.begun, 1, false)
    }

    /// After how many seconds it ends, and by what.
    fn ends(&self) -> (i64, Why) {
        let mut record = self.record();
        let mut before = self.look(0, 0);
        let mut after = 0;
        loop {
            let look = self.look(after, after);
            if let Some(end) = rederived(&record, &before, &look) {
                record.end = Some(end);
            }
            match verdict(&record, &look) {
                Verdict::Over(why) => return (after, why),
                Verdict::Runs(left) => assert!(left <= Duration::from_secs(86_400 + 120)),
            }
            before = look;
            after += EVERY;
        }
    }

    fn planned(&self) -> i64 {
        i64::from(self.minutes) * 60
    }
}

/// In summer, in winter, and hours before both changes of the year in Europe.
fn begun() -> impl Strategy<Value = Timestamp> {
    const TIMES: &[&str] =
        &["2026-06-05T12:00:07Z", "2026-12-31T23:50:00Z", "2026-03-29T00:20:31Z", "2026-10-25T00:10:00Z"];
    (proptest::sample::select(TIMES), 0_i64..7200)
        .prop_map(|(time, more)| time.parse::<Timestamp>().unwrap() + SignedDuration::from_secs(more))
}

fn to() -> impl Strategy<Value = To> {
    prop_oneof![
        Just(To::By(3600)),
        Just(To::By(-3600)),
        Just(To::By(-86_400)),
        Just(To::By(86_400)),
        Just(To::By(200)),
        Just(To::Year1970),
    ]
}

fn jumps(minutes: u16, to: impl Strategy<Value = To> + 'static) -> impl Strategy<Value = Vec<Jump>> {
    let jump = (1..=i64::from(minutes) * 60, to).prop_map(|(after, to)| Jump { after, to });
    proptest::collection::vec(jump, 0..4).prop_map(|mut jumps| {
        jumps.sort_by_key(|jump| jump.after);
        jumps
    })
}

/// Changes of the host's clock, and of the inverter's where it is set for summer or winter.
fn world(is_inverter_set: bool) -> impl Strategy<Value = World> {
    (begun(), prop_oneof![1_u16..200, 200..1440_u16]).prop_flat_map(move |(begun, minutes)| {
        let hour = prop_oneof![Just(To::By(3600)), Just(To::By(-3600))];
        let inverter = jumps(minutes, hour).prop_map(move |mut jumps| {
            jumps.truncate(usize::from(is_inverter_set));
            jumps
        });
        let kind = proptest::sample::select(&[OverrideKind::ForceCharge, OverrideKind::ForceExport][..]);
        (jumps(minutes, to()), inverter, kind).prop_map(move |(host, inverter, kind)| World {
            begun,
            minutes,
            kind,
            host,
            inverter,
        })
    })
}

proptest! {
    #[test]
    fn no_clock_makes_an_override_last_longer(world in world(true)) {
        let (after, why) = world.ends();
        prop_assert!(after <= world.planned() + 120 + EVERY, "{after} s, {why:?}");
    }

    #[test]
    fn jumps_of_the_hosts_clock_do_not_end_it_early(world in world(false)) {
        let (after, why) = world.ends();
        prop_assert!(after >= world.planned() - 130, "{after} s of {}, {why:?}", world.planned());
        prop_assert!(after <= world.planned() + 60 + EVERY, "{after} s of {}, {why:?}", world.planned());
    }

    #[test]
    fn an_inverter_that_is_set_back_for_winter_does_not_end_it_early(
        begun in begun(), minutes in 1..1300_u16, share in 0.0..1.0_f64,
    ) {
        let jump = Jump { after: (f64::from(minutes) * 60.0 * share) as i64, to: To::By(-3600) };
        let kind = OverrideKind::ForceCharge;
        let world = World { begun, minutes, kind, host: vec![], inverter: vec![jump] };
        let (after, why) = world.ends();
        prop_assert!((world.planned()..=world.planned() + EVERY).contains(&after), "{after} s, {why:?}");
    }

    #[test]
    fn an_inverter_that_is_set_forward_for_summer_ends_it_an_hour_early_at_most(
        begun in begun(), minutes in 1..1439_u16, share in 0.0..1.0_f64,
    ) {
        let jump = Jump { after: (f64::from(minutes) * 60.0 * share) as i64, to: To::By(3600) };
        let kind = OverrideKind::ForceCharge;
        let world = World { begun, minutes, kind, host: vec![], inverter: vec![jump] };
        let (after, _) = world.ends();
        prop_assert!((world.planned() - 3600..=world.planned() + EVERY).contains(&after), "{after} s");
    }
}

fn noon(kind: OverrideKind, minutes: u16) -> World {
    let begun = "2026-06-05T12:00:00Z".parse().unwrap();
    World { begun, minutes, kind, host: vec![], inverter: vec![] }
}

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

#[test]
fn without_a_plausible_clock_it_is_over_at_once() {
    let record = noon(OverrideKind::ForceCharge, 30).record();
    let look = |now: &str, inverter: Option<&str>| Look {
        now: at(now),
        ran: Duration::from_secs(60),
        inverter: inverter.map(|time| time.parse().unwrap()),
    };
    let over = |look: Look| verdict(&record, &look) == Verdict::Over(Why::NoClock);
    assert!(over(look("1970-01-01T00:10:00Z", None)));
    assert!(over(look("1970-01-01T00:10:00Z", Some("2026-06-05T11:40:00"))), "before it began, too");
    assert!(!over(look("1970-01-01T00:10:00Z", Some("2026-06-05T12:10:00"))));
    assert!(!over(look("2026-06-05T12:10:00Z", None)));
    let pause = noon(OverrideKind::PauseCharge, 30).record();
    let nowhere = look("2026-06-05T11:59:59Z", Some("2026-06-05T12:10:00"));
    assert_eq!(verdict(&pause, &nowhere), Verdict::Over(Why::NoClock), "its inverter knows of no end");
}

#[test]
fn a_process_that_comes_back_late_finds_it_over() {
    let record = noon(OverrideKind::ForceCharge, 30).record();
    let look = |now: &str, inverter: Option<&str>| {
        verdict(&record, &Look { now: at(now), ran: Duration::ZERO, inverter: inverter.map(|at| at.parse().unwrap()) })
    };
    assert_eq!(look("2026-06-05T14:00:00Z", None), Verdict::Over(Why::Wall));
    assert_eq!(look("2026-06-05T12:05:00Z", Some("2026-06-05T14:00:00")), Verdict::Over(Why::Slot));
    assert_eq!(look("1970-01-01T00:00:00Z", Some("2026-06-05T14:00:00")), Verdict::Over(Why::Slot));
    let left = Duration::from_secs(25 * 60);
    assert_eq!(look("2026-06-05T12:05:00Z", Some("2026-06-05T12:04:00")), Verdict::Runs(left), "the earlier end");
}

#[test]
fn a_machine_that_slept_is_not_taken_for_a_clock_that_jumped() {
    let record = noon(OverrideKind::PauseCharge, 30).record();
    let look = |now: &str, ran, inverter: Option<&str>| Look {
        now: at(now),
        ran: Duration::from_secs(ran),
        inverter: inverter.map(|at| at.parse().unwrap()),
    };
    let before = look("2026-06-05T12:05:00Z", 300, Some("2026-06-05T12:05:00"));
    let slept = look("2026-06-05T13:05:10Z", 310, Some("2026-06-05T13:05:10"));
    let set = look("2026-06-05T13:05:10Z", 310, Some("2026-06-05T12:05:10"));
    let unknown = look("2026-06-05T13:05:10Z", 310, None);
    assert_eq!(rederived(&record, &before, &slept), None);
    assert_eq!(rederived(&record, &before, &unknown), None);
    let end = rederived(&record, &before, &set).expect("an end");
    assert_eq!(end.at, at("2026-06-05T13:30:00Z"));
    assert_eq!(rederived(&record, &before, &look("2026-06-05T12:06:00Z", 310, None)), None, "50 s are no jump");
}

#[test]
fn a_pause_without_a_slot_ends_at_once_when_the_hosts_clock_is_lost() {
    let jump = Jump { after: 600, to: To::Year1970 };
    let world = World { host: vec![jump], ..noon(OverrideKind::PauseCharge, 30) };
    assert_eq!(world.ends(), (600, Why::NoClock));
}
