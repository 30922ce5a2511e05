//! What people are shown of the settings while the program runs: those in force, where each came from, and what is wrong
//! with those that are not.

use serde::Serialize;
use utoipa::ToSchema;

use super::fault::Fault;
use super::types::Settings;
use super::view;

/// No more faults are shown; a file that is no settings file has one a line.
const MOST: usize = 64;

/// What is shown of the settings. Nothing here is a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InForce {
    /// Every setting, in the order of the settings file.
    pub settings: Vec<ShownSetting>,
    /// What is wrong with the settings as they stand now: while there is anything, those before are in force.
    pub faults: Vec<ShownFault>,
    /// What was changed and takes effect at the next start.
    pub waiting: Vec<String>,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShownSetting {
    /// Its name.
    #[schema(example = "poll.every")]
    pub key: String,
    /// Its value in words; of a secret, whether it is set.
    #[schema(example = "15s")]
    pub value: String,
    /// Where it came from: file, line and column, or an environment variable, or an option. Nothing: it is the default.
    #[schema(example = "/etc/givtcp/givtcp.yaml:4:10")]
    pub from: Option<String>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShownFault {
    /// All of it in one line.
    #[schema(example = "/etc/givtcp/givtcp.yaml:4:10: poll.every: must be at least 5s: 1s")]
    pub message: String,
    /// The setting; nothing where it is the whole file.
    pub key: Option<String>,
    /// The file or the variable.
    pub source: Option<String>,
    /// Line in the file, from 1.
    pub line: Option<usize>,
    /// Column in the file, from 1.
    pub column: Option<usize>,
}

impl InForce {
    /// Of settings that are in force, with which nothing is wrong.
    pub fn of(settings: &Settings) -> Self {
        let shown = view::lines(settings).into_iter().map(|(key, value)| {
            let from = settings.origins.get(&key).map(ToString::to_string);
            ShownSetting { key, value, from }
        });
        Self { settings: shown.collect(), faults: Vec::new(), waiting: Vec::new() }
    }

    /// What is wrong, as programs read it; `None`: nothing is.
    pub fn faults_as_json(&self) -> Option<String> {
        if self.faults.is_empty() { None } else { serde_json::to_string(&self.faults).ok() }
    }
}

impl ShownFault {
    /// One line for each of them, and what more there are.
    pub fn all(faults: &[Fault]) -> Vec<Self> {
        faults.iter().take(MOST).map(Self::from).collect()
    }

    /// What has no place in a file.
    pub fn of(message: impl Into<String>) -> Self {
        Self { message: message.into(), key: None, source: None, line: None, column: None }
    }
}

impl From<&Fault> for ShownFault {
    fn from(fault: &Fault) -> Self {
        Self {
            message: fault.to_string(),
            key: Some(fault.key.clone()).filter(|key| !key.is_empty()),
            source: Some(fault.origin.source.clone()),
            line: fault.origin.line,
            column: fault.origin.column,
        }
    }
}
