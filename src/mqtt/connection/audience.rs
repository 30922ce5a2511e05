//! What a connection does for those who are told of values, beside the values: notices, and what they say themselves.

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Filter, Packet, Subscribe, Unsubscribe};

use super::{Connection, Due};

const SUBSCRIBING_TO_AUDIENCE: u16 = u16::MAX - 2;
const ASKING_FOR_KEPT: u16 = u16::MAX - 3;
const LEAVING_KEPT: u16 = u16::MAX - 4;

impl Connection {
    /// Whether a notice is taken now.
    pub(in crate::mqtt) fn has_room_for_notice(&self) -> bool {
        self.has_room() && !self.inflight.is_full()
    }

    /// As [`Self::publish`], at least once wherever the broker can.
    pub(in crate::mqtt) fn publish_notice(&mut self, due: &Due<'_>) -> bool {
        self.publish_as(due, self.qos_of_notices)
    }

    /// Subscribes to where an audience says that it has begun anew.
    pub(in crate::mqtt) fn subscribe_to_audience(&mut self, topic: &str) {
        self.subscribe_as(SUBSCRIBING_TO_AUDIENCE, topic);
    }

    /// Asks for what the broker keeps at these topics.
    pub(in crate::mqtt) fn ask_for_kept(&mut self, filters: &[String]) {
        let filter = |path: &String| Filter { nolocal: true, ..Filter::new(path.clone(), QoS::AtMostOnce) };
        let filters: Vec<Filter> = filters.iter().map(filter).collect();
        self.push(&Packet::Subscribe(Subscribe { pkid: ASKING_FOR_KEPT, filters, properties: None }));
    }

    /// It is known now.
    pub(in crate::mqtt) fn leave_kept(&mut self, filters: &[String]) {
        let filters = filters.to_vec();
        self.push(&Packet::Unsubscribe(Unsubscribe { pkid: LEAVING_KEPT, filters, properties: None }));
    }
}
