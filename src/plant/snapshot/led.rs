//! Whom a gateway or plant controller leads.

use super::Snapshot;
use crate::frame::Serial;
use crate::plant::{INVERTER, Model};
use crate::registers::{Field, ems, gateway};

static ALL_IN_ONES: [&Field; 3] =
    [&gateway::aio1_serial_number, &gateway::aio2_serial_number, &gateway::aio3_serial_number];

static INVERTERS: [&Field; 4] = [
    &ems::inverter_1_serial_number,
    &ems::inverter_2_serial_number,
    &ems::inverter_3_serial_number,
    &ems::inverter_4_serial_number,
];

impl Snapshot {
    /// Serial numbers of the inverters behind this gateway or plant controller, as far as they were read.
    pub fn led(&self) -> Vec<Serial> {
        let fields: &[&Field] = match self.identity.model {
            Model::Gateway => &ALL_IN_ONES,
            model if model.is_ems() => &INVERTERS,
            _ => &[],
        };
        let view = self.image.view(INVERTER);
        fields.iter().filter_map(|field| field.serial(view)).filter(Serial::is_plausible).collect()
    }
}
