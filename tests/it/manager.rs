//! What a service manager is told: a datagram socket in systemd's place.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixDatagram;
use tokio::time::timeout;

use crate::program::{Program, Settings};

const SOON: Duration = Duration::from_secs(10);

/// The next message, by lines.
async fn told(socket: &UnixDatagram) -> Vec<String> {
    let mut message = vec![0; 4096];
    let length = timeout(SOON, socket.recv(&mut message)).await.expect("it tells something").unwrap();
    String::from_utf8_lossy(&message[..length]).lines().map(str::to_owned).collect()
}

fn alone() -> Settings {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    Settings { mqtt: "enabled: false".into(), http: "enabled: false".into(), ..Settings::new(1883) }.dongle(closed)
}

#[tokio::test]
async fn it_is_told_that_the_program_has_started_lives_and_stops() {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let environment = [("NOTIFY_SOCKET", path.to_str().unwrap().to_owned()), ("WATCHDOG_USEC", "200000".to_owned())];
    let mut program = Program::run_told(dir, &alone(), &environment);
    assert_eq!(told(&socket).await[0], "READY=1");
    let begun = tokio::time::Instant::now();
    for _ in 0..5 {
        let message = told(&socket).await;
        assert_eq!(message[0], "WATCHDOG=1");
        assert!(message[1].starts_with("STATUS="), "{message:?}");
    }
    // Twice as often as it is waited for, and no oftener.
    let took = begun.elapsed();
    assert!((Duration::from_millis(300)..Duration::from_secs(2)).contains(&took), "{took:?}");
    program.stops_on("TERM").await;
    loop {
        let message = told(&socket).await;
        if message[0] == "STOPPING=1" {
            break;
        }
        assert_eq!(message[0], "WATCHDOG=1");
    }
}

#[tokio::test]
async fn a_manager_that_takes_nothing_holds_up_nothing() {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let path = dir.path().join("notify");
    // It takes a few messages into its queue, and the next one waits for ever.
    let _socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    let environment = [("NOTIFY_SOCKET", path.to_str().unwrap().to_owned()), ("WATCHDOG_USEC", "2000".to_owned())];
    let mut program = Program::run_told(dir, &alone(), &environment);
    program.logs("givtcp", SOON).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    program.stops_on("TERM").await;
}
