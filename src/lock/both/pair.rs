//! What both backends gave, and how it goes on where the second is away.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::{LOOK_EVERY, Wider};
use crate::lock::backend::{Backend, Claim, Entered};
use crate::lock::{LockError, Owner};

type Second = Mutex<Option<Arc<Box<dyn Entered>>>>;

/// What both gave; of the second nothing where it is gone without. The second is dropped, and left, before the first.
pub(super) struct Pair {
    second: Arc<Second>,
    first: Box<dyn Entered>,
    fence: u64,
    lost: CancellationToken,
    _watch: AbortOnDropHandle<()>,
}

/// What keeps a pair whole, from outside it.
struct Watch<B> {
    wider: Arc<Wider<B>>,
    second: Weak<Second>,
    resource: String,
    owner: Owner,
    fence: u64,
}

fn present(second: &Second) -> Option<Arc<Box<dyn Entered>>> {
    second.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn replace(second: &Second, with: Option<Arc<Box<dyn Entered>>>) -> Option<Arc<Box<dyn Entered>>> {
    std::mem::replace(&mut *second.lock().unwrap_or_else(PoisonError::into_inner), with)
}

// === impl Pair ===

impl Pair {
    /// # Panics
    /// Outside a tokio runtime.
    pub(super) fn new<B: Backend>(
        first: Box<dyn Entered>,
        second: Option<Box<dyn Entered>>,
        claim: Claim<'_>,
        wider: &Arc<Wider<B>>,
    ) -> Self {
        let fence = first.fence().max(second.as_ref().map_or(0, |second| second.fence()));
        let over = second.as_ref().map(|second| second.lost());
        let second = Arc::new(Mutex::new(second.map(Arc::new)));
        let lost = first.lost().child_token();
        let told = lost.clone();
        let watch = Watch {
            wider: Arc::clone(wider),
            second: Arc::downgrade(&second),
            resource: claim.resource.to_owned(),
            owner: claim.owner.clone(),
            fence,
        };
        let watching = tokio::spawn(async move {
            watch.run(over).await;
            told.cancel();
        });
        Self { second, first, fence, lost, _watch: AbortOnDropHandle::new(watching) }
    }
}

// === impl Watch ===

impl<B: Backend> Watch<B> {
    /// Until the pair is over: what the second gave ended, and it cannot be gone without, or another has it.
    async fn run(&self, mut over: Option<CancellationToken>) {
        loop {
            if let Some(over) = over {
                over.cancelled().await;
                if !self.goes_on().await {
                    return;
                }
            }
            let Some(second) = self.enters_again().await else { return };
            over = Some(second.lost());
            self.put(Some(second));
        }
    }

    /// Whether the first will do, now that what the second gave has ended. Who could be entered has told that it ended:
    /// another may have been there since.
    async fn goes_on(&self) -> bool {
        if !self.wider.may_enter_alone() {
            return false;
        }
        let goes_on = match self.wider.enter(self.claim()).await {
            Err(error) => self.wider.goes_on_without(&error),
            Ok(_) => false,
        };
        if goes_on {
            self.put(None);
        }
        goes_on
    }

    /// Until the second lets in, which is more than that it answers; `None` if another is there.
    async fn enters_again(&self) -> Option<Box<dyn Entered>> {
        loop {
            sleep(LOOK_EVERY).await;
            self.wider.backend.back().await;
            match self.wider.enter(self.claim()).await {
                Ok(Some(second)) => return Some(second),
                Ok(None) if self.is_our_own().await => {}
                Ok(None) => return None,
                Err(_) => {}
            }
        }
    }

    /// Whether what is there is what this process had before, which is being taken back.
    async fn is_our_own(&self) -> bool {
        let holder = self.wider.backend.holder(&self.resource).await;
        holder.is_ok_and(|holder| holder.is_none_or(|holder| holder.is_this_process()))
    }

    fn claim(&self) -> Claim<'_> {
        Claim { resource: &self.resource, owner: &self.owner, once: true, least: self.fence }
    }

    /// Into a pair that is gone already nothing comes: it is let go of.
    fn put(&self, second: Option<Box<dyn Entered>>) {
        if let Some(pair) = self.second.upgrade() {
            drop(replace(&pair, second.map(Arc::new)));
        }
    }
}

impl Entered for Pair {
    fn fence(&self) -> u64 {
        self.fence
    }

    fn remaining(&self) -> Option<Duration> {
        let second = present(&self.second).and_then(|second| second.remaining());
        self.first.remaining().into_iter().chain(second).min()
    }

    fn lost(&self) -> CancellationToken {
        self.lost.clone()
    }

    fn confirm(&self) -> BoxFuture<'_, Result<(), LockError>> {
        let confirming = async {
            self.first.confirm().await?;
            match present(&self.second) {
                Some(second) => second.confirm().await,
                None => Ok(()),
            }
        };
        confirming.boxed()
    }

    fn leave(self: Box<Self>) -> BoxFuture<'static, Result<(), LockError>> {
        let Self { first, second, .. } = *self;
        let leaving = async move {
            let there = match replace(&second, None).and_then(Arc::into_inner) {
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
        f.debug_struct("Pair")
            .field("first", &self.first)
            .field("second", &present(&self.second))
            .finish_non_exhaustive()
    }
}
