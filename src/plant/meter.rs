use super::snapshot::Meter;
use crate::registers::{View, meter as reg};

/// A meter, if its page holds more than zeros: some firmware answers those for all eight addresses.
pub(super) fn read(address: u8, view: View<'_>) -> Option<Meter> {
    view.get(reg::v_phase_1.bank, reg::v_phase_1.address)?;
    Some(Meter {
        address,
        voltage: [&reg::v_phase_1, &reg::v_phase_2, &reg::v_phase_3].map(|field| field.number(view)),
        current: [&reg::i_phase_1, &reg::i_phase_2, &reg::i_phase_3].map(|field| field.number(view)),
        power: [&reg::p_active_phase_1, &reg::p_active_phase_2, &reg::p_active_phase_3]
            .map(|field| field.integer(view)),
        power_factor: [&reg::pf_phase_1, &reg::pf_phase_2, &reg::pf_phase_3].map(|field| field.number(view)),
        frequency: reg::frequency.number(view),
        import: reg::e_import_active.number(view),
        export: reg::e_export_active.number(view),
    })
}
