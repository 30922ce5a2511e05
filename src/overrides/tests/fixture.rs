//! Models with settings of all sorts, and records of overrides on them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::control::{Allowed, Context, OverrideKind, Range, samples};
use crate::link::Kind;
use crate::overrides::journal::{Reach, Record, RecordId, Register, Step, Which};
use crate::overrides::recipe::{Options, Recipe, recipe};

pub(super) fn noon() -> Timestamp {
    "2026-06-05T12:00:00Z".parse().unwrap()
}

pub(super) fn reach() -> Reach {
    Reach { host: "192.168.1.20".to_owned(), port: 8899, transport: Kind::Dongle }
}

/// Sets of settings: nothing set; all as an override would have it; three of chance.
pub(super) const SETTINGS: std::ops::Range<u16> = 0..5;

/// Sets holding registers.
pub(super) fn set(context: &mut Context, registers: &[(u16, u16)]) {
    for &(register, value) in registers {
        context.known.put(register, value);
    }
}

/// What a register holds among these settings.
fn setting(settings: u16, allowed: &Allowed) -> u16 {
    let chance = fastrand::Rng::with_seed(u64::from(settings) << 16 | u64::from(allowed.register)).u16(..);
    match (settings, allowed.range) {
        (0, _) => 0,
        (1, Range::Between(_, most)) => most,
        (1, _) => 1200,
        (_, Range::Between(least, most)) => least + chance % (most - least + 1),
        (_, Range::OneOf(values)) => values[usize::from(chance) % values.len()],
        (_, Range::Time) => chance % 24 * 100 + chance % 60,
    }
}

/// Every model with these settings, at 12:34:56 by its clock, by its name.
pub(super) fn models(settings: u16) -> Vec<(&'static str, Context)> {
    let clock = [(35, 26), (36, 6), (37, 5), (38, 12), (39, 34), (40, 56)];
    let models = samples().into_iter().map(|sample| {
        let mut context = sample.context;
        for allowed in Allowed::ALL {
            context.known.put(allowed.register, setting(settings, allowed));
        }
        set(&mut context, &clock);
        context.last_reserve = Some(15);
        (sample.title, context)
    });
    models.collect()
}

pub(super) fn model(title: &str, settings: u16) -> Context {
    models(settings).into_iter().find(|(known, _)| *known == title).unwrap().1
}

/// Every override of half an hour that there is, on every model.
pub(super) fn recipes(settings: u16) -> Vec<(String, Context, Recipe)> {
    let mut recipes = Vec::new();
    for (title, context) in models(settings) {
        for kind in OverrideKind::ALL {
            if let Ok(recipe) = recipe(kind, 30, &context, Options::default()) {
                recipes.push((format!("{} on {title}, settings {settings}", kind.name()), context.clone(), recipe));
            }
        }
    }
    recipes
}

/// As it begins at noon.
pub(super) fn record(recipe: &Recipe) -> Record {
    let id = RecordId::new(noon(), recipe.kind as u32);
    recipe.plan(reach(), noon()).into_record(id, noon(), 1, false)
}

/// An inverter's holding registers.
pub(super) type Registers = BTreeMap<u16, u16>;

pub(super) fn registers(record: &Record) -> Registers {
    record.registers().map(|register| (register.address, register.found)).collect()
}

/// What one after the other is done to begin an override: what is recorded, and what is written.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Record(Step),
    Write(u16, u16),
}

/// To begin it, with records group by group, or register by register.
pub(super) fn acts(record: &Record, by_group: bool) -> Vec<Act> {
    let mut acts = Vec::new();
    for (place, group) in record.groups.iter().enumerate() {
        let write = |register: &Register| Act::Write(register.address, register.write);
        if by_group {
            acts.push(Act::Record(Step::Writing(Which::Group(place))));
            acts.extend(group.registers.iter().map(write));
            acts.push(Act::Record(Step::Written(Which::Group(place))));
        } else {
            for (index, register) in group.registers.iter().enumerate() {
                let which = Which::Register(place, index);
                let [before, after] = [Step::Writing(which), Step::Written(which)].map(Act::Record);
                acts.extend([before, write(register), after]);
            }
        }
    }
    acts.push(Act::Record(Step::Applied));
    acts
}

pub(super) fn perform(acts: &[Act], record: &mut Record, registers: &mut Registers) {
    for act in acts {
        match act {
            Act::Record(step) => *record = record.after(step, noon()).unwrap(),
            Act::Write(register, value) => drop(registers.insert(*register, *value)),
        }
    }
}

/// One that runs.
pub(super) fn applied(recipe: &Recipe) -> (Record, Registers) {
    let mut record = record(recipe);
    let mut registers = registers(&record);
    perform(&acts(&record, true), &mut record, &mut registers);
    (record, registers)
}
