use std::time::Duration;

use super::{Command, SlotChange};

/// Commands that arrive within this of each other may be one: the two times of a slot come by themselves from those who
/// have an entity for each.
pub const MERGE_WITHIN: Duration = Duration::from_secs(2);

/// One command for two that came one after the other, if they are the parts of one: changes of the same slot. Where both
/// say something, the later one counts.
pub fn merge(first: &Command, second: &Command) -> Option<Command> {
    let (Command::Slot(first), Command::Slot(second)) = (first, second) else { return None };
    if (first.kind, first.number) != (second.kind, second.number) {
        return None;
    }
    Some(Command::Slot(SlotChange {
        start: second.start.or(first.start),
        end: second.end.or(first.end),
        target: second.target.or(first.target),
        ..*second
    }))
}
