//! `givtcp healthy`, beside the program that runs, beside one that does not, and beside strangers.

use std::process::Output;
use std::time::Duration;

use crate::host::{Face, Host};
use crate::program::{Program, Settings, once};

const SOON: Duration = Duration::from_secs(10);

fn ended(output: Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// A program whose only inverter is away.
fn alone(http: &str, told: &[(&str, String)]) -> Program {
    let settings =
        Settings { mqtt: "enabled: false".into(), http: http.into(), ..Settings::new(1883) }.dongle(closed_port());
    Program::run_told(std::sync::Arc::new(tempfile::tempdir().unwrap()), &settings, told)
}

fn closed_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn a_program_that_listens_is_healthy_though_its_inverter_is_away_and_is_not_once_it_has_ended() {
    let listen = [("GIVTCP_HTTP__LISTEN", format!("0.0.0.0:{}", closed_port()))];
    let mut program = alone("enabled: true", &listen);
    program.logs("listening on", SOON).await;
    let args = ["healthy", "--config", "givtcp.yaml"];
    assert_eq!(ended(program.beside_told(&args, &listen, SOON).await), (Some(0), String::new()));
    program.stops_on("TERM").await;
    let (code, said) = ended(program.beside_told(&args, &listen, SOON).await);
    assert_eq!(code, Some(1));
    assert!(
        said.starts_with("givtcp: cannot connect to 127.0.0.1:") && said.contains("; no running givtcp uses "),
        "{said}"
    );
}

#[tokio::test]
async fn without_http_it_is_asked_by_its_socket_and_so_it_is_where_another_program_has_the_port() {
    for face in [None, Some(Face::Http), Some(Face::Mute)] {
        let stranger = face.map(Host::new);
        let listen = stranger.as_ref().map(|host| ("GIVTCP_HTTP__LISTEN", format!("127.0.0.1:{}", host.port())));
        let told = listen.as_slice();
        let http = if stranger.is_some() { "enabled: true" } else { "enabled: false" };
        let program = alone(http, told);
        let socket = program.data().join("givtcp.sock");
        while !socket.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let output = program.beside_told(&["healthy", "--config", "givtcp.yaml"], told, SOON).await;
        assert_eq!(ended(output), (Some(0), String::new()), "{http}");
    }
}

#[tokio::test]
async fn where_nobody_is_there_it_says_so() {
    let (code, said) = ended(once(&[], &["healthy"], SOON).await);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("no running givtcp uses "), "{said}");
}
