//! `givtcp check`: every fault of the settings, or what they come to.

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::app;
use crate::homeassistant::addon::Addon;
use crate::overrides::journal;
use crate::settings::{self, Fault, Loaded, SupervisorSettings};

#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// The settings file; without it the usual places and the environment.
    #[arg(long, short, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

/// Prints every fault to standard error, one a line, and ends with 2; or prints the settings and ends with 0.
pub fn run(config: Option<PathBuf>) -> ExitCode {
    let file = config.or_else(default_file);
    match load(file.as_deref()) {
        Ok(Loaded { settings, .. }) if !app::faults(&settings).is_empty() => {
            complain_of(&app::faults(&settings));
            ExitCode::from(super::WRONG_USAGE)
        }
        Ok(Loaded { settings, warnings, .. }) => {
            let data_dir = super::run::data_dir(settings.data_dir.clone());
            let (unfit, damaged) = (journal::check(&data_dir), journal::set_aside(&data_dir));
            let unfit = unfit
                .map(|why| format!("data_dir: no override can start, since what it must undo cannot be kept: {why}"));
            for warning in warnings.iter().chain(&unfit).chain(&damaged) {
                eprintln!("warning: {warning}");
            }
            let text = format!("{}settings are good", settings::describe(&settings));
            super::print(&text).unwrap_or(ExitCode::FAILURE)
        }
        Err(faults) => {
            complain(&faults);
            ExitCode::from(super::WRONG_USAGE)
        }
    }
}

/// The settings from `file` and this process's environment, and the Supervisor's options if that runs this program.
///
/// # Errors
///
/// Every fault.
pub fn load(file: Option<&Path>) -> Result<Loaded, Vec<Fault>> {
    load_in(file, addon(false).as_ref())
}

/// As [`load`], where it is known what runs this program.
pub(super) fn load_in(file: Option<&Path>, addon: Option<&Addon>) -> Result<Loaded, Vec<Fault>> {
    let mut loaded = settings::load_below(file, variables(), addon.map(Addon::options).as_ref())?;
    loaded.settings.supervisor = addon.map(|addon| SupervisorSettings {
        at: addon.supervisor().at.clone(),
        token: addon.supervisor().token.clone(),
        gives_broker: !loaded.names_broker,
    });
    Ok(loaded)
}

/// The surroundings of an app of Home Assistant, if this program is one, or if that is `said`.
pub(super) fn addon(said: bool) -> Option<Addon> {
    Addon::find(said, |name| env::var(name).ok())
}

/// This process's environment.
pub(super) fn variables() -> impl Iterator<Item = (String, String)> {
    let text = |name: std::ffi::OsString| name.to_string_lossy().into_owned();
    env::vars_os().map(move |(name, value)| (text(name), text(value)))
}

/// The first of the default settings files that exists; an app of Home Assistant has one place for it.
pub fn default_file() -> Option<PathBuf> {
    default_file_in(addon(false).as_ref())
}

/// As [`default_file`], where it is known what runs this program.
pub(super) fn default_file_in(addon: Option<&Addon>) -> Option<PathBuf> {
    let places = match addon {
        Some(addon) => vec![addon.settings_file()],
        None => settings::default_paths(|name| env::var(name).ok()),
    };
    places.into_iter().find(|path| path.exists())
}

/// Says what this machine has not, a line each, on standard error.
#[expect(clippy::print_stderr, reason = "this is what standard error is for")]
pub(super) fn complain_of(faults: &[String]) {
    for fault in faults {
        eprintln!("{fault}");
    }
    eprintln!("{}", counted(faults.len()));
}

/// Says every fault on standard error.
#[expect(clippy::print_stderr, reason = "this is what standard error is for")]
pub(super) fn complain(faults: &[Fault]) {
    eprint!("{}", report(faults));
}

/// Every fault on its own line, and how many there are.
pub fn report(faults: &[Fault]) -> String {
    let lines: String = faults.iter().flat_map(|fault| [fault.to_string(), "\n".into()]).collect();
    format!("{lines}{}\n", counted(faults.len()))
}

fn counted(faults: usize) -> String {
    let count = if faults == 1 { "1 fault".to_owned() } else { format!("{faults} faults") };
    format!("{count} in the settings")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn the_report_has_a_line_for_each_fault_and_their_number() {
        let file = file("inverters: [{ host: 192.168.1.20 }]\npoll: { every: 1s, evry: 2s }\n");
        let report = report(&load(Some(file.path())).unwrap_err()).replace(&file.path().display().to_string(), "F");
        insta::assert_snapshot!(report, @r"
        F:2:16: poll.every: must be at least 5s: 1s
        F:2:20: poll.evry: is not a setting (did you mean poll.every?)
        2 faults in the settings
        ");
    }

    #[test]
    fn a_damaged_record_that_was_set_aside_is_told() {
        let data_dir = tempfile::tempdir().unwrap();
        assert_eq!(journal::set_aside(data_dir.path()), Vec::<String>::new());
        let id: journal::RecordId = "019e97a78a00-00000007".parse().unwrap();
        let journal = data_dir.path().join("journal");
        std::fs::create_dir(&journal).unwrap();
        std::fs::write(journal.join(format!("SA2114G047-{id}.json.damaged")), "half").unwrap();
        std::fs::write(journal.join("else.damaged"), "").unwrap();
        let told = journal::set_aside(data_dir.path());
        assert!(told.len() == 1 && told[0].starts_with("SA2114G047: ") && told[0].contains("may not"), "{told:?}");
    }

    #[test]
    fn the_exit_code_tells_good_settings_from_wrong_ones() {
        let code = |text: &str| format!("{:?}", run(Some(file(text).path().to_owned())));
        assert_eq!(code("inverters: [{ host: 192.168.1.20 }]"), format!("{:?}", ExitCode::SUCCESS));
        assert_eq!(code("inverters: 1"), format!("{:?}", ExitCode::from(2)));
    }
}
