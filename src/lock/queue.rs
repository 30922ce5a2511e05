//! Whose turn it is in this process. Silent, and without knowledge of what stands behind it.
//!
//! A turn is handed to the first in the queue directly: nobody can come between, and nobody polls.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::backend::Entered;
use super::entry::Entry;
use super::{Holder, LockError, Owner, host_name, say_released};
use crate::clock::Clock;

/// What is on its way in or out is waited for even by who tries only once, but not longer than this.
pub(super) const MOMENT: Duration = Duration::from_secs(1);
/// A backend that has not let go by then is not waited for.
const LEAVING: Duration = Duration::from_secs(10);

/// Clones are the same queue.
#[derive(Clone)]
pub(super) struct Queue {
    shared: Arc<Shared>,
}

struct Shared {
    table: Mutex<Table>,
    clock: Arc<dyn Clock>,
    host: String,
    /// The backend is being left for what was held.
    leaving: TaskTracker,
}

/// What is held, and nothing else: a resource that nobody holds takes no room.
#[derive(Default)]
struct Table {
    /// The last number given to a hold or a waiter.
    last: u64,
    holds: HashMap<Arc<str>, Hold>,
}

/// A resource that it is one owner's turn to have.
struct Hold {
    id: u64,
    owner: Owner,
    turns: usize,
    since: Instant,
    /// The last of its turns is over, and the backend is being left.
    leaving: bool,
    /// Lets the owner's tasks into the backend one by one.
    door: Arc<tokio::sync::Mutex<()>>,
    entry: Option<Arc<Entry>>,
    queue: VecDeque<Waiter>,
}

struct Waiter {
    id: u64,
    owner: Owner,
    granted: oneshot::Sender<Turn>,
}

/// A place in a queue, given up when dropped.
struct Place {
    shared: Arc<Shared>,
    resource: Arc<str>,
    id: u64,
    granted: oneshot::Receiver<Turn>,
}

enum Asked {
    Granted(Turn),
    Waits(Place),
    /// As [`Asked::Waits`], but it can only take a moment.
    WaitsBriefly(Place),
    Busy,
}

/// One of a hold's turns. When the last is dropped the backend is left, and then the next of the queue let in.
pub(super) struct Turn {
    shared: Arc<Shared>,
    resource: Arc<str>,
    hold: u64,
    door: Arc<tokio::sync::Mutex<()>>,
    over: bool,
}

/// The end of a hold. Dropping it lets go in the backend if that has not happened, and lets the next in.
struct Departure {
    shared: Arc<Shared>,
    resource: Arc<str>,
    hold: u64,
    entry: Option<Entry>,
}

enum Departed {
    Now(Result<(), LockError>),
    Later(JoinHandle<Result<(), LockError>>),
}

/// What is known here of who has a resource.
pub(super) struct Seen {
    pub holder: Holder,
    /// Whether it surely is held, and not only about to be, or lost.
    pub surely: bool,
}

// === impl Queue ===

impl Queue {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            shared: Arc::new(Shared { table: Mutex::default(), clock, host: host_name(), leaving: TaskTracker::new() }),
        }
    }

    /// Waits for a turn, at most `limit`: zero tries once, `None` waits without end.
    pub(super) async fn turn(&self, resource: &str, owner: &Owner, limit: Option<Duration>) -> Option<Turn> {
        match (self.shared.ask(resource, owner, limit == Some(Duration::ZERO)), limit) {
            (Asked::Granted(turn), _) => Some(turn),
            (Asked::Waits(mut place), Some(limit)) => timeout(limit, &mut place.granted).await.ok()?.ok(),
            (Asked::Waits(mut place), None) => (&mut place.granted).await.ok(),
            (Asked::WaitsBriefly(mut place), _) => timeout(MOMENT, &mut place.granted).await.ok()?.ok(),
            (Asked::Busy, _) => None,
        }
    }

    /// Who has a resource in this process; `None` while it is let go.
    pub(super) fn seen(&self, resource: &str) -> Option<Seen> {
        let table = self.shared.table();
        let hold = table.holds.get(resource).filter(|hold| !hold.leaving)?;
        let entry = hold.entry.as_deref();
        let now = self.shared.clock.now();
        let since = entry.map_or(hold.since, Entry::since);
        let holder = Holder {
            owner: hold.owner.name().to_owned(),
            pid: std::process::id(),
            host: self.shared.host.clone(),
            since: now.checked_sub(since.elapsed()).unwrap_or(now),
            remaining: entry.and_then(Entry::remaining),
        };
        Some(Seen { holder, surely: entry.is_some_and(|entry| !entry.is_lost()) })
    }

    /// What revokes the present hold in this process, if there is one.
    pub(super) fn revoking(&self, resource: &str) -> Option<CancellationToken> {
        let table = self.shared.table();
        table.holds.get(resource)?.entry.as_deref().map(Entry::revoking)
    }

    /// Completes when nothing is being left any more.
    pub(super) async fn settled(&self) {
        self.shared.leaving.close();
        self.shared.leaving.wait().await;
    }

    /// How many resources are held, and how many waiters wait for them.
    pub(super) fn count(&self) -> (usize, usize) {
        let table = self.shared.table();
        (table.holds.len(), table.holds.values().map(|hold| hold.queue.len()).sum())
    }
}

