//! Seeds made by the simulator: each target writes its own, before it reads its corpus, where `GIVTCP_FUZZ_SEEDS` says.

use std::path::Path;
use std::{env, fs};

/// The folder to write seeds into.
const FOLDER: &str = "GIVTCP_FUZZ_SEEDS";

/// Writes seeds, each under its number, if this run is to do so.
///
/// # Panics
/// The folder cannot be written to.
pub fn write(seeds: impl IntoIterator<Item = Vec<u8>>) {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    fs::create_dir_all(folder).expect("a folder for seeds");
    for (number, seed) in seeds.into_iter().enumerate() {
        fs::write(folder.join(format!("seed-{number:03}")), seed).expect("a seed");
    }
}
