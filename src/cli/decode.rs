use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use super::print;

/// A day of one dongle is some 20 MB.
const LARGEST: u64 = 256 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct DecodeArgs {
    /// The recording: lines of `<time> <rx|tx> <hex>` or `rx: <hex>`.
    capture: PathBuf,
}

pub(super) fn run(args: DecodeArgs) -> anyhow::Result<ExitCode> {
    let name = args.capture.display();
    let mut text = String::new();
    std::fs::File::open(&args.capture)
        .and_then(|file| file.take(LARGEST).read_to_string(&mut text))
        .with_context(|| format!("cannot read {name}"))?;
    let decoded = crate::decode::decode(&text).map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
    print(&serde_json::to_string_pretty(&decoded)?)
}
