//! What this process answers to programs on its machine.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt, ready};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Snapshots;
use crate::catalogue::{Layout, as_json};
use crate::fleet::Standing;
use crate::inverter::{Hold, link_resource};
use crate::ipc::{self, Answer, Answering, Ask};

/// One inverter, and what was read of it.
pub(super) struct Known {
    pub hold: watch::Receiver<Hold>,
    pub snapshots: Snapshots,
}

/// Answers for the inverters that this process holds.
pub(super) struct Answers(pub Vec<Known>);

impl Answers {
    fn read(&self, at: &[SocketAddr], raw: bool) -> Answer {
        let Some(known) = self.0.iter().find(|known| known.is_held_at(at)) else { return Answer::NotHeld };
        let newest = known.snapshots.borrow().clone();
        match newest {
            Some(snapshot) => Answer::Values { values: as_json(&Layout::new(raw).tree(&snapshot)) },
            None => Answer::NothingRead,
        }
    }
}

impl Answering for Answers {
    fn answer(&self, ask: Ask) -> BoxFuture<'_, Answer> {
        match ask {
            Ask::Read { at, raw } => ready(self.read(&at, raw)).boxed(),
        }
    }
}

impl Known {
    fn is_held_at(&self, at: &[SocketAddr]) -> bool {
        let hold = self.hold.borrow();
        hold.standing == Standing::Holding
            && at.iter().any(|address| hold.resource.as_deref() == Some(&link_resource(&address.to_string())))
    }
}

/// Answers until `shutdown`. Where it cannot, the rest of the program goes on.
pub(super) async fn serve(data_dir: &Path, answers: Answers, shutdown: CancellationToken) {
    let path = ipc::socket(data_dir);
    if let Err(error) = ipc::serve(&path, Arc::new(answers), shutdown).await {
        tracing::warn!("{}: {error}; `givtcp read` cannot ask this process", path.display());
    }
}
