use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::timeout;

use super::{block_on, check, log, print};
use crate::app;
use crate::catalogue::{Layout, as_json};
use crate::inverter::read_once;
use crate::ipc::{self, Answer, Ask, AskError};
use crate::settings::{self, InverterSettings, Role, Settings, Transport};

/// Long enough to ask for everything that may be behind an inverter, most of which is absent and silent.
const LONGEST: Duration = Duration::from_secs(30);

/// Another program on this machine that reads the inverter once is done soon, and a daemon never.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

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
    log::init(if args.verbose { "debug" } else { "error" });
    let transport =
        Transport::NAMES.iter().find(|(name, _)| *name == args.transport).map_or(Transport::Dongle, |(_, kind)| *kind);
    let port = args.port.unwrap_or_else(|| transport.default_port());
    let settings = Settings { data_dir: data_dir(args.config), ..Settings::default() };
    let each = InverterSettings { name: None, host: args.host, port, transport, role: Role::Auto, lock_backend: None };
    let values = block_on(read(&each, &settings, !args.no_raw))??;
    print(&serde_json::to_string_pretty(&values)?)
}

/// The data directory of the daemon that would run here. Whatever else is wrong with its settings does not matter.
fn data_dir(config: Option<PathBuf>) -> PathBuf {
    let file = config.or_else(check::default_file);
    let named = settings::data_dir(file.as_deref(), check::variables());
    super::run::data_dir(named.unwrap_or_else(|| settings::DATA_DIR.into()))
}

/// A daemon that holds the inverter's link is asked; without one the inverter itself, under the same lock.
async fn read(each: &InverterSettings, settings: &Settings, raw: bool) -> anyhow::Result<serde_json::Value> {
    // What is not found is said by the attempt to connect.
    let at: Vec<SocketAddr> =
        match timeout(settings.link.connect_timeout, lookup_host((each.host.as_str(), each.port))).await {
            Ok(Ok(found)) => found.collect(),
            _ => Vec::new(),
        };
    match ipc::ask(&settings.data_dir, &Ask::Read { at, raw }).await {
        Ok(Answer::Values { values }) => return Ok(values),
        Ok(Answer::NothingRead) => {
            anyhow::bail!("{}:{}: the running givtcp has it, and has read nothing of it yet", each.host, each.port)
        }
        Ok(Answer::Fault { why }) => anyhow::bail!("the running givtcp is of another version: {why}"),
        // Whoever holds it nevertheless is met at the lock.
        Ok(Answer::NotHeld) | Err(AskError::Nobody(_)) => {}
        Err(error) => tracing::debug!("{error}"),
    }
    let mut inverter = app::inverter_at(each, settings)?;
    inverter.every = LONGEST;
    inverter.lock_timeout = LOCK_TIMEOUT;
    let snapshot = read_once(inverter).await.map_err(anyhow::Error::msg)?;
    Ok(as_json(&Layout::new(raw).tree(&snapshot)))
}
