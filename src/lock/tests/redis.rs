use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::{Harness, Shared, conformance, conformance_between};
use crate::clock::SystemClock;
use crate::lock::RedisLockManager;
use crate::redis_server::RedisServer;
use crate::redis_server::tests::process::Redis;

struct OwnRedis {
    redis: Redis,
    locks: RedisLockManager,
}

impl Harness for OwnRedis {
    type Locks = RedisLockManager;

    const STEP: Duration = Duration::from_millis(40);
    const SLACK: Duration = Duration::from_secs(1);
    const LIFE: Option<Duration> = Some(Duration::from_secs(2));

    async fn begin() -> Self {
        let redis = Redis::start().await;
        let locks = Self::at(&redis.url()).await;
        Self { redis, locks }
    }

    fn locks(&self) -> RedisLockManager {
        self.locks.clone()
    }
}

impl Shared for OwnRedis {
    fn address(&self) -> String {
        self.redis.url()
    }

    async fn at(address: &str) -> RedisLockManager {
        let server = RedisServer::new(&SecretString::from(address.to_owned()), None).unwrap();
        RedisLockManager::new(&server, Self::LIFE.unwrap(), Arc::new(SystemClock))
    }
}

conformance!(OwnRedis, tokio::test);
conformance_between!(OwnRedis);
