//! Where the locks of each inverter are kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use secrecy::ExposeSecret;
use tokio::net::lookup_host;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::clock::Clock;
use crate::inverter::link_resource;
use crate::lock::{
    FileLockManager, LocalLockManager, LockManager, NoFileLocks, RedisLockManager, SharedLockManager, Without,
    redis_lock_key,
};
use crate::redis_server::RedisServer;
use crate::settings::{LockBackend, Settings, WhenRedisIsDown};

/// What is in force for an inverter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kept {
    Local,
    File,
    Redis,
}

/// The Redis of the locks, and whether it is known that no other process shares the inverters by it.
pub(super) struct Shared {
    pub redis: Option<RedisServer>,
    pub is_alone: watch::Receiver<bool>,
}

/// The managers that some inverter needs, each made once.
pub(super) struct Managers {
    settings: Settings,
    clock: Arc<dyn Clock>,
    shared: Shared,
    local: Option<Arc<dyn LockManager>>,
    files: Option<Arc<dyn LockManager>>,
    redis: Option<Arc<dyn LockManager>>,
    /// That there can be no files is known and said.
    no_files: bool,
}

/// The manager of each inverter in the order of the settings, and in one line where their locks are kept.
///
/// # Errors
/// There can be no locks where the settings want them.
pub(super) fn choose(
    settings: &Settings,
    managers: &mut Managers,
) -> anyhow::Result<(Vec<Arc<dyn LockManager>>, String)> {
    let mut chosen = Vec::new();
    let mut named: BTreeMap<Kept, Vec<&str>> = BTreeMap::new();
    for inverter in &settings.inverters {
        let backend = inverter.lock_backend.unwrap_or(settings.locks.backend);
        let (manager, kept) = managers.of(backend)?;
        chosen.push(manager);
        named.entry(kept).or_default().push(inverter.name.as_deref().unwrap_or(&inverter.host));
    }
    Ok((chosen, said(settings, &managers.shared, &named)))
}

/// The manager that an inverter has of which the settings say nothing: for one that is not known yet.
///
/// # Errors
/// There can be no locks where the settings want them.
pub(super) fn one(settings: &Settings) -> anyhow::Result<Arc<dyn LockManager>> {
    let (clock, redis) = (Arc::new(crate::clock::SystemClock) as Arc<dyn Clock>, super::statuses::redis(settings));
    let shared = Shared { redis, is_alone: watch::channel(false).1 };
    let mut managers = Managers::new(settings, clock, shared);
    Ok(managers.of(settings.locks.backend)?.0)
}

/// Whether some inverter's locks are kept in Redis, so that other processes may stand by for it.
pub(super) fn in_redis(settings: &Settings) -> bool {
    effective(settings).any(|backend| backend == LockBackend::Redis)
}

/// The backend that is in force for each inverter.
pub(super) fn effective(settings: &Settings) -> impl Iterator<Item = LockBackend> {
    let asked = settings.inverters.iter().map(|each| each.lock_backend.unwrap_or(settings.locks.backend));
    asked.map(|backend| resolved(backend, settings))
}

/// The backend that is in force: `auto` is the widest that is configured.
fn resolved(backend: LockBackend, settings: &Settings) -> LockBackend {
    match backend {
        LockBackend::Auto if settings.redis.url.expose_secret().is_empty() => LockBackend::File,
        LockBackend::Auto => LockBackend::Redis,
        asked => asked,
    }
}

