//! What tells a holder that its hold is over: another process revoked it, or somebody removed its file.
//!
//! One thread a directory, which begins with the first hold. It sleeps until something comes or goes in the directory: who
//! revokes rings there, by making a file and removing it. Where the kernel gives no such news it looks each second,
//! while something is held.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::directory::{Locked, NoFileLocks};
use super::record;

/// How often is looked where nothing tells.
const EVERY: Duration = Duration::from_secs(1);
const STACK: usize = 128 * 1024;

/// A file that this process holds.
#[derive(Debug)]
pub(super) struct Grip {
    pub locked: Locked,
    pub fence: u64,
    /// What stands in the file meanwhile, by which it can be revoked.
    pub recorded: u64,
    pub lost: CancellationToken,
}

/// The thread and what it watches, until it is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    directory: PathBuf,
    watched: Mutex<Watched>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Watched {
    /// By resource: a process holds each once.
    grips: HashMap<Arc<str>, Arc<Grip>>,
    began: bool,
    over: bool,
}

// === impl Grip ===

impl Grip {
    /// Whether it is still held: neither revoked nor overtaken, since its file lies where others look for it.
    pub(super) fn holds(&self) -> Result<bool, NoFileLocks> {
        let looked = || Ok(record::revoked(&self.locked.file)? != Some(self.recorded) && self.locked.is_in_place()?);
        let holds = looked().map_err(|error| self.locked.trouble("cannot read", error))?;
        if !holds {
            self.lost.cancel();
        }
        Ok(holds)
    }
}

// === impl Watch ===

impl Watch {
    pub(super) fn new(directory: &Path) -> Self {
        let directory = directory.to_owned();
        Self { shared: Arc::new(Shared { directory, watched: Mutex::default(), changed: Condvar::new() }) }
    }

    /// Watches over a hold until it is let go.
    pub(super) fn add(&self, resource: &Arc<str>, grip: &Arc<Grip>) -> io::Result<()> {
        self.add_named("lock-watch", resource, grip)
    }

    /// As [`Watch::add`], with the name of the thread.
    pub(super) fn add_named(&self, name: &str, resource: &Arc<str>, grip: &Arc<Grip>) -> io::Result<()> {
        let mut watched = self.shared.watched();
        if !watched.began {
            let shared = self.shared.clone();
            let thread = std::thread::Builder::new().name(name.to_owned()).stack_size(STACK);
            thread.spawn(move || shared.run())?;
            watched.began = true;
        }
        watched.grips.insert(resource.clone(), grip.clone());
        self.shared.changed.notify_all();
        Ok(())
    }

    pub(super) fn remove(&self, resource: &str) {
        self.shared.watched().grips.remove(resource);
    }

    /// Makes all who watch the directory look.
    pub(super) fn ring(&self) {
        ring(&self.shared.directory);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let began = {
            let mut watched = self.shared.watched();
            watched.over = true;
            watched.began
        };
        self.shared.changed.notify_all();
        if began {
            self.ring();
        }
    }
}

fn ring(directory: &Path) {
    let bell = directory.join(".bell");
    // Whether it is made or removed, by this process or by another that rings at the same time: each is news.
    _ = File::create(&bell);
    _ = std::fs::remove_file(&bell);
}

// === impl Shared ===

impl Shared {
    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut news = News::of(&self.directory);
        loop {
            let grips: Vec<_> = match &*self.watched() {
                Watched { over: true, .. } => return,
                watched => watched.grips.values().cloned().collect(),
            };
            for grip in grips {
                // What cannot be read now is looked at again with the next news.
                _ = grip.holds();
            }
            if let Some(some) = &news {
                if some.wait().is_err() {
                    news = None;
                }
                continue;
            }
            self.rest();
            news = News::of(&self.directory);
        }
    }

    fn rest(&self) {
        let watched = self.changed.wait_while(self.watched(), |watched| watched.grips.is_empty() && !watched.over);
        let watched = watched.unwrap_or_else(PoisonError::into_inner);
        if !watched.over {
            _ = self.changed.wait_timeout_while(watched, EVERY, |watched| !watched.over);
        }
    }
}

/// What the kernel tells of a directory.
struct News(imp::News);

impl News {
    fn of(directory: &Path) -> Option<Self> {
        imp::News::of(directory).map(Self)
    }

    /// Blocks the thread until something comes or goes.
    ///
    /// # Errors
    /// There will be no more of it: the directory itself has gone.
    fn wait(&self) -> io::Result<()> {
        self.0.wait()
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod imp {
    use std::io;
    use std::path::Path;

    use nix::errno::Errno;
    use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

    pub(super) struct News(Inotify);

    impl News {
        pub(super) fn of(directory: &Path) -> Option<Self> {
            let inotify = Inotify::init(InitFlags::IN_CLOEXEC).ok()?;
            let comes_and_goes = AddWatchFlags::IN_CREATE
                | AddWatchFlags::IN_DELETE
                | AddWatchFlags::IN_MOVE
                | AddWatchFlags::IN_DELETE_SELF
                | AddWatchFlags::IN_MOVE_SELF;
            inotify.add_watch(directory, comes_and_goes).ok()?;
            Some(Self(inotify))
        }

        pub(super) fn wait(&self) -> io::Result<()> {
            let gone = AddWatchFlags::IN_IGNORED | AddWatchFlags::IN_DELETE_SELF | AddWatchFlags::IN_MOVE_SELF;
            match self.0.read_events() {
                Ok(events) if events.iter().any(|event| event.mask.intersects(gone)) => {
                    Err(io::ErrorKind::NotFound.into())
                }
                Ok(_) | Err(Errno::EINTR) => Ok(()),
                Err(error) => Err(error.into()),
            }
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod imp {
    use std::io;
    use std::path::Path;

    pub(super) struct News;

    impl News {
        pub(super) fn of(_: &Path) -> Option<Self> {
            None
        }

        pub(super) fn wait(&self) -> io::Result<()> {
            Ok(())
        }
    }
}
