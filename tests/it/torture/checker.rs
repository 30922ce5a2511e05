//! What a history of critical sections proves. It knows nothing of locks: only entries, in the order in which the file
//! took them, and what was done to the processes meanwhile.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// One line of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Wall time in µs, from just before it was written.
    pub at: u64,
    pub pid: u32,
    pub fence: u64,
    pub what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Enter,
    Write,
    Leave,
}

/// What was done to a process or to all of them, in wall time in µs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Killed {
        pid: u32,
        at: u64,
    },
    Stopped {
        pid: u32,
        from: u64,
        to: u64,
    },
    /// What keeps the locks did not answer.
    Outage {
        from: u64,
        to: u64,
    },
}

/// What is promised.
#[derive(Clone, Copy, Debug)]
pub struct Promise {
    /// How long a lease lives unless it is renewed; `None` where a stopped process keeps its lock.
    pub life: Option<Duration>,
    /// How much later than promised something may be, on a busy machine.
    pub slack: Duration,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Proof {
    pub holds: usize,
    /// Entries that a stopped holder had decided to write before; the history refuses them.
    pub late: usize,
    /// Holders that were killed, after whom another entered in time.
    pub freed: usize,
    pub faults: Vec<String>,
}

struct Hold {
    pid: u32,
    entered: u64,
    left: bool,
    late: usize,
}

impl Entry {
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let mut number = || words.next()?.parse::<u64>().ok();
        let (at, pid, fence) = (number()?, u32::try_from(number()?).ok()?, number()?);
        let what = match words.next()? {
            "enter" => What::Enter,
            "write" => What::Write,
            "leave" => What::Leave,
            _ => return None,
        };
        Some(Self { at, pid, fence, what })
    }
}

/// Reads a history from its beginning, as what is protected would: an entry with an older fence than the greatest so far is
/// refused, and is a fault unless its process was stopped in that hold, and it is the only one.
pub fn check(history: &[Entry], events: &[Event], promise: Promise) -> Proof {
    let mut proof = Proof::default();
    let mut holds: HashMap<u64, Hold> = HashMap::new();
    let mut top = 0;
    for entry in history {
        let Entry { at, pid, fence, what } = *entry;
        if fence > top {
            if what != What::Enter {
                proof.faults.push(format!("{entry:?} is of a hold that never began"));
            }
            top = fence;
            holds.insert(fence, Hold { pid, entered: at, left: false, late: 0 });
            proof.holds += 1;
            continue;
        }
        let Some(hold) = holds.get_mut(&fence).filter(|hold| hold.pid == pid) else {
            proof.faults.push(format!("{entry:?} bears a fence that is not its own, or comes after {top}"));
            continue;
        };
        if fence == top {
            if hold.left || what == What::Enter {
                proof.faults.push(format!("{entry:?} is of a hold that was left, or begins again"));
            }
            hold.left |= what == What::Leave;
            continue;
        }
        hold.late += 1;
        proof.late += 1;
        let stopped = events.iter().any(|event| match event {
            Event::Stopped { pid: stopped, from, to } => {
                *stopped == pid && *to >= hold.entered && *from <= at + 100_000
            }
            _ => false,
        });
        if promise.life.is_none() || !stopped || hold.late > 1 {
            proof.faults.push(format!("{entry:?} comes after {top} has entered"));
        }
    }
    for event in events {
        match *event {
            Event::Killed { pid, at } => check_freed(history, events, promise, pid, at, &mut proof),
            Event::Stopped { pid, from, to } => check_stopped(history, promise, pid, from, to, &mut proof),
            Event::Outage { .. } => {}
        }
    }
    proof
}

