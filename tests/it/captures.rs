//! Where captures of real plants and what GivTCP made of them lie, if they are at hand. They are not in the repository.

use std::path::PathBuf;

/// A file of the collection, or `None` with a plain word that the test is skipped.
///
/// The captures are looked for in `GIVTCP_CAPTURES`, else in `../shared/captures` beside the repository; what belongs
/// to them lies beside that folder.
pub fn find(relative: &str) -> Option<PathBuf> {
    let captures = std::env::var_os("GIVTCP_CAPTURES")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/captures"), PathBuf::from);
    let path = match relative.strip_prefix("captures") {
        Some(below) => captures.join(below.trim_start_matches('/')),
        None => captures.join("..").join(relative),
    };
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: {relative} is not at hand; set GIVTCP_CAPTURES to the folder of captures");
    None
}

/// Its text.
pub fn read(relative: &str) -> Option<String> {
    find(relative).map(|path| std::fs::read_to_string(path).expect("readable"))
}
