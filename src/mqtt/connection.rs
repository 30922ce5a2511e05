//! One connection to a broker: MQTT 5 packets in and out of a byte stream, many to a write.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use rumqttc::tokio_rustls::TlsConnector;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, Connect, ConnectProperties, ConnectReturnCode, Disconnect, DisconnectReasonCode, LastWill,
    LastWillProperties, Login, Packet, PingReq, PubAckReason, PubRecReason, PubRel, Publish,
};
use rumqttc::v5::mqttbytes::{Error as PacketError, QoS};
use rustls::pki_types::ServerName;
use secrecy::ExposeSecret;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::error::ConnectionError;
use super::inflight::{InFlight, MOST};
use super::projection::{Due, OFFLINE};
use super::{Qos, SessionSettings};

/// From looking up the name to the broker's acknowledgement.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The first byte of an acknowledged connection.
const CONNACK: u8 = 0x20;
/// The largest packet that is taken from a broker.
const MAX_INCOMING: u32 = 1 << 20;
/// No publish is added to this many bytes until they are written: one TLS record holds them, and what is not in here
/// yet is still replaced by newer values.
const BATCH: usize = 16 * 1024;

/// What carries the bytes.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Who connects, and what the broker says when it has gone.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) client_id: String,
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
    retain_available: bool,
    max_outgoing: Option<u32>,
    keep_alive: Duration,
    inflight: InFlight,
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
            retain_available: true,
            max_outgoing: None,
            keep_alive: keep_alive(settings),
            inflight: InFlight::new(MOST),
        }
    }

    /// What the broker asks for in its acknowledgement holds for this connection.
    fn acknowledged(settings: &SessionSettings, ack: ConnAck, mut connection: Self) -> Result<Self, ConnectionError> {
        if ack.code != ConnectReturnCode::Success {
            return Err(ConnectionError::refused(ack.code));
        }
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
        connection.retain_available = asked.retain_available != Some(0);
        connection.max_outgoing = asked.max_packet_size;
        Ok(connection)
    }

    /// The time between two pings that holds for this connection.
    pub(super) fn keep_alive(&self) -> Duration {
        self.keep_alive
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
            Packet::PubComp(comp) => self.inflight.done(comp.pkid),
            Packet::Disconnect(goodbye) => {
                let reason = goodbye.properties.as_ref().and_then(|properties| properties.reason_string.as_deref());
                return Err(ConnectionError::ended(goodbye.reason_code, reason));
            }
            _ => {}
        }
        Ok(Event::Other)
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

async fn open_stream(settings: &SessionSettings) -> Result<Box<dyn Stream>, ConnectionError> {
    let addresses = tokio::net::lookup_host((settings.host.as_str(), settings.port))
        .await
        .map_err(ConnectionError::UnknownHost)?
        .collect::<Vec<_>>();
    let tcp = TcpStream::connect(addresses.as_slice()).await.map_err(ConnectionError::Unreachable)?;
    // Writes are whole batches already.
    tcp.set_nodelay(true).map_err(ConnectionError::Unreachable)?;
    let Some(tls) = &settings.tls else { return Ok(Box::new(tcp)) };
    let name = ServerName::try_from(settings.host.clone()).map_err(|_| ConnectionError::NoServerName)?;
    let connector = TlsConnector::from(std::sync::Arc::clone(tls));
    match connector.connect(name, tcp).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(ConnectionError::from_io(error)),
    }
}

/// The session lives as long as the will waits: a will is sent when its session ends, however long its delay. For the
/// same reason the session is resumed and not begun anew, else a short break would send the will (MQTT 5, 3.1.3.2.2
/// and 3.1.4; Mosquitto 2.0 is lenient there). With quality of service 2 the broker would also resume its half of the
/// handshakes that the break cut, and take new publishes for repetitions of old ones: there the session begins anew.
fn connect_packet(settings: &SessionSettings, identity: &Identity) -> Packet {
    let delay = u32::try_from(settings.will_delay.as_secs()).unwrap_or(u32::MAX);
    let connect = Connect {
        keep_alive: keep_alive(settings).as_secs() as u16,
        client_id: identity.client_id.clone(),
        clean_start: delay == 0 || settings.qos == Qos::ExactlyOnce,
        properties: Some(ConnectProperties {
            session_expiry_interval: Some(delay),
            max_packet_size: Some(MAX_INCOMING),
            ..ConnectProperties::new()
        }),
    };
    let will = LastWill {
        topic: identity.status_topic.clone(),
        message: OFFLINE.to_string().into(),
        qos: settings.qos.into(),
        retain: true,
        properties: Some(LastWillProperties {
            delay_interval: Some(delay),
            payload_format_indicator: None,
            message_expiry_interval: None,
            content_type: None,
            response_topic: None,
            correlation_data: None,
            user_properties: Vec::new(),
        }),
    };
    let login = (!settings.username.is_empty())
        .then(|| Login::new(settings.username.clone(), settings.password.expose_secret().to_owned()));
    Packet::Connect(connect, Some(will), login)
}

/// The setting in what the protocol can say, and not so short that pings crowd.
fn keep_alive(settings: &SessionSettings) -> Duration {
    Duration::from_secs(settings.keep_alive.as_secs().clamp(2, u16::MAX.into()))
}

async fn write_all(writer: &mut (impl AsyncWrite + Unpin), outgoing: &mut BytesMut) -> std::io::Result<()> {
    while outgoing.has_remaining() {
        if writer.write_buf(outgoing).await? == 0 {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
    }
    writer.flush().await
}

async fn read_packet(
    reader: &mut (impl AsyncRead + Unpin),
    incoming: &mut BytesMut,
) -> Result<Packet, ConnectionError> {
    loop {
        if let Some(packet) = decode(incoming).map_err(ConnectionError::Malformed)? {
            return Ok(packet);
        }
        if reader.read_buf(incoming).await.map_err(ConnectionError::from_io)? == 0 {
            return Err(ConnectionError::Closed);
        }
    }
}

/// The first packet of a broker. What begins otherwise is none's: its length would be waited for in vain.
async fn read_acknowledgement(
    reader: &mut (impl AsyncRead + Unpin),
    incoming: &mut BytesMut,
) -> Result<ConnAck, ConnectionError> {
    if reader.read_buf(incoming).await.map_err(ConnectionError::from_io)? == 0 {
        return Err(ConnectionError::NotMqtt);
    }
    if let Some(&other) = incoming.first().filter(|&&first| first != CONNACK) {
        return Err(ConnectionError::NotMqtt5(PacketError::InvalidPacketType(other >> 4)));
    }
    match read_packet(reader, incoming).await {
        Ok(Packet::ConnAck(ack)) => Ok(ack),
        Ok(_) => Err(ConnectionError::NotMqtt5(PacketError::IncorrectPacketFormat)),
        Err(ConnectionError::Malformed(why)) => Err(ConnectionError::NotMqtt5(why)),
        Err(ConnectionError::Closed) => Err(ConnectionError::NotMqtt),
        Err(other) => Err(other),
    }
}

/// The next whole packet. One that is whole and yet wants more bytes is malformed: rumqttc says the same of it as of
/// one that has not all arrived.
fn decode(incoming: &mut BytesMut) -> Result<Option<Packet>, PacketError> {
    let before = incoming.len();
    match Packet::read(incoming, Some(MAX_INCOMING)) {
        Ok(packet) => Ok(Some(packet)),
        Err(PacketError::InsufficientBytes(_)) if incoming.len() == before => Ok(None),
        Err(PacketError::InsufficientBytes(_)) => Err(PacketError::MalformedPacket),
        Err(other) => Err(other),
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
