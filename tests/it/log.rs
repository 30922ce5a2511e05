//! The log lines of one test.

use std::cell::RefCell;
use std::io;
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use tokio::time::{Instant, sleep};

thread_local! {
    static CURRENT: RefCell<Log> = RefCell::default();
}

/// What was logged on this thread since [`Log::capture`]: with tokio's current-thread runtime, all that the test does.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Begins to listen.
    pub fn capture() -> Self {
        static ONCE: Once = Once::new();
        // One subscriber for all threads: which log lines are of interest is remembered per line, not per thread.
        ONCE.call_once(|| {
            let writer = || CURRENT.with_borrow(Clone::clone);
            let subscriber = tracing_subscriber::fmt().with_ansi(false).without_time().with_target(false);
            tracing::subscriber::set_global_default(subscriber.with_writer(writer).finish()).unwrap();
        });
        let log = Self::default();
        CURRENT.set(log.clone());
        log
    }

    /// Each line, as `WARN what happened key=value`.
    pub fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| line.trim().to_owned()).collect()
    }

    /// How many lines hold this.
    pub fn count(&self, part: &str) -> usize {
        self.lines().iter().filter(|line| line.contains(part)).count()
    }

    /// Waits until a line holds this.
    ///
    /// # Panics
    /// When none does within 10 s.
    pub async fn wait_for(&self, part: &str) {
        let begun = Instant::now();
        while self.count(part) == 0 {
            assert!(begun.elapsed() < Duration::from_secs(10), "no line has {part:?}: {:#?}", self.lines());
            sleep(Duration::from_millis(10)).await;
        }
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
