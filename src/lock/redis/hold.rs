//! A lock in this process' hands: how long it is believed in, how it is kept, and how it is given back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::warn;

use super::news::{self, CHANNEL, Ear};
use super::script;
use super::{Shared, failed};
use crate::lock::LockError;
use crate::lock::backend::Entered;
use crate::redis_server::RedisServerError;

/// A token that may stand in Redis. Dropping it sees to it that it does not, or soon not any more.
#[derive(Debug)]
pub(super) struct Token {
    shared: Arc<Shared>,
    resource: Arc<str>,
    text: String,
    /// It surely does not stand there.
    gone: bool,
    /// Where what is dropped outside a runtime is given back.
    runtime: Handle,
}

/// How long the hold is believed in.
#[derive(Debug)]
struct Life {
    ends: Mutex<Instant>,
    lost: CancellationToken,
}

/// A lock that is held.
#[derive(Debug)]
pub(super) struct Hold {
    token: Token,
    fence: u64,
    life: Arc<Life>,
    /// Ends with the hold.
    _renewing: AbortOnDropHandle<()>,
}

// === impl Token ===

impl Token {
    /// A new one, of an attempt that is about to be sent.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub(super) fn new(shared: &Arc<Shared>, resource: &str) -> Self {
        let (text, runtime) = (shared.next_token(), Handle::current());
        Self { shared: shared.clone(), resource: resource.into(), text, gone: false, runtime }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The attempt was answered: it took nothing.
    pub(super) fn took_nothing(mut self) {
        self.gone = true;
    }

    /// Gives it back, and says whether it stood there until then.
    async fn release(&mut self) -> Result<bool, RedisServerError> {
        let (key, message) = (script::key(&self.resource), news::free(&self.resource));
        let args = [&script::mark(&self.text), CHANNEL, &message];
        let answer = self.shared.server.eval(&self.shared.scripts.release, &[&key], &args).await?;
        self.gone = true;
        Ok(answer.as_number() == Some(1))
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        if !self.gone {
            let (shared, resource, token) = (self.shared.clone(), self.resource.clone(), self.text.clone());
            let tracker = shared.taking_back.clone();
            tracker.spawn_on(async move { take_back(&shared, &resource, &token).await }, &self.runtime);
        }
    }
}

/// Until Redis has answered, or the life is over that the token can have there.
async fn take_back(shared: &Shared, resource: &str, token: &str) {
    let (key, void) = (script::key(resource), script::void(token));
    let (mark, message, life) = (script::mark(token), news::free(resource), shared.life_ms());
    let trying = async {
        let args = [&mark, CHANNEL, &message, &life];
        while let Err(error) = shared.server.eval(&shared.scripts.take_back, &[&key, &void], &args).await {
            if !error.is_doubtful() && !matches!(error, RedisServerError::Busy { .. }) {
                warn!("{error}; a lock of {resource} that was not wanted ends with its life");
                return;
            }
            shared.until_back().await;
        }
    };
    _ = timeout(shared.life + shared.server.deadline(), trying).await;
}

// === impl Life ===

impl Life {
    fn ends(&self) -> Instant {
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A life that is over does not begin again: somebody else may have entered since.
    fn renew(&self, ends: Instant) -> bool {
        let mut present = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let lives = Instant::now() < *present;
        if lives {
            *present = ends;
        }
        lives
    }

    /// What is left of it now, whatever the renewing task knows: a process that was stopped has more to learn.
    fn remaining(&self) -> Duration {
        let remaining = self.ends().saturating_duration_since(Instant::now());
        if remaining.is_zero() {
            self.lost.cancel();
        }
        if self.lost.is_cancelled() { Duration::ZERO } else { remaining }
    }

    fn is_lost(&self) -> bool {
        self.remaining().is_zero()
    }
}

// === impl Hold ===

impl Hold {
    /// A hold whose attempt began at `begun`, with what `ear` hears.
    pub(super) fn begin(token: Token, fence: u64, begun: Instant, ear: Ear) -> Self {
        let ends = begun + token.shared.life;
        let life = Arc::new(Life { ends: Mutex::new(ends), lost: CancellationToken::new() });
        let keeping = Keeping {
            shared: token.shared.clone(),
            resource: token.resource.clone(),
            token: token.text.clone(),
            life: life.clone(),
            ear,
        };
        let renewing = AbortOnDropHandle::new(tokio::spawn(keeping.run(begun)));
        Self { token, fence, life, _renewing: renewing }
    }

