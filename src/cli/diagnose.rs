use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::ZonedDateTime;
use tokio::time::Instant;

use super::target::settings_of;
use super::{WRONG_USAGE, block_on, complain, log, print};
use crate::clock::SystemClock;
use crate::diagnosis::archive::write_private;
use crate::diagnosis::{Diagnosis, LONGEST_RECORDING, recent};
use crate::ipc::{Answer, Ask, AskError, ask_within};
use crate::settings::{Settings, parse_duration};

/// The daemon has so long for it besides the recording.
const PACKING: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(super) struct DiagnoseArgs {
    /// A new file; without it one of the day and time, here.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Record before what goes over the wire to each inverter, for so long, at most 5m.
    #[arg(long, value_name = "TIME", value_parser = parse_length)]
    record: Option<Duration>,
    /// The settings file of the givtcp that runs here; without it the usual places and the environment.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
}

fn parse_length(text: &str) -> Result<Duration, String> {
    parse_duration(text, Duration::from_secs(1)..=LONGEST_RECORDING)
}

pub(super) fn run(args: DiagnoseArgs) -> anyhow::Result<ExitCode> {
    log::init(log::OF_COMMANDS);
    let settings = match settings_of(args.config, true) {
        Ok(settings) => settings,
        Err(wrong) => {
            complain(&wrong.to_string());
            return Ok(ExitCode::from(WRONG_USAGE));
        }
    };
    let name = || format!("givtcp-diagnosis-{}.tar.gz", ZonedDateTime::now().strftime("%Y%m%d-%H%M%S"));
    let file = args.file.unwrap_or_else(|| name().into());
    let archive = block_on(make(settings, args.record.unwrap_or_default()))??;
    write_private(&file, &archive).with_context(|| format!("{}", file.display()))?;
    print(&format!("{}: no secret is in it, and serials and addresses bear other names", file.display()))
}

/// By the daemon; without one what is known without one.
async fn make(settings: Settings, recording: Duration) -> anyhow::Result<Vec<u8>> {
    let ask = Ask::Diagnose { record_seconds: recording.as_secs() };
    match ask_within(&settings.data_dir, &ask, recording + PACKING).await {
        Ok(Answer::Archive { content }) => {
            BASE64_STANDARD.decode(content).context("the running givtcp sent no archive")
        }
        Ok(Answer::Fault { why }) => anyhow::bail!("the running givtcp makes none: {why}"),
        Ok(other) => anyhow::bail!("the running givtcp is of another version: it answered {other:?}"),
        Err(error) => {
            let why = match error {
                AskError::Nobody(data_dir) => format!("no running givtcp uses {}", data_dir.display()),
                // One that hangs is a reason to look at what is known without it.
                AskError::Failed { .. } => error.to_string(),
            };
            complain(&format!("{why}: only versions and settings are in the archive"));
            recent::keep(&format!("{why}\n"));
            let diagnosis =
                Diagnosis { settings, inverters: Vec::new(), clock: Arc::new(SystemClock), since: Instant::now() };
            diagnosis.make(Duration::ZERO).await.context("no archive could be made")
        }
    }
}
