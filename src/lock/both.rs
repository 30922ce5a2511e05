use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::backend::{Backend, Claim, Entered};
use super::file::{FileBackend, NoFileLocks};
use super::queued::Queued;
use super::redis::RedisBackend;
use super::{Holder, LockError};
use crate::clock::Clock;
use crate::redis_server::RedisServer;

/// How often one who entered alone looks whether the wider backend is back.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Who waits in the wider backend enters alone, if that is allowed, when it has been away for so long.
const LONG_AWAY: Duration = Duration::from_secs(30);

/// Locks between machines, below which those of one machine are held too.
pub type SharedLockManager = Queued<Both<FileBackend, RedisBackend>>;

/// Two backends, the narrower first: what is held is held in both. Processes of one machine that have files first
/// exclude each other also while what is between the machines is down.
pub struct Both<A, B> {
    first: A,
    second: Arc<B>,
    /// What to do while the second cannot be asked: asked anew each time.
    without: Box<dyn Fn() -> Without + Send + Sync>,
    /// That the first stands alone was said, and is true still.
    is_alone: AtomicBool,
    /// The greatest fence that was given here, by whichever: the other one goes on above.
    fence: AtomicU64,
}

/// What becomes of an attempt while the wider backend cannot be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Without {
    /// It fails.
    #[default]
    Fails,
    /// It enters the narrower one alone.
    EntersAlone,
}

/// What both gave. The second is dropped, and left, before the first.
struct Pair {
    second: Option<Box<dyn Entered>>,
    first: Box<dyn Entered>,
    lost: CancellationToken,
    _watch: AbortOnDropHandle<()>,
}

// === impl SharedLockManager ===

impl SharedLockManager {
    /// In files below `data` and in a Redis, where leases live for `life`; `without` is asked whenever Redis cannot be.
    ///
    /// # Errors
    /// There can be no locks in files there.
    pub fn open(
        data: &Path,
        server: &RedisServer,
        life: Duration,
        without: impl Fn() -> Without + Send + Sync + 'static,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, NoFileLocks> {
        let (files, redis) =
            (FileBackend::open(data, Arc::clone(&clock))?, RedisBackend::new(server, life, Arc::clone(&clock)));
        Ok(Self::before(Both::new(files, redis, without), clock))
    }
}

// === impl Both ===

impl<A: fmt::Debug, B: fmt::Debug> fmt::Debug for Both<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Both").field("first", &self.first).field("second", &self.second).finish_non_exhaustive()
    }
}

impl<A: Backend, B: Backend> Both<A, B> {
    /// Both, entered in this order.
    pub fn new(first: A, second: B, without: impl Fn() -> Without + Send + Sync + 'static) -> Self {
        Self {
            first,
            second: Arc::new(second),
            without: Box::new(without),
            is_alone: AtomicBool::new(false),
            fence: AtomicU64::new(0),
        }
    }

    async fn take(&self, claim: Claim<'_>) -> Result<Option<Pair>, LockError> {
        let claim = Claim { least: claim.least.max(self.fence.load(Ordering::Relaxed)), ..claim };
        let Some(first) = self.first.enter(claim).await? else { return Ok(None) };
        let claim = Claim { least: claim.least.max(first.fence()), ..claim };
        let entering = tokio::select! {
            biased;
            entering = self.second.enter(claim) => entering,
            () = self.away_for_long(), if !claim.once => Err(LockError::Backend {
                resource: claim.resource.to_owned(),
                why: format!("cannot be asked for {}s", LONG_AWAY.as_secs()),
            }),
        };
        match entering {
            Ok(Some(second)) => {
                if self.is_alone.swap(false, Ordering::Relaxed) {
                    tracing::info!("locks reach other machines again");
                }
                self.fence.fetch_max(first.fence().max(second.fence()), Ordering::Relaxed);
                Ok(Some(Pair::new(first, second)))
            }
            Err(error @ LockError::Backend { .. }) if self.may_enter_alone() => {
                if !self.is_alone.swap(true, Ordering::Relaxed) {
                    tracing::warn!("{error}; until it can be asked again, locks reach this machine only");
                }
                self.fence.fetch_max(first.fence(), Ordering::Relaxed);
                Ok(Some(Pair::alone(first, claim.resource, &self.second)))
            }
            not_entered => {
                first.leave().await?;
                not_entered.map(|_| None)
            }
        }
    }

