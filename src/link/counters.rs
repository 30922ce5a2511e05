use std::sync::atomic::{AtomicU64, Ordering};

use crate::histogram::Histogram;

/// What replies are told apart by, s: a dongle answers in 50 ms to 2.8 s.
const LATENCIES: [f64; 8] = [0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0];

/// A number that only grows.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What happened on a device's connections, the present one and those before it.
        #[derive(Debug)]
        pub struct Counters {
            $(pub(super) $name: Counter,)*
            pub(super) latency: Histogram,
        }

        impl Default for Counters {
            fn default() -> Self {
                Self { $($name: Counter::default(),)* latency: Histogram::new(&LATENCIES) }
            }
        }

        /// What [`Counters`] said at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counts {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counters {
            /// All of them as they are now.
            pub fn snapshot(&self) -> Counts {
                Counts { $($name: self.$name.get(),)* }
            }

            /// How long replies took, from when their request was sent.
            pub fn latency(&self) -> &Histogram {
                &self.latency
            }
        }
    };
}

counters! {
    /// Connections that were made.
    connects,
    /// Requests that were sent, retries included.
    requests,
    /// Replies that were awaited: data, echoes and refusals.
    replies,
    /// Requests whose deadline passed.
    timeouts,
    /// Replies that were refusals.
    refusals,
    /// Frames with a wrong CRC.
    crc_errors,
    /// Times that the reading of frames had to begin anew: garbage, cut frames, impossible lengths.
    resyncs,
    /// Whole frames that could not be understood, or that mean nothing.
    unknown,
    /// Frames for which nothing was pending: replies to others, late replies.
    unsolicited,
    /// Of those, blocks that were dropped since nobody took them.
    unsolicited_dropped,
    /// Of those, echoes of writes: somebody else changes settings.
    foreign_writes,
    /// Heartbeats that were answered.
    heartbeats,
    /// Bytes that arrived.
    bytes_in,
    /// Bytes that were sent.
    bytes_out,
}

impl Counts {
    /// Connections after the first.
    pub fn reconnects(&self) -> u64 {
        self.connects.saturating_sub(1)
    }
}
