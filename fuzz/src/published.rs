//! What must hold of everything that is published, whatever was read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use givtcp::catalogue::{BATTERY, METER, PLANT, Payload, Quantity, Tree};

/// Every path is a topic and stands once, every number can be true, every text can be sent.
///
/// # Panics
/// Something does not hold: a finding.
pub fn check(tree: &Tree) {
    let serial = tree.serial.to_string();
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
        if let Some((min, max)) = quantity(path, &serial).and_then(Quantity::range) {
            assert!((min..=max).contains(&number), "{path} outside {min} to {max}: {number}");
        }
    }
}

/// What the leaf at a path measures, by the catalogue; nothing of the registers below `raw/`.
fn quantity(path: &str, serial: &str) -> Option<Quantity> {
    static PATHS: OnceLock<BTreeMap<&str, Quantity>> = OnceLock::new();
    let paths = PATHS.get_or_init(|| {
        let plant = PLANT.iter().map(|entry| (entry.path, entry.quantity));
        let battery = BATTERY.iter().map(|entry| (entry.path, entry.quantity));
        let meter = METER.iter().map(|entry| (entry.path, entry.quantity));
        plant.chain(battery).chain(meter).collect()
    });
    if path.starts_with("raw/") {
        return None;
    }
    let below = |levels: usize| path.splitn(levels + 1, '/').nth(levels);
    let own = path.strip_prefix(serial).and_then(|rest| paths.get(&*format!("<serial>{rest}")));
    let at_device = match path.split('/').next() {
        Some("Battery_Details") => below(3).and_then(|rest| paths.get(rest)),
        Some("Meter_Details") => below(2).and_then(|rest| paths.get(rest)),
        _ => None,
    };
    own.or(at_device).or_else(|| paths.get(path)).copied()
}
