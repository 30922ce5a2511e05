//! Which inverters are led by others of this process: a gateway or plant controller and its inverters give one set of
//! totals, not two.

pub(super) mod kept;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::catalogue::Role;
use crate::frame::Serial;
use crate::inverter;
use crate::plant::Snapshot;
use crate::settings::{self, InverterSettings};

/// An inverter that leads others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leader {
    /// Who it is.
    serial: Serial,
    /// Whom it leads.
    led: Vec<Serial>,
    /// Whether it is a plant controller, which has their settings too; not known of one that is only remembered.
    is_controller: bool,
}

/// Who leads at each place of the settings, where one leads any.
pub(super) type Led = BTreeMap<usize, Leader>;

/// What of the roles survives a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Memory {
    leaders: Vec<Remembered>,
}

/// A leader by where it was reached: one that the settings no longer name leads nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    host: String,
    port: u16,
    serial: String,
    led: Vec<String>,
}

/// The roles of all inverters. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Roles {
    seats: Arc<Mutex<BTreeMap<usize, Seat>>>,
    /// Who led when the program ran last.
    remembered: Arc<Memory>,
    led: watch::Sender<Led>,
}

/// What the settings say of the inverter at a place.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    index: usize,
    set: settings::Role,
    host: String,
    port: u16,
}

impl Seat {
    /// Of the inverter at this index of the settings.
    pub(super) fn new(index: usize, each: &InverterSettings) -> Self {
        Self { index, set: each.role, host: each.host.clone(), port: each.port }
    }
}

impl Roles {
    /// Nobody has a seat yet.
    pub(super) fn new(memory: Memory) -> Self {
        Self { seats: Arc::default(), remembered: Arc::new(memory), led: watch::Sender::default() }
    }

    /// Gives the inverter at this place a seat, or another one; who is remembered there leads.
    pub(super) fn seat(&self, place: usize, seat: Seat) {
        let leader = self.remembered.leaders.iter().find(|known| (&known.host, known.port) == (&seat.host, seat.port));
        let leader = leader.and_then(|known| {
            let led = known.led.iter().filter_map(|serial| serial.parse().ok()).collect();
            Some(Leader { serial: known.serial.parse().ok()?, led, is_controller: false })
        });
        let is_new = self.seats().insert(place, seat).is_none();
        self.led.send_modify(|led| {
            if let (true, Some(leader)) = (is_new, leader) {
                led.insert(place, leader);
            }
        });
    }

    /// The inverter at this place is there no more.
    pub(super) fn leave(&self, place: usize) {
        self.seats().remove(&place);
        self.led.send_modify(|led| _ = led.remove(&place));
    }

    /// As the settings name the inverter at this place: `inverters[0]`.
    pub(super) fn named(&self, place: usize) -> String {
        self.seats().get(&place).map_or_else(|| "an inverter".to_owned(), |seat| format!("inverters[{}]", seat.index))
    }

    fn seats(&self) -> MutexGuard<'_, BTreeMap<usize, Seat>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what an inverter tells of those that it leads. What it does not tell for a while stays.
    pub(super) fn learn(&self, place: usize, snapshot: &Snapshot) {
        self.leads(place, snapshot.identity.serial, snapshot.led(), snapshot.ems.is_some());
    }

    pub(super) fn leads(&self, place: usize, serial: Serial, led: Vec<Serial>, is_controller: bool) {
        self.led.send_if_modified(|leaders| match leaders.get(&place) {
            // Another inverter answers there now.
            Some(known) if led.is_empty() && known.serial != serial => leaders.remove(&place).is_some(),
            _ if led.is_empty() => false,
            known => {
                let leader = Leader { serial, led, is_controller };
                let is_new = known != Some(&leader);
                leaders.insert(place, leader);
                is_new
            }
        });
    }

    /// What is published of the inverter with this serial, which stands at this place of the settings.
    pub(super) fn of(&self, place: usize, serial: Serial) -> Role {
        let is_set = self.seats().get(&place).is_some_and(|seat| seat.set == settings::Role::BatteryOnly);
        if is_set || self.leader(place, serial).is_some() { Role::BatteryOnly } else { Role::Whole }
    }

    /// The place of another inverter that leads this one.
    pub(super) fn leader(&self, place: usize, serial: Serial) -> Option<usize> {
        let leaders = self.led.borrow();
        leaders
            .iter()
            .find(|(leader, known)| **leader != place && known.led.contains(&serial))
            .map(|(leader, _)| *leader)
    }

    /// Tells which plant controller leads an inverter that stands at this place. A gateway leaves their settings to its
    /// all-in-ones.
    pub(super) fn controller_of(&self, place: usize) -> inverter::Leader {
        let roles = self.clone();
        Arc::new(move |serial| {
            let leaders = roles.led.borrow();
            let leads = |(at, leader): &(&usize, &Leader)| {
                **at != place && leader.is_controller && leader.led.contains(&serial)
            };
            leaders.iter().find(leads).map(|(_, leader)| leader.serial)
        })
    }

