//! Streams to brokers, and the packets that go over them.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use rumqttc::tokio_rustls::TlsConnector;
use rumqttc::v5::mqttbytes::Error as PacketError;
use rumqttc::v5::mqttbytes::v5::{ConnAck, Connect, ConnectProperties, LastWill, LastWillProperties, Login, Packet};
use rustls::pki_types::ServerName;
use secrecy::ExposeSecret;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Identity, Stream};
use crate::mqtt::error::ConnectionError;
use crate::mqtt::projection::OFFLINE;
use crate::mqtt::{Qos, SessionSettings};

/// The first byte of an acknowledged connection.
const CONNACK: u8 = 0x20;
/// The largest packet that is taken from a broker.
const MAX_INCOMING: u32 = 1 << 20;

pub(super) async fn open_stream(settings: &SessionSettings) -> Result<Box<dyn Stream>, ConnectionError> {
    let addresses = tokio::net::lookup_host((settings.host.as_str(), settings.port))
        .await
        .map_err(ConnectionError::UnknownHost)?
        .collect::<Vec<_>>();
    let tcp = TcpStream::connect(addresses.as_slice()).await.map_err(ConnectionError::Unreachable)?;
    // Writes are whole batches already.
    tcp.set_nodelay(true).map_err(ConnectionError::Unreachable)?;
    let Some(tls) = &settings.tls else { return Ok(Box::new(tcp)) };
    let name = ServerName::try_from(settings.host.clone()).map_err(|_| ConnectionError::NoServerName)?;
    let connector = TlsConnector::from(Arc::clone(tls));
    match connector.connect(name, tcp).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(ConnectionError::from_io(error)),
    }
}

/// The session lives as long as the will waits: a will is sent when its session ends, however long its delay. For the
/// same reason the session is resumed and not begun anew, else a short break would send the will (MQTT 5, 3.1.3.2.2
/// and 3.1.4; Mosquitto 2.0 is lenient there). With quality of service 2 the broker would also resume its half of the
/// handshakes that the break cut, and take new publishes for repetitions of old ones: there the session begins anew.
pub(super) fn connect_packet(settings: &SessionSettings, identity: &Identity) -> Packet {
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
    Packet::Connect(connect, (!identity.status_topic.is_empty()).then_some(will), login)
}

/// The setting in what the protocol can say, and not so short that pings crowd.
pub(super) fn keep_alive(settings: &SessionSettings) -> Duration {
    Duration::from_secs(settings.keep_alive.as_secs().clamp(2, u16::MAX.into()))
}

pub(super) async fn write_all(writer: &mut (impl AsyncWrite + Unpin), outgoing: &mut BytesMut) -> std::io::Result<()> {
    while outgoing.has_remaining() {
        if writer.write_buf(outgoing).await? == 0 {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
    }
    writer.flush().await
}

pub(super) async fn read_packet(
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
pub(super) async fn read_acknowledgement(
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
pub(super) fn decode(incoming: &mut BytesMut) -> Result<Option<Packet>, PacketError> {
    let before = incoming.len();
    match Packet::read(incoming, Some(MAX_INCOMING)) {
        Ok(packet) => Ok(Some(packet)),
        Err(PacketError::InsufficientBytes(_)) if incoming.len() == before => Ok(None),
        Err(PacketError::InsufficientBytes(_)) => Err(PacketError::MalformedPacket),
        Err(other) => Err(other),
    }
}
