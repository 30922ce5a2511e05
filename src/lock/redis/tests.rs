//! What is Redis' own: lives, outages, and a server that forgets. Against a real one, in real time.

use std::sync::Arc;
use std::time::Duration;

use futures::future::FutureExt;
use secrecy::SecretString;
use tokio::time::{Instant, sleep, timeout};

use super::script::KEY;
use super::*;
use crate::clock::SystemClock;
use crate::lock::captured_log::CapturedLog;
use crate::lock::{Lease, LockManager, Owner};
use crate::redis_server::tests::process::Redis;

const READ: &str = "inverter_read:SA2114G047";
const ONCE: Option<Duration> = Some(Duration::ZERO);
const LIFE: Duration = Duration::from_millis(1_500);
/// Enough on a busy machine.
const SLACK: Duration = Duration::from_secs(1);
/// How long something may take that is told, and not waited out.
const AT_ONCE: Duration = Duration::from_millis(400);

/// As a machine of its own has it: another connection, another manager.
fn locks(redis: &Redis) -> RedisLockManager {
    let server = RedisServer::new(&SecretString::from(redis.url()), None).unwrap();
    RedisLockManager::new(&server, LIFE, Arc::new(SystemClock))
}

async fn take(locks: &RedisLockManager) -> Lease {
    locks.acquire(READ, &Owner::new("test"), Some(Duration::from_secs(10))).await.unwrap()
}

async fn lost_within(lease: &Lease, limit: Duration) {
    timeout(limit, lease.lost()).await.expect("it is lost in time");
    assert_eq!((lease.is_lost(), lease.remaining()), (true, Some(Duration::ZERO)));
    assert_eq!(lease.confirm().await, Err(LockError::Lost { resource: READ.to_owned() }));
}

/// A hold whose holder is gone without a word, as after a power cut.
async fn abandoned(redis: &Redis) -> u64 {
    let redis_url = redis.url();
    let gone = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let lease = runtime.block_on(async {
            let server = RedisServer::new(&SecretString::from(redis_url), None).unwrap();
            take(&RedisLockManager::new(&server, LIFE, Arc::new(SystemClock))).await
        });
        let fence = lease.fence();
        runtime.shutdown_background();
        drop(lease);
        fence
    });
    tokio::task::spawn_blocking(move || gone.join().unwrap()).await.unwrap()
}

#[tokio::test]
async fn what_a_machine_held_that_is_gone_is_free_when_its_life_ends() {
    let redis = Redis::start().await;
    let fence = abandoned(&redis).await;
    let begun = Instant::now();
    let locks = locks(&redis);
    assert!(locks.acquire(READ, &Owner::new("early"), ONCE).await.is_err());
    let lease = take(&locks).await;
    assert!(begun.elapsed() <= LIFE + SLACK && begun.elapsed() > LIFE / 2, "{:?}", begun.elapsed());
    assert!(lease.fence() > fence);
    lease.release().await.unwrap();
}

#[tokio::test]
async fn two_machines_take_turns_and_a_holder_outlives_its_lives() {
    let redis = Redis::start().await;
    let (here, there) = (locks(&redis), locks(&redis));
    let lease = take(&here).await;
    let (owner, other) = (Owner::new("waiter"), Instant::now());
    let mut waiting = there.acquire(READ, &owner, None);
    assert!(timeout(LIFE * 3, &mut waiting).await.is_err(), "it is kept for three lives");
    assert!(!lease.is_lost());
    lease.confirm().await.unwrap();
    lease.release().await.unwrap();
    let released = Instant::now();
    let next = waiting.await.unwrap();
    assert!(released.elapsed() < AT_ONCE, "{:?}", released.elapsed());
    assert!(other.elapsed() > LIFE * 3);
    next.release().await.unwrap();
}

#[tokio::test]
async fn a_release_wakes_a_waiter_of_another_machine_at_once() {
    let redis = Redis::start().await;
    // Lives so long that only the message can be in time.
    let server = RedisServer::new(&SecretString::from(redis.url()), None).unwrap();
    let manager = || RedisLockManager::new(&server, Duration::from_secs(60), Arc::new(SystemClock));
    let (here, there) = (manager(), manager());
    for _ in 0..5 {
        let lease = take(&here).await;
        let owner = Owner::new("waiter");
        let (next, released) = tokio::join!(there.acquire(READ, &owner, Some(Duration::from_secs(10))), async {
            sleep(Duration::from_millis(100)).await;
            lease.release().await.unwrap();
            Instant::now()
        });
        assert!(released.elapsed() < AT_ONCE, "{:?}", released.elapsed());
        next.unwrap().release().await.unwrap();
    }
}

