//! Commands from the broker: parsed as they arrive, given as orders one after the other, and answered.
//!
//! Of each kind one is being carried out at most, and one waits at most: the newest. All keep the order in which they
//! came.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use serde_json::{Map, Value};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::control::{By, Command, Order, Orders, Outcome, Report};
use crate::fleet::Standing;
use crate::inverter::Hold;
use crate::mqtt::{Arrival, Listening};
use crate::settings::Settings;

/// So many kinds of commands wait; more are refused.
const MOST_WAITING: usize = 32;
/// So many are given to the inverter at a time.
const MOST_GIVEN: usize = 16;
/// The same command with the same id is dropped for so long.
const MEMORY: Duration = Duration::from_secs(600);
/// So many ids are known; the oldest are forgotten first.
const MOST_IDS: usize = 1024;
/// What is ignored is warned of once in this time, for each reason.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// What makes a newer command take an older one's place: name, slot, and whether it is only to be planned.
type Kind = (String, u8, bool);

/// A command that is to be given.
#[derive(Debug)]
struct Waiting {
    kind: Kind,
    order: Order,
    arrival: Arrival,
}

/// What arrived and is not given yet.
#[derive(Debug, Default)]
struct Desk {
    state: Mutex<State>,
    news: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Waiting>,
    /// The ids of the last ten minutes with what they were of, the oldest first.
    ids: VecDeque<(Instant, String)>,
    said: Vec<(&'static str, Instant)>,
}

/// Takes one inverter's commands from the broker, if they are to be taken, until `stop`.
pub(super) fn listen(
    settings: &Settings,
    orders: &Orders,
    hold: &watch::Receiver<Hold>,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) -> Option<Listening> {
    is_wanted(settings).then(|| {
        let desk = Arc::new(Desk::default());
        let (sender, wanted) = watch::channel(false);
        let (orders, hold, stop) = (orders.clone(), hold.clone(), stop.clone());
        let taking = Arc::clone(&desk);
        tasks.spawn(async move {
            let serving = async { tokio::join!(desk.serve(&orders), follow(hold, sender)) };
            stop.run_until_cancelled(serving).await;
        });
        Listening { wanted, take: Arc::new(move |arrival| taking.take(arrival)) }
    })
}

/// Says it where everybody who reaches the broker can steer the inverters.
pub(super) fn warn_of_open_broker(settings: &Settings) {
    let mqtt = &settings.mqtt;
    let is_loopback = mqtt.host.eq_ignore_ascii_case("localhost")
        || mqtt.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let is_anonymous = mqtt.username.is_empty() && mqtt.tls.cert_file.is_none();
    if is_wanted(settings) && is_anonymous && !is_loopback {
        tracing::warn!(
            "mqtt broker {} asks for no user: whoever reaches it can steer the inverters; give it one (mqtt.username), or set control.mqtt to false",
            mqtt.host
        );
    }
}

fn is_wanted(settings: &Settings) -> bool {
    // Where commands are switched off, each is answered with that, and an override can still be called off.
    settings.mqtt.enabled && settings.control.mqtt
}

/// Commands are wanted while this process has the inverter.
async fn follow(mut hold: watch::Receiver<Hold>, wanted: watch::Sender<bool>) {
    loop {
        let holds = hold.borrow_and_update().standing == Standing::Holding;
        wanted.send_if_modified(|now| std::mem::replace(now, holds) != holds);
        if hold.changed().await.is_err() {
            wanted.send_replace(false);
            return;
        }
    }
}

// === impl Desk ===

impl Desk {
    /// Takes a command that arrived: never waits.
    fn take(&self, arrival: Arrival) {
        let Ok(text) = std::str::from_utf8(&arrival.payload) else {
            return self.ignore(&arrival, None, "invalid", "its payload is no text");
        };
        let fields = fields(text);
        let field = |name: &str| fields.as_ref().and_then(|fields| fields.get(name));
        let Ok(id) = as_id(field("id")) else {
            return self.ignore(&arrival, None, "invalid", "id must be a number, or text of at most 64 bytes");
        };
        if arrival.retained {
            return self.ignore(&arrival, id, "retained", "it was published as retained; publish commands without");
        }
        let order = match Order::parse(&arrival.name, text, By::Mqtt) {
            Ok(order) => Order { inverter: Some(arrival.serial), id, ..order },
            Err(fault) => return self.ignore(&arrival, id, "invalid", &fault.to_string()),
        };
        let kind = (arrival.name.to_ascii_lowercase(), slot(&order.command), order.dry_run);
        self.enter(Waiting { kind, order, arrival });
    }

