//! The way in for commands: whoever takes them, by whichever way, gives an [`Order`] and is told what became of it.
//!
//! There is one queue an inverter. It has a bound, and every order has a deadline: who gives one hears of it within
//! [`WITHIN`], whatever happens.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, OwnedMutexGuard, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::tally::Tally;
use super::{Command, Fault, Outcome, Override, Report};
use crate::frame::Serial;

/// An outcome is told within this.
pub const WITHIN: Duration = Duration::from_secs(9);

/// So many orders of one inverter wait; more are refused.
const MOST: usize = 32;
/// What is told of calling off an override that could not be undone yet.
pub(crate) const ENDED_LATER: &str = "it is called off, and undone as soon as the inverter answers";
/// Beyond [`WITHIN`] nobody waits; the executor tells so long before it.
pub(super) const TELLING: Duration = Duration::from_millis(300);

/// A command, and how it is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What is wanted.
    pub command: Command,
    /// Whether it is only to be told what would be written.
    pub dry_run: bool,
    /// By which way it came.
    pub by: By,
    /// The inverter that is meant; if another is connected, it is refused. `None`: whichever is there.
    pub inverter: Option<Serial>,
    /// What it is known by; the report bears it again.
    pub id: Option<String>,
}

/// By which way a command came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum By {
    /// A topic of the broker.
    Mqtt,
    /// GivTCP's REST interface.
    Rest,
    /// Our own API.
    Api,
    /// The command line.
    CommandLine,
    /// A timed override.
    Override,
    /// The program itself.
    Program,
}

/// Gives orders to one inverter. Clones give to the same one.
#[derive(Clone, Debug)]
pub struct Orders {
    queue: mpsc::Sender<Given>,
    tally: Arc<Tally>,
}

/// Where the orders of one inverter arrive. Clones are the same place; one at a time takes from it.
#[derive(Clone, Debug)]
pub struct Inbox(Arc<Mutex<mpsc::Receiver<Given>>>);

/// The inbox in the hands of whoever executes.
#[derive(Debug)]
pub struct Taking(OwnedMutexGuard<mpsc::Receiver<Given>>);

/// An order that was given and not answered yet.
#[derive(Debug)]
pub struct Given {
    /// The order.
    pub order: Order,
    /// When it was given.
    pub at: Instant,
    within: Duration,
    answer: oneshot::Sender<Report>,
}

/// A way in for an inverter's orders, and where they arrive.
pub fn orders() -> (Orders, Inbox) {
    let (sender, receiver) = mpsc::channel(MOST);
    (Orders { queue: sender, tally: Arc::default() }, Inbox(Arc::new(Mutex::new(receiver))))
}

// === impl Order ===

impl Order {
    /// One that is to be carried out.
    pub fn new(command: Command, by: By) -> Self {
        Self { command, dry_run: false, by, inverter: None, id: None }
    }

    /// From a command's name and payload, as every way in has them; a dry run if the payload says so.
    ///
    /// # Errors
    /// What is wanted in place of what was given.
    pub fn parse(name: &str, payload: &str, by: By) -> Result<Self, Fault> {
        let dry_run = Command::parse_dry_run(name, payload)?;
        Ok(Self { dry_run, ..Self::new(Command::parse(name, payload)?, by) })
    }

    /// Whether it calls an override off.
    pub fn ends_override(&self) -> bool {
        !self.dry_run && matches!(self.command, Command::Override(Override { minutes: None, .. }))
    }
}

/// `reserve 20 % (by mqtt)`, for the log.
impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (by {}{})", self.command, self.by.name(), if self.dry_run { ", dry run" } else { "" })
    }
}

// === impl By ===

impl By {
    /// A word for the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mqtt => "mqtt",
            Self::Rest => "rest",
            Self::Api => "api",
            Self::CommandLine => "cli",
            Self::Override => "override",
            Self::Program => "program",
        }
    }
}

// === impl Orders ===

impl Orders {
    /// Gives an order, and says within [`WITHIN`] what became of it. Dropping the future takes back what has not begun,
    /// but calling an override off.
    pub async fn give(&self, order: Order) -> Report {
        self.give_within(order, WITHIN).await
    }

    /// What became of those that were given here.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The same where there is time to find the inverter first.
    pub async fn give_within(&self, order: Order, within: Duration) -> Report {
        let (by, at) = (order.by, Instant::now());
        let report = self.ask(order, at, within).await;
        self.tally.count(by, &report.outcome, at.elapsed());
        report
    }

