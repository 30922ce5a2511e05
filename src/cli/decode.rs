use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use super::print;
use crate::capture::{received, salvage};

/// A day of one dongle is some 20 MB.
const LARGEST: u64 = 256 << 20;

/// So many lines that were left out are named.
const MOST_TOLD: usize = 20;

#[derive(Debug, clap::Args)]
pub(super) struct DecodeArgs {
    /// The recording: lines of `<time> <rx|tx> <hex>` or `rx: <hex>`.
    capture: PathBuf,
}

pub(super) fn run(args: DecodeArgs) -> anyhow::Result<ExitCode> {
    let name = args.capture.display();
    let mut recording = Vec::new();
    std::fs::File::open(&args.capture)
        .and_then(|file| file.take(LARGEST).read_to_end(&mut recording))
        .with_context(|| format!("cannot read {name}"))?;
    let (text, faults) = salvage(&recording);
    let frames = received(&text).map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
    if !frames.iter().any(|(_, frame)| frame.is_ok()) {
        let first = faults.first().map(|fault| format!("; {fault}")).unwrap_or_default();
        anyhow::bail!("{name}: no frame of a dongle is in it{first}");
    }
    for fault in faults.iter().take(MOST_TOLD) {
        eprintln!("warning: {name}: left out {fault}");
    }
    if faults.len() > MOST_TOLD {
        eprintln!("warning: {name}: left out {} lines more", faults.len() - MOST_TOLD);
    }
    let decoded = crate::decode::decode(&text).map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
    print(&serde_json::to_string_pretty(&decoded)?)
}
