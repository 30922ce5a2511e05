//! Simulated plants of every family, read as the poller reads them.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::control::{Command, Context, Plan, Refusal, plan};
use crate::frame::{Bank, BlockKey};
use crate::plant::snapshot::{Snapshot, Stats};
use crate::plant::tests::fixture::{FIRST, take};
use crate::plant::{INVERTER, Plant, SnapshotContext};
use crate::registers::plan::{Due, blocks};
use crate::simulator::{Family, Options, Simulator};

/// A simulated plant that stands still at 9:00 on 5 June 2026.
pub(crate) struct Bench {
    pub(crate) simulator: Simulator,
    /// What was found of it once.
    plant: Plant,
}

pub(crate) fn at(time: &str) -> DateTime {
    time.parse().unwrap()
}

impl Bench {
    pub(crate) fn new(family: Family) -> Self {
        Self::with(Options { speed: 0.0, family, ..Options::default() })
    }

    pub(crate) fn with(options: Options) -> Self {
        let simulator = Simulator::new(options);
        let mut plant = Plant::new();
        read(&simulator, &mut plant, FIRST);
        while !plant.all_probed() {
            let Some(probe) = plant.next_probe() else { break };
            if read(&simulator, &mut plant, probe.key) {
                plant.probe_answered(probe.key);
            } else {
                plant.probe_failed(probe.key);
            }
        }
        Self { simulator, plant }
    }

    /// Makes it read all that is due, as it is now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut plant = self.plant.clone();
        let capabilities = plant.capabilities().unwrap().clone();
        read(&self.simulator, &mut plant, FIRST);
        for key in blocks(&capabilities, Due { live: true, settings: true }) {
            read(&self.simulator, &mut plant, key);
        }
        let context = SnapshotContext {
            now: "2026-06-05T08:00:00Z".parse().unwrap(),
            elapsed: Duration::from_secs(1),
            zone: TimeZone::get("Europe/London").unwrap(),
            stats: Stats::default(),
            prices: std::sync::Arc::default(),
            overrides: None,
        };
        plant.snapshot(&context).expect("an identity")
    }

    pub(crate) fn context(&self) -> Context {
        Context::of(&self.snapshot(), Some(at("2026-06-05T09:00:00")), Some(15))
    }

    pub(crate) fn plan(&self, name: &str, payload: &str) -> Result<Plan, Refusal> {
        let payload = payload.replace("SERIAL", &self.simulator.inverter_serial().to_string());
        plan(&Command::parse(name, &payload).unwrap(), &self.context())
    }

    /// Carries a plan out, as far as it is not so already.
    pub(crate) fn apply(&self, plan: &Plan) {
        for step in plan.against(&self.context().known).steps() {
            let (register, value) = (step.write.register(), step.write.value());
            assert!(
                self.simulator.write(register, value),
                "{} refuses HR {register} = {value}",
                self.simulator.family()
            );
        }
    }

    /// What a holding register of the inverter has now.
    pub(crate) fn holds(&self, register: u16) -> Option<u16> {
        self.simulator.get(INVERTER, Bank::Holding, register)
    }
}

fn read(simulator: &Simulator, plant: &mut Plant, key: BlockKey) -> bool {
    let values = (key.base..key.base + key.count).map(|register| simulator.get(key.device, key.bank, register));
    match values.collect::<Option<Vec<u16>>>() {
        Some(values) => {
            take(plant, key, &values);
            true
        }
        None => false,
    }
}

/// One line for each register that is written: `HR 96 = 1`.
pub(crate) fn writes(plan: &Plan) -> String {
    let steps = plan.steps().iter().map(|step| format!("{}={}", step.write.register(), step.write.value()));
    steps.collect::<Vec<_>>().join(" ")
}
