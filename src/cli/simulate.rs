//! `givtcp simulate`: a plant on the loopback interface, to try things on.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::civil::DateTime;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::simulator::{Family, Faults, Options, Simulator};

/// Simulate a plant of any family behind a dongle
#[derive(Args, Clone, Debug)]
pub struct SimulateArgs {
    /// Where the dongle listens
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 8899)))]
    pub listen: SocketAddr,

    /// Where to serve Modbus TCP too
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub modbus_tcp: Option<SocketAddr>,

    /// Where to serve RTU over TCP too
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub rtu_over_tcp: Option<SocketAddr>,

    /// What kind of plant
    #[arg(long, value_name = "NAME", default_value_t = Family::default(), value_parser = family_parser())]
    pub family: Family,

    /// Number of the plant, 1 to 73: plants of different numbers have different serials
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=73))]
    pub plant: u8,

    /// How many plant seconds pass in a second
    #[arg(long, default_value = "1", value_parser = parse_speed)]
    pub speed: f64,

    /// What fixes sun, demand, delays and faults
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// How long an answer takes, give or take 30 %
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = clap::value_parser!(u64).range(0..=10_000))]
    pub delay: u64,

    /// How many low-voltage batteries the plant has, 0 to 6; 0 leaves out those of every family
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(0..=6))]
    pub batteries: u8,

    /// What goes wrong how often, as name=rate,…: silence, delay, late, crc, cut, garbage, foreign, error, zeros,
    /// reset, write_late, write_ignored, or all of these; bit, high_word, times_ten, splice, misaddressed, ip_packet,
    /// repeat, or all of these as content
    #[arg(long, value_name = "NAME=RATE,…", default_value = "", value_parser = Faults::parse)]
    pub faults: Faults,

    /// Serve the registers of this capture instead of a plant
    #[arg(long, value_name = "FILE")]
    pub capture: Option<PathBuf>,

    /// What the inverter's clock shows in the beginning, e.g. 2026-06-05T09:00:00
    #[arg(long, value_name = "DATE-TIME")]
    pub start: Option<DateTime>,
}

/// [`run`] on a runtime of its own.
pub(super) fn run_blocking(args: SimulateArgs) -> anyhow::Result<ExitCode> {
    super::log::init("info");
    super::block_on(run(args))?.map(|()| ExitCode::SUCCESS)
}

/// The families by name, so that help and completions list them.
pub(super) fn family_parser() -> impl TypedValueParser<Value = Family> {
    PossibleValuesParser::new(Family::ALL.iter().map(|family| family.name())).try_map(|name| name.parse::<Family>())
}

/// Plant seconds per second: 0, when it stands still, to 10000, from where on a day is over before it is polled.
pub(super) fn parse_speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().ok().filter(|speed| (0.0..=10_000.0).contains(speed));
    speed.ok_or_else(|| "must be a number from 0 to 10000".to_owned())
}

/// Serves the plant until Ctrl-C or SIGTERM.
///
/// # Errors
/// An argument or the capture cannot be used, or a listener cannot be bound.
pub async fn run(args: SimulateArgs) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let shutdown = CancellationToken::new();
    let mut served = serve(&args, &shutdown).await?;
    tokio::select! {
        biased;
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        Some(ended) = served.join_next() => ended.context("a listener ended")??,
    }
    shutdown.cancel();
    while let Some(ended) = served.join_next().await {
        ended.context("a listener ended")??;
    }
    Ok(())
}

