use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::daemon::{addresses, ask_daemon, data_dir, holder, lock_timeout, say_waiting};
use super::{block_on, log, print};
use crate::app;
use crate::catalogue::{Layout, as_json};
use crate::inverter::read_once;
use crate::ipc::{Answer, Ask};
use crate::settings::{InverterSettings, Settings, Transport};

/// Long enough to ask for everything that may be behind an inverter, most of which is absent and silent.
const LONGEST: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
pub(super) struct ReadArgs {
    /// Host name or address of the dongle or gateway.
    #[arg(long, value_parser = crate::settings::parse_host)]
    host: String,
    /// Its port: 8899 for a dongle, 502 for a gateway.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// What is spoken there.
    #[arg(long, default_value = "dongle", value_parser = ["dongle", "modbus-tcp", "rtu-over-tcp"])]
    transport: String,
    /// The settings file of the givtcp that may run here; without it the usual places and the environment.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Leave out the registers.
    #[arg(long)]
    no_raw: bool,
    /// Say more of what goes on.
    #[arg(long)]
    verbose: bool,
}

pub(super) fn run(args: ReadArgs) -> anyhow::Result<ExitCode> {
    log::init(if args.verbose { "debug" } else { log::OF_COMMANDS });
    let transport =
        Transport::NAMES.iter().find(|(name, _)| *name == args.transport).map_or(Transport::Dongle, |(_, kind)| *kind);
    let mut settings = Settings { data_dir: data_dir(args.config.clone()), ..Settings::default() };
    settings.locks.timeout = lock_timeout(args.config);
    let each = InverterSettings::at(args.host, args.port, transport);
    let values = block_on(read(&each, &settings, !args.no_raw))??;
    print(&serde_json::to_string_pretty(&values)?)
}

/// What is left of a wait in whole seconds, where asking the daemon has taken any.
fn rest_of(limit: Duration, elapsed: Duration) -> Duration {
    if elapsed < Duration::from_secs(1) { limit } else { Duration::from_secs(limit.saturating_sub(elapsed).as_secs()) }
}

/// A daemon that holds the inverter's link is asked; without one the inverter itself, under the same lock.
async fn read(each: &InverterSettings, settings: &Settings, raw: bool) -> anyhow::Result<serde_json::Value> {
    let (peer, begun) = (format!("{}:{}", each.host, each.port), Instant::now());
    let at = addresses(each, settings).await;
    match ask_daemon(&peer, settings, &Ask::Read { at: at.clone(), raw }).await? {
        None => {}
        Some(Answer::Values { values }) => return Ok(values),
        Some(other) => anyhow::bail!("the running givtcp is of another version: it answered {other:?}"),
    }
    let mut inverter = app::inverter_at(each, settings)?;
    inverter.every = LONGEST;
    inverter.lock_timeout = rest_of(settings.locks.timeout, begun.elapsed());
    // Of a process that the daemon does not know of, or of one without a socket.
    let locks = Arc::clone(&inverter.locks);
    if let Some(holder) = holder(&*locks, &at).await {
        say_waiting(&peer, &holder, inverter.lock_timeout);
    }
    match read_once(inverter).await {
        Ok(snapshot) => Ok(as_json(&Layout::new(raw).tree(&snapshot))),
        Err(error) => match holder(&*locks, &at).await {
            Some(holder) => anyhow::bail!("{error}; {holder} has it"),
            None => anyhow::bail!(error),
        },
    }
}