// === impl Shared ===

impl Shared {
    /// The table is whole after every change to it, so that a panic elsewhere does not spoil it.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(self: &Arc<Self>, resource: &str, owner: &Owner, once: bool) -> Asked {
        let table = &mut *self.table();
        let id = table.next();
        let Some((resource, hold)) = table.hold_mut(resource) else {
            let resource: Arc<str> = resource.into();
            let hold = Hold::new(id, owner.clone(), VecDeque::new());
            let turn = self.turn(&resource, &hold);
            table.holds.insert(resource, hold);
            return Asked::Granted(turn);
        };
        // A hold that was lost is over for its owner too, even if the owner has not let go yet.
        if hold.owner == *owner && !hold.is_over() {
            hold.turns += 1;
            return Asked::Granted(self.turn(&resource, hold));
        }
        let briefly = hold.leaving && hold.queue.is_empty();
        if once && !briefly {
            return Asked::Busy;
        }
        let (granted, receiver) = oneshot::channel();
        hold.queue.push_back(Waiter { id, owner: owner.clone(), granted });
        let place = Place { shared: self.clone(), resource, id, granted: receiver };
        if once { Asked::WaitsBriefly(place) } else { Asked::Waits(place) }
    }

    fn turn(self: &Arc<Self>, resource: &Arc<str>, hold: &Hold) -> Turn {
        let (shared, resource, door) = (self.clone(), resource.clone(), hold.door.clone());
        Turn { shared, resource, hold: hold.id, door, over: false }
    }

    /// Gives a resource that was left to the first in its queue, with all that the same owner waits for.
    fn hand_over(self: &Arc<Self>, resource: &Arc<str>, id: u64) {
        let mut table = self.table();
        let Some(hold) = table.holds.get_mut(resource).filter(|hold| hold.id == id) else { return };
        let queue = std::mem::take(&mut hold.queue);
        let Some(owner) = queue.front().map(|waiter| waiter.owner.clone()) else {
            table.holds.remove(resource);
            return;
        };
        let (entering, waiting): (VecDeque<_>, VecDeque<_>) =
            queue.into_iter().partition(|waiter| waiter.owner == owner);
        let mut hold = Hold::new(table.next(), owner, waiting);
        hold.turns = entering.len();
        let turns: Vec<_> = entering.iter().map(|_| self.turn(resource, &hold)).collect();
        table.holds.insert(resource.clone(), hold);
        drop(table);
        // Without the table locked: a turn whose waiter has just left is dropped here, and ends in its turn.
        for (waiter, turn) in entering.into_iter().zip(turns) {
            _ = waiter.granted.send(turn);
        }
    }
}

// === impl Table, Hold, Place ===

impl Table {
    const fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn hold_mut(&mut self, resource: &str) -> Option<(Arc<str>, &mut Hold)> {
        let resource = self.holds.get_key_value(resource)?.0.clone();
        let hold = self.holds.get_mut(&resource)?;
        Some((resource, hold))
    }
}

impl Hold {
    fn new(id: u64, owner: Owner, queue: VecDeque<Waiter>) -> Self {
        let (since, door) = (Instant::now(), Arc::default());
        Self { id, owner, turns: 1, since, leaving: false, door, entry: None, queue }
    }

