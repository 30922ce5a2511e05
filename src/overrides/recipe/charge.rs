//! Force charge: the first charge slot from now, up to 100 %, at full power.

use jiff::civil::Time;

use super::sheet::Sheet;
use super::window::Window;
use super::{Refused, pause};
use crate::control::Place;

/// All that HR 111 and 112 know: half the capacity an hour.
pub(super) const FULL_RATE: u16 = 50;
const NO_BATTERY: &str = "only inverters with a battery have it; behind a gateway of one all-in-one, that one has it";

pub(super) fn force(sheet: &mut Sheet<'_>, minutes: u16) -> Result<Option<Time>, Refused> {
    let ten = sheet.context.abilities.ten_slots;
    match sheet.place {
        Place::SinglePhase | Place::Gateway => {
            rate(sheet)?;
            pause::lift(sheet, pause::CHARGE)?;
            let window = Window::from_now(sheet, minutes)?;
            // A target of 100 % that is in force makes a full battery swing between 99 and 100 % on some firmware.
            let mut writes = vec![(20, 0), (116, 100)];
            // With ten slots, each has a target beside that, and both have a say (GivTCP's issues 412 and 576).
            writes.extend(ten.then_some((242, 100)));
            writes.extend([(95, window.end), (94, window.start), (96, 1)]);
            sheet.group("charge slot", &writes)?;
            Ok(Some(window.ends))
        }
        Place::ThreePhase => {
            sheet.group("charge rate", &[(1110, 100)])?;
            pause::lift(sheet, pause::CHARGE)?;
            let window = Window::from_now(sheet, minutes)?;
            let mut writes = vec![(20, 0), (1111, 100)];
            writes.extend(ten.then_some((242, 100)));
            writes.extend([(1114, window.end), (1113, window.start), (1112, 1), (1123, 1)]);
            sheet.group("charge slot", &writes)?;
            Ok(Some(window.ends))
        }
        Place::Ems => {
            let window = Window::from_now(sheet, minutes)?;
            sheet.group("charge slot", &[(2055, 100), (2054, window.end), (2053, window.start)])?;
            sheet.group("plant control", &[(2040, 1)])?;
            Ok(Some(window.ends))
        }
        Place::PvOnly | Place::IdleGateway => Err(sheet.unsupported(NO_BATTERY).into()),
    }
}

/// Both of what limits it, where there are both: the least counts.
fn rate(sheet: &mut Sheet<'_>) -> Result<(), Refused> {
    if sheet.has(111) {
        sheet.group("charge rate", &[(111, FULL_RATE)])?;
    }
    if sheet.has(313) {
        sheet.group("charge rate, % of the inverter", &[(313, 100)])?;
    }
    Ok(())
}
