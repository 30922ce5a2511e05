use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;

use super::connector::{Connecting, Connector, Resolving, Stream};
use crate::capture::{Direction, Line};
use crate::clock::Clock;

/// So many reads and writes wait for whoever records them; what comes then is left out.
const WAITING: usize = 1024;

/// Where what goes over an inverter's connections can be listened to, by one at a time.
#[derive(Clone, Debug, Default)]
pub struct Tap(Arc<Mutex<Option<mpsc::Sender<Line>>>>);

impl Tap {
    /// Everything from now on, until the receiver is dropped; `None` while somebody else listens.
    pub fn listen(&self) -> Option<mpsc::Receiver<Line>> {
        let mut listener = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if listener.as_ref().is_some_and(|listener| !listener.is_closed()) {
            return None;
        }
        let (sender, receiver) = mpsc::channel(WAITING);
        *listener = Some(sender);
        Some(receiver)
    }

    fn tell(&self, direction: Direction, bytes: &[u8], clock: &dyn Clock) {
        let mut listener = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = listener.as_ref().filter(|_| !bytes.is_empty()) else { return };
        let line = Line { at: Some(clock.now()), direction, bytes: bytes.to_vec() };
        if let Err(mpsc::error::TrySendError::Closed(_)) = sender.try_send(line) {
            *listener = None;
        }
    }
}

/// Connects as another one does, and lets what goes over it be listened to.
pub struct Tapped {
    /// Who connects.
    pub connector: Box<dyn Connector>,
    /// Where it is listened to.
    pub tap: Tap,
    /// By what the time is told.
    pub clock: Arc<dyn Clock>,
}

impl Connector for Tapped {
    fn resolve(&self) -> Resolving<'_> {
        self.connector.resolve()
    }

    fn connect(&self, to: Option<SocketAddr>) -> Connecting<'_> {
        Box::pin(async move {
            let stream = self.connector.connect(to).await?;
            Ok(Box::new(Listened { stream, tap: self.tap.clone(), clock: Arc::clone(&self.clock) }) as Box<dyn Stream>)
        })
    }

    fn peer(&self) -> String {
        self.connector.peer()
    }
}

/// A stream that is listened to.
struct Listened {
    stream: Box<dyn Stream>,
    tap: Tap,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Listened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Listened").field(&self.stream).finish()
    }
}

impl AsyncRead for Listened {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut *self.stream).poll_read(cx, buf);
        if let (Poll::Ready(Ok(())), Some(read)) = (&polled, buf.filled().get(before..)) {
            self.tap.tell(Direction::Received, read, &*self.clock);
        }
        polled
    }
}

impl AsyncWrite for Listened {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut *self.stream).poll_write(cx, buf);
        if let Poll::Ready(Ok(count)) = polled
            && let Some(written) = buf.get(..count)
        {
            self.tap.tell(Direction::Sent, written, &*self.clock);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// One connection to somebody who says back what it hears.
    struct Echo;

    impl Connector for Echo {
        fn connect(&self, _: Option<SocketAddr>) -> Connecting<'_> {
            let (ours, theirs) = tokio::io::duplex(64);
            tokio::spawn(async move {
                let (mut read, mut write) = tokio::io::split(theirs);
                _ = tokio::io::copy(&mut read, &mut write).await;
            });
            Box::pin(async { Ok(Box::new(ours) as Box<dyn Stream>) })
        }

        fn peer(&self) -> String {
            "echo".to_owned()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn both_ways_are_heard_by_one_listener_at_a_time() {
        let tap = Tap::default();
        let clock: Arc<dyn Clock> = Arc::new(crate::clock::SystemClock);
        let tapped = Tapped { connector: Box::new(Echo), tap: tap.clone(), clock };
        let mut stream = tapped.connect(None).await.unwrap();
        let mut answer = [0; 3];
        stream.write_all(b"one").await.unwrap();
        stream.read_exact(&mut answer).await.unwrap();
        let mut heard = tap.listen().unwrap();
        assert!(tap.listen().is_none());
        stream.write_all(b"two").await.unwrap();
        stream.read_exact(&mut answer).await.unwrap();
        let lines = [heard.recv().await.unwrap(), heard.recv().await.unwrap()];
        assert_eq!(
            lines.map(|line| (line.direction, line.bytes)),
            [(Direction::Sent, b"two".to_vec()), (Direction::Received, b"two".to_vec()),]
        );
        drop(heard);
        assert!(tap.listen().is_some(), "who has gone is in nobody's way");
    }
}
