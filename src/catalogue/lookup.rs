//! What a path measures, where only the path is known: of what another process of a group has read.

use super::Quantity;
use super::entries::{AIO, BATTERY, EMS_INVERTER, Entry, METER, MODULE, PERIOD, PLANT, STACK};

/// Where the values of a named period stand; a part in `<…>` stands for any.
pub(super) const BELOW_PERIOD: &str = "Energy/Rates/Periods/<name>/";
/// The same of a low-voltage battery,
pub(super) const BELOW_BATTERY: &str = "Battery_Details/Battery_Stack_1/<battery>/";
/// of a high-voltage stack,
pub(super) const BELOW_STACK: &str = "Battery_Details/Battery_Stack_<n>/";
/// of one of its modules,
pub(super) const BELOW_MODULE: &str = "Battery_Details/Battery_Stack_<n>/<module>/";
/// of a meter,
pub(super) const BELOW_METER: &str = "Meter_Details/Meter_ID<n>/";
/// of an all-in-one behind a gateway,
pub(super) const BELOW_AIO: &str = "Inverters/AIO_<n>/";
/// and of an inverter behind a plant controller.
pub(super) const BELOW_INVERTER: &str = "Inverters/<inverter>/";

/// What the value at this path of the inverter with this serial number measures; `None` for paths of registers and of
/// nothing that is published.
pub fn quantity_of(serial: &str, path: &str) -> Option<Quantity> {
    let of_plant = |entry: &&Entry<_>| {
        entry.path.strip_prefix("<serial>").map_or(entry.path == path, |rest| path.strip_prefix(serial) == Some(rest))
    };
    PLANT
        .iter()
        .copied()
        .flatten()
        .find(of_plant)
        .map(|entry| entry.quantity)
        .or_else(|| among(PERIOD, BELOW_PERIOD, path))
        .or_else(|| among(BATTERY, BELOW_BATTERY, path))
        .or_else(|| among(MODULE, BELOW_MODULE, path))
        .or_else(|| among(STACK, BELOW_STACK, path))
        .or_else(|| among(METER, BELOW_METER, path))
        .or_else(|| among(AIO, BELOW_AIO, path))
        .or_else(|| among(EMS_INVERTER, BELOW_INVERTER, path))
}

fn among<T>(entries: &[Entry<T>], below: &str, path: &str) -> Option<Quantity> {
    let is_it = |entry: &&Entry<T>| {
        let (mut wanted, mut parts) = (below.split_terminator('/').chain(entry.path.split('/')), path.split('/'));
        parts.by_ref().all(|part| wanted.next().is_some_and(|wanted| stands_for(wanted, part)))
            && wanted.next().is_none()
    };
    entries.iter().find(is_it).map(|entry| entry.quantity)
}

/// Whether a part of a path, as `Meter_ID<n>`, stands for this one.
fn stands_for(wanted: &str, part: &str) -> bool {
    match wanted.split_once('<').and_then(|(before, rest)| Some((before, rest.split_once('>')?.1))) {
        Some((before, after)) => {
            part.len() > before.len() + after.len() && part.starts_with(before) && part.ends_with(after)
        }
        None => wanted == part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Layout;
    use crate::control::tests::fixture::Bench;
    use crate::simulator::Family;

    #[test]
    fn every_path_of_a_plant_measures_what_its_layout_says() {
        for family in [Family::HybridGen1, Family::AllInOne, Family::Ems, Family::Gateway, Family::ThreePhaseHybrid] {
            let snapshot = Bench::new(family).snapshot();
            let mut layout = Layout::new(false);
            layout.tree(&snapshot);
            let serial = snapshot.identity.serial.to_string();
            let mut told = 0;
            for (path, quantity) in layout.paths() {
                let unit = |quantity: Option<Quantity>| quantity.and_then(Quantity::unit);
                assert_eq!(unit(quantity_of(&serial, path)), unit(quantity), "{family:?} {path}");
                told += 1;
            }
            assert!(told > 50, "{family:?}: {told}");
        }
        assert_eq!(quantity_of("SA2114G047", "Battery_Details/Battery_Stack_2/X/Y/Z"), None);
        assert_eq!(quantity_of("SA2114G047", "raw/invertor/soc"), None);
    }
}
