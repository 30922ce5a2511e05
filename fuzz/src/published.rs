//! What must hold of everything that is published, whatever was read.

use std::collections::BTreeSet;

use givtcp::catalogue::{Payload, Quantity, Tree};

/// Every path is a topic and stands once, every number can be true, every text can be sent.
///
/// # Panics
/// Something does not hold: a finding.
pub fn check(tree: &Tree) {
    let mut paths = BTreeSet::new();
    for leaf in &tree.leaves {
        let path = &*leaf.path;
        assert!(paths.insert(path), "published twice: {path}");
        assert!(path.split('/').all(|level| !level.is_empty()), "a level without a name: {path:?}");
        assert!(path.bytes().all(|byte| byte.is_ascii_graphic() && !b"+#".contains(&byte)), "not a topic: {path:?}");
        let number = match &leaf.payload {
            Payload::Integer(number) => *number as f64,
            Payload::Float(number) => *number,
            Payload::Word(_) | Payload::Text(_) => {
                let text = leaf.payload.to_string();
                assert!(!text.is_empty(), "nothing is published there: {path}");
                assert!(!text.chars().any(char::is_control), "{path}: {text:?}");
                continue;
            }
        };
        assert!(number.is_finite(), "{path}: {number}");
        if let Some((min, max)) = quantity(path).and_then(Quantity::range) {
            assert!((min..=max).contains(&number), "{path} outside {min} to {max}: {number}");
        }
    }
}

/// What the leaf at a path measures, by its name: GivTCP's names tell it, and so this does not rest on what it checks.
/// The registers below `raw/` have units of their own.
fn quantity(path: &str) -> Option<Quantity> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let has = |part| name.contains(part);
    Some(match () {
        () if path.starts_with("raw/") || path.starts_with("Stats/") => return None,
        () if path.starts_with("Energy/Today/") => Quantity::EnergyToday,
        () if has("_kWh") => Quantity::EnergyTotal,
        // A meter's. The three-phase inverter's own has a scale that nobody knows, and is shown as its register holds it.
        () if has("_Power_Factor") => Quantity::PowerFactor,
        () if has("Voltage") => Quantity::Voltage,
        () if has("Current") => Quantity::Current,
        () if has("Frequency") => Quantity::Frequency,
        () if has("Temperature") => Quantity::Temperature,
        () if has("SOC") => Quantity::StateOfCharge,
        () if name.ends_with("Time_Remaining") => Quantity::Minutes,
        () if name.ends_with("_Power") || path.starts_with("Power/Flows/") => Quantity::Power,
        () => return None,
    })
}
