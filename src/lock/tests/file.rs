use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Harness, Shared, conformance, conformance_between};
use crate::clock::SystemClock;
use crate::lock::FileLockManager;

struct Files {
    data: tempfile::TempDir,
    locks: FileLockManager,
}

impl Harness for Files {
    type Locks = FileLockManager;

    const STEP: Duration = Duration::from_millis(40);
    const SLACK: Duration = Duration::from_secs(1);
    const LIFE: Option<Duration> = None;

    async fn begin() -> Self {
        let data = tempfile::tempdir().unwrap();
        let locks = Self::at(data.path().to_str().unwrap()).await;
        Self { data, locks }
    }

    fn locks(&self) -> FileLockManager {
        self.locks.clone()
    }
}

impl Shared for Files {
    fn address(&self) -> String {
        self.data.path().to_str().unwrap().to_owned()
    }

    async fn at(address: &str) -> FileLockManager {
        FileLockManager::open(Path::new(address), Arc::new(SystemClock)).unwrap()
    }
}

conformance!(Files, tokio::test);
conformance_between!(Files);
