use std::fmt::Debug;
use std::io;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// What a connection runs on: bytes both ways. What is written must go out without a flush.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Debug + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + Debug + 'static> Stream for T {}

/// An attempt to connect.
pub type Connecting<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send + 'a>>;

/// Where streams come from; tests put one here that has no socket.
pub trait Connector: Send + Sync + 'static {
    /// Makes one attempt. Whoever calls it sets the deadline.
    fn connect(&self) -> Connecting<'_>;

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
    fn connect(&self) -> Connecting<'_> {
        Box::pin(async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
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
