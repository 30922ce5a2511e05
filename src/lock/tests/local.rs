use std::sync::Arc;
use std::time::Duration;

use super::{Harness, Noon, conformance};
use crate::lock::LocalLockManager;

struct Local(LocalLockManager);

impl Harness for Local {
    type Locks = LocalLockManager;

    const STEP: Duration = Duration::from_secs(1);
    const SLACK: Duration = Duration::ZERO;
    const LIFE: Option<Duration> = None;

    async fn begin() -> Self {
        Self(LocalLockManager::new(Arc::new(Noon)))
    }

    fn locks(&self) -> LocalLockManager {
        self.0.clone()
    }
}

conformance!(Local, tokio::test(start_paused = true));
