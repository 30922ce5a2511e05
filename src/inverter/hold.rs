//! The lease of an inverter's link: waited for, kept from connection to connection, given up.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::passing::pass;
use super::{Ended, Task};
use crate::fleet::Standing;
use crate::lock::{Holder, Lease, LockError};
use crate::plant::Plant;

/// Who holds an inverter is asked, and said, when it was waited for so long.
const SAY_AFTER: Duration = Duration::from_secs(2);

/// What a process does about an inverter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Whether it waits for it or has it.
    pub standing: Standing,
    /// The name of the lease that it waits for or has.
    pub resource: Option<Arc<str>>,
}

impl Default for Hold {
    fn default() -> Self {
        Self { standing: Standing::Idle, resource: None }
    }
}

/// What was said of taking turns at an inverter since it answered here last: several processes pass one to and fro for
/// as long as it is silent.
#[derive(Debug, Default)]
pub(super) struct Turns {
    standing_by: bool,
    left: bool,
    /// Since when this process has the lease without a break.
    held_since: Option<Instant>,
    /// How long was waited for an inverter that has not answered here yet.
    taken_after: Option<Duration>,
}

/// The name of the lease without which no connection to this address is opened.
pub fn link_resource(address: &str) -> String {
    format!("inverter_link:{address}")
}

/// Completes when the inverter is no longer to be held.
pub(super) async fn unwanted(wanted: &mut watch::Receiver<bool>) {
    if wanted.wait_for(|wanted| !wanted).await.is_err() {
        // Nobody says so any more.
        std::future::pending::<()>().await;
    }
}

/// Completes when a lease that is kept between two connections is lost.
pub(super) async fn lost(kept: Option<&Lease>) {
    match kept {
        Some(lease) => lease.lost().await,
        None => std::future::pending().await,
    }
}

/// Who is waited for, in one line, and whether that is none of ours.
fn standing_by(resource: &str, holder: &Holder) -> (String, bool) {
    match (holder.pid, holder.remaining) {
        (0, Some(life)) => {
            let life = life.as_secs_f64();
            (format!("the lock {resource} holds what givtcp did not write, for {life:.0}s more; standing by"), true)
        }
        (0, None) => {
            (format!("the lock {resource} holds what givtcp did not write; standing by until that is gone"), true)
        }
        _ => (format!("{holder} has this inverter; standing by until it lets go"), false),
    }
}

impl Task {
    /// The lease of this connection. Named by the address, since a dongle may have several names.
    pub(super) fn link_resource(&self, address: Option<SocketAddr>) -> String {
        link_resource(&address.map_or_else(|| self.inverter.connector.peer(), |address| address.to_string()))
    }

