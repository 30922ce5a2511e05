//! One connection to the server, from the first byte to the proof that it answers.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, Either, FutureExt, select};
use redis::aio::{MultiplexedConnection, PubSub};
use redis::{AsyncConnectionConfig, Cmd, RedisResult, Value};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::RedisServerError;
use super::address::{Address, Target};

/// From looking up the name to the first answer.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What moves the bytes of a connection.
pub(super) type Driver = BoxFuture<'static, ()>;

/// A connection that answered. Clones send on the same.
#[derive(Clone)]
pub(super) struct Connection {
    inner: MultiplexedConnection,
    number: u64,
}

impl Connection {
    /// Connects, logs in and asks whether anybody is there, within 3 s. The future that comes with it must run for the
    /// connection to work, and ends when the connection is broken or no longer used.
    pub(super) async fn open(address: &Address, number: u64) -> Result<(Self, Driver), RedisServerError> {
        in_time(address, async {
            let stream = stream(address).await?;
            // Deadlines are the callers', each counted from before it sends.
            let config = AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None);
            let (inner, driver) = MultiplexedConnection::new_with_config(&address.login, stream, config)
                .await
                .map_err(|error| RedisServerError::of(&address.place, &error))?;
            let (mut connection, driver) = (Self { inner, number }, driver.boxed());
            let ping = redis::cmd("PING");
            let (proof, driver) = match select(connection.send(&ping).boxed(), driver).await {
                Either::Left((proof, driver)) => (proof, driver),
                Either::Right(_) => return Err(closed(address)),
            };
            match proof.map_err(|error| RedisServerError::of(&address.place, &error)) {
                // A user who may not even ask that was answered.
                Ok(_) | Err(RedisServerError::NotPermitted { .. }) => Ok((connection, driver)),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// Which connection to the server it is, in the order of their opening.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Without a deadline: the caller has one.
    pub(super) async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        self.inner.send_packed_command(command).await.and_then(Value::extract_error)
    }
}

/// A connection that listens, within 3 s.
pub(super) async fn listen(address: &Address, channels: &[String]) -> Result<PubSub, RedisServerError> {
    in_time(address, async {
        let stream = stream(address).await?;
        let failed = |error| RedisServerError::of(&address.place, &error);
        let mut listening = PubSub::new(&address.login, stream).await.map_err(failed)?;
        listening.subscribe(channels).await.map_err(failed)?;
        Ok(listening)
    })
    .await
}

async fn in_time<T>(
    address: &Address,
    opening: impl Future<Output = Result<T, RedisServerError>>,
) -> Result<T, RedisServerError> {
    let slow = || RedisServerError::TimedOut { place: address.place.clone(), after: CONNECT_TIMEOUT };
    timeout(CONNECT_TIMEOUT, opening).await.unwrap_or_else(|_| Err(slow()))
}

async fn stream(address: &Address) -> Result<Box<dyn Stream>, RedisServerError> {
    let failed = |error: std::io::Error| RedisServerError::unreachable(&address.place, error);
    match &address.target {
        Target::Tcp { host, port } => Ok(Box::new(tcp(host, *port).await.map_err(failed)?)),
        Target::Tls { host, port, name, config } => {
            let stream = tcp(host, *port).await.map_err(failed)?;
            let connector = TlsConnector::from(Arc::clone(config));
            Ok(Box::new(connector.connect(name.clone(), stream).await.map_err(failed)?))
        }
        Target::Unix(path) => Ok(Box::new(UnixStream::connect(path).await.map_err(failed)?)),
    }
}

/// Small commands must not wait to be sent with others.
async fn tcp(host: &str, port: u16) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn closed(address: &Address) -> RedisServerError {
    RedisServerError::unreachable(&address.place, "it closed the connection")
}
