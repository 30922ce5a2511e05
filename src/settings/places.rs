//! Where the settings file is looked for, and where data lie.

use std::path::{Path, PathBuf};

/// The data directory, unless an ordinary user may not write there.
pub const DATA_DIR: &str = "/var/lib/givtcp";

/// The places in which a settings file is looked for when none is named, the first that exists wins: the user's
/// (`$XDG_CONFIG_HOME/givtcp/givtcp.yaml`, or `~/.config/…`), then `/etc/givtcp/givtcp.yaml`. `env` reads a variable.
pub fn default_paths(env: impl Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let own = users_directory(&env, "XDG_CONFIG_HOME", ".config");
    let all = own.into_iter().chain([PathBuf::from("/etc/givtcp")]);
    all.map(|directory| directory.join("givtcp.yaml")).collect()
}

/// The data directory to use: `set`, if it is set to something else than [`DATA_DIR`]; else that directory if it is
/// `writable` (which shall also hold when it can be created), else `$XDG_STATE_HOME/givtcp` or `~/.local/state/givtcp`;
/// [`DATA_DIR`] if there is no home either. `env` reads a variable. Nothing is created here.
pub fn data_dir_for(
    set: Option<PathBuf>,
    env: impl Fn(&str) -> Option<String>,
    writable: impl Fn(&Path) -> bool,
) -> PathBuf {
    let usual = PathBuf::from(DATA_DIR);
    match set.filter(|set| *set != usual) {
        Some(set) => set,
        None if writable(&usual) => usual,
        None => users_directory(&env, "XDG_STATE_HOME", ".local/state").unwrap_or(usual),
    }
}

/// Our directory below the XDG base `variable`, or below `fallback` in the home directory. Relative bases do not count,
/// as the XDG base directory specification wants it.
fn users_directory(env: impl Fn(&str) -> Option<String>, variable: &str, fallback: &str) -> Option<PathBuf> {
    let absolute = |name: &str| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(fallback)));
    base.map(|base| base.join("givtcp"))
}
