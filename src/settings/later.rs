//! Settings that are checked already but have no effect yet. A line goes when its setting takes effect.

use super::types::Settings;

/// A setting's name, whether it differs from its default, and what is true instead.
type Later = (&'static str, fn(&Settings) -> bool, &'static str);

const LATER: &[Later] =
    &[("http.listen", |s| s.http.listen != Settings::default().http.listen, "this version has no web interface yet")];

/// A warning for each setting that was set in vain.
pub(super) fn warnings(settings: &Settings) -> Vec<String> {
    let set = LATER.iter().filter(|(_, is_set, _)| is_set(settings));
    set.map(|(key, _, instead)| format!("{key}: set, but {instead}")).collect()
}
