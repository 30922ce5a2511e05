use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::manager::Manager;
use super::{block_on, check, stop};
use crate::app::watch_file::{self, News, Watched};
use crate::app::{self, App};
use crate::homeassistant::addon::Addon;
use crate::homeassistant::supervisor::Supervisor;
use crate::logging;
use crate::settings::{self, Settings, ShownFault};

#[derive(Debug, clap::Args)]
pub(super) struct RunArgs {
    /// The settings file; without it the usual places and the environment.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// As an app (add-on) of Home Assistant: with options from /data/options.json, the settings file
    /// /config/givtcp.yaml, state in /data, and the broker that Home Assistant has. So it is anyway where the Supervisor
    /// has left its token in the environment.
    #[arg(long)]
    addon: bool,
}

/// Where settings come from, at the start and while the program runs.
struct Sources {
    config: Option<PathBuf>,
    addon: Option<Addon>,
    /// The house's time zone, where the settings say none.
    timezone: Option<String>,
}

impl Sources {
    fn load(&self) -> Result<Settings, Vec<ShownFault>> {
        let file = file_of(self.config.as_ref(), self.addon.as_ref());
        let loaded = check::load_in(file.as_deref(), self.addon.as_ref()).map_err(|faults| ShownFault::all(&faults))?;
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let mut settings = loaded.settings;
        settings.data_dir = data_dir(settings.data_dir);
        settings.timezone = settings.timezone.or_else(|| self.timezone.clone());
        Ok(settings)
    }
}

fn file_of(config: Option<&PathBuf>, addon: Option<&Addon>) -> Option<PathBuf> {
    config.cloned().or_else(|| check::default_file_in(addon))
}

pub(super) fn run(args: RunArgs) -> anyhow::Result<ExitCode> {
    let addon = check::addon(args.addon);
    let made = addon.as_ref().map(Addon::make_settings_file);
    let file = file_of(args.config.as_ref(), addon.as_ref());
    let (config, is_addon) = (args.config.clone(), args.addon);
    let watched = Watched::new(move || file_of(config.as_ref(), check::addon(is_addon).as_ref()));
    let loaded = match check::load_in(file.as_deref(), addon.as_ref()) {
        Ok(loaded) => loaded,
        Err(faults) => {
            check::complain(&faults);
            return Ok(ExitCode::from(super::WRONG_USAGE));
        }
    };
    let mut settings = loaded.settings;
    let faults = app::faults(&settings);
    if !faults.is_empty() {
        check::complain_of(&faults);
        return Ok(ExitCode::from(super::WRONG_USAGE));
    }
    settings.data_dir = data_dir(settings.data_dir);
    logging::init(&settings.log);
    if let (Some(addon), Some(made)) = (&addon, made) {
        let file = addon.settings_file();
        match made {
            Ok(true) => tracing::info!(
                "{}: made, with every setting switched off; options of the app win over it",
                file.display()
            ),
            Ok(false) => {}
            Err(error) => tracing::warn!("{}: cannot be made: {error}", file.display()),
        }
    }
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let advice = advice(addon.is_some(), file.as_deref());
    block_on(async move {
        let mut sources = Sources { config: args.config, addon, timezone: None };
        if let (None, Some(addon)) = (&settings.timezone, &sources.addon) {
            sources.timezone = time_zone(addon.supervisor()).await;
            settings.timezone.clone_from(&sources.timezone);
        }
        tokio::select! {
            ended = serve(settings, sources, watched, &advice) => ended,
            () = logging::tell_repeats() => Ok(ExitCode::SUCCESS),
        }
    })?
}

/// What to do where no inverter is found.
pub(super) fn advice(is_addon: bool, file: Option<&Path>) -> String {
    let file = file.unwrap_or(Path::new("/etc/givtcp/givtcp.yaml")).display();
    let place = if is_addon {
        "the app's option inverters (host)".to_owned()
    } else {
        format!("{file} (inverters: [{{ host: 192.168.1.20 }}])")
    };
    format!("write the dongle's address into {place}, or search another network: givtcp discover 192.168.1.0/24")
}

/// The house's, where neither the settings nor the Supervisor's variable `TZ` say one.
async fn time_zone(supervisor: &Supervisor) -> Option<String> {
    let told =
        supervisor.time_zone().await.inspect_err(|error| tracing::warn!("timezone: the system's is used: {error}"));
    let zone = told.ok().flatten()?;
    let is_known = jiff::tz::TimeZone::get(&zone).is_ok();
    if !is_known {
        tracing::warn!("timezone: the system's is used, since this one is not known to it: {}", zone.escape_debug());
    }
    is_known.then_some(zone)
}

