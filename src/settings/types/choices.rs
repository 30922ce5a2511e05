//! Settings that are one of a few words.

use std::fmt;

/// What of an inverter is published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything, unless a gateway or plant controller among the inverters leads it: `auto`.
    #[default]
    Auto,
    /// Its batteries and what it is, no totals: `battery_only`.
    BatteryOnly,
}

/// What is spoken on an inverter's connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Transport {
    /// The dongle's own framing: `dongle`.
    #[default]
    Dongle,
    /// Modbus TCP, from an RS485 gateway that translates: `modbus-tcp`.
    ModbusTcp,
    /// Modbus RTU frames over TCP, from an RS485 gateway that passes them on: `rtu-over-tcp`.
    RtuOverTcp,
}

/// MQTT's quality of service, written `0`, `1` or `2`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Qos {
    /// 0: at most once.
    #[default]
    AtMostOnce,
    /// 1: at least once.
    AtLeastOnce,
    /// 2: exactly once.
    ExactlyOnce,
}

/// How leaps of measured values are held back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Smoothing {
    /// Not at all: `none`.
    #[default]
    None,
    /// The largest ones: `low`.
    Low,
    /// Large ones: `medium`.
    Medium,
    /// Smaller ones too: `high`.
    High,
}

/// What becomes of polls while Redis cannot be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WhenRedisIsDown {
    /// They wait until it can be: `wait`.
    #[default]
    Wait,
    /// They go on with the locks of this machine: `local`. Another machine may then poll too.
    Local,
}

/// Where locks are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LockBackend {
    /// In Redis if its address is set, otherwise in files: `auto`.
    #[default]
    Auto,
    /// In this process: `local`.
    Local,
    /// In files below the data directory, between processes of one machine: `file`.
    File,
    /// In Redis, between machines: `redis`.
    Redis,
}

/// Who may read over HTTP, beside programs of this machine and of Home Assistant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Readers {
    /// Who has the token: `token`.
    #[default]
    Token,
    /// Anyone who reaches the port: `anyone`.
    Anyone,
}

/// Which entities Home Assistant is told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Entities {
    /// Those of this program: `native`.
    #[default]
    Native,
    /// Those that GivTCP made, with its ids: `givtcp`.
    GivTcp,
    /// None: `off`.
    Off,
}

/// Which overrides are undone before the program stops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnStop {
    /// Those that the battery would follow beyond their slot's end: `auto`.
    #[default]
    Auto,
    /// All: `undo`.
    Undo,
}

// === impl Transport, Role, Qos, Smoothing, LockBackend, WhenRedisIsDown, Readers, Entities, OnStop ===

impl Transport {
    /// Every transport, with its name in the settings.
    pub const NAMES: [(&str, Self); 3] =
        [("dongle", Self::Dongle), ("modbus-tcp", Self::ModbusTcp), ("rtu-over-tcp", Self::RtuOverTcp)];

    /// 8899 for the dongle, 502 for Modbus.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Dongle => 8899,
            Self::ModbusTcp | Self::RtuOverTcp => 502,
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&Self::NAMES, self))
    }
}

impl Role {
    /// Every role, with its name in the settings.
    pub const NAMES: [(&str, Self); 2] = [("auto", Self::Auto), ("battery_only", Self::BatteryOnly)];
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&Self::NAMES, self))
    }
}

impl Qos {
    /// Every quality of service, with its name in the settings.
    pub const NAMES: [(&str, Self); 3] = [("0", Self::AtMostOnce), ("1", Self::AtLeastOnce), ("2", Self::ExactlyOnce)];
}

impl fmt::Display for Qos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&Self::NAMES, self))
    }
}

impl Smoothing {
    /// Every degree, with its name in the settings.
    pub const NAMES: [(&str, Self); 4] =
        [("none", Self::None), ("low", Self::Low), ("medium", Self::Medium), ("high", Self::High)];
}

impl fmt::Display for Smoothing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&Self::NAMES, self))
    }
}

impl LockBackend {
    /// Every backend, with its name in the settings.
    pub const NAMES: [(&str, Self); 4] =
        [("auto", Self::Auto), ("local", Self::Local), ("file", Self::File), ("redis", Self::Redis)];
}

impl WhenRedisIsDown {
    /// Every choice, with its name in the settings.
    pub const NAMES: [(&str, Self); 2] = [("wait", Self::Wait), ("local", Self::Local)];
}

impl Readers {
    /// Every choice, with its name in the settings.
    pub const NAMES: [(&str, Self); 2] = [("token", Self::Token), ("anyone", Self::Anyone)];
}

impl fmt::Display for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&Self::NAMES, self))
    }
}

impl fmt::Display for WhenRedisIsDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&Self::NAMES, self))
    }
}

impl fmt::Display for LockBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&Self::NAMES, self))
    }
}

impl OnStop {
    /// Every choice, with its name in the settings.
    pub const NAMES: [(&str, Self); 2] = [("auto", Self::Auto), ("undo", Self::Undo)];
}

impl Entities {
    /// Every choice, with its name in the settings.
    pub const NAMES: [(&str, Self); 3] = [("native", Self::Native), ("givtcp", Self::GivTcp), ("off", Self::Off)];
}

impl fmt::Display for Entities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&Self::NAMES, self))
    }
}

impl fmt::Display for OnStop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&Self::NAMES, self))
    }
}

pub(super) fn name_of<T: PartialEq>(names: &[(&'static str, T)], wanted: &T) -> &'static str {
    names.iter().find(|(_, value)| value == wanted).map_or("", |(name, _)| name)
}
