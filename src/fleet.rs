//! Who of several processes takes which inverter.
//!
//! Processes that share a Redis form a standby group: each inverter is read, published and commanded by the one that
//! holds the lease of its link, and the others wait for it. [`reconcile`] says what a process does next: it takes no more
//! than its share while others live, and gives back what is too much. It is pure; `app` does what it says.

/// What a process does about one inverter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Nothing.
    Idle,
    /// It waits for the lease.
    Waiting,
    /// It has the lease.
    Holding,
}

/// What is to be done about the inverter at a place of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Wait for its lease.
    Enter(usize),
    /// Wait no longer.
    Withdraw(usize),
    /// Let go of it, since others live who have less.
    HandOver(usize),
}

/// The most inverters that one of `members` processes holds: its part of them and one more, so that nothing moves for
/// the sake of one; all of them where it is alone.
pub fn share(inverters: usize, members: usize) -> usize {
    if members <= 1 { inverters } else { (inverters.div_ceil(members) + 1).min(inverters) }
}

/// What to do about each inverter, given what is done about it now, and how many processes live, this one included.
pub fn reconcile(standings: &[Standing], members: usize) -> Vec<Action> {
    let share = share(standings.len(), members);
    let places = |wanted: Standing| {
        standings.iter().enumerate().filter(move |(_, standing)| **standing == wanted).map(|(place, _)| place)
    };
    let held = places(Standing::Holding).count();
    let is_full = held == share && share < standings.len();
    if is_full || held > share {
        // The last ones go, so that it is the same ones each time.
        let too_many = places(Standing::Holding).skip(share).map(Action::HandOver);
        places(Standing::Waiting).map(Action::Withdraw).chain(too_many).collect()
    } else {
        places(Standing::Idle).map(Action::Enter).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn alone_it_takes_all() {
        assert_eq!(reconcile(&[Standing::Idle; 3], 1), [0, 1, 2].map(Action::Enter));
        assert_eq!(reconcile(&[Standing::Holding; 3], 1), []);
        assert_eq!(share(5, 0), 5);
    }

    #[test]
    fn a_share_is_the_part_and_one_more() {
        let of_seven: Vec<usize> = (1..=8).map(|members| share(7, members)).collect();
        assert_eq!(of_seven, [7, 5, 4, 3, 3, 3, 2, 2]);
        assert_eq!(share(1, 2), 1, "one inverter is one process'");
        assert_eq!(share(2, 2), 2);
    }

    #[test]
    fn with_its_share_in_hand_it_waits_for_no_more() {
        use Standing::{Holding, Idle, Waiting};
        assert_eq!(reconcile(&[Holding, Holding, Holding, Waiting, Idle], 3), [Action::Withdraw(3)]);
        assert_eq!(reconcile(&[Holding, Waiting, Waiting, Waiting, Idle], 3), [Action::Enter(4)]);
    }

    #[test]
    fn when_others_come_it_hands_over_what_is_too_much() {
        assert_eq!(reconcile(&[Standing::Holding; 6], 2), [4, 5].map(Action::HandOver));
        assert_eq!(reconcile(&[Standing::Holding; 2], 2), []);
    }

    /// A group in which leases are given to whoever waits, in any order.
    struct Group {
        processes: Vec<Vec<Standing>>,
        inverters: usize,
    }

    impl Group {
        fn settle(&mut self, rng: &mut fastrand::Rng) {
            for _ in 0..8 * (self.inverters + self.processes.len()) {
                let members = self.processes.len();
                for standings in &mut self.processes {
                    for action in reconcile(standings, members) {
                        match action {
                            Action::Enter(place) => standings[place] = Standing::Waiting,
                            Action::Withdraw(place) | Action::HandOver(place) => standings[place] = Standing::Idle,
                        }
                    }
                }
                let place = rng.usize(0..self.inverters);
                let is_held = self.processes.iter().any(|standings| standings[place] == Standing::Holding);
                let waiting: Vec<usize> =
                    (0..members).filter(|&process| self.processes[process][place] == Standing::Waiting).collect();
                if let (false, Some(process)) = (is_held, rng.choice(waiting)) {
                    self.processes[process][place] = Standing::Holding;
                }
            }
        }
    }

    proptest! {
        #[test]
        fn whoever_comes_and_goes_each_inverter_finds_one_process(
            inverters in 1_usize..9,
            changes in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 1..12),
            seed in any::<u64>(),
        ) {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut group = Group { processes: vec![vec![Standing::Idle; inverters]], inverters };
            for (joins, whom) in changes {
                if joins && group.processes.len() < 6 {
                    group.processes.push(vec![Standing::Idle; inverters]);
                } else if group.processes.len() > 1 {
                    group.processes.remove(whom.index(group.processes.len()));
                }
                // Long enough for every place to have been drawn many times.
                for _ in 0..20 {
                    group.settle(&mut rng);
                }
                for place in 0..inverters {
                    let holders = group.processes.iter().filter(|all| all[place] == Standing::Holding).count();
                    prop_assert_eq!(holders, 1, "inverter {} of {:?}", place, group.processes);
                }
                let most = share(inverters, group.processes.len());
                for standings in &group.processes {
                    let held = standings.iter().filter(|standing| **standing == Standing::Holding).count();
                    prop_assert!(held <= most);
                }
            }
        }
    }
}