async fn serve(
    mut settings: Settings,
    sources: Sources,
    mut watched: Watched,
    advice: &str,
) -> anyhow::Result<ExitCode> {
    let mut stopped = std::pin::pin!(stop::signal().context("cannot listen for signals")?);
    let mut hangups = stop::hangups().context("cannot listen for signals")?;
    let manager = Manager::of_surroundings();
    if settings.inverters.is_empty() {
        // Health checks and the web interface are answered meanwhile.
        let mut idle = App::start(&settings)?;
        let telling = manager.as_ref().map(|manager| manager.started(Vec::new()));
        let found = loop {
            let news = tokio::select! {
                biased;
                () = &mut stopped => break None,
                news = watched.news() => news,
                Some(()) = hangups.recv() => News::Changed,
                found = app::seek(&settings, advice) => break Some(found),
            };
            take(&mut idle, news, &sources).await;
            settings = idle.settings().clone();
            if !settings.inverters.is_empty() {
                break Some(Ok(settings.inverters.clone()));
            }
        };
        idle.stop().await;
        drop(telling);
        match found {
            Some(found) => settings.inverters = found?,
            None => return Ok(ExitCode::SUCCESS),
        }
    }
    app::refuse_while_held(&settings).await?;
    let mut app = App::start(&settings)?;
    app.undo_left()?;
    app.take_back_departed()?;
    let mut telling = manager.as_ref().map(|manager| manager.started(app.vitals.clone()));
    let names: Vec<&str> =
        settings.inverters.iter().map(|inverter| inverter.name.as_deref().unwrap_or(&inverter.host)).collect();
    tracing::info!(
        "givtcp {} polls {} every {:?}; publishing to {}",
        env!("CARGO_PKG_VERSION"),
        names.join(", "),
        settings.poll.every,
        publishes_to(&settings),
    );
    let restart = app.restart.clone();
    let is_restart = loop {
        let news = tokio::select! {
            biased;
            () = &mut stopped => break false,
            () = restart.cancelled() => break true,
            news = watched.news() => news,
            Some(()) = hangups.recv() => News::Changed,
        };
        take(&mut app, news, &sources).await;
        // The one before is dropped first.
        drop(telling.take());
        telling = manager.as_ref().map(|manager| manager.started(app.vitals.clone()));
    };
    tracing::info!("{}", if is_restart { "stopping, to begin anew" } else { "stopping" });
    // Who begins anew does not stop: systemd would end what goes on.
    if let Some(manager) = manager.filter(|_| !is_restart) {
        manager.stopping().await;
    }
    app.stop().await;
    drop(telling);
    logging::tell_last_repeats();
    if is_restart {
        return Err(begin_anew());
    }
    Ok(ExitCode::SUCCESS)
}

/// Does what news of the settings ask for; the log at its level and in its form too.
async fn take(app: &mut App, news: News, sources: &Sources) {
    let level = app.settings().log.level.clone();
    watch_file::take(app, news, || sources.load()).await;
    let wanted = &app.settings().log;
    logging::set_form(wanted);
    if wanted.level != level
        && let Err(why) = logging::set_level(&wanted.level)
    {
        tracing::error!("log.level: {why}");
    }
}

fn publishes_to(settings: &Settings) -> String {
    match &settings.supervisor {
        _ if !settings.mqtt.enabled => "nobody".to_owned(),
        Some(supervisor) if supervisor.gives_broker => "the broker that Home Assistant has".to_owned(),
        _ => format!("{}:{}", settings.mqtt.host, settings.mqtt.port),
    }
}

/// Becomes a new run of the same program, with the same arguments and environment, so that no supervisor is needed for
/// it; returns only if that failed.
fn begin_anew() -> anyhow::Error {
    let program = std::env::current_exe();
    let error = program.map(|program| std::process::Command::new(program).args(std::env::args_os().skip(1)).exec());
    match error {
        Ok(error) | Err(error) => anyhow::Error::new(error).context("cannot begin anew"),
    }
}

/// The data directory that is used: the settings', or one that this user may write to.
pub(super) fn data_dir(named: PathBuf) -> PathBuf {
    let variable = |name: &str| std::env::var(name).ok();
    settings::data_dir_for(Some(named), variable, is_writable)
}

/// Whether the directory, or the first of its parents that exists, takes a file.
fn is_writable(path: &Path) -> bool {
    path.ancestors().find(|parent| parent.is_dir()).is_some_and(|parent| {
        let trial = parent.join(format!(".givtcp-{}", std::process::id()));
        std::fs::File::create_new(&trial).is_ok_and(|_| std::fs::remove_file(&trial).is_ok())
    })
}
