//! Inverters that the settings name no more: what was told of them, and the values that the broker keeps, are taken back.
//!
//! Those that were ever told of have an index in `data_dir`. Which of them are gone is only known once the serial number of
//! each inverter of the settings is: one whose address has changed is not gone.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{Snapshots, announcer};
use crate::frame::Serial;
use crate::homeassistant;
use crate::lane::Lane;
use crate::mqtt::{Cleared, SessionSettings, clear};
use crate::settings::Settings;
use crate::store::Store;

/// So many are looked after at a start.
const MOST: usize = 64;
/// So many indices are looked at.
const MOST_KEPT: usize = 1024;
/// A disk gets this long.
const READING: Duration = Duration::from_secs(5);
/// Between the first two attempts at a broker; later twice as long each, up to the other.
const AGAIN: Duration = Duration::from_secs(60);
const AT_LAST: Duration = Duration::from_secs(3600);

/// Takes back what is told of inverters that are gone, and of nothing else.
pub(super) struct Departed {
    pub(super) settings: Settings,
    pub(super) session: SessionSettings,
    pub(super) store: Store,
    /// Of each inverter, in the order of the settings.
    pub(super) snapshots: Vec<Snapshots>,
}

// === impl Departed ===

impl Departed {
    /// Until nothing is left, or `stop`.
    pub(super) async fn take_back(self, stop: CancellationToken) {
        stop.run_until_cancelled(self.all()).await;
    }

    async fn all(mut self) {
        let lane = Lane::new();
        let store = self.store.clone();
        let listed = lane.run(READING, move || store.names(announcer::DIRECTORY, MOST_KEPT)).await;
        let names =
            match listed.map_err(|error| error.to_string()).map(|names| names.map_err(|error| error.to_string())) {
                Ok(Ok(names)) => names,
                Ok(Err(error)) | Err(error) => {
                    tracing::warn!("data_dir: {error}; what was told of inverters that are gone stays at the broker");
                    return;
                }
            };
        let mut gone: BTreeSet<Serial> = names.iter().filter_map(|name| name.parse().ok()).collect();
        // Nothing is waited for where nobody can be gone.
        gone.retain(|serial| !self.settings.inverters.iter().any(|each| each.serial == Some(*serial)));
        if gone.is_empty() {
            return;
        }
        let Some(present) = self.present().await else { return };
        for serial in gone.difference(&present).take(MOST) {
            if self.take_back_one(*serial).await {
                let (store, name) = (self.store.clone(), announcer::name(*serial));
                let removed = lane.run(READING, move || store.remove(&name)).await;
                tracing::debug!(inverter.serial = %serial, "what was told of it is forgotten: {removed:?}");
            }
        }
    }

    /// The serial numbers of all inverters of the settings, as soon as each is known.
    async fn present(&mut self) -> Option<BTreeSet<Serial>> {
        let mut present: BTreeSet<Serial> = self.settings.inverters.iter().filter_map(|each| each.serial).collect();
        for (each, snapshots) in self.settings.inverters.iter().zip(&mut self.snapshots) {
            if each.serial.is_none() {
                let seen = snapshots.wait_for(Option::is_some).await.ok()?;
                present.extend(seen.as_ref().map(|snapshot| snapshot.identity.serial));
            }
        }
        Some(present)
    }

    /// Whether nothing of it is left.
    async fn take_back_one(&self, serial: Serial) -> bool {
        let (prefix, root) = (&self.settings.homeassistant.prefix, &self.settings.mqtt.root);
        let filters = homeassistant::kept_topics(prefix);
        let is_told = |topic: &str, payload: &[u8]| homeassistant::is_left_over(prefix, root, serial, topic, payload);
        let (mut emptied, mut rest) = (0, AGAIN);
        loop {
            match clear(&self.session, serial, &filters, is_told).await {
                // A broker may not have sent all that it keeps.
                Ok(Cleared::Emptied(some)) if some > 0 => emptied += some,
                Ok(Cleared::Emptied(_)) => {
                    tracing::info!(
                        "inverter {serial} is in the settings no more: {emptied} topics of it are taken back"
                    );
                    return true;
                }
                Ok(Cleared::InUse) => {
                    tracing::info!(
                        "inverter {serial} is in the settings no more, but somebody publishes it: it is left"
                    );
                    return false;
                }
                Err(why) => {
                    if rest == AGAIN {
                        tracing::warn!(
                            "inverter {serial} is in the settings no more, and the broker {why}; trying again"
                        );
                    }
                    sleep(rest).await;
                    rest = (rest * 2).min(AT_LAST);
                }
            }
        }
    }
}
