//! The log: to standard error, one line an event. What is logged and in which form can be changed while the program runs.

mod form;
mod repeats;
#[cfg(test)]
mod tests;

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing_subscriber::EnvFilter;

use crate::settings::LogSettings;
use form::{Form, Lines};

/// So often it is looked whether lines that were counted are due.
const LOOK: Duration = Duration::from_secs(5);

/// The log that was set up.
static LOG: OnceLock<Log> = OnceLock::new();

struct Log {
    change: Box<dyn Fn(EnvFilter) -> bool + Send + Sync>,
    level: Mutex<String>,
    form: Arc<Form>,
}

/// Logs from now on, as the settings say. The libraries below only log when they have cause.
pub fn init(settings: &LogSettings) {
    let ansi = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let form = Arc::new(Form::new(settings, ansi));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter(&settings.level))
        .event_format(Lines(Arc::clone(&form)))
        .with_writer(std::io::stderr)
        .with_filter_reloading();
    let handle = builder.reload_handle();
    // A second call, in a test, changes nothing.
    if builder.try_init().is_ok() {
        let change = Box::new(move |filter| handle.reload(filter).is_ok());
        _ = LOG.set(Log { change, level: Mutex::new(settings.level.clone()), form });
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
        // Whatever is logged, this is.
        write(&log.form.told(&format!("what is logged from now on: {level}, after {known}")));
        *known = level;
    }
    Ok(())
}

/// Writes lines from now on in the form that these settings have; their level is another matter.
pub fn set_form(settings: &LogSettings) {
    if let Some(log) = LOG.get() {
        log.form.set(settings);
    }
}

/// Tells again and again how often lines came that were only counted. Never ends.
pub async fn tell_repeats() {
    loop {
        sleep(LOOK).await;
        write_repeats(|form| form.due(Instant::now()));
    }
}

/// The same at the end, of all that are not told yet.
pub fn tell_last_repeats() {
    write_repeats(|form| form.all_counted(Instant::now()));
}

fn write_repeats(of: impl FnOnce(&Form) -> Vec<String>) {
    let Some(log) = LOG.get() else { return };
    for line in of(&log.form) {
        write(&line);
    }
}

fn write(line: &str) {
    // There is nobody to tell that nobody reads the log.
    _ = std::io::stderr().write_all(line.as_bytes());
}

fn filter(level: &str) -> EnvFilter {
    // A list that names modules only says nothing of the others.
    let others = if level.split(',').all(|part| part.contains('=')) { "info," } else { "" };
    let filter = EnvFilter::try_new([others, level].concat()).unwrap_or_else(|_| EnvFilter::new("info"));
    let quiet = ["rumqttc=error", "tokio_modbus=warn", "config=warn", "mqtt5=error"];
    quiet
        .iter()
        .filter(|directive| !level.contains(directive.split('=').next().unwrap_or_default()))
        .filter_map(|directive| directive.parse().ok())
        .fold(filter, EnvFilter::add_directive)
}
