use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::job::{Job, ReadJob, WriteJob};
use super::{Block, Counters, Echo, LinkError, Patience, UNSOLICITED_LIMIT};
use crate::frame::BlockKey;

/// Why a connection ended, once it has.
#[derive(Clone, Debug, Default)]
pub(super) struct End(Arc<OnceLock<String>>);

impl End {
    /// The first reason stays.
    pub(super) fn set(&self, why: &str) {
        _ = self.0.set(why.to_owned());
    }

    fn error(&self) -> LinkError {
        LinkError::Lost(self.0.get().map_or_else(|| "its task ended".to_owned(), Clone::clone))
    }
}

/// Reads blocks, and takes those that arrive unasked.
#[derive(Debug)]
pub struct Reader {
    jobs: mpsc::Sender<Job>,
    end: End,
    unsolicited: broadcast::Receiver<Block>,
    /// What arrived unasked while a read was looking for its own late reply.
    aside: VecDeque<Block>,
    counters: Arc<Counters>,
}

/// Asked right before a write goes out, after its pacing: a lease may have ended while it waited for its turn.
pub type Permit = Box<dyn Fn() -> bool + Send + Sync>;

/// Writes registers. There is one per connection, and it cannot be cloned.
#[derive(Debug)]
pub struct Writer {
    jobs: mpsc::Sender<Job>,
    end: End,
}

// === impl Reader ===

impl Reader {
    pub(super) fn new(
        jobs: mpsc::Sender<Job>,
        end: End,
        unsolicited: broadcast::Receiver<Block>,
        counters: Arc<Counters>,
    ) -> Self {
        Self { jobs, end, unsolicited, aside: VecDeque::new(), counters }
    }

    /// Reads one block, as often as `patience` allows. A reply that comes late, but while the same block is still
    /// wanted, is taken; one for another block never is. Dropping the future frees the connection for the next request.
    ///
    /// # Errors
    /// [`LinkError::Timeout`], [`LinkError::Refused`] (at once), [`LinkError::Unsupported`], [`LinkError::Lost`].
    pub async fn read(&mut self, key: BlockKey, patience: Patience) -> Result<Block, LinkError> {
        let started = Instant::now();
        let mut attempt = 0;
        loop {
            match self.ask(key, patience.deadline, attempt > 0).await {
                Err(LinkError::Timeout { .. }) if attempt < patience.retries && !self.is_lost() => {
                    attempt += 1;
                    if let Some(block) = self.late_reply(key, started, patience.pause).await {
                        return Ok(block);
                    }
                }
                Err(LinkError::Timeout { .. }) => return Err(LinkError::Timeout { key, waited: started.elapsed() }),
                outcome => return outcome,
            }
        }
    }

    /// The next block that nobody asked for, if one has arrived.
    pub fn try_unsolicited(&mut self) -> Option<Block> {
        if let Some(block) = self.aside.pop_front() {
            return Some(block);
        }
        loop {
            match self.unsolicited.try_recv() {
                Ok(block) => return Some(block),
                Err(broadcast::error::TryRecvError::Lagged(dropped)) => self.counters.unsolicited_dropped.add(dropped),
                Err(_) => return None,
            }
        }
    }

    /// Waits for a block that nobody asked for; `None` when the connection has ended and all have been taken. Nothing
    /// is lost when the future is dropped.
    pub async fn unsolicited(&mut self) -> Option<Block> {
        match self.aside.pop_front() {
            Some(block) => Some(block),
            None => self.arrived().await,
        }
    }

    /// Whether the connection has ended.
    pub fn is_lost(&self) -> bool {
        self.jobs.is_closed()
    }

    async fn ask(&self, key: BlockKey, deadline: Duration, again: bool) -> Result<Block, LinkError> {
        let (done, outcome) = oneshot::channel();
        let job = Job::Read(ReadJob { key, deadline, again, done });
        self.jobs.send(job).await.map_err(|_| self.end.error())?;
        outcome.await.unwrap_or_else(|_| Err(self.end.error()))
    }

    /// Rests before a retry, with an eye on what arrives meanwhile.
    async fn late_reply(&mut self, key: BlockKey, since: Instant, pause: Duration) -> Option<Block> {
        let until = Instant::now() + pause;
        while let Ok(Some(block)) = timeout_at(until, self.arrived()).await {
            if block.key == key && block.at >= since {
                return Some(block);
            }
            if self.aside.len() == UNSOLICITED_LIMIT {
                self.aside.pop_front();
                self.counters.unsolicited_dropped.add(1);
            }
            self.aside.push_back(block);
        }
        None
    }

    async fn arrived(&mut self) -> Option<Block> {
        loop {
            match self.unsolicited.recv().await {
                Ok(block) => return Some(block),
                Err(broadcast::error::RecvError::Lagged(dropped)) => self.counters.unsolicited_dropped.add(dropped),
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

// === impl Writer ===

impl Writer {
    pub(super) fn new(jobs: mpsc::Sender<Job>, end: End) -> Self {
        Self { jobs, end }
    }

    /// Writes one holding register and waits at most `deadline` for its echo, from when it is transmitted. It is sent
    /// once: whether a write whose echo failed is tried again is decided by whoever can read it back. A future dropped
    /// before its turn came sends nothing, and so does one whose `permit` is not given when it has come.
    ///
    /// # Errors
    /// [`LinkError::Write`], [`LinkError::Lost`].
    pub async fn write(
        &mut self,
        device: u8,
        register: u16,
        value: u16,
        deadline: Duration,
        permit: Permit,
    ) -> Result<Echo, LinkError> {
        let (done, outcome) = oneshot::channel();
        let job = Job::Write(WriteJob { device, register, value, deadline, permit, done });
        self.jobs.send(job).await.map_err(|_| self.end.error())?;
        outcome.await.unwrap_or_else(|_| Err(self.end.error()))
    }
}
