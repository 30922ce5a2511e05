//! What goes wrong between a plant and its clients, by name and rate.

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
}

impl Faults {
    /// Every fault at this rate.
    pub fn all(rate: f64) -> Self {
        let mut faults = Self::default();
        for &fault in Fault::ALL {
            *faults.rate_mut(fault) = rate;
        }
        faults
    }

    /// From `name=rate` separated by commas; `all=rate` stands for every fault, and later ones win.
    ///
    /// # Errors
    /// A name that is not one, or a rate that is no number from 0 to 1.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut faults = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, rate) = part.split_once('=').ok_or_else(|| format!("a fault is given as name=rate: {part}"))?;
            let known = |name: &str| name == "all" || Fault::ALL.iter().any(|fault| fault.name() == name);
            if !known(name.trim()) {
                let names: Vec<_> = Fault::ALL.iter().map(|fault| fault.name()).collect();
                return Err(format!("no such fault (there are all, {}): {}", names.join(", "), name.trim()));
            }
            let rate = rate
                .trim()
                .parse::<f64>()
                .ok()
                .filter(|rate| (0.0..=1.0).contains(rate))
                .ok_or_else(|| format!("the rate of {} must be from 0 to 1: {rate}", name.trim()))?;
            match name.trim() {
                "all" => faults = Self::all(rate),
                name => {
                    for fault in Fault::ALL.iter().filter(|fault| fault.name() == name) {
                        *faults.rate_mut(*fault) = rate;
                    }
                }
            }
        }
        Ok(faults)
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
    }

    #[test]
    fn what_is_no_fault_or_no_rate_is_refused() {
        assert_eq!(Faults::parse("crc=2").unwrap_err(), "the rate of crc must be from 0 to 1: 2");
        assert_eq!(Faults::parse("crc").unwrap_err(), "a fault is given as name=rate: crc");
        assert!(Faults::parse("crcs=0.1").unwrap_err().ends_with(": crcs"));
        assert!(Faults::parse("crc=NaN").is_err());
    }
}
