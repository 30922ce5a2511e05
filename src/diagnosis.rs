//! What somebody who is to help needs to know, in one file that gives nothing away: versions, settings, the last hour's
//! log, what each inverter says and how it is reached, and if asked what went over the wire.
//!
//! Secrets are not in it at all; serials, addresses and hosts bear other names, the same everywhere ([`Aliases`]), in the
//! frames too ([`Redaction`]).

mod aliases;
pub mod archive;
mod image;
mod known;
pub mod recent;
mod wire;

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};

use crate::capture::{Line, as_text};
use crate::catalogue::{Layout, as_json};
use crate::clock::Clock;
use crate::inverter::Hold;
use crate::link::Tap;
use crate::settings::{Settings, describe};
use crate::vitals::Vitals;

pub use aliases::Aliases;
use archive::Text;
pub use image::registers;
pub use known::{remember, remember_broker};
pub use wire::Redaction;

/// The wire is recorded for at most so long.
pub const LONGEST_RECORDING: Duration = Duration::from_secs(300);
/// No recording is longer, bytes as text: a day of one dongle is some 20 MB.
const MOST_RECORDED: usize = 2 << 20;
/// Who records in pieces, and has gone, is waited for this long.
const SOON: Duration = Duration::from_secs(3);
/// The folder in the archive.
const FOLDER: &str = "givtcp-diagnosis";

/// One inverter.
#[derive(Clone, Debug)]
pub struct Watched {
    /// How it is kept.
    pub vitals: Vitals,
    /// Where its connection is listened to.
    pub tap: Tap,
}

/// What a program knows of itself and of its inverters.
#[derive(Clone)]
pub struct Diagnosis {
    /// What it was told.
    pub settings: Settings,
    /// The inverters, in the order of the settings.
    pub inverters: Vec<Watched>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Since when it runs.
    pub since: Instant,
}

impl std::fmt::Debug for Diagnosis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Diagnosis").field("inverters", &self.inverters).finish_non_exhaustive()
    }
}

impl Diagnosis {
    /// Makes the archive, after having recorded the wire of every inverter for so long, at most [`LONGEST_RECORDING`].
    ///
    /// # Errors
    /// It cannot be packed.
    pub async fn make(&self, recording: Duration) -> std::io::Result<Vec<u8>> {
        let recording = recording.min(LONGEST_RECORDING);
        let recorded = if recording.is_zero() {
            Vec::new()
        } else {
            futures::future::join_all(self.inverters.iter().map(|each| record(&each.tap, recording))).await
        };
        let mut aliases = known::aliases(&self.settings);
        let mut texts = vec![
            Text::new("about.txt", aliases.text(&self.about())),
            Text::new("settings.txt", aliases.text(&without_user(&describe(&self.settings)))),
            Text::new("log.txt", aliases.text(&recent::lines())),
        ];
        for (index, each) in self.inverters.iter().enumerate() {
            let number = index + 1;
            texts.push(Text::new(format!("inverter-{number}.txt"), aliases.text(&each.vitals().await)));
            let Some(snapshot) = each.vitals.snapshots.borrow().clone() else { continue };
            let values = as_json(&Layout::new(false).tree(&snapshot));
            let values = serde_json::to_string_pretty(&values).map_err(std::io::Error::other)?;
            texts.push(Text::new(format!("inverter-{number}.json"), aliases.text(&values)));
            let registers = registers(&snapshot.image, snapshot.identity.serial, self.clock.now());
            texts.push(Text::new(format!("inverter-{number}-registers.log"), redacted(&registers, &mut aliases)));
        }
        for (index, lines) in recorded.iter().enumerate() {
            let number = index + 1;
            let lines = match lines {
                Some(lines) => redacted(lines, &mut aliases),
                None => "# not recorded: somebody else records this inverter\n".to_owned(),
            };
            texts.push(Text::new(format!("inverter-{number}-wire.log"), lines));
        }
        archive::pack(FOLDER, &texts, self.clock.now())
    }

