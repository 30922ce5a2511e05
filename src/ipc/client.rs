use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::{Answer, Ask, LONGEST, PATIENCE, socket};

/// Why a daemon did not answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// None listens there.
    #[error("no running givtcp uses {}", .0.display())]
    Nobody(PathBuf),
    /// It could not be asked.
    #[error("cannot ask the running givtcp at {}: {why}", .path.display())]
    Failed {
        /// Its socket.
        path: PathBuf,
        /// What happened.
        why: String,
    },
}

/// Asks the daemon that uses this data directory, and waits at most 10 s.
///
/// # Errors
/// There is none, or it does not answer as one.
pub async fn ask(data_dir: &Path, ask: &Ask) -> Result<Answer, AskError> {
    ask_within(data_dir, ask, PATIENCE * 2).await
}

/// Asks the daemon that uses this data directory, and waits for so long.
///
/// # Errors
/// As [`ask`].
pub async fn ask_within(data_dir: &Path, ask: &Ask, limit: Duration) -> Result<Answer, AskError> {
    let path = socket(data_dir);
    let stream = match UnixStream::connect(&path).await {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Err(AskError::Nobody(data_dir.to_owned()));
        }
        Err(error) => return Err(AskError::Failed { path, why: error.to_string() }),
    };
    match timeout(limit, exchange(stream, ask)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(AskError::Failed { path, why: error.to_string() }),
        Err(_) => Err(AskError::Failed { path, why: format!("no answer within {}s", limit.as_secs()) }),
    }
}

async fn exchange(mut stream: UnixStream, ask: &Ask) -> io::Result<Answer> {
    let mut line = serde_json::to_vec(ask)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    let mut answer = Vec::new();
    BufReader::new(stream).take(LONGEST).read_until(b'\n', &mut answer).await?;
    Ok(serde_json::from_slice(&answer)?)
}