    async fn ask(&self, order: Order, at: Instant, within: Duration) -> Report {
        let (asked, id) = (order.command.to_string(), order.id.clone());
        let ends = order.ends_override();
        let (answer, outcome) = oneshot::channel();
        let report = |outcome| Report { id: id.clone(), ..Report::new(asked.clone(), outcome) };
        match self.queue.try_send(Given { order, at, within, answer }) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => {
                let why = format!("{MOST} commands wait already; try again in a few seconds");
                return report(Outcome::refused("busy", why));
            }
            Err(mpsc::error::TrySendError::Closed(_)) => {
                return report(Outcome::refused("stopping", "the program stops"));
            }
        }
        match timeout_at(at + within, outcome).await {
            Ok(Ok(report)) => report,
            Ok(Err(_)) => report(Outcome::unreachable("the connection ended before it was done")),
            Err(_) => {
                let goes_on = if ends { ENDED_LATER } else { "if it was begun by then, it goes on" };
                report(Outcome::unreachable(format!("no outcome within {}s; {goes_on}", within.as_secs())))
            }
        }
    }
}

// === impl Inbox, Taking ===

impl Inbox {
    /// One in which nothing ever arrives.
    pub fn closed() -> Self {
        orders().1
    }

    /// Takes it into one's hands, as soon as nobody else has it.
    pub async fn take(self) -> Taking {
        Taking(self.0.lock_owned().await)
    }
}

impl Taking {
    /// The next order that somebody still waits for; for ever if none can come any more. Nothing is lost when the future
    /// is dropped.
    pub async fn next(&mut self) -> Given {
        loop {
            match self.0.recv().await {
                Some(given) if given.is_wanted() => return given,
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// The next order, if one waits.
    pub fn try_next(&mut self) -> Option<Given> {
        loop {
            match self.0.try_recv() {
                Ok(given) if given.is_wanted() => return Some(given),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }
}

// === impl Given ===

impl Given {
    /// Whether it is to be carried out: anybody waits for its outcome, or it calls an override off, which is done however
    /// late it is.
    pub fn is_wanted(&self) -> bool {
        self.order.ends_override() || !self.answer.is_closed() && Instant::now() < self.deadline()
    }

    /// By when its outcome must be told.
    pub fn deadline(&self) -> Instant {
        self.at + self.within - TELLING
    }

    /// Tells its outcome.
    pub fn answer(self, report: Report) {
        let id = self.order.id;
        // Who gave up waiting does not hear it.
        _ = self.answer.send(Report { id, ..report });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        Order { id: Some("7".to_owned()), ..Order::new(Command::Reserve(20), By::Mqtt) }
    }

    #[tokio::test(start_paused = true)]
    async fn an_order_is_answered_by_whoever_takes_it_and_bears_its_id() {
        let (orders, inbox) = orders();
        let mut inbox = inbox.take().await;
        let giving = tokio::spawn(async move { orders.give(order()).await });
        let given = inbox.next().await;
        assert_eq!(given.order.to_string(), "reserve 20 % (by mqtt)");
        given.answer(Report::new("reserve 20 %", Outcome::Applied));
        let report = giving.await.unwrap();
        assert_eq!((report.outcome, report.id.as_deref()), (Outcome::Applied, Some("7")));
    }

    #[tokio::test(start_paused = true)]
    async fn what_became_of_orders_is_counted_by_who_gave_them() {
        let (orders, inbox) = orders();
        let (one, other) = tokio::join!(orders.give(order()), async {
            let given = inbox.take().await.next().await;
            given.answer(Report::new("reserve 20 %", Outcome::Unchanged));
            orders.give(Order { by: By::Rest, ..order() }).await
        });
        assert_eq!((one.outcome.word(), other.outcome.word()), ("unchanged", "refused"));
        let counted = orders.tally().counts();
        assert_eq!(counted, [(("mqtt", "unchanged"), 1), (("rest", "refused"), 1)].into());
        assert_eq!(orders.tally().took().distribution().count, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn an_order_that_nobody_takes_is_answered_within_nine_seconds_and_never_taken_later() {
        let (orders, inbox) = orders();
        let begun = Instant::now();
        let report = orders.give(order()).await;
        assert_eq!((report.outcome.word(), begun.elapsed()), ("unreachable", WITHIN));
        assert!(inbox.take().await.try_next().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn more_orders_than_fit_are_refused_at_once() {
        let (orders, _inbox) = orders();
        let waiting: Vec<_> = (0..MOST)
            .map(|_| {
                tokio::spawn({
                    let orders = orders.clone();
                    async move { orders.give(order()).await }
                })
            })
            .collect();
        tokio::task::yield_now().await;
        let begun = Instant::now();
        let report = orders.give(order()).await;
        assert!(matches!(&report.outcome, Outcome::Refused { code, .. } if code == "busy"), "{report}");
        assert_eq!(begun.elapsed(), Duration::ZERO);
        drop(waiting);
    }

    #[test]
    fn a_report_is_read_back_from_its_json() {
        let report = Report::new("reserve 20 %", Outcome::refused("busy", "later"));
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(text, r#"{"asked":"reserve 20 %","outcome":"refused","code":"busy","why":"later","registers":[]}"#);
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    }
}
