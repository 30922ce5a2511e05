//! How the reading goes.

use super::{Entry, count, float, line};
use crate::catalogue::Payload;
use crate::catalogue::Quantity as Q;
use crate::catalogue::families::ALL;
use crate::plant::Rejection;
use crate::plant::snapshot::Snapshot;

/// How the reading goes.
#[rustfmt::skip]
pub static STATS: &[Entry<Snapshot>] = &[
    line("Stats/GivTCP_Version", Q::Text, |_| Some(Payload::Word(VERSION))).of(ALL, "").note("begins with the version of GivTCP whose topics these are"),
    line("Stats/Last_Updated_Time", Q::Timestamp, last_updated).of(ALL, "").note("when a block was last taken over"),
    line("Stats/Time_Since_Last_Update", Q::Seconds, |s| float(s.stats.since_previous)).of(ALL, "").note("between the last two cycles that brought data"),
    line("Stats/Timeout_Error", Q::Count, |s| Some(count(s.stats.timeouts))).of(ALL, "").note("requests that ran out of time"),
    line("Stats/Write_Count", Q::Count, |s| Some(count(s.stats.writes))).of(ALL, "").note("registers written since this program first saw the inverter, undoing included"),
    line("Stats/Safe_Write_Count", Q::Count, |_| Some(Payload::Integer(0))).of(ALL, "").note("registers written that are not kept in the EEPROM"),
    line("Stats/Skipped_Cycles", Q::Count, |s| Some(count(s.stats.skipped_cycles))).of(ALL, "").note("polls that got no lock in time"),
    line("Stats/Stale_Blocks", Q::Count, |s| Some(count(s.stats.stale_blocks))).of(ALL, "").note("blocks that are due and could not be read"),
    line("Stats/Rejected_Blocks", Q::Count, |s| Some(count(s.stats.rejections.total()))).of(ALL, "").note("blocks that the guards did not believe"),
    line("Stats/CRC_Errors", Q::Count, |s| Some(count(s.stats.crc_errors))).of(ALL, "").note("frames with a wrong CRC"),
    line("Stats/Reconnects", Q::Count, |s| Some(count(s.stats.reconnects))).of(ALL, "").note("connections made after the first"),
];

macro_rules! rejections {
    ($($reason:ident $path:literal,)*) => {
        /// How often each guard rejected something.
        pub static REJECTIONS: &[Entry<Snapshot>] = &[$(
            line($path, Q::Count, |s| Some(count(s.stats.rejections.of(Rejection::$reason))))
                .of(ALL, "")
                .note(Rejection::$reason.meaning()),
        )*];
    };
}

rejections! {
    Length "Stats/Rejections/length",
    StrayPacket "Stats/Rejections/stray_packet",
    AllZero "Stats/Rejections/all_zero",
    PartZero "Stats/Rejections/part_zero",
    SerialShape "Stats/Rejections/serial_shape",
    SerialContradiction "Stats/Rejections/serial_contradiction",
    OtherModel "Stats/Rejections/other_model",
    ImpossibleClock "Stats/Rejections/impossible_clock",
    CellsZero "Stats/Rejections/cells_zero",
    TemperaturesZero "Stats/Rejections/temperatures_zero",
    FirstBlock "Stats/Rejections/first_block",
    BatteryStep "Stats/Rejections/battery_step",
    Splice "Stats/Rejections/splice",
    BatteryKind "Stats/Rejections/battery_kind",
    SerialChange "Stats/Rejections/serial_change",
    ImplausibleField "Stats/Rejections/implausible_field",
    Jump "Stats/Rejections/jump",
    Imbalance "Stats/Rejections/imbalance",
    OtherBlock "Stats/Rejections/other_block",
    StateChange "Stats/Rejections/state_change",
    CounterJump "Stats/Rejections/counter_jump",
    CounterFall "Stats/Rejections/counter_fall",
    LateYesterday "Stats/Rejections/late_yesterday",
    CounterAnew "Stats/Rejections/counter_anew",
}

/// It begins with the version of GivTCP whose topics these are, since Predbat and others look at that.
const VERSION: &str = concat!("3.5+givtcp.", env!("CARGO_PKG_VERSION"));

fn last_updated(snapshot: &Snapshot) -> Option<Payload> {
    let at = snapshot.stats.last_updated?;
    Some(Payload::Text(at.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rejection_has_its_line() {
        let published: Vec<_> = REJECTIONS.iter().filter_map(|line| line.path.rsplit('/').next()).collect();
        assert_eq!(published, Rejection::ALL.map(Rejection::name));
    }
}
