//! What this process answers to programs on its machine.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::future::{BoxFuture, FutureExt};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::recorder::Recorder;
use super::{Snapshots, shelf};
use crate::catalogue::{Layout, as_json};
use crate::control::{By, Order, Orders};
use crate::diagnosis::Diagnosis;
use crate::fleet::Standing;
use crate::inverter::{Hold, link_resource};
use crate::ipc::{self, Answer, Answering, Ask, Wanted};
use crate::link::Tap;
use crate::lock::LockManager;
use crate::redis_server::RedisServer;

/// Between two attempts to listen.
const AGAIN: Duration = Duration::from_secs(5);

/// One inverter, and what was read of it.
#[derive(Debug)]
pub(super) struct Known {
    /// Where its lease is.
    pub locks: Arc<dyn LockManager>,
    pub hold: watch::Receiver<Hold>,
    pub snapshots: Snapshots,
    pub orders: Orders,
    /// Where its connection is listened to.
    pub tap: Tap,
    pub recorder: Recorder,
}

/// Answers for the inverters that this process holds, and for those that others of its group do.
pub(super) struct Answers {
    pub known: watch::Receiver<Arc<[Known]>>,
    /// Where the others leave what they read.
    pub shelf: Option<RedisServer>,
    /// How old what they left may be.
    pub oldest: Duration,
    pub diagnosis: watch::Receiver<Diagnosis>,
}

impl Answers {
    fn all(&self) -> Arc<[Known]> {
        self.known.borrow().clone()
    }

    async fn read(&self, at: &[SocketAddr], raw: bool) -> Answer {
        let (links, all) = (links(at), self.all());
        let Some(known) = all.iter().find(|known| known.is_held(&links)) else {
            return self.read_of_another(&links, raw).await;
        };
        let newest = known.snapshots.borrow().clone();
        match newest {
            Some(snapshot) => Answer::Values { values: as_json(&Layout::new(raw).tree(&snapshot)) },
            None => Answer::NothingRead,
        }
    }

    /// Gives an order to the inverter that this process holds, or by it to the process of its group that does.
    async fn order(&self, at: &[SocketAddr], wanted: Wanted) -> Answer {
        let (links, all) = (links(at), self.all());
        let passes_on = self.shelf.is_some();
        let knows = |known: &&Known| known.is_held(&links) || passes_on && known.is_waited_for(&links);
        let Some(known) = all.iter().find(knows) else {
            return Answer::NotHeld { by: self.holder(&links).await };
        };
        match Order::parse(&wanted.command, &wanted.payload, By::CommandLine) {
            Ok(order) => {
                let order = Order { dry_run: wanted.dry_run || order.dry_run, ..order };
                Answer::Report { report: known.orders.give(order).await }
            }
            Err(fault) => Answer::Fault { why: fault.to_string() },
        }
    }

    async fn record(&self, at: &[SocketAddr]) -> Answer {
        let (links, all) = (links(at), self.all());
        let Some(known) = all.iter().find(|known| known.is_held(&links)) else {
            return Answer::NotHeld { by: self.holder(&links).await };
        };
        match known.recorder.piece(&known.tap).await {
            Some(lines) => Answer::Recorded { lines },
            None => {
                Answer::Fault { why: "somebody else records this inverter now; try again when that is over".to_owned() }
            }
        }
    }

    async fn diagnose(&self, record_seconds: u64) -> Answer {
        let diagnosis = self.diagnosis.borrow().clone();
        match diagnosis.make(Duration::from_secs(record_seconds)).await {
            Ok(archive) => Answer::Archive { content: BASE64_STANDARD.encode(archive) },
            Err(error) => Answer::Fault { why: format!("no archive could be made: {error}") },
        }
    }

    async fn read_of_another(&self, links: &[String], raw: bool) -> Answer {
        let left = match &self.shelf {
            Some(redis) => shelf::find(redis, links, self.oldest).await,
            None => None,
        };
        let Some(mut values) = left.map(|left| left.values) else {
            return Answer::NotHeld { by: self.holder(links).await };
        };
        if let (false, Some(tree)) = (raw, values.as_object_mut()) {
            tree.remove("raw");
        }
        Answer::Values { values }
    }

    /// Which other process has one of these links, where this one waits for it. What cannot be asked is nobody's as far
    /// as is known.
    async fn holder(&self, links: &[String]) -> Option<String> {
        let all = self.all();
        let known = all.iter().find(|known| known.is_at(links))?;
        let link = known.hold.borrow().resource.clone()?;
        let holder = known.locks.holder(&link).await.ok().flatten().filter(|holder| !holder.is_this_process())?;
        Some(holder.to_string())
    }
}

impl Answering for Answers {
    fn answer(&self, ask: Ask) -> BoxFuture<'_, Answer> {
        match ask {
            Ask::Alive => std::future::ready(Answer::Alive).boxed(),
            Ask::Read { at, raw } => async move { self.read(&at, raw).await }.boxed(),
            Ask::Order { at, wanted } => async move { self.order(&at, wanted).await }.boxed(),
            Ask::Record { at } => async move { self.record(&at).await }.boxed(),
            Ask::Diagnose { record_seconds } => async move { self.diagnose(record_seconds).await }.boxed(),
        }
    }
}

impl Known {
    fn is_held(&self, links: &[String]) -> bool {
        self.hold.borrow().standing == Standing::Holding && self.is_at(links)
    }

    fn is_waited_for(&self, links: &[String]) -> bool {
        self.hold.borrow().standing == Standing::Waiting && self.is_at(links)
    }

    fn is_at(&self, links: &[String]) -> bool {
        let hold = self.hold.borrow();
        links.iter().any(|link| hold.resource.as_deref() == Some(link))
    }
}

/// The leases of the connections to these addresses.
fn links(at: &[SocketAddr]) -> Vec<String> {
    at.iter().map(|address| link_resource(&address.to_string())).collect()
}

/// Answers until `shutdown`. Where it cannot, the rest of the program goes on; another process that answers from the same
/// directory may end, and so it is tried again.
pub(super) async fn serve(data_dir: &Path, answers: Answers, shutdown: CancellationToken) {
    let (path, answers, mut said) = (ipc::socket(data_dir), Arc::new(answers), false);
    while let Err(error) = ipc::serve(&path, Arc::clone(&answers) as Arc<dyn Answering>, shutdown.clone()).await {
        if !std::mem::replace(&mut said, true) {
            tracing::warn!(
                "{}: {error}; until then `givtcp read`, `set` and `override` cannot ask this process",
                path.display()
            );
        }
        if shutdown.run_until_cancelled(sleep(AGAIN)).await.is_none() {
            return;
        }
    }
}
