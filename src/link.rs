//! One connection to one device: requests matched to replies, pacing, deadlines, heartbeats.
//!
//! [`open`] yields a [`Connection`] with a [`Reader`] and a [`Writer`]. One request is in flight at a time; requests
//! keep a gap between them; what arrives unasked (the dongle tells every client everything) is data too. Three
//! transports stand behind the same two ends: the dongle's own framing, Modbus TCP and RTU over TCP. A connection ends
//! once and for all: reconnecting, with rests between the attempts, is its owner's part.
//!
//! This room knows nothing of what registers mean.

mod connector;
mod counters;
mod dongle;
mod ends;
mod job;
mod modbus;
mod pacer;
mod shared;
mod tap;

pub use connector::{Connecting, Connector, Knocked, Moves, MovingConnector, Resolving, Stream, TcpConnector, knock};
pub use counters::{Counters, Counts};
pub use ends::{Permit, Reader, Writer};
pub use tap::{Tap, Tapped};

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::frame::{BlockKey, Serial};

/// How many unsolicited blocks wait to be taken; the oldest gives way.
pub const UNSOLICITED_LIMIT: usize = 64;
/// One request of the reader, one of the writer, and what callers that gave up left behind.
const JOB_LIMIT: usize = 4;

/// Registers that were read together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Which device, bank and registers.
    pub key: BlockKey,
    /// As many values as the key counts.
    pub values: Vec<u16>,
    /// The serial in the reply. `None` on the standard transports, which have none; a blank one stays `Some`.
    pub serial: Option<Serial>,
    /// When it arrived.
    pub at: Instant,
}

/// What a device repeated of a write: the write arrived. That it had an effect must be read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo {
    /// Which device.
    pub device: u8,
    /// Which holding register.
    pub register: u16,
    /// The value that was written.
    pub value: u16,
    /// The serial in the echo; `None` on the standard transports.
    pub serial: Option<Serial>,
}

/// What is spoken on the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The data adapter's own framing.
    Dongle,
    /// Modbus TCP, to a gateway on the inverter's RS485.
    ModbusTcp,
    /// Modbus RTU frames on a TCP stream, to a gateway on the inverter's RS485.
    RtuOverTcp,
}

/// How a connection behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// The least time between two requests. Every generation of dongles needs some: 250 ms.
    pub gap: Duration,
    /// Up to this is added to the gap, at random: 100 ms.
    pub jitter: Duration,
    /// How long connecting may take: 5 s.
    pub connect_timeout: Duration,
    /// What the jitter comes from.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            gap: Duration::from_millis(250),
            jitter: Duration::from_millis(100),
            connect_timeout: Duration::from_secs(5),
            seed: 0,
        }
    }
}

/// How long a read waits, and how often it is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long one request waits for its reply, from when it is transmitted.
    pub deadline: Duration,
    /// How many more requests follow one that was not answered.
    pub retries: u32,
    /// Rest before each of them. Devices fall silent for seconds, so an instant retry is of little use.
    pub pause: Duration,
}

impl Patience {
    /// For a device not yet known to exist: 0.5 s, one retry at once.
    pub const PROBE: Self = Self { deadline: Duration::from_millis(500), retries: 1, pause: Duration::ZERO };

    /// For blocks that are read again soon: one retry after 0.5 s.
    pub const fn live(timeout: Duration) -> Self {
        Self { deadline: timeout, retries: 1, pause: Duration::from_millis(500) }
    }

    /// For the block that everything else depends on: three retries, each after 0.5 s.
    pub const fn detect(timeout: Duration) -> Self {
        Self { deadline: timeout, retries: 3, pause: Duration::from_millis(500) }
    }
}

/// Why a request brought nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// No reply, at the last attempt either. On the standard transports the connection is lost with it
    /// ([`Reader::is_lost`]), since the next reply may be this one's.
    #[error("no answer to {key} within {waited:?}")]
    Timeout {
        /// What was asked for.
        key: BlockKey,
        /// How long, all attempts and rests together.
        waited: Duration,
    },
    /// The device answered that it will not.
    #[error("the device refuses {key}")]
    Refused {
        /// What was asked for.
        key: BlockKey,
    },
    /// This transport cannot ask for it; nothing was sent.
    #[error("{key} can be read through a dongle only")]
    Unsupported {
        /// What was asked for.
        key: BlockKey,
    },
    /// A write that was not confirmed.
    #[error("write of {value} to HR {register} at {device:#04x}: {fault}")]
    Write {
        /// Which device.
        device: u8,
        /// Which holding register.
        register: u16,
        /// The value that was to be written.
        value: u16,
        /// What went wrong.
        fault: WriteFault,
    },
    /// The connection has ended; whether a request that was on its way had an effect is not known.
    #[error("connection lost: {0}")]
    Lost(String),
    /// There was no connection to be had.
    #[error("cannot connect to {peer}: {why}")]
    Connect {
        /// Host and port.
        peer: String,
        /// What the system says.
        why: String,
    },
}

