use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::{Instant, sleep, timeout};

use super::{block_on, check, log, print};
use crate::app;
use crate::catalogue::{Layout, as_json};
use crate::inverter::{link_resource, read_once};
use crate::ipc::{self, Answer, Ask, AskError};
use crate::lock::{Holder, LockManager};
use crate::settings::{self, InverterSettings, Role, Settings, Transport};

/// Long enough to ask for everything that may be behind an inverter, most of which is absent and silent.
const LONGEST: Duration = Duration::from_secs(30);

/// How often the daemon is asked again while another process has the inverter.
const ASK_AGAIN: Duration = Duration::from_millis(500);

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
    let mut settings = Settings { data_dir: data_dir(args.config.clone()), ..Settings::default() };
    settings.locks.timeout = lock_timeout(args.config);
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

/// How long a lock is waited for where the settings of the daemon that would run here say so, or by themselves.
fn lock_timeout(config: Option<PathBuf>) -> Duration {
    let file = config.or_else(check::default_file);
    check::load(file.as_deref()).map_or(Settings::default().locks.timeout, |loaded| loaded.settings.locks.timeout)
}

/// A daemon that holds the inverter's link is asked; without one the inverter itself, under the same lock.
async fn read(each: &InverterSettings, settings: &Settings, raw: bool) -> anyhow::Result<serde_json::Value> {
    let peer = format!("{}:{}", each.host, each.port);
    // What is not found is said by the attempt to connect.
    let at: Vec<SocketAddr> =
        match timeout(settings.link.connect_timeout, lookup_host((each.host.as_str(), each.port))).await {
            Ok(Ok(found)) => found.collect(),
            _ => Vec::new(),
        };
    if let Some(values) = ask_daemon(&peer, settings, &Ask::Read { at: at.clone(), raw }).await? {
        return Ok(values);
    }
    let mut inverter = app::inverter_at(each, settings)?;
    inverter.every = LONGEST;
    inverter.lock_timeout = settings.locks.timeout;
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

/// What the daemon here knows of the inverter; while it knows that another process has it, that is waited for. `None`
/// where the inverter is nobody's as far as is known here.
async fn ask_daemon(peer: &str, settings: &Settings, ask: &Ask) -> anyhow::Result<Option<serde_json::Value>> {
    let (begun, limit) = (Instant::now(), settings.locks.timeout);
    let mut waits = false;
    loop {
        let is_over = begun.elapsed() >= limit;
        match ipc::ask(&settings.data_dir, ask).await {
            Ok(Answer::Values { values }) => return Ok(Some(values)),
            // The daemon here has just got it.
            Ok(Answer::NothingRead) if waits && !is_over => {}
            Ok(Answer::NothingRead) => {
                anyhow::bail!("{peer}: the running givtcp has it, and has read nothing of it yet")
            }
            Ok(Answer::Fault { why }) => anyhow::bail!("the running givtcp is of another version: {why}"),
            Ok(Answer::NotHeld { by: Some(by) }) if is_over => {
                anyhow::bail!("{peer}: {by} has this inverter, and did not let go within {}s", limit.as_secs_f64())
            }
            Ok(Answer::NotHeld { by: Some(by) }) => {
                if !std::mem::replace(&mut waits, true) {
                    say_waiting(peer, &by, limit);
                }
            }
            // Whoever holds it nevertheless is met at the lock.
            Ok(Answer::NotHeld { by: None }) | Err(AskError::Nobody(_)) => return Ok(None),
            Err(error) => {
                tracing::debug!("{error}");
                return Ok(None);
            }
        }
        sleep(ASK_AGAIN).await;
    }
}

#[expect(clippy::print_stderr, reason = "whoever waits at a terminal is told what for")]
fn say_waiting(peer: &str, holder: &impl std::fmt::Display, limit: Duration) {
    eprintln!("{peer}: {holder} has this inverter; waiting until it lets go, for at most {}s", limit.as_secs_f64());
}

/// Who has the link to one of these addresses, as far as can be seen.
async fn holder(locks: &dyn LockManager, at: &[SocketAddr]) -> Option<Holder> {
    for address in at {
        let holder = locks.holder(&link_resource(&address.to_string())).await;
        if let Some(holder) = holder.ok().flatten().filter(|holder| !holder.is_this_process()) {
            return Some(holder);
        }
    }
    None
}
