//! Asking the daemon that may run on this machine, before an inverter is reached by oneself.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::{Instant, sleep, timeout};

use super::check;
use crate::inverter::link_resource;
use crate::ipc::{self, Answer, Ask, AskError};
use crate::lock::{Holder, LockManager};
use crate::settings::{self, InverterSettings, Settings};

/// A daemon that is well answers what it has read within its deadlines for Redis; one that is stopped never does.
const ASK_LIMIT: Duration = Duration::from_secs(3);
/// How often the daemon is asked again while another process has the inverter.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// The data directory of the daemon that would run here. Whatever else is wrong with its settings does not matter.
pub(super) fn data_dir(config: Option<PathBuf>) -> PathBuf {
    let file = config.or_else(check::default_file);
    let named = settings::data_dir(
        file.as_deref(),
        check::variables(),
        check::addon(false).map(|addon| addon.options()).as_ref(),
    );
    super::run::data_dir(named.unwrap_or_else(|| settings::DATA_DIR.into()))
}

/// How long a lock is waited for where the settings of the daemon that would run here say so, or by themselves.
pub(super) fn lock_timeout(config: Option<PathBuf>) -> Duration {
    let file = config.or_else(check::default_file);
    check::load(file.as_deref()).map_or(Settings::default().locks.timeout, |loaded| loaded.settings.locks.timeout)
}

/// The addresses of its host; none where that is not found, which the attempt to connect says.
pub(super) async fn addresses(each: &InverterSettings, settings: &Settings) -> Vec<SocketAddr> {
    match timeout(settings.link.connect_timeout, lookup_host((each.host.as_str(), each.port))).await {
        Ok(Ok(found)) => found.collect(),
        _ => Vec::new(),
    }
}

/// What the daemon here answers; while it knows that another process has it, that is waited for. `None`
/// where the inverter is nobody's as far as is known here.
pub(super) async fn ask_daemon(peer: &str, settings: &Settings, ask: &Ask) -> anyhow::Result<Option<Answer>> {
    let (begun, limit) = (Instant::now(), settings.locks.timeout);
    let mut waits = false;
    loop {
        let is_over = begun.elapsed() >= limit;
        let asking = ipc::ask(&settings.data_dir, ask);
        let answer = match ask {
            Ask::Alive | Ask::Read { .. } => timeout(ASK_LIMIT.min(limit), asking).await.unwrap_or_else(|_| {
                Err(AskError::Failed { path: ipc::socket(&settings.data_dir), why: "no answer in time".to_owned() })
            }),
            // It is answered when it was carried out.
            Ask::Order { .. } | Ask::Record { .. } | Ask::Diagnose { .. } => asking.await,
        };
        match answer {
            Ok(
                answer @ (Answer::Alive
                | Answer::Values { .. }
                | Answer::Report { .. }
                | Answer::Recorded { .. }
                | Answer::Archive { .. }),
            ) => return Ok(Some(answer)),
            // The daemon here has just got it.
            Ok(Answer::NothingRead) if waits && !is_over => {}
            Ok(Answer::NothingRead) => {
                anyhow::bail!("{peer}: the running givtcp has it, and has read nothing of it yet")
            }
            Ok(Answer::Fault { why }) => anyhow::bail!("the running givtcp does not do it: {why}"),
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
            // What became of a command is not known then: it must not be given again by another way. And nothing is heard
            // beside one that hangs.
            Err(error) if matches!(ask, Ask::Order { .. } | Ask::Record { .. }) => return Err(error.into()),
            Err(error) => {
                tracing::debug!("{error}");
                return Ok(None);
            }
        }
        sleep(ASK_AGAIN).await;
    }
}

#[expect(clippy::print_stderr, reason = "whoever waits at a terminal is told what for")]
pub(super) fn say_waiting(peer: &str, holder: &impl std::fmt::Display, limit: Duration) {
    eprintln!("{peer}: {holder} has this inverter; waiting until it lets go, for at most {}s", limit.as_secs_f64());
}

/// Who has the link to one of these addresses, as far as can be seen.
pub(super) async fn holder(locks: &dyn LockManager, at: &[SocketAddr]) -> Option<Holder> {
    for address in at {
        let holder = locks.holder(&link_resource(&address.to_string())).await;
        if let Some(holder) = holder.ok().flatten().filter(|holder| !holder.is_this_process()) {
            return Some(holder);
        }
    }
    None
}