#[tokio::test]
async fn an_attempt_whose_answer_was_lost_is_taken_back() {
    let redis = Redis::start().await;
    let locks = locks(&redis);
    take(&locks).await.release().await.unwrap();
    redis.freeze().await;
    let error = locks.acquire(READ, &Owner::new("unheard"), ONCE).await.unwrap_err();
    assert!(matches!(error, LockError::Backend { .. }), "{error:?}");
    redis.thaw().await;
    // What was sent may be carried out now: it must not stand there for a life.
    let begun = Instant::now();
    while locks.holder(READ).await.is_err() {
        sleep(Duration::from_millis(10)).await;
    }
    let lease = take(&locks).await;
    assert!(begun.elapsed() < LIFE, "{:?}", begun.elapsed());
    lease.release().await.unwrap();
    sleep(LIFE / 10).await;
    assert_eq!(redis.cli(&["EXISTS", &format!("{KEY}{READ}")]).await, "0");
}

#[tokio::test]
async fn an_attempt_that_comes_after_it_was_taken_back_takes_nothing() {
    let redis = Redis::start().await;
    let backend = RedisBackend::new(
        &RedisServer::new(&SecretString::from(redis.url()), None).unwrap(),
        LIFE,
        Arc::new(SystemClock),
    );
    let shared = &backend.shared;
    let token = Token::new(shared, READ);
    let (text, void) = (token.text().to_owned(), script::void(token.text()));
    drop(token);
    timeout(SLACK, async {
        while redis.cli(&["EXISTS", &void]).await != "1" {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
    let value = Value::new(&text, "late", "here", shared.clock.now());
    let (key, life) = (script::key(READ), shared.life_ms());
    let args = [&life, "0", value.head.as_str(), &value.tail];
    let late = shared.server.eval(&shared.scripts.acquire, &[&key, FENCE, &void], &args).await.unwrap();
    assert_eq!(late.into_list().unwrap()[0].as_number(), Some(0));
    assert_eq!(redis.cli(&["EXISTS", &key]).await, "0");
    let left: u64 = redis.cli(&["PTTL", &void]).await.parse().unwrap();
    assert!(left <= LIFE.as_millis() as u64, "it is forgotten after a life");
}

#[tokio::test]
async fn an_outage_shorter_than_a_life_is_outlived_by_the_holder_and_the_waiter() {
    let redis = Redis::start().await;
    let (here, there) = (locks(&redis), locks(&redis));
    let lease = take(&here).await;
    let waiter = tokio::spawn(async move { take(&there).await });
    sleep(LIFE / 5).await;
    redis.freeze().await;
    sleep(LIFE / 3).await;
    redis.thaw().await;
    sleep(LIFE).await;
    assert!(!lease.is_lost() && !waiter.is_finished());
    lease.confirm().await.unwrap();
    let fence = lease.fence();
    lease.release().await.unwrap();
    let next = timeout(LIFE, waiter).await.unwrap().unwrap();
    assert!(next.fence() > fence);
    next.release().await.unwrap();
}

#[tokio::test]
async fn a_holder_without_redis_loses_its_lease_before_anyone_can_enter() {
    let redis = Redis::start().await;
    let (here, there) = (locks(&redis), locks(&redis));
    let lease = take(&here).await;
    let waiter = tokio::spawn(async move { (take(&there).await, Instant::now()) });
    sleep(LIFE / 5).await;
    redis.freeze().await;
    lost_within(&lease, LIFE + AT_ONCE).await;
    let lost = Instant::now();
    assert!(here.holder(READ).await.is_err(), "nothing is known of it");
    redis.thaw().await;
    let (next, entered) = timeout(LIFE * 3, waiter).await.unwrap().unwrap();
    assert!(entered > lost && next.fence() > lease.fence());
    assert!(matches!(lease.release().await, Err(LockError::Lost { .. })), "it takes nothing from the next");
    next.confirm().await.unwrap();
    next.release().await.unwrap();
}

#[tokio::test]
async fn who_asks_while_redis_is_away_is_told_and_who_waits_enters_after() {
    let mut redis = Redis::start().await;
    let (here, there) = (locks(&redis), locks(&redis));
    let lease = take(&here).await;
    let waiter = tokio::spawn(async move { take(&there).await });
    sleep(LIFE / 5).await;
    redis.kill().await;
    sleep(LIFE / 5).await;
    let error = here.acquire("inverter_read:other", &Owner::new("test"), ONCE).await.unwrap_err();
    assert!(error.to_string().starts_with("lock backend failed for inverter_read:other: redis at "), "{error}");
    assert!(here.force_release("inverter_read:other").await.is_err());
    redis.start_again().await;
    // It forgot who held it.
    let next = timeout(LIFE * 4, waiter).await.unwrap().unwrap();
    lost_within(&lease, LIFE).await;
    assert!(next.fence() > lease.fence());
    next.release().await.unwrap();
}

#[tokio::test]
async fn a_server_that_forgets_takes_the_lease_and_gives_greater_fences() {
    let redis = Redis::start().await;
    let locks = locks(&redis);
    let mut last = 0;
    for command in [&["FLUSHALL"][..], &["SCRIPT", "FLUSH"]] {
        let lease = take(&locks).await;
        assert!(lease.fence() > last);
        last = lease.fence();
        assert_eq!(redis.cli(command).await, "OK");
        if command.len() == 1 {
            assert!(matches!(lease.confirm().await, Err(LockError::Lost { .. })), "asked, it knows at once");
        } else {
            sleep(LIFE * 2).await;
            lease.confirm().await.unwrap();
        }
        drop(lease);
    }
    let lease = take(&locks).await;
    redis.cli(&["FLUSHALL"]).await;
    lost_within(&lease, LIFE / 3 + AT_ONCE).await;
    assert!(take(&locks).now_or_never().is_none(), "it is not entered before it is let go");
    drop(lease);
    assert!(take(&locks).await.fence() > last);
}

#[tokio::test]
async fn fences_grow_although_redis_has_set_its_clock_back() {
    let redis = Redis::start().await;
    let locks = locks(&redis);
    let ahead = 9_000_000_000_000_000_u64 / 2;
    redis.cli(&["SET", FENCE, &ahead.to_string()]).await;
    let lease = take(&locks).await;
    assert_eq!(lease.fence(), ahead + 1);
    lease.release().await.unwrap();
    redis.cli(&["FLUSHALL"]).await;
    let lease = take(&locks).await;
    assert_eq!(lease.fence(), ahead + 2, "who has seen it goes on from it");
    lease.release().await.unwrap();
    redis.cli(&["SET", FENCE, "no number"]).await;
    assert_eq!(take(&locks).await.fence(), ahead + 3);
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "as a process that was stopped: nothing runs, and time passes")]
async fn a_lease_that_nobody_could_renew_is_lost_by_the_clock_alone() {
    let redis = Redis::start().await;
    let locks = locks(&redis);
    let lease = take(&locks).await;
    std::thread::sleep(LIFE + Duration::from_millis(50));
    lost_within(&lease, AT_ONCE).await;
    drop(lease);
    let lease = take(&locks).await;
    std::thread::sleep(LIFE + Duration::from_millis(50));
    assert!(lease.is_lost() && lease.remaining() == Some(Duration::ZERO));
    assert!(lease.lost().now_or_never().is_some());
    assert!(matches!(lease.confirm().await, Err(LockError::Lost { .. })));
    assert!(matches!(lease.release().await, Err(LockError::Lost { .. })));
}

#[tokio::test]
async fn a_revoked_hold_is_kept_until_its_life_ends_and_not_renewed() {
    let redis = Redis::start().await;
    let (here, there) = (locks(&redis), locks(&redis));
    let lease = take(&here).await;
    let begun = Instant::now();
    assert_eq!(there.force_release(READ).await, Ok(true));
    lost_within(&lease, AT_ONCE).await;
    assert!(there.acquire(READ, &Owner::new("early"), ONCE).await.is_err());
    assert_eq!(there.holder(READ).await.unwrap().unwrap().owner, "test");
    let next = take(&there).await;
    let took = begun.elapsed();
    assert!(took <= LIFE + SLACK && took > LIFE / 2, "{took:?}");
    assert!(next.fence() > lease.fence());
    assert!(matches!(lease.release().await, Err(LockError::Lost { .. })));
    next.confirm().await.unwrap();
    next.release().await.unwrap();
}

#[tokio::test]
async fn what_others_put_there_is_held_by_somebody() {
    let redis = Redis::start().await;
    let locks = locks(&redis);
    redis.cli(&["SET", &format!("{KEY}{READ}"), "by hand"]).await;
    let holder = locks.holder(READ).await.unwrap().unwrap();
    assert_eq!((holder.owner.as_str(), holder.pid, holder.remaining), ("unknown", 0, None));
    assert!(locks.acquire(READ, &Owner::new("test"), ONCE).await.is_err());
    let lease = tokio::join!(take(&locks), async {
        sleep(Duration::from_millis(100)).await;
        redis.cli(&["DEL", &format!("{KEY}{READ}")]).await;
    });
    lease.0.release().await.unwrap();
}

#[tokio::test]
async fn what_others_put_there_is_waited_out_and_what_never_ends_is_said_once_with_what_to_do() {
    let log = CapturedLog::begin();
    let redis = Redis::start().await;
    let locks = locks(&redis);
    let key = redis_lock_key(READ);
    // As the old program's manager has it: a random value that expires.
    redis.cli(&["SET", &key, "0c1d2e3f-aaaa-bbbb-cccc-000000000000", "PX", "700"]).await;
    let begun = Instant::now();
    let lease = take(&locks).await;
    assert!((Duration::from_millis(500)..LIFE).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    lease.release().await.unwrap();
    let warned = || log.take().into_iter().filter(|line| line.contains("the key ")).collect::<Vec<_>>();
    assert_eq!(warned(), [""; 0]);
    redis.cli(&["SET", &key, "by hand"]).await;
    for owner in ["first", "second"] {
        let waiting = locks.acquire(READ, &Owner::new(owner), Some(Duration::from_millis(300))).await;
        assert!(matches!(waiting, Err(LockError::Timeout { .. })), "{waiting:?}");
    }
    let said = warned();
    let [line] = &said[..] else { panic!("said once: {said:#?}") };
    assert!(line.ends_with(&format!("if no other program uses it, remove it: redis-cli DEL '{key}'")), "{line}");
    redis.cli(&["DEL", &key]).await;
    take(&locks).await.release().await.unwrap();
    redis.cli(&["SET", &key, "again"]).await;
    assert!(locks.acquire(READ, &Owner::new("third"), Some(Duration::from_millis(300))).await.is_err());
    assert_eq!(warned().len(), 1, "that is another one");
}

#[tokio::test]
async fn a_value_names_its_holder_and_keeps_no_more_keys_than_locks() {
    let redis = Redis::start().await;
    let locks = locks(&redis);
    let lease = locks.acquire(READ, &Owner::new("a \"quoted\" name"), ONCE).await.unwrap();
    let value: serde_json::Value =
        serde_json::from_str(&redis.cli(&["--raw", "GET", &format!("{KEY}{READ}")]).await).unwrap();
    let keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["token", "fence", "owner", "pid", "host", "since"]);
    assert_eq!(
        (value["fence"].as_u64(), value["pid"].as_u64()),
        (Some(lease.fence()), Some(std::process::id().into()))
    );
    assert_eq!(value["owner"], "a \"quoted\" name");
    let left: u128 = redis.cli(&["PTTL", &format!("{KEY}{READ}")]).await.parse().unwrap();
    assert!(left <= LIFE.as_millis() && left > LIFE.as_millis() / 3, "{left}");
    lease.release().await.unwrap();
    for number in 0..50 {
        let lease = locks.acquire(&format!("resource:{number}"), &Owner::new("test"), ONCE).await.unwrap();
        lease.release().await.unwrap();
    }
    assert_eq!(redis.cli(&["KEYS", "*"]).await, FENCE);
}

/// Another program's key of another type is held by somebody, as its text is; and what is wrong is named with its key.
#[tokio::test]
async fn a_key_of_another_type_is_somebodys_and_one_that_fences_need_is_named_with_what_to_do() {
    let redis = Redis::start().await;
    let locks = locks(&redis);
    let key = super::redis_lock_key(READ);
    redis.cli(&["HSET", &key, "a", "b"]).await;
    let holder = locks.holder(READ).await.unwrap().unwrap();
    assert_eq!((holder.pid, holder.remaining), (0, None));
    let outcome = locks.acquire(READ, &Owner::new("poller"), Some(Duration::ZERO)).await;
    assert!(matches!(outcome, Err(LockError::Timeout { .. })), "{outcome:?}");
    redis.cli(&["DEL", &key]).await;
    redis.cli(&["HSET", "givtcp:lock_fence", "a", "b"]).await;
    let error = locks.acquire(READ, &Owner::new("poller"), Some(Duration::ZERO)).await.unwrap_err().to_string();
    let said = "the key givtcp:lock_fence holds what givtcp did not write, of another type; if no other program uses it, \
                remove it: redis-cli DEL 'givtcp:lock_fence'";
    assert!(error.ends_with(said), "{error}");
}

/// The end of a program waits for it: whoever ends at once would leave the lock for a life.
#[tokio::test]
async fn an_attempt_that_is_dropped_under_way_is_given_back_when_all_is_settled() {
    let redis = Redis::start().await;
    let key = super::redis_lock_key(READ);
    for delay in (0..40).map(|step| Duration::from_micros(step * 50)) {
        let locks = locks(&redis);
        _ = tokio::time::timeout(delay, locks.acquire(READ, &Owner::new("poller"), None)).await;
        tokio::time::timeout(Duration::from_secs(1), locks.settled()).await.unwrap();
        assert_eq!(redis.cli(&["EXISTS", &key]).await, "0", "dropped after {delay:?}");
    }
}
