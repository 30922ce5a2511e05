//! What the journal is told of a plan.

use std::collections::BTreeMap;

use crate::control::{Context, Plan};
use crate::overrides::journal::{Group, Plan as Begin, Reach, Record, Register, What};
use crate::plant::INVERTER;

/// What the journal is to keep of a plan before its first register is written; `None` where it is not known what a
/// register holds, so that it could not be put back.
///
/// A register that is written twice (a flag that is taken back meanwhile, the clock's seconds) stands there once.
pub fn plan_of(plan: &Plan, context: &Context, reach: Reach) -> Option<Begin> {
    let mut groups: Vec<Group> = Vec::new();
    let mut last = None;
    for step in plan.steps() {
        let (register, value) = (step.write.register(), step.write.value());
        let known = groups.iter_mut().flat_map(|group| &mut group.registers).find(|known| known.address == register);
        if let Some(known) = known {
            known.earlier = Some(known.write).filter(|earlier| *earlier != value);
            known.write = value;
            continue;
        }
        let register = Register::new(INVERTER, register, context.known.get(register)?, value);
        if last != Some(step.group) {
            groups.push(Group { name: format!("{:?}", step.group).to_lowercase(), registers: Vec::new() });
            last = Some(step.group);
        }
        groups.last_mut()?.registers.push(register);
    }
    Some(Begin { what: What::Plan(plan.asked.clone()), inverter: context.serial, reach, groups, end: None })
}

/// Where each register stands in a record.
pub(super) fn places(record: &Record) -> BTreeMap<u16, (usize, usize)> {
    let groups = record.groups.iter().enumerate();
    let registers = groups.flat_map(|(group, all)| {
        all.registers.iter().enumerate().map(move |(place, register)| (register.address, (group, place)))
    });
    registers.collect()
}
