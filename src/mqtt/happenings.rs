//! Events on their way to the broker: each once, in order, while there is a connection.

use std::collections::VecDeque;

use bytes::Bytes;

use super::MqttCounters;
use super::projection::Due;
use crate::catalogue::Payload;
use crate::event::{News, Subscription};
use crate::frame::Serial;

/// So many events wait for the network; the oldest go first.
const MOST: usize = 64;

/// What happened to one inverter and is still to be published.
#[derive(Debug)]
pub(super) struct Happenings {
    events: Subscription,
    inverter: Serial,
    topic: Bytes,
    waiting: VecDeque<Payload>,
}

impl Happenings {
    pub(super) fn new(events: Subscription, inverter: Serial, topic: Bytes) -> Self {
        Self { events, inverter, topic, waiting: VecDeque::new() }
    }

    /// The next news of any inverter; waits for ever once nobody can make any.
    pub(super) async fn news(&mut self) -> News {
        match self.events.next().await {
            Some(news) => news,
            None => std::future::pending().await,
        }
    }

    /// What is this inverter's is published next.
    pub(super) fn take(&mut self, news: News, counters: &MqttCounters) {
        match news {
            News::Missed(missed) => counters.count_events_dropped(missed),
            News::Event(event) if event.inverter == self.inverter => {
                let Ok(json) = serde_json::to_string(&*event) else { return };
                if self.waiting.len() >= MOST {
                    self.waiting.pop_front();
                    counters.count_events_dropped(1);
                }
                self.waiting.push_back(json.into());
            }
            News::Event(_) => {}
        }
    }

    /// A connection begins: what happened without one is over, and the state that it led to is published anyway.
    pub(super) fn forget(&mut self, counters: &MqttCounters) {
        while let Some(news) = self.events.try_next() {
            self.take(news, counters);
        }
        counters.count_events_dropped(self.waiting.len() as u64);
        self.waiting.clear();
    }

    /// The next one to publish, if any; it counts as sent once `publish` took it.
    pub(super) fn publish_next(&mut self, publish: impl FnOnce(&Due<'_>) -> bool) -> Option<bool> {
        let payload = self.waiting.pop_front()?;
        Some(publish(&Due { topic: &self.topic, payload: Some(&payload), retain: false }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Events, Whose};

    const OWN: &str = "SA2114G047";

    fn lose(events: &Events, serial: &str) {
        let at = "2026-06-05T11:09:54Z".parse().unwrap();
        events.device_lost(Whose { name: "garage", inverter: serial.parse().unwrap(), at }, 0x33);
    }

    fn of(events: &Events) -> (Happenings, MqttCounters) {
        let happenings =
            Happenings::new(events.subscribe(), OWN.parse().unwrap(), Bytes::from("GivEnergy/SA2114G047/Event"));
        (happenings, MqttCounters::default())
    }

    fn published(happenings: &mut Happenings) -> Vec<String> {
        let mut all = Vec::new();
        while happenings.publish_next(|due| {
            all.push(format!("{} {} {}", String::from_utf8_lossy(due.topic), due.retain, due.payload.unwrap()));
            true
        }) == Some(true)
        {}
        all
    }

    #[tokio::test]
    async fn what_happens_to_the_own_inverter_is_published_once_and_not_retained() {
        let events = Events::new();
        let (mut happenings, counters) = of(&events);
        for serial in ["SA2114G999", OWN] {
            lose(&events, serial);
            let news = happenings.news().await;
            happenings.take(news, &counters);
        }
        assert_eq!(
            published(&mut happenings),
            [
                "GivEnergy/SA2114G047/Event false {\"number\":2,\"at\":\"2026-06-05T11:09:54Z\",\"inverter\":\"SA2114G047\",\
              \"kind\":\"device_lost\",\"device\":\"0x33\"}"
            ]
        );
        assert_eq!(published(&mut happenings), Vec::<String>::new());
        assert_eq!(counters.events_dropped(), 0);
    }

    #[tokio::test]
    async fn what_happens_without_a_connection_or_too_fast_is_dropped_and_counted() {
        let events = Events::new();
        let (mut happenings, counters) = of(&events);
        for _ in 0..3 {
            lose(&events, OWN);
        }
        happenings.forget(&counters);
        assert_eq!((published(&mut happenings).len(), counters.events_dropped()), (0, 3));
        for _ in 0..MOST + 5 {
            lose(&events, OWN);
            let news = happenings.news().await;
            happenings.take(news, &counters);
        }
        assert_eq!((published(&mut happenings).len(), counters.events_dropped()), (MOST, 8));
    }
}
