//! One connection to a broker: MQTT 5 packets in and out of a byte stream, many to a write.

mod audience;
mod packets;

use std::fmt::Write as _;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, ConnectReturnCode, Disconnect, DisconnectReasonCode, Filter, Packet, PingReq, PubAck, PubAckReason,
    PubRecReason, PubRel, Publish, RetainForwardRule, SubAck, Subscribe, SubscribeReasonCode, Unsubscribe,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::timeout;

use super::error::ConnectionError;
use super::inflight::{InFlight, MOST};
use super::projection::{Due, OFFLINE};
use super::{Qos, SessionSettings};
use packets::{connect_packet, keep_alive, open_stream, read_acknowledgement, read_packet, write_all};

/// From looking up the name to the broker's acknowledgement.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// No publish is added to this many bytes until they are written: one TLS record holds them, and what is not in here
/// yet is still replaced by newer values.
const BATCH: usize = 16 * 1024;
/// Identifiers that no publish has: those end at [`MOST`].
const SUBSCRIBING: u16 = u16::MAX;
const UNSUBSCRIBING: u16 = u16::MAX - 1;

/// What carries the bytes.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Who connects, and what the broker says when it has gone.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) client_id: String,
    /// Empty where it says nothing then.
    pub(super) status_topic: Bytes,
}

/// A connection that the broker acknowledged.
pub(super) struct Connection {
    reader: ReadHalf<Box<dyn Stream>>,
    writer: WriteHalf<Box<dyn Stream>>,
    incoming: BytesMut,
    outgoing: BytesMut,
    /// Where payloads are written before they go into a packet.
    scratch: BytesMut,
    /// Whether bytes are on their way: in `outgoing` or not yet flushed.
    writing: bool,
    /// Publishes among them.
    unwritten: u64,
    qos: QoS,
    /// Of what is to arrive.
    qos_of_notices: QoS,
    retain_available: bool,
    max_outgoing: Option<u32>,
    keep_alive: Duration,
    is_resumed: bool,
    inflight: InFlight,
}

/// What somebody published where this client is subscribed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Arrived {
    pub(super) topic: Bytes,
    pub(super) payload: Bytes,
    /// Whether it was published to be kept, or is what a broker kept.
    pub(super) retain: bool,
    /// What is left of its life.
    pub(super) expiry: Option<Duration>,
}

/// What happened on a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// All that was to be written is: so many publishes.
    Written(u64),
    /// A ping was answered.
    Pong,
    /// The broker refused a publish, for the reason given.
    RefusedPublish(String),
    /// A subscription is in force, or refused for the reason given.
    Subscribed(Result<(), String>),
    /// What others are told, or say, may not be subscribed to, for the reason given.
    RefusedAudience(String),
    /// Something was published where this client is subscribed.
    Arrived(Arrived),
    /// Anything else.
    Other,
}

impl Connection {
    /// Connects and waits for the acknowledgement, 5 s at most.
    pub(super) async fn open(settings: &SessionSettings, identity: &Identity) -> Result<Self, ConnectionError> {
        match timeout(CONNECT_TIMEOUT, Self::handshake(settings, identity)).await {
            // A broker resets what does not begin as it wants, TLS or not.
            Ok(Err(ConnectionError::Lost(_))) => Err(ConnectionError::NotMqtt),
            Ok(outcome) => outcome,
            Err(_) => Err(ConnectionError::Slow(CONNECT_TIMEOUT)),
        }
    }

    async fn handshake(settings: &SessionSettings, identity: &Identity) -> Result<Self, ConnectionError> {
        let stream = open_stream(settings).await?;
        let (mut reader, mut writer) = tokio::io::split(stream);
        let mut outgoing = BytesMut::with_capacity(1024);
        connect_packet(settings, identity).write(&mut outgoing, None).map_err(ConnectionError::Malformed)?;
        write_all(&mut writer, &mut outgoing).await.map_err(ConnectionError::from_io)?;
        let mut incoming = BytesMut::with_capacity(1024);
        let ack = read_acknowledgement(&mut reader, &mut incoming).await?;
        Self::acknowledged(settings, ack, Self::fresh(settings, reader, writer, incoming, outgoing))
    }

    fn fresh(
        settings: &SessionSettings,
        reader: ReadHalf<Box<dyn Stream>>,
        writer: WriteHalf<Box<dyn Stream>>,
        incoming: BytesMut,
        outgoing: BytesMut,
    ) -> Self {
        Self {
            reader,
            writer,
            incoming,
            outgoing,
            scratch: BytesMut::new(),
            writing: false,
            unwritten: 0,
            qos: settings.qos.into(),
            qos_of_notices: QoS::AtLeastOnce,
            retain_available: true,
            max_outgoing: None,
            keep_alive: keep_alive(settings),
            is_resumed: false,
            inflight: InFlight::new(MOST),
        }
    }

