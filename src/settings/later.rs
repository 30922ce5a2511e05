//! Settings that are checked already but have no effect yet. A line goes when its setting takes effect.

use secrecy::ExposeSecret;

use super::types::{LockBackend, Settings, WhenRedisIsDown};

/// A setting's name, whether it differs from its default, and what is true instead.
type Later = (&'static str, fn(&Settings) -> bool, &'static str);

const LATER: &[Later] = &[
    ("locks.backend", |s| s.locks.backend == LockBackend::Redis, FILES),
    ("locks.life", |s| s.locks.life != Settings::default().locks.life, FILES),
    ("locks.when_redis_is_down", |s| s.locks.when_redis_is_down != WhenRedisIsDown::default(), FILES),
    ("redis.url", |s| !s.redis.url.expose_secret().is_empty(), FILES),
    ("http.listen", |s| s.http.listen != Settings::default().http.listen, "this version has no web interface yet"),
    ("control.enabled", |s| !s.control.enabled, "this version takes no commands yet"),
];

const FILES: &str = "this version keeps its locks on one machine, in files";

/// A warning for each setting that was set in vain.
pub(super) fn warnings(settings: &Settings) -> Vec<String> {
    let set = LATER.iter().filter(|(_, is_set, _)| is_set(settings));
    set.map(|(key, _, instead)| format!("{key}: set, but {instead}")).collect()
}
