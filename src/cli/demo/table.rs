//! What the demo shows in the terminal.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};

use jiff::tz::TimeZone;

use crate::app::Snapshots;
use crate::frame::Serial;
use crate::plant::Snapshot;
use crate::simulator::Simulator;

pub(super) struct Table {
    port: u16,
    serial: Serial,
    /// Redrawn in place in a terminal; one line a poll elsewhere.
    in_place: bool,
    drawn: usize,
    last: String,
}

impl Table {
    pub(super) fn new(port: u16, simulator: &Simulator) -> Self {
        Self {
            port,
            serial: simulator.inverter_serial(),
            in_place: std::io::stdout().is_terminal(),
            drawn: 0,
            last: String::new(),
        }
    }

    pub(super) fn introduce(&self) -> anyhow::Result<()> {
        let Self { port, serial, .. } = self;
        put(&format!(
            "A simulated hybrid inverter with two batteries and a meter, {serial}, is on MQTT now.\n\
             Subscribe with:  mosquitto_sub -h 127.0.0.1 -p {port} -v -t 'GivEnergy/{serial}/#'\n\
             End with Ctrl-C.\n\n"
        ))
    }

    /// Shows each snapshot, for ever.
    pub(super) async fn follow(&mut self, mut snapshots: Snapshots) -> anyhow::Result<()> {
        while snapshots.changed().await.is_ok() {
            let Some(snapshot) = snapshots.borrow_and_update().clone() else { continue };
            if self.in_place {
                let text = rows(&snapshot);
                let up = if self.drawn > 0 { format!("\x1b[{}A", self.drawn) } else { String::new() };
                self.drawn = text.lines().count();
                put(&format!("{up}{}", text.replace('\n', "\x1b[K\n")))?;
            } else {
                let line = line(&snapshot);
                if line != self.last {
                    put(&line)?;
                    self.last = line;
                }
            }
        }
        Ok(())
    }
}

/// That nobody reads it any more is no failure.
fn put(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn line(s: &Snapshot) -> String {
    format!(
        "{} sun {} W, house {} W, grid {} W, battery {} W, charge {} %\n",
        time(s),
        shown(s.power.pv),
        shown(s.power.load),
        shown(s.power.grid),
        shown(s.power.battery),
        shown(s.power.soc)
    )
}

fn rows(s: &Snapshot) -> String {
    let mut text = String::new();
    let mut row = |name: &str, now: String, today: Option<f64>, note: &str| {
        let today = today.map_or_else(|| "-".to_owned(), |kwh| format!("{kwh:.1} kWh"));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {name:<10}{now:>12}{today:>14}  {note}");
    };
    let watts = |power: Option<i64>| format!("{} W", shown(power));
    row(&time(s), "now".into(), None, "today in the middle column");
    row("sun", watts(s.power.pv), s.today.pv, "");
    row("house", watts(s.power.load), s.today.load, "");
    row("grid", watts(s.power.grid), s.today.export, "+ to the grid, - from it");
    row("battery", watts(s.power.battery), s.today.battery_charge, "+ out, - in");
    row("charge", format!("{} %", shown(s.power.soc)), s.power.soc_kwh, s.control.mode.unwrap_or("-"));
    for battery in &s.batteries {
        row(&battery.serial.to_string(), format!("{} %", shown(battery.soc)), None, "");
    }
    text
}

/// When it was read: the inverter's own clock is read with the settings only.
fn time(s: &Snapshot) -> String {
    let at = s.stats.last_updated.map(|at| TimeZone::system().to_datetime(at).strftime("%H:%M:%S").to_string());
    at.unwrap_or_else(|| "--:--:--".to_owned())
}

fn shown(value: Option<i64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