    /// What the broker asks for in its acknowledgement holds for this connection.
    fn acknowledged(settings: &SessionSettings, ack: ConnAck, mut connection: Self) -> Result<Self, ConnectionError> {
        if ack.code != ConnectReturnCode::Success {
            return Err(ConnectionError::refused(ack.code));
        }
        connection.is_resumed = ack.session_present;
        let Some(asked) = ack.properties else { return Ok(connection) };
        if let Some(most) = asked.receive_max {
            connection.inflight = InFlight::new(most);
        }
        if let Some(seconds) = asked.server_keep_alive.filter(|&seconds| seconds > 0) {
            connection.keep_alive = keep_alive(settings).min(Duration::from_secs(seconds.into()));
        }
        connection.qos = match (asked.max_qos, connection.qos) {
            (Some(0), _) => QoS::AtMostOnce,
            (Some(1), QoS::ExactlyOnce) => QoS::AtLeastOnce,
            (_, wanted) => wanted,
        };
        if asked.max_qos == Some(0) {
            connection.qos_of_notices = QoS::AtMostOnce;
        }
        connection.retain_available = asked.retain_available != Some(0);
        connection.max_outgoing = asked.max_packet_size;
        Ok(connection)
    }

    /// The time between two pings that holds for this connection.
    pub(super) fn keep_alive(&self) -> Duration {
        self.keep_alive
    }

    /// Whether the broker still had the session of an earlier connection, with its subscriptions.
    pub(super) fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    /// Publishes that were given and that nobody knows the fate of.
    pub(super) fn unwritten(&self) -> u64 {
        self.unwritten
    }

    /// Whether another publish is taken now. While bytes wait for the network it is not, so that what waits outside
    /// can still be replaced by newer values.
    pub(super) fn has_room(&self) -> bool {
        let acknowledged = self.qos != QoS::AtMostOnce;
        self.outgoing.len() < BATCH && !(acknowledged && self.inflight.is_full())
    }

    /// Whether nothing is being written.
    pub(super) fn is_idle(&self) -> bool {
        !self.writing
    }

    /// Whether all is written, and acknowledged where that is asked for.
    pub(super) fn is_quiet(&self) -> bool {
        !self.writing && self.inflight.is_empty()
    }

    /// Adds a publish to what is written next; false if the broker takes no packet of its size.
    pub(super) fn publish(&mut self, due: &Due<'_>) -> bool {
        self.publish_as(due, self.qos)
    }

    fn publish_as(&mut self, due: &Due<'_>, qos: QoS) -> bool {
        if let Some(payload) = due.payload {
            let _infallible = write!(self.scratch, "{payload}");
        }
        let id = if qos == QoS::AtMostOnce { None } else { self.inflight.take() };
        let publish = Publish {
            dup: false,
            qos: if id.is_some() { qos } else { QoS::AtMostOnce },
            retain: due.retain && self.retain_available,
            topic: due.topic.clone(),
            pkid: id.unwrap_or(0),
            payload: self.scratch.split().freeze(),
            properties: None,
        };
        let fits = u16::try_from(publish.topic.len()).is_ok() && self.push(&Packet::Publish(publish));
        match id {
            Some(id) if !fits => self.inflight.done(id),
            _ => self.unwritten += u64::from(fits),
        }
        fits
    }

    /// Adds a ping to what is written next.
    pub(super) fn ping(&mut self) {
        self.push(&Packet::PingReq(PingReq));
    }

    /// Subscribes with quality of service 0: a broker keeps nothing of it for a client that is away. What it keeps of
    /// topics is not sent, and what comes says whether it was published to be kept.
    pub(super) fn subscribe(&mut self, filter: &str) {
        self.subscribe_as(SUBSCRIBING, filter);
    }

    fn subscribe_as(&mut self, pkid: u16, filter: &str) {
        let filter = Filter {
            path: filter.to_owned(),
            qos: QoS::AtMostOnce,
            nolocal: true,
            preserve_retain: true,
            retain_forward_rule: RetainForwardRule::Never,
        };
        self.push(&Packet::Subscribe(Subscribe { pkid, ..Subscribe::new(filter, None) }));
    }

    /// Takes a subscription back.
    pub(super) fn unsubscribe(&mut self, filter: &str) {
        self.push(&Packet::Unsubscribe(Unsubscribe { pkid: UNSUBSCRIBING, ..Unsubscribe::new(filter, None) }));
    }

    fn push(&mut self, packet: &Packet) -> bool {
        let before = self.outgoing.len();
        let fits = packet.write(&mut self.outgoing, self.max_outgoing).is_ok();
        if !fits {
            self.outgoing.truncate(before);
        }
        self.writing |= fits;
        fits
    }

