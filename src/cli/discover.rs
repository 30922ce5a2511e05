//! `givtcp discover`: who answers in the local network, and which of them are inverters.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::{block_on, check, log, print, run};
use crate::app;
use crate::discovery::{self, Found, Plan, Subnet, Verdict};
use crate::ipc::{self, Answer, Ask};
use crate::settings::Settings;

/// A daemon that has an inverter tells of it within this.
const SOON: Duration = Duration::from_secs(3);

#[derive(Debug, clap::Args)]
pub(super) struct DiscoverArgs {
    /// Networks to search, as 192.168.1.0/24, at most a /16, or single addresses; without any those of this machine, of
    /// large ones a part.
    #[arg(value_name = "SUBNET")]
    subnets: Vec<Subnet>,
    /// The port that is knocked at.
    #[arg(long, default_value_t = 8899, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Print what was found as JSON.
    #[arg(long)]
    json: bool,
    /// The settings file of the givtcp that may run here; without it the usual places and the environment.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Say more of what goes on.
    #[arg(long)]
    verbose: bool,
}

/// An inverter as a running daemon tells of it.
struct Told {
    serial: String,
    model: String,
}

pub(super) fn run(args: DiscoverArgs) -> anyhow::Result<ExitCode> {
    log::init(if args.verbose { "debug" } else { log::OF_COMMANDS });
    let file = args.config.clone().or_else(check::default_file);
    // Whatever else is wrong with them: the locks and the Supervisor are what matters here.
    let mut settings = check::load(file.as_deref()).map_or_else(|_| Settings::default(), |loaded| loaded.settings);
    settings.data_dir = run::data_dir(settings.data_dir);
    let advice = run::advice(check::addon(false).is_some(), file.as_deref());
    block_on(discover(&args, &settings, &advice))?
}

async fn discover(args: &DiscoverArgs, settings: &Settings, advice: &str) -> anyhow::Result<ExitCode> {
    let plan = if args.subnets.is_empty() {
        Plan::unasked(&discovery::networks(settings).await.map_err(anyhow::Error::msg)?)
    } else {
        Plan::asked(&args.subnets)
    };
    let mut search = app::search(settings)?;
    search.port = args.port;
    let found = discovery::search(&plan, &search).await;
    let mut told = Vec::new();
    for found in &found {
        told.push(match found.verdict {
            Verdict::Taken { .. } => ask(found, settings).await,
            _ => None,
        });
    }
    let inverters = found.iter().zip(&told).filter(|(found, told)| is_inverter(found) || told.is_some()).count();
    if args.json {
        let all: Vec<Value> = found.iter().zip(&told).map(|(found, told)| as_json(found, told.as_ref())).collect();
        let searched: Vec<String> = plan.subnets.iter().map(ToString::to_string).collect();
        print(&serde_json::to_string_pretty(&json!({ "searched": searched, "port": args.port, "found": all }))?)?;
    } else if inverters == 0 {
        print(&discovery::nothing_found(&plan, args.port, &found, advice))?;
    } else {
        for (found, told) in found.iter().zip(&told) {
            match told {
                Some(Told { serial, model }) => print(&format!("{}  {serial}  {model}", found.at))?,
                None => print(&found.to_string())?,
            };
        }
    }
    Ok(if inverters > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

const fn is_inverter(found: &Found) -> bool {
    matches!(found.verdict, Verdict::Inverter { .. })
}

/// What the daemon here tells of an inverter that it has.
async fn ask(found: &Found, settings: &Settings) -> Option<Told> {
    let ask = Ask::Read { at: vec![found.at], raw: false };
    let Ok(Ok(Answer::Values { values })) = timeout(SOON, ipc::ask(&settings.data_dir, &ask)).await else {
        return None;
    };
    let text = |section: &Value, name: &str| section.get(name).and_then(Value::as_str).map(str::to_owned);
    let sections = values.as_object()?;
    sections.iter().find_map(|(_, section)| {
        let serial = text(section, "Invertor_Serial_Number")?;
        Some(Told { serial, model: text(section, "Invertor_Type").unwrap_or_default() })
    })
}

fn as_json(found: &Found, told: Option<&Told>) -> Value {
    let (host, port) = (found.at.ip().to_string(), found.at.port());
    match (&found.verdict, told) {
        (Verdict::Inverter { serial, model }, _) => {
            json!({ "host": host, "port": port, "serial": serial.to_string(), "model": model.name() })
        }
        (_, Some(Told { serial, model })) => json!({ "host": host, "port": port, "serial": serial, "model": model }),
        (Verdict::Taken { by }, None) => json!({ "host": host, "port": port, "taken_by": by }),
        (Verdict::NoInverter(how), None) => json!({ "host": host, "port": port, "no_inverter": how.to_string() }),
    }
}
