//! How often one sender may ask: pure, time is an argument.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use tokio::time::Instant;

/// So much may be asked at once, after a rest.
const BURST: f64 = 400.0;
/// What comes back a second.
const PER_SECOND: f64 = 200.0;
/// So many senders are remembered.
const MOST: usize = 1024;

/// What a request costs; of commands there are other bounds besides.
pub(super) const ASKING: f64 = 1.0;
/// What a wrong token costs: a sender has some 20 guesses at once and 10 a second then.
pub(super) const GUESSING: f64 = 20.0;

/// How much each sender has left.
#[derive(Debug, Default)]
pub(super) struct Limits(HashMap<IpAddr, Left>);

#[derive(Clone, Copy, Debug)]
struct Left {
    amount: f64,
    at: Instant,
}

impl Limits {
    /// Takes what a request costs; or says how long to wait before the next one.
    pub(super) fn take(&mut self, sender: IpAddr, cost: f64, now: Instant) -> Result<(), Duration> {
        if self.0.len() >= MOST {
            // Who has rested enough is as one that never came.
            self.0.retain(|_, left| left.now(now) < BURST);
        }
        let sender = network(sender);
        if self.0.len() >= MOST && !self.0.contains_key(&sender) {
            return Err(Duration::from_secs(1));
        }
        let left = self.0.entry(sender).or_insert(Left { amount: BURST, at: now });
        let amount = left.now(now);
        *left = Left { amount, at: now };
        if amount < cost {
            return Err(Duration::from_secs_f64((cost - amount) / PER_SECOND));
        }
        left.amount -= cost;
        Ok(())
    }
}

impl Left {
    fn now(self, now: Instant) -> f64 {
        let rested = now.saturating_duration_since(self.at).as_secs_f64();
        (self.amount + rested * PER_SECOND).min(BURST)
    }
}

/// One sender: an IPv4 address, or the network of an IPv6 one, of which a machine has as many addresses as it likes.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, v6.is_loopback().into()))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_too_often_waits_and_others_do_not() {
        let (mut limits, begun) = (Limits::default(), Instant::now());
        let [one, other] = ["192.168.1.7", "192.168.1.8"].map(|address| address.parse().unwrap());
        let served = (0..1000).take_while(|_| limits.take(one, ASKING, begun).is_ok()).count();
        assert_eq!(served, BURST as usize);
        assert!(limits.take(other, ASKING, begun).is_ok());
        let wait = limits.take(one, ASKING, begun).unwrap_err();
        assert_eq!(wait, Duration::from_millis(5));
        assert!(limits.take(one, ASKING, begun + wait).is_ok());
        assert!(limits.take(one, ASKING, begun + wait).is_err());
        let guesses = (0..1000).take_while(|_| limits.take(other, GUESSING, begun).is_ok()).count();
        assert_eq!(guesses, 19);
    }

    #[test]
    fn the_addresses_of_one_network_are_one_sender_and_few_are_remembered() {
        let (mut limits, begun) = (Limits::default(), Instant::now());
        for last in 0..400u16 {
            let address = Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, last).into();
            assert!(limits.take(address, ASKING, begun).is_ok());
        }
        assert!(limits.take("fd00:0:0:1::ffff".parse().unwrap(), ASKING, begun).is_err());
        for network in 0..5000u16 {
            let address = Ipv6Addr::new(0xfd00, 0, network, 0, 0, 0, 0, 1).into();
            let _ = limits.take(address, ASKING, begun);
        }
        assert!(limits.0.len() <= MOST);
        let later = begun + Duration::from_secs(10);
        assert!(limits.take("10.0.0.1".parse().unwrap(), ASKING, later).is_ok());
        assert!(limits.0.len() <= 2);
    }
}
