use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::backend::{Backend, Claim, Entered};
use super::{Holder, LockError};

/// Two backends, the narrower first: what is held is held in both. Processes of one machine that have files first
/// exclude each other also while what is between the machines is down.
#[derive(Debug)]
pub struct Both<A, B> {
    first: A,
    second: B,
    /// What to do while the second cannot be asked.
    without: Without,
    /// That the first stands alone was said, and is true still.
    is_alone: AtomicBool,
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
    _watch: Option<AbortOnDropHandle<()>>,
}

// === impl Both ===

impl<A: Backend, B: Backend> Both<A, B> {
    /// Both, entered in this order.
    pub const fn new(first: A, second: B, without: Without) -> Self {
        Self { first, second, without, is_alone: AtomicBool::new(false) }
    }

    async fn take(&self, claim: Claim<'_>) -> Result<Option<Pair>, LockError> {
        let Some(first) = self.first.enter(claim).await? else { return Ok(None) };
        match self.second.enter(claim).await {
            Ok(Some(second)) => {
                if self.is_alone.swap(false, Ordering::Relaxed) {
                    tracing::info!("locks reach other machines again");
                }
                Ok(Some(Pair::new(first, Some(second))))
            }
            Err(error @ LockError::Backend { .. }) if self.without == Without::EntersAlone => {
                if !self.is_alone.swap(true, Ordering::Relaxed) {
                    tracing::warn!("{error}; until it can be asked again, locks reach this machine only");
                }
                Ok(Some(Pair::new(first, None)))
            }
            not_entered => {
                first.leave().await?;
                not_entered.map(|_| None)
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
    fn new(first: Box<dyn Entered>, second: Option<Box<dyn Entered>>) -> Self {
        let lost = first.lost().child_token();
        let watch = second.as_ref().map(|second| {
            let (second, lost) = (second.lost(), lost.clone());
            AbortOnDropHandle::new(tokio::spawn(async move {
                second.cancelled().await;
                lost.cancel();
            }))
        });
        Self { second, first, lost, _watch: watch }
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
