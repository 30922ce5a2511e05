//! What happened lately, for those who read it over HTTP: by a list, or one by one as it happens.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, watch};
use utoipa::ToSchema;

use super::plants::{Shared, locked};
use crate::event::{Event, News, Subscription};

/// So many events are kept for those who come back.
const MOST: usize = 256;
/// A silent stream shows that it lives.
pub(super) const ALIVE: Duration = Duration::from_secs(15);

/// The last events of this run of the program.
pub(super) struct Recent {
    /// What this run is known by: numbers begin anew with each.
    run: String,
    events: Mutex<VecDeque<Arc<Event>>>,
    newest: watch::Sender<u64>,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EventItem {
    /// What it is known by: the run of the program, and its number in it. A stream goes on after the `Last-Event-ID`.
    #[schema(example = "5f3a91c2-17")]
    id: String,
    /// One more than that of the event before, from 1 in each run.
    #[schema(minimum = 1)]
    number: u64,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// Serial number of the inverter.
    inverter: String,
    /// What happened.
    #[schema(example = "device_lost")]
    kind: String,
    /// What else there is to say of it, by kind.
    details: Map<String, Value>,
}

/// The last events.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EventList {
    /// What this run of the program is known by.
    run: String,
    /// How many events there were in it.
    #[schema(minimum = 0)]
    newest: u64,
    /// The last of them, at most 256, the oldest first.
    events: Vec<EventItem>,
}

/// Where a reader is.
struct Reader {
    shared: Arc<Shared>,
    news: watch::Receiver<u64>,
    /// The number of the event that it had last.
    had: u64,
    /// What it is told next.
    waiting: VecDeque<sse::Event>,
    /// Its right to a stream.
    _permit: OwnedSemaphorePermit,
}

/// Takes down what happens, until the program stops.
pub(super) async fn keep(shared: Arc<Shared>, mut events: Subscription) {
    while let Some(Some(news)) = shared.shutdown.run_until_cancelled(events.next()).await {
        // What was missed shows by the numbers.
        let News::Event(event) = news else { continue };
        let number = event.number;
        shared.recent.put(event);
        shared.recent.newest.send_replace(number);
    }
}

impl Recent {
    pub(super) fn new() -> Self {
        Self { run: format!("{:08x}", fastrand::u32(..)), events: Mutex::default(), newest: watch::Sender::new(0) }
    }

    fn put(&self, event: Arc<Event>) {
        let mut events = locked(&self.events);
        events.push_back(event);
        if events.len() > MOST {
            events.pop_front();
        }
    }

    fn after(&self, number: u64) -> Vec<Arc<Event>> {
        locked(&self.events).iter().filter(|event| event.number > number).cloned().collect()
    }

    fn item(&self, event: &Event) -> EventItem {
        let mut details = match serde_json::to_value(event) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        };
        let kind = details.remove("kind").and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default();
        for own in ["number", "at", "inverter"] {
            details.remove(own);
        }
        EventItem {
            id: format!("{}-{}", self.run, event.number),
            number: event.number,
            at: event.at.to_string(),
            inverter: event.inverter.to_string(),
            kind,
            details,
        }
    }

    /// The last events, all that are kept.
    pub(super) fn list(&self) -> EventList {
        let events = self.after(0).iter().map(|event| self.item(event)).collect();
        EventList { run: self.run.clone(), newest: *self.newest.borrow(), events }
    }

    /// The number in an id of this run.
    fn number(&self, id: &str) -> Option<u64> {
        id.strip_prefix(&*self.run)?.strip_prefix('-')?.parse().ok()
    }
}

/// A stream of events: what happened after `last`, then what happens. `None`, if there are streams enough.
pub(super) fn follow(shared: &Arc<Shared>, last: Option<&str>) -> Option<Response> {
    let permit = Arc::clone(&shared.streams).try_acquire_owned().ok()?;
    let mut waiting = VecDeque::new();
    let news = shared.recent.newest.subscribe();
    let newest = *news.borrow();
    let had = match last {
        None => newest,
        Some(id) => shared.recent.number(id).filter(|number| *number <= newest).unwrap_or_else(|| {
            // That was another run, of which nothing is kept.
            waiting.push_back(sse::Event::default().event("restarted").data("{}"));
            0
        }),
    };
    let reader = Reader { shared: Arc::clone(shared), news, had, waiting, _permit: permit };
    let stopped = shared.shutdown.clone().cancelled_owned();
    let events = stream::unfold(reader, Reader::next).map(Ok::<_, Infallible>).take_until(Box::pin(stopped));
    Some(Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE)).into_response())
}

impl Reader {
    async fn next(mut self) -> Option<(sse::Event, Self)> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some((event, self));
            }
            self.news.borrow_and_update();
            let recent = &self.shared.recent;
            for event in recent.after(self.had) {
                let missed = event.number.saturating_sub(self.had + 1);
                if missed > 0 {
                    let text = format!("{{\"missed\":{missed}}}");
                    self.waiting.push_back(sse::Event::default().event("missed").data(text));
                }
                self.had = event.number;
                let item = recent.item(&event);
                let text = serde_json::to_string(&item).unwrap_or_default();
                self.waiting.push_back(sse::Event::default().id(item.id).event(item.kind).data(text));
            }
            if self.waiting.is_empty() {
                self.news.changed().await.ok()?;
            }
        }
    }
}
