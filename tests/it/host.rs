//! What may stand at an inverter's address: a plant, or one of the other things that people's networks have there.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use givtcp::simulator::{Options, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep};

/// Who answers at a port.
#[derive(Clone)]
pub enum Face {
    /// A dongle and the plant behind it.
    Plant(Simulator),
    /// What listens at another port of this machine.
    Port(u16),
    /// A web server: to whatever it is told it answers that this is no good request, and closes.
    Http,
    /// A camera: it sends a stream of its own.
    Camera,
    /// It accepts and says nothing.
    Mute,
    /// It accepts and closes.
    Closing,
    /// Nobody listens.
    Nobody,
}

/// How a client left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// It ended its side properly.
    Fin,
    /// The connection broke.
    Reset,
}

#[derive(Default)]
struct Record {
    accepted: Vec<Instant>,
    left: Vec<Left>,
}

/// One port on 127.0.0.1, with a face that can change.
pub struct Host {
    address: SocketAddr,
    record: Arc<Mutex<Record>>,
    serving: Option<JoinHandle<()>>,
}

/// A plant that answers without much delay; the rest as the simulator has it.
pub fn plant(number: u8) -> Simulator {
    Simulator::new(Options { plant: number, ..quick() })
}

/// Options for answers without much delay.
pub fn quick() -> Options {
    Options { delay: Duration::from_millis(10), delay_jitter: Duration::from_millis(5), ..Options::default() }
}

impl Host {
    pub fn new(face: Face) -> Self {
        // The port stays this one's while nobody listens, since it was bound with its address to be used again.
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)), face)
    }

    /// At another address of this machine.
    pub fn at(address: SocketAddr, face: Face) -> Self {
        let socket = bound(address);
        let mut host = Self { address: socket.local_addr().unwrap(), record: Arc::default(), serving: None };
        host.serve(socket, face);
        host
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Every connection is dropped, and from now on someone else is here.
    pub async fn become_(&mut self, face: Face) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            let _ = serving.await;
        }
        let socket = bound(self.address);
        self.serve(socket, face);
    }

    fn serve(&mut self, socket: TcpSocket, face: Face) {
        if matches!(face, Face::Nobody) {
            return;
        }
        let listener = socket.listen(16).unwrap();
        self.serving = Some(tokio::spawn(serve(listener, face, Arc::clone(&self.record))));
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When clients were accepted.
    pub fn accepted(&self) -> Vec<Instant> {
        self.record().accepted.clone()
    }

    /// How those clients left that a plant served.
    pub fn left(&self) -> Vec<Left> {
        self.record().left.clone()
    }

    /// Waits for the first client.
    pub async fn first_client(&self, within: Duration) -> Instant {
        let begun = Instant::now();
        loop {
            if let Some(&first) = self.accepted().first() {
                return first;
            }
            assert!(begun.elapsed() < within, "no client within {within:?}");
            sleep(Duration::from_millis(2)).await;
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

async fn serve(listener: TcpListener, face: Face, record: Arc<Mutex<Record>>) {
    let mut clients = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        record.lock().unwrap_or_else(PoisonError::into_inner).accepted.push(Instant::now());
        clients.spawn(greet(stream, face.clone(), Arc::clone(&record)));
    }
}

async fn greet(mut stream: TcpStream, face: Face, record: Arc<Mutex<Record>>) {
    let mut heard = [0; 1024];
    match face {
        Face::Plant(simulator) => {
            stream.set_nodelay(true).unwrap();
            let left = pass_on(stream, simulator).await;
            record.lock().unwrap_or_else(PoisonError::into_inner).left.extend(left);
        }
        Face::Port(port) => {
            if let Ok(mut other) = TcpStream::connect(("127.0.0.1", port)).await {
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut other).await;
            }
        }
        Face::Http => {
            let _ = stream.read(&mut heard).await;
            let _ =
                stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").await;
        }
        Face::Camera => {
            let mut rng = fastrand::Rng::with_seed(u64::from(stream.peer_addr().unwrap().port()));
            let mut bytes = [0; 200];
            loop {
                rng.fill(&mut bytes);
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
                sleep(Duration::from_millis(20)).await;
            }
        }
        Face::Mute => while stream.read(&mut heard).await.is_ok_and(|count| count > 0) {},
        Face::Closing | Face::Nobody => {}
    }
}

/// Serves a client as the simulator would, and sees how it leaves; `None` if the plant ended the connection.
async fn pass_on(mut client: TcpStream, simulator: Simulator) -> Option<Left> {
    let mut dongle = simulator.connect();
    let (mut asked, mut answered) = ([0; 1024], [0; 4096]);
    let left = loop {
        tokio::select! {
            biased;
            count = client.read(&mut asked) => match count {
                Ok(0) => break Left::Fin,
                Ok(count) => dongle.write_all(&asked[..count]).await.ok()?,
                Err(_) => break Left::Reset,
            },
            count = dongle.read(&mut answered) => match count {
                Ok(0) | Err(_) => return None,
                Ok(count) => if client.write_all(&answered[..count]).await.is_err() { break Left::Reset },
            },
        }
    };
    // The plant hears of it, too.
    let _ = dongle.shutdown().await;
    Some(left)
}
