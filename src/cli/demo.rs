//! `givtcp demo`: simulated inverter, broker and poller in one process, all on loopback.

mod broker;
mod table;

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use jiff::tz::TimeZone;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{log, stop};
use crate::app::App;
use crate::clock::{Clock, SystemClock};
use crate::settings::{InverterSettings, Settings, Transport};
use crate::simulator::{Family, Faults, Options, Simulator};

/// A whole plant on this machine
#[derive(Debug, clap::Args)]
pub(super) struct DemoArgs {
    /// Port of the broker on 127.0.0.1; another free one is taken if it is in use.
    #[arg(long, default_value_t = 1883)]
    port: u16,
    /// Port of the page and the API on 127.0.0.1; another free one is taken if it is in use.
    #[arg(long, default_value_t = 8099, value_name = "PORT")]
    http: u16,
    /// What kind of plant.
    #[arg(long, value_name = "NAME", default_value_t = Family::default(), value_parser = super::simulate::family_parser())]
    family: Family,
    /// How many plant seconds pass in a second.
    #[arg(long, default_value = "1", value_parser = super::simulate::parse_speed)]
    speed: f64,
    /// What fixes sun, demand, delays and faults.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Seconds between two polls, 5 at least.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(5..=3600))]
    every: u64,
    /// End by itself after this many seconds.
    #[arg(long, value_name = "SECONDS")]
    duration: Option<u64>,
    /// What goes wrong how often, as `name=rate,…`; `all=0.02` is everything at 2 %.
    #[arg(long, value_name = "NAME=RATE,…", default_value = "", value_parser = Faults::parse)]
    faults: Faults,
    /// What is logged beside the table.
    #[arg(long, default_value = "warn")]
    log: String,
}

pub(super) fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    log::init(&args.log);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let outcome = runtime.block_on(demo(args));
    // The broker's tasks need not be waited for.
    runtime.shutdown_timeout(Duration::from_millis(200));
    outcome
}

async fn demo(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let shutdown = CancellationToken::new();
    let _ends_with_this = shutdown.clone().drop_guard();
    let port = broker::start(args.port).await?;
    let page = broker::free_port(args.http).await?;
    let dongle = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no free port for the simulated dongle")?;
    let dongle_port = dongle.local_addr()?.port();
    let simulator = Simulator::new(options(&args));
    let serving = simulator.clone();
    let until = shutdown.clone();
    let served = tokio::spawn(async move { serving.serve_dongle(dongle, until).await });

    let directory = TemporaryDirectory::new()?;
    let app = App::start(&settings(&args, (port, page), dongle_port, &directory))?;
    let mut table = table::Table::new((port, page), &simulator, args.faults == Faults::default());
    table.introduce()?;
    let Some(snapshots) = app.snapshots.first().cloned() else { anyhow::bail!("no inverter was started") };
    let stopped = stop::signal().context("cannot listen for signals")?;
    let ends = tokio::time::sleep(args.duration.map_or(Duration::from_secs(u64::MAX >> 34), Duration::from_secs));
    tokio::select! {
        biased;
        () = stopped => {}
        () = ends => {}
        outcome = table.follow(snapshots) => gone_is_fine(outcome)?,
        served = served => served.context("the simulated dongle ended")??,
    }
    app.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// That nobody reads the table any more ends the demo, and is no failure.
fn gone_is_fine(outcome: anyhow::Result<()>) -> anyhow::Result<()> {
    let is_gone = |error: &anyhow::Error| {
        error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    };
    outcome.or_else(|error| if is_gone(&error) { Ok(()) } else { Err(error) })
}

fn options(args: &DemoArgs) -> Options {
    // It begins before noon, so that there is sun whenever it is tried.
    let start = TimeZone::system().to_datetime(SystemClock.now()).date().at(11, 0, 0, 0);
    Options {
        seed: args.seed,
        family: args.family,
        speed: args.speed,
        start,
        faults: args.faults,
        ..Options::default()
    }
}

fn settings(args: &DemoArgs, (broker, page): (u16, u16), dongle_port: u16, directory: &TemporaryDirectory) -> Settings {
    let mut settings = Settings::default();
    settings.data_dir.clone_from(&directory.0);
    settings.inverters = vec![InverterSettings {
        name: Some("demo".to_owned()),
        ..InverterSettings::at(Ipv4Addr::LOCALHOST.to_string(), Some(dongle_port), Transport::Dongle)
    }];
    settings.poll.every = Duration::from_secs(args.every);
    settings.mqtt.host = Ipv4Addr::LOCALHOST.to_string();
    settings.mqtt.port = broker;
    settings.http.listen = Some(format!("{}:{page}", Ipv4Addr::LOCALHOST));
    // The simulated day goes on as it began.
    settings.control.clock_sync.enabled = false;
    settings
}

/// A directory that goes when the demo does.
struct TemporaryDirectory(std::path::PathBuf);

impl TemporaryDirectory {
    fn new() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("givtcp-demo-{}", std::process::id()));
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        // Nothing depends on its going.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
