//! Force export: the first discharge slot from now, with all the battery has above the owner's reserve.

use jiff::civil::Time;

use super::charge::FULL_RATE;
use super::sheet::Sheet;
use super::window::Window;
use super::{Options, Refused, pause};
use crate::control::Place;

/// The least that a reserve takes, with one phase and with three.
const LEAST: u8 = 4;
const LEAST_THREE_PHASES: u8 = 5;
const NO_BATTERY: &str = "only inverters with a battery have it; behind a gateway of one all-in-one, that one has it";

pub(super) fn force(sheet: &mut Sheet<'_>, minutes: u16, options: Options) -> Result<Option<Time>, Refused> {
    let window = match sheet.place {
        Place::SinglePhase | Place::Gateway => {
            let floor = floor(sheet, options, 110, LEAST)?;
            rate(sheet)?;
            pause::lift(sheet, pause::DISCHARGE)?;
            let window = Window::from_now(sheet, minutes)?;
            // Where a charge slot is in force, it has the first word.
            if charges_meanwhile(sheet, &window) {
                sheet.group("charge schedule", &[(96, 0)])?;
            }
            slot(sheet, floor, [(57, window.end), (56, window.start)])?;
            sheet.group("mode", &[(110, floor), (59, 1), (27, 0)])?;
            window
        }
        Place::ThreePhase => {
            let floor = floor(sheet, options, 1109, LEAST_THREE_PHASES)?;
            sheet.group("discharge rate", &[(1108, 100)])?;
            pause::lift(sheet, pause::DISCHARGE)?;
            let window = Window::from_now(sheet, minutes)?;
            // Whether it puts charge slots in force or forces a charge by itself, it is in the way.
            sheet.group("charge schedule", &[(1123, 0)])?;
            slot(sheet, floor, [(1119, window.end), (1118, window.start)])?;
            sheet.group("mode", &[(1109, floor), (59, 1), (1122, 1), (27, 0)])?;
            window
        }
        Place::Ems => {
            let floor = floor(sheet, options, 2064, LEAST)?;
            let window = Window::from_now(sheet, minutes)?;
            sheet.group("export slot", &[(2064, floor), (2063, window.end), (2062, window.start)])?;
            sheet.group("plant control", &[(2040, 1)])?;
            window
        }
        Place::PvOnly | Place::IdleGateway => return Err(sheet.unsupported(NO_BATTERY).into()),
    };
    Ok(Some(window.ends))
}

/// Where it stops, %: where the settings say, else at the owner's reserve. One of 100 % is that of Eco (Paused), under
/// which the owner's is the last below that.
///
/// A plant controller has no reserve: there it is the target that its export slot has.
fn floor(sheet: &mut Sheet<'_>, options: Options, register: u16, least: u8) -> Result<u16, Refused> {
    let holds = sheet.holds(register);
    let of_owner = u8::try_from(holds).ok().filter(|&reserve| reserve < 100);
    let of_owner = of_owner.or(sheet.context.last_reserve.filter(|_| sheet.place != Place::Ems));
    let floor = options.export_floor.or(of_owner).map(|floor| floor.max(least)).filter(|&floor| floor < 100);
    Ok(floor.ok_or(Refused::NothingToGive { register, holds })?.into())
}

fn rate(sheet: &mut Sheet<'_>) -> Result<(), Refused> {
    if sheet.has(112) {
        sheet.group("discharge rate", &[(112, FULL_RATE)])?;
    }
    if sheet.has(314) {
        sheet.group("discharge rate, % of the inverter", &[(314, 100)])?;
    }
    Ok(())
}

/// With ten slots, each has a target of its own, down to which it discharges.
fn slot(sheet: &mut Sheet<'_>, floor: u16, times: [(u16, u16); 2]) -> Result<(), Refused> {
    let target = sheet.context.abilities.ten_slots.then_some((272, floor));
    let writes: Vec<_> = target.into_iter().chain(times).collect();
    Ok(sheet.group("discharge slot", &writes)?)
}

/// Whether a charge slot is in force at any time of it.
fn charges_meanwhile(sheet: &mut Sheet<'_>, window: &Window) -> bool {
    if sheet.holds(96) != 1 {
        return false;
    }
    let most: u16 = if sheet.context.abilities.ten_slots { 10 } else { 1 };
    let slots: Vec<u16> = std::iter::once(94).chain((2..=most).map(|number| 243 + 3 * (number - 2))).collect();
    // Each is read, whether the first ones meet it or not.
    let meeting: Vec<bool> =
        slots.into_iter().map(|start| window.meets(sheet.holds(start), sheet.holds(start + 1))).collect();
    meeting.contains(&true)
}
