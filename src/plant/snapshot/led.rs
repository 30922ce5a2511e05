use super::Snapshot;
use crate::frame::Serial;

impl Snapshot {
    /// Serial numbers of the inverters behind this gateway or plant controller, as far as they were read.
    pub fn led(&self) -> Vec<Serial> {
        let all_in_ones = self.gateway.iter().flat_map(|gateway| &gateway.aios).map(|aio| aio.serial);
        let totals = self.ems.iter().filter(|_| self.total.import.is_some());
        let inverters = totals.flat_map(|ems| &ems.inverters).map(|inverter| inverter.serial);
        all_in_ones.chain(inverters).filter(Serial::is_plausible).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::plant::tests::fixture::{filled_plant, hybrid, plant_of, snapshot};

    #[test]
    fn gateways_and_plant_controllers_tell_whom_they_lead() {
        let led = |code: u16| snapshot(&plant_of(&filled_plant(code, 612))).led();
        assert_eq!((led(0x7001).len(), led(0x5001).len(), led(0x4001).len()), (3, 4, 0));
        assert_eq!(snapshot(&plant_of(&hybrid())).led(), []);
    }
}