    /// The lease without which no connection is opened: the one that is held already, or as soon as it is free, however
    /// long that takes.
    pub(super) async fn hold(&mut self, resource: &str, shutdown: &CancellationToken) -> Result<Lease, Ended> {
        if let Some(lease) = self.link.take_if(|lease| lease.resource() == resource && !lease.is_lost()) {
            return Ok(lease);
        }
        if self.link.as_ref().is_some_and(Lease::is_lost) {
            self.let_go().await;
        }
        // That of another address of the same dongle.
        drop(self.link.take());
        let mut wanted = self.inverter.wanted.clone();
        if !*wanted.borrow() {
            self.let_go().await;
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return Err(Ended::Shutdown),
                Ok(_) = wanted.wait_for(|wanted| *wanted) => {}
            }
        }
        self.stand(Standing::Waiting, Some(resource));
        let (mut desk, name) = (std::mem::take(&mut self.desk), self.inverter.name.clone());
        let pass_on = self.inverter.pass_on.clone();
        let lease = {
            let mut waiting = std::pin::pin!(self.wait_for(resource));
            loop {
                tokio::select! {
                    biased;
                    () = shutdown.cancelled() => break Err(Ended::Shutdown),
                    () = unwanted(&mut wanted) => break Err(Ended::Unwanted),
                    lease = &mut waiting => break lease.map_err(Ended::from),
                    job = desk.next() => pass(pass_on.as_ref(), &name, resource, job),
                }
            }
        };
        self.desk = desk;
        self.turns.held_since = lease.is_ok().then(Instant::now);
        let standing = if lease.is_ok() { Standing::Holding } else { Standing::Idle };
        self.stand(standing, Some(resource));
        lease
    }

    async fn wait_for(&mut self, resource: &str) -> Result<Lease, LockError> {
        let (locks, owner, begun) = (Arc::clone(&self.inverter.locks), self.owner.clone(), Instant::now());
        let mut acquiring = locks.acquire(resource, &owner, None);
        if let Ok(lease) = timeout_at(begun + SAY_AFTER, &mut acquiring).await {
            return lease;
        }
        // It is another's, and what was read before is old when it comes back.
        self.forget().await;
        let name = &self.inverter.name;
        // That it cannot be asked is said by who is waited for.
        let holder = locks.holder(resource).await.ok().flatten();
        // It is waiting itself: whoever had it has just let go.
        let is_itself = |holder: &Holder| holder.is_this_process() && holder.owner == owner.name();
        if let Some(holder) = holder.filter(|holder| !is_itself(holder)) {
            let (text, is_strange) = standing_by(resource, &holder);
            match (std::mem::replace(&mut self.turns.standing_by, true), is_strange) {
                (true, _) => tracing::debug!(inverter.name = %name, "{text}"),
                (false, true) => tracing::warn!(inverter.name = %name, "{text}"),
                (false, false) => tracing::info!(inverter.name = %name, "{text}"),
            }
        }
        let lease = acquiring.await?;
        let waited = begun.elapsed();
        tracing::debug!(inverter.name = %name, "has the lease after {:.1}s", waited.as_secs_f64());
        self.turns.taken_after = Some(waited);
        Ok(lease)
    }

    /// It has answered: whose it is, is settled.
    pub(super) fn say_taken(&mut self) {
        let fresh = Turns { held_since: self.turns.held_since, ..Turns::default() };
        if let Turns { taken_after: Some(waited), .. } = std::mem::replace(&mut self.turns, fresh) {
            tracing::info!(inverter.name = %self.inverter.name, "takes the inverter over after {:.1}s", waited.as_secs_f64());
        }
    }

    /// How long it has not answered though this process could ask.
    fn unanswered(&self) -> Duration {
        let held = self.turns.held_since.map_or(Duration::ZERO, |since| since.elapsed());
        self.report.silence().min(held)
    }

    /// Whether others are to try an inverter that does not answer here: after a while, and then after each turn.
    pub(super) fn is_to_be_left(&self, ended: &Ended) -> bool {
        let is_its_fault = !matches!(ended, Ended::Lock(_));
        let is_silent = self.turns.left || self.unanswered() >= self.inverter.give_way;
        *self.inverter.members.borrow() > 1 && is_its_fault && is_silent
    }

    /// Lets go of an inverter that does not answer here, where others may reach it.
    pub(super) async fn leave_to_others(&mut self) {
        let (name, silence) = (&self.inverter.name, self.unanswered().as_secs_f64());
        if std::mem::replace(&mut self.turns.left, true) {
            tracing::debug!(inverter.name = %name, "left to others after {silence:.0}s without an answer");
        } else {
            tracing::info!(
                inverter.name = %name,
                "left to others after {silence:.0}s without an answer; all take turns until it answers one"
            );
        }
        self.let_go().await;
    }

    /// Keeps the lease for the next connection, or lets go of it if it is lost.
    pub(super) async fn keep_hold(&mut self, lease: Lease) {
        let is_lost = lease.is_lost();
        self.link = Some(lease);
        if is_lost {
            self.let_go().await;
        }
    }

    /// Lets go of the inverter, so that another process may have it.
    pub(super) async fn let_go(&mut self) {
        // Before it can be another's, who may read what is kept in the same directory.
        self.forget().await;
        drop(self.link.take());
        let resource = self.inverter.standing.borrow().resource.clone();
        self.stand(Standing::Idle, resource.as_deref());
    }

    /// Nothing of the inverter is shown from here any more.
    async fn forget(&mut self) {
        self.keep_now().await;
        self.worn.forget();
        self.plant = Plant::new();
        self.schedule.restart();
        self.report.nothing();
    }

    fn stand(&self, standing: Standing, resource: Option<&str>) {
        self.inverter.standing.send_if_modified(|hold| {
            let new = Hold { standing, resource: resource.map(Arc::from) };
            std::mem::replace(hold, new.clone()) != new
        });
    }
}
