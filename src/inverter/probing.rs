//! Looking for what may be behind an inverter: what it is first, then batteries, stacks, meters, blocks.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::commands::Stop;
use super::cycle::Outcome;
use super::{Ended, Task};
use crate::link::{Connection, Patience};
use crate::plant::Snapshot;
use crate::poll::Cycle;

/// After so many cycles in a row that had no time for it, the first round of probes goes on beyond a cycle's end,
const CYCLES_WITHOUT_TIME: u32 = 2;
/// until the cycle has lasted so long.
const TIME_TO_PROBE: Duration = Duration::from_secs(10);

impl Task {
    /// What there is must be found however short the period is: the first round of probes gets time of its own where
    /// cycles leave none.
    pub(super) async fn probe_in_time(
        &mut self,
        in_time: bool,
        cycle: Cycle,
        end: Instant,
        connection: &mut Connection,
    ) -> Result<(), Ended> {
        if self.cut_short >= CYCLES_WITHOUT_TIME && !self.plant.all_probed_once() {
            let end = end + TIME_TO_PROBE.saturating_sub(cycle.lasts);
            return self.probe(cycle, end, connection).await.map(|_| ());
        }
        let had_time = in_time && self.probe(cycle, end, connection).await?;
        self.cut_short = if had_time { 0 } else { self.cut_short.saturating_add(1) };
        Ok(())
    }

    /// Once, when all that is there has been looked for: what is found later would make the advice too low.
    pub(super) fn say_period_is_short(&mut self, lasted: Duration, due: usize, left: usize) {
        let read = due.saturating_sub(left);
        if read == 0 || !self.plant.all_probed_once() || std::mem::replace(&mut self.said_short, true) {
            return;
        }
        let whole = lasted.as_secs_f64() * due as f64 / read as f64;
        // A tenth more, in steps of 5 s: lines are not always as fast.
        let would_do = ((whole * 1.1 / 5.0).ceil() * 5.0).max(5.0);
        tracing::warn!(
            inverter.name = %self.inverter.name,
            "poll.every is too short for this plant, whose {due} blocks take {whole:.0}s: they are read in turn, some \
             later than each {}s; would do: {would_do:.0}s",
            self.inverter.every.as_secs()
        );
    }

    /// Asks what decides on the meaning of everything else, before anything is shown.
    pub(super) async fn ask_what_it_is(&mut self, end: Instant, connection: &mut Connection) -> Result<(), Ended> {
        while let Some(key) = self.plant.open_question() {
            match self.read(key, Patience::PROBE, end, connection).await? {
                Outcome::Read => self.plant.probe_answered(key),
                Outcome::Failed { .. } => self.plant.probe_failed(key),
                Outcome::OutOfTime => break,
            }
            if connection.reader.is_lost() {
                return Err(Ended::Unanswered);
            }
        }
        Ok(())
    }

    /// Asks at once what a command depends on, where that is open still: which settings there are.
    pub(super) async fn find_out(&mut self, by: Instant, connection: &mut Connection) -> Result<(), Stop> {
        while let Some(key) = self.plant.question_of_commands() {
            match self.read(key, Patience::PROBE, by, connection).await? {
                Outcome::Read => self.plant.probe_answered(key),
                Outcome::Failed { .. } => self.plant.probe_failed(key),
                Outcome::OutOfTime => return Err(self.not_known_yet().into()),
            }
            if connection.reader.is_lost() {
                return Err(self.not_known_yet().into());
            }
        }
        // How many all-in-ones a gateway has is among what the first cycle reads.
        let is_counted = |snapshot: &Snapshot| {
            let gateway = snapshot.gateway.as_ref();
            gateway.is_none_or(|gateway| gateway.aio_count.is_some()) || snapshot.stats.cycles > 0
        };
        let snapshot = self.report.snapshot(&mut self.plant, &self.inverter);
        if snapshot.as_ref().is_some_and(is_counted) { Ok(()) } else { Err(self.not_known_yet().into()) }
    }

    /// The next cycle may know it.
    pub(super) fn not_known_yet(&self) -> crate::control::Outcome {
        let left = (self.began + self.schedule.next()).saturating_duration_since(Instant::now());
        let seconds = left.as_secs() + 1;
        let why = format!("still finding out what is behind this inverter, try again in {seconds} s");
        crate::control::Outcome::refused("not_known", why)
    }

    /// Looks for what may be there, until enough of it was not; says whether there was time for that.
    async fn probe(&mut self, cycle: Cycle, mut end: Instant, connection: &mut Connection) -> Result<bool, Ended> {
        let (mut failures, mut asked) = (0, 0);
        while failures < cycle.probes && !self.has_probed_enough(cycle, asked) {
            self.take_an_order(&mut end, connection).await?;
            let Some(probe) = self.plant.next_probe() else { break };
            asked += 1;
            let patience = if probe.patient { Patience::live(self.inverter.timeout) } else { Patience::PROBE };
            match self.read(probe.key, patience, end, connection).await? {
                Outcome::Read => {
                    self.plant.probe_answered(probe.key);
                    self.confirm(&mut BTreeSet::new(), end, connection).await?;
                    self.report.publish(&mut self.plant, &self.inverter);
                }
                Outcome::Failed { .. } => {
                    failures += 1;
                    self.plant.probe_failed(probe.key);
                    if connection.reader.is_lost() {
                        return Err(Ended::Unanswered);
                    }
                }
                Outcome::OutOfTime => return Ok(false),
            }
        }
        Ok(true)
    }

    /// A single read asks for everything once; later there are as many questions as the cycle has.
    fn has_probed_enough(&self, cycle: Cycle, asked: u8) -> bool {
        if cycle.probes == u8::MAX {
            self.plant.all_probed_once()
        } else {
            self.plant.all_probed() && asked >= cycle.probes
        }
    }
}
