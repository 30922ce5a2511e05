//! Which inverter a command is for, and the way to it.

use std::path::PathBuf;
use std::time::Duration;

use super::daemon::{addresses, ask_daemon};
use super::{check, run};
use crate::app::{self, App};
use crate::control::{By, Command, Order, Report};
use crate::ipc::{Answer, Ask, Wanted};
use crate::settings::{self, InverterSettings, Settings, Transport};

/// Without a daemon the inverter is connected to, and asked for all that may be behind it, before it takes a command.
const LONGEST: Duration = Duration::from_secs(90);

/// Which inverter is meant.
#[derive(Debug, clap::Args)]
pub(super) struct TargetArgs {
    /// Host name or address of the dongle or gateway; without it the inverter of the settings, if there is one only.
    #[arg(long, value_parser = crate::settings::parse_host)]
    host: Option<String>,
    /// Its port, where the settings do not name this host; without it the port of the transport.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..), requires = "host")]
    port: Option<u16>,
    /// What is spoken there, where the settings do not name this host.
    #[arg(long, default_value = "dongle", value_parser = ["dongle", "modbus-tcp", "rtu-over-tcp"], requires = "host")]
    transport: String,
    /// The settings file; without it the usual places and the environment.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Why the command line cannot be followed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Wrong {
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Settings(Vec<settings::Fault>),
    #[error("the settings name no inverter: say which with --host")]
    NoInverter,
    #[error("the settings name {} inverters: say which with --host: {}", .0.len(), .0.join(", "))]
    Several(Vec<String>),
}

impl TargetArgs {
    /// The settings that hold for it, and the inverter.
    pub(super) fn find(&self) -> Result<(Settings, InverterSettings), Wrong> {
        let settings = self.settings()?;
        let each = match &self.host {
            Some(host) => self.named(host, &settings)?,
            None => match &settings.inverters[..] {
                [] => return Err(Wrong::NoInverter),
                [only] => only.clone(),
                several => return Err(Wrong::Several(several.iter().map(place).collect())),
            },
        };
        Ok((settings, each))
    }

    /// The settings of the daemon that would run here. Who names a host needs none.
    pub(super) fn settings(&self) -> Result<Settings, Wrong> {
        settings_of(self.config.clone(), self.host.is_some())
    }

    fn named(&self, host: &str, settings: &Settings) -> Result<InverterSettings, Wrong> {
        let is_it = |each: &&InverterSettings| each.host == host && self.port.is_none_or(|port| port == each.port);
        let found: Vec<&InverterSettings> = settings.inverters.iter().filter(is_it).collect();
        if found.len() > 1 {
            return Err(Wrong::Several(found.into_iter().map(place).collect()));
        }
        Ok(found.first().copied().cloned().unwrap_or_else(|| {
            let transport = Transport::NAMES.iter().find(|(name, _)| *name == self.transport);
            let transport = transport.map_or(Transport::Dongle, |(_, kind)| *kind);
            InverterSettings::at(host, self.port, transport)
        }))
    }
}

/// What tells an inverter of the settings from the others.
pub(super) fn place(each: &InverterSettings) -> String {
    format!("{} --port {}", each.host, each.port)
}

/// The settings of the daemon that would run here; where there are none, the defaults if they do as well.
pub(super) fn settings_of(config: Option<PathBuf>, defaults_do: bool) -> Result<Settings, Wrong> {
    let file = config.or_else(check::default_file);
    let mut settings = match check::load(file.as_deref()) {
        Ok(loaded) => loaded.settings,
        Err(_) if file.is_none() && defaults_do => Settings::default(),
        Err(faults) => return Err(Wrong::Settings(faults)),
    };
    settings.data_dir = run::data_dir(settings.data_dir);
    if settings.inverters.is_empty() {
        settings.inverters = app::found_before(&settings);
    }
    Ok(settings)
}

/// Gives commands one after the other: by the daemon that holds the inverter's link, or straight at the inverter under
/// the same locks. Whoever needs a process that ends what it begins, as an override does, needs the daemon.
pub(super) async fn give(
    settings: &Settings,
    each: &InverterSettings,
    wanted: &[Wanted],
) -> anyhow::Result<Vec<Report>> {
    let peer = format!("{}:{}", each.host, each.port);
    let at = addresses(each, settings).await;
    let (mut reports, mut alone) = (Vec::new(), None);
    for wanted in wanted {
        if alone.is_none() {
            match ask_daemon(&peer, settings, &Ask::Order { at: at.clone(), wanted: wanted.clone() }).await? {
                Some(Answer::Report { report }) => {
                    reports.push(report);
                    continue;
                }
                Some(other) => anyhow::bail!("the running givtcp is of another version: it answered {other:?}"),
                None => {}
            }
        }
        let order = Order::parse(&wanted.command, &wanted.payload, By::CommandLine)?;
        let order = Order { dry_run: wanted.dry_run || order.dry_run, ..order };
        if matches!(&order.command, Command::Override(started) if started.minutes.is_some()) && !order.dry_run {
            anyhow::bail!(
                "{peer}: no running givtcp holds this inverter, and without one nothing would end the override; start `givtcp run` first"
            );
        }
        let app = match &mut alone {
            Some(app) => app,
            none => {
                app::refuse_while_held(&Settings { inverters: vec![each.clone()], ..settings.clone() }).await?;
                none.insert(App::start_alone(settings, each.clone())?)
            }
        };
        let Some(orders) = app.orders.first() else { anyhow::bail!("{peer}: nobody takes orders") };
        reports.push(orders.give_within(order, LONGEST).await);
    }
    if let Some(app) = alone {
        app.stop().await;
    }
    Ok(reports)
}