/// Files know nothing of a Redis: where some inverter's locks are kept in files while another process has it by the Redis
/// of the settings, two would poll it.
///
/// # Errors
/// Another process has one; it is named.
pub async fn refuse_while_held(settings: &Settings) -> anyhow::Result<()> {
    let Some(redis) = super::statuses::redis(settings) else { return Ok(()) };
    let clock: Arc<dyn Clock> = Arc::new(crate::clock::SystemClock);
    let locks = RedisLockManager::new(&redis, settings.locks.life, clock);
    let in_files = settings.inverters.iter().zip(effective(settings)).filter(|(_, kept)| *kept != LockBackend::Redis);
    for (inverter, kept) in in_files {
        let looking_up = lookup_host((inverter.host.as_str(), inverter.port));
        // What is not found, or cannot be asked, is said by who needs it.
        let Ok(Ok(found)) = timeout(settings.link.connect_timeout, looking_up).await else { continue };
        for address in found {
            let resource = link_resource(&address.to_string());
            match locks.holder(&resource).await {
                Ok(Some(holder)) if holder.pid == 0 => anyhow::bail!(
                    "locks.backend: cannot be {kept} while {} has what givtcp did not write in its lock {resource}; {}",
                    redis.place(),
                    advice(&resource, holder.remaining)
                ),
                Ok(Some(holder)) => anyhow::bail!(
                    "locks.backend: cannot be {kept} while {} in process {} on {} has {address} by {}; stop that first",
                    holder.owner,
                    holder.pid,
                    holder.host,
                    redis.place()
                ),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!("{error}; whether another process has an inverter by it cannot be seen");
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// What to do about a lock that is none of ours.
fn advice(resource: &str, remaining: Option<Duration>) -> String {
    match remaining {
        Some(life) => format!("wait {:.0}s until it ends", life.as_secs_f64().ceil()),
        None => format!("if no other program uses it, remove it: redis-cli DEL '{}'", redis_lock_key(resource)),
    }
}

fn said(settings: &Settings, shared: &Shared, named: &BTreeMap<Kept, Vec<&str>>) -> String {
    let files = settings.data_dir.join("locks");
    let place = |kept: &Kept| match kept {
        Kept::Local => "in this process only".to_owned(),
        Kept::File => format!("in files, between the processes of this machine, below {}", files.display()),
        Kept::Redis => {
            let place = shared.redis.as_ref().map_or("Redis", RedisServer::place);
            format!("in {place}, between machines, and in files below {}", files.display())
        }
    };
    let places: Vec<String> = match named.len() {
        0 | 1 => named.keys().map(place).collect(),
        _ => named.iter().map(|(kept, names)| format!("{} ({})", place(kept), names.join(", "))).collect(),
    };
    format!("locks are kept {}", places.join("; "))
}

// === impl Managers ===

impl Managers {
    /// Of these settings, whatever becomes of them: who shares inverters must agree where.
    pub(super) fn new(settings: &Settings, clock: Arc<dyn Clock>, shared: Shared) -> Self {
        Self { settings: settings.clone(), clock, shared, local: None, files: None, redis: None, no_files: false }
    }

    /// The manager of one backend; made once.
    pub(super) fn of(&mut self, asked: LockBackend) -> anyhow::Result<(Arc<dyn LockManager>, Kept)> {
        match resolved(asked, &self.settings) {
            LockBackend::Local => Ok((self.local(), Kept::Local)),
            LockBackend::Redis => {
                let redis = self.redis().context("locks.backend: cannot be redis")?;
                Ok((redis, Kept::Redis))
            }
            LockBackend::Auto | LockBackend::File if asked == LockBackend::Auto => self.files_or_local(),
            LockBackend::Auto | LockBackend::File => {
                let files = self.files().with_context(|| format!("locks.backend: cannot be {asked}"))?;
                Ok((files, Kept::File))
            }
        }
    }

    /// With the locks of this machine below. While Redis cannot be asked, who is alone goes on with these; in company
    /// only if the settings say so.
    fn redis(&mut self) -> anyhow::Result<Arc<dyn LockManager>> {
        if let Some(redis) = &self.redis {
            return Ok(Arc::clone(redis));
        }
        let server = self.shared.redis.as_ref().context("redis.url: is not set, or cannot be used, as was said")?;
        let (locks, is_alone) = (&self.settings.locks, self.shared.is_alone.clone());
        let goes_on = locks.when_redis_is_down == WhenRedisIsDown::Local;
        let without = move || if goes_on || *is_alone.borrow() { Without::EntersAlone } else { Without::Fails };
        let manager =
            SharedLockManager::open(&self.settings.data_dir, server, locks.life, without, Arc::clone(&self.clock))?;
        Ok(Arc::clone(self.redis.insert(Arc::new(manager))))
    }

    /// What nobody asked for need not be there. What another user has there must not be passed by, though: that user's
    /// process may have the inverters.
    fn files_or_local(&mut self) -> anyhow::Result<(Arc<dyn LockManager>, Kept)> {
        if !self.no_files {
            match self.files() {
                Ok(files) => return Ok((files, Kept::File)),
                Err(error) if error.is_of_another() => {
                    return Err(error).context(
                        "locks.backend: another user's givtcp keeps its locks here: run as that user, or set data_dir",
                    );
                }
                Err(error) => tracing::warn!("{error}; until then other processes are not kept off the inverters"),
            }
            self.no_files = true;
        }
        Ok((self.local(), Kept::Local))
    }

    fn files(&mut self) -> Result<Arc<dyn LockManager>, NoFileLocks> {
        if let Some(files) = &self.files {
            return Ok(Arc::clone(files));
        }
        let files = FileLockManager::open(&self.settings.data_dir, Arc::clone(&self.clock))?;
        Ok(Arc::clone(self.files.insert(Arc::new(files))))
    }

    fn local(&mut self) -> Arc<dyn LockManager> {
        let clock = &self.clock;
        Arc::clone(self.local.get_or_insert_with(|| Arc::new(LocalLockManager::new(Arc::clone(clock)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::settings::{InverterSettings, OwnControl, Role, Transport};

    fn settings(data: &std::path::Path, backends: &[Option<LockBackend>]) -> Settings {
        let mut settings = Settings { data_dir: data.to_owned(), ..Settings::default() };
        settings.inverters = (0..backends.len())
            .map(|number| InverterSettings {
                name: Some(format!("number {number}")),
                host: "192.168.1.20".to_owned(),
                port: 8899,
                transport: Transport::Dongle,
                role: Role::Auto,
                prefix: None,
                serial: None,
                lock_backend: backends[number],
                control: OwnControl::default(),
            })
            .collect();
        settings
    }

    fn chosen(settings: &Settings) -> anyhow::Result<String> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let shared = Shared { redis: None, is_alone: watch::channel(false).1 };
        let (managers, said) = choose(settings, &mut Managers::new(settings, clock, shared))?;
        assert_eq!(managers.len(), settings.inverters.len());
        Ok(said.replace(&settings.data_dir.display().to_string(), "DATA"))
    }

    const FILES: &str = "locks are kept in files, between the processes of this machine, below DATA/locks";
    const LOCAL: &str = "locks are kept in this process only";

    #[test]
    fn locks_are_kept_in_files_unless_the_settings_say_otherwise() {
        let data = tempfile::tempdir().unwrap();
        let mut settings = settings(data.path(), &[None, None]);
        assert_eq!(chosen(&settings).unwrap(), FILES);
        settings.locks.backend = LockBackend::Local;
        assert_eq!(chosen(&settings).unwrap(), LOCAL);
        settings.locks.backend = LockBackend::File;
        assert_eq!(chosen(&settings).unwrap(), FILES);
    }

    #[test]
    fn an_inverter_may_have_locks_of_its_own() {
        let data = tempfile::tempdir().unwrap();
        let settings = settings(data.path(), &[Some(LockBackend::Local), None, Some(LockBackend::Local)]);
        assert_eq!(
            chosen(&settings).unwrap(),
            "locks are kept in this process only (number 0, number 2); in files, between the processes of this machine, \
             below DATA/locks (number 1)"
        );
    }

    #[test]
    fn where_there_can_be_no_files_who_asked_for_them_is_told_what_to_do_and_others_go_on() {
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join("locks"), "a file").unwrap();
        let mut settings = settings(data.path(), &[None, None]);
        assert_eq!(chosen(&settings).unwrap(), LOCAL);
        settings.inverters[1].lock_backend = Some(LockBackend::File);
        let error = format!("{:#}", chosen(&settings).unwrap_err());
        assert!(error.starts_with("locks.backend: cannot be file: cannot make /"), "{error}");
        assert!(error.ends_with("; move what is there out of the way"), "{error}");
    }

    #[test]
    fn auto_is_redis_where_its_address_is_set() {
        let mut settings = Settings::default();
        assert_eq!(resolved(LockBackend::Auto, &settings), LockBackend::File);
        settings.redis.url = "redis://localhost".to_owned().into();
        assert_eq!(resolved(LockBackend::Auto, &settings), LockBackend::Redis);
        for asked in [LockBackend::Local, LockBackend::File, LockBackend::Redis] {
            assert_eq!(resolved(asked, &settings), asked);
        }
    }
}
