use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use tokio::time::{Instant, sleep};

use super::daemon::{addresses, ask_daemon};
use super::target::TargetArgs;
use super::{WRONG_USAGE, block_on, complain, log, stop};
use crate::app::{self, App};
use crate::capture::{Line, parse_line};
use crate::diagnosis::archive::create_private;
use crate::diagnosis::{Aliases, Redaction, listen};
use crate::ipc::{Answer, Ask};
use crate::settings::{InverterSettings, Settings, parse_duration};

/// Without a daemon what was heard is written this often.
const PIECE: Duration = Duration::from_secs(1);
/// So many bytes of text at once.
const LARGEST: usize = 1 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct RecordArgs {
    /// A new file; without it the recording is printed.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// How long: 30s, 10m, 2h. It may be ended before with Ctrl-C.
    #[arg(long = "for", value_name = "TIME", default_value = "60s", value_parser = parse_length)]
    length: Duration,
    /// Leave serial numbers as they are. Without it they get other names, and CRCs are made right again.
    #[arg(long)]
    serials: bool,
    #[command(flatten)]
    target: TargetArgs,
}

fn parse_length(text: &str) -> Result<Duration, String> {
    parse_duration(text, Duration::from_secs(1)..=Duration::from_secs(24 * 3600))
}

/// Where a recording goes.
struct Tape {
    to: Box<dyn Write>,
    redaction: Option<(Redaction, Aliases)>,
    /// How many lines were written.
    lines: u64,
}

pub(super) fn run(args: RecordArgs) -> anyhow::Result<ExitCode> {
    log::init(log::OF_COMMANDS);
    let (settings, each) = match args.target.find() {
        Ok(found) => found,
        Err(wrong) => {
            complain(&wrong.to_string());
            return Ok(ExitCode::from(WRONG_USAGE));
        }
    };
    let to: Box<dyn Write> = match &args.file {
        Some(file) => Box::new(create_private(file).with_context(|| format!("{}", file.display()))?),
        None => Box::new(std::io::stdout().lock()),
    };
    let redaction = (!args.serials).then(<(Redaction, Aliases)>::default);
    let mut tape = Tape { to, redaction, lines: 0 };
    let recorded = block_on(async {
        let stopped = stop::signal().context("cannot listen for signals")?;
        tokio::select! {
            biased;
            () = stopped => Ok(()),
            recorded = record(&settings, &each, args.length, &mut tape) => recorded,
        }
    })?;
    let finished = tape.finish();
    if let (0, Some(file)) = (tape.lines, &args.file) {
        // It would be in the way of the next attempt.
        _ = std::fs::remove_file(file);
    }
    recorded?;
    finished?;
    if tape.lines == 0 {
        anyhow::bail!("{}:{}: nothing went over the wire meanwhile", each.host, each.port);
    }
    if let Some(file) = &args.file {
        complain(&format!("{} lines are in {}; `givtcp decode` tells what they say", tape.lines, file.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// What the daemon hears that holds this inverter; without one the inverter is polled by this process meanwhile.
async fn record(settings: &Settings, each: &InverterSettings, length: Duration, tape: &mut Tape) -> anyhow::Result<()> {
    let (peer, until) = (format!("{}:{}", each.host, each.port), Instant::now() + length);
    let at = addresses(each, settings).await;
    let mut by_daemon = false;
    while Instant::now() < until {
        match ask_daemon(&peer, settings, &Ask::Record { at: at.clone() }).await? {
            Some(Answer::Recorded { lines }) => {
                by_daemon = true;
                lines.lines().filter_map(|line| parse_line(line).ok()?).try_for_each(|line| tape.put(&line))?;
            }
            Some(other) => anyhow::bail!("the running givtcp is of another version: it answered {other:?}"),
            None if by_daemon => anyhow::bail!("{peer}: the running givtcp has ended or let go of it"),
            None => return record_alone(settings, each, until, tape).await,
        }
    }
    Ok(())
}

async fn record_alone(
    settings: &Settings,
    each: &InverterSettings,
    until: Instant,
    tape: &mut Tape,
) -> anyhow::Result<()> {
    app::refuse_while_held(&Settings { inverters: vec![each.clone()], ..settings.clone() }).await?;
    let app = App::start_alone(settings, each.clone())?;
    let mut heard = app.taps.first().and_then(crate::link::Tap::listen).context("nobody records")?;
    let mut recorded = Ok(());
    while recorded.is_ok() && Instant::now() < until {
        let mut lines = Vec::new();
        listen(&mut heard, until.min(Instant::now() + PIECE), LARGEST, &mut lines).await;
        recorded = lines.iter().try_for_each(|line| tape.put(line));
        // What was heard may be all that there is for now.
        sleep(Duration::ZERO).await;
    }
    let is_connected = app.vitals.first().is_some_and(|vitals| vitals.link_state().0 == "connected");
    app.stop().await;
    if tape.lines == 0 && !is_connected {
        anyhow::bail!("{}:{} cannot be reached; `givtcp read --verbose` tells why", each.host, each.port);
    }
    recorded
}

impl Tape {
    fn put(&mut self, line: &Line) -> anyhow::Result<()> {
        match &mut self.redaction {
            Some((redaction, aliases)) => {
                let lines = redaction.push(line, aliases);
                lines.iter().try_for_each(|line| self.write(line))
            }
            None => self.write(line),
        }
    }

    fn write(&mut self, line: &Line) -> anyhow::Result<()> {
        self.lines += 1;
        writeln!(self.to, "{line}").context("cannot write the recording")
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        if let Some((mut redaction, mut aliases)) = self.redaction.take() {
            redaction.finish(&mut aliases).iter().try_for_each(|line| self.write(line))?;
        }
        self.to.flush().context("cannot write the recording")
    }
}
