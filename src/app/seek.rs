//! Which inverters there are, where the settings name none: the local network is searched until there is one.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::{locks, open_store};
use crate::backoff::Backoff;
use crate::discovery::{self, Found, Plan, Search, Verdict};
use crate::frame::Serial;
use crate::link::Kind;
use crate::lock::LockManager;
use crate::settings::{InverterSettings, Settings, Transport};
use crate::store::Store;

/// Where it is kept which inverters were found.
const KEPT: &str = "found";
/// The rest after the first search that found none is at most this,
const FIRST_REST: Duration = Duration::from_secs(60);
/// and no rest is longer.
const LONGEST_REST: Duration = Duration::from_secs(600);

/// An inverter that was found once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    serial: String,
    host: String,
}

/// Searches until an inverter is found, with growing rests, and tells of each search that found none once. Inverters that
/// were found by an earlier run are among them, though they may not answer now: they are looked for as long as it takes.
/// `advice` says what to do where none is found.
///
/// # Errors
/// There can be no locks where the settings want them.
pub async fn seek(settings: &Settings, advice: &str) -> anyhow::Result<Vec<InverterSettings>> {
    let store = open_store(settings);
    let search = search(settings)?;
    let mut backoff = Backoff::new(FIRST_REST, fastrand::u64(..));
    let mut said = String::new();
    loop {
        let line = match plan(settings).await {
            Ok(plan) => {
                tracing::debug!("searching for inverters in {}", plan.searched());
                let found = discovery::search(&plan, &search).await;
                for found in &found {
                    match found.verdict {
                        Verdict::Inverter { .. } => tracing::info!("found {found}"),
                        _ => tracing::debug!("{found}"),
                    }
                }
                let all = with_kept(&found, kept(store.as_ref()));
                if !all.is_empty() {
                    keep(store.as_ref(), &all);
                    return Ok(all.iter().filter_map(as_settings).collect());
                }
                discovery::nothing_found(&plan, search.port, &found, advice)
            }
            Err(why) => {
                let all = kept(store.as_ref());
                if !all.is_empty() {
                    return Ok(all.iter().filter_map(as_settings).collect());
                }
                format!("no inverter found: {why}; {advice}")
            }
        };
        let rest = backoff.next_rest(LONGEST_REST);
        if line == said {
            tracing::debug!("{line}; searching again in {:.0}s", rest.as_secs_f64());
        } else {
            tracing::warn!("{line}; searching again in {:.0}s, and on", rest.as_secs_f64());
            said = line;
        }
        sleep(rest).await;
    }
}

/// The inverters that an earlier search found, where the settings name none.
pub fn found_before(settings: &Settings) -> Vec<InverterSettings> {
    // A directory that is not there is not made for it.
    let store = settings.data_dir.is_dir().then(|| open_store(settings)).flatten();
    kept(store.as_ref()).iter().filter_map(as_settings).collect()
}

/// What is searched without being asked; or why that is not known.
pub(super) async fn plan(settings: &Settings) -> Result<Plan, String> {
    Ok(Plan::unasked(&discovery::networks(settings).await?))
}

/// A search for dongles under the locks of these settings.
///
/// # Errors
/// There can be no locks where the settings want them.
pub fn search(settings: &Settings) -> anyhow::Result<Search> {
    let locks = locks::one(settings)?;
    Ok(search_under(settings, locks, Kind::Dongle, Transport::Dongle.default_port()))
}

pub(super) fn search_under(
    settings: &Settings,
    locks: std::sync::Arc<dyn LockManager>,
    kind: Kind,
    port: u16,
) -> Search {
    Search { port, kind, timeout: settings.link.timeout, locks }
}

/// What was found now, and what was found once and is not seen now, in the order of their addresses.
fn with_kept(found: &[Found], kept: Vec<Kept>) -> Vec<Kept> {
    let mut all: Vec<Kept> = found
        .iter()
        .filter_map(|found| match found.verdict {
            Verdict::Inverter { serial, .. } => {
                Some(Kept { serial: serial.to_string(), host: found.at.ip().to_string() })
            }
            _ => None,
        })
        .collect();
    // One that is reached twice, as by two dongles, is one.
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|inverter| seen.insert(inverter.serial.clone()));
    for old in kept {
        // Somebody else has its address by now: it is found again when it is back.
        let is_replaced = all.iter().any(|new| new.host == old.host);
        if !is_replaced && seen.insert(old.serial.clone()) {
            tracing::info!("inverter {} was found earlier at {}, and does not answer there now", old.serial, old.host);
            all.push(old);
        }
    }
    all.sort_by_key(|inverter| inverter.host.parse::<IpAddr>().ok());
    all
}

fn kept(store: Option<&Store>) -> Vec<Kept> {
    let loaded = store.and_then(|store| {
        store.load::<Vec<Kept>>(KEPT).inspect_err(|error| tracing::warn!("data_dir: {error}")).ok().flatten()
    });
    loaded.unwrap_or_default()
}

fn keep(store: Option<&Store>, found: &[Kept]) {
    if let Some(store) = store
        && kept(Some(store)) != found
        && let Err(error) = store.save(KEPT, found)
    {
        tracing::warn!("data_dir: {error}");
    }
}

fn as_settings(kept: &Kept) -> Option<InverterSettings> {
    let serial: Serial = kept.serial.parse().ok().filter(Serial::is_plausible)?;
    let host = crate::settings::parse_host(&kept.host).ok()?;
    Some(InverterSettings { serial: Some(serial), ..InverterSettings::at(host, None, Transport::Dongle) })
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::plant::Model;

    fn found(last: u8, serial: Option<&str>) -> Found {
        let at = SocketAddr::from(([192, 168, 1, last], 8899));
        let verdict = match serial {
            Some(serial) => Verdict::Inverter { serial: serial.parse().unwrap(), model: Model::HybridGen1 },
            None => Verdict::Taken { by: "another".to_owned() },
        };
        Found { at, verdict }
    }

    fn old(serial: &str, last: u8) -> Kept {
        Kept { serial: serial.to_owned(), host: format!("192.168.1.{last}") }
    }

    #[test]
    fn what_was_found_once_stays_until_another_has_its_address() {
        let now =
            [found(30, Some("SA2114G002")), found(4, Some("SA2114G001")), found(5, None), found(6, Some("SA2114G001"))];
        let earlier = vec![old("SA2114G001", 9), old("SA2114G003", 20), old("SA2114G004", 30)];
        let all = with_kept(&now, earlier);
        assert_eq!(all, [old("SA2114G001", 4), old("SA2114G003", 20), old("SA2114G002", 30)]);
    }

    #[test]
    fn they_are_kept_over_a_restart_and_nonsense_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let settings = Settings { data_dir: directory.path().to_owned(), ..Settings::default() };
        assert!(found_before(&settings).is_empty());
        let nonsense = Kept { serial: "../../x".to_owned(), host: "192.168.1.9".to_owned() };
        keep(Some(&Store::open(directory.path()).unwrap()), &[old("SA2114G001", 4), nonsense]);
        let before = found_before(&settings);
        assert_eq!(before.len(), 1);
        assert_eq!((before[0].host.as_str(), before[0].port), ("192.168.1.4", 8899));
        assert_eq!(before[0].serial, "SA2114G001".parse().ok());
    }
}
