use std::process::ExitCode;
use std::time::Duration;

use super::{block_on, log, print};
use crate::app;
use crate::catalogue::{Layout, as_json};
use crate::inverter::read_once;
use crate::settings::{InverterSettings, Role, Settings, Transport};

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
    let each = InverterSettings { name: None, host: args.host, port, transport, role: Role::Auto, lock_backend: None };
    let mut inverter = app::inverter_at(&each, &Settings::default())?;
    inverter.every = LONGEST;
    let snapshot = block_on(read_once(inverter))?.map_err(anyhow::Error::msg)?;
    let tree = Layout::new(!args.no_raw).tree(&snapshot);
    print(&serde_json::to_string_pretty(&as_json(&tree))?)
}
