use proptest::prelude::*;
use rumqttc::v5::mqttbytes::v5::{PubComp, PubRec};

use super::packets::decode;
use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn nothing_that_a_broker_sends_panics(kind in 0u8..=255, body in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut whole = BytesMut::from(&[kind, body.len() as u8][..]);
        whole.extend_from_slice(&body);
        while let Ok(Some(_)) = decode(&mut whole) {}
    }
}

fn connection(qos: Qos) -> Connection {
    let (near, _) = tokio::io::duplex(64);
    let (reader, writer) = tokio::io::split(Box::new(near) as Box<dyn Stream>);
    let settings = SessionSettings { qos, ..SessionSettings::new("localhost", 1883) };
    Connection::fresh(&settings, reader, writer, BytesMut::new(), BytesMut::new())
}

fn publish_all(connection: &mut Connection) -> u16 {
    let topic = Bytes::from_static(b"a");
    let mut count = 0;
    while connection.has_room() {
        assert!(connection.publish(&Due { topic: &topic, payload: Some(&OFFLINE), retain: true }));
        count += 1;
    }
    count
}

#[tokio::test]
async fn a_refused_publish_makes_room_for_the_next() {
    let mut connection = connection(Qos::ExactlyOnce);
    assert_eq!(publish_all(&mut connection), MOST);
    for pkid in 1..=MOST {
        let refusal = PubRec { pkid, reason: PubRecReason::NotAuthorized, properties: None };
        let event = connection.received(Packet::PubRec(refusal)).unwrap();
        assert_eq!(event, Event::RefusedPublish("NotAuthorized".to_owned()));
    }
    assert_eq!(publish_all(&mut connection), MOST);
    for pkid in 1..=MOST {
        connection.received(Packet::PubRec(PubRec::new(pkid, None))).unwrap();
    }
    assert!(!connection.has_room(), "what is released still counts");
    for pkid in 1..=MOST {
        connection.received(Packet::PubComp(PubComp::new(pkid, None))).unwrap();
    }
    assert_eq!(publish_all(&mut connection), MOST);
}

#[tokio::test]
async fn what_waits_for_the_network_is_bounded() {
    let mut connection = connection(Qos::AtMostOnce);
    publish_all(&mut connection);
    assert!(connection.outgoing.len() < BATCH + 100, "{}", connection.outgoing.len());
}

#[tokio::test]
async fn what_the_broker_does_not_take_is_not_sent() {
    let mut connection = connection(Qos::AtLeastOnce);
    connection.max_outgoing = Some(20);
    let topic = Bytes::from_static(b"a/topic/that/is/too/long");
    assert!(!connection.publish(&Due { topic: &topic, payload: Some(&OFFLINE), retain: true }));
    assert!(connection.outgoing.is_empty() && connection.is_idle());
    assert_eq!(connection.unwritten(), 0);
    connection.max_outgoing = None;
    assert_eq!(publish_all(&mut connection), MOST, "its identifier is free again");
}

#[test]
fn a_packet_that_has_not_all_arrived_is_waited_for() {
    let mut bytes = BytesMut::new();
    Packet::PubRel(PubRel::new(7, None)).write(&mut bytes, None).unwrap();
    let whole = bytes.clone();
    for cut in 0..whole.len() {
        let mut part = BytesMut::from(&whole[..cut]);
        assert!(matches!(decode(&mut part), Ok(None)), "{cut} bytes");
        assert_eq!(part.len(), cut);
    }
    assert!(matches!(decode(&mut bytes), Ok(Some(Packet::PubRel(_)))));
}

#[test]
fn a_broker_of_mqtt_3_is_told_from_one_that_is_slow() {
    let mut refused = BytesMut::from(&[0x20, 2, 0, 1][..]);
    assert!(decode(&mut refused).is_err());
    let mut accepted = BytesMut::from(&[0x20, 2, 0, 0][..]);
    assert!(decode(&mut accepted).is_err());
}