    fn is_over(&self) -> bool {
        self.leaving || self.entry.as_deref().is_some_and(Entry::is_lost)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(hold) = self.shared.table().holds.get_mut(&self.resource) {
            hold.queue.retain(|waiter| waiter.id != self.id);
        }
    }
}

// === impl Turn ===

impl Turn {
    pub(super) fn resource(&self) -> &str {
        &self.resource
    }

    /// What was entered already, by another task of the same owner.
    pub(super) fn entry(&self) -> Option<Arc<Entry>> {
        let table = self.shared.table();
        table.holds.get(&self.resource).filter(|hold| hold.id == self.hold)?.entry.clone()
    }

    /// Keeps what the backend gave, for all of the owner's tasks.
    pub(super) fn enter(&self, entered: Box<dyn Entered>) -> Arc<Entry> {
        let entry = Entry::new(entered);
        if let Some(hold) = self.shared.table().holds.get_mut(&self.resource).filter(|hold| hold.id == self.hold) {
            hold.entry = Some(entry.clone());
        }
        entry
    }

    /// Only one of an owner's tasks may be in here, on its way into the backend. Who tries only once waits no longer
    /// than a moment for another.
    pub(super) async fn door(&self, once: bool) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        match self.door.try_lock() {
            Ok(inside) => Some(inside),
            Err(_) if once => timeout(MOMENT, self.door.lock()).await.ok(),
            Err(_) => Some(self.door.lock().await),
        }
    }

    /// Ends the turn, and says what became of the hold if it was the last.
    pub(super) async fn release(mut self) -> Result<(), LockError> {
        match self.end().map(Departure::begin) {
            None => Ok(()),
            Some(Departed::Now(outcome)) => outcome,
            Some(Departed::Later(leaving)) => leaving.await.unwrap_or_else(|error| {
                Err(LockError::Backend { resource: self.resource.to_string(), why: error.to_string() })
            }),
        }
    }

    fn end(&mut self) -> Option<Departure> {
        if std::mem::replace(&mut self.over, true) {
            return None;
        }
        let mut table = self.shared.table();
        let hold = table.holds.get_mut(&self.resource).filter(|hold| hold.id == self.hold)?;
        hold.turns -= 1;
        if hold.turns > 0 {
            return None;
        }
        hold.leaving = true;
        // Each lease lets go of its share of the entry before its turn ends.
        let entry = hold.entry.take().and_then(Arc::into_inner);
        drop(table);
        Some(Departure { shared: self.shared.clone(), resource: self.resource.clone(), hold: self.hold, entry })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(departure) = self.end() {
            departure.begin();
        }
    }
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turn").field("resource", &self.resource).field("hold", &self.hold).finish_non_exhaustive()
    }
}

// === impl Departure ===

impl Departure {
    /// At once where the backend is left without waiting; otherwise in a task of its own.
    fn begin(self) -> Departed {
        if self.entry.is_none() {
            return Departed::Now(Ok(()));
        }
        // What waits needs a runtime; without one it is left to the backend's own drop.
        let Ok(runtime) = Handle::try_current() else { return Departed::Now(Ok(())) };
        let (resource, shared) = (self.resource.clone(), self.shared.clone());
        let mut leaving = self.leave().boxed();
        match (&mut leaving).now_or_never() {
            Some(outcome) => Departed::Now(outcome),
            None => {
                let in_time = async move {
                    timeout(LEAVING, leaving).await.unwrap_or_else(|_| {
                        Err(LockError::Backend { resource: resource.to_string(), why: "it does not let go".to_owned() })
                    })
                };
                Departed::Later(shared.leaving.spawn_on(in_time, &runtime))
            }
        }
    }

    async fn leave(mut self) -> Result<(), LockError> {
        let Some(entry) = self.entry.take() else { return Ok(()) };
        let held = entry.since().elapsed();
        let outcome = entry.leave().await;
        say_released(&self.resource, held);
        if let Err(error @ LockError::Backend { .. }) = &outcome {
            tracing::warn!("{error}");
        }
        outcome
    }
}

impl Drop for Departure {
    fn drop(&mut self) {
        if let Some(entry) = self.entry.take() {
            let held = entry.since().elapsed();
            drop(entry);
            say_released(&self.resource, held);
        }
        self.shared.hand_over(&self.resource, self.hold);
    }
}
