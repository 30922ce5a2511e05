use std::sync::Mutex;

use futures::future::{BoxFuture, FutureExt};

use super::*;
use crate::clock::SystemClock;
use crate::lock::{Lease, LocalLockManager, LockError, Owner};
use crate::plant::tests::fixture::{hybrid, plant_of, snapshot};

/// An inverter that is kept as these say.
pub(crate) struct Kept {
    pub(crate) hold: watch::Sender<Hold>,
    pub(crate) phase: watch::Sender<Phase>,
    pub(crate) members: watch::Sender<usize>,
    pub(crate) snapshots: watch::Sender<Option<Arc<Snapshot>>>,
    pub(crate) vitals: Vitals,
}

impl Kept {
    /// This process has it, and it answers.
    pub(crate) fn new(read: Option<Snapshot>) -> Self {
        let hold = Hold { standing: Standing::Holding, resource: Some("inverter_link:192.168.1.20:8899".into()) };
        let (hold, phase) = (watch::Sender::new(hold), watch::Sender::new(Phase::connected(7)));
        let (members, snapshots) = (watch::Sender::new(1), watch::Sender::new(read.map(Arc::new)));
        let locks: Arc<dyn LockManager> = Arc::new(LocalLockManager::new(Arc::new(SystemClock)));
        let vitals = Vitals {
            name: "garage".to_owned(),
            address: "192.168.1.20:8899".to_owned(),
            transport: "dongle".to_owned(),
            every: Duration::from_secs(15),
            daily_writes: 300,
            link: Arc::default(),
            phase: phase.subscribe(),
            hold: hold.subscribe(),
            locks: Arc::new(Counted::new(locks)),
            statuses: None,
            members: members.subscribe(),
            snapshots: snapshots.subscribe(),
            mqtt: Some(Arc::default()),
            clock: Arc::new(SystemClock),
        };
        Self { hold, phase, members, snapshots, vitals }
    }
}

/// Read so long ago, by the clock on the wall.
pub(crate) fn read_ago(ago: SignedDuration) -> Snapshot {
    let mut read = snapshot(&plant_of(&hybrid()));
    read.stats.last_updated = Some(SystemClock.now() - ago);
    read.stats.online = true;
    read
}

/// Locks of which another process has all, or which cannot be asked.
#[derive(Debug)]
struct Elsewhere(Mutex<Result<Option<Holder>, LockError>>);

impl LockManager for Elsewhere {
    fn acquire<'a>(&'a self, _: &'a str, _: &'a Owner, _: Option<Duration>) -> BoxFuture<'a, Result<Lease, LockError>> {
        std::future::pending().boxed()
    }

    fn holder<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Holder>, LockError>> {
        std::future::ready(self.0.lock().unwrap().clone()).boxed()
    }

    fn force_release<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<bool, LockError>> {
        std::future::ready(Ok(false)).boxed()
    }
}

#[tokio::test]
async fn an_inverter_that_this_process_has_is_ready_while_it_is_read() {
    let kept = Kept::new(None);
    assert!(matches!(kept.vitals.readiness().await, Readiness::Not("unread", _)));
    kept.snapshots.send_replace(Some(Arc::new(read_ago(SignedDuration::from_secs(20)))));
    assert_eq!((kept.vitals.readiness().await, kept.vitals.fresh().is_some()), (Readiness::Polled, true));
    let mut away = read_ago(SignedDuration::from_secs(20));
    away.stats.online = false;
    for silent in [away, read_ago(SignedDuration::from_secs(100))] {
        kept.snapshots.send_replace(Some(Arc::new(silent)));
        assert!(matches!(kept.vitals.readiness().await, Readiness::Not("silent", _)));
        assert!(kept.vitals.fresh().is_none());
    }
}

#[tokio::test]
async fn a_process_that_stands_by_is_ready_as_long_as_another_has_the_inverter() {
    let kept = Kept::new(None);
    let other = Holder {
        owner: "inverter garage".to_owned(),
        pid: 1,
        host: "elsewhere".to_owned(),
        since: SystemClock.now(),
        remaining: None,
    };
    let away = LockError::Backend { resource: "inverter_link".to_owned(), why: "refused".to_owned() };
    for standing in [Standing::Waiting, Standing::Idle] {
        kept.hold.send_modify(|hold| hold.standing = standing);
        for (holder, ready) in [(Ok(Some(other.clone())), true), (Ok(None), false), (Err(away.clone()), false)] {
            let locks = Arc::new(Counted::new(Arc::new(Elsewhere(Mutex::new(holder)))));
            let vitals = Vitals { locks, ..kept.vitals.clone() };
            assert_eq!(vitals.readiness().await.is_ready(), ready, "{standing:?}");
        }
    }
    // One of which this process never took its turn is another's where there are others.
    kept.hold.send_replace(Hold::default());
    assert!(!kept.vitals.readiness().await.is_ready());
    kept.members.send_replace(2);
    assert_eq!(kept.vitals.readiness().await, Readiness::Standby);
}

#[tokio::test(start_paused = true)]
async fn the_state_of_the_link_says_since_when() {
    let kept = Kept::new(None);
    tokio::time::advance(Duration::from_secs(3600)).await;
    let (state, since) = kept.vitals.link_state();
    let ago = SystemClock.now().duration_since(since.unwrap()).as_secs();
    assert!(state == "connected" && (3599..=3601).contains(&ago), "{state} {ago}");
    kept.phase.send_replace(Phase::new(Doing::Resting));
    assert_eq!(kept.vitals.link_state().0, "resting");
    kept.hold.send_modify(|hold| hold.standing = Standing::Waiting);
    assert_eq!(kept.vitals.link_state(), ("standby", None));
}