/// What went wrong with a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteFault {
    /// No echo in time: it may have arrived or not.
    #[error("no echo within {0:?}")]
    Timeout(Duration),
    /// The device answered that it will not.
    #[error("refused")]
    Refused,
    /// It was not permitted any more when its turn on the wire came; nothing was sent.
    #[error("not sent, since the lock for it is not held for long enough any more")]
    NotPermitted,
    /// The echo carries another value.
    #[error("the echo says {0}")]
    Mismatch(u16),
}

/// An open connection. It ends when it is closed or dropped, or when the other side ends it.
#[derive(Debug)]
pub struct Connection {
    /// Reads blocks.
    pub reader: Reader,
    /// Writes registers; whoever has it is the only one who can.
    pub writer: Writer,
    /// What ends it.
    pub line: Line,
}

/// The hold on a connection's life: when it is dropped, the connection is closed.
#[derive(Debug)]
pub struct Line {
    closing: DropGuard,
    task: JoinHandle<()>,
}

/// The addresses of the other side, looked up within [`Options::connect_timeout`]; none where it has none.
///
/// # Errors
/// [`LinkError::Connect`].
pub async fn resolve(connector: &dyn Connector, options: &Options) -> Result<Vec<SocketAddr>, LinkError> {
    let failed = |why: String| LinkError::Connect { peer: connector.peer(), why };
    let found = timeout(options.connect_timeout, connector.resolve()).await;
    found
        .map_err(|_| failed(format!("its address was not found within {:?}", options.connect_timeout)))?
        .map_err(|error| failed(error.to_string()))
}

/// Opens a connection: connects within [`Options::connect_timeout`] and starts the task that owns the stream. `to` is one
/// of the addresses that [`resolve`] found.
///
/// # Errors
/// [`LinkError::Connect`].
pub async fn open(
    connector: &dyn Connector,
    to: Option<SocketAddr>,
    kind: Kind,
    options: &Options,
    counters: &Arc<Counters>,
) -> Result<Connection, LinkError> {
    let failed = |why: String| LinkError::Connect { peer: connector.peer(), why };
    let stream = timeout(options.connect_timeout, connector.connect(to))
        .await
        .map_err(|_| failed(format!("no answer within {:?}", options.connect_timeout)))?
        .map_err(|error| failed(error.to_string()))?;
    counters.connects.add(1);

    let (jobs, queue) = mpsc::channel(JOB_LIMIT);
    let (news, unsolicited) = broadcast::channel(UNSOLICITED_LIMIT);
    let end = ends::End::default();
    let closing = CancellationToken::new();
    let pacer = pacer::Pacer::new(options);
    let owner = job::Queue { jobs: queue, closing: closing.clone(), end: end.clone() };
    let task = match kind {
        Kind::Dongle => {
            let actor = dongle::Dongle::new(stream, connector.peer(), pacer, counters.clone(), news);
            tokio::spawn(actor.run(owner))
        }
        Kind::ModbusTcp | Kind::RtuOverTcp => {
            let actor = modbus::Standard::new(stream, kind, pacer, counters.clone(), news);
            tokio::spawn(actor.run(owner))
        }
    };
    Ok(Connection {
        reader: Reader::new(jobs.clone(), end.clone(), unsolicited, counters.clone()),
        writer: Writer::new(jobs, end),
        line: Line { closing: closing.drop_guard(), task },
    })
}

// === impl Connection, impl Line ===

impl Connection {
    /// Ends the connection: tells the other side, and waits at most `within` until the socket is gone.
    pub async fn close(self, within: Duration) {
        self.line.close(within).await;
    }
}

impl Line {
    /// As [`Connection::close`], for an owner who gave the two ends away.
    pub async fn close(self, within: Duration) {
        let Self { closing, mut task } = self;
        drop(closing);
        if timeout(within, &mut task).await.is_err() {
            task.abort();
        }
    }
}

#[cfg(test)]
mod tests;
