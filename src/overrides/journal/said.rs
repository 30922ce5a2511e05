//! What was said in the log, so that it is said once, and again when it changes.

use std::collections::{BTreeMap, BTreeSet};

/// What is wrong by now with the places of a journal, and with what is in them.
#[derive(Debug, Default)]
pub(super) struct Said {
    places: BTreeMap<&'static str, String>,
    faults: BTreeSet<String>,
}

impl Said {
    /// Whether this about a place is news; `None`: it is well.
    pub(super) fn is_news(&mut self, place: &'static str, why: Option<&str>) -> bool {
        let before = match why {
            Some(why) => self.places.insert(place, why.to_owned()),
            None => self.places.remove(place),
        };
        why.is_some() && before.as_deref() != why
    }

    /// Those of all that is wrong with records that are news.
    pub(super) fn news(&mut self, faults: BTreeSet<String>) -> Vec<String> {
        let news = faults.difference(&self.faults).cloned().collect();
        self.faults = faults;
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_wrong_is_said_once_and_again_when_it_changes_or_comes_back() {
        let mut said = Said::default();
        assert!(said.is_news("disk", Some("no directory")) && !said.is_news("disk", Some("no directory")));
        assert!(said.is_news("redis", Some("no directory")), "another place");
        assert!(said.is_news("disk", Some("full")));
        assert!(!said.is_news("disk", None) && said.is_news("disk", Some("full")));
        let all = |faults: &[&str]| faults.iter().map(|&fault| fault.to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(said.news(all(&["a", "b"])), ["a", "b"]);
        assert_eq!(said.news(all(&["b", "c"])), ["c"]);
        assert_eq!(said.news(all(&["a"])), ["a"]);
    }
}
