//! Whether there is a connection; and when there is none, the one task that sees to it that there will be.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt, Shared as SharedFuture};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use super::RedisServerError;
use super::address::Address;
use super::answer::Answer;
use super::connection::{CONNECT_TIMEOUT, Connection};
use crate::backoff::Backoff;

/// The bound of the first rest before it is connected again.
const FIRST_REST: Duration = Duration::from_millis(100);
/// Rests grow no longer than this: a lease that is renewed every 10 s should outlive a restart of the server.
const LONGEST_REST: Duration = Duration::from_secs(2);

/// What all clones of a server share.
pub(super) struct Shared {
    pub(super) address: Address,
    state: Mutex<State>,
    /// Whether the server is there, for those who wait for it.
    up: watch::Sender<bool>,
    opened: AtomicU64,
    durability_known: AtomicBool,
}

type Opening = SharedFuture<BoxFuture<'static, Result<Connection, RedisServerError>>>;

enum State {
    /// Nobody asked yet.
    Idle,
    /// The first connection is being made.
    Opening(Opening),
    Up(Connection),
    /// A task tries to connect.
    Down(RedisServerError),
}

// === impl Shared ===

impl Shared {
    pub(super) fn new(address: Address) -> Self {
        Self {
            address,
            state: Mutex::new(State::Idle),
            up: watch::Sender::new(true),
            opened: AtomicU64::new(0),
            durability_known: AtomicBool::new(false),
        }
    }

    pub(super) fn place(&self) -> &str {
        &self.address.place
    }

    pub(super) fn is_up(&self) -> bool {
        *self.up.borrow()
    }

    pub(super) async fn back(&self) {
        // It cannot fail: the sender is here.
        _ = self.up.subscribe().wait_for(|up| *up).await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection; made now if this is the first call. Fails at once while the server is away.
    pub(super) async fn connection(self: &Arc<Self>) -> Result<Connection, RedisServerError> {
        let opening = {
            let mut state = self.state();
            match &*state {
                State::Up(connection) => return Ok(connection.clone()),
                State::Down(why) => return Err(why.clone()),
                State::Opening(opening) => opening.clone(),
                State::Idle => {
                    let opening = self.open_first();
                    *state = State::Opening(opening.clone());
                    opening
                }
            }
        };
        opening.await
    }

    /// A task of its own, so that a caller who gives up does not begin it anew.
    fn open_first(self: &Arc<Self>) -> Opening {
        let shared = Arc::clone(self);
        let opened = tokio::spawn(async move {
            let outcome = shared.open().await;
            match &outcome {
                Ok(connection) => *shared.state() = State::Up(connection.clone()),
                Err(why) => shared.begin_outage(why),
            }
            outcome
        });
        let place = self.place().to_owned();
        async move { opened.await.unwrap_or_else(|why| Err(RedisServerError::unreachable(&place, why))) }
            .boxed()
            .shared()
    }

    async fn open(self: &Arc<Self>) -> Result<Connection, RedisServerError> {
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        let (connection, driver) = Connection::open(&self.address, number).await?;
        let shared = Arc::downgrade(self);
        tokio::spawn(async move {
            driver.await;
            if let Some(shared) = shared.upgrade() {
                let closed = RedisServerError::unreachable(shared.place(), "it closed the connection");
                shared.fail(number, &closed);
            }
        });
        if !self.durability_known.swap(true, Ordering::Relaxed) {
            tokio::spawn(say_if_forgetful(self.place().to_owned(), connection.clone()));
        }
        Ok(connection)
    }

    /// A connection was found broken; later ones have nothing to do with it.
    pub(super) fn fail(self: &Arc<Self>, number: u64, why: &RedisServerError) {
        if matches!(&*self.state(), State::Up(connection) if connection.number() == number) {
            self.begin_outage(why);
        }
    }

    fn begin_outage(self: &Arc<Self>, why: &RedisServerError) {
        *self.state() = State::Down(why.clone());
        self.up.send_replace(false);
        say_away(why);
        tokio::spawn(mend(Arc::downgrade(self), why.clone()));
    }
}

/// Connects until it succeeds, or until nobody wants the server any more.
async fn mend(shared: Weak<Shared>, mut said: RedisServerError) {
    let begun = Instant::now();
    let mut backoff = Backoff::new(FIRST_REST, fastrand::u64(..));
    loop {
        sleep(backoff.next_rest(LONGEST_REST)).await;
        let Some(shared) = shared.upgrade() else { return };
        match shared.open().await {
            Ok(connection) => {
                *shared.state() = State::Up(connection);
                shared.up.send_replace(true);
                info!("redis at {} is back after {:.1}s", shared.place(), begun.elapsed().as_secs_f64());
                return;
            }
            Err(why) => {
                *shared.state() = State::Down(why.clone());
                if std::mem::discriminant(&why) != std::mem::discriminant(&said) {
                    say_away(&why);
                    said = why;
                }
            }
        }
    }
}

fn say_away(why: &RedisServerError) {
    warn!("{why}; trying again until it answers");
}

/// Without an append-only file a restart of Redis forgets leases. Whether it has one is told to those who may ask.
async fn say_if_forgetful(place: String, mut connection: Connection) {
    let mut ask = redis::cmd("CONFIG");
    ask.arg("GET").arg("appendonly");
    let Ok(Ok(answer)) = timeout(CONNECT_TIMEOUT, connection.send(&ask)).await else { return };
    let items = Answer::from(answer).into_list().unwrap_or_default();
    if items.into_iter().nth(1).and_then(Answer::into_text).is_some_and(|value| value == "no") {
        warn!("redis at {place} forgets what it holds when it restarts, set there: appendonly yes");
    }
}
