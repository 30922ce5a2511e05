//! The log: to standard error, at a level that can be changed while the program runs.

use std::io::IsTerminal;
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing_subscriber::EnvFilter;

use crate::diagnosis::recent;

/// The log that was set up.
static LOG: OnceLock<Log> = OnceLock::new();

struct Log {
    change: Box<dyn Fn(EnvFilter) -> bool + Send + Sync>,
    level: Mutex<String>,
}

/// Logs from now on: `level` for ourselves; the libraries below only when they have cause.
pub fn init(level: &str) {
    let ansi = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter(level))
        .with_writer(|| recent::Keeping(std::io::stderr()))
        .with_ansi(ansi)
        .with_target(false)
        .with_filter_reloading();
    let handle = builder.reload_handle();
    // A second call, in a test, changes nothing.
    if builder.try_init().is_ok() {
        let change = Box::new(move |filter| handle.reload(filter).is_ok());
        _ = LOG.set(Log { change, level: Mutex::new(level.to_owned()) });
    }
}

/// At which level it is; `None` where none was set up.
pub fn level() -> Option<String> {
    LOG.get().map(|log| log.level.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

/// Logs at another level from now on, until the settings say another or the program ends.
///
/// # Errors
/// What is wanted in place of what was given.
pub fn set_level(level: &str) -> Result<(), String> {
    let level = crate::settings::parse_log_level(level)?;
    let Some(log) = LOG.get() else { return Ok(()) };
    let mut known = log.level.lock().unwrap_or_else(PoisonError::into_inner);
    if *known != level && (log.change)(filter(&level)) {
        tracing::info!("what is logged from now on: {level}, after {known}");
        *known = level;
    }
    Ok(())
}

fn filter(level: &str) -> EnvFilter {
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let quiet = ["rumqttc=error", "tokio_modbus=warn", "config=warn", "mqtt5=error"];
    quiet
        .iter()
        .filter(|directive| !level.contains(directive.split('=').next().unwrap_or_default()))
        .filter_map(|directive| directive.parse().ok())
        .fold(filter, EnvFilter::add_directive)
}
