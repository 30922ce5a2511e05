//! Against a real Redis, in real time.

#[path = "../../tests/it/redis.rs"]
pub(crate) mod process;

use std::time::Duration;

use secrecy::SecretString;
use tokio::time::{Instant, sleep, timeout};

use self::process::{Options, Redis};
use super::*;
use crate::lock::captured_log::CapturedLog;
use crate::mqtt::tls_config;

/// Enough on a busy machine, and short beside a test.
const DEADLINE: Duration = Duration::from_millis(400);

fn server(url: &str) -> RedisServer {
    RedisServer::new(&SecretString::from(url.to_owned()), None).unwrap().with_deadline(DEADLINE)
}

async fn within<T>(limit: Duration, what: impl Future<Output = T>) -> T {
    timeout(limit, what).await.expect("in time")
}

/// The error without what differs from test to test.
fn text(error: &RedisServerError, server: &RedisServer) -> String {
    error.to_string().replace(server.place(), "PLACE")
}

#[tokio::test]
async fn values_are_set_read_scanned_and_deleted() {
    let redis = Redis::start().await;
    let server = server(&redis.url());
    assert_eq!(server.get("givtcp:a").await, Ok(None));
    server.set("givtcp:a", "1", None).await.unwrap();
    server.set("givtcp:b", "2", Some(Duration::from_millis(200))).await.unwrap();
    server.set("givtcp[x]:c", "3", None).await.unwrap();
    assert_eq!(server.get("givtcp:a").await, Ok(Some("1".to_owned())));
    assert_eq!(server.scan("givtcp:").await, Ok(vec!["givtcp:a".to_owned(), "givtcp:b".to_owned()]));
    assert_eq!(server.scan("givtcp[x]:").await, Ok(vec!["givtcp[x]:c".to_owned()]));
    sleep(Duration::from_millis(250)).await;
    assert_eq!(server.get("givtcp:b").await, Ok(None));
    assert_eq!((server.delete("givtcp:a").await, server.delete("givtcp:a").await), (Ok(true), Ok(false)));
    for number in 0..1_200 {
        server.set(&format!("many:{number:04}"), "", None).await.unwrap();
    }
    assert_eq!(server.scan("many:").await.unwrap().len(), 1_200);
}

#[tokio::test]
async fn a_script_runs_although_redis_has_forgotten_it() {
    let redis = Redis::start().await;
    let server = server(&redis.url());
    let script = Script::new("return {KEYS[1], ARGV[1], 7, false}");
    let expected = Answer::List(vec![
        Answer::Text("key".to_owned()),
        Answer::Text("value".to_owned()),
        Answer::Number(7),
        Answer::Nil,
    ]);
    for _ in 0..2 {
        assert_eq!(server.eval(&script, &["key"], &["value"]).await, Ok(expected.clone()));
        assert_eq!(redis.cli(&["SCRIPT", "FLUSH"]).await, "OK");
    }
}

#[tokio::test]
async fn a_socket_and_a_numbered_database_are_reached() {
    let redis = Redis::start().await;
    let by_socket = server(&format!("unix://{}?db=3", redis.socket().display()));
    by_socket.set("where", "three", None).await.unwrap();
    assert_eq!(server(&redis.url()).get("where").await, Ok(None));
    assert_eq!(server(&format!("{}/3", redis.url())).get("where").await, Ok(Some("three".to_owned())));
}

#[tokio::test]
async fn tls_is_spoken_and_an_unknown_authority_is_refused() {
    let redis = Redis::with(Options { tls: true, ..Options::default() }).await;
    let url = SecretString::from(redis.url());
    let trusting = RedisServer::new(&url, Some(tls_config(Some(&redis.ca()), None, None).unwrap())).unwrap();
    trusting.ping().await.unwrap();
    let mut listening = trusting.subscribe(&["news"]);
    assert_eq!(within(Duration::from_secs(5), listening.next()).await, Some(Heard::Listening));

    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), other.cert.pem()).unwrap();
    let wary = RedisServer::new(&url, Some(tls_config(Some(file.path()), None, None).unwrap())).unwrap();
    let error = wary.ping().await.unwrap_err();
    assert!(matches!(&error, RedisServerError::Unreachable { why, .. } if why.contains("UnknownIssuer")), "{error}");
}

