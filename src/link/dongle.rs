use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{broadcast, mpsc};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::codec::{Decoder, Encoder};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::job::{Job, Queue};
use super::pacer::Pacer;
use super::{Block, Counters, Echo, Stream};
use crate::frame::{Answer, BlockKey, DongleCodec, Frame, FrameError, Serial, WRITE_HOLDING};

/// A frame of which nothing more came for so long is given up.
const READ_IDLE: Duration = Duration::from_secs(2);
/// A socket that took nothing for so long is stuck.
const WRITE_STALL: Duration = Duration::from_secs(10);
/// How long the other side has to end its half after we ended ours.
pub(super) const LINGER: Duration = Duration::from_millis(250);
/// Whatever sends so much without one good frame is no dongle, and is not listened to any longer.
const GARBAGE_LIMIT: usize = 64 * 1024;
/// Room for one read of the socket.
const CHUNK: usize = 1024;
/// Answers to heartbeats wait in here too; behind a stuck socket no more are added.
const OUT_LIMIT: usize = 512;

/// The task that owns a stream to a dongle.
pub(super) struct Dongle {
    read: ReadHalf<Box<dyn Stream>>,
    write: WriteHalf<Box<dyn Stream>>,
    peer: String,
    codec: DongleCodec,
    arrived: BytesMut,
    arrived_at: Instant,
    out: BytesMut,
    /// When `out` ceased to be empty.
    out_since: Instant,
    /// Bytes since the last good frame that were none.
    garbage: usize,
    pending: Option<Pending>,
    pacer: Pacer,
    counters: Arc<Counters>,
    news: broadcast::Sender<Block>,
}

/// The one request that has its turn.
struct Pending {
    job: Job,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    /// Until the gap since the last request has passed.
    Pacing,
    /// Until the socket has taken it.
    Sending,
    /// Until it is answered, from when it was sent.
    Sent(Instant),
}

impl Dongle {
    pub(super) fn new(
        stream: Box<dyn Stream>,
        peer: String,
        pacer: Pacer,
        counters: Arc<Counters>,
        news: broadcast::Sender<Block>,
    ) -> Self {
        let (read, write) = tokio::io::split(stream);
        let now = Instant::now();
        Self {
            read,
            write,
            peer,
            codec: DongleCodec::default(),
            arrived: BytesMut::new(),
            arrived_at: now,
            out: BytesMut::new(),
            out_since: now,
            garbage: 0,
            pending: None,
            pacer,
            counters,
            news,
        }
    }

    pub(super) async fn run(mut self, Queue { mut jobs, closing, end }: Queue) {
        let outcome = self.serve(&mut jobs, &closing).await;
        let why = outcome.as_ref().err().map_or("closed", String::as_str);
        end.set(why);
        jobs.close();
        if let Some(pending) = self.pending.take() {
            pending.job.lose(why);
        }
        if outcome.is_ok() {
            self.say_goodbye().await;
        }
    }

    /// Until it is told to close (`Ok`) or the connection is lost (why).
    async fn serve(&mut self, jobs: &mut mpsc::Receiver<Job>, closing: &CancellationToken) -> Result<(), String> {
        loop {
            // A peer that sends without pause keeps the read below always ready, so that what stands after it would
            // never have its turn: each round looks at it here.
            if self.pending.is_none()
                && let Ok(job) = jobs.try_recv()
            {
                self.pending = Some(Pending { job, stage: Stage::Pacing });
            }
            let now = Instant::now();
            self.on_time(now)?;
            let wake = self.next_wake(now);
            self.arrived.reserve(CHUNK);
            tokio::select! {
                biased;
                () = closing.cancelled() => return Ok(()),
                wrote = self.write.write_buf(&mut self.out), if !self.out.is_empty() => self.on_written(wrote)?,
                count = self.read.read_buf(&mut self.arrived) => self.on_read(count)?,
                () = abandoned(&mut self.pending) => self.pending = None,
                job = jobs.recv(), if self.pending.is_none() => match job {
                    Some(job) => self.pending = Some(Pending { job, stage: Stage::Pacing }),
                    None => return Ok(()),
                },
                () = sleep_until(wake.unwrap_or(now)), if wake.is_some() => {}
            }
        }
    }

