//! The surroundings of an app (add-on) of Home Assistant: what the Supervisor hands to it, and the settings file that its
//! users find.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::supervisor::Supervisor;
use crate::settings::Options;

/// Every setting with its default, for people to read.
const EXAMPLE: &str = include_str!("../../config/givtcp.yaml");

/// What stands above them in an app's own file.
const HEAD: &str = "\
# Settings of givtcp that are no options of the app. Every setting stands here with its default and is switched off by the
# # before it: take it away from a setting and from the section above it, and restart the app. What is set as an option of
# the app wins over this file. docs/settings.md explains each setting.
";

/// Where the program is when the Supervisor runs it.
#[derive(Clone, Debug)]
pub struct Addon {
    /// What the directories of an app stand below: `/`.
    root: PathBuf,
    supervisor: Supervisor,
}

/// Variables by which the Supervisor, or who tries this without one, says that it runs this program.
pub const TOKEN: &str = "SUPERVISOR_TOKEN";
const ROOT: &str = "GIVTCP_ADDON_ROOT";
const SUPERVISOR: &str = "GIVTCP_SUPERVISOR";

impl Addon {
    /// The surroundings, if the Supervisor has left its token in the environment, or if it is `said` that it runs this
    /// program. `env` reads a variable.
    pub fn find(said: bool, env: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let token = env(TOKEN).filter(|token| !token.is_empty());
        if token.is_none() && !said {
            return None;
        }
        let root = env(ROOT).filter(|root| !root.is_empty()).map_or_else(|| PathBuf::from("/"), PathBuf::from);
        let at = env(SUPERVISOR).filter(|at| !at.is_empty()).unwrap_or_else(|| super::supervisor::ADDRESS.to_owned());
        let token = SecretString::from(token.unwrap_or_default());
        Some(Self { root, supervisor: Supervisor { at, token } })
    }

    /// How the Supervisor is asked.
    pub fn supervisor(&self) -> &Supervisor {
        &self.supervisor
    }

    /// The settings file that its users find in the folder of the app's configuration.
    pub fn settings_file(&self) -> PathBuf {
        self.root.join("config/givtcp.yaml")
    }

    /// The options as the Supervisor wrote them at the start.
    pub fn options(&self) -> Options {
        let path = self.root.join("data/options.json");
        let text = std::fs::read_to_string(&path).map_err(|error| format!("cannot be read: {error}"));
        Options { text, source: path.display().to_string(), data_dir: self.root.join("data") }
    }

    /// Makes the settings file if there is none; says whether it did.
    ///
    /// # Errors
    /// It is not there and cannot be made.
    pub fn make_settings_file(&self) -> io::Result<bool> {
        make(&self.settings_file())
    }
}

/// Only its owner may read it: passwords may come to stand there.
fn make(path: &Path) -> io::Result<bool> {
    let mut file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        opened => opened?,
    };
    file.write_all(switched_off(EXAMPLE).as_bytes())?;
    file.sync_all()?;
    Ok(true)
}

/// The example with every setting as a comment, so that what is not set here keeps its default, and the options theirs.
fn switched_off(example: &str) -> String {
    let mut text = HEAD.to_owned();
    // Its own head tells of other places and of variables.
    let settings = example.split_once("\n\n").map_or(example, |(_, rest)| rest);
    for line in settings.lines() {
        let line = if line.is_empty() || line.starts_with('#') { line.to_owned() } else { format!("#{line}") };
        let _infallible = writeln!(text, "{line}");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::settings;

    #[test]
    fn without_the_supervisors_token_it_is_no_app_unless_that_is_said() {
        let nothing = |_: &str| None;
        assert!(Addon::find(false, nothing).is_none());
        let said = Addon::find(true, nothing).unwrap();
        assert_eq!(said.settings_file(), Path::new("/config/givtcp.yaml"));
        assert_eq!(
            (said.options().data_dir.as_path(), said.supervisor().at.as_str()),
            (Path::new("/data"), "supervisor:80")
        );
        assert!(Addon::find(false, |name| (name == TOKEN).then(|| "t".to_owned())).is_some());
    }

    #[test]
    fn the_file_is_made_once_and_holds_every_setting_switched_off() {
        let root = tempfile::tempdir().unwrap();
        let there = root.path().display().to_string();
        let addon = Addon::find(true, |name| (name == ROOT).then(|| there.clone())).unwrap();
        assert!(addon.make_settings_file().is_err(), "there is no folder for it");
        std::fs::create_dir(root.path().join("config")).unwrap();
        assert!(addon.make_settings_file().unwrap());
        assert_eq!(std::fs::metadata(addon.settings_file()).unwrap().permissions().mode() & 0o777, 0o600);
        let text = std::fs::read_to_string(addon.settings_file()).unwrap();
        assert!(text.lines().all(|line| line.is_empty() || line.starts_with('#')), "{text}");
        for setting in ["#mqtt:\n#  enabled: true\n", "#  level: info ", "#inverters:\n#  - host: 192.168.1.20 "] {
            assert!(text.contains(setting), "{setting}: {text}");
        }
        std::fs::write(addon.settings_file(), "mqtt: { host: mine }\n").unwrap();
        assert!(!addon.make_settings_file().unwrap());
        assert_eq!(std::fs::read_to_string(addon.settings_file()).unwrap(), "mqtt: { host: mine }\n");
    }

    #[test]
    fn with_all_that_is_switched_off_switched_on_it_is_the_example() {
        let on: Vec<String> = switched_off(EXAMPLE)
            .lines()
            .skip(HEAD.lines().count())
            .map(|line| match line.strip_prefix('#') {
                Some(setting) if !setting.starts_with(' ') || setting.starts_with("  ") => setting.to_owned(),
                _ => line.to_owned(),
            })
            .collect();
        let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
        std::fs::write(file.path(), on.join("\n")).unwrap();
        let loaded =
            |path: &Path| settings::describe(&settings::load(Some(path), std::iter::empty()).unwrap().settings);
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/givtcp.yaml");
        assert_eq!(loaded(file.path()), loaded(&example));
    }
}
