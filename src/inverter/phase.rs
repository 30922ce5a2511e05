//! What an inverter's task does about its connection.

use tokio::time::Instant;

/// What it does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// It looks for the inverter, waits for the lease of its link, or connects.
    Connecting,
    /// It has a connection.
    Connected,
    /// It waits before the next attempt to connect.
    Resting,
}

/// What it does, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase {
    /// What.
    pub doing: Doing,
    /// Since when.
    pub since: Instant,
    /// The fence of the lease under which it is connected.
    pub fence: Option<u64>,
}

impl Phase {
    /// From now on.
    pub fn new(doing: Doing) -> Self {
        Self { doing, since: Instant::now(), fence: None }
    }

    /// Connected from now on, under the lease of this fence.
    pub fn connected(fence: u64) -> Self {
        Self { fence: Some(fence), ..Self::new(Doing::Connected) }
    }
}
