//! What goes wrong between a plant and its clients, by name and rate.
//!
//! Two sorts: of delivery, which a client can see to be wrong or that nothing came, and of content, whose frames are
//! right in every way and whose values are not.

use std::fmt;

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident $variant:ident $text:literal,)*) => {
        /// How often each fault happens, as a share of the answers, 0 to 1.
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        pub struct Faults {
            $($(#[$doc])* pub $name: f64,)*
        }

        /// One kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault {
            $($(#[$doc])* $variant,)*
        }

        impl Fault {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in settings and counts.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl Faults {
            /// How often this one happens.
            pub const fn rate(&self, fault: Fault) -> f64 {
                match fault { $(Fault::$variant => self.$name,)* }
            }

            fn rate_mut(&mut self, fault: Fault) -> &mut f64 {
                match fault { $(Fault::$variant => &mut self.$name,)* }
            }
        }
    };
}

faults! {
    /// No answer. A write that is not answered was lost on its way, or its answer was.
    silence Silence "silence",
    /// The answer takes 0.5 to 3 s longer, and everybody waits.
    delay Delay "delay",
    /// The answer comes after 2 to 5 s, and others are answered meanwhile.
    late Late "late",
    /// The frame's CRC is wrong.
    crc Crc "crc",
    /// The frame is cut at a random place.
    cut Cut "cut",
    /// Random bytes stand before the frame.
    garbage Garbage "garbage",
    /// A correct answer to what another client asked comes too.
    foreign Foreign "foreign",
    /// An error reply, sometimes with count 0.
    error Error "error",
    /// A block of zeros, with correct CRC and serial.
    zeros Zeros "zeros",
    /// The connection is closed.
    reset Reset "reset",
    /// A write takes effect 4 s after its echo.
    write_late WriteLate "write_late",
    /// A write is echoed and has no effect.
    write_ignored WriteIgnored "write_ignored",
    /// One bit of one register of a block is wrong, with correct CRC and serial, as in all that follow.
    bit Bit "bit",
    /// The high word of a counter of 32 bits is another, which is a multiple of 6553.6 kWh; sometimes, and in blocks
    /// that have no counter, any register is another.
    high_word HighWord "high_word",
    /// One register is ten times what it is.
    times_ten TimesTen "times_ten",
    /// Part of the block is that of another block or device.
    splice Splice "splice",
    /// All values are those of another address.
    misaddressed Misaddressed "misaddressed",
    /// The registers of an input block are a stray IP packet.
    ip_packet IpPacket "ip_packet",
    /// The block is as it was answered last time; at rate 1 it is frozen.
    repeat Repeat "repeat",
}

impl Fault {
    /// Those of delivery: what arrives whole is true, but for blocks of zeros.
    pub const DELIVERY: &'static [Self] = &[
        Self::Silence,
        Self::Delay,
        Self::Late,
        Self::Crc,
        Self::Cut,
        Self::Garbage,
        Self::Foreign,
        Self::Error,
        Self::Zeros,
        Self::Reset,
        Self::WriteLate,
        Self::WriteIgnored,
    ];

    /// Those of content: what arrives is whole and not true.
    pub const CONTENT: &'static [Self] =
        &[Self::Bit, Self::HighWord, Self::TimesTen, Self::Splice, Self::Misaddressed, Self::IpPacket, Self::Repeat];
}

impl Faults {
    /// Every fault of delivery at this rate.
    pub fn all(rate: f64) -> Self {
        Self::default().with(Fault::DELIVERY, rate)
    }

    /// Every fault of content at this rate.
    pub fn content(rate: f64) -> Self {
        Self::default().with(Fault::CONTENT, rate)
    }

    /// These faults at this rate, the others as they are.
    #[must_use]
    pub fn with(mut self, faults: &[Fault], rate: f64) -> Self {
        for &fault in faults {
            *self.rate_mut(fault) = rate;
        }
        self
    }

    /// From `name=rate` separated by commas; `all=rate` stands for every fault of delivery, `content=rate` for every
    /// one of content, and later ones win.
    ///
    /// # Errors
    /// A name that is not one, or a rate that is no number from 0 to 1.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut faults = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, rate) = part.split_once('=').ok_or_else(|| format!("a fault is given as name=rate: {part}"))?;
            let name = name.trim();
            let Some(meant) = named(name) else {
                let names: Vec<_> = Fault::ALL.iter().map(|fault| fault.name()).collect();
                return Err(format!("no such fault (there are all, content, {}): {name}", names.join(", ")));
            };
            let rate = rate
                .trim()
                .parse::<f64>()
                .ok()
                .filter(|rate| (0.0..=1.0).contains(rate))
                .ok_or_else(|| format!("the rate of {name} must be from 0 to 1: {rate}"))?;
            faults = faults.with(&meant, rate);
        }
        Ok(faults)
    }
}

/// The faults that a name in settings stands for.
fn named(name: &str) -> Option<Vec<Fault>> {
    match name {
        "all" => Some(Fault::DELIVERY.to_vec()),
        "content" => Some(Fault::CONTENT.to_vec()),
        name => Fault::ALL.iter().find(|fault| fault.name() == name).map(|&fault| vec![fault]),
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_by_name_and_later_ones_win() {
        let faults = Faults::parse("all=0.02, crc=0.1").unwrap();
        assert_eq!(faults, Faults { crc: 0.1, ..Faults::all(0.02) });
        assert_eq!(Faults::parse(""), Ok(Faults::default()));
        assert_eq!(Faults::parse("content=0.01,repeat=0").unwrap(), Faults { repeat: 0.0, ..Faults::content(0.01) });
    }

    #[test]
    fn every_fault_is_of_delivery_or_of_content() {
        let both: Vec<Fault> = Fault::DELIVERY.iter().chain(Fault::CONTENT).copied().collect();
        assert_eq!(both, Fault::ALL);
    }

    #[test]
    fn what_is_no_fault_or_no_rate_is_refused() {
        assert_eq!(Faults::parse("crc=2").unwrap_err(), "the rate of crc must be from 0 to 1: 2");
        assert_eq!(Faults::parse("crc").unwrap_err(), "a fault is given as name=rate: crc");
        assert!(Faults::parse("crcs=0.1").unwrap_err().ends_with(": crcs"));
        assert!(Faults::parse("crc=NaN").is_err());
    }
}
