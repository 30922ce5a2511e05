//! Packet identifiers of publishes that wait for an acknowledgement (MQTT 5, sections 2.2.1 and 4.9).

/// The most publishes that wait at a time; a broker may ask for fewer.
pub(super) const MOST: u16 = 100;

/// How far an identifier is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Free,
    /// Published; PUBACK or PUBREC is awaited.
    Published,
    /// Released (quality of service 2); PUBCOMP is awaited.
    Released,
}

/// The identifiers of one connection.
#[derive(Debug)]
pub(super) struct InFlight {
    stages: Vec<Stage>,
    used: usize,
    next: usize,
}

impl InFlight {
    /// With the broker's receive maximum, of which at most [`MOST`] is used.
    pub(super) fn new(receive_maximum: u16) -> Self {
        Self { stages: vec![Stage::Free; usize::from(receive_maximum.clamp(1, MOST))], used: 0, next: 0 }
    }

    /// Takes an identifier, unless all are in use.
    pub(super) fn take(&mut self) -> Option<u16> {
        let count = self.stages.len();
        let free = (0..count).map(|i| (self.next + i) % count).find(|&i| self.stages.get(i) == Some(&Stage::Free))?;
        *self.stages.get_mut(free)? = Stage::Published;
        self.used += 1;
        self.next = free + 1;
        Some(free as u16 + 1)
    }

    /// Whether every identifier is in use.
    pub(super) fn is_full(&self) -> bool {
        self.used == self.stages.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// PUBREC came: true if PUBREL is due. Repeated on one connection it asks for nothing more.
    pub(super) fn released(&mut self, id: u16) -> bool {
        let Some(stage) = self.stage(id) else { return false };
        let due = *stage == Stage::Published;
        if due {
            *stage = Stage::Released;
        }
        due
    }

    /// PUBACK, PUBCOMP or a refusal came: the identifier may be used again.
    pub(super) fn done(&mut self, id: u16) {
        if let Some(stage) = self.stage(id)
            && *stage != Stage::Free
        {
            *stage = Stage::Free;
            self.used -= 1;
        }
    }

    fn stage(&mut self, id: u16) -> Option<&mut Stage> {
        self.stages.get_mut(usize::from(id).checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_bounded_and_come_back() {
        let mut inflight = InFlight::new(3);
        assert_eq!([inflight.take(), inflight.take(), inflight.take()], [Some(1), Some(2), Some(3)]);
        assert!(inflight.is_full());
        assert_eq!(inflight.take(), None);
        inflight.done(2);
        assert!(!inflight.is_full());
        assert_eq!(inflight.take(), Some(2));
    }

    #[test]
    fn acknowledgements_of_what_was_never_sent_change_nothing() {
        let mut inflight = InFlight::new(2);
        assert_eq!(inflight.take(), Some(1));
        for id in [0, 2, 3, u16::MAX] {
            inflight.done(id);
            assert!(!inflight.released(id));
        }
        assert!(inflight.released(1));
        inflight.done(1);
        inflight.done(1);
        assert_eq!(inflight.take(), Some(2));
        assert_eq!(inflight.take(), Some(1));
        assert!(inflight.is_full());
    }
}