    fn enter(&self, new: Waiting) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let known_as = known_as(&new.order);
        if known_as.as_ref().is_some_and(|known_as| state.knows(known_as)) {
            drop(state);
            tracing::debug!(inverter.serial = %new.arrival.serial, "dropped, its id came before: {}", new.order);
            return new.refuse("duplicate", "the same command with the same id came within the last ten minutes");
        }
        let older = state.waiting.iter().position(|waiting| waiting.kind == new.kind);
        let older = older.and_then(|place| state.waiting.remove(place));
        if state.waiting.len() >= MOST_WAITING {
            drop(state);
            let why = format!("{MOST_WAITING} commands wait already; try again in a few seconds");
            return self.ignore(&new.arrival, new.order.id, "busy", &why);
        }
        state.remember(known_as);
        state.waiting.push_back(new);
        drop(state);
        self.news.notify_one();
        if let Some(older) = older {
            older.refuse("superseded", "a newer one came before it was begun");
        }
    }

    /// Answers what is not given, and says so in the log now and then.
    fn ignore(&self, arrival: &Arrival, id: Option<String>, code: &'static str, why: &str) {
        if self.state.lock().unwrap_or_else(PoisonError::into_inner).is_to_be_said(code) {
            tracing::warn!(inverter.serial = %arrival.serial, "command {:?} from mqtt is ignored: {why}", arrival.name);
        }
        let report = Report { id, ..Report::new(arrival.name.clone(), Outcome::refused(code, why)) };
        answer(arrival, &report);
    }

    /// Gives what waits, for ever.
    async fn serve(&self, orders: &Orders) {
        let mut given: FuturesUnordered<BoxFuture<'_, Kind>> = FuturesUnordered::new();
        let mut kinds: Vec<Kind> = Vec::new();
        loop {
            while given.len() < MOST_GIVEN {
                let Some(next) = self.next_beside(&kinds) else { break };
                if next.arrival.expires.is_some_and(|expires| expires <= Instant::now()) {
                    let Waiting { order, arrival, .. } = next;
                    self.ignore(&arrival, order.id, "expired", "it expired before it could be begun");
                    continue;
                }
                kinds.push(next.kind.clone());
                let mut giving: BoxFuture<'_, Kind> = Box::pin(give(orders, next));
                // It is in the inverter's queue before the next one is.
                match futures::poll!(&mut giving) {
                    std::task::Poll::Ready(kind) => kinds.retain(|other| *other != kind),
                    std::task::Poll::Pending => given.push(giving),
                }
            }
            tokio::select! {
                () = self.news.notified() => {}
                Some(kind) = given.next() => kinds.retain(|other| *other != kind),
            }
        }
    }

    /// The oldest that waits, unless one of its kind is being carried out.
    fn next_beside(&self, kinds: &[Kind]) -> Option<Waiting> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_free = state.waiting.front().is_some_and(|first| !kinds.contains(&first.kind));
        if is_free { state.waiting.pop_front() } else { None }
    }
}

async fn give(orders: &Orders, waiting: Waiting) -> Kind {
    let Waiting { kind, order, arrival } = waiting;
    answer(&arrival, &orders.give(order).await);
    kind
}

fn answer(arrival: &Arrival, report: &Report) {
    if let Ok(json) = serde_json::to_string(report) {
        arrival.answer(json);
    }
}

// === impl Waiting ===

impl Waiting {
    fn refuse(self, code: &'static str, why: &str) {
        let Self { order, arrival, .. } = self;
        let report = Report::new(order.command.to_string(), Outcome::refused(code, why));
        answer(&arrival, &Report { id: order.id, ..report });
    }
}

// === impl State ===

impl State {
    fn knows(&mut self, known_as: &str) -> bool {
        let now = Instant::now();
        while self.ids.front().is_some_and(|(at, _)| now.duration_since(*at) >= MEMORY) {
            self.ids.pop_front();
        }
        self.ids.iter().any(|(_, known)| known == known_as)
    }

    fn remember(&mut self, known_as: Option<String>) {
        let Some(known_as) = known_as else { return };
        if self.ids.len() >= MOST_IDS {
            self.ids.pop_front();
        }
        self.ids.push_back((Instant::now(), known_as));
    }

    fn is_to_be_said(&mut self, code: &'static str) -> bool {
        let now = Instant::now();
        self.said.retain(|(_, at)| now.duration_since(*at) < SAY_EVERY);
        let is_new = self.said.iter().all(|(said, _)| *said != code);
        if is_new {
            self.said.push((code, now));
        }
        is_new
    }
}

/// The fields of a payload that is a JSON object, of a size that a command may have.
fn fields(text: &str) -> Option<Map<String, Value>> {
    let is_object = text.len() <= 4096 && text.trim_start().starts_with('{');
    if is_object { serde_json::from_str(text).ok() } else { None }
}

/// What a command is to be known by, if it says so.
fn as_id(id: Option<&Value>) -> Result<Option<String>, ()> {
    match id {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.len() <= 64 => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(()),
    }
}

/// What tells an order with an id from every other one: another command is none that came before, whatever its id is.
fn known_as(order: &Order) -> Option<String> {
    order.id.as_ref().map(|id| format!("{order} {id}"))
}

/// The slot that a command is about, 0 if none.
fn slot(command: &Command) -> u8 {
    match command {
        Command::Slot(change) => change.number,
        Command::SlotTarget { number, .. } => *number,
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
