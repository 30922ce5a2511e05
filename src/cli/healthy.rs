//! `givtcp healthy`: whether the program lives that should run here, for health checks of containers.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::timeout;

use super::daemon::data_dir;
use super::{block_on, check, complain, log};
use crate::app;
use crate::http::client;
use crate::ipc::{self, Ask};

/// So long each of both ways may take; health checks as a rule wait for 5 s or more.
const SOON: Duration = Duration::from_secs(2);

#[derive(Debug, clap::Args)]
pub(super) struct HealthyArgs {
    /// The settings file of that program; without it the usual places and the environment.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(args: HealthyArgs) -> anyhow::Result<ExitCode> {
    log::init(log::OF_COMMANDS);
    let file = args.config.clone().or_else(check::default_file);
    // A program that runs may have begun before its settings went wrong.
    let listens_at = check::load(file.as_deref()).ok().and_then(|loaded| app::listens_at(&loaded.settings));
    let data_dir = data_dir(args.config);
    Ok(match block_on(check_both(listens_at.as_deref(), &data_dir))? {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            complain(&why);
            ExitCode::FAILURE
        }
    })
}

/// Asks over HTTP, and where that is off or brings nothing by the socket in the data directory: that another program has
/// the port is no reason to restart this one.
async fn check_both(listens_at: Option<&str>, data_dir: &std::path::Path) -> Result<(), String> {
    let over_http = match listens_at {
        Some(listens_at) => match over_http(&reached_at(listens_at)).await {
            Ok(()) => return Ok(()),
            Err(why) => Some(why),
        },
        None => None,
    };
    let by_socket = match timeout(SOON, ipc::ask(data_dir, &Ask::Alive)).await {
        // Of another version, too: whoever answers lives.
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer at {} within {}s", ipc::socket(data_dir).display(), SOON.as_secs()),
    };
    Err(over_http.into_iter().chain([by_socket]).collect::<Vec<_>>().join("; "))
}

async fn over_http(at: &str) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Alive {
        program: String,
    }
    let reply = client::get(at, "/healthz", None, SOON).await.map_err(|error| error.to_string())?;
    let alive = serde_json::from_slice::<Alive>(&reply.body).is_ok_and(|alive| alive.program == "givtcp");
    if alive && reply.status.is_success() { Ok(()) } else { Err(format!("what answers at {at} is no givtcp")) }
}

/// Where this machine reaches what listens there.
fn reached_at(listens_at: &str) -> String {
    match listens_at.rsplit_once(':') {
        Some(("0.0.0.0", port)) => format!("127.0.0.1:{port}"),
        Some(("[::]", port)) => format!("[::1]:{port}"),
        _ => listens_at.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_everywhere_is_asked_on_this_machine() {
        let asked = ["0.0.0.0:8099", "[::]:8099", "127.0.0.1:80", "192.168.1.2:8099"].map(reached_at);
        assert_eq!(asked, ["127.0.0.1:8099", "[::1]:8099", "127.0.0.1:80", "192.168.1.2:8099"]);
    }
}
