//! Inverters' clocks, set once a day at most where they are off.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::Snapshots;
use crate::clock::Clock;
use crate::control::{By, ClockSetting, Command, Order, Orders, Outcome, is_clock_due};
use crate::frame::Serial;
use crate::settings::Settings;
use crate::store::Store;

/// No clock is set sooner after it was set last.
const A_DAY: Duration = Duration::from_secs(86_400);
/// A clock must have been off for so long: one reading may be wrong.
const STEADY: Duration = Duration::from_secs(60);
/// An order that was not begun is given again after so long.
const AGAIN: Duration = Duration::from_secs(900);
/// A disk gets this long.
const SAVING: Duration = Duration::from_millis(300);

/// What is needed to keep one inverter's clock right.
pub(super) struct Keeping {
    pub snapshots: Snapshots,
    pub orders: Orders,
    pub clock: Arc<dyn Clock>,
    pub zone: TimeZone,
    /// Where it is kept when each clock was set last.
    pub store: Option<Store>,
}

/// From how far off a clock is set; `None` where the settings want none set.
pub(super) fn threshold(settings: &Settings) -> Option<Duration> {
    let control = &settings.control;
    (control.enabled && control.clock_sync.enabled).then_some(control.clock_sync.threshold)
}

impl Keeping {
    /// Sets the clock when it is due, until `stop`.
    pub(super) async fn keep(self, threshold: Duration, stop: CancellationToken) {
        stop.run_until_cancelled(self.follow(threshold)).await;
    }

    async fn follow(mut self, threshold: Duration) {
        let (mut off_since, mut set_at): (Option<Instant>, Option<Instant>) = (None, None);
        while self.snapshots.changed().await.is_ok() {
            let Some(snapshot) = self.snapshots.borrow_and_update().clone() else { continue };
            if !is_clock_due(&snapshot, self.zone.to_datetime(self.clock.now()), threshold) {
                off_since = None;
                continue;
            }
            if off_since.get_or_insert_with(Instant::now).elapsed() < STEADY {
                continue;
            }
            let serial = snapshot.identity.serial;
            // Where nothing can be kept this process remembers it.
            let was_set_here = set_at.is_some_and(|at| at.elapsed() < A_DAY);
            if !was_set_here && !self.was_set_lately(serial).await {
                tracing::info!(
                    inverter.serial = %serial,
                    "its clock is {}s {}: it is set (control.clock_sync)",
                    snapshot.clock_skew.unwrap_or_default().abs(),
                    if snapshot.clock_skew > Some(0) { "ahead" } else { "behind" }
                );
                if self.set(serial).await {
                    set_at = Some(Instant::now());
                }
            }
            off_since = None;
            sleep(AGAIN).await;
        }
    }

    /// Says whether it was begun: what was not wore nothing out.
    async fn set(&self, serial: Serial) -> bool {
        let command = Command::Clock(ClockSetting::Now);
        let order = Order { inverter: Some(serial), ..Order::new(command, By::Program) };
        let report = self.orders.give(order).await;
        if report.registers.is_empty()
            && matches!(report.outcome, Outcome::Refused { .. } | Outcome::Unreachable { .. })
        {
            return false;
        }
        let (Some(store), now) = (self.store.clone(), self.clock.now()) else { return true };
        let saving = spawn_blocking(move || store.save(&name(serial), &now));
        if let Ok(Ok(Err(error))) = timeout(SAVING, saving).await {
            tracing::warn!("data_dir: {error}; after a restart this clock may be set again on the same day");
        }
        true
    }

    async fn was_set_lately(&self, serial: Serial) -> bool {
        let Some(store) = self.store.clone() else { return false };
        let loading = spawn_blocking(move || store.load::<Timestamp>(&name(serial)));
        let Ok(Ok(Ok(Some(last)))) = timeout(SAVING, loading).await else { return false };
        // A wall clock that went back since says nothing of how long ago that was.
        Duration::try_from(self.clock.now().duration_since(last)).is_ok_and(|since| since < A_DAY)
    }
}

fn name(serial: Serial) -> String {
    format!("clocks/{serial}.json")
}

#[cfg(test)]
mod tests;
