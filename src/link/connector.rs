use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// What a connection runs on: bytes both ways. What is written must go out without a flush.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Debug + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + Debug + 'static> Stream for T {}

/// An attempt to connect.
pub type Connecting<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send + 'a>>;

/// A search for the addresses of the other side.
pub type Resolving<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>>;

/// Where streams come from; tests put one here that has no socket.
pub trait Connector: Send + Sync + 'static {
    /// The addresses of the other side, those first that are to be tried first; none where it has none, as in tests.
    /// Whoever calls it sets the deadline.
    fn resolve(&self) -> Resolving<'_> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    /// Makes one attempt, at this very address if there is one. Whoever calls it sets the deadline.
    fn connect(&self, to: Option<SocketAddr>) -> Connecting<'_>;

    /// The other side, as people name it: host and port.
    fn peer(&self) -> String;
}

/// Connects to a host by TCP, without Nagle's delay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpConnector {
    /// Name or address.
    pub host: String,
    /// Port; a dongle's is 8899.
    pub port: u16,
}

/// Where something is now that has moved; nobody has found it elsewhere yet where that is `None`.
#[derive(Clone, Debug, Default)]
pub struct Moves(Arc<Mutex<Option<SocketAddr>>>);

/// Connects to a host by TCP, or to where that has moved.
#[derive(Clone, Debug)]
pub struct MovingConnector {
    /// Where it is unless it has moved.
    pub home: TcpConnector,
    /// Where it has moved.
    pub moves: Moves,
}

/// A connection that somebody has taken and on which nothing was said yet.
#[derive(Debug)]
pub struct Knocked {
    at: SocketAddr,
    stream: Mutex<Option<TcpStream>>,
}

/// Connects, and says nothing; `None` where nobody opens within that time. For searches, which come to many addresses at
/// which nobody is: whoever goes on takes the lease first.
pub async fn knock(at: SocketAddr, within: Duration) -> Option<Knocked> {
    let stream = timeout(within, TcpStream::connect(at)).await.ok()?.ok()?;
    Some(Knocked { at, stream: Mutex::new(Some(stream)) })
}

impl Moves {
    /// From the next attempt on it is looked for there.
    pub fn found_at(&self, at: SocketAddr) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }

    /// Where it was found last.
    pub fn now(&self) -> Option<SocketAddr> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connector for MovingConnector {
    fn resolve(&self) -> Resolving<'_> {
        match self.moves.now() {
            Some(at) => Box::pin(std::future::ready(Ok(vec![at]))),
            None => self.home.resolve(),
        }
    }

    fn connect(&self, to: Option<SocketAddr>) -> Connecting<'_> {
        self.home.connect(to)
    }

    fn peer(&self) -> String {
        self.moves.now().map_or_else(|| self.home.peer(), |at| at.to_string())
    }
}

impl Connector for Knocked {
    fn connect(&self, _: Option<SocketAddr>) -> Connecting<'_> {
        let stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner).take();
        Box::pin(async move {
            let stream = stream.ok_or(io::ErrorKind::NotConnected)?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }

    fn peer(&self) -> String {
        self.at.to_string()
    }
}

impl Connector for TcpConnector {
    /// IPv4 first: dongles have nothing else.
    fn resolve(&self) -> Resolving<'_> {
        Box::pin(async {
            let found = lookup_host((self.host.as_str(), self.port)).await?;
            // An IPv4 address in IPv6's clothes is the same dongle's.
            let mut addresses: Vec<_> =
                found.map(|found| SocketAddr::new(found.ip().to_canonical(), found.port())).collect();
            addresses.sort_by_key(SocketAddr::is_ipv6);
            addresses.dedup();
            if addresses.is_empty() {
                return Err(io::Error::new(io::ErrorKind::NotFound, "its name has no address"));
            }
            Ok(addresses)
        })
    }

    fn connect(&self, to: Option<SocketAddr>) -> Connecting<'_> {
        Box::pin(async move {
            let stream = match to {
                Some(address) => TcpStream::connect(address).await?,
                None => TcpStream::connect((self.host.as_str(), self.port)).await?,
            };
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }

    fn peer(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}
