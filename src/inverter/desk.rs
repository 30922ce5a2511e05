//! Orders as they come, and which of them are one.

use std::collections::VecDeque;
use std::pin::Pin;

use tokio::time::{Instant, sleep_until};

use crate::control::{By, Command, Given, MERGE_WITHIN, Order, Report, SlotChange, Taking, merge};

/// Orders that are carried out together.
#[derive(Debug)]
pub(super) struct Job {
    /// What is wanted, by all of them.
    pub(super) command: Command,
    given: Vec<Given>,
}

/// Where an inverter's orders are sorted.
#[derive(Debug, Default)]
pub(super) struct Desk {
    inbox: Option<Taking>,
    /// One time of a slot, whose other one may follow.
    half: Option<Job>,
    ready: VecDeque<Job>,
}

impl Desk {
    /// For what arrives there.
    pub(super) fn new(inbox: Taking) -> Self {
        Self { inbox: Some(inbox), ..Self::default() }
    }

    /// What is to be carried out next. Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> Job {
        loop {
            if let Some(job) = self.take_ready() {
                return job;
            }
            let complete_at = self.half.as_ref().map(Job::complete_at);
            let Some(inbox) = &mut self.inbox else { return std::future::pending().await };
            tokio::select! {
                biased;
                given = inbox.next() => self.receive(given),
                () = sleep_until(complete_at.unwrap_or_else(Instant::now)), if complete_at.is_some() => {}
            }
        }
    }

    /// What is to be carried out now, if anything is.
    pub(super) fn try_next(&mut self) -> Option<Job> {
        while self.ready.is_empty()
            && let Some(given) = self.inbox.as_mut().and_then(Taking::try_next)
        {
            self.receive(given);
        }
        self.take_ready()
    }

    fn take_ready(&mut self) -> Option<Job> {
        if self.half.as_ref().is_some_and(|half| Instant::now() >= half.complete_at()) {
            self.ready.extend(self.half.take());
        }
        while let Some(job) = self.ready.pop_front() {
            if job.given.iter().any(Given::is_wanted) {
                return Some(job);
            }
        }
        None
    }

    fn receive(&mut self, given: Given) {
        let given = match self.half.take() {
            None => given,
            Some(mut half) => match half.join(given) {
                Ok(()) if is_half(&half.command) => return self.half = Some(half),
                Ok(()) => return self.ready.push_back(half),
                // What comes after it must not be done before it.
                Err(given) => {
                    self.ready.push_back(half);
                    given
                }
            },
        };
        let waits = is_half(&given.order.command) && !matches!(given.order.by, By::Override | By::Program);
        let job = Job { command: given.order.command.clone(), given: vec![given] };
        if waits {
            self.half = Some(job);
        } else {
            self.ready.push_back(job);
        }
    }
}

impl Job {
    /// Whether nothing is to be written.
    pub(super) fn is_dry_run(&self) -> bool {
        self.given.iter().any(|given| given.order.dry_run)
    }

    /// All of it as one order; `None` where nobody gave it.
    pub(super) fn as_order(&self) -> Option<Order> {
        let first = &self.given.first()?.order;
        let dry_run = self.is_dry_run();
        Some(Order { command: self.command.clone(), dry_run, id: None, ..first.clone() })
    }

    /// The orders that it is made of.
    pub(super) fn given(&self) -> &[Given] {
        &self.given
    }

    /// By when its outcome must be told.
    pub(super) fn deadline(&self) -> Instant {
        self.given.iter().map(Given::deadline).min().unwrap_or_else(Instant::now)
    }

    /// Tells everybody who gave it.
    pub(super) fn answer(self, report: &Report) {
        self.given.into_iter().for_each(|given| given.answer(report.clone()));
    }

    /// Does what takes its time, and tells everybody who gave the job how it stands if that is not done when they must
    /// be told.
    pub(super) async fn answer_by<T>(
        deadline: Instant,
        job: &mut Option<Self>,
        report: &Report,
        mut work: Pin<&mut impl Future<Output = T>>,
    ) -> T {
        tokio::select! {
            biased;
            done = &mut work => done,
            () = sleep_until(deadline) => {
                if let Some(job) = job.take() {
                    job.answer(report);
                }
                work.await
            }
        }
    }

    /// So long the other half is waited for.
    fn complete_at(&self) -> Instant {
        self.given.iter().map(|given| given.at).max().unwrap_or_else(Instant::now) + MERGE_WITHIN
    }

    /// Takes another order in, if both are parts of one.
    fn join(&mut self, given: Given) -> Result<(), Given> {
        let alike = self
            .given
            .iter()
            .all(|mine| (mine.order.dry_run, mine.order.inverter) == (given.order.dry_run, given.order.inverter));
        match merge(&self.command, &given.order.command).filter(|_| alike) {
            Some(command) => {
                self.command = command;
                self.given.push(given);
                Ok(())
            }
            None => Err(given),
        }
    }
}

/// Whether it is one time of a slot.
fn is_half(command: &Command) -> bool {
    matches!(command, Command::Slot(SlotChange { start, end, .. }) if start.is_some() != end.is_some())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::control::{Order, Orders, Outcome, orders};

    async fn desk() -> (Orders, Desk) {
        let (orders, inbox) = orders();
        (orders, Desk::new(inbox.take().await))
    }

    fn give(orders: &Orders, name: &str, payload: &str) -> tokio::task::JoinHandle<Report> {
        let (orders, command) = (orders.clone(), Command::parse(name, payload).unwrap());
        tokio::spawn(async move { orders.give(Order::new(command, By::Mqtt)).await })
    }

    #[tokio::test(start_paused = true)]
    async fn start_and_end_within_two_seconds_are_one_and_both_are_told() {
        let (orders, mut desk) = desk().await;
        let first = give(&orders, "setChargeStart1", "01:30");
        let begun = Instant::now();
        let second = tokio::spawn({
            let orders = orders.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(1900)).await;
                give(&orders, "setChargeEnd1", "04:30").await.unwrap()
            }
        });
        let job = desk.next().await;
        assert_eq!(job.command.to_string(), "charge slot 1 from 01:30 to 04:30");
        assert_eq!(begun.elapsed(), Duration::from_millis(1900), "at once when it is whole");
        job.answer(&Report::new("both", Outcome::Applied));
        assert_eq!(first.await.unwrap().asked, "both");
        assert_eq!(second.await.unwrap().asked, "both");
    }

    #[tokio::test(start_paused = true)]
    async fn one_time_alone_waits_two_seconds_and_what_follows_does_not_overtake_it() {
        let (orders, mut desk) = desk().await;
        let _first = give(&orders, "setChargeStart1", "01:30");
        let begun = Instant::now();
        assert_eq!(desk.next().await.command.to_string(), "charge slot 1 from 01:30");
        assert_eq!(begun.elapsed(), MERGE_WITHIN);
        let _second = give(&orders, "setChargeEnd1", "04:30");
        let _third = give(&orders, "enableChargeSchedule", "enable");
        tokio::task::yield_now().await;
        assert_eq!(desk.next().await.command.to_string(), "charge slot 1 to 04:30");
        assert_eq!(desk.try_next().unwrap().command.to_string(), "charge schedule on");
        assert!(desk.try_next().is_none());
    }
}