#[tokio::test]
async fn what_is_wrong_is_said_with_the_place_and_what_to_do() {
    let redis = Redis::with(Options { password: Some("right"), ..Options::default() }).await;
    for (login, why) in [(":wrong", "wrong user or password"), ("", "Authentication required.")] {
        let url = if login.is_empty() { redis.url() } else { redis.url_as(login) };
        let server = server(&url);
        let error = server.ping().await.unwrap_err();
        assert!(matches!(error, RedisServerError::Refused { .. }), "{error:?}");
        assert_eq!(
            text(&error, &server),
            format!("redis at PLACE refused the user or the password, set them in redis.url: {why}")
        );
    }
    server(&redis.url_as(":right")).ping().await.unwrap();

    let closed = server("redis://127.0.0.1:1");
    assert_eq!(
        closed.ping().await.unwrap_err().to_string(),
        "redis at redis://127.0.0.1:1 cannot be reached, check that it runs and that redis.url is right: \
         Connection refused (os error 111)"
    );
}

#[tokio::test]
async fn a_user_without_permission_is_told_which() {
    let redis = Redis::with(Options {
        acl: Some("user poller on >secret ~givtcp:* resetchannels &givtcp:* +get +set +evalsha +eval +subscribe"),
        ..Options::default()
    })
    .await;
    let server = server(&redis.url_as("poller:secret"));
    server.set("givtcp:a", "1", None).await.unwrap();
    for error in [
        server.set("other", "1", None).await.unwrap_err(),
        server.delete("givtcp:a").await.unwrap_err(),
        server.eval(&Script::new("return redis.call('DEL', KEYS[1])"), &["givtcp:a"], &[]).await.unwrap_err(),
    ] {
        assert!(matches!(error, RedisServerError::NotPermitted { .. }), "{error:?}");
        assert!(!error.to_string().contains("secret") && error.to_string().contains(redis.url().as_str()), "{error}");
    }
    assert!(server.is_up(), "it answered");
}

#[tokio::test]
async fn a_replica_and_a_full_server_are_recognised() {
    let replica = Redis::with(Options { lines: "replicaof 127.0.0.1 1\n", ..Options::default() }).await;
    let error = server(&replica.url()).set("a", "1", None).await.unwrap_err();
    assert!(matches!(error, RedisServerError::ReadOnly { .. }), "{error:?}");

    let full = Redis::with(Options { lines: "maxmemory 1\n", ..Options::default() }).await;
    let server = server(&full.url());
    let by_script = Script::new("return redis.call('SET', KEYS[1], '1')");
    for error in
        [server.set("a", "1", None).await.unwrap_err(), server.eval(&by_script, &["a"], &[]).await.unwrap_err()]
    {
        assert!(matches!(error, RedisServerError::OutOfMemory { .. }), "{error:?}");
    }
}

