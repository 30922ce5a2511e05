//! What a meter is (function 0x16).

use super::build::{text, u16};

super::table! {
    MeterProduct {
        serial_number = text(60, 2);
        factory_code = text(62, 2);
        meter_type = u16(64);
        hardware_version = u16(65);
        software_version = u16(66);
        modbus_id = u16(67);
        baud_rate = u16(68);
    }
}
