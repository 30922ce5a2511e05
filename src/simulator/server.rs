//! The dongle: one serial line to the inverter, and several clients that all hear every answer.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::codec::{Encoder, FramedRead};
use tokio_util::sync::CancellationToken;

use super::answer::{Delivery, answer};
use super::state::State;
use crate::frame::{Ask, DongleCodec, Frame};

/// At most so many clients of one listener; more are turned away.
pub(super) const MOST_CLIENTS: usize = 16;
/// At most so many frames wait for a client that does not read; then it is dropped.
const MOST_WAITING: usize = 256;
/// At most so many late answers are under way; further ones come at once.
const MOST_LATE: usize = 64;
/// A client that takes no bytes for so long is dropped.
const WRITE_STALL: Duration = Duration::from_secs(10);
/// So many heartbeats unanswered, and the dongle closes the connection.
const MOST_UNANSWERED: u32 = 3;
/// Rest after the listener could not accept.
pub(super) const ACCEPT_REST: Duration = Duration::from_millis(100);

/// What all clients of one simulator share.
#[derive(Debug)]
pub(super) struct Hub {
    state: Mutex<State>,
    /// The serial line: one exchange at a time, in the order of asking.
    line: tokio::sync::Mutex<()>,
    clients: Mutex<Clients>,
    late: Arc<Semaphore>,
    heartbeat_every: Duration,
}

#[derive(Debug, Default)]
struct Clients {
    next: u64,
    senders: BTreeMap<u64, mpsc::Sender<Bytes>>,
}

impl Hub {
    pub(super) fn new(state: State, heartbeat_every: Duration) -> Self {
        Self {
            state: Mutex::new(state),
            line: tokio::sync::Mutex::new(()),
            clients: Mutex::new(Clients::default()),
            late: Arc::new(Semaphore::new(MOST_LATE)),
            heartbeat_every,
        }
    }

    /// The state as of now.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.advance(Instant::now());
        state
    }

    fn clients(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn client_count(&self) -> usize {
        self.clients().senders.len()
    }

    /// Uses the serial line for as long as an exchange takes.
    pub(super) async fn exchange<T>(&self, exchange: impl FnOnce(&mut State) -> T) -> T {
        let _line = self.line.lock().await;
        let delay = self.state().next_delay();
        sleep(delay).await;
        exchange(&mut self.state())
    }

    fn fan_out(&self, bytes: &Bytes) {
        // One that cannot take it has stopped reading; without its sender it ends.
        self.clients().senders.retain(|_, sender| sender.try_send(bytes.clone()).is_ok());
    }
}

/// One connected client.
pub(super) struct Client {
    hub: Arc<Hub>,
    id: u64,
    inbox: mpsc::Receiver<Bytes>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.hub.clients().senders.remove(&self.id);
    }
}

impl Client {
    /// A client that hears from now on.
    pub(super) fn register(hub: Arc<Hub>) -> Self {
        let (sender, inbox) = mpsc::channel(MOST_WAITING);
        let id = {
            let mut clients = hub.clients();
            clients.next += 1;
            let id = clients.next;
            clients.senders.insert(id, sender);
            id
        };
        Self { hub, id, inbox }
    }

    /// Serves the client until either side ends the connection.
    pub(super) async fn serve(mut self, stream: impl AsyncRead + AsyncWrite) {
        let (reader, mut writer) = tokio::io::split(stream);
        let (beats, mut beat_inbox) = mpsc::channel(1);
        let unanswered = AtomicU32::new(0);
        tokio::select! {
            biased;
            () = write(&mut writer, &mut beat_inbox, &mut self.inbox) => {}
            () = beat(&self.hub, beats, &unanswered) => {}
            () = read(&self.hub, reader, &unanswered) => {}
        }
        // The peer learns of the end, whatever the transport.
        let _ = timeout(WRITE_STALL, writer.shutdown()).await;
    }
}

/// Heartbeats overtake answers that wait.
async fn write(
    writer: &mut (impl AsyncWrite + Unpin),
    beats: &mut mpsc::Receiver<Bytes>,
    answers: &mut mpsc::Receiver<Bytes>,
) {
    loop {
        let bytes = tokio::select! {
            biased;
            Some(beat) = beats.recv() => beat,
            answer = answers.recv() => match answer {
                Some(answer) => answer,
                None => return,
            },
        };
        if !matches!(timeout(WRITE_STALL, writer.write_all(&bytes)).await, Ok(Ok(()))) {
            return;
        }
    }
}

/// Ends when the client answered none of the last heartbeats.
async fn beat(hub: &Hub, beats: mpsc::Sender<Bytes>, unanswered: &AtomicU32) {
    if hub.heartbeat_every.is_zero() {
        return std::future::pending().await;
    }
    let mut bytes = BytesMut::new();
    let frame = Frame::Heartbeat { adapter: hub.state().dongle(), kind: 1 };
    if DongleCodec::default().encode(&frame, &mut bytes).is_err() {
        return;
    }
    let bytes = bytes.freeze();
    loop {
        sleep(hub.heartbeat_every).await;
        if unanswered.fetch_add(1, Ordering::Relaxed) >= MOST_UNANSWERED || beats.send(bytes.clone()).await.is_err() {
            return;
        }
    }
}

/// Ends when the client closes, or the dongle resets the connection.
async fn read(hub: &Arc<Hub>, reader: impl AsyncRead + Unpin, unanswered: &AtomicU32) {
    let mut frames = FramedRead::new(reader, DongleCodec::default());
    while let Some(Ok(item)) = frames.next().await {
        match item {
            Ok(Frame::Heartbeat { .. }) => unanswered.store(0, Ordering::Relaxed),
            Ok(Frame::Request { device, ask, .. }) => {
                if handle(hub, device, ask).await == Connection::Reset {
                    return;
                }
            }
            // A dongle says nothing to what it does not understand.
            Ok(_) | Err(_) => {}
        }
    }
}

#[derive(PartialEq, Eq)]
enum Connection {
    Stays,
    Reset,
}

async fn handle(hub: &Arc<Hub>, device: u8, ask: Ask) -> Connection {
    match hub.exchange(|state| answer(state, device, ask)).await {
        Delivery::Nothing => {}
        Delivery::Close => return Connection::Reset,
        Delivery::Now(bytes) => hub.fan_out(&bytes),
        Delivery::Later(after, bytes) => match Arc::clone(&hub.late).try_acquire_owned() {
            Ok(permit) => {
                let hub = Arc::downgrade(hub);
                tokio::spawn(async move {
                    sleep(after).await;
                    if let Some(hub) = hub.upgrade() {
                        hub.fan_out(&bytes);
                    }
                    drop(permit);
                });
            }
            Err(_) => hub.fan_out(&bytes),
        },
    }
    Connection::Stays
}

/// Serves dongle clients on `listener` until `shutdown`.
pub(super) async fn serve(hub: Arc<Hub>, listener: TcpListener, shutdown: CancellationToken) {
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            Some(_) = clients.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if clients.len() < MOST_CLIENTS => {
                    // A client that is gone already is noticed when it is read.
                    let _ = stream.set_nodelay(true);
                    clients.spawn(Client::register(Arc::clone(&hub)).serve(stream));
                }
                Ok(_) => tracing::debug!("Turned a client away, there are {MOST_CLIENTS} already"),
                Err(error) => {
                    tracing::debug!("Cannot accept a client: {error}");
                    sleep(ACCEPT_REST).await;
                }
            },
        }
    }
    clients.shutdown().await;
}
