//! Orders between the processes of a group, by messages in Redis: whoever has the inverter carries out what another
//! process was asked for.
//!
//! A message is heard by those that listen when it is said, and by nobody later, so that no order is carried out that
//! nobody waits for any more.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, SystemClock};
use crate::control::{By, Command, Order, Orders, Outcome, Report};
use crate::fleet::Standing;
use crate::frame::Serial;
use crate::inverter::{Hold, PassOn};
use crate::redis_server::{Heard, RedisServer};

/// Where orders are said.
const CHANNEL: &str = "givtcp:order";
/// Before the name of each channel on which one outcome is told.
const OUTCOME: &str = "givtcp:outcome:";
/// So many are passed on at a time, and so many are carried out for others.
const MOST: usize = 16;
/// The outcome is told so long before nobody waits for it any more.
const TELLING: Duration = Duration::from_millis(200);

/// An order for whoever has an inverter.
#[derive(Debug, Serialize, Deserialize)]
struct Passed {
    /// The lease of the inverter's link.
    link: String,
    /// The channel on which its outcome is waited for.
    reply: String,
    /// For how many ms.
    within: u64,
    /// Until when in wall time: a process may hear it late.
    until: Timestamp,
    command: Command,
    dry_run: bool,
    by: By,
    inverter: Option<String>,
}

/// Passes orders on by a Redis.
pub(super) struct Passing {
    redis: RedisServer,
    places: Arc<Semaphore>,
}

/// An inverter whose orders are carried out for others while this process has it.
pub(super) struct Taking {
    pub hold: watch::Receiver<Hold>,
    pub orders: Orders,
}

// === impl Passing ===

impl Passing {
    pub(super) fn new(redis: RedisServer) -> Self {
        Self { redis, places: Arc::new(Semaphore::new(MOST)) }
    }
}

impl PassOn for Passing {
    fn pass_on(&self, link: &str, order: Order, within: Duration) -> BoxFuture<'static, Report> {
        let asked = order.command.to_string();
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            let why = format!("{MOST} commands are passed on already; try again in a few seconds");
            return futures::future::ready(Report::new(asked, Outcome::refused("busy", why))).boxed();
        };
        let by = Instant::now() + within;
        let passed = Passed {
            link: link.to_owned(),
            reply: format!("{OUTCOME}{:016x}", fastrand::u64(..)),
            within: u64::try_from(within.saturating_sub(TELLING).as_millis()).unwrap_or_default(),
            until: SystemClock.now().checked_add(within).unwrap_or(Timestamp::MAX),
            command: order.command,
            dry_run: order.dry_run,
            by: order.by,
            inverter: order.inverter.map(|serial| serial.to_string()),
        };
        let redis = self.redis.clone();
        async move {
            let _place = place;
            let why = match timeout_at(by, ask(&redis, &passed)).await {
                Ok(Ok(report)) => return report,
                Ok(Err(why)) => why,
                Err(_) => {
                    "the process that has this inverter did not answer; what became of it is not known".to_owned()
                }
            };
            Report::new(asked, Outcome::unreachable(why))
        }
        .boxed()
    }
}

/// Says the order once somebody listens for its outcome, and never again.
async fn ask(redis: &RedisServer, passed: &Passed) -> Result<Report, String> {
    let text = serde_json::to_string(passed).map_err(|error| error.to_string())?;
    let mut outcome = redis.subscribe(&[&passed.reply]);
    let mut said = false;
    while let Some(heard) = outcome.next().await {
        match heard {
            Heard::Listening if !std::mem::replace(&mut said, true) => {
                redis.publish(CHANNEL, &text).await.map_err(|error| error.to_string())?;
            }
            Heard::Listening => {}
            Heard::Message { payload, .. } => return serde_json::from_str(&payload).map_err(|error| error.to_string()),
        }
    }
    Err("redis tells nothing any more".to_owned())
}

/// Carries out what other processes were asked for, until `shutdown`.
pub(super) async fn serve(redis: RedisServer, inverters: Vec<Taking>, shutdown: CancellationToken) {
    let mut heard = redis.subscribe(&[CHANNEL]);
    let mut tasks = JoinSet::new();
    loop {
        let said = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            Some(_) = tasks.join_next() => continue,
            said = heard.next() => said,
        };
        let Some(said) = said else { return };
        let Heard::Message { payload, .. } = said else { continue };
        // What is no order of this version is none; whoever gave it hears nothing, and says so.
        let Ok(passed) = serde_json::from_str::<Passed>(&payload) else { continue };
        if passed.until <= SystemClock.now() {
            tracing::warn!("a command that another process passed on came too late: {}", passed.command);
            continue;
        }
        let Some(taking) = inverters.iter().find(|taking| taking.has(&passed.link)) else { continue };
        if tasks.len() < MOST && passed.reply.starts_with(OUTCOME) {
            tasks.spawn(carry_out(redis.clone(), taking.orders.clone(), passed));
        }
    }
}

async fn carry_out(redis: RedisServer, orders: Orders, passed: Passed) {
    let Passed { reply, within, command, dry_run, by, inverter, .. } = passed;
    let serial = inverter.as_deref().map(str::parse::<Serial>);
    let report = match serial.transpose() {
        Ok(inverter) => {
            let order = Order { dry_run, inverter, ..Order::new(command, by) };
            orders.give_within(order, Duration::from_millis(within)).await
        }
        Err(_) => Report::new(command.to_string(), Outcome::refused("invalid", "that is no serial number")),
    };
    if let Ok(text) = serde_json::to_string(&report) {
        // That it is away is said by the room of Redis.
        _ = redis.publish(&reply, &text).await;
    }
}

// === impl Taking ===

impl Taking {
    fn has(&self, link: &str) -> bool {
        let hold = self.hold.borrow();
        hold.standing == Standing::Holding && hold.resource.as_deref() == Some(link)
    }
}
