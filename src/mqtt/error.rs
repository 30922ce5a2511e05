//! Why there is no connection, in words that say what to do. Each is read behind the broker's name:
//! `mqtt broker 192.168.1.2:1883 refused the user name or password: check …`.

use std::io;
use std::time::Duration;

use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, DisconnectReasonCode};
use rumqttc::v5::mqttbytes::{self};

/// Longest wait before the next attempt while the broker is away. The state must be back within 10 s of the broker's
/// return, so this stays well under that.
const AWAY: Duration = Duration::from_secs(5);
/// Longest wait while the broker answers and says no, which only people can change.
const REFUSED: Duration = Duration::from_secs(60);

/// What ended a connection, or kept it from being made.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectionError {
    #[error("is not known yet: {0}")]
    NotKnown(String),
    #[error("has a name that cannot be resolved, check mqtt.host: {0}")]
    UnknownHost(io::Error),
    #[error("cannot be reached, check that it runs and that mqtt.host and mqtt.port are right: {0}")]
    Unreachable(io::Error),
    #[error("did not answer in time, check that mqtt.port is right (1883 as a rule, 8883 with tls): {0:?}")]
    Slow(Duration),
    #[error("closed the connection before it was acknowledged, check mqtt.port and whether the broker wants tls")]
    NotMqtt,
    #[error(
        "does not speak mqtt 5 on this port, check mqtt.port and mqtt.tls.enabled, and update a broker older than 2020: {0}"
    )]
    NotMqtt5(mqttbytes::Error),
    #[error("does not speak tls on this port, check mqtt.port and mqtt.tls.enabled: {0}")]
    NotTls(rustls::Error),
    #[error("cannot be trusted, check mqtt.tls.ca_file and that the certificate is for mqtt.host: {0}")]
    Untrusted(rustls::Error),
    #[error("refused the client certificate, check mqtt.tls.cert_file and mqtt.tls.key_file: {0}")]
    ClientCertificate(rustls::Error),
    #[error("failed at tls: {0}")]
    Tls(rustls::Error),
    #[error("has a name that no certificate can be for, check mqtt.host")]
    NoServerName,
    #[error("refused the user name or password: check mqtt.username and mqtt.password")]
    Credentials,
    #[error("refused the client, check the broker's log and access rules: {0:?}")]
    Refused(ConnectReturnCode),
    #[error(
        "gave the session to another client of the same name, check that givtcp runs only once for this inverter: {0}"
    )]
    TakenOver(String),
    #[error("ended the connection: {0}")]
    Ended(String),
    #[error("closed the connection")]
    Closed,
    #[error("is gone: {0}")]
    Lost(io::Error),
    #[error("did not answer a ping within: {0:?}")]
    NoAnswer(Duration),
    #[error("did not answer the subscription to commands within: {0:?}")]
    NotSubscribed(Duration),
    #[error("sent what is not mqtt: {0}")]
    Malformed(mqttbytes::Error),
}

impl ConnectionError {
    /// The longest that the next attempt may wait.
    pub(super) fn longest_wait(&self) -> Duration {
        match self {
            Self::NotMqtt5(_)
            | Self::NotTls(_)
            | Self::Untrusted(_)
            | Self::ClientCertificate(_)
            | Self::NoServerName
            | Self::Credentials
            | Self::Refused(_)
            | Self::TakenOver(_) => REFUSED,
            _ => AWAY,
        }
    }

    /// From an error while the connection is being made or used: those of TLS come wrapped.
    pub(super) fn from_io(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(tls) => Self::from_tls(tls.clone()),
            None => Self::Lost(error),
        }
    }

    fn from_tls(error: rustls::Error) -> Self {
        use rustls::{AlertDescription as Alert, Error};
        match &error {
            Error::InvalidCertificate(_) => Self::Untrusted(error),
            Error::InvalidMessage(_) => Self::NotTls(error),
            Error::AlertReceived(
                Alert::CertificateRequired
                | Alert::BadCertificate
                | Alert::UnknownCA
                | Alert::CertificateExpired
                | Alert::CertificateRevoked
                | Alert::CertificateUnknown
                | Alert::UnsupportedCertificate
                | Alert::AccessDenied
                | Alert::HandshakeFailure
                | Alert::DecryptError,
            ) => Self::ClientCertificate(error),
            _ => Self::Tls(error),
        }
    }

    /// From a connection that the broker did not accept.
    pub(super) fn refused(code: ConnectReturnCode) -> Self {
        match code {
            ConnectReturnCode::BadUserNamePassword
            | ConnectReturnCode::NotAuthorized
            | ConnectReturnCode::BadAuthenticationMethod => Self::Credentials,
            ConnectReturnCode::ServerUnavailable | ConnectReturnCode::ServerBusy => Self::Ended(format!("{code:?}")),
            _ => Self::Refused(code),
        }
    }

    /// From a broker that says goodbye.
    pub(super) fn ended(code: DisconnectReasonCode, reason: Option<&str>) -> Self {
        let why = reason.map_or_else(|| format!("{code:?}"), |reason| format!("{code:?} ({reason})"));
        match code {
            DisconnectReasonCode::SessionTakenOver => Self::TakenOver(why),
            _ => Self::Ended(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_waits_longer_than_an_absence() {
        let away = ConnectionError::Unreachable(io::ErrorKind::ConnectionRefused.into());
        assert!(away.longest_wait() <= Duration::from_secs(5));
        let refused = ConnectionError::refused(ConnectReturnCode::NotAuthorized);
        assert_eq!(refused.longest_wait(), Duration::from_secs(60));
        let busy = ConnectionError::refused(ConnectReturnCode::ServerBusy);
        assert_eq!(busy.longest_wait(), away.longest_wait());
    }

    #[test]
    fn errors_of_tls_are_told_from_those_of_the_line() {
        let wrapped =
            |error: rustls::Error| ConnectionError::from_io(io::Error::new(io::ErrorKind::InvalidData, error));
        let alert = rustls::AlertDescription::CertificateRequired;
        assert!(matches!(wrapped(rustls::Error::AlertReceived(alert)), ConnectionError::ClientCertificate(_)));
        let expired = rustls::CertificateError::Expired;
        assert!(matches!(wrapped(rustls::Error::InvalidCertificate(expired)), ConnectionError::Untrusted(_)));
        let reset = ConnectionError::from_io(io::ErrorKind::ConnectionReset.into());
        assert!(matches!(reset, ConnectionError::Lost(_)));
    }
}