    /// What the passing of time brings about.
    fn on_time(&mut self, now: Instant) -> Result<(), String> {
        if !self.out.is_empty() && now >= self.out_since + WRITE_STALL {
            return Err(format!("the socket took nothing for {WRITE_STALL:?}"));
        }
        while !self.arrived.is_empty() && now >= self.arrived_at + READ_IDLE {
            if let Some(error) = DongleCodec::give_up_partial(&mut self.arrived) {
                self.on_bad_frame(error);
            }
            self.take_frames()?;
        }
        let Some(Pending { job, stage }) = &self.pending else { return Ok(()) };
        match stage {
            _ if job.is_abandoned() => self.pending = None,
            Stage::Pacing if self.out.is_empty() && now >= self.pacer.due(now) => {
                if job.is_permitted() {
                    self.transmit(now)?;
                } else {
                    self.finish(Job::withhold);
                }
            }
            Stage::Sent(at) if now >= *at + job.deadline() => {
                self.counters.timeouts.add(1);
                self.finish(Job::time_out);
            }
            _ => {}
        }
        Ok(())
    }

    /// When [`Self::on_time`] has something to do next.
    fn next_wake(&self, now: Instant) -> Option<Instant> {
        let request = self.pending.as_ref().and_then(|Pending { job, stage }| match stage {
            Stage::Pacing => self.out.is_empty().then(|| self.pacer.due(now)),
            Stage::Sending => None,
            Stage::Sent(at) => Some(*at + job.deadline()),
        });
        let stall = (!self.out.is_empty()).then(|| self.out_since + WRITE_STALL);
        let idle = (!self.arrived.is_empty()).then(|| self.arrived_at + READ_IDLE);
        [request, stall, idle].into_iter().flatten().min()
    }

    fn transmit(&mut self, now: Instant) -> Result<(), String> {
        let Some(Pending { job, stage }) = &mut self.pending else { return Ok(()) };
        *stage = Stage::Sending;
        let (device, ask) = job.ask();
        self.counters.requests.add(1);
        self.pacer.transmitted(now);
        self.send(&Frame::Request { adapter: Serial::CLIENT, device, ask }, now)
    }

    fn send(&mut self, frame: &Frame, now: Instant) -> Result<(), String> {
        if self.out.is_empty() {
            self.out_since = now;
        }
        self.codec.encode(frame, &mut self.out).map_err(|error| error.to_string())
    }

    fn on_written(&mut self, wrote: io::Result<usize>) -> Result<(), String> {
        match wrote {
            Ok(0) => return Err("the socket takes nothing more".to_owned()),
            Ok(count) => self.counters.bytes_out.add(count as u64),
            Err(error) => return Err(error.to_string()),
        }
        if !self.out.is_empty() {
            return Ok(());
        }
        if let Some(Pending { stage: stage @ Stage::Sending, .. }) = &mut self.pending {
            let now = Instant::now();
            *stage = Stage::Sent(now);
            self.pacer.transmitted(now);
        }
        Ok(())
    }

    fn on_read(&mut self, count: io::Result<usize>) -> Result<(), String> {
        match count {
            Ok(0) => return Err("closed by the other side".to_owned()),
            Ok(count) => self.counters.bytes_in.add(count as u64),
            Err(error) => return Err(error.to_string()),
        }
        self.arrived_at = Instant::now();
        self.take_frames()
    }

    fn take_frames(&mut self) -> Result<(), String> {
        loop {
            let before = self.arrived.len();
            let Some(item) = self.codec.decode(&mut self.arrived).map_err(|error| error.to_string())? else {
                return Ok(());
            };
            match item {
                Ok(frame) => {
                    self.garbage = 0;
                    self.on_frame(frame)?;
                }
                Err(error) => {
                    self.garbage += before - self.arrived.len();
                    self.on_bad_frame(error);
                }
            }
            if self.garbage > GARBAGE_LIMIT {
                return Err(format!("sent {GARBAGE_LIMIT} bytes that are no frame"));
            }
        }
    }

    fn on_bad_frame(&self, error: FrameError) {
        match error {
            FrameError::Crc { .. } => self.counters.crc_errors.add(1),
            FrameError::Function(_) | FrameError::Count(_) => self.counters.unknown.add(1),
            FrameError::Garbage(_)
            | FrameError::Header { .. }
            | FrameError::Truncated(_)
            | FrameError::InnerLength { .. } => self.counters.resyncs.add(1),
        }
        debug!(peer = %self.peer, %error, "Skipped a bad frame");
    }

