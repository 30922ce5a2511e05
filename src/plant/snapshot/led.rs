use super::Snapshot;
use crate::frame::Serial;

impl Snapshot {
    /// Serial numbers of the inverters behind this gateway or plant controller, as far as they were read.
    pub fn led(&self) -> Vec<Serial> {
        let all_in_ones = self.gateway.iter().flat_map(|gateway| &gateway.aios).map(|aio| aio.serial);
        let inverters = self.ems.iter().flat_map(|ems| &ems.inverters).map(|inverter| inverter.serial);
        all_in_ones.chain(inverters).filter(Serial::is_plausible).collect()
    }
}
