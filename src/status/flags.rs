//! The flags that GivTCP leaves behind: recognised, and said, since nobody else will.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::StatusName;

/// GivTCP's names of its flags, before the number of its instance. The last of each is how forks call it.
const NAMES: [(&str, StatusName); 6] = [
    (".FCRunning", StatusName::ForceCharge),
    (".FERunning", StatusName::ForceExport),
    (".tpcRunning_", StatusName::PauseCharge),
    (".tpdRunning_", StatusName::PauseDischarge),
    (".tpcRunning", StatusName::PauseCharge),
    (".tpdRunning", StatusName::PauseDischarge),
];
/// No more files of a directory are looked at.
const MOST_FILES: usize = 10_000;
/// A flag has two short lines.
const LONGEST: u64 = 256;

/// A flag of GivTCP's: a file that says that it began an override, and perhaps never undid it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Where it lies.
    pub path: PathBuf,
    /// Which override.
    pub name: StatusName,
    /// When GivTCP meant to end it, `HH:MM` of some day, if it says so.
    pub finish: Option<String>,
}

/// GivTCP's flags in a directory, in the order of their names; none where it cannot be read.
pub fn givtcp_flags(directory: &Path) -> Vec<Flag> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let names = entries.take(MOST_FILES).filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.to_owned()));
    let mut flags: Vec<Flag> = names.filter_map(|file| flag(directory, &file)).collect();
    flags.sort_by(|one, other| one.path.cmp(&other.path));
    flags
}

fn flag(directory: &Path, file: &str) -> Option<Flag> {
    let is_number = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit());
    let (_, name) = NAMES.into_iter().find(|(begin, _)| file.strip_prefix(begin).is_some_and(is_number))?;
    let path = directory.join(file);
    if !std::fs::metadata(&path).ok()?.is_file() {
        return None;
    }
    Some(Flag { finish: finish(&path), path, name })
}

/// The second line, if it is a time of day.
fn finish(path: &Path) -> Option<String> {
    let mut text = String::new();
    std::fs::File::open(path).ok()?.take(LONGEST).read_to_string(&mut text).ok()?;
    let line = text.lines().nth(1)?.trim();
    let is_time = |text: &str| text.parse::<jiff::civil::Time>().is_ok();
    is_time(line).then(|| line.to_owned())
}

impl fmt::Display for Flag {
    /// What it was, that this program did not start it, and what to check.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, file) = (self.name.meaning(), self.path.display());
        let finish = self.finish.as_ref().map(|at| format!(", to end at {at}")).unwrap_or_default();
        let check = match self.name {
            StatusName::ForceCharge => {
                "charge slot 1, the charge rate, the target state of charge and whether the charge schedule is on"
            }
            StatusName::ForceExport => {
                "discharge slot 1, the discharge rate, the reserve, the mode and whether the discharge schedule is on"
            }
            StatusName::PauseCharge => "the charge rate, which may still be 0",
            StatusName::PauseDischarge => "the discharge rate, which may still be 0",
        };
        write!(
            f,
            "{file}: GivTCP began a {what} here{finish}, and may not have undone it; this program did not start it and \
             will not end it: check {check}, then remove the file"
        )
    }
}
