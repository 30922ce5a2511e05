use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, timeout};
use tokio_util::codec::{Decoder, Encoder};

use crate::frame::{Answer, Ask, Bank, BlockKey, DongleCodec, Frame, Serial};
use crate::link::{Connecting, Connection, Connector, Counters, Kind, Options, Patience, Permit, Stream, open};

pub(super) const IR0: BlockKey = BlockKey::new(0x11, Bank::Input, 0, 60);
pub(super) const HR0: BlockKey = BlockKey::new(0x11, Bank::Holding, 0, 60);
pub(super) const IR60: BlockKey = BlockKey::new(0x32, Bank::Input, 60, 60);
pub(super) const ONCE: Patience = Patience { deadline: secs(2), retries: 0, pause: Duration::ZERO };
pub(super) const ROOM: usize = 4096;

/// The permit of a test that holds no lease.
pub(super) fn always() -> Permit {
    Box::new(|| true)
}

pub(super) const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(super) const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub(super) fn asks(key: BlockKey) -> Ask {
    Ask::Read { bank: key.bank, base: key.base, count: key.count }
}

pub(super) fn refusal(function: u8, base: u16, count: u16) -> Frame {
    reply(0x11, Answer::Error { function, base, count })
}

/// A connector that hands out streams made beforehand.
pub(super) struct Given(Mutex<VecDeque<Box<dyn Stream>>>);

impl Given {
    pub(super) fn new(stream: impl Stream) -> Self {
        Self(Mutex::new(VecDeque::from([Box::new(stream) as Box<dyn Stream>])))
    }
}

impl Connector for Given {
    fn connect(&self, _: Option<SocketAddr>) -> Connecting<'_> {
        let stream = self.0.lock().unwrap().pop_front();
        Box::pin(async move { stream.ok_or(io::ErrorKind::ConnectionRefused.into()) })
    }

    fn peer(&self) -> String {
        "dongle".to_owned()
    }
}

/// The dongle's side of a connection.
pub(super) struct Peer {
    pub(super) stream: DuplexStream,
    arrived: BytesMut,
}

pub(super) const SERIAL: Serial = Serial::new(*b"SA2114G047");
const ADAPTER: Serial = Serial::new(*b"WF2125G316");

/// A link and its peer, over a pipe that holds `room` bytes in each direction.
pub(super) async fn pair(options: Options, room: usize) -> (Connection, Peer, Arc<Counters>) {
    let (ours, theirs) = duplex(room);
    let counters = Arc::new(Counters::default());
    let connection = open(&Given::new(ours), None, Kind::Dongle, &options, &counters).await.unwrap();
    (connection, Peer { stream: theirs, arrived: BytesMut::new() }, counters)
}

/// Without pacing.
pub(super) fn at_once() -> Options {
    Options { gap: Duration::ZERO, jitter: Duration::ZERO, ..Options::default() }
}

pub(super) fn reply(device: u8, answer: Answer) -> Frame {
    Frame::Reply { adapter: ADAPTER, device, serial: SERIAL, answer }
}

/// A whole reply to `key`, each register holding `value`.
pub(super) fn data(key: BlockKey, value: u16) -> Frame {
    let values = vec![value; usize::from(key.count)];
    reply(key.device, Answer::Read { bank: key.bank, base: key.base, values })
}

pub(super) fn heartbeat() -> Frame {
    Frame::Heartbeat { adapter: ADAPTER, kind: 1 }
}

pub(super) fn encoded(frame: &Frame) -> Vec<u8> {
    let mut out = BytesMut::new();
    DongleCodec::default().encode(frame, &mut out).unwrap();
    out.to_vec()
}

impl Peer {
    /// The next frame from the link; `None` when it has ended its half.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(item) = DongleCodec::default().decode(&mut self.arrived).unwrap() {
                return Some(item.unwrap());
            }
            if self.stream.read_buf(&mut self.arrived).await.unwrap() == 0 {
                return None;
            }
        }
    }

    /// The next request, and when it came.
    pub(super) async fn asked(&mut self) -> (u8, Ask, Instant) {
        match timeout(Duration::from_secs(60), self.next()).await {
            Ok(Some(Frame::Request { device, ask, .. })) => (device, ask, Instant::now()),
            other => panic!("no request: {other:?}"),
        }
    }

    pub(super) async fn say(&mut self, frame: &Frame) {
        self.stream.write_all(&encoded(frame)).await.unwrap();
    }

    /// Nothing arrives for so long.
    pub(super) async fn hears_nothing_for(&mut self, time: Duration) {
        let heard = timeout(time, self.next()).await;
        assert!(heard.is_err(), "{heard:?}");
    }
}
