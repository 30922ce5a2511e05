//! Which inverters are led by others of this process: a gateway or plant controller and its inverters give one set of
//! totals, not two.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use crate::catalogue::Role;
use crate::frame::Serial;
use crate::plant::Snapshot;
use crate::settings::{self, Settings};

/// Whom each place of the settings leads, where it leads any.
type Led = BTreeMap<usize, Vec<Serial>>;

/// The roles of all inverters. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Roles {
    set: Arc<[settings::Role]>,
    led: watch::Sender<Led>,
}

impl Roles {
    pub(super) fn new(settings: &Settings) -> Self {
        Self::of_set(settings.inverters.iter().map(|inverter| inverter.role))
    }

    fn of_set(set: impl Iterator<Item = settings::Role>) -> Self {
        Self { set: set.collect(), led: watch::Sender::new(Led::new()) }
    }

    /// Takes what an inverter tells of those that it leads. What it does not tell for a while stays.
    pub(super) fn learn(&self, place: usize, snapshot: &Snapshot) {
        self.leads(place, snapshot.led());
    }

    fn leads(&self, place: usize, serials: Vec<Serial>) {
        if serials.is_empty() {
            return;
        }
        self.led.send_if_modified(|led| led.insert(place, serials.clone()) != Some(serials));
    }

    /// What is published of the inverter with this serial, which stands at this place of the settings.
    pub(super) fn of(&self, place: usize, serial: Serial) -> Role {
        let is_set = self.set.get(place) == Some(&settings::Role::BatteryOnly);
        if is_set || self.leader(place, serial).is_some() { Role::BatteryOnly } else { Role::Whole }
    }

    /// The place of another inverter that leads this one.
    pub(super) fn leader(&self, place: usize, serial: Serial) -> Option<usize> {
        let led = self.led.borrow();
        led.iter().find(|(leader, serials)| **leader != place && serials.contains(&serial)).map(|(leader, _)| *leader)
    }

    /// Tells when another inverter became known to be led, or to be led no more.
    pub(super) fn changes(&self) -> watch::Receiver<Led> {
        self.led.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serial(text: &str) -> Serial {
        text.parse().unwrap()
    }

    #[test]
    fn who_is_led_by_another_of_the_same_process_has_no_totals() {
        let roles = Roles::of_set([settings::Role::Auto; 2].into_iter());
        let (gateway, child, stranger) = (serial("GW2414G001"), serial("CH2414G002"), serial("CH2414G003"));
        assert_eq!(roles.of(1, child), Role::Whole);
        let mut changes = roles.changes();
        roles.leads(0, vec![child, gateway]);
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
        assert_eq!([roles.of(1, child), roles.of(1, stranger)], [Role::BatteryOnly, Role::Whole]);
        assert_eq!(roles.of(0, gateway), Role::Whole, "nobody is led by oneself");
        assert!(roles.of(1, child).is_read_only() && !roles.of(0, gateway).is_read_only());
        roles.leads(0, vec![child, gateway]);
        roles.leads(0, Vec::new());
        assert!(!changes.has_changed().unwrap(), "nothing new, or nothing told");
        assert_eq!(roles.of(1, child), Role::BatteryOnly);
        roles.leads(0, vec![stranger]);
        assert_eq!(roles.of(1, child), Role::Whole);
    }

    #[test]
    fn a_role_can_be_set() {
        let roles = Roles::of_set([settings::Role::BatteryOnly, settings::Role::Auto].into_iter());
        let one = serial("CH2414G002");
        assert_eq!(
            [roles.of(0, one), roles.of(1, one), roles.of(9, one)],
            [Role::BatteryOnly, Role::Whole, Role::Whole]
        );
    }
}
