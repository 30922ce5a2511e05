use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt, ready};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Answer, Answering, Ask, AskError, ask, serve, socket};

const NOT_HELD: Answer = Answer::NotHeld { by: None };

/// It knows of one inverter.
struct One;

impl Answering for One {
    fn answer(&self, ask: Ask) -> BoxFuture<'_, Answer> {
        let Ask::Read { at, raw } = ask else { return ready(NOT_HELD).boxed() };
        let is_here = at.contains(&"127.0.0.1:8899".parse().unwrap());
        let answer = if is_here { Answer::Values { values: serde_json::json!({ "raw": raw }) } } else { NOT_HELD };
        ready(answer).boxed()
    }
}

/// It takes longer than a client may be silent.
struct Slow;

impl Answering for Slow {
    fn answer(&self, _: Ask) -> BoxFuture<'_, Answer> {
        sleep(Duration::from_millis(1_500)).map(|()| Answer::NothingRead).boxed()
    }
}

struct Daemon {
    directory: tempfile::TempDir,
    shutdown: CancellationToken,
    task: JoinHandle<std::io::Result<()>>,
}

impl Daemon {
    async fn start() -> Self {
        Self::in_directory(tempfile::tempdir().unwrap()).await
    }

    async fn in_directory(directory: tempfile::TempDir) -> Self {
        let (shutdown, path) = (CancellationToken::new(), socket(directory.path()));
        let until = shutdown.clone();
        let task = tokio::spawn(async move { serve(&path, Arc::new(One), until).await });
        while UnixStream::connect(socket(directory.path())).await.is_err() {
            tokio::task::yield_now().await;
        }
        Self { directory, shutdown, task }
    }
}

fn read(at: &str) -> Ask {
    Ask::Read { at: vec![at.parse().unwrap()], raw: true }
}

#[tokio::test]
async fn a_daemon_answers_and_leaves_nothing_behind() {
    let daemon = Daemon::start().await;
    let directory = daemon.directory.path();
    let mode = std::fs::metadata(socket(directory)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let values = serde_json::json!({ "raw": true });
    assert_eq!(ask(directory, &read("127.0.0.1:8899")).await.unwrap(), Answer::Values { values });
    assert_eq!(ask(directory, &read("127.0.0.2:8899")).await.unwrap(), NOT_HELD);
    daemon.shutdown.cancel();
    daemon.task.await.unwrap().unwrap();
    let error = ask(directory, &read("127.0.0.1:8899")).await.unwrap_err();
    assert!(matches!(error, AskError::Nobody(_)) && !socket(directory).exists());
}

#[tokio::test]
async fn a_question_that_is_none_is_answered_with_what_is_wrong() {
    let daemon = Daemon::start().await;
    for question in ["{}\n", "\u{7f}\n", "{\"ask\":\"read\",\"at\":[1],\"raw\":true}\n", "\n"] {
        let mut stream = UnixStream::connect(socket(daemon.directory.path())).await.unwrap();
        stream.write_all(question.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(r#"{"answer":"fault","why":"#), "{answer}");
    }
    let mut stream = UnixStream::connect(socket(daemon.directory.path())).await.unwrap();
    let flood = vec![b'x'; 1024 * 1024];
    // It listens to no more than it may have to.
    _ = stream.write_all(&flood).await;
    assert_eq!(ask(daemon.directory.path(), &read("127.0.0.2:1")).await.unwrap(), NOT_HELD);
}

#[tokio::test]
async fn silent_clients_do_not_keep_others_waiting_for_good() {
    let daemon = Daemon::start().await;
    let mut silent = Vec::new();
    for _ in 0..15 {
        silent.push(UnixStream::connect(socket(daemon.directory.path())).await.unwrap());
    }
    assert_eq!(ask(daemon.directory.path(), &read("127.0.0.2:1")).await.unwrap(), NOT_HELD);
}

#[tokio::test]
async fn however_many_clients_are_silent_the_next_is_answered_at_once() {
    let daemon = Daemon::start().await;
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(UnixStream::connect(socket(daemon.directory.path())).await.unwrap());
    }
    let asked = Instant::now();
    assert_eq!(ask(daemon.directory.path(), &read("127.0.0.2:1")).await.unwrap(), NOT_HELD);
    assert!(asked.elapsed() < Duration::from_millis(800), "{:?}", asked.elapsed());
    // Those that did not have to give way are not waited for either.
    for mut client in silent {
        let closed = timeout(Duration::from_secs(3), client.read(&mut [0; 1])).await.expect("it is closed in time");
        assert!(matches!(closed, Ok(0) | Err(_)));
    }
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_client_that_is_served_does_not_give_way() {
    let directory = tempfile::tempdir().unwrap();
    let path = socket(directory.path());
    let shutdown = CancellationToken::new();
    let until = shutdown.clone();
    let task = tokio::spawn(async move { serve(&path, Arc::new(Slow), until).await });
    while UnixStream::connect(socket(directory.path())).await.is_err() {
        tokio::task::yield_now().await;
    }
    let question = read("127.0.0.1:8899");
    let asking = ask(directory.path(), &question);
    let mut silent = Vec::new();
    let crowd = async {
        for _ in 0..40 {
            silent.push(UnixStream::connect(socket(directory.path())).await.unwrap());
            sleep(Duration::from_millis(10)).await;
        }
    };
    let (answer, ()) = tokio::join!(asking, crowd);
    assert_eq!(answer.unwrap(), Answer::NothingRead);
    shutdown.cancel();
    task.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_dead_daemons_socket_gives_way_and_a_live_ones_does_not() {
    let directory = tempfile::tempdir().unwrap();
    drop(std::os::unix::net::UnixListener::bind(socket(directory.path())).unwrap());
    assert!(matches!(ask(directory.path(), &read("127.0.0.1:1")).await, Err(AskError::Nobody(_))));
    let daemon = Daemon::in_directory(directory).await;
    let path = socket(daemon.directory.path());
    let second = serve(&path, Arc::new(One), CancellationToken::new()).await;
    assert_eq!(second.unwrap_err().to_string(), "another givtcp uses this data directory");
    assert_eq!(ask(daemon.directory.path(), &read("127.0.0.2:1")).await.unwrap(), NOT_HELD);
}

#[tokio::test]
async fn a_process_that_is_just_ending_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let dying = std::os::unix::net::UnixListener::bind(socket(directory.path())).unwrap();
    let (path, shutdown) = (socket(directory.path()), CancellationToken::new());
    let until = shutdown.clone();
    let task = tokio::spawn(async move { serve(&path, Arc::new(One), until).await });
    sleep(Duration::from_millis(250)).await;
    assert!(!task.is_finished(), "nothing is said of one that may be gone in a moment");
    drop(dying);
    sleep(Duration::from_millis(400)).await;
    assert_eq!(ask(directory.path(), &read("127.0.0.2:1")).await.unwrap(), NOT_HELD);
    shutdown.cancel();
    task.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_is_no_socket_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(socket(directory.path()), "precious").unwrap();
    assert!(serve(&socket(directory.path()), Arc::new(One), CancellationToken::new()).await.is_err());
    assert_eq!(std::fs::read_to_string(socket(directory.path())).unwrap(), "precious");
}
