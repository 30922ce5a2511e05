//! Locks between the processes of one machine: files that the kernel locks, below the data directory.
//!
//! The kernel lets go of them when their process dies, however it dies. What stands in a file says who holds it, or did
//! last, and which fence may have come last; what counts is the kernel's lock alone, so that a damaged file is no fault.
//! It is written when another process or owner takes the lock, and when its fences run out: not at each poll, for cards
//! wear out.

mod directory;
mod record;
mod reserve;
mod sys;
mod waiting;
mod watch;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt, ready};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::backend::{Backend, Claim, Entered};
use super::local::wall_fence;
use super::queued::Queued;
use super::{Holder, LockError, host_name};
use crate::clock::Clock;
use directory::{Directory, Locked, Tried, Unlocked};
use record::{Named, Record};
use reserve::Reserves;
use waiting::Waiting;
use watch::{Grip, Watch};

pub use directory::NoFileLocks;

/// Locks between the processes of one machine that share a data directory. Leases live until they are released, or
/// their process dies.
pub type FileLockManager = Queued<FileBackend>;

/// What changes hands names nobody for a moment: it is looked at again so often, so long apart.
const LOOKS: u32 = 5;
const APART: Duration = Duration::from_millis(1);
/// How long an administrator waits for the holder to let go, and how often that is looked at.
const PATIENCE: Duration = Duration::from_secs(2);
const GLANCE: Duration = Duration::from_millis(20);
/// A file that was removed while it was waited for is opened anew so often.
const REMOVALS: u32 = 10;

/// The files of the locks.
pub struct FileBackend {
    directory: Directory,
    waiting: Waiting,
    watch: Arc<Watch>,
    reserves: Reserves,
    clock: Arc<dyn Clock>,
    host: String,
}

/// A lock's file in this process' hands.
#[derive(Debug)]
struct Hold {
    resource: Arc<str>,
    grip: Arc<Grip>,
    watch: Arc<Watch>,
}

// === impl FileLockManager ===

impl FileLockManager {
    /// Locks below `<data>/locks`, which is made for its user alone (0700) if it is not there.
    ///
    /// # Errors
    /// The directory cannot be made or written, or its file system has no such locks.
    pub fn open(data: &Path, clock: Arc<dyn Clock>) -> Result<Self, NoFileLocks> {
        Ok(Self::before(FileBackend::open(data, clock.clone())?, clock))
    }
}

// === impl FileBackend ===

impl FileBackend {
    /// As [`FileLockManager::open`].
    pub(super) fn open(data: &Path, clock: Arc<dyn Clock>) -> Result<Self, NoFileLocks> {
        let directory = Directory::open(data)?;
        let watch = Arc::new(Watch::new(directory.path()));
        let (waiting, reserves) = (Waiting::default(), Reserves::default());
        Ok(Self { directory, waiting, watch, reserves, clock, host: host_name() })
    }

    async fn take(&self, claim: Claim<'_>) -> Result<Option<Hold>, NoFileLocks> {
        let mut looks = 0;
        let mut removals = 0;
        loop {
            let locked = match self.directory.lock(claim.resource)?.try_lock()? {
                Tried::Locked(locked) => locked,
                Tried::Busy(busy) if !claim.once => self.waiting.wait(claim.resource, busy).await?,
                // It may be changing hands, or a thread has it whose waiter gave up.
                Tried::Busy(_) if looks < LOOKS => {
                    looks += 1;
                    sleep(APART).await;
                    continue;
                }
                Tried::Busy(_) => return Ok(None),
            };
            if locked.is_in_place().map_err(|error| locked.trouble("cannot lock", error))? {
                return self.hold(claim, locked).map(Some);
            }
            removals += 1;
            if removals >= REMOVALS {
                let error = std::io::Error::other("somebody removes it again and again");
                return Err(locked.trouble("cannot lock", error));
            }
        }
    }

    fn hold(&self, claim: Claim<'_>, locked: Locked) -> Result<Hold, NoFileLocks> {
        // What cannot be read is no more in the way than what is damaged.
        let found = Record::read(&locked.file).ok().flatten();
        let found_fence = found.as_ref().map(|found| found.fence);
        let named = Named::new(claim.owner.name(), &self.host, self.clock.now());
        let names_it = found.and_then(|found| found.holder).is_some_and(|holder| holder.is_same(&named));
        // Who revoked an earlier hold meant that one alone.
        let is_revoked = record::revoked(&locked.file).map_or(true, |mark| mark.is_some() && mark == found_fence);
        let least = wall_fence(&*self.clock).max(claim.least.saturating_add(1));
        let given = self.reserves.next(claim.resource, found_fence, least, !names_it || is_revoked);
        if given.is_new {
            let written = Record { fence: given.until, holder: Some(named) }.write(&locked.file);
            written.map_err(|error| locked.trouble("cannot write", error))?;
        }
        self.reserves.keep(claim.resource, given);
        let (resource, lost): (Arc<str>, _) = (claim.resource.into(), CancellationToken::new());
        let grip = Arc::new(Grip { locked, fence: given.fence, recorded: given.until, lost });
        let hold = Hold { resource, grip, watch: self.watch.clone() };
        let watched = hold.watch.add(&hold.resource, &hold.grip);
        watched.map_err(|error| hold.grip.locked.trouble("cannot watch", error))?;
        Ok(hold)
    }

