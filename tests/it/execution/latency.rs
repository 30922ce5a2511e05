//! How long a command takes to the wire, in real time, over connections in memory.

use std::time::Duration;

use givtcp::control::Outcome;
use tokio::time::{Instant, sleep};

use super::bench::House;

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
