//! docs/overrides.md, made from what is planned.

use std::fmt::Write;

use jiff::Timestamp;

use super::journal::{Group, Reach, RecordId};
use super::meeting::outlasts_its_slot;
use super::recipe::{Options, Refused, recipe};
use crate::control::{OverrideKind, Refusal, Sample, samples};
use crate::link::Kind;

const HEAD: &str = include_str!("page.md");

/// The page.
pub fn override_page() -> String {
    let samples = samples();
    let mut page = HEAD.to_owned();
    for kind in OverrideKind::ALL {
        let _ = writeln!(page, "\n### {}\n\n| on | writes | the inverter ends it |\n|---|---|---|", kind.name());
        let mut outcomes: Vec<(String, Vec<&str>)> = Vec::new();
        for sample in &samples {
            let outcome = outcome(kind, sample);
            match outcomes.iter_mut().find(|(known, _)| *known == outcome) {
                Some((_, titles)) => titles.push(sample.title),
                None => outcomes.push((outcome, vec![sample.title])),
            }
        }
        // What is refused comes last.
        outcomes.sort_by_key(|(outcome, _)| outcome.starts_with("refused"));
        for (outcome, titles) in outcomes {
            let _ = writeln!(page, "| {} | {outcome} |", titles.join(", "));
        }
    }
    page
}

/// For 30 minutes from 12:00, with a reserve of 10 %.
fn outcome(kind: OverrideKind, sample: &Sample) -> String {
    let mut context = sample.context.clone();
    let clock = [(35, 26), (36, 6), (37, 5), (38, 12), (39, 0), (40, 0)];
    let floors = [(110, 10), (1109, 10), (2064, 10)];
    for (register, value) in clock.into_iter().chain(floors) {
        context.known.put(register, value);
    }
    let recipe = match recipe(kind, 30, &context, Options::default()) {
        Ok(recipe) => recipe,
        Err(Refused::Command(Refusal::NotSupported { why, .. })) => return format!("refused: {why} | "),
        Err(refused) => return format!("refused: {refused} | "),
    };
    let group = |group: &Group| {
        let writes: Vec<_> =
            group.registers.iter().map(|register| format!("HR {} = {}", register.address, register.write)).collect();
        format!("{}: {}", group.name, writes.join(", "))
    };
    let groups: Vec<_> = recipe.groups.iter().map(group).collect();
    let reach = Reach { host: String::new(), port: 0, transport: Kind::Dongle };
    let record = recipe.plan(reach, Timestamp::UNIX_EPOCH).into_record(
        RecordId::new(Timestamp::UNIX_EPOCH, 0),
        Timestamp::UNIX_EPOCH,
        0,
        false,
    );
    let ends = match (recipe.slot.is_some(), outlasts_its_slot(&record)) {
        (true, false) => "yes",
        (true, true) => "in part: undone at a stop",
        (false, _) => "no: undone at a stop",
    };
    format!("{} | {ends}", groups.join("; "))
}
