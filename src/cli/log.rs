use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::diagnosis::recent;

/// The level of commands that end with one line of what went wrong, which tells of locks what these say.
pub(super) const OF_COMMANDS: &str = "error,givtcp::lock=off";

/// Logs to standard error: `level` for ourselves; the libraries below only when they have cause.
pub(super) fn init(level: &str) {
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let quiet = ["rumqttc=error", "tokio_modbus=warn", "config=warn", "mqtt5=error"];
    let filter = quiet
        .iter()
        .filter(|directive| !level.contains(directive.split('=').next().unwrap_or_default()))
        .filter_map(|directive| directive.parse().ok())
        .fold(filter, EnvFilter::add_directive);
    let ansi = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    // A second call, in a test, changes nothing.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| recent::Keeping(std::io::stderr()))
        .with_ansi(ansi)
        .with_target(false)
        .try_init();
}
