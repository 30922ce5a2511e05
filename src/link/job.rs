use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::ends::{End, Permit};
use super::{Block, Echo, LinkError, WriteFault};
use crate::frame::{Ask, BlockKey};

/// What a connection's task is given to do until it ends.
pub(super) struct Queue {
    pub(super) jobs: mpsc::Receiver<Job>,
    pub(super) closing: CancellationToken,
    pub(super) end: End,
}

/// One request, and where its outcome goes.
pub(super) enum Job {
    Read(ReadJob),
    Write(WriteJob),
}

#[derive(Debug)]
pub(super) struct ReadJob {
    pub(super) key: BlockKey,
    pub(super) deadline: Duration,
    /// It was asked before and not answered: a reply that comes before it is asked again will do.
    pub(super) again: bool,
    pub(super) done: oneshot::Sender<Result<Block, LinkError>>,
}

pub(super) struct WriteJob {
    pub(super) device: u8,
    pub(super) register: u16,
    pub(super) value: u16,
    pub(super) deadline: Duration,
    pub(super) permit: Permit,
    pub(super) done: oneshot::Sender<Result<Echo, LinkError>>,
}

impl Job {
    pub(super) fn ask(&self) -> (u8, Ask) {
        match self {
            Self::Read(ReadJob { key: BlockKey { device, bank, base, count }, .. }) => {
                (*device, Ask::Read { bank: *bank, base: *base, count: *count })
            }
            Self::Write(WriteJob { device, register, value, .. }) => {
                (*device, Ask::Write { register: *register, value: *value })
            }
        }
    }

    pub(super) fn deadline(&self) -> Duration {
        match self {
            Self::Read(job) => job.deadline,
            Self::Write(job) => job.deadline,
        }
    }

    /// Whether it may go out now. Reading changes nothing, and always may.
    pub(super) fn is_permitted(&self) -> bool {
        match self {
            Self::Read(_) => true,
            Self::Write(job) => (job.permit)(),
        }
    }

    pub(super) fn is_abandoned(&self) -> bool {
        match self {
            Self::Read(job) => job.done.is_closed(),
            Self::Write(job) => job.done.is_closed(),
        }
    }

    /// Completes when the caller has given up.
    pub(super) async fn abandoned(&mut self) {
        match self {
            Self::Read(job) => job.done.closed().await,
            Self::Write(job) => job.done.closed().await,
        }
    }

    // A caller that gave up in the meantime does not hear the outcome.

    pub(super) fn time_out(self) {
        match self {
            Self::Read(job) => _ = job.done.send(Err(LinkError::Timeout { key: job.key, waited: job.deadline })),
            Self::Write(job) => {
                let fault = WriteFault::Timeout(job.deadline);
                job.fail(fault);
            }
        }
    }

    pub(super) fn refuse(self) {
        match self {
            Self::Read(job) => _ = job.done.send(Err(LinkError::Refused { key: job.key })),
            Self::Write(job) => job.fail(WriteFault::Refused),
        }
    }

    /// It was not permitted any more.
    pub(super) fn withhold(self) {
        if let Self::Write(job) = self {
            job.fail(WriteFault::NotPermitted);
        }
    }

    pub(super) fn lose(self, why: &str) {
        let error = LinkError::Lost(why.to_owned());
        match self {
            Self::Read(job) => _ = job.done.send(Err(error)),
            Self::Write(job) => _ = job.done.send(Err(error)),
        }
    }
}

impl WriteJob {
    /// Judges the echo of this write.
    pub(super) fn finish(self, echo: Echo) {
        if echo.value == self.value {
            _ = self.done.send(Ok(echo));
        } else {
            self.fail(WriteFault::Mismatch(echo.value));
        }
    }

    fn fail(self, fault: WriteFault) {
        let Self { device, register, value, done, .. } = self;
        _ = done.send(Err(LinkError::Write { device, register, value, fault }));
    }
}
