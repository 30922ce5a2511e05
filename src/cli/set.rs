use std::process::ExitCode;

use super::target::{TargetArgs, give};
use super::{WRONG_USAGE, block_on, complain, log, print};
use crate::control::{By, Order, Outcome, Report};
use crate::ipc::Wanted;

#[derive(Debug, clap::Args)]
pub(super) struct SetArgs {
    /// What to set, by a name of docs/control.md: setBatteryReserve, setChargeSlot1, …
    #[arg(value_name = "COMMAND")]
    command: String,
    /// To what: 20, 02:30, enable, Eco, or a JSON object.
    #[arg(value_name = "VALUE", default_value = "", allow_negative_numbers = true)]
    value: String,
    /// Only say what would be written.
    #[arg(long)]
    dry_run: bool,
    /// Print what became of it as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: TargetArgs,
}

pub(super) fn run(args: SetArgs) -> anyhow::Result<ExitCode> {
    log::init(log::OF_COMMANDS);
    let wanted = Wanted { command: args.command, payload: args.value, dry_run: args.dry_run };
    if let Err(fault) = Order::parse(&wanted.command, &wanted.payload, By::CommandLine) {
        complain(&fault.to_string());
        return Ok(ExitCode::from(WRONG_USAGE));
    }
    let (settings, each) = match args.target.find() {
        Ok(found) => found,
        Err(wrong) => {
            complain(&wrong.to_string());
            return Ok(ExitCode::from(WRONG_USAGE));
        }
    };
    let reports = block_on(give(&settings, &each, &[wanted]))??;
    tell(&reports, args.json)
}

/// Prints what became of commands; good if all of them are done.
pub(super) fn tell(reports: &[Report], json: bool) -> anyhow::Result<ExitCode> {
    for report in reports {
        print(&if json { serde_json::to_string(report)? } else { in_words(report) })?;
    }
    let is_good = |report: &Report| report.outcome.is_done() || report.outcome == Outcome::Planned;
    Ok(if reports.iter().all(is_good) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The report, with what a dry run would write and what is to be known besides, a line each.
fn in_words(report: &Report) -> String {
    let planned =
        report.plan.iter().map(|write| format!("HR {} would be {}: {}", write.register, write.value, write.meaning));
    let is_so = report.outcome == Outcome::Planned && report.plan.is_empty();
    let is_so = is_so.then(|| "nothing would be written: it is so already".to_owned());
    let notes = report.notes.iter().map(|note| note.clone().into_owned());
    let lines: Vec<String> = std::iter::once(report.to_string()).chain(planned).chain(is_so).chain(notes).collect();
    lines.join("\n  ")
}
