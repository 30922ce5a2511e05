//! Predbat's part, played by a script that knows nothing of this program: it reads, commands, and reads back.

use std::path::{Path, PathBuf};
use std::time::Duration;

use givtcp::simulator::{Family, Options, Simulator};
use tokio::process::Command;
use tokio::time::timeout;

use crate::host::{Face, Host, quick};
use crate::http::{first_read, port_of, settings};
use crate::program::Program;

/// Where the script lies: `GIVTCP_PREDBAT_CONTRACT`, or with what the captures lie with.
fn script() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/tools/predbat_contract.py");
    Some(std::env::var_os("GIVTCP_PREDBAT_CONTRACT").map_or_else(beside, PathBuf::from)).filter(|path| path.exists())
}

async fn holds(family: &str) {
    let Some(script) = script() else {
        println!("SKIPPED: no predbat_contract.py; set GIVTCP_PREDBAT_CONTRACT to its path");
        return;
    };
    let family: Family = family.parse().unwrap();
    let host = Host::new(Face::Plant(Simulator::new(Options { family, ..quick() })));
    let mut program = Program::run(&settings("").dongle(host.port()));
    let port = port_of(&program, "and /api/v1/").await;
    first_read(port).await;
    let mut playing = Command::new("python3");
    playing.arg(script).arg(format!("http://127.0.0.1:{port}/REST1")).kill_on_drop(true);
    let played = timeout(Duration::from_secs(200), playing.output()).await.expect("it ends in time").unwrap();
    let said = String::from_utf8_lossy(&played.stdout).into_owned();
    assert!(played.status.success(), "{family}: {said}\n{:#?}", program.log());
    assert!(said.contains(" 0 failed"), "{said}");
    program.stops_on("TERM").await;
}

#[tokio::test]
async fn predbat_commands_a_hybrid() {
    holds("hybrid-gen1").await;
}

#[tokio::test]
async fn predbat_commands_an_ac_coupled_inverter() {
    holds("ac-coupled").await;
}

#[tokio::test]
async fn predbat_commands_an_all_in_one() {
    holds("all-in-one").await;
}

#[tokio::test]
async fn predbat_commands_a_three_phase_inverter() {
    holds("three-phase-hybrid").await;
}
