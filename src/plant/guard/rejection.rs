use std::fmt;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])* $name:ident $text:literal $meaning:literal,)*) => {
        /// Why something that arrived whole was not believed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Rejection {
            $($(#[doc = $doc])* $name,)*
        }

        impl Rejection {
            /// Every reason, in the order of the counters.
            pub const ALL: [Self; [$($text,)*].len()] = [$(Self::$name,)*];

            /// Its name, as counted and as published.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What it means, for people.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }
        }
    };
}

reasons! {
    /// More or fewer registers than the block has.
    Length "length" "the reply has another length than its block",
    /// A packet of the network where registers should be.
    StrayPacket "stray_packet" "the dongle put a packet of its network in the reply's place",
    /// A block of zeros where there were values.
    AllZero "all_zero" "nothing but zeros came where there were values",
    /// One end of a block fell to zeros, and the next read did not agree.
    PartZero "part_zero" "a part of a block fell to zeros at once, and was back",
    /// A serial that no device has.
    SerialShape "serial_shape" "it bears a serial number that no device has",
    /// A frame bears one serial, and the registers in it another.
    SerialContradiction "serial_contradiction" "the frame bears one serial number and its registers another",
    /// HR 0 to 59 tell of another model, and did not yet do so three times.
    OtherModel "other_model" "it tells of another model, which is believed when it was read three times",
    /// The inverter's clock shows a time that does not exist. A read that comes once is dropped whole; what
    /// stays so takes the clock away and nothing else.
    ImpossibleClock "impossible_clock" "the inverter's clock shows a time that does not exist; if it does so twice, only the clock is dropped",
    /// All cells of a battery that lives are zero.
    CellsZero "cells_zero" "all cells are zero and the battery is not",
    /// A first page of a battery that has no temperatures.
    TemperaturesZero "temperatures_zero" "a battery's first page has no temperatures",
    /// The first block of a device, and the next one did not agree with it.
    FirstBlock "first_block" "the first block of a device was not like the second",
    /// One register of a battery moved further than it can, and the next read did not agree.
    BatteryStep "battery_step" "one register of a battery moved further than it can, and back",
    /// Several registers of a battery moved further than they can.
    Splice "splice" "several registers of a battery moved further than they can: pages of two batteries may be mixed",
    /// A battery has another number of cells or another firmware than before.
    BatteryKind "battery_kind" "a battery has other firmware or another number of cells, which is believed after a while",
    /// A device has another serial than before.
    SerialChange "serial_change" "a device has another serial number than before",
    /// A field's value cannot be. A read that comes once is dropped whole; what stays so takes the field away and
    /// nothing else.
    ImplausibleField "implausible_field" "a field has a value that cannot be; if it has it twice, only the field is dropped",
    /// A power, voltage or state of charge moved further than it can, and the next read did not agree.
    Jump "jump" "a value moved further than it can, and back",
    /// What the inverter gives is not what house and grid take, and the next read did not agree.
    Imbalance "imbalance" "what the inverter gave was not what house and grid took",
    /// What another block says, and the next read did not agree.
    OtherBlock "other_block" "it holds what another block says",
    /// What is told and not measured changed, and the next read did not agree.
    StateChange "state_change" "a version, state, fault or setting changed, and back",
    /// An energy counter shows more than can have flowed. Only the counter keeps its value.
    CounterJump "counter_jump" "an energy counter shows more than can have flowed; it keeps its value, the rest is believed",
    /// An energy counter shows less than it did. Only the counter keeps its value.
    CounterFall "counter_fall" "an energy counter shows less than it did; it keeps its value, the rest is believed",
    /// A counter of the day shows what the day before ended with. Only the counter keeps its value.
    LateYesterday "late_yesterday" "a counter of the day shows yesterday's energy; it keeps its value, the rest is believed",
    /// An energy counter has contradicted what was believed for so long that it is believed now.
    CounterAnew "counter_anew" "an energy counter has contradicted what was believed for so long that it is believed now",
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How often each guard rejected something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rejections([u64; Rejection::ALL.len()]);

impl Rejections {
    pub(super) fn count(&mut self, reason: Rejection) {
        self.0[reason as usize] += 1;
    }

    /// How often this one did.
    pub fn of(&self, reason: Rejection) -> u64 {
        self.0[reason as usize]
    }

    /// How often any did.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}