    /// Tells when another inverter became known to be led, or to be led no more.
    pub(super) fn changes(&self) -> watch::Receiver<Led> {
        self.led.subscribe()
    }

    /// What must survive a restart.
    pub(super) fn memory(&self) -> Memory {
        let leaders = self.led.borrow();
        let leaders = leaders.iter().filter_map(|(place, leader)| {
            let Seat { host, port, .. } = self.seats().get(place)?.clone();
            let led = leader.led.iter().map(ToString::to_string).collect();
            Some(Remembered { host, port, serial: leader.serial.to_string(), led })
        });
        Memory { leaders: leaders.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Transport;

    fn serial(text: &str) -> Serial {
        text.parse().unwrap()
    }

    fn seated(roles: &[settings::Role], memory: &Memory) -> Roles {
        let all = Roles::new(memory.clone());
        for (place, &role) in roles.iter().enumerate() {
            let at = InverterSettings::at(format!("dongle-{place}"), None, Transport::Dongle);
            all.seat(place, Seat::new(place, &InverterSettings { role, ..at }));
        }
        all
    }

    fn two() -> Roles {
        Roles::of_two(&Memory::default())
    }

    impl Roles {
        /// Of `dongle-0` and `dongle-1`.
        pub(in crate::app) fn of_two(memory: &Memory) -> Self {
            seated(&[settings::Role::Auto; 2], memory)
        }
    }

    #[test]
    fn who_is_led_by_another_of_the_same_process_has_no_totals() {
        let roles = two();
        let (gateway, child, stranger) = (serial("GW2414G001"), serial("CH2414G002"), serial("CH2414G003"));
        assert_eq!(roles.of(1, child), Role::Whole);
        let mut changes = roles.changes();
        roles.leads(0, gateway, vec![child, gateway], false);
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
        assert_eq!([roles.of(1, child), roles.of(1, stranger)], [Role::BatteryOnly, Role::Whole]);
        assert_eq!(roles.of(0, gateway), Role::Whole, "nobody is led by oneself");
        assert!(roles.of(1, child).is_read_only() && !roles.of(0, gateway).is_read_only());
        roles.leads(0, gateway, vec![child, gateway], false);
        roles.leads(0, gateway, Vec::new(), false);
        assert!(!changes.has_changed().unwrap(), "nothing new, or nothing told");
        assert_eq!(roles.of(1, child), Role::BatteryOnly);
        roles.leads(0, gateway, vec![stranger], false);
        assert_eq!(roles.of(1, child), Role::Whole);
    }

    #[test]
    fn a_role_can_be_set() {
        let roles = seated(&[settings::Role::BatteryOnly, settings::Role::Auto], &Memory::default());
        let one = serial("CH2414G002");
        assert_eq!(
            [roles.of(0, one), roles.of(1, one), roles.of(9, one)],
            [Role::BatteryOnly, Role::Whole, Role::Whole]
        );
    }

    #[test]
    fn after_a_restart_it_is_known_who_is_led() {
        let (gateway, child) = (serial("GW2414G001"), serial("CH2414G002"));
        let before = two();
        before.leads(1, gateway, vec![child], false);
        let text = serde_json::to_string(&before.memory()).unwrap();
        let memory: Memory = serde_json::from_str(&text).unwrap();
        let after = seated(&[settings::Role::Auto; 2], &memory);
        assert_eq!((after.of(0, child), after.memory()), (Role::BatteryOnly, memory.clone()));
        // Another inverter without any behind it answers where the gateway did.
        after.leads(1, serial("SA2114G047"), Vec::new(), false);
        assert_eq!((after.of(0, child), after.memory()), (Role::Whole, Memory::default()));
        // The settings no longer name the gateway.
        let alone = seated(&[settings::Role::Auto], &memory);
        assert_eq!(alone.of(0, child), Role::Whole);
    }

    #[test]
    fn a_plant_controller_has_its_inverters_settings_and_a_gateway_does_not() {
        let (leader, child) = (serial("GW2414G001"), serial("CH2414G002"));
        for is_controller in [true, false] {
            let roles = two();
            let of = roles.controller_of(0);
            roles.leads(1, leader, vec![child], is_controller);
            assert_eq!(of(child), is_controller.then_some(leader));
            assert_eq!(of(leader), None);
        }
    }

    #[test]
    fn nonsense_in_a_file_leads_nobody() {
        let text = r#"{"leaders":[{"host":"dongle-1","port":8899,"serial":"","led":["CH2414G002","?"]}],"more":1}"#;
        let roles = seated(&[settings::Role::Auto; 2], &serde_json::from_str(text).unwrap());
        assert_eq!(roles.of(0, serial("CH2414G002")), Role::Whole);
    }
}
