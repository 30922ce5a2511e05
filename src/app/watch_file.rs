//! The settings file while the program runs: what is written there is taken once it is whole.
//!
//! The file is read every second, and taken when two looks find the same. That is little work for a file of a few kilobytes,
//! sees what editors do (write, rename over, swap links) alike, and what is changed on the other side of a network or of a
//! container's mount, of which no system tells.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::{App, faults, refuse_while_held};
use crate::lane::Lane;
use crate::settings::{Settings, ShownFault};

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A look takes no longer.
const PATIENCE: Duration = Duration::from_secs(5);
/// What is longer is no settings file; only so much of it is compared.
const LONGEST: u64 = 1 << 20;

/// A disk that is full leaves such files, and so do programs that begin to write one.
const EMPTIED: &str = "the settings file holds no setting any more: what it said before stays in force until it says \
                       something, or the next start";

/// What became of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It holds something else.
    Changed,
    /// It is gone.
    Gone,
}

/// What a look found.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Text(PathBuf, Vec<u8>),
    Missing,
    Unreadable(String),
}

/// A file that is looked at.
pub struct Watched {
    find: Arc<dyn Fn() -> Option<PathBuf> + Send + Sync>,
    lane: Lane,
    every: Duration,
    taken: Content,
    /// What the last look found, if that is something else.
    seen: Option<Content>,
}

impl Watched {
    /// As it is now; `find` says where it is, since it may not be there yet.
    pub fn new(find: impl Fn() -> Option<PathBuf> + Send + Sync + 'static) -> Self {
        let taken = look(find().as_deref());
        Self { find: Arc::new(find), lane: Lane::new(), every: LOOK_EVERY, taken, seen: None }
    }

    /// The same, looked at so often.
    #[must_use]
    pub const fn every(mut self, every: Duration) -> Self {
        self.every = every;
        self
    }

    /// Where it is, if it is there.
    pub fn file(&self) -> Option<PathBuf> {
        (self.find)().filter(|path| path.exists())
    }

    /// Completes when the file has become something else, and is that for two looks. Nothing is lost when it is dropped.
    pub async fn news(&mut self) -> News {
        loop {
            sleep(self.every).await;
            let find = Arc::clone(&self.find);
            // A disk that hangs has no news.
            let Ok(now) = self.lane.run(PATIENCE, move || look(find().as_deref())).await else { continue };
            if now == self.taken {
                self.seen = None;
            } else if self.seen.as_ref() == Some(&now) {
                self.seen = None;
                self.taken = now;
                return if self.taken == Content::Missing { News::Gone } else { News::Changed };
            } else {
                self.seen = Some(now);
            }
        }
    }
}

impl fmt::Debug for Watched {
    /// Not what is in it: there may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("file", &self.file()).finish_non_exhaustive()
    }
}

fn look(path: Option<&Path>) -> Content {
    let Some(path) = path else { return Content::Missing };
    match read(path) {
        Ok(text) => Content::Text(path.to_owned(), text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Content::Missing,
        Err(error) => Content::Unreadable(error.to_string()),
    }
}

/// What is no file is not opened: a pipe would hold up whoever does until somebody writes to it.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(std::io::Error::other(format!("no file but {:?}", metadata.file_type())));
    }
    let mut text = Vec::new();
    std::fs::File::open(path)?.take(LONGEST).read_to_end(&mut text)?;
    Ok(text)
}

/// Whether the file has settings.
fn names_any(settings: &Settings) -> bool {
    settings.origins.values().any(|origin| origin.line.is_some())
}

/// Does what news of the settings ask for: what is good is in force from now on, what is not is shown and changes nothing.
pub async fn take(app: &mut App, news: News, load: impl FnOnce() -> Result<Settings, Vec<ShownFault>>) {
    if news == News::Gone {
        tracing::warn!("the settings file is gone: what it said stays in force until there is one again");
        return;
    }
    let settings = match load() {
        Ok(settings) => settings,
        Err(faults) => return app.refuse(faults),
    };
    if names_any(app.settings()) && !names_any(&settings) {
        return app.refuse(vec![ShownFault::of(EMPTIED.to_owned())]);
    }
    let unfit = faults(&settings);
    if !unfit.is_empty() {
        return app.refuse(unfit.into_iter().map(ShownFault::of).collect());
    }
    if let Err(error) = refuse_while_held(&app.possible(&settings)).await {
        return app.refuse(vec![ShownFault::of(format!("{error:#}"))]);
    }
    if let Err(error) = app.reload(&settings).await {
        app.refuse(vec![ShownFault::of(format!("{error:#}"))]);
    }
}
