//! Recordings of the wire for other programs, in pieces.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::capture::{Line, as_text};
use crate::diagnosis::listen;
use crate::link::Tap;

/// Each piece covers so much time,
const PIECE: Duration = Duration::from_secs(2);
/// and has no more bytes of text.
const LARGEST: usize = 1 << 20;
/// Who does not ask for the next piece within this records no longer.
const FORGOTTEN: Duration = Duration::from_secs(2);

/// One inverter's recording, if there is one.
#[derive(Clone, Debug, Default)]
pub(super) struct Recorder(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    heard: Option<mpsc::Receiver<Line>>,
    /// How many pieces were given.
    pieces: u64,
}

impl Recorder {
    /// What went over the wire since the last piece, after some seconds; `None` while somebody else records.
    pub(super) async fn piece(&self, tap: &Tap) -> Option<String> {
        let kept = self.waiting(|waiting| waiting.heard.take());
        let mut heard = kept.or_else(|| tap.listen())?;
        let mut lines = Vec::new();
        listen(&mut heard, Instant::now() + PIECE, LARGEST, &mut lines).await;
        let piece = self.waiting(|waiting| {
            waiting.heard = Some(heard);
            waiting.pieces += 1;
            waiting.pieces
        });
        let recorder = self.clone();
        tokio::spawn(async move {
            sleep(FORGOTTEN).await;
            recorder.waiting(|waiting| {
                if waiting.pieces == piece {
                    waiting.heard = None;
                }
            });
        });
        Some(as_text(&lines))
    }

    fn waiting<T>(&self, act: impl FnOnce(&mut Waiting) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_goes_on_from_piece_to_piece_and_ends_when_nobody_asks() {
        let (recorder, tap) = (Recorder::default(), Tap::default());
        assert_eq!(recorder.piece(&tap).await.as_deref(), Some(""));
        assert!(tap.listen().is_none(), "it listens between two pieces");
        sleep(FORGOTTEN / 2).await;
        assert_eq!(recorder.piece(&tap).await.as_deref(), Some(""));
        sleep(FORGOTTEN / 2).await;
        assert!(tap.listen().is_none());
        sleep(FORGOTTEN).await;
        let other = tap.listen();
        assert!(other.is_some());
        assert_eq!(recorder.piece(&tap).await, None, "somebody else records");
    }
}
