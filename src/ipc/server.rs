use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Answer, Ask, PATIENCE};

/// So many may ask at a time; who comes then waits.
const MOST: usize = 16;
/// No question is longer, bytes.
const LONGEST_QUESTION: u64 = 64 * 1024;

/// Who knows the answers.
pub trait Answering: Send + Sync + 'static {
    /// Answers in its own time, with deadlines of its own.
    fn answer(&self, ask: Ask) -> BoxFuture<'_, Answer>;
}

/// Listens at `path` until `shutdown`, and takes the socket away again. One that a dead process left there gives way.
///
/// # Errors
/// Another daemon listens there, something else than a socket is there, or it cannot be made.
pub async fn serve(path: &Path, answering: Arc<dyn Answering>, shutdown: CancellationToken) -> io::Result<()> {
    let listener = bind(path).await?;
    let ours = inode(path);
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            Some(_) = clients.join_next() => {}
            accepted = listener.accept(), if clients.len() < MOST => match accepted {
                Ok((stream, _)) => {
                    clients.spawn(converse(stream, Arc::clone(&answering)));
                }
                Err(error) => {
                    // Out of files, as a rule: the next attempt would fail too.
                    tracing::debug!("{}: {error}", path.display());
                    tokio::time::sleep(PATIENCE).await;
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

async fn bind(path: &Path) -> io::Result<UnixListener> {
    match std::fs::symlink_metadata(path) {
        Ok(there) if !there.file_type().is_socket() => return Err(io::Error::other("something else is there")),
        Ok(_) if UnixStream::connect(path).await.is_ok() => {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another givtcp uses this data directory"));
        }
        Ok(_) => std::fs::remove_file(path)?,
        Err(_) => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn converse(mut stream: UnixStream, answering: Arc<dyn Answering>) {
    let Ok(Ok(question)) = timeout(PATIENCE, question(&mut stream)).await else { return };
    let answer = match serde_json::from_slice::<Ask>(&question) {
        Ok(ask) => answering.answer(ask).await,
        Err(error) => Answer::Fault { why: format!("this version of givtcp does not understand that: {error}") },
    };
    let Ok(mut line) = serde_json::to_vec(&answer) else { return };
    line.push(b'\n');
    // Who has gone misses nothing.
    _ = timeout(PATIENCE, stream.write_all(&line)).await;
}

async fn question(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut question = Vec::new();
    BufReader::new(stream).take(LONGEST_QUESTION).read_until(b'\n', &mut question).await?;
    Ok(question)
}
