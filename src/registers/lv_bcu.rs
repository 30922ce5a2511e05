//! The low-voltage battery controller's page, at 0x31. Where the firmware has none it reads zero.

use super::build::u16;

super::table! {
    Input {
        bms_status_1 = u16(60);
        bms_status_2 = u16(61);
        request_charge_current = u16(62).amps();
        request_discharge_current = u16(63).amps();
    }
}