    /// Writes what there is to write and reads until something happens. May be dropped at any await and called again.
    pub(super) async fn exchange(&mut self) -> Result<Event, ConnectionError> {
        let Self { reader, writer, incoming, outgoing, writing, unwritten, .. } = self;
        tokio::select! {
            biased;
            packet = read_packet(reader, incoming) => {
                let packet = packet?;
                self.received(packet)
            }
            written = write_all(writer, outgoing), if *writing => {
                written.map_err(ConnectionError::from_io)?;
                *writing = false;
                Ok(Event::Written(std::mem::take(unwritten)))
            }
        }
    }

    fn received(&mut self, packet: Packet) -> Result<Event, ConnectionError> {
        match packet {
            Packet::PingResp(_) => return Ok(Event::Pong),
            Packet::PubAck(ack) => {
                self.inflight.done(ack.pkid);
                if !matches!(ack.reason, PubAckReason::Success | PubAckReason::NoMatchingSubscribers) {
                    return Ok(Event::RefusedPublish(format!("{:?}", ack.reason)));
                }
            }
            Packet::PubRec(rec) => {
                if !matches!(rec.reason, PubRecReason::Success | PubRecReason::NoMatchingSubscribers) {
                    self.inflight.done(rec.pkid);
                    return Ok(Event::RefusedPublish(format!("{:?}", rec.reason)));
                }
                if self.inflight.released(rec.pkid) {
                    self.push(&Packet::PubRel(PubRel::new(rec.pkid, None)));
                }
            }
            Packet::SubAck(ack) if ack.pkid == SUBSCRIBING => return Ok(Event::Subscribed(granted(&ack))),
            Packet::SubAck(ack) => {
                if let Err(reason) = granted(&ack) {
                    return Ok(Event::RefusedAudience(reason));
                }
            }
            Packet::Publish(publish) => return Ok(Event::Arrived(self.arrived(publish))),
            Packet::PubComp(comp) => self.inflight.done(comp.pkid),
            Packet::Disconnect(goodbye) => {
                let reason = goodbye.properties.as_ref().and_then(|properties| properties.reason_string.as_deref());
                return Err(ConnectionError::ended(goodbye.reason_code, reason));
            }
            _ => {}
        }
        Ok(Event::Other)
    }

    /// Quality of service 2 was never asked for, and is not acknowledged.
    fn arrived(&mut self, publish: Publish) -> Arrived {
        if publish.qos == QoS::AtLeastOnce {
            self.push(&Packet::PubAck(PubAck::new(publish.pkid, None)));
        }
        let expiry = publish.properties.and_then(|properties| properties.message_expiry_interval);
        Arrived {
            topic: publish.topic,
            payload: publish.payload,
            retain: publish.retain,
            expiry: expiry.map(|seconds| Duration::from_secs(seconds.into())),
        }
    }

    /// Publishes `offline`, says goodbye, and waits until the broker has closed the connection, so that nothing is
    /// lost on the way; `deadline` at most. True if the broker got it all.
    pub(super) async fn close(mut self, status_topic: &Bytes, deadline: Duration) -> bool {
        // A broker forgets what came with quality of service 2 and was not released before the goodbye.
        let qos = if self.qos == QoS::ExactlyOnce { QoS::AtLeastOnce } else { self.qos };
        self.publish_as(&Due { topic: status_topic, payload: Some(&OFFLINE), retain: true }, qos);
        self.say_goodbye(DisconnectReasonCode::NormalDisconnection, deadline).await
    }

    /// As [`Self::close`], for a session that another process goes on with: the will stays with the broker, which
    /// publishes `offline` after its delay unless that process has come.
    pub(super) async fn hand_over(self, deadline: Duration) -> bool {
        self.say_goodbye(DisconnectReasonCode::DisconnectWithWillMessage, deadline).await
    }

    /// As [`Self::close`], without a word of availability.
    pub(super) async fn leave(self, deadline: Duration) -> bool {
        self.say_goodbye(DisconnectReasonCode::NormalDisconnection, deadline).await
    }

    async fn say_goodbye(mut self, reason_code: DisconnectReasonCode, deadline: Duration) -> bool {
        self.push(&Packet::Disconnect(Disconnect { reason_code, properties: None }));
        let farewell = async {
            write_all(&mut self.writer, &mut self.outgoing).await?;
            self.writer.shutdown().await?;
            while self.reader.read_buf(&mut self.incoming).await? > 0 {
                self.incoming.clear();
            }
            Ok::<(), std::io::Error>(())
        };
        matches!(timeout(deadline, farewell).await, Ok(Ok(())))
    }
}

fn granted(ack: &SubAck) -> Result<(), String> {
    match ack.return_codes.first() {
        Some(SubscribeReasonCode::Success(_)) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

impl From<Qos> for QoS {
    fn from(qos: Qos) -> Self {
        match qos {
            Qos::AtMostOnce => Self::AtMostOnce,
            Qos::AtLeastOnce => Self::AtLeastOnce,
            Qos::ExactlyOnce => Self::ExactlyOnce,
        }
    }
}

#[cfg(test)]
mod tests;