    /// Whether it is over before it was given to anyone: the process was stopped meanwhile.
    pub(super) fn is_lost(&self) -> bool {
        self.life.is_lost()
    }

    fn lost_error(&self) -> LockError {
        LockError::Lost { resource: self.token.resource.to_string() }
    }

    async fn read_back(&self) -> Result<(), LockError> {
        let shared = &self.token.shared;
        let value = shared.server.get(&script::key(&self.token.resource)).await;
        let value = value.map_err(|why| failed(&self.token.resource, &why))?;
        if !value.is_some_and(|value| script::is_held(&value, &self.token.text)) {
            self.life.lost.cancel();
        }
        if self.life.is_lost() { Err(self.lost_error()) } else { Ok(()) }
    }

    async fn let_go(mut self) -> Result<(), LockError> {
        let lost = self.life.is_lost();
        match self.token.release().await {
            Ok(true) if !lost => Ok(()),
            Ok(_) => Err(self.lost_error()),
            Err(why) => Err(failed(&self.token.resource, &why)),
        }
    }
}

impl Entered for Hold {
    fn fence(&self) -> u64 {
        self.fence
    }

    fn remaining(&self) -> Option<Duration> {
        Some(self.life.remaining())
    }

    fn lost(&self) -> CancellationToken {
        self.life.lost.clone()
    }

    fn confirm(&self) -> BoxFuture<'_, Result<(), LockError>> {
        self.read_back().boxed()
    }

    fn leave(self: Box<Self>) -> BoxFuture<'static, Result<(), LockError>> {
        self.let_go().boxed()
    }
}

/// What keeps a hold alive.
struct Keeping {
    shared: Arc<Shared>,
    resource: Arc<str>,
    token: String,
    life: Arc<Life>,
    ear: Ear,
}

enum Renewed {
    Yes,
    Doubtful,
    Lost(&'static str),
}

// === impl Keeping ===

impl Keeping {
    /// Renews at each third of the life, and as soon as there is news that may be of this hold; cancels what tells the
    /// holder when its life is over, and ends.
    async fn run(mut self, begun: Instant) {
        let message = news::revoked(&self.resource);
        let mut next = begun + self.shared.life / 3;
        let why = loop {
            let due = async {
                _ = timeout_at(next, self.ear.hears(&message)).await;
            };
            // After the process was stopped both are over, and the shorter one is seen first.
            if timeout_at(self.life.ends(), due).await.is_err() || self.life.is_lost() {
                break "it could not be renewed in time";
            }
            let begun = Instant::now();
            match self.renew().await {
                Renewed::Yes if self.life.renew(begun + self.shared.life) => next = begun + self.shared.life / 3,
                Renewed::Yes => break "it was renewed too late",
                Renewed::Lost(why) => break why,
                Renewed::Doubtful => {
                    let ends = self.life.ends();
                    _ = timeout_at(ends, self.shared.until_back()).await;
                    next = Instant::now();
                }
            }
        };
        warn!("lock lost for {}: {why}", self.resource);
        self.life.lost.cancel();
    }

    async fn renew(&self) -> Renewed {
        let (key, mark, life) = (script::key(&self.resource), script::mark(&self.token), self.shared.life_ms());
        let (keys, args) = ([key.as_str()], [&mark, life.as_str(), script::revoked()]);
        let renewing = self.shared.server.eval(&self.shared.scripts.renew, &keys, &args);
        match timeout_at(self.life.ends(), renewing).await.map(|outcome| outcome.map(|answer| answer.as_number())) {
            Ok(Ok(Some(1))) => Renewed::Yes,
            Ok(Ok(Some(2))) => Renewed::Lost("it was revoked"),
            Ok(Ok(_)) => Renewed::Lost("redis does not know of it any more"),
            Ok(Err(_)) | Err(_) => Renewed::Doubtful,
        }
    }
}

impl Shared {
    /// Rests a little, and until the server is there again.
    pub(super) async fn until_back(&self) {
        sleep(self.life.mul_f64(0.01 + 0.04 * fastrand::f64())).await;
        self.server.back().await;
    }

    /// Rests until a lock whose holder lives so long may be free although nobody says so.
    pub(super) async fn until_worth_a_try(&self, remaining: Option<Duration>) {
        let begun = Instant::now();
        let seldom = self.life.mul_f64(0.4 + 0.2 * fastrand::f64());
        // Not all who wait come at the same moment.
        let after = remaining.map(|remaining| remaining + Duration::from_millis(fastrand::u64(1..20)));
        sleep_until(begun + after.map_or(seldom, |after| after.min(seldom))).await;
    }
}