#[test]
fn a_wrong_address_is_refused_and_not_repeated() {
    for url in
        ["host", "http://:s3cret@host", "redis://:s3cret@", "redis://:s3cret@host/x", "rediss://:s3cret@h#insecure"]
    {
        let error = RedisServer::new(&SecretString::from(url.to_owned()), None).unwrap_err();
        assert!(matches!(error, RedisServerError::Address(_)), "{url}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
    let server = server("redis://me:s3cret@[::1]:7000/2");
    assert_eq!(format!("{server:?}"), "RedisServer { place: \"redis://[::1]:7000\", up: true, .. }");
}

#[tokio::test]
async fn every_call_ends_by_its_deadline_and_is_sent_once() {
    let redis = Redis::start().await;
    let server = server(&redis.url());
    server.ping().await.unwrap();
    redis.freeze().await;
    let begun = Instant::now();
    let error = server.eval(&Script::new("return redis.call('INCR', KEYS[1])"), &["count"], &[]).await.unwrap_err();
    let took = begun.elapsed();
    assert!(matches!(error, RedisServerError::TimedOut { .. }) && error.is_doubtful(), "{error:?}");
    assert!(took >= DEADLINE && took < DEADLINE * 2, "{took:?}");
    let begun = Instant::now();
    assert!(server.ping().await.is_err());
    assert!(begun.elapsed() < DEADLINE / 2, "it fails at once while the server is away");
    redis.thaw().await;
    within(Duration::from_secs(5), server.back()).await;
    server.ping().await.unwrap();
    // The script was sent by its hash, which an empty server does not know.
    assert_eq!(server.get("count").await, Ok(None));
}

#[tokio::test]
async fn an_outage_is_said_once_and_so_is_its_end() {
    let log = CapturedLog::begin();
    let mut redis = Redis::with(Options { lines: "appendonly yes\n", ..Options::default() }).await;
    let server = server(&redis.url());
    server.ping().await.unwrap();
    redis.kill().await;
    let begun = Instant::now();
    while server.is_up() {
        assert!(begun.elapsed() < Duration::from_secs(1), "it is noticed without asking");
        sleep(Duration::from_millis(5)).await;
    }
    for _ in 0..20 {
        assert!(server.ping().await.is_err());
        sleep(Duration::from_millis(50)).await;
    }
    redis.start_again().await;
    within(Duration::from_secs(5), server.back()).await;
    server.ping().await.unwrap();
    let lines = log.take();
    let place = server.place();
    let (away, back) = match lines.as_slice() {
        [away, back] => (away, back),
        lines => panic!("{lines:#?}"),
    };
    assert!(away.starts_with(&format!("WARN redis at {place} cannot be reached")), "{away}");
    assert!(away.ends_with("trying again until it answers"), "{away}");
    assert!(back.starts_with(&format!("INFO redis at {place} is back after ")), "{back}");
}

#[tokio::test]
async fn a_server_without_an_append_only_file_is_warned_of_once() {
    let log = CapturedLog::begin();
    let mut redis = Redis::start().await;
    let server = server(&redis.url());
    server.ping().await.unwrap();
    sleep(Duration::from_millis(100)).await;
    redis.kill().await;
    redis.start_again().await;
    within(Duration::from_secs(5), async {
        while server.ping().await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    sleep(Duration::from_millis(100)).await;
    let lines = log.take();
    let warned: Vec<_> = lines.iter().filter(|line| line.contains("appendonly")).collect();
    assert_eq!(warned.len(), 1, "{lines:#?}");
    assert!(warned[0].contains("forgets what it holds when it restarts"));
}

#[tokio::test]
async fn a_server_that_starts_late_is_found() {
    let mut redis = Redis::start().await;
    redis.kill().await;
    let server = server(&redis.url());
    assert!(matches!(server.ping().await, Err(RedisServerError::Unreachable { .. })));
    redis.start_again().await;
    within(Duration::from_secs(5), server.back()).await;
    server.ping().await.unwrap();
}

#[tokio::test]
async fn what_is_said_after_an_outage_is_heard() {
    let mut redis = Redis::start().await;
    let server = server(&redis.url());
    let mut heard = server.subscribe(&["givtcp:a", "givtcp:b"]);
    let limit = Duration::from_secs(5);
    assert_eq!(within(limit, heard.next()).await, Some(Heard::Listening));
    server.publish("givtcp:other", "nothing").await.unwrap();
    server.publish("givtcp:b", "one").await.unwrap();
    let message = |payload: &str| Some(Heard::Message { channel: "givtcp:b".to_owned(), payload: payload.to_owned() });
    assert_eq!(within(limit, heard.next()).await, message("one"));
    redis.kill().await;
    redis.start_again().await;
    assert_eq!(within(limit, heard.next()).await, Some(Heard::Listening));
    within(limit, server.back()).await;
    server.publish("givtcp:b", "two").await.unwrap();
    assert_eq!(within(limit, heard.next()).await, message("two"));
}

#[tokio::test]
async fn a_subscription_whose_server_has_died_silently_is_made_again() {
    let redis = Redis::start().await;
    let server = server(&redis.url());
    let mut heard = server.subscribe(&["givtcp:a"]);
    assert_eq!(within(Duration::from_secs(5), heard.next()).await, Some(Heard::Listening));
    redis.freeze().await;
    // No byte comes, and nothing closes: only the ping tells.
    assert!(timeout(subscription::PING_EVERY + DEADLINE * 2, heard.next()).await.is_err());
    redis.thaw().await;
    assert_eq!(within(Duration::from_secs(8), heard.next()).await, Some(Heard::Listening));
}
