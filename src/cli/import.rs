//! `givtcp import`: a settings file out of GivTCP's settings.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::{complain, print};
use crate::import::{self, Fate, Imported, Word};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct ImportArgs {
    /// GivTCP's allsettings.json (version 3), or the options of its add-on as JSON (version 2).
    file: PathBuf,
    /// The settings file that is made.
    #[arg(long, value_name = "FILE", default_value = "givtcp.yaml")]
    out: PathBuf,
    /// Overwrite that file.
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: ImportArgs) -> anyhow::Result<ExitCode> {
    let file = args.file.display();
    let text = read(&args.file).with_context(|| format!("{file}: cannot be read"))?;
    let imported = match import::import(&text) {
        Ok(imported) => imported,
        Err(error) => {
            let colon = if error.at.is_some() { ":" } else { ": " };
            complain(&format!("{file}{colon}{error}"));
            return Ok(ExitCode::from(super::WRONG_USAGE));
        }
    };
    write(&args.out, &imported.text, args.force)?;
    print(&report(&imported, &args.out))
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::other("it is larger than 1 MiB, so it cannot be a file of settings"));
    }
    Ok(text)
}

/// Only its owner may read it, and it is there whole or not at all.
fn write(path: &Path, text: &str, force: bool) -> anyhow::Result<()> {
    let there = path.display();
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let beside = PathBuf::from(beside);
    let written = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        if force { std::fs::rename(&beside, path) } else { std::fs::hard_link(&beside, path) }
    }();
    _ = std::fs::remove_file(&beside);
    match written {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            anyhow::bail!("{there}: is there already; --out names another file, --force overwrites it")
        }
        written => written.with_context(|| format!("{there}: cannot be written")),
    }
}

/// What has become of each key, without any value.
fn report(imported: &Imported, out: &Path) -> String {
    let Imported { words, notes, .. } = imported;
    let line = |word: &Word| match &word.fate {
        Fate::Carried(setting) => format!("{}: is now {setting}", word.key),
        Fate::Dropped(why) => format!("{}: not carried over: {why}", word.key),
    };
    let (carried, dropped): (Vec<_>, Vec<_>) = words.iter().partition(|word| matches!(word.fate, Fate::Carried(_)));
    let counted = format!("{} of {} settings carried over to {}", carried.len(), words.len(), out.display());
    let advice = format!("`givtcp check --config {}` shows what is in force", out.display());
    let lines = carried.into_iter().chain(dropped).map(line).chain(notes.iter().cloned()).chain([counted, advice]);
    lines.collect::<Vec<_>>().join("\n")
}
