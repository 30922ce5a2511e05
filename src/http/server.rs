//! Connections: how many, and how long one may take over what it does.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::limits::network;

/// So many connections there are at a port; who comes then waits.
const MOST: usize = 64;
/// So many of them one sender has; further ones are closed.
const MOST_OF_ONE: usize = 16;
/// A request's head comes within this, and an idle connection ends after it.
const HEAD: Duration = Duration::from_secs(15);
/// Something of an answer is taken within this.
const TAKING: Duration = Duration::from_secs(15);
/// No head is longer, bytes.
const LONGEST_HEAD: usize = 16 * 1024;
/// What is being answered may take so much longer once the program stops.
const STOPPING: Duration = Duration::from_millis(500);

/// Who sent a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub IpAddr);

/// How many connections each sender has.
#[derive(Clone, Debug, Default)]
struct Senders(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection of a sender, until it is dropped.
struct Counted(Senders, IpAddr);

/// Serves what `router` has on this listener, until `shutdown`.
pub(super) async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    let (graceful, room, senders) = (GracefulShutdown::new(), Arc::new(Semaphore::new(MOST)), Senders::default());
    loop {
        let Some(Ok(permit)) = shutdown.run_until_cancelled(Arc::clone(&room).acquire_owned()).await else { break };
        let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await else { break };
        let (stream, peer) = match accepted {
            Ok((stream, address)) => (stream, address.ip()),
            Err(error) => {
                // Out of files, as a rule: the next attempt would fail too.
                tracing::debug!("http: {error}");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Some(counted) = senders.count(peer) else { continue };
        // An answer is one packet or a few; it must not wait for the next one to fill up.
        _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(TAKING));
        let router = router.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            router.clone().oneshot(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_buf_size(LONGEST_HEAD)
            .serve_connection(TokioIo::new(Box::pin(stream)), service);
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            // Who breaks off is not told, and it is no news for the log.
            if let Err(error) = watched.await {
                tracing::debug!("http: {peer}: {error}");
            }
            drop((permit, counted));
        });
    }
    drop(listener);
    _ = timeout(STOPPING, graceful.shutdown()).await;
}

impl Senders {
    fn count(&self, peer: IpAddr) -> Option<Counted> {
        let sender = network(peer);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(sender).or_default();
        if *count >= MOST_OF_ONE {
            return None;
        }
        *count += 1;
        Some(Counted(self.clone(), sender))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.1);
            }
        }
    }
}
