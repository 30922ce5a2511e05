//! What the demo shows in the terminal.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};

use crate::app::Snapshots;
use crate::plant::Snapshot;
use crate::simulator::Simulator;

/// What the table needs of a terminal.
const COLUMNS: u16 = 66;
const ROWS: u16 = 16;

pub(super) struct Table {
    /// Of the broker, and of the page.
    ports: (u16, u16),
    simulator: Simulator,
    /// Redrawn in place in a terminal that has room and where nothing else is written; one line a poll elsewhere.
    in_place: bool,
    drawn: usize,
    last: String,
}

impl Table {
    /// `quiet`: whether nothing is expected to be logged beside it.
    pub(super) fn new(ports: (u16, u16), simulator: &Simulator, quiet: bool) -> Self {
        let has_room =
            terminal_size::terminal_size().is_some_and(|(width, height)| width.0 >= COLUMNS && height.0 >= ROWS);
        let in_place = quiet && has_room && std::io::stdout().is_terminal();
        Self { ports, simulator: simulator.clone(), in_place, drawn: 0, last: String::new() }
    }

    pub(super) fn introduce(&self) -> anyhow::Result<()> {
        let (serial, family) = (self.simulator.inverter_serial(), self.simulator.family());
        let (port, page) = self.ports;
        put(&format!(
            "A simulated plant ({family}), {serial}, is on MQTT now.\n\
             Look at it:      http://127.0.0.1:{page}/\n\
             Subscribe with:  mosquitto_sub -h 127.0.0.1 -p {port} -v -t 'GivEnergy/{serial}/#'\n\
             End with Ctrl-C.\n\n"
        ))
    }

    /// Shows each snapshot; an error when nobody reads any more.
    pub(super) async fn follow(&mut self, mut snapshots: Snapshots) -> anyhow::Result<()> {
        while snapshots.changed().await.is_ok() {
            let Some(snapshot) = snapshots.borrow_and_update().clone() else { continue };
            let time = self.simulator.plant_time().strftime("%H:%M:%S").to_string();
            if self.in_place {
                let text = rows(&snapshot, &time);
                let up = if self.drawn > 0 { format!("\x1b[{}A", self.drawn) } else { String::new() };
                self.drawn = text.lines().count();
                put(&format!("{up}{}", text.replace('\n', "\x1b[K\n")))?;
            } else {
                let line = line(&snapshot);
                if line != self.last {
                    put(&format!("{time} {line}"))?;
                    self.last = line;
                }
            }
        }
        Ok(())
    }
}

fn put(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    Ok(out.write_all(text.as_bytes()).and_then(|()| out.flush())?)
}

fn line(s: &Snapshot) -> String {
    format!(
        "sun {} W, house {} W, grid {} W, battery {} W, charge {} %\n",
        shown(s.power.pv),
        shown(s.power.load),
        shown(s.power.grid),
        shown(s.power.battery),
        shown(s.power.soc)
    )
}

fn rows(s: &Snapshot, time: &str) -> String {
    let mut text = String::new();
    let mut row = |name: &str, now: String, today: Option<f64>, note: &str| {
        let today = today.map_or_else(|| "-".to_owned(), |kwh| format!("{kwh:.1} kWh"));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {name:<10}{now:>12}{today:>14}  {note}");
    };
    let watts = |power: Option<i64>| format!("{} W", shown(power));
    row(time, "now".into(), None, "today's energy beside it");
    row("sun", watts(s.power.pv), s.today.pv, "");
    row("house", watts(s.power.load), s.today.load, "");
    row("grid", watts(s.power.grid), s.today.export, "+ to the grid, - from it");
    row("battery", watts(s.power.battery), s.today.battery_charge, "+ out, - in");
    row("charge", format!("{} %", shown(s.power.soc)), None, s.control.mode.unwrap_or("-"));
    for battery in &s.batteries {
        row(&battery.serial.to_string(), format!("{} %", shown(battery.soc)), None, "");
    }
    text
}

fn shown(value: Option<i64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
