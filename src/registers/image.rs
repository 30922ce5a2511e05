use std::time::Duration;

use crate::frame::{Bank, BlockKey};

const PAGE: u16 = 60;

/// What was read last, of all devices behind one connection.
///
/// It is kept in pages of 60 registers, the vendor's own grid, sorted; a page knows which of its registers were ever
/// read, so that nothing unread can be taken for 0.
#[derive(Clone, Debug, Default)]
pub struct RegisterImage {
    pages: Vec<Page>,
}

#[derive(Clone, Debug)]
struct Page {
    key: (u8, Bank, u16),
    values: [u16; PAGE as usize],
    present: u64,
    /// When its registers were read last, on the process' monotonic clock.
    at: Duration,
    /// Nothing but zeros: the device answers for a block that it does not have.
    blank: bool,
}

/// What a commit did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Whether any register changed or is new.
    pub changed: bool,
}

impl Page {
    fn get(&self, address: u16) -> Option<u16> {
        let index = usize::from(address % PAGE);
        (self.present & (1 << index) != 0).then(|| self.values[index])
    }
}

impl RegisterImage {
    /// Takes a block over, whole. `at` is the process' monotonic time at which it arrived.
    pub fn commit(&mut self, key: BlockKey, values: &[u16], at: Duration) -> Commit {
        let mut changed = false;
        for (offset, &value) in (0..key.count).zip(values) {
            let Some(address) = key.base.checked_add(offset) else { break };
            let page = self.page_mut((key.device, key.bank, address / PAGE));
            let index = usize::from(address % PAGE);
            let bit = 1 << index;
            changed |= page.present & bit == 0 || page.values[index] != value;
            page.values[index] = value;
            page.present |= bit;
            page.at = at;
            page.blank =
                value == 0 && page.values.iter().all(|&value| value == 0) && !may_be_zero(key.bank, address / PAGE);
        }
        Commit { changed }
    }

    /// One register, if it was ever read.
    pub fn get(&self, device: u8, bank: Bank, address: u16) -> Option<u16> {
        self.page((device, bank, address / PAGE))?.get(address)
    }

    /// The registers of a block, if all of them were read.
    pub fn block(&self, key: BlockKey) -> Option<Vec<u16>> {
        (0..key.count).map(|offset| self.get(key.device, key.bank, key.base.checked_add(offset)?)).collect()
    }

    /// When the page of a register was read last.
    pub fn read_at(&self, device: u8, bank: Bank, address: u16) -> Option<Duration> {
        self.page((device, bank, address / PAGE)).map(|page| page.at)
    }

    /// Every register that was read: device, bank, address, value; sorted.
    pub fn iter(&self) -> impl Iterator<Item = (u8, Bank, u16, u16)> + '_ {
        self.pages.iter().flat_map(|page| {
            let (device, bank, number) = page.key;
            (0..PAGE)
                .filter(move |index| page.present & (1 << index) != 0)
                .map(move |index| (device, bank, number * PAGE + index, page.values[usize::from(index)]))
        })
    }

    /// Whether anything of a device was read.
    pub fn holds(&self, device: u8) -> bool {
        self.pages.iter().any(|page| page.key.0 == device)
    }

    /// Forgets the registers (device, bank, address) that are not to be kept.
    pub fn retain(&mut self, keep: impl Fn(u8, Bank, u16) -> bool) {
        for page in &mut self.pages {
            let (device, bank, number) = page.key;
            for index in (0..PAGE).filter(|index| !keep(device, bank, number * PAGE + index)) {
                page.present &= !(1 << index);
            }
        }
        self.pages.retain(|page| page.present != 0);
    }

    /// What one device says.
    pub fn view(&self, device: u8) -> View<'_> {
        View { image: self, device, mirror: None, only: None, without: None, blanks: false }
    }

    fn page(&self, key: (u8, Bank, u16)) -> Option<&Page> {
        self.pages.binary_search_by_key(&key, |page| page.key).ok().map(|at| &self.pages[at])
    }

    fn page_mut(&mut self, key: (u8, Bank, u16)) -> &mut Page {
        let at = match self.pages.binary_search_by_key(&key, |page| page.key) {
            Ok(at) => at,
            Err(at) => {
                self.pages
                    .insert(at, Page { key, values: [0; PAGE as usize], present: 0, at: Duration::ZERO, blank: true });
                at
            }
        };
        &mut self.pages[at]
    }
}

/// The page of a three-phase inverter that holds its export (IR 1240) and the second meter (IR 1244), and nothing else.
const EXPORT: (Bank, u16) = (Bank::Input, 1200 / PAGE);

/// The page of a three-phase inverter that holds its strings (IR 1001 to 1019), and nothing else.
const STRINGS: (Bank, u16) = (Bank::Input, 960 / PAGE);

/// Zeros are believed only of the optional blocks (flags of faults, and generation by night), of an export, and of
/// strings, which are dark by night and absent on an AC-coupled inverter: GivTCP publishes 0 W then.
fn may_be_zero(bank: Bank, page: u16) -> bool {
    super::plan::OPTIONAL.contains(&(bank, page * PAGE)) || [EXPORT, STRINGS].contains(&(bank, page))
}

/// What one device says; blocks that it does not answer itself are looked up at the address that mirrors it.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    image: &'a RegisterImage,
    device: u8,
    mirror: Option<(u8, &'a [(Bank, u16)])>,
    only: Option<(Bank, u16)>,
    without: Option<BlockKey>,
    blanks: bool,
}

impl<'a> View<'a> {
    /// The same, with the blocks (bank, base) that are read at `device` instead.
    #[must_use]
    pub fn mirrored(self, device: u8, blocks: &'a [(Bank, u16)]) -> Self {
        Self { mirror: Some((device, blocks)), ..self }
    }

    /// Nothing but this one block (bank, base) of it.
    #[must_use]
    pub fn only(self, block: (Bank, u16)) -> Self {
        Self { only: Some(block), ..self }
    }

    /// Without the registers of this block, at whichever device they are looked up.
    #[must_use]
    pub fn without(self, block: BlockKey) -> Self {
        Self { without: Some(block), ..self }
    }

    /// The same, with the zeros of blocks that hold nothing else, which are otherwise absent.
    #[must_use]
    pub fn with_blanks(self) -> Self {
        Self { blanks: true, ..self }
    }

    /// One register, if it was ever read and its block holds more than zeros.
    pub fn get(&self, bank: Bank, address: u16) -> Option<u16> {
        let block = (bank, address / PAGE * PAGE);
        if self.only.is_some_and(|only| only != block) {
            return None;
        }
        let device = match self.mirror {
            Some((mirror, blocks)) if blocks.contains(&block) => mirror,
            _ => self.device,
        };
        if self.without.is_some_and(|left_out| left_out.holds(device, bank, address)) {
            return None;
        }
        let page = self.image.page((device, bank, address / PAGE))?;
        if page.blank && !self.blanks { None } else { page.get(address) }
    }
}
