//! A meter, at 0x01 to 0x08.

use super::build::{i16, u16};

super::table! {
    Input {
        v_phase_1 = u16(60).tenths().volts().between(0.0, 500.0);
        v_phase_2 = u16(61).tenths().volts().between(0.0, 500.0);
        v_phase_3 = u16(62).tenths().volts().between(0.0, 500.0);
        i_phase_1 = u16(63).hundredths().amps();
        i_phase_2 = u16(64).hundredths().amps();
        i_phase_3 = u16(65).hundredths().amps();
        i_ln = u16(66).hundredths().amps();
        i_total = u16(67).hundredths().amps();
        p_active_phase_1 = i16(68).watts();
        p_active_phase_2 = i16(69).watts();
        p_active_phase_3 = i16(70).watts();
        p_active_total = i16(71).watts();
        p_reactive_phase_1 = i16(72).vars();
        p_reactive_phase_2 = i16(73).vars();
        p_reactive_phase_3 = i16(74).vars();
        p_reactive_total = i16(75).vars();
        p_apparent_phase_1 = u16(76).tenths().volt_amps();
        p_apparent_phase_2 = u16(77).tenths().volt_amps();
        p_apparent_phase_3 = u16(78).tenths().volt_amps();
        p_apparent_total = u16(79).tenths().volt_amps();
        pf_phase_1 = i16(80).ten_thousandths().between(-1.0, 1.0);
        pf_phase_2 = i16(81).ten_thousandths().between(-1.0, 1.0);
        pf_phase_3 = i16(82).ten_thousandths().between(-1.0, 1.0);
        pf_total = i16(83).ten_thousandths().between(-1.0, 1.0);
        frequency = u16(84).hundredths().hertz().between(40.0, 70.0);
        e_import_active = u16(85).tenths().kwh();
        e_import_reactive = u16(86).tenths().kwh();
        e_export_active = u16(87).tenths().kwh();
        e_export_reactive = u16(88).tenths().kwh();
    }
}
