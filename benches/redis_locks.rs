//! What a lock in Redis costs beyond its two round trips: `cargo bench --bench redis_locks`, which starts a Redis of its
//! own. Both are taken in turns, so that a busy machine slows both.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a bench says so")]

#[path = "../tests/it/redis.rs"]
mod redis;

use std::sync::Arc;
use std::time::Duration;

use givtcp::clock::SystemClock;
use givtcp::lock::{LockManager, Owner, REDIS_LOCK_LIFE, RedisLockManager};
use givtcp::redis_server::RedisServer;
use secrecy::SecretString;
use tokio::time::Instant;

#[tokio::main]
async fn main() {
    // Where tests run benches, a few rounds show that it works.
    let rounds = if std::env::args().any(|arg| arg == "--bench") { 5_000 } else { 10 };
    let redis = redis::Redis::start().await;
    let server = RedisServer::new(&SecretString::from(redis.url()), None).unwrap();
    let locks = RedisLockManager::new(&server, REDIS_LOCK_LIFE, Arc::new(SystemClock));
    let owner = Owner::new("bench");
    let (mut pings, mut holds) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let begun = Instant::now();
        server.ping().await.unwrap();
        pings.push(begun.elapsed());
        let begun = Instant::now();
        let lease = locks.acquire("inverter_read:SA2114G047", &owner, None).await.unwrap();
        lease.release().await.unwrap();
        holds.push(begun.elapsed());
    }
    let (ping, hold) = (median(pings), median(holds));
    println!("ping {ping:.1?}, acquire and release {hold:.1?}: two pings and {:.1?}", hold.saturating_sub(ping * 2));
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
