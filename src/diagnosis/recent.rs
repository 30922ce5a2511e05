//! What was logged in the last hour.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// No more bytes are kept,
const MOST: usize = 256 * 1024;
/// and nothing that is older.
const OLDEST: Duration = Duration::from_secs(3600);
/// No line is kept longer, bytes.
const LONGEST: usize = 2048;

/// The log is the whole process's, and so is what is kept of it.
static LOG: Mutex<Kept> = Mutex::new(Kept { lines: VecDeque::new(), bytes: 0 });

#[derive(Debug)]
struct Kept {
    lines: VecDeque<(Instant, Box<str>)>,
    bytes: usize,
}

/// What was logged in the last hour, or the last 256 KiB of it.
pub fn lines() -> String {
    let mut kept = kept();
    kept.forget(Instant::now());
    kept.lines.iter().map(|(_, line)| &**line).collect()
}

/// Keeps a line of the log.
pub fn keep(line: &str) {
    kept().keep(line, Instant::now());
}

fn kept() -> MutexGuard<'static, Kept> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kept {
    fn keep(&mut self, line: &str, now: Instant) {
        let mut line = without_colours(line);
        if line.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|&at| line.is_char_boundary(at)).unwrap_or(0);
            line.truncate(end);
            line.push_str("...\n");
        }
        self.bytes += line.len();
        self.lines.push_back((now, line.into()));
        self.forget(now);
    }

    fn forget(&mut self, now: Instant) {
        while let Some((at, line)) = self.lines.front()
            && (self.bytes > MOST || now.duration_since(*at) > OLDEST)
        {
            self.bytes -= line.len();
            self.lines.pop_front();
        }
    }
}

/// Terminals are told colours between ESC [ and m.
fn without_colours(line: &str) -> String {
    let mut pieces = line.split("\u{1b}[");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        plain.push_str(piece.split_once('m').map_or(piece, |(_, text)| text));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_last_hour_is_kept_within_its_bound_and_in_plain_text() {
        let mut kept = Kept { lines: VecDeque::new(), bytes: 0 };
        let begun = Instant::now();
        kept.keep("\u{1b}[2m12:00\u{1b}[0m \u{1b}[33mWARN\u{1b}[0m no answer\n", begun);
        assert_eq!(&*kept.lines[0].1, "12:00 WARN no answer\n");
        kept.keep("later\n", begun + OLDEST);
        assert_eq!(kept.lines.len(), 2);
        kept.keep("last\n", begun + OLDEST + Duration::from_secs(1));
        assert_eq!(kept.lines.iter().map(|(_, line)| &**line).collect::<Vec<_>>(), ["later\n", "last\n"]);
        for _ in 0..1000 {
            kept.keep(&"é".repeat(3000), begun + OLDEST * 2);
        }
        let bytes: usize = kept.lines.iter().map(|(_, line)| line.len()).sum();
        assert!(bytes == kept.bytes && bytes <= MOST && bytes > MOST - LONGEST - 8, "{bytes}");
    }
}
