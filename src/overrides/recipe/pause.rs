//! Pauses: by the pause mode where the inverter has one, else by a rate of nothing.

use jiff::civil::Time;

use super::Refused;
use super::sheet::Sheet;
use super::window::Window;
use crate::control::Place;

/// The bits of HR 318.
pub(super) const CHARGE: u16 = 1;
pub(super) const DISCHARGE: u16 = 2;

const MODE: u16 = 318;
const START: u16 = 319;
const END: u16 = 320;
const NO_PAUSE: &str = "it has neither a pause mode nor a rate";

pub(super) fn pause(sheet: &mut Sheet<'_>, minutes: u16, direction: u16) -> Result<Option<Time>, Refused> {
    if sheet.has(MODE) {
        return by_mode(sheet, minutes, direction);
    }
    let (name, [one_phase, three_phases]) = match direction {
        CHARGE => ("charge rate", [111, 1110]),
        _ => ("discharge rate", [112, 1108]),
    };
    match sheet.place {
        Place::SinglePhase => sheet.group(name, &[(one_phase, 0)])?,
        Place::ThreePhase => {
            sheet.note("the inverter takes no rate below 1 %");
            sheet.group(name, &[(three_phases, 1)])?;
        }
        _ => return Err(sheet.unsupported(NO_PAUSE).into()),
    }
    Ok(None)
}

/// In a slot from now, where there is one. What the owner has paused at this time stays paused.
fn by_mode(sheet: &mut Sheet<'_>, minutes: u16, direction: u16) -> Result<Option<Time>, Refused> {
    let found = sheet.holds(MODE) & (CHARGE | DISCHARGE);
    if !sheet.has(START) {
        sheet.group("pause", &[(MODE, found | direction)])?;
        return Ok(None);
    }
    let window = Window::from_now(sheet, minutes)?;
    let (start, end) = (sheet.holds(START), sheet.holds(END));
    // An empty slot may mean always.
    let kept = if start == end || window.meets(start, end) { found } else { 0 };
    sheet.group("pause", &[(END, window.end), (START, window.start), (MODE, kept | direction)])?;
    Ok(Some(window.ends))
}

/// Nothing of the owner's may be paused that is to be forced.
pub(super) fn lift(sheet: &mut Sheet<'_>, direction: u16) -> Result<(), Refused> {
    if !sheet.has(MODE) {
        return Ok(());
    }
    let found = sheet.holds(MODE);
    if found & direction != 0 {
        sheet.group("pause", &[(MODE, 0)])?;
    }
    Ok(())
}
