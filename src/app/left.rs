//! What was begun on inverters that the settings no longer name: it is undone from where the journal says they are.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::control::{By, Command, Order, Orders, Override, orders};
use crate::inverter::{self, Inverter};
use crate::link::Kind;
use crate::overrides::journal::{Journal, Reach, Record, What};
use crate::settings::{InverterSettings, Settings, Transport};

/// So many such inverters are looked after.
const MOST: usize = 8;
/// An inverter is given so long to be found and to be told.
const PATIENCE: Duration = Duration::from_secs(120);
/// Name servers are given so long.
const LOOKING_UP: Duration = Duration::from_secs(5);
/// Between two attempts.
const AGAIN: Duration = Duration::from_secs(60);
/// Whether something is left is looked at so often.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Undoes all of it, and ends when nothing is left, or at `stop`. `make` makes an inverter of settings of its own.
pub(super) async fn undo(
    settings: Settings,
    journal: Journal,
    make: impl Fn(&InverterSettings) -> Inverter,
    stop: CancellationToken,
) {
    let open = journal.open_records().await.records;
    let Some(strangers) = stop.run_until_cancelled(strangers(&settings, open)).await else { return };
    let mut tasks = JoinSet::new();
    for ((host, port), records) in strangers.into_iter().take(MOST) {
        let Some(transport) = records.first().map(|record| transport(record.reach.transport)) else { continue };
        for record in &records {
            tracing::warn!(
                "{host}:{port} is in the settings no more, and {} of inverter {} was begun there: it is undone",
                record.what,
                record.inverter
            );
        }
        let name = Some(format!("{host}:{port}"));
        let each = InverterSettings { name, ..InverterSettings::at(host, Some(port), transport) };
        let (way_in, inbox) = orders();
        let inverter = Inverter { orders: inbox, ..make(&each) };
        tasks.spawn(look_after(inverter, way_in, journal.clone(), records, stop.child_token()));
    }
    while tasks.join_next().await.is_some() {}
}

/// Records of addresses that the settings do not name, by host and port. Names are looked up, as long as that takes: one
/// inverter has several, and who polls it undoes what was begun there.
async fn strangers(settings: &Settings, open: Vec<Record>) -> BTreeMap<(String, u16), Vec<Record>> {
    let mut strangers: BTreeMap<_, Vec<Record>> = BTreeMap::new();
    for record in open {
        let Reach { host, port, .. } = &record.reach;
        if !settings.inverters.iter().any(|each| each.host == *host && each.port == *port) {
            strangers.entry((host.clone(), *port)).or_default().push(record);
        }
    }
    for each in settings.inverters.iter().filter(|_| !strangers.is_empty()).collect::<Vec<_>>() {
        let ours = loop {
            match addresses(&each.host, each.port).await {
                Some(ours) => break ours,
                None => sleep(AGAIN).await,
            }
        };
        let named: Vec<(String, u16)> = strangers.keys().cloned().collect();
        for (host, port) in named {
            if addresses(&host, port).await.is_some_and(|theirs| theirs.iter().any(|address| ours.contains(address))) {
                strangers.remove(&(host, port));
            }
        }
    }
    strangers
}

async fn addresses(host: &str, port: u16) -> Option<Vec<SocketAddr>> {
    let found = timeout(LOOKING_UP, lookup_host((host, port))).await;
    found.ok()?.ok().map(Iterator::collect)
}

const fn transport(kind: Kind) -> Transport {
    match kind {
        Kind::Dongle => Transport::Dongle,
        Kind::ModbusTcp => Transport::ModbusTcp,
        Kind::RtuOverTcp => Transport::RtuOverTcp,
    }
}

async fn look_after(
    inverter: Inverter,
    way_in: Orders,
    journal: Journal,
    records: Vec<Record>,
    stop: CancellationToken,
) {
    let (snapshots, _newest) = watch::channel(None);
    let (_requests, none) = mpsc::channel(1);
    let calling_off = async {
        while is_open(&journal, &records).await {
            for record in &records {
                if let What::Override(name) = record.what {
                    let command = Command::Override(Override { kind: name.into(), minutes: None });
                    let order = Order { inverter: Some(record.inverter), ..Order::new(command, By::Program) };
                    way_in.give_within(order, PATIENCE).await;
                }
            }
            let undone = async {
                while is_open(&journal, &records).await {
                    sleep(LOOK_EVERY).await;
                }
            };
            _ = timeout(AGAIN, undone).await;
        }
        tracing::info!("what was begun on inverters that are in the settings no more is undone");
    };
    let polling = inverter::run(inverter, snapshots, none, stop.clone());
    tokio::join!(polling, async {
        stop.run_until_cancelled(calling_off).await;
        stop.cancel();
    });
}

async fn is_open(journal: &Journal, records: &[Record]) -> bool {
    let open = journal.open_records().await.records;
    open.iter().any(|record| records.iter().any(|ours| ours.id == record.id))
}
