use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// Without being asked nothing larger is searched: a /22, 1022 addresses.
const LARGEST_UNASKED: u8 = 22;
/// Asked for it, nothing larger: a /16, which takes a good half hour.
const LARGEST: u8 = 16;
/// Without being asked so many networks are searched.
const MOST_UNASKED: usize = 4;

/// A network of IPv4 addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subnet {
    first: u32,
    length: u8,
}

/// Why a text names no network that can be searched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSubnet {
    /// It is none.
    #[error("must be a network as 192.168.1.0/24, or an address: {0}")]
    NotOne(String),
    /// It is too large.
    #[error("is too large to be searched, at most a /16: {0}")]
    TooLarge(String),
}

/// Which addresses are asked, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Networks that are searched.
    pub subnets: Vec<Subnet>,
    /// Networks of which only a part is searched, unless they are asked for.
    pub left_out: Vec<Subnet>,
    /// What is left out of them: this machine itself.
    pub own: Vec<Ipv4Addr>,
}

// === impl Subnet ===

impl Subnet {
    /// The network of this length that the address is in; lengths above 32 are 32.
    pub fn of(address: Ipv4Addr, length: u8) -> Self {
        let length = length.min(32);
        Self { first: u32::from(address) & mask(length), length }
    }

    /// Whether the address is in it.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        u32::from(address) & mask(self.length) == self.first
    }

    /// Its hosts in their order: without the network's own address and that of all, where it has such.
    fn hosts(self) -> impl Iterator<Item = Ipv4Addr> {
        let last = self.first | !mask(self.length);
        let has_both = self.length < 31;
        let (first, last) = if has_both { (self.first + 1, last - 1) } else { (self.first, last) };
        (first..=last).map(Ipv4Addr::from)
    }
}

const fn mask(length: u8) -> u32 {
    match 32_u32.checked_sub(length as u32) {
        Some(bits) if bits < 32 => u32::MAX << bits,
        _ => 0,
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.first), self.length)
    }
}

impl FromStr for Subnet {
    type Err = BadSubnet;

    /// A network, or one address.
    fn from_str(text: &str) -> Result<Self, BadSubnet> {
        let none = || BadSubnet::NotOne(text.chars().take(60).filter(|c| !c.is_control()).collect());
        let (address, length) = text.split_once('/').unwrap_or((text, "32"));
        let address: Ipv4Addr = address.parse().map_err(|_| none())?;
        let length: u8 = length.parse().ok().filter(|length| *length <= 32).ok_or_else(none)?;
        if length < LARGEST {
            return Err(BadSubnet::TooLarge(text.to_owned()));
        }
        Ok(Self::of(address, length))
    }
}

// === impl Plan ===

impl Plan {
    /// What was asked for.
    pub fn asked(subnets: &[Subnet]) -> Self {
        Self { subnets: without_repeats(subnets.to_vec()), ..Self::default() }
    }

    /// What is searched without being asked, given the addresses of this machine with the lengths of their prefixes:
    /// their networks, of large ones the part around the address, of an address alone its neighbours.
    pub fn unasked(addresses: &[(Ipv4Addr, u8)]) -> Self {
        let (mut subnets, mut left_out) = (Vec::new(), Vec::new());
        for &(address, length) in addresses {
            let length = if length >= 31 { 24 } else { length };
            if length < LARGEST_UNASKED {
                left_out.push(Subnet::of(address, length));
            }
            subnets.push(Subnet::of(address, length.max(LARGEST_UNASKED)));
        }
        let mut subnets = without_repeats(subnets);
        subnets.truncate(MOST_UNASKED);
        let own = addresses.iter().map(|(address, _)| *address).collect();
        Self { subnets, left_out: without_repeats(left_out), own }
    }

    /// With the neighbours of an address at which an inverter was.
    #[must_use]
    pub fn and_around(mut self, address: Ipv4Addr) -> Self {
        if !self.subnets.iter().any(|subnet| subnet.contains(address)) {
            self.subnets.insert(0, Subnet::of(address, 24));
        }
        self
    }

    /// Every address that is asked: of all networks the first ones, then the second ones, and so on, so that none waits
    /// for a large one. No address twice.
    pub fn addresses(&self) -> Vec<Ipv4Addr> {
        let mut seen: BTreeSet<Ipv4Addr> = self.own.iter().copied().collect();
        let mut hosts: Vec<_> = self.subnets.iter().map(|subnet| subnet.hosts()).collect();
        let mut addresses = Vec::new();
        while !hosts.is_empty() {
            hosts.retain_mut(|hosts| match hosts.next() {
                Some(host) => {
                    if seen.insert(host) {
                        addresses.push(host);
                    }
                    true
                }
                None => false,
            });
        }
        addresses
    }

    /// The networks, for a line of text.
    pub fn searched(&self) -> String {
        self.subnets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// The small ones first; what another one holds is left out.
fn without_repeats(mut subnets: Vec<Subnet>) -> Vec<Subnet> {
    subnets.sort_by_key(|subnet| (std::cmp::Reverse(subnet.length), subnet.first));
    subnets.dedup();
    let all = subnets.clone();
    let is_in = |small: &Subnet, large: &Subnet| large.length < small.length && large.contains(small.first.into());
    subnets.retain(|small| !all.iter().any(|large| is_in(small, large)));
    subnets
}
