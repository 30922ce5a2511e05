//! Records in Redis too, so that another machine can undo what this one began.

use std::fmt;
use std::time::Duration;

use futures::future::BoxFuture;

use super::Found;
use super::record::Record;

/// A record that is done stays there so long, so that a machine that was away learns of it.
pub(super) const DONE_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);

/// The other place of a journal.
pub(super) trait Shared: fmt::Debug + Send + Sync + 'static {
    /// Keeps a record there.
    fn put<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<(), NotShared>>;

    /// Everything that is there. What is damaged is set aside.
    fn all(&self) -> BoxFuture<'_, Result<Found, String>>;
}

/// Why a record was not kept there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotShared {
    /// Nobody answers, or it is refused. It may be kept all the same.
    Unreachable(String),
    /// It is there in a later form, or farther under a later lease.
    Overtaken,
}
