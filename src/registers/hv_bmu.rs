//! A module of a high-voltage battery stack, at 0x50 and on.

use super::build::{i16, text, u16};

super::table! {
    Input {
        v_cell_01 = u16(60).thousandths().volts().between(1.0, 5.0);
        v_cell_02 = u16(61).thousandths().volts().between(1.0, 5.0);
        v_cell_03 = u16(62).thousandths().volts().between(1.0, 5.0);
        v_cell_04 = u16(63).thousandths().volts().between(1.0, 5.0);
        v_cell_05 = u16(64).thousandths().volts().between(1.0, 5.0);
        v_cell_06 = u16(65).thousandths().volts().between(1.0, 5.0);
        v_cell_07 = u16(66).thousandths().volts().between(1.0, 5.0);
        v_cell_08 = u16(67).thousandths().volts().between(1.0, 5.0);
        v_cell_09 = u16(68).thousandths().volts().between(1.0, 5.0);
        v_cell_10 = u16(69).thousandths().volts().between(1.0, 5.0);
        v_cell_11 = u16(70).thousandths().volts().between(1.0, 5.0);
        v_cell_12 = u16(71).thousandths().volts().between(1.0, 5.0);
        v_cell_13 = u16(72).thousandths().volts().between(1.0, 5.0);
        v_cell_14 = u16(73).thousandths().volts().between(1.0, 5.0);
        v_cell_15 = u16(74).thousandths().volts().between(1.0, 5.0);
        v_cell_16 = u16(75).thousandths().volts().between(1.0, 5.0);
        v_cell_17 = u16(76).thousandths().volts().between(1.0, 5.0);
        v_cell_18 = u16(77).thousandths().volts().between(1.0, 5.0);
        v_cell_19 = u16(78).thousandths().volts().between(1.0, 5.0);
        v_cell_20 = u16(79).thousandths().volts().between(1.0, 5.0);
        v_cell_21 = u16(80).thousandths().volts().between(1.0, 5.0);
        v_cell_22 = u16(81).thousandths().volts().between(1.0, 5.0);
        v_cell_23 = u16(82).thousandths().volts().between(1.0, 5.0);
        v_cell_24 = u16(83).thousandths().volts().between(1.0, 5.0);
        t_cell_01 = i16(90).tenths().celsius().between(-60.0, 150.0);
        t_cell_02 = i16(91).tenths().celsius().between(-60.0, 150.0);
        t_cell_03 = i16(92).tenths().celsius().between(-60.0, 150.0);
        t_cell_04 = i16(93).tenths().celsius().between(-60.0, 150.0);
        t_cell_05 = i16(94).tenths().celsius().between(-60.0, 150.0);
        t_cell_06 = i16(95).tenths().celsius().between(-60.0, 150.0);
        t_cell_07 = i16(96).tenths().celsius().between(-60.0, 150.0);
        t_cell_08 = i16(97).tenths().celsius().between(-60.0, 150.0);
        t_cell_09 = i16(98).tenths().celsius().between(-60.0, 150.0);
        t_cell_10 = i16(99).tenths().celsius().between(-60.0, 150.0);
        t_cell_11 = i16(100).tenths().celsius().between(-60.0, 150.0);
        t_cell_12 = i16(101).tenths().celsius().between(-60.0, 150.0);
        t_cell_13 = i16(102).tenths().celsius().between(-60.0, 150.0);
        t_cell_14 = i16(103).tenths().celsius().between(-60.0, 150.0);
        t_cell_15 = i16(104).tenths().celsius().between(-60.0, 150.0);
        t_cell_16 = i16(105).tenths().celsius().between(-60.0, 150.0);
        t_cell_17 = i16(106).tenths().celsius().between(-60.0, 150.0);
        t_cell_18 = i16(107).tenths().celsius().between(-60.0, 150.0);
        t_cell_19 = i16(108).tenths().celsius().between(-60.0, 150.0);
        t_cell_20 = i16(109).tenths().celsius().between(-60.0, 150.0);
        t_cell_21 = i16(110).tenths().celsius().between(-60.0, 150.0);
        t_cell_22 = i16(111).tenths().celsius().between(-60.0, 150.0);
        t_cell_23 = i16(112).tenths().celsius().between(-60.0, 150.0);
        t_cell_24 = i16(113).tenths().celsius().between(-60.0, 150.0);
        serial_number = text(114, 5);
    }
}
