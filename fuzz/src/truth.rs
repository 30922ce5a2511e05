//! Plants that tell the truth: a day and a quarter of each simulated plant, one image of its registers every 5 minutes.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use givtcp::catalogue::Layout;
use givtcp::frame::{Bank, BlockKey, Serial};
use givtcp::plant::snapshot::{Snapshot, Stats};
use givtcp::plant::{INVERTER, Plant, Refused, SnapshotContext};
use givtcp::simulator::{Family, Options, Simulator};
use jiff::{Timestamp, tz::TimeZone};

/// The inverter's first block, which says who it is.
pub const FIRST: BlockKey = BlockKey::new(INVERTER, Bank::Holding, 0, 60);
/// Between two images.
pub const BETWEEN: Duration = Duration::from_secs(300);
/// So many images, over a midnight.
const IMAGES: usize = 30 * 12;
/// What the plant's clock shows in the beginning: 9:00 on the 5th of June 2026, British time.
const START: Timestamp = Timestamp::constant(1_780_646_400, 0);
/// British time, spelled out so that the machine needs no zones.
const BRITAIN: &str = "GMT0BST,M3.5.0/1,M10.5.0";

/// A simulated plant and what it said.
#[derive(Debug)]
pub struct Truth {
    /// The inverter's serial, which stands in each reply.
    pub inverter: Serial,
    /// The data adapter's.
    pub dongle: Serial,
    /// Every block that answers, in order.
    pub keys: Vec<BlockKey>,
    /// The blocks' values, by the number of the image.
    images: Vec<Vec<Vec<u16>>>,
    /// What true reads publish where something is named.
    pub names: BTreeSet<String>,
    /// The serials that true reads publish as levels of paths.
    pub levels: BTreeSet<String>,
}

/// Every plant that the simulator has.
pub fn plants() -> &'static [Truth] {
    static PLANTS: OnceLock<Vec<Truth>> = OnceLock::new();
    PLANTS.get_or_init(|| {
        let options = |family| Options { family, step: Duration::from_secs(60), ..Options::default() };
        Family::ALL.iter().map(|&family| Truth::of(options(family))).collect()
    })
}

impl Truth {
    fn of(options: Options) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let mut truth = runtime.expect("a runtime").block_on(recorded(options));
        truth.know_names();
        truth
    }

    /// What a block says so long after the beginning.
    pub fn values(&self, key: BlockKey, elapsed: Duration) -> Option<&[u16]> {
        let image = usize::try_from(elapsed.as_secs() / BETWEEN.as_secs()).ok()?.min(self.images.len() - 1);
        let at = self.keys.iter().position(|known| *known == key)?;
        Some(&self.images[image][at])
    }

    /// How much time is known.
    pub fn length(&self) -> Duration {
        BETWEEN * self.images.len() as u32
    }

    /// A plant that read everything as it was so long after the beginning.
    pub fn read_all(&self, elapsed: Duration) -> Plant {
        let mut plant = Plant::new();
        for &key in std::iter::once(&FIRST).chain(&self.keys) {
            take(&mut plant, key, self.values(key, elapsed).expect("a block that answers"), self.inverter, elapsed);
        }
        plant
    }

    fn know_names(&mut self) {
        let mut layout = Layout::new(true);
        for number in [0, self.images.len() - 1] {
            let elapsed = BETWEEN * number as u32;
            let mut plant = self.read_all(elapsed);
            let shown = snapshot(&mut plant, elapsed).expect("an identity");
            for leaf in layout.tree(&shown).leaves {
                self.levels.extend(leaf.path.split('/').filter(|level| is_serial(level)).map(str::to_owned));
                if is_name(&leaf.path) {
                    self.names.insert(leaf.payload.to_string());
                }
            }
        }
    }
}

/// Whether the leaf at this path says who or what something is.
pub fn is_name(path: &str) -> bool {
    let leaf = path.rsplit('/').next().unwrap_or(path);
    !path.starts_with("Stats/") && (leaf.contains("erial") || leaf == "Invertor_Type" || leaf == "model")
}

/// Whether a level of a path is a serial number.
pub fn is_serial(level: &str) -> bool {
    level.parse::<Serial>().is_ok_and(|serial| serial.is_plausible())
}

/// Reads a block until it is believed or refused, at most three times.
pub fn take(plant: &mut Plant, key: BlockKey, values: &[u16], envelope: Serial, at: Duration) {
    for _ in 0..3 {
        if !matches!(plant.accept(key, values, Some(envelope), at), Err(Refused::Held(_))) {
            break;
        }
    }
}

/// What the plant shows so long after the beginning.
pub fn snapshot(plant: &mut Plant, elapsed: Duration) -> Option<Snapshot> {
    let now = START.checked_add(elapsed).expect("a time");
    let zone = TimeZone::posix(BRITAIN).expect("a zone");
    let stats = Stats { online: true, last_updated: Some(now), ..Stats::default() };
    plant.snapshot(&SnapshotContext { now, elapsed, zone, stats, prices: Arc::default(), overrides: None })
}

async fn recorded(options: Options) -> Truth {
    let simulator = Simulator::new(options);
    let mut keys = Vec::new();
    let mut images = Vec::with_capacity(IMAGES);
    for _ in 0..IMAGES {
        let blocks = simulator.registers();
        keys = blocks
            .iter()
            .map(|(device, bank, base, values)| BlockKey::new(*device, *bank, *base, values.len() as u16))
            .collect();
        images.push(blocks.into_iter().map(|(.., values)| values).collect());
        tokio::time::advance(BETWEEN).await;
    }
    Truth {
        inverter: simulator.inverter_serial(),
        dongle: simulator.dongle_serial(),
        keys,
        images,
        names: BTreeSet::new(),
        levels: BTreeSet::new(),
    }
}
