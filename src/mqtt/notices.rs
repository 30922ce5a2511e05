//! Topics that are no tree's, which others read to learn of the trees: what they should hold, and what of it is still to
//! be sent. Pure, as `projection`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use super::projection::Due;
use crate::catalogue::{Notice, Payload};

/// What the broker should keep, and a queue that holds each topic at most once.
#[derive(Debug, Default)]
pub(super) struct Notices {
    newest: Arc<[Notice]>,
    /// What was queued last for each topic.
    told: BTreeMap<Arc<str>, Option<Arc<str>>>,
    queue: VecDeque<Arc<str>>,
}

impl Notices {
    /// Takes over what is to be kept now: queues what differs, and empties what is not named any more.
    pub(super) fn apply(&mut self, notices: &Arc<[Notice]>) {
        if Arc::ptr_eq(&self.newest, notices) {
            return;
        }
        self.newest = Arc::clone(notices);
        let named: BTreeMap<&Arc<str>, &Option<Arc<str>>> =
            notices.iter().map(|notice| (&notice.topic, &notice.payload)).collect();
        let gone: Vec<Arc<str>> = self.told.keys().filter(|topic| !named.contains_key(*topic)).cloned().collect();
        for topic in gone {
            self.tell(&topic, None);
        }
        // What takes a topic back comes first, so that who moved is not there twice.
        let mut wanted: Vec<_> = named.into_iter().collect();
        wanted.sort_by_key(|(_, payload)| payload.is_some());
        for (topic, payload) in wanted {
            self.tell(topic, payload.clone());
        }
    }

    /// Queues everything: somebody has to be told anew.
    pub(super) fn everything(&mut self) {
        self.queue = self.told.keys().cloned().collect();
    }

    /// Whether something is to be sent.
    pub(super) fn are_due(&self) -> bool {
        !self.queue.is_empty()
    }

    /// The next one to publish, if any; it counts as sent once `publish` took it.
    pub(super) fn publish_next(&mut self, publish: impl FnOnce(&Due<'_>) -> bool) -> Option<bool> {
        let topic = self.queue.pop_front()?;
        let payload = self.told.get(&topic)?.clone().map(Payload::Text);
        let bytes = Bytes::copy_from_slice(topic.as_bytes());
        Some(publish(&Due { topic: &bytes, payload: payload.as_ref(), retain: true }))
    }

    fn tell(&mut self, topic: &Arc<str>, payload: Option<Arc<str>>) {
        if self.told.get(topic) == Some(&payload) {
            return;
        }
        self.told.insert(Arc::clone(topic), payload);
        if !self.queue.contains(topic) {
            self.queue.push_back(Arc::clone(topic));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notices(all: &[(&str, &str)]) -> Arc<[Notice]> {
        let payload = |text: &str| (!text.is_empty()).then(|| text.into());
        all.iter().map(|(topic, text)| Notice { topic: (*topic).into(), payload: payload(text) }).collect()
    }

    fn sent(notices: &mut Notices) -> Vec<String> {
        let mut sent = Vec::new();
        while notices.publish_next(|due| {
            let payload = due.payload.map(ToString::to_string).unwrap_or_default();
            sent.push(format!("{} {payload}", String::from_utf8_lossy(due.topic)));
            due.retain
        }) == Some(true)
        {}
        sent
    }

    #[test]
    fn only_what_changed_is_sent_and_what_is_not_named_any_more_is_emptied() {
        let mut kept = Notices::default();
        kept.apply(&notices(&[("a", "1"), ("b", "1"), ("old", "")]));
        assert_eq!(sent(&mut kept), ["old ", "a 1", "b 1"]);
        kept.apply(&notices(&[("a", "1"), ("b", "2"), ("old", "")]));
        assert_eq!(sent(&mut kept), ["b 2"]);
        kept.apply(&notices(&[("b", "2"), ("c", "1")]));
        assert_eq!(sent(&mut kept), ["a ", "c 1"]);
        kept.everything();
        assert_eq!(sent(&mut kept), ["a ", "b 2", "c 1", "old "]);
    }

    #[test]
    fn a_topic_waits_once_with_its_newest_payload() {
        let mut kept = Notices::default();
        kept.apply(&notices(&[("a", "1")]));
        kept.apply(&notices(&[("a", "2")]));
        kept.everything();
        assert!(kept.are_due());
        assert_eq!(sent(&mut kept), ["a 2"]);
        assert!(!kept.are_due());
    }
}
