use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};

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
