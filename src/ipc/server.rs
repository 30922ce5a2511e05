use std::collections::VecDeque;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::{Answer, Ask, PATIENCE};

/// So many may ask at a time; then the one that has been silent longest gives way.
const MOST: usize = 16;
/// A client of the same machine has said by then what it wants, and by then has read its answer.
const SILENCE: Duration = Duration::from_secs(1);
/// So long nobody has to give way: who has just come has had no time to speak.
const GRACE: Duration = Duration::from_millis(100);
/// So often another one is given time to end,
const ATTEMPTS: u32 = 10;
/// so much each time.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(100);
/// No question is longer, bytes.
const LONGEST_QUESTION: u64 = 64 * 1024;

/// Who knows the answers.
pub trait Answering: Send + Sync + 'static {
    /// Answers in its own time, with deadlines of its own.
    fn answer(&self, ask: Ask) -> BoxFuture<'_, Answer>;
}

/// A client that is connected.
struct Client {
    task: AbortHandle,
    since: Instant,
    /// Whether its question is being answered, and nothing is waited for from it.
    served: Arc<AtomicBool>,
}

/// Listens at `path` until `shutdown`, and takes the socket away again. One that a dead process left there gives way.
///
/// # Errors
/// Another daemon listens there, something else than a socket is there, or it cannot be made.
pub async fn serve(path: &Path, answering: Arc<dyn Answering>, shutdown: CancellationToken) -> io::Result<()> {
    let Some(listener) = shutdown.run_until_cancelled(bind(path)).await.transpose()? else { return Ok(()) };
    let ours = inode(path);
    let (mut tasks, mut clients) = (JoinSet::new(), VecDeque::<Client>::new());
    loop {
        let is_full = clients.len() >= MOST;
        let gives_way = clients.iter().position(|client| !client.served.load(Ordering::Relaxed)).filter(|_| is_full);
        let since = gives_way.and_then(|place| clients.get(place)).map_or_else(Instant::now, |client| client.since);
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            Some(_) = tasks.join_next() => clients.retain(|client| !client.task.is_finished()),
            () = sleep_until(since + GRACE), if gives_way.is_some() => {
                if let Some(client) = gives_way.and_then(|place| clients.remove(place)) {
                    client.task.abort();
                }
            }
            accepted = listener.accept(), if !is_full => match accepted {
                Ok((stream, _)) => {
                    let served = Arc::<AtomicBool>::default();
                    let task = tasks.spawn(converse(stream, Arc::clone(&answering), Arc::clone(&served)));
                    clients.push_back(Client { task, since: Instant::now(), served });
                }
                Err(error) => {
                    // Out of files, as a rule: the next attempt would fail too.
                    tracing::debug!("{}: {error}", path.display());
                    sleep(PATIENCE).await;
                }
            },
        }
    }
    // If it stays it is in nobody's way: the next daemon takes it over. It may have done so already.
    if ours.is_some() && inode(path) == ours {
        _ = std::fs::remove_file(path);
    }
    Ok(())
}

fn inode(path: &Path) -> Option<u64> {
    std::fs::symlink_metadata(path).ok().map(|there| there.ino())
}

/// A process that was killed listens until the system has cleared it away, which takes a moment.
async fn answers_for_long(path: &Path) -> bool {
    for _ in 0..ATTEMPTS {
        if UnixStream::connect(path).await.is_err() {
            return false;
        }
        sleep(BETWEEN_ATTEMPTS).await;
    }
    UnixStream::connect(path).await.is_ok()
}

async fn bind(path: &Path) -> io::Result<UnixListener> {
    match std::fs::symlink_metadata(path) {
        Ok(there) if !there.file_type().is_socket() => return Err(io::Error::other("something else is there")),
        Ok(_) if answers_for_long(path).await => {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another givtcp uses this data directory"));
        }
        Ok(_) => std::fs::remove_file(path)?,
        Err(_) => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn converse(mut stream: UnixStream, answering: Arc<dyn Answering>, served: Arc<AtomicBool>) {
    let Ok(Ok(question)) = timeout(SILENCE, question(&mut stream)).await else { return };
    served.store(true, Ordering::Relaxed);
    let answer = match serde_json::from_slice::<Ask>(&question) {
        Ok(ask) => answering.answer(ask).await,
        Err(error) => Answer::Fault { why: format!("this version of givtcp does not understand that: {error}") },
    };
    let Ok(mut line) = serde_json::to_vec(&answer) else { return };
    line.push(b'\n');
    served.store(false, Ordering::Relaxed);
    // Who has gone misses nothing.
    _ = timeout(SILENCE, stream.write_all(&line)).await;
}

async fn question(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut question = Vec::new();
    BufReader::new(stream).take(LONGEST_QUESTION).read_until(b'\n', &mut question).await?;
    Ok(question)
}
