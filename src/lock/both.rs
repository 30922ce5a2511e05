mod pair;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use tokio::time::{Instant, sleep};

use super::backend::{Backend, Claim, Entered};
use super::file::{FileBackend, NoFileLocks};
use super::queued::Queued;
use super::redis::RedisBackend;
use super::{Holder, LockError};
use crate::clock::Clock;
use crate::redis_server::RedisServer;
use pair::Pair;

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
    second: Arc<Wider<B>>,
}

/// The second backend, and what is done without it.
struct Wider<B> {
    backend: B,
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
        f.debug_struct("Both").field("first", &self.first).field("second", &self.second.backend).finish_non_exhaustive()
    }
}

impl<A: Backend, B: Backend> Both<A, B> {
    /// Both, entered in this order.
    pub fn new(first: A, second: B, without: impl Fn() -> Without + Send + Sync + 'static) -> Self {
        let second = Wider {
            backend: second,
            without: Box::new(without),
            is_alone: AtomicBool::new(false),
            fence: AtomicU64::new(0),
        };
        Self { first, second: Arc::new(second) }
    }

    async fn take(&self, claim: Claim<'_>) -> Result<Option<Pair>, LockError> {
        let wider = &self.second;
        let claim = Claim { least: claim.least.max(wider.fence.load(Ordering::Relaxed)), ..claim };
        let Some(first) = self.first.enter(claim).await? else { return Ok(None) };
        wider.fence.fetch_max(first.fence(), Ordering::Relaxed);
        let claim = Claim { least: claim.least.max(first.fence()), ..claim };
        let entering = tokio::select! {
            biased;
            entering = wider.enter(claim) => entering,
            () = wider.away_for_long(), if !claim.once => Err(LockError::Backend {
                resource: claim.resource.to_owned(),
                why: format!("cannot be asked for {}s", LONG_AWAY.as_secs()),
            }),
        };
        match entering {
            Ok(Some(second)) => Ok(Some(Pair::new(first, Some(second), claim, wider))),
            Err(error) if wider.goes_on_without(&error) => Ok(Some(Pair::new(first, None, claim, wider))),
            not_entered => {
                first.leave().await?;
                not_entered.map(|_| None)
            }
        }
    }
}

// === impl Wider ===

impl<B: Backend> Wider<B> {
    /// As the backend; that it can be entered again is said.
    async fn enter(&self, claim: Claim<'_>) -> Result<Option<Box<dyn Entered>>, LockError> {
        let entered = self.backend.enter(claim).await?;
        if let Some(entered) = &entered {
            self.fence.fetch_max(entered.fence(), Ordering::Relaxed);
            if self.is_alone.swap(false, Ordering::Relaxed) {
                tracing::info!("locks reach other machines again");
            }
        }
        Ok(entered)
    }

    fn may_enter_alone(&self) -> bool {
        (self.without)() == Without::EntersAlone
    }

    /// Whether the first will do after this failure of the second, which is said once.
    fn goes_on_without(&self, error: &LockError) -> bool {
        if !matches!(error, LockError::Backend { .. }) || !self.may_enter_alone() {
            return false;
        }
        if !self.is_alone.swap(true, Ordering::Relaxed) {
            tracing::warn!("{error}; until it can be asked again, locks reach this machine only");
        }
        true
    }

    /// Completes when the second has been away for long, and the first alone will do: who waited in the second would wait
    /// for as long as it is away.
    async fn away_for_long(&self) {
        let mut since = None;
        loop {
            sleep(LOOK_EVERY).await;
            if !self.backend.is_away() {
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

    /// The wider one knows more; what the narrower one knows is true also while the wider one cannot be asked, but for
    /// what this process has there: that is only a wait for the wider one, or its queue would know it.
    fn holder<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<Option<Holder>, LockError>> {
        let asking = async move {
            let there = self.second.backend.holder(resource).await;
            if let Ok(Some(_)) = there {
                return there;
            }
            let here = self.first.holder(resource).await?;
            if here.as_ref().is_some_and(|here| !here.is_this_process()) { Ok(here) } else { there }
        };
        asking.boxed()
    }

    fn revoke<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<bool, LockError>> {
        let revoking = async move {
            let (here, there) = tokio::join!(self.first.revoke(resource), self.second.backend.revoke(resource));
            Ok(here? | there?)
        };
        revoking.boxed()
    }

    fn settled(&self) -> BoxFuture<'_, ()> {
        self.second.backend.settled()
    }
}