    async fn find_holder(&self, resource: &str) -> Result<Option<Holder>, NoFileLocks> {
        let Some(file) = self.directory.existing(resource)? else { return Ok(None) };
        for look in 0..=LOOKS {
            if !file.is_locked()? {
                return Ok(None);
            }
            // What stands there at first may be the last holder, and somebody be on the way in or out.
            if let (1.., Some(Record { holder: Some(named), .. })) = (look, read(&file)?) {
                return Ok(Some(named.into()));
            }
            sleep(APART).await;
        }
        let (host, since) = (self.host.clone(), self.clock.now());
        Ok(Some(Holder { owner: "unknown".to_owned(), pid: 0, host, since, remaining: None }))
    }

    /// Says so to the holder, and waits for a while until it lets go; otherwise yields its process.
    async fn revoke_now(&self, resource: &str) -> Result<Revoked, NoFileLocks> {
        let Some(file) = self.directory.existing(resource)? else { return Ok(Revoked::Nobody) };
        let until = Instant::now() + PATIENCE;
        let mut revoked = None;
        let mut pid = 0;
        loop {
            if !file.is_locked()? {
                return Ok(if revoked.is_some() { Revoked::LetGo } else { Revoked::Nobody });
            }
            if let Some(Record { fence, holder: Some(named) }) = read(&file)? {
                if *revoked.get_or_insert(fence) != fence {
                    return Ok(Revoked::LetGo);
                }
                if pid == 0 {
                    record::revoke(&file.file, fence).map_err(|error| file.trouble("cannot write", error))?;
                    self.watch.ring();
                }
                pid = named.pid;
            }
            if Instant::now() >= until {
                return match pid {
                    0 => Err(file.trouble("cannot tell who holds", std::io::Error::other("its content is damaged"))),
                    pid => Ok(Revoked::StillHeld(pid)),
                };
            }
            sleep(GLANCE).await;
        }
    }
}

enum Revoked {
    Nobody,
    LetGo,
    StillHeld(u32),
}

fn read(file: &Unlocked) -> Result<Option<Record>, NoFileLocks> {
    Record::read(&file.file).map_err(|error| file.trouble("cannot read", error))
}

fn failed(resource: &str, why: &NoFileLocks) -> LockError {
    LockError::Backend { resource: resource.to_owned(), why: why.to_string() }
}

impl Backend for FileBackend {
    fn enter<'a>(&'a self, claim: Claim<'a>) -> BoxFuture<'a, Result<Option<Box<dyn Entered>>, LockError>> {
        let taking = self.take(claim).map(move |taken| match taken {
            Ok(hold) => Ok(hold.map(|hold| Box::new(hold) as Box<dyn Entered>)),
            Err(why) => Err(failed(claim.resource, &why)),
        });
        taking.boxed()
    }

    fn holder<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<Option<Holder>, LockError>> {
        self.find_holder(resource).map(|found| found.map_err(|why| failed(resource, &why))).boxed()
    }

    fn revoke<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<bool, LockError>> {
        let revoking = self.revoke_now(resource).map(move |outcome| match outcome {
            Ok(Revoked::Nobody) => Ok(false),
            Ok(Revoked::LetGo) => Ok(true),
            Ok(Revoked::StillHeld(pid)) => Err(LockError::StillHeld { resource: resource.to_owned(), pid }),
            Err(why) => Err(failed(resource, &why)),
        });
        revoking.boxed()
    }
}

impl fmt::Debug for FileBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileBackend").field("directory", &self.directory.path()).finish_non_exhaustive()
    }
}

// === impl Hold ===

impl Hold {
    fn lost_error(&self) -> LockError {
        LockError::Lost { resource: self.resource.to_string() }
    }
}

impl Entered for Hold {
    fn fence(&self) -> u64 {
        self.grip.fence
    }

    fn remaining(&self) -> Option<Duration> {
        None
    }

    fn lost(&self) -> CancellationToken {
        self.grip.lost.clone()
    }

    fn confirm(&self) -> BoxFuture<'_, Result<(), LockError>> {
        let outcome = match self.grip.holds() {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.lost_error()),
            Err(why) => Err(failed(&self.resource, &why)),
        };
        ready(outcome).boxed()
    }

    fn leave(self: Box<Self>) -> BoxFuture<'static, Result<(), LockError>> {
        let outcome = if self.grip.lost.is_cancelled() { Err(self.lost_error()) } else { Ok(()) };
        drop(self);
        ready(outcome).boxed()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // That the file goes on naming a holder is no fault: nobody is asked for it once the lock is let go.
        self.watch.remove(&self.resource);
        self.grip.locked.unlock();
    }
}

#[cfg(test)]
mod tests;