    fn may_enter_alone(&self) -> bool {
        (self.without)() == Without::EntersAlone
    }

    /// Completes when the second has been away for long, and the first alone will do: who waited in the second would wait
    /// for as long as it is away.
    async fn away_for_long(&self) {
        let mut since = None;
        loop {
            sleep(LOOK_EVERY).await;
            if !self.second.is_away() {
                since = None;
            } else if since.get_or_insert_with(Instant::now).elapsed() >= LONG_AWAY && self.may_enter_alone() {
                return;
            }
        }
    }
}

impl<A: Backend, B: Backend> Backend for Both<A, B> {
    fn enter<'a>(&'a self, claim: Claim<'a>) -> BoxFuture<'a, Result<Option<Box<dyn Entered>>, LockError>> {
        self.take(claim).map(|taken| Ok(taken?.map(|pair| Box::new(pair) as Box<dyn Entered>))).boxed()
    }

    /// The wider one knows more; what the narrower one knows is true also while the wider one cannot be asked.
    fn holder<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<Option<Holder>, LockError>> {
        let asking = async move {
            let there = self.second.holder(resource).await;
            if let Ok(Some(_)) = there {
                return there;
            }
            let here = self.first.holder(resource).await?;
            if here.is_some() { Ok(here) } else { there }
        };
        asking.boxed()
    }

    fn revoke<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<bool, LockError>> {
        let revoking = async move {
            let (here, there) = tokio::join!(self.first.revoke(resource), self.second.revoke(resource));
            Ok(here? | there?)
        };
        revoking.boxed()
    }
}

// === impl Pair ===

impl Pair {
    fn new(first: Box<dyn Entered>, second: Box<dyn Entered>) -> Self {
        let lost = first.lost().child_token();
        let (over, is_lost) = (second.lost(), lost.clone());
        let watch = tokio::spawn(async move {
            over.cancelled().await;
            is_lost.cancel();
        });
        Self { second: Some(second), first, lost, _watch: AbortOnDropHandle::new(watch) }
    }

    /// It is lost when the second can be asked again: whoever wants to go on enters both.
    fn alone<B: Backend>(first: Box<dyn Entered>, resource: &str, second: &Arc<B>) -> Self {
        let lost = first.lost().child_token();
        let (second, resource, is_lost) = (Arc::clone(second), resource.to_owned(), lost.clone());
        let watch = tokio::spawn(async move {
            loop {
                sleep(LOOK_EVERY).await;
                second.back().await;
                if second.holder(&resource).await.is_ok() {
                    break;
                }
            }
            is_lost.cancel();
        });
        Self { second: None, first, lost, _watch: AbortOnDropHandle::new(watch) }
    }
}

impl Entered for Pair {
    fn fence(&self) -> u64 {
        self.first.fence().max(self.second.as_ref().map_or(0, |second| second.fence()))
    }

    fn remaining(&self) -> Option<Duration> {
        let second = self.second.as_ref().and_then(|second| second.remaining());
        self.first.remaining().into_iter().chain(second).min()
    }

    fn lost(&self) -> CancellationToken {
        self.lost.clone()
    }

    fn confirm(&self) -> BoxFuture<'_, Result<(), LockError>> {
        let confirming = async {
            self.first.confirm().await?;
            match &self.second {
                Some(second) => second.confirm().await,
                None => Ok(()),
            }
        };
        confirming.boxed()
    }

    fn leave(self: Box<Self>) -> BoxFuture<'static, Result<(), LockError>> {
        let Self { first, second, .. } = *self;
        let leaving = async move {
            let there = match second {
                Some(second) => second.leave().await,
                None => Ok(()),
            };
            let here = first.leave().await;
            there.and(here)
        };
        leaving.boxed()
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair").field("first", &self.first).field("second", &self.second).finish_non_exhaustive()
    }
}
