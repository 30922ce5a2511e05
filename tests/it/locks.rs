//! Locks between programs: whoever has a dongle's connection keeps others off it, and lets go of it at the end.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use givtcp::clock::SystemClock;
use givtcp::lock::{FileLockManager, LockManager, Owner};
use tokio::net::TcpSocket;
use tokio::time::sleep;

use crate::host::{Face, Host, plant};
use crate::mosquitto::Mosquitto;
use crate::program::{Program, Settings};
use crate::redis::{Options, Redis};

const SOON: Duration = Duration::from_secs(10);

fn settings(broker: &Mosquitto, port: u16) -> Settings {
    Settings::new(broker.port()).dongle(port)
}

fn locks_of(data: &Path) -> FileLockManager {
    FileLockManager::open(data, Arc::new(SystemClock)).unwrap()
}

fn link(port: u16) -> String {
    format!("inverter_link:127.0.0.1:{port}")
}

#[tokio::test]
async fn the_program_holds_the_link_and_lets_go_of_it_when_it_stops() {
    let simulator = plant(1);
    let (broker, host) = (Mosquitto::start().await, Host::new(Face::Plant(simulator.clone())));
    let mut program = Program::run(&settings(&broker, host.port()));
    let kept = program.logs("locks are kept", SOON).await;
    let place = format!("in files, between the processes of this machine, below {}", program.data().display());
    assert!(kept.contains(&place), "{kept}");
    program.logs(" is a HYBRID", SOON).await;
    let locks = locks_of(&program.data());
    let holder = locks.holder(&link(host.port())).await.unwrap().unwrap();
    assert_eq!(Some(holder.pid), program.id());
    assert!(locks.acquire(&link(host.port()), &Owner::new("other"), Some(Duration::ZERO)).await.is_err());
    let took = program.stops_on("TERM").await;
    println!("ended after {took:?}");
    assert!(!locks.is_locked(&link(host.port())).await.unwrap());
    assert!(program.complaints().is_empty(), "{:#?}", program.log());
}

#[tokio::test]
async fn a_program_that_is_killed_leaves_the_link_to_the_next() {
    let simulator = plant(1);
    let (broker, host) = (Mosquitto::start().await, Host::new(Face::Plant(simulator.clone())));
    let mut program = Program::run(&settings(&broker, host.port()));
    program.logs(" is a HYBRID", SOON).await;
    let locks = locks_of(&program.data());
    let next = Owner::new("next");
    let link = link(host.port());
    let (lease, ()) = tokio::join!(locks.acquire(&link, &next, Some(SOON)), async {
        sleep(Duration::from_millis(200)).await;
        program.signal("KILL").await;
    });
    lease.unwrap().release().await.unwrap();
    program.ends(SOON).await;
}

#[tokio::test]
async fn one_who_waits_for_the_link_polls_when_it_is_free_and_ends_in_time_while_it_waits() {
    let simulator = plant(1);
    let (broker, host) = (Mosquitto::start().await, Host::new(Face::Plant(simulator.clone())));
    for gets_it in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let locks = locks_of(&dir.path().join("data"));
        let lease = locks.acquire(&link(host.port()), &Owner::new("other"), Some(Duration::ZERO)).await.unwrap();
        let mut program = Program::run_in(Arc::new(dir), &settings(&broker, host.port()));
        program.logs("has this inverter; standing by until it lets go", SOON).await;
        assert_eq!(simulator.clients(), 0, "no connection without the lease");
        if gets_it {
            assert!(!lease.is_lost());
            lease.release().await.unwrap();
            program.logs(" is a HYBRID", SOON).await;
        }
        program.stops_on("TERM").await;
    }
}

#[tokio::test]
async fn a_lease_that_is_revoked_closes_the_connection_which_begins_anew() {
    let simulator = plant(1);
    let (broker, host) = (Mosquitto::start().await, Host::new(Face::Plant(simulator.clone())));
    let mut program = Program::run(&settings(&broker, host.port()));
    program.logs(" is a HYBRID", SOON).await;
    let locks = locks_of(&program.data());
    assert_eq!(locks.force_release(&link(host.port())).await, Ok(true));
    program.logs("could not lock the connection: lock lost for inverter_link", SOON).await;
    let back = async {
        while locks.holder(&link(host.port())).await.unwrap().is_none() || simulator.clients() == 0 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SOON, back).await.unwrap();
    program.stops_on("TERM").await;
}

#[tokio::test]
async fn two_names_of_one_dongle_make_one_lease() {
    let simulator = plant(1);
    let (broker, host) = (Mosquitto::start().await, Host::new(Face::Plant(simulator.clone())));
    let mut settings = settings(&broker, host.port());
    settings.inverters.push(format!("host: localhost, port: {}, name: by name", host.port()));
    settings.inverters.push(format!("host: '::ffff:127.0.0.1', port: {}, name: mapped", host.port()));
    let mut program = Program::run(&settings);
    program.logs("has this inverter; standing by until it lets go", SOON).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(program.log_with("standing by").len(), 2, "{:#?}", program.log());
    assert_eq!(simulator.clients(), 1);
    program.stops_on("TERM").await;
}

#[tokio::test]
async fn where_locks_are_asked_for_and_cannot_be_the_program_does_not_start() {
    let port = {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        socket.local_addr().unwrap().port()
    };
    for (locks, starts) in [("backend: file", false), ("backend: auto", true), ("backend: local", true)] {
        let settings = Settings { locks, mqtt: "enabled: false".to_owned(), ..Settings::new(1883).dongle(port) };
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("data")).unwrap();
        std::fs::write(dir.path().join("data/locks"), "a file in its place").unwrap();
        let mut program = Program::run_in(Arc::new(dir), &settings);
        if starts {
            program.logs("locks are kept in this process only", SOON).await;
            let warned = program.log_with("; move what is there out of the way; until then other processes").len();
            assert_eq!(warned, usize::from(locks == "backend: auto"), "{:#?}", program.log());
            program.stops_on("TERM").await;
        } else {
            program.logs("locks.backend: cannot be file: cannot make", SOON).await;
            assert_eq!(program.ends(SOON).await.code(), Some(1));
        }
    }
}

#[tokio::test]
async fn a_redis_whose_certificate_an_own_authority_signed_is_trusted_by_its_file() {
    let redis = Redis::with(Options { tls: true, ..Options::default() }).await;
    let (broker, host) = (Mosquitto::start().await, Host::new(Face::Plant(plant(1))));
    let with = |ca: &Path| Settings {
        redis: format!("url: \"{}\", ca_file: {}", redis.url(), ca.display()),
        ..Settings::new(broker.port()).dongle(host.port())
    };
    let mut program = Program::run(&with(&redis.ca()));
    program.logs("locks are kept in rediss://localhost:", SOON).await;
    program.logs(" is a HYBRID", SOON).await;
    let held = redis.cli(&["EXISTS", &format!("givtcp:lock:inverter_link:127.0.0.1:{}", host.port())]).await;
    assert_eq!(held, "1", "{:#?}", program.log());
    assert!(program.complaints().iter().all(|line| line.contains("appendonly")), "{:#?}", program.log());
    program.stops_on("TERM").await;

    let mut program = Program::run(&with(Path::new("/no/such/ca.pem")));
    program
        .logs("redis.ca_file cannot be read, it must be a PEM file that givtcp may read: /no/such/ca.pem", SOON)
        .await;
    assert_eq!(program.ends(SOON).await.code(), Some(2));
}
