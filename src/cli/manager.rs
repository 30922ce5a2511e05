//! What the service manager is told, where it has asked to be told: systemd, with `Type=notify` and `WatchdogSec=`. Its
//! variables `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` are read here and by sd-notify alone; without them nothing
//! is told.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::task::AbortOnDropHandle;

use crate::lane::Lane;
use crate::vitals::Vitals;

/// It is told at least so often how things go.
const EVERY: Duration = Duration::from_secs(10);
/// It takes what it is told within this, or is not told.
const PATIENCE: Duration = Duration::from_secs(1);

/// The end waits no longer for it.
const AT_THE_END: Duration = Duration::from_millis(200);

/// Whoever started the program and wants to know.
#[derive(Clone, Debug)]
pub(super) struct Manager {
    lane: Lane,
    /// Between two signs of life.
    every: Duration,
}

impl Manager {
    /// `None` where nobody wants to know.
    pub(super) fn of_surroundings() -> Option<Self> {
        std::env::var_os("NOTIFY_SOCKET")?;
        // Half of what it waits for, as sd_watchdog_enabled(3) recommends.
        let every = sd_notify::watchdog_enabled().map_or(EVERY, |longest| (longest / 2).min(EVERY));
        Some(Self { lane: Lane::new(), every: every.max(Duration::from_millis(1)) })
    }

    /// Tells that the program has started, and from then on that it lives and how it goes, for as long as what is returned
    /// is kept. That comes from the one thread that does everything else too: if it hangs, nothing comes.
    pub(super) fn started(&self, vitals: Vec<Vitals>) -> AbortOnDropHandle<()> {
        let manager = self.clone();
        AbortOnDropHandle::new(tokio::spawn(async move {
            let mut due = interval(manager.every);
            due.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut first = true;
            loop {
                due.tick().await;
                manager.tell(std::mem::take(&mut first), NotifyState::Watchdog, how_it_goes(&vitals)).await;
            }
        }))
    }

    /// Tells that the program stops.
    pub(super) async fn stopping(&self) {
        let telling = self.tell(false, NotifyState::Stopping, "stopping".to_owned());
        if timeout(AT_THE_END, telling).await.is_err() {
            tracing::debug!("the service manager was not told that the program stops");
        }
    }

    async fn tell(&self, is_ready: bool, state: NotifyState<'static>, status: String) {
        let telling = move || {
            let ready = is_ready.then_some(NotifyState::Ready);
            let all: Vec<NotifyState<'_>> = ready.into_iter().chain([state, NotifyState::Status(&status)]).collect();
            sd_notify::notify(&all)
        };
        match self.lane.run(PATIENCE, telling).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!("the service manager takes nothing: {error}"),
            Err(error) => tracing::debug!("the service manager takes nothing: {error}"),
        }
    }
}

/// In one line, for `systemctl status`.
fn how_it_goes(vitals: &[Vitals]) -> String {
    let silent: Vec<&str> = vitals.iter().filter(|one| one.is_missed()).map(|one| one.name.as_str()).collect();
    match (vitals.len(), silent.len()) {
        (0, _) => "looking for inverters".to_owned(),
        (1, 0) => "the inverter is kept".to_owned(),
        (all, 0) => format!("all {all} inverters are kept"),
        _ => format!("no answer from {}", silent.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::fleet::Standing;
    use crate::vitals::tests::{Kept, read_ago};

    #[test]
    fn the_status_names_who_does_not_answer_and_nobody_whom_another_process_has() {
        let new = Kept::new(Some(read_ago(SignedDuration::ZERO)));
        let old = Kept::new(Some(read_ago(SignedDuration::from_hours(1))));
        let elsewhere = Kept::new(None);
        elsewhere.hold.send_modify(|hold| hold.standing = Standing::Waiting);
        let of = |all: &[&Kept]| how_it_goes(&all.iter().map(|kept| kept.vitals.clone()).collect::<Vec<_>>());
        assert_eq!(of(&[]), "looking for inverters");
        assert_eq!(of(&[&new]), "the inverter is kept");
        assert_eq!(of(&[&new, &elsewhere]), "all 2 inverters are kept");
        assert_eq!(of(&[&new, &old]), "no answer from garage");
    }
}
