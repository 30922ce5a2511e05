use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{broadcast, mpsc};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_modbus::client::{Client, Context, rtu, tcp};
use tokio_modbus::slave::{Slave, SlaveContext};
use tokio_modbus::{ProtocolError, Request, Response};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::dongle::LINGER;
use super::job::{Job, Queue, ReadJob, WriteJob};
use super::pacer::Pacer;
use super::shared::Shared;
use super::{Block, Counters, Echo, Kind, LinkError, Stream};
use crate::frame::Bank;

const MISFIT: &str = "a reply does not fit its request";

/// The task that owns a stream on which standard Modbus is spoken.
///
/// Its replies do not say what they answer (RTU) or go out of step for good after one that came late (TCP). So the
/// connection ends with the first doubt: a timeout, an error of the transport or the protocol, a reply of another
/// length, a byte that arrives unasked.
pub(super) struct Standard {
    context: Context,
    stream: Shared,
    pacer: Pacer,
    counters: Arc<Counters>,
    /// Nothing arrives unasked here, but while it lives, the reader knows that the connection does.
    _news: broadcast::Sender<Block>,
}

/// How a call ended that got no reply to be trusted.
enum Doubt {
    Timeout,
    Broken(String),
}

impl Standard {
    pub(super) fn new(
        stream: Box<dyn Stream>,
        kind: Kind,
        pacer: Pacer,
        counters: Arc<Counters>,
        news: broadcast::Sender<Block>,
    ) -> Self {
        let stream = Shared::new(stream);
        let slave = Slave(0x11);
        let context = match kind {
            Kind::RtuOverTcp => rtu::attach_slave(stream.clone(), slave),
            Kind::ModbusTcp | Kind::Dongle => tcp::attach_slave(stream.clone(), slave),
        };
        Self { context, stream, pacer, counters, _news: news }
    }

    pub(super) async fn run(mut self, Queue { mut jobs, closing, end }: Queue) {
        let (why, unanswered) = self.serve(&mut jobs, &closing).await;
        // First the connection is lost, then the caller hears of it: it may ask whether a retry makes sense.
        end.set(&why);
        jobs.close();
        match unanswered {
            Some((job, Doubt::Timeout)) => job.time_out(),
            Some((job, Doubt::Broken(why))) => job.lose(&why),
            None => {}
        }
        _ = timeout(LINGER, self.stream.shutdown()).await;
    }

    /// Until the connection ends: why it did, and the request that was doubtful.
    async fn serve(
        &mut self,
        jobs: &mut mpsc::Receiver<Job>,
        closing: &CancellationToken,
    ) -> (String, Option<(Job, Doubt)>) {
        loop {
            let job = match self.next_job(jobs, closing).await {
                Ok(Some(job)) => job,
                Ok(None) => return ("closed".to_owned(), None),
                Err(why) => return (why, None),
            };
            if !job.is_permitted() {
                job.withhold();
                continue;
            }
            let called = tokio::select! {
                biased;
                () = closing.cancelled() => Err(Doubt::Broken("closed".to_owned())),
                called = self.call(&job) => called,
            };
            let doubtful = match called {
                Ok(Ok(response)) => self.answer(job, response).err().map(|job| (job, Doubt::Broken(MISFIT.to_owned()))),
                Ok(Err(exception)) => {
                    debug!(%exception, "The device refuses a request");
                    self.counters.replies.add(1);
                    self.counters.refusals.add(1);
                    job.refuse();
                    None
                }
                Err(doubt) => Some((job, doubt)),
            };
            match doubtful {
                None => {}
                Some((job, Doubt::Timeout)) => {
                    self.counters.timeouts.add(1);
                    return ("a request was not answered in time".to_owned(), Some((job, Doubt::Timeout)));
                }
                Some((job, Doubt::Broken(why))) => return (why.clone(), Some((job, Doubt::Broken(why)))),
            }
        }
    }

    /// The next request, after its pacing; `None` when it is time to close.
    async fn next_job(
        &mut self,
        jobs: &mut mpsc::Receiver<Job>,
        closing: &CancellationToken,
    ) -> Result<Option<Job>, String> {
        let mut waiting: Option<Job> = None;
        let mut byte = [0; 1];
        loop {
            let now = Instant::now();
            let due = self.pacer.due(now);
            tokio::select! {
                biased;
                () = closing.cancelled() => return Ok(None),
                count = self.stream.read(&mut byte) => return match count {
                    Ok(0) => Err("closed by the other side".to_owned()),
                    Ok(_) => Err("bytes arrived unasked".to_owned()),
                    Err(error) => Err(error.to_string()),
                },
                job = jobs.recv(), if waiting.is_none() => match job {
                    Some(Job::Read(ReadJob { key, done, .. })) if key.bank == Bank::MeterProduct => {
                        _ = done.send(Err(LinkError::Unsupported { key }));
                    }
                    Some(job) => waiting = Some(job),
                    None => return Ok(None),
                },
                () = sleep_until(due), if waiting.is_some() => {
                    if let Some(job) = waiting.take_if(|job| !job.is_abandoned()) {
                        self.pacer.transmitted(Instant::now());
                        return Ok(Some(job));
                    }
                    waiting = None;
                }
            }
        }
    }

    /// One call, to its end even if the caller gives up: its reply must not be left for the next.
    async fn call(&mut self, job: &Job) -> Result<Result<Response, tokio_modbus::ExceptionCode>, Doubt> {
        let (device, request) = match job {
            Job::Read(ReadJob { key, .. }) if key.bank == Bank::Input => {
                (key.device, Request::ReadInputRegisters(key.base, key.count))
            }
            Job::Read(ReadJob { key, .. }) => (key.device, Request::ReadHoldingRegisters(key.base, key.count)),
            Job::Write(WriteJob { device, register, value, .. }) => {
                (*device, Request::WriteSingleRegister(*register, *value))
            }
        };
        self.counters.requests.add(1);
        self.context.set_slave(Slave(device));
        let sent = Instant::now();
        let called = timeout(job.deadline(), self.context.call(request))
            .await
            .map_err(|_| Doubt::Timeout)?
            .map_err(|error| Doubt::Broken(reason(&error)))?;
        self.counters.latency.observe(sent.elapsed());
        Ok(called)
    }

    /// Hands a reply to whoever asked, or gives the request back if the reply does not fit it.
    fn answer(&self, job: Job, response: Response) -> Result<(), Job> {
        match (job, response) {
            (Job::Read(job), Response::ReadHoldingRegisters(values) | Response::ReadInputRegisters(values))
                if values.len() == usize::from(job.key.count) =>
            {
                _ = job.done.send(Ok(Block { key: job.key, values, serial: None, at: Instant::now() }));
            }
            (Job::Write(job), Response::WriteSingleRegister(register, value)) if register == job.register => {
                let device = job.device;
                job.finish(Echo { device, register, value, serial: None });
            }
            (job, _) => return Err(job),
        }
        self.counters.replies.add(1);
        Ok(())
    }
}

/// Without what the reply contained.
fn reason(error: &tokio_modbus::Error) -> String {
    match error {
        tokio_modbus::Error::Transport(error) => error.to_string(),
        tokio_modbus::Error::Protocol(ProtocolError::HeaderMismatch { .. }) => "a reply to another request".to_owned(),
        tokio_modbus::Error::Protocol(_) => "a reply of another function".to_owned(),
    }
}
