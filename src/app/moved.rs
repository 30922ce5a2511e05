//! An inverter whose serial number is known is looked for when it has not answered for a while: routers give addresses
//! anew.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{Snapshots, seek};
use crate::backoff::Backoff;
use crate::discovery::{self, Plan, Search, Verdict};
use crate::fleet::Standing;
use crate::frame::Serial;
use crate::inverter::Hold;
use crate::link::Moves;
use crate::settings::Settings;

/// An inverter that is silent for so long, while it is this process that asks it, may have moved.
const AFTER: Duration = Duration::from_secs(120);
/// How often it is looked whether it answers.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The rest after a search that did not find it is at most this at first,
const FIRST_REST: Duration = Duration::from_secs(900);
/// and no rest is longer.
const LONGEST_REST: Duration = Duration::from_secs(3600);

/// An inverter that may move.
pub(super) struct Movable {
    pub name: String,
    pub serial: Serial,
    /// What this process does about it.
    pub hold: watch::Receiver<Hold>,
    /// What was read of it.
    pub snapshots: Snapshots,
    /// Where it is told that it has moved.
    pub moves: Moves,
}

/// Looks for an inverter; `None` where it is not found.
pub(super) type Looking = Box<dyn Fn(Serial) -> BoxFuture<'static, Option<SocketAddr>> + Send + Sync>;

/// Looks for it in the networks of this machine and around where it was.
pub(super) fn looking(settings: &Settings, search: Search, host: &str) -> Looking {
    let (settings, host) = (Arc::new(settings.clone()), host.parse::<Ipv4Addr>().ok());
    Box::new(move |serial| {
        let (settings, search) = (Arc::clone(&settings), search.clone());
        Box::pin(async move {
            let plan = seek::plan(&settings).await.inspect_err(|why| tracing::debug!("{why}")).unwrap_or_default();
            let plan: Plan = match host {
                Some(host) => plan.and_around(host),
                None => plan,
            };
            let found = discovery::search(&plan, &search).await;
            let is_it = |found: &&discovery::Found| matches!(found.verdict, Verdict::Inverter { serial: there, .. } if there == serial);
            found.iter().find(is_it).map(|found| found.at)
        })
    })
}

/// So long it must be silent. Debug builds are told otherwise by `TEST_GIVTCP_MOVED_AFTER`, in seconds, for tests with whole
/// processes.
fn after() -> Duration {
    #[cfg(debug_assertions)]
    if let Some(seconds) = std::env::var("TEST_GIVTCP_MOVED_AFTER").ok().and_then(|text| text.parse().ok()) {
        return Duration::from_secs(seconds);
    }
    AFTER
}

impl Movable {
    /// Looks for it whenever it is away, with long rests, until `shutdown`.
    pub(super) async fn keep(self, look: Looking, shutdown: CancellationToken) {
        shutdown.run_until_cancelled(self.follow(look, after())).await;
    }

    async fn follow(self, look: Looking, after: Duration) {
        let Self { name, serial, hold, snapshots, moves } = self;
        let mut backoff = Backoff::new(FIRST_REST, fastrand::u64(..));
        let (mut silent, mut patience) = (Duration::ZERO, after);
        loop {
            sleep(LOOK_EVERY.min(after)).await;
            let answers = snapshots.borrow().as_ref().is_some_and(|newest| newest.stats.online);
            if answers {
                backoff.reset();
                (silent, patience) = (Duration::ZERO, after);
                continue;
            }
            // Whether it answers another process is not known here.
            if hold.borrow().standing != Standing::Holding {
                continue;
            }
            silent += LOOK_EVERY.min(after);
            if silent < patience {
                continue;
            }
            tracing::debug!(inverter.name = %name, "does not answer for a while: {serial} is looked for in the network");
            silent = Duration::ZERO;
            if let Some(at) = look(serial).await {
                tracing::warn!(
                    inverter.name = %name,
                    "inverter {serial} has moved to {at}; let the router always give it one address, or change inverters[].host"
                );
                moves.found_at(at);
                patience = after;
            } else {
                patience = backoff.next_rest(LONGEST_REST).max(after);
                tracing::info!(
                    inverter.name = %name,
                    "inverter {serial} does not answer, and was not found elsewhere; looked for again in {:.0} minutes",
                    patience.as_secs_f64() / 60.0
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::future::FutureExt;
    use tokio::task::JoinHandle;
    use tokio::time::Instant;

    use super::*;
    use crate::plant::Snapshot;
    use crate::plant::tests::fixture::{hybrid, plant_of, snapshot};

    struct House {
        hold: watch::Sender<Hold>,
        snapshots: watch::Sender<Option<Arc<Snapshot>>>,
        moves: Moves,
        looked: Arc<Mutex<Vec<Duration>>>,
        there: Arc<Mutex<Option<SocketAddr>>>,
        task: JoinHandle<()>,
    }

    impl House {
        fn new() -> Self {
            let (hold, holding) = watch::channel(Hold { standing: Standing::Holding, resource: None });
            let (snapshots, newest) = watch::channel(None);
            let (moves, begun) = (Moves::default(), Instant::now());
            let (looked, there) = (Arc::<Mutex<Vec<Duration>>>::default(), Arc::<Mutex<Option<SocketAddr>>>::default());
            let movable = Movable {
                name: "garage".to_owned(),
                serial: "SA2114G047".parse().unwrap(),
                hold: holding,
                snapshots: newest,
                moves: moves.clone(),
            };
            let (looks, place) = (Arc::clone(&looked), Arc::clone(&there));
            let look: Looking = Box::new(move |_| {
                looks.lock().unwrap().push(begun.elapsed());
                std::future::ready(*place.lock().unwrap()).boxed()
            });
            let task = tokio::spawn(movable.follow(look, AFTER));
            Self { hold, snapshots, moves, looked, there, task }
        }

        fn answers(&self, online: bool) {
            let mut read = snapshot(&plant_of(&hybrid()));
            read.stats.online = online;
            self.snapshots.send_replace(Some(Arc::new(read)));
        }

        fn looked(&self) -> usize {
            self.looked.lock().unwrap().len()
        }
    }

    impl Drop for House {
        fn drop(&mut self) {
            self.task.abort();
        }
    }

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test(start_paused = true)]
    async fn one_that_answers_is_never_looked_for_and_one_that_does_not_with_long_rests() {
        let house = House::new();
        house.answers(true);
        sleep(HOUR * 24).await;
        assert_eq!(house.looked(), 0);
        house.answers(false);
        sleep(AFTER + LOOK_EVERY * 2).await;
        assert_eq!(house.looked(), 1, "after two minutes");
        sleep(HOUR * 24).await;
        let looked = house.looked();
        assert!((24..=120).contains(&looked), "{looked} times in a day");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_another_process_has_is_not_looked_for() {
        let house = House::new();
        house.hold.send_replace(Hold { standing: Standing::Waiting, resource: None });
        sleep(HOUR * 24).await;
        assert_eq!(house.looked(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn where_it_is_found_it_is_asked_from_then_on() {
        let house = House::new();
        let at = SocketAddr::from(([192, 168, 1, 77], 8899));
        *house.there.lock().unwrap() = Some(at);
        assert_eq!(house.moves.now(), None);
        sleep(AFTER + LOOK_EVERY * 2).await;
        assert_eq!((house.moves.now(), house.looked()), (Some(at), 1));
        house.answers(true);
        sleep(HOUR).await;
        assert_eq!(house.looked(), 1);
    }
}
