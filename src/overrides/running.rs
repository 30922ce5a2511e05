//! What is told of overrides: their statuses, and how long they still run.

use jiff::{SignedDuration, Timestamp};

use super::end::{Look, Verdict, verdict};
use super::journal::{Record, Stage, What};
use crate::plant::snapshot::Overrides;
use crate::status::{Status, StatusName};

/// Until when an override runs, by whichever clock says less; until now if it is over and not undone yet. `None` if it is
/// none, or nothing of it is left.
pub fn until(record: &Record, look: &Look) -> Option<Timestamp> {
    let What::Override(_) = record.what else { return None };
    if !record.is_open() {
        return None;
    }
    let left = match verdict(record, look) {
        Verdict::Runs(left) if record.stage != Stage::Undoing => SignedDuration::try_from(left).unwrap_or_default(),
        _ => SignedDuration::ZERO,
    };
    look.now.checked_add(left).ok()
}

/// Its status, to be set as long as it is open. `detail` is what else people should know of it.
pub fn status(record: &Record, look: &Look, holder: &str, detail: &str) -> Option<Status> {
    let What::Override(name) = record.what else { return None };
    Some(Status {
        name,
        inverter: record.inverter,
        since: record.begun,
        until: until(record, look)?,
        holder: holder.to_owned(),
        detail: detail.to_owned(),
    })
}

/// Which overrides of an inverter run, and until when; of two of a kind the later end.
pub fn overrides<'a>(records: impl IntoIterator<Item = (&'a Record, Look)>) -> Overrides<Timestamp> {
    let mut all = Overrides::default();
    for (record, look) in records {
        let What::Override(name) = record.what else { continue };
        let place = match name {
            StatusName::ForceCharge => &mut all.force_charge,
            StatusName::ForceExport => &mut all.force_export,
            StatusName::PauseCharge => &mut all.pause_charge,
            StatusName::PauseDischarge => &mut all.pause_discharge,
        };
        *place = (*place).max(until(record, &look));
    }
    all
}

/// What GivTCP's leaves say of an override that runs until then: `Running` or `Normal`, and the minutes that are left.
/// The last minute counts until it is over.
pub fn leaves(until: Option<Timestamp>, now: Timestamp) -> (&'static str, i64) {
    match until {
        Some(until) => ("Running", (until.duration_since(now).as_secs().max(0) + 59) / 60),
        None => ("Normal", 0),
    }
}
