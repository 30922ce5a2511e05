//! How long a command takes to the wire, in real time, over connections in memory.

use std::time::Duration;

use givtcp::control::Outcome;
use givtcp::simulator::Family;
use tokio::time::{Instant, sleep};

use super::bench::{House, seconds};

#[tokio::test]
async fn an_idle_inverters_command_is_on_the_wire_in_less_than_five_milliseconds_beside_its_read() {
    let house = House::quick();
    let begun = Instant::now();
    // Until all is found, and it is some way to the next cycle.
    while house.newest.borrow().as_ref().is_none_or(|snapshot| snapshot.stats.cycles < 2) {
        assert!(begun.elapsed() < Duration::from_secs(60));
        sleep(Duration::from_millis(20)).await;
    }
    sleep(Duration::from_secs(2)).await;
    let mut beside = Vec::new();
    for round in 0..100u32 {
        let asked = house.wire().asked.len();
        let answered = house.wire().answered.len();
        let given = Instant::now();
        let report = house.give("setBatteryReserve", &(20 + round % 50).to_string()).await;
        assert_eq!(report.outcome, Outcome::Applied, "{report}");
        let wire = house.wire();
        let (_, _, written) = *wire.writes.last().unwrap();
        let first_read = wire.asked[asked];
        let last_answer = wire.answered[answered..].iter().filter(|at| **at < written).max().unwrap();
        beside.push(first_read.duration_since(given) + written.duration_since(*last_answer));
    }
    beside.sort();
    println!(
        "to the wire beside the read: median {:?}, 95th of a hundred {:?}, worst {:?}",
        beside[50], beside[94], beside[99]
    );
    assert!(beside[50] < Duration::from_millis(5), "{:?}", beside[50]);
    house.end().await;
}

/// The pacing is the default one, and in paused time nothing else takes any.
#[tokio::test(start_paused = true)]
async fn an_override_that_takes_the_place_of_another_is_applied_within_nine_seconds_at_the_default_pacing() {
    for &family in Family::ALL {
        let house = House::of(family);
        house.settled().await;
        let mut line = Vec::new();
        for name in ["forceCharge", "forceExport", "forceCharge", "forceExport"] {
            let (begun, requests) = (Instant::now(), house.requests());
            let report = house.give(name, "30").await;
            if matches!(report.outcome, Outcome::Refused { .. }) {
                break;
            }
            let (lasted, requests) = (begun.elapsed().as_secs_f64(), house.requests() - requests);
            line.push(format!("{name} {requests} requests in {lasted:.1} s"));
            assert_eq!(report.outcome, Outcome::Applied, "{family}: {report} after {lasted:.1} s");
            sleep(seconds(20)).await;
        }
        let begun = Instant::now();
        if house.give("forceExport", "Cancel").await.outcome == Outcome::Applied {
            line.push(format!("called off in {:.1} s", begun.elapsed().as_secs_f64()));
        }
        println!("{family}: {}", line.join(", "));
        house.end().await;
    }
}
