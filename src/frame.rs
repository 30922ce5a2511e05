//! The dongle's wire format: what stands in a frame, and the codec between bytes and frames.
//!
//! Facts: the wire protocol as observed on real dongles. Every frame begins with the marker `59 59 00 01` and a length;
//! inside a "transparent" frame stands a Modbus-like request or reply with a length and a CRC of its own.
//! This room knows no sockets and no clocks.

mod codec;
mod serial;

pub use codec::DongleCodec;
pub use serial::{Serial, replace_serials};

use std::fmt;

use serde::{Deserialize, Serialize};

/// The most registers that one request may ask for, and one reply may carry.
pub const MAX_REGISTERS: u16 = 60;

/// One of the register banks that a device answers from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Bank {
    /// Holding registers (function 3): settings.
    #[serde(rename = "HR")]
    Holding,
    /// Input registers (function 4): what is measured.
    #[serde(rename = "IR")]
    Input,
    /// A meter's product information (function 0x16). Only on the dongle: standard Modbus has mask write there.
    #[serde(rename = "MR")]
    MeterProduct,
}

impl Bank {
    /// The function code that reads this bank.
    pub const fn function(self) -> u8 {
        match self {
            Self::Holding => 3,
            Self::Input => 4,
            Self::MeterProduct => 0x16,
        }
    }

    /// The bank that a function code reads, if it reads one.
    pub const fn of_function(code: u8) -> Option<Self> {
        match code {
            3 => Some(Self::Holding),
            4 => Some(Self::Input),
            0x16 => Some(Self::MeterProduct),
            _ => None,
        }
    }

    /// The short name that people use: `HR`, `IR`, `MR`.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Holding => "HR",
            Self::Input => "IR",
            Self::MeterProduct => "MR",
        }
    }
}

/// Function code of a single register write.
pub const WRITE_HOLDING: u8 = 6;

/// The name of a block: registers that are read together, from one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockKey {
    /// Device address behind the connection, e.g. 0x11 for the inverter.
    pub device: u8,
    /// Which bank.
    pub bank: Bank,
    /// First register.
    pub base: u16,
    /// How many registers, 1 to [`MAX_REGISTERS`].
    pub count: u16,
}

impl BlockKey {
    /// The block of `count` registers of `bank` from `base` on, at `device`.
    pub const fn new(device: u8, bank: Bank, base: u16, count: u16) -> Self {
        Self { device, bank, base, count }
    }

    /// Whether it is of this device and bank, and this register is in it.
    pub const fn holds(&self, device: u8, bank: Bank, register: u16) -> bool {
        self.device == device
            && self.bank as u8 == bank as u8
            && self.base <= register
            && register - self.base < self.count
    }
}

impl fmt::Display for BlockKey {
    /// As people write it: `IR 60+60 at 0x32`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}+{} at {:#04x}", self.bank, self.base, self.count, self.device)
    }
}

/// What a client asks a device for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ask {
    /// Read `count` (1 to 60) registers of `bank` from `base` on.
    Read {
        /// Which bank.
        bank: Bank,
        /// First register.
        base: u16,
        /// How many registers, 1 to [`MAX_REGISTERS`].
        count: u16,
    },
    /// Write one holding register.
    Write {
        /// Which register.
        register: u16,
        /// Its new value.
        value: u16,
    },
}

/// What a device answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The registers that were asked for.
    Read {
        /// Which bank.
        bank: Bank,
        /// First register.
        base: u16,
        /// The values, at most [`MAX_REGISTERS`].
        values: Vec<u16>,
    },
    /// The echo of a write. It says that the write arrived, not that it had an effect.
    Write {
        /// Which register.
        register: u16,
        /// The value that arrived.
        value: u16,
    },
    /// A refusal. There is no reason on the wire, and the count is often 0, so it is matched without it.
    Error {
        /// The function that was refused, without its error bit.
        function: u8,
        /// First register of the request.
        base: u16,
        /// Count or value of the request, or 0.
        count: u16,
    },
}

/// One frame, in either direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The dongle asks whether the client lives, or the client answers that it does.
    Heartbeat {
        /// The data adapter's serial (in an answer: any ten characters).
        adapter: Serial,
        /// 0 WiFi, 1 GPRS; the answer repeats it.
        kind: u8,
    },
    /// From client to dongle.
    Request {
        /// The data adapter's serial; dongles accept any ten alphanumerics.
        adapter: Serial,
        /// Which device behind the dongle.
        device: u8,
        /// What is asked.
        ask: Ask,
    },
    /// From dongle to client.
    Reply {
        /// The data adapter's serial.
        adapter: Serial,
        /// Which device answers.
        device: u8,
        /// Serial of the addressed device; of a battery or meter it is the inverter's.
        serial: Serial,
        /// What it says.
        answer: Answer,
    },
    /// A reply with function 0 and nothing in it. It means nothing.
    Null {
        /// The device address that stands in it.
        device: u8,
    },
    /// The dongle tells its network configuration. What it says is private: it is recognised and dropped.
    LanBroadcast,
}

/// Why bytes were not taken for a frame. The stream goes on behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Bytes before the next marker.
    #[error("skipped bytes that belong to no frame: {0}")]
    Garbage(usize),
    /// The header is not one: unit, function or length is impossible.
    #[error("impossible header: unit {unit:#04x}, function {function:#04x}, length {length}")]
    Header {
        /// Unit id.
        unit: u8,
        /// Outer function.
        function: u8,
        /// Outer length.
        length: u16,
    },
    /// A frame ended early: the next one begins inside it, or nothing more came.
    #[error("truncated frame: {0} bytes")]
    Truncated(usize),
    /// The inner length is not what is left of the frame, or does not fit the register count.
    #[error("inner length {said} where {is} is left")]
    InnerLength {
        /// What the frame says.
        said: u64,
        /// What it should say.
        is: u64,
    },
    /// The CRC is wrong.
    #[error("CRC {said:#06x} where {is:#06x} was computed")]
    Crc {
        /// What the frame says.
        said: u16,
        /// What was computed.
        is: u16,
    },
    /// A whole frame with a function that is not known.
    #[error("unknown function: {0:#04x}")]
    Function(u8),
    /// A request for no or too many registers.
    #[error("register count outside 1..=60: {0}")]
    Count(u16),
}

impl fmt::Display for Bank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short())
    }
}

#[cfg(test)]
mod tests;
