use std::net::SocketAddr;

use super::*;
use crate::clock::{Clock, SystemClock};
use crate::link::{Connecting, Connector};
use crate::lock::{LocalLockManager, LockManager};

/// What it is asked for shows a fault of the program.
struct Faulty;

impl Connector for Faulty {
    fn connect(&self, _: Option<SocketAddr>) -> Connecting<'_> {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            panic!("a fault")
        })
    }

    fn peer(&self) -> String {
        "faulty".to_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn an_inverter_whose_task_failed_is_not_held() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let locks: Arc<dyn LockManager> = Arc::new(LocalLockManager::new(Arc::clone(&clock)));
    let (standing, mut hold) = watch::channel(Hold::default());
    let (its_standing, its_locks) = (standing.clone(), Arc::clone(&locks));
    let make = move || Inverter {
        standing: its_standing.clone(),
        ..Inverter::new("faulty", Box::new(Faulty), Arc::clone(&its_locks), Arc::clone(&clock))
    };
    let (snapshots, _newest) = watch::channel(None);
    let supervising =
        AbortOnDropHandle::new(tokio::spawn(supervise(make, snapshots, standing, CancellationToken::new())));
    for _ in 0..3 {
        hold.wait_for(|hold| hold.standing == Standing::Holding).await.unwrap();
        let lost =
            tokio::time::timeout(Duration::from_millis(1_100), hold.wait_for(|hold| hold.standing == Standing::Idle));
        let resource = lost.await.expect("it is told at once").unwrap().resource.clone().unwrap();
        assert_eq!(locks.holder(&resource).await.unwrap(), None, "it is another's to have");
    }
    drop(supervising);
}