/// Binds every listener that was asked for, says so, and serves on it in a task of its own.
async fn serve(args: &SimulateArgs, shutdown: &CancellationToken) -> anyhow::Result<JoinSet<std::io::Result<()>>> {
    let simulator = simulator(args)?;
    let serial = simulator.inverter_serial();
    let mut served = JoinSet::new();

    let dongle = bind("dongle", args.listen, serial).await?;
    let (plant, token) = (simulator.clone(), shutdown.clone());
    served.spawn(async move { plant.serve_dongle(dongle, token).await });
    if let Some(address) = args.modbus_tcp {
        let listener = bind("Modbus TCP", address, serial).await?;
        let (plant, token) = (simulator.clone(), shutdown.clone());
        served.spawn(async move { plant.serve_modbus_tcp(listener, token).await });
    }
    if let Some(address) = args.rtu_over_tcp {
        let listener = bind("RTU over TCP", address, serial).await?;
        let (plant, token) = (simulator, shutdown.clone());
        served.spawn(async move { plant.serve_rtu_over_tcp(listener, token).await });
    }
    Ok(served)
}

fn simulator(args: &SimulateArgs) -> anyhow::Result<Simulator> {
    let defaults = Options::default();
    let options = Options {
        seed: args.seed,
        family: args.family,
        plant: args.plant,
        speed: args.speed,
        start: args.start.unwrap_or(defaults.start),
        batteries: args.batteries,
        delay: Duration::from_millis(args.delay),
        delay_jitter: Duration::from_millis(args.delay * 3 / 10),
        faults: args.faults,
        ..defaults
    };
    let Some(path) = &args.capture else { return Ok(Simulator::new(options)) };
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the capture: {}", path.display()))?;
    Simulator::from_capture(&text, options).map_err(|fault| anyhow!("{}: {fault}", path.display()))
}

async fn bind(what: &str, address: SocketAddr, serial: crate::frame::Serial) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen for {what}: {address}"))?;
    // With port 0 the system chose one.
    let address = listener.local_addr()?;
    writeln!(std::io::stderr(), "{what} of {serial} listens on {address}")?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: SimulateArgs,
    }

    fn args(line: &[&str]) -> SimulateArgs {
        Line::try_parse_from(["simulate"].iter().chain(line)).unwrap().args
    }

    #[test]
    fn it_listens_on_the_loopback_interface_unless_told() {
        assert_eq!(args(&[]).listen, "127.0.0.1:8899".parse().unwrap());
    }

    #[test]
    fn a_family_is_chosen_by_its_name() {
        assert_eq!(args(&[]).family, Family::HybridGen1);
        for family in Family::ALL {
            let simulator = simulator(&args(&["--family", family.name(), "--plant", "2"])).unwrap();
            let code = simulator.get(0x11, crate::frame::Bank::Holding, 0);
            assert_eq!(code, Some(family.spec().type_code), "{family}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let refusal = |line: &[&str]| {
            Line::try_parse_from(["simulate"].iter().chain(line))
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default()
        };
        assert!(refusal(&["--faults", "crc=2"]).contains("the rate of crc must be from 0 to 1: 2"));
        assert!(refusal(&["--family", "toaster"]).contains("[possible values: hybrid-gen1, hybrid-gen2, "));
        assert!(refusal(&["--faults", "foo=2"]).contains("no such fault"));
        for speed in ["inf", "NaN", "1e300", "fast"] {
            assert!(refusal(&["--speed", speed]).contains("must be a number from 0 to 10000"), "{speed}");
        }
        let fault = simulator(&args(&["--capture", "/nowhere/x.log"])).unwrap_err();
        assert_eq!(fault.to_string(), "cannot read the capture: /nowhere/x.log");
    }

    #[tokio::test]
    async fn every_listener_that_was_asked_for_is_served_until_the_end() {
        let any = "127.0.0.1:0";
        let args = args(&["--listen", any, "--modbus-tcp", any, "--rtu-over-tcp", any]);
        let shutdown = CancellationToken::new();
        let mut served = serve(&args, &shutdown).await.unwrap();
        assert_eq!(served.len(), 3);
        shutdown.cancel();
        while let Some(ended) = served.join_next().await {
            ended.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn a_port_in_use_is_said_so() {
        let holder = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = holder.local_addr().unwrap().to_string();
        let fault = serve(&args(&["--listen", &address]), &CancellationToken::new()).await.unwrap_err();
        assert_eq!(fault.to_string(), format!("cannot listen for dongle: {address}"));
    }
}