    fn about(&self) -> String {
        let mut about = String::new();
        let mut put = |key: &str, value: &dyn std::fmt::Display| _ = writeln!(about, "{key}: {value}");
        put("givtcp", &env!("CARGO_PKG_VERSION"));
        put("system", &format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH));
        put("made at", &self.clock.now());
        put("runs for", &format!("{} s", self.since.elapsed().as_secs()));
        put("as an app of Home Assistant", &self.settings.supervisor.is_some());
        put("inverters", &self.inverters.len());
        // Of Linux alone.
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        for line in status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("Threads")) {
            about.push_str(line);
            about.push('\n');
        }
        about
    }
}

impl Watched {
    /// How it is kept, in words.
    async fn vitals(&self) -> String {
        let vitals = &self.vitals;
        let Hold { standing, resource } = vitals.hold.borrow().clone();
        let (link, since) = vitals.link_state();
        let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
        let mut told = String::new();
        let mut put = |key: &str, value: &dyn std::fmt::Display| _ = writeln!(told, "{key}: {value}");
        put("name", &vitals.name);
        put("address", &vitals.address);
        put("transport", &vitals.transport);
        put("connection", &format!("{link}{since}"));
        put("this process", &format!("{standing:?}"));
        put("lease", &resource.as_deref().unwrap_or("none"));
        put("state", &format!("{:?}", vitals.readiness().await));
        put("processes", &*vitals.members.borrow());
        put("connection's counters", &format!("{:?}", vitals.link.snapshot()));
        if let Some(snapshot) = vitals.snapshots.borrow().as_ref() {
            put("statistics", &format!("{:?}", snapshot.stats));
        }
        for (resource, holder) in vitals.holders(resource.iter().map(ToString::to_string).collect()).await {
            put(
                &format!("holder of {resource}"),
                &holder.map_or_else(|| "nobody".to_owned(), |holder| holder.to_string()),
            );
        }
        told
    }
}

/// What is heard for so long; `None` where somebody else listens, and does not end soon.
async fn record(tap: &Tap, recording: Duration) -> Option<Vec<Line>> {
    let soon = Instant::now() + SOON;
    let mut heard = loop {
        match tap.listen() {
            Some(heard) => break heard,
            None if Instant::now() >= soon => return None,
            None => sleep(SOON / 10).await,
        }
    };
    let mut lines = Vec::new();
    listen(&mut heard, Instant::now() + recording, MOST_RECORDED, &mut lines).await;
    Some(lines)
}

/// Adds what is heard until then, or until so many bytes of text were; whether all that time was used.
pub async fn listen(heard: &mut mpsc::Receiver<Line>, until: Instant, most: usize, lines: &mut Vec<Line>) -> bool {
    /// Of a line of text, what is not its bytes.
    const HEAD: usize = 36;
    let mut bytes = 0;
    while bytes < most {
        match timeout_at(until, heard.recv()).await {
            Ok(Some(line)) => {
                bytes += HEAD + 2 * line.bytes.len();
                lines.push(line);
            }
            Ok(None) | Err(_) => return true,
        }
    }
    false
}

/// The lines as text, with other names.
fn redacted(lines: &[Line], aliases: &mut Aliases) -> String {
    let mut redaction = Redaction::default();
    let mut named: Vec<Line> = lines.iter().flat_map(|line| redaction.push(line, aliases)).collect();
    named.extend(redaction.finish(aliases));
    as_text(&named)
}

/// Who somebody is at the broker is half of a secret, and an organisation's name is often an address of mail.
fn without_user(settings: &str) -> String {
    let shown = |line: &str| match line.split_once(": ") {
        Some((key @ ("mqtt.username" | "influx.org"), value)) if value != "(not set)" => format!("{key}: (set)\n"),
        _ => format!("{line}\n"),
    };
    settings.lines().map(shown).collect()
}

#[cfg(test)]
mod tests;