    fn on_frame(&mut self, frame: Frame) -> Result<(), String> {
        match frame {
            Frame::Heartbeat { kind, .. } if self.out.len() < OUT_LIMIT => {
                self.counters.heartbeats.add(1);
                self.send(&Frame::Heartbeat { adapter: Serial::CLIENT, kind }, Instant::now())?;
            }
            Frame::Reply { device, serial, answer, .. } => self.on_reply(device, serial, answer),
            Frame::Heartbeat { .. } | Frame::Request { .. } | Frame::Null { .. } => self.counters.unknown.add(1),
            Frame::LanBroadcast => {}
        }
        Ok(())
    }

    fn on_reply(&mut self, device: u8, serial: Serial, answer: Answer) {
        match answer {
            Answer::Read { bank, base, values } => {
                let key = BlockKey::new(device, bank, base, values.len() as u16);
                self.on_block(Block { key, values, serial: Some(serial), at: Instant::now() });
            }
            // Register 0 cannot be written: such an echo is a corrupt frame.
            Answer::Write { register: 0, .. } => self.counters.unknown.add(1),
            Answer::Write { register, value } => {
                self.on_echo(Echo { device, register, value, serial: Some(serial) });
            }
            Answer::Error { function, base, .. } => self.on_refusal(device, function, base),
        }
    }

    fn on_block(&mut self, block: Block) {
        let awaited = matches!(&self.pending, Some(Pending { job: Job::Read(job), stage })
            if job.key == block.key && (job.again || matches!(stage, Stage::Sent(_))));
        if !awaited {
            self.counters.unsolicited.add(1);
            // No receiver is left only when the reader is gone; the writer may still be at work.
            _ = self.news.send(block);
            return;
        }
        self.count_reply();
        self.finish(|job| {
            if let Job::Read(job) = job {
                _ = job.done.send(Ok(block));
            }
        });
    }

    fn on_echo(&mut self, echo: Echo) {
        let awaited = matches!(&self.pending, Some(Pending { job: Job::Write(job), stage: Stage::Sent(_) })
            if job.device == echo.device && job.register == echo.register);
        if !awaited {
            self.counters.unsolicited.add(1);
            self.counters.foreign_writes.add(1);
            return;
        }
        self.count_reply();
        self.finish(|job| {
            if let Job::Write(job) = job {
                job.finish(echo);
            }
        });
    }

    /// The count is not compared: devices often put 0 there.
    fn on_refusal(&mut self, device: u8, function: u8, base: u16) {
        let awaited = match &self.pending {
            Some(Pending { job: Job::Read(job), stage: Stage::Sent(_) }) => {
                (job.key.device, job.key.bank.function(), job.key.base) == (device, function, base)
            }
            Some(Pending { job: Job::Write(job), stage: Stage::Sent(_) }) => {
                (job.device, WRITE_HOLDING, job.register) == (device, function, base)
            }
            _ => false,
        };
        if !awaited {
            self.counters.unsolicited.add(1);
            return;
        }
        self.count_reply();
        self.counters.refusals.add(1);
        self.finish(Job::refuse);
    }

    fn count_reply(&self) {
        self.counters.replies.add(1);
        if let Some(Pending { stage: Stage::Sent(at), .. }) = &self.pending {
            self.counters.latency.observe(at.elapsed());
        }
    }

    fn finish(&mut self, outcome: impl FnOnce(Job)) {
        if let Some(pending) = self.pending.take() {
            outcome(pending.job);
        }
    }

    /// Ends our half and gives the other side a moment to end its own, so that the dongle, which has few sockets, gets
    /// this one back at once.
    async fn say_goodbye(mut self) {
        let goodbye = async {
            self.write.shutdown().await?;
            loop {
                self.arrived.clear();
                if self.read.read_buf(&mut self.arrived).await? == 0 {
                    return io::Result::Ok(());
                }
            }
        };
        if let Ok(Err(error)) = timeout(LINGER, goodbye).await {
            debug!(peer = %self.peer, %error, "Closing failed");
        }
    }
}

async fn abandoned(pending: &mut Option<Pending>) {
    match pending {
        Some(pending) => pending.job.abandoned().await,
        None => std::future::pending().await,
    }
}
