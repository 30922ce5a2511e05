//! `givtcp override`: timed overrides, started, stopped and listed.

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Subcommand, ValueEnum};
use jiff::tz::TimeZone;

use super::set::tell;
use super::target::{TargetArgs, Wrong, give, place, settings_of};
use super::{WRONG_USAGE, block_on, complain, log, print};
use crate::app;
use crate::clock::SystemClock;
use crate::control::{Outcome, Override};
use crate::ipc::Wanted;
use crate::overrides::journal::{Record, What};
use crate::settings::Settings;

#[derive(Debug, clap::Args)]
pub(super) struct OverrideArgs {
    #[command(subcommand)]
    what: Wish,
}

#[derive(Debug, Subcommand)]
enum Wish {
    /// Start one, or let it end that many minutes from now; a running givtcp ends it.
    Start {
        /// What is to be done for a while.
        kind: Kind,
        /// For how many minutes.
        #[arg(value_parser = clap::value_parser!(u16).range(1..=i64::from(Override::MOST_MINUTES)))]
        minutes: u16,
        /// Only say what would be written.
        #[arg(long)]
        dry_run: bool,
        /// Print what became of it as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        target: TargetArgs,
    },
    /// End one, or all of an inverter, and put back what was found.
    Stop {
        /// Which; without it every kind.
        kind: Option<Kind>,
        /// On every inverter of the settings, as before uninstalling.
        #[arg(long, conflicts_with = "host")]
        all: bool,
        /// Print what became of it as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        target: TargetArgs,
    },
    /// Show those that are not undone yet, of every inverter.
    List {
        /// As JSON, with the registers.
        #[arg(long)]
        json: bool,
        /// The settings file; without it the usual places and the environment.
        #[arg(long, short, value_name = "FILE")]
        config: Option<std::path::PathBuf>,
    },
}

/// What is done for a while.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    ForceCharge,
    ForceExport,
    PauseCharge,
    PauseDischarge,
}

impl Kind {
    /// GivTCP's name of the command.
    const fn command(self) -> &'static str {
        match self {
            Self::ForceCharge => "forceCharge",
            Self::ForceExport => "forceExport",
            Self::PauseCharge => "tempPauseCharge",
            Self::PauseDischarge => "tempPauseDischarge",
        }
    }

    fn with(self, payload: &str, dry_run: bool) -> Wanted {
        Wanted { command: self.command().to_owned(), payload: payload.to_owned(), dry_run }
    }
}

pub(super) fn run(args: OverrideArgs) -> anyhow::Result<ExitCode> {
    log::init(log::OF_COMMANDS);
    let outcome = match args.what {
        Wish::Start { kind, minutes, dry_run, json, target } => {
            start(&target, &kind.with(&minutes.to_string(), dry_run), json)
        }
        Wish::Stop { kind, all, json, target } => stop(&target, kind, all, json),
        Wish::List { json, config } => settings_of(config, true).map_err(Into::into).and_then(|all| list(&all, json)),
    };
    match outcome {
        Err(error) if error.is::<Wrong>() => {
            complain(&error.to_string());
            Ok(ExitCode::from(WRONG_USAGE))
        }
        outcome => outcome,
    }
}

fn start(target: &TargetArgs, wanted: &Wanted, json: bool) -> anyhow::Result<ExitCode> {
    let (settings, each) = target.find()?;
    tell(&block_on(give(&settings, &each, std::slice::from_ref(wanted)))??, json)
}

fn stop(target: &TargetArgs, kind: Option<Kind>, all: bool, json: bool) -> anyhow::Result<ExitCode> {
    let kinds = kind.map_or_else(|| Kind::value_variants().to_vec(), |kind| vec![kind]);
    let wanted: Vec<Wanted> = kinds.into_iter().map(|kind| kind.with("Cancel", false)).collect();
    let (settings, each) = if all {
        let settings = target.settings()?;
        let each = settings.inverters.clone();
        (settings, each)
    } else {
        let (settings, each) = target.find()?;
        (settings, vec![each])
    };
    let mut ended = ExitCode::SUCCESS;
    for one in &each {
        if each.len() > 1 && !json {
            print(&format!("{}:", place(one)))?;
        }
        let told = match block_on(give(&settings, one, &wanted))? {
            Ok(reports) if reports.iter().any(|report| report.outcome == Outcome::Planned) => {
                tell(&reports, json)?;
                complain("nothing was ended: control.dry_run is on; switch it off first");
                ExitCode::FAILURE
            }
            Ok(reports) => tell(&reports, json)?,
            // The others are to end nevertheless.
            Err(error) => {
                complain(&format!("{error:#}"));
                ExitCode::FAILURE
            }
        };
        if told != ExitCode::SUCCESS {
            ended = told;
        }
    }
    Ok(ended)
}

fn list(settings: &Settings, json: bool) -> anyhow::Result<ExitCode> {
    let journal = app::journal(settings, Arc::new(SystemClock));
    let found = block_on(journal.open_records())?;
    let overrides = found.records.into_iter().filter(|record| matches!(record.what, What::Override(_)));
    let zone = TimeZone::system();
    for record in overrides {
        print(&if json { serde_json::to_string(&record)? } else { in_words(&record, &zone) })?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `force charge of SA2114G047 at 192.168.1.20:8899, since 2026-06-05 12:00, until 12:30`.
fn in_words(record: &Record, zone: &TimeZone) -> String {
    let shown = |at: jiff::Timestamp| zone.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string();
    let until = record.end.map_or_else(String::new, |end| format!(", until {}", shown(end.at)));
    let Record { what, inverter, reach, begun, .. } = record;
    format!("{what} of {inverter} at {}:{}, since {}{until}", reach.host, reach.port, shown(*begun))
}
