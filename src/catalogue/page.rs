//! `docs/values.md`, made from the catalogue.

use std::fmt::Write;

use super::entries::{AIO, BATTERY, EMS_INVERTER, Entry, METER, MODULE, PERIOD, PLANT, STACK};
use super::layout::inverter_fields;
use super::lookup::{BELOW_AIO, BELOW_BATTERY, BELOW_INVERTER, BELOW_METER, BELOW_MODULE, BELOW_PERIOD, BELOW_STACK};
use super::{Families, raw};
use crate::frame::Bank;
use crate::plant::Family;
use crate::registers::{Field, hv_bcu, hv_bmu, lv_battery, lv_bcu, meter, meter_product};

const HEAD: &str = "\
# What is published

Every value that is published, made from the program's own catalogue: do not edit this page, but
`src/catalogue/entries/`, and then run `GIVTCP_BLESS=1 cargo test --test it values`.

A topic is `<root>/<serial of the inverter>/<path>`; `<serial>` in a path stands for the inverter's own again. A value
that was not read has no topic. Registers are those at address 0x11 unless said otherwise, `IR` input and `HR` holding;
two with a dash are one number. Families are those of GivTCP: single-phase are hybrids, AC-coupled inverters and
all-in-ones; three-phase are 4xxx, 6xxx and whatever else has its live values in IR 1000 and on. [mqtt.md](mqtt.md) says
when values are published; [givtcp-differences.md](givtcp-differences.md) where they differ from GivTCP's.
";

/// The page.
pub fn values_page() -> String {
    let mut page = HEAD.to_owned();
    for lines in PLANT {
        let section = lines.first().map_or("", |entry| entry.path.split('/').next().unwrap_or_default());
        table(&mut page, title(section, lines), "", lines);
    }
    table(&mut page, "Named periods of the tariff", BELOW_PERIOD, PERIOD);
    table(&mut page, "Low-voltage batteries, at 0x32 to 0x37", BELOW_BATTERY, BATTERY);
    table(&mut page, "High-voltage stacks, at 0x70 and on", BELOW_STACK, STACK);
    table(&mut page, "Their modules, at 0x50 and on", BELOW_MODULE, MODULE);
    table(&mut page, "Meters, at 0x01 to 0x08", BELOW_METER, METER);
    table(&mut page, "All-in-ones behind a gateway", BELOW_AIO, AIO);
    table(&mut page, "Inverters behind a plant controller", BELOW_INVERTER, EMS_INVERTER);
    registers(&mut page);
    page
}

/// What a section of the plant is called.
fn title<T>(section: &'static str, lines: &[Entry<T>]) -> &'static str {
    match section {
        _ if lines.iter().all(|entry| entry.is_of(Family::Ems) && !entry.is_of(Family::Gateway)) => "Plant controllers",
        "<serial>" => "The inverter",
        "Stats" => "How the reading goes",
        other => other,
    }
}

fn table<T>(page: &mut String, title: &str, below: &str, lines: &[Entry<T>]) {
    let _ = writeln!(page, "\n## {title}\n\n| path | unit | registers | families | note |\n|---|---|---|---|---|");
    for entry in lines {
        for (place, source) in entry.sources.iter().flatten().enumerate() {
            let (path, note) = match place {
                0 => (format!("`{below}{}`", entry.path), entry.note.unwrap_or_default()),
                _ => (String::new(), ""),
            };
            let unit = entry.quantity.unit().filter(|_| place == 0).unwrap_or_default();
            let _ = writeln!(page, "| {path} | {unit} | {} | {} | {note} |", source.registers, source.families.names());
        }
    }
}

/// The registers below `raw/`.
fn registers(page: &mut String) {
    let _ = write!(
        page,
        "\n## Registers\n\nBelow `raw/`, as they were read, under GivTCP's names; `mqtt.raw: false` leaves them out.\n"
    );
    let single = inverter_fields(Family::SinglePhase);
    let families = Families::one(Family::SinglePhase).and(Families::one(Family::PvOnly)).names();
    fields(page, "raw/invertor/", &format!("{families}; of the others what stands there too"), &single);
    for family in [Family::ThreePhase, Family::Ems, Family::Gateway] {
        let own = inverter_fields(family)
            .into_iter()
            .filter(|field| !single.iter().any(|known| std::ptr::eq(*known, *field)));
        fields(page, "raw/invertor/", family.name(), &own.collect::<Vec<_>>());
    }
    fields(page, "raw/batteries/<battery>/", "low-voltage batteries, at 0x32 to 0x37", lv_battery::FIELDS);
    fields(page, "raw/HV_Battery_Stacks/Stack_<n - 1>/", "high-voltage stacks, at 0x70 and on", hv_bcu::FIELDS);
    let modules = "raw/HV_Battery_Stacks/Stack_<n - 1>/<module>/";
    fields(page, modules, "their modules, at 0x50 and on", hv_bmu::FIELDS);
    fields(page, "raw/meters/Meter_ID_<n>/", "meters, at 0x01 to 0x08", meter::FIELDS);
    fields(page, "raw/meters/Meter_ID_<n>/", "what a meter is, at 0x01 to 0x08", meter_product::FIELDS);
    fields(page, "raw/lv_bcu/", "the low-voltage battery controller, at 0x31", lv_bcu::FIELDS);
}

fn fields(page: &mut String, below: &str, whose: &str, fields: &[&'static Field]) {
    let _ = writeln!(page, "\n### `{below}`: {whose}\n\n| leaf | unit | registers |\n|---|---|---|");
    for field in fields {
        for (suffix, _) in raw::parts(field) {
            let unit = field.unit.symbol().unwrap_or_default();
            let _ = writeln!(page, "| `{}{suffix}` | {unit} | {} |", field.raw_name(), addresses(field));
        }
    }
}

/// Where a field stands: `IR 6-7`.
fn addresses(field: &Field) -> String {
    let bank = match field.bank {
        Bank::Holding => "HR",
        Bank::Input => "IR",
        Bank::MeterProduct => "meter product",
    };
    match field.span() {
        (first, 1) => format!("{bank} {first}"),
        (first, count) => format!("{bank} {first}-{}", first + count - 1),
    }
}