/// After a holder was killed, somebody entered within a life.
fn check_freed(history: &[Entry], events: &[Event], promise: Promise, pid: u32, killed: u64, proof: &mut Proof) {
    let before = history.iter().filter(|entry| entry.at <= killed).max_by_key(|entry| entry.fence);
    let Some(last) = before.filter(|entry| entry.pid == pid) else { return };
    let left = history.iter().any(|entry| entry.fence == last.fence && entry.what == What::Leave);
    let limit = killed + micros(promise.life.unwrap_or_default() + promise.slack);
    let disturbed = events.iter().any(|event| match *event {
        Event::Killed { at, .. } => at > killed && at < limit,
        Event::Stopped { from, to, .. } | Event::Outage { from, to } => to > killed && from < limit,
    });
    let next = history.iter().find(|entry| entry.fence > last.fence);
    match next {
        _ if left => {}
        Some(next) if next.at <= limit => proof.freed += 1,
        _ if disturbed => {}
        next => {
            proof.faults.push(format!("{pid} was killed at {killed} in {}, and then came {next:?}", last.fence));
        }
    }
}

/// A holder that was stopped for longer than its life wrote at most what it had decided to write before.
fn check_stopped(history: &[Entry], promise: Promise, pid: u32, from: u64, to: u64, proof: &mut Proof) {
    if promise.life.is_none_or(|life| to - from < micros(life)) {
        return;
    }
    let held: HashSet<u64> = history
        .iter()
        .filter(|entry| entry.pid == pid && entry.what == What::Enter && entry.at < from)
        .map(|entry| entry.fence)
        .collect();
    let after = history.iter().filter(|entry| entry.pid == pid && entry.at > to && held.contains(&entry.fence)).count();
    if after > 1 {
        proof.faults.push(format!("{pid} was stopped until {to}, and wrote {after} entries under a fence from before"));
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROMISE: Promise = Promise { life: Some(Duration::from_micros(100)), slack: Duration::from_micros(10) };

    fn history(lines: &str) -> Vec<Entry> {
        lines.lines().map(|line| Entry::parse(line.trim()).unwrap()).collect()
    }

    fn faults(lines: &str, events: &[Event]) -> usize {
        check(&history(lines), events, PROMISE).faults.len()
    }

    #[test]
    fn holds_one_after_the_other_are_no_fault() {
        let proof =
            check(&history("1 1 10 enter\n2 1 10 write\n3 1 10 leave\n4 2 20 enter\n5 2 20 write"), &[], PROMISE);
        assert_eq!((proof.holds, proof.late, proof.faults.len()), (2, 0, 0));
    }

    #[test]
    fn what_overlaps_is_a_fault() {
        for lines in [
            "1 1 10 enter\n2 2 20 enter\n3 1 10 write",
            "1 1 10 enter\n2 2 10 write",
            "1 1 10 enter\n2 2 10 enter",
            "1 1 20 enter\n2 2 10 enter",
            "1 1 10 write",
            "1 1 10 enter\n2 1 10 leave\n3 1 10 write",
        ] {
            assert_eq!(faults(lines, &[]), 1, "{lines}");
        }
    }

    #[test]
    fn a_stopped_holder_may_write_one_entry_late_and_no_second() {
        let stopped = [Event::Stopped { pid: 1, from: 2, to: 250 }];
        let one = "1 1 10 enter\n150 2 20 enter\n251 1 10 write";
        assert_eq!(faults(one, &stopped), 0);
        assert_eq!(faults(one, &[Event::Stopped { pid: 2, from: 2, to: 250 }]), 1);
        assert_eq!(faults(&format!("{one}\n252 1 10 write"), &stopped), 2);
        // Nobody else had entered, and it should have stopped all the same.
        assert_eq!(faults("1 1 10 enter\n251 1 10 write\n252 1 10 write", &stopped), 1);
        let keeps = Promise { life: None, ..PROMISE };
        assert_eq!(check(&history(one), &stopped, keeps).faults.len(), 1, "a stopped process keeps a file's lock");
    }

    #[test]
    fn a_killed_holder_is_followed_within_a_life() {
        let killed = [Event::Killed { pid: 1, at: 5 }];
        assert_eq!(check(&history("1 1 10 enter\n110 2 20 enter"), &killed, PROMISE).freed, 1);
        assert_eq!(faults("1 1 10 enter\n120 2 20 enter", &killed), 1);
        assert_eq!(faults("1 1 10 enter", &killed), 1);
        assert_eq!(faults("1 1 10 enter\n2 1 10 leave\n120 2 20 enter", &killed), 0);
    }
}
