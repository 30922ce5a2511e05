//! A simulated day as it is kept: read by the poller, gathered, written, and told again. The page's test shows the same
//! day: `GIVTCP_PAST` names the folder that gets the file.

use std::collections::BTreeMap;
use std::time::Duration;

use givtcp::clock::{Clock, SystemClock};
use givtcp::fleet::Standing;
use givtcp::history::{self, History, Range, Series, Source};
use givtcp::inverter::Hold;
use givtcp::simulator::{Options, Simulator};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::poller::{Dongle, Poller, Ticking};

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test(start_paused = true)]
async fn a_simulated_day_is_kept_as_it_was_read() {
    let directory = tempfile::tempdir().unwrap();
    let begin = SystemClock.now() - SignedDuration::try_from(DAY).unwrap();
    let clock = Ticking::from(begin);
    let start = begin.to_zoned_datetime(TimeZone::UTC).datetime();
    let plant = Simulator::new(Options { start, soc: 40.0, ..Options::default() });
    let mut poller = Poller::by(&clock, &Dongle::of(&plant), 60);
    let hold = watch::Sender::new(Hold { standing: Standing::Holding, ..Hold::default() });
    let (history, shutdown) =
        (History::new(directory.path().to_owned(), 730, TimeZone::UTC, clock), CancellationToken::new());
    let source = Source { snapshots: poller.newest.clone(), hold: hold.subscribe() };
    let keeping = tokio::spawn(history.clone().keep(vec![source], shutdown.clone()));

    let (begun, mut read) = (Instant::now(), BTreeMap::<i64, BTreeMap<_, f64>>::new());
    while begun.elapsed() < DAY {
        poller.newest.changed().await.unwrap();
        let now = poller.newest.borrow().clone();
        let Some((at, load)) = now.and_then(|now| Some((now.stats.last_updated?, now.power.load?))) else { continue };
        read.entry(at.as_second().div_euclid(60) * 60).or_default().insert(at, load as f64);
    }
    shutdown.cancel();
    keeping.await.unwrap();
    poller.end().await;

    let (from, to) = (begin.as_second(), (begin + 25.hours()).as_second());
    let load = Series::find("load_power").unwrap();
    let told =
        history.points(plant.inverter_serial(), vec![load], Range { from: from - 60, to, step: 60 }).await.unwrap();
    assert!(told.len() > 1430 && told.len() == read.len(), "{} of {}", told.len(), read.len());
    for (at, values) in told {
        let mean = read[&at].values().sum::<f64>() / read[&at].len() as f64;
        let kept = values[0].unwrap().mean();
        assert!((kept - mean).abs() < 0.1, "{at}: {kept} of {mean}");
    }
    if let Some(folder) = std::env::var_os("GIVTCP_PAST") {
        std::fs::create_dir_all(&folder).unwrap();
        // What was not taken over into it yet lies beside it.
        for beside in ["", "-wal"] {
            let name = format!("{}{beside}", history::FILE);
            let from = directory.path().join(&name);
            if from.exists() {
                std::fs::copy(from, std::path::Path::new(&folder).join(&name)).unwrap();
            }
        }
    }
}
