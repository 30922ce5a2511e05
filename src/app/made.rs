//! What settings are made into: inverters, sessions, prices, a store.

use std::sync::Arc;

use anyhow::Context;
use jiff::tz::TimeZone;

use super::{broker, locks};
use crate::clock::{Clock, SystemClock};
use crate::control::Policy;
use crate::event::Events;
use crate::influx;
use crate::inverter::Inverter;
use crate::link::{self, Connector, Moves, MovingConnector, Tap, Tapped, TcpConnector};
use crate::lock::{FileLockManager, LocalLockManager, LockManager};
use crate::mqtt::{self, SessionSettings};
use crate::plant::tariff::{Band, Mode, Period, Prices};
use crate::settings::{
    InfluxSettings, InverterSettings, OnStop, RateSettings, RatesMode, RatesSettings, Settings, Transport,
};
use crate::store::Store;

pub(super) fn inverter(
    each: &InverterSettings,
    settings: &Settings,
    zone: &TimeZone,
    locks: Arc<dyn LockManager>,
    clock: Arc<dyn Clock>,
    store: Option<Store>,
    events: Events,
) -> Inverter {
    let name = each.name.as_deref().unwrap_or(&each.host);
    Inverter {
        serial: each.serial,
        kind: kind(each.transport),
        link: link::Options {
            gap: settings.link.gap,
            jitter: settings.link.jitter,
            connect_timeout: settings.link.connect_timeout,
            seed: fastrand::u64(..),
        },
        timeout: settings.link.timeout,
        backoff_max: settings.link.backoff_max,
        every: settings.poll.every,
        settings_every: settings.poll.settings_every,
        lock_timeout: settings.locks.timeout,
        zone: zone.clone(),
        prices: Arc::new(prices(&settings.rates)),
        policy: Policy {
            enabled: settings.control.enabled,
            dry_run: settings.control.dry_run,
            daily_writes: settings.control.daily_writes,
            export_floor: each.control.export_floor.unwrap_or(settings.control.export_floor),
            undo_all_at_stop: each.control.on_stop.unwrap_or(settings.control.on_stop) == OnStop::Undo,
            stop_timeout: each.control.stop_timeout.unwrap_or(settings.control.stop_timeout),
        },
        store,
        events,
        ..Inverter::new(name, connector(each, &Moves::default(), &Tap::default(), &clock), locks, Arc::clone(&clock))
    }
}

pub(super) fn connector(
    each: &InverterSettings,
    moves: &Moves,
    tap: &Tap,
    clock: &Arc<dyn Clock>,
) -> Box<dyn Connector> {
    let home = TcpConnector { host: each.host.clone(), port: each.port };
    let connector = Box::new(MovingConnector { home, moves: moves.clone() });
    Box::new(Tapped { connector, tap: tap.clone(), clock: Arc::clone(clock) })
}

pub(super) const fn kind(transport: Transport) -> link::Kind {
    match transport {
        Transport::Dongle => link::Kind::Dongle,
        Transport::ModbusTcp => link::Kind::ModbusTcp,
        Transport::RtuOverTcp => link::Kind::RtuOverTcp,
    }
}

fn prices(rates: &RatesSettings) -> Prices {
    let band = |rate: RateSettings| Band { rate: rate.rate, start: rate.start };
    Prices {
        mode: match rates.mode {
            RatesMode::Clock => Mode::Clock,
            RatesMode::External => Mode::External,
        },
        day: band(rates.day),
        night: band(rates.night),
        export_rate: rates.export_rate,
        periods: rates
            .periods
            .iter()
            .map(|period| Period { name: period.name.as_str().into(), band: band(period.rate) })
            .collect(),
    }
}

/// One inverter as the command line names it, under the locks of this machine; where they cannot be had, which is no
/// reason not to read, under none.
pub fn inverter_at(each: &InverterSettings, settings: &Settings) -> anyhow::Result<Inverter> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let locks: Arc<dyn LockManager> = match FileLockManager::open(&settings.data_dir, Arc::clone(&clock)) {
        Ok(locks) => Arc::new(locks),
        Err(error) => {
            tracing::warn!("{error}; other programs are not kept off meanwhile");
            Arc::new(LocalLockManager::new(Arc::clone(&clock)))
        }
    };
    Ok(inverter(each, settings, &time_zone(settings)?, locks, clock, None, Events::new()))
}

/// The InfluxDB that is told what is read, if one is.
///
/// # Errors
/// Its address is none, or the file of its authorities cannot be read.
pub(super) fn influx(settings: &Settings) -> Result<Option<influx::Target>, influx::TargetError> {
    let InfluxSettings { enabled, url, token, org, bucket, ca_file } = &settings.influx;
    enabled.then(|| influx::Target::new(url, org, bucket, token.clone(), ca_file.as_deref())).transpose()
}

/// What is kept there is found out again without it, so that a failure is said and survived.
pub(super) fn open_store(settings: &Settings) -> Option<Store> {
    Store::open(&settings.data_dir).map_err(|error| tracing::warn!("data_dir: {error}")).ok()
}

pub(super) fn time_zone(settings: &Settings) -> anyhow::Result<TimeZone> {
    match &settings.timezone {
        None => Ok(TimeZone::system()),
        Some(name) => TimeZone::get(name).with_context(|| format!("timezone: not known to this system: {name}")),
    }
}

pub(super) fn session_settings(settings: &Settings, events: &Events) -> anyhow::Result<SessionSettings> {
    let mqtt = &settings.mqtt;
    let files = &mqtt.tls;
    let tls = (files.enabled)
        .then(|| mqtt::tls_config(files.ca_file.as_deref(), files.cert_file.as_deref(), files.key_file.as_deref()))
        .transpose()?;
    Ok(SessionSettings {
        username: mqtt.username.clone(),
        password: mqtt.password.clone(),
        root: mqtt.root.clone(),
        retain: mqtt.retain,
        qos: mqtt.qos,
        republish_every: mqtt.republish_every,
        will_delay: if locks::in_redis(settings) {
            mqtt.will_delay.max(settings.locks.life * 2)
        } else {
            mqtt.will_delay
        },
        tls,
        known_by: broker::known_by(settings),
        events: events.clone(),
        seed: fastrand::u64(..),
        ..SessionSettings::new(mqtt.host.clone(), mqtt.port)
    })
}
