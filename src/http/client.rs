//! Asking others over HTTP: Home Assistant's Supervisor and the `givtcp` that runs here, without TLS, since both are reached
//! within one machine; and telling an InfluxDB, with TLS if it wants that. One request a connection, with a deadline and a
//! bound on the answer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Request, StatusCode, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

/// No answer that is asked for here is longer, bytes.
const LONGEST: usize = 256 * 1024;

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// After which time whoever asked may do so again, if it says so in seconds.
    pub retry_after: Option<Duration>,
    /// Its body.
    pub body: Vec<u8>,
}

/// Where somebody listens.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Name or address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// What TLS is spoken with; none: plainly.
    pub tls: Option<Arc<ClientConfig>>,
}

/// What whoever asks is known by.
#[derive(Clone, Copy, Debug)]
pub struct Authorization<'a> {
    /// `Bearer` and the like.
    pub scheme: &'a str,
    /// What follows it.
    pub secret: &'a SecretString,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoReply {
    /// Nobody is there.
    #[error("cannot connect to {at}: {why}")]
    Unreached {
        /// Host and port.
        at: String,
        /// What the system says.
        why: String,
    },
    /// It took too long.
    #[error("no answer from {at} within {}s", within.as_secs_f64())]
    Late {
        /// Host and port.
        at: String,
        /// How long it was waited for.
        within: Duration,
    },
    /// What came is no answer, or too long for one.
    #[error("no answer from {at}: {why}")]
    Broken {
        /// Host and port.
        at: String,
        /// What is wrong with it.
        why: String,
    },
}

/// Asks for `path` at `at`, host and port, with `token` as a bearer token if there is one; waits at most `within`.
///
/// # Errors
/// There is no answer.
pub async fn get(at: &str, path: &str, token: Option<&SecretString>, within: Duration) -> Result<Reply, NoReply> {
    let asking = timeout(within, exchange(at, path, token)).await;
    asking.unwrap_or_else(|_| Err(NoReply::Late { at: at.to_owned(), within }))
}

async fn exchange(at: &str, path: &str, token: Option<&SecretString>) -> Result<Reply, NoReply> {
    let broken = |why: String| NoReply::Broken { at: at.to_owned(), why };
    let mut request = Request::get(path).header(header::HOST, at);
    if let Some(secret) = token {
        request = request.header(header::AUTHORIZATION, value_of(Authorization { scheme: "Bearer", secret }, at)?);
    }
    let request = request.body(Body::empty()).map_err(|error| broken(error.to_string()))?;
    let stream = TcpStream::connect(at).await.map_err(|error| unreached(at, &error))?;
    over(stream, request, at).await
}

/// Posts `body` to `path` at an endpoint; waits at most `within`.
///
/// # Errors
/// There is no answer.
pub async fn post(
    endpoint: &Endpoint,
    path: &str,
    authorization: Authorization<'_>,
    content_type: &'static str,
    body: String,
    within: Duration,
) -> Result<Reply, NoReply> {
    let at = endpoint.to_string();
    let posting = async {
        let broken = |why: String| NoReply::Broken { at: at.clone(), why };
        let request = Request::post(path)
            .header(header::HOST, &at)
            .header(header::AUTHORIZATION, value_of(authorization, &at)?)
            .header(header::CONTENT_TYPE, content_type)
            .body(Body::from(body))
            .map_err(|error| broken(error.to_string()))?;
        let connecting = TcpStream::connect((endpoint.host.as_str(), endpoint.port));
        let stream = connecting.await.map_err(|error| unreached(&at, &error))?;
        let Some(tls) = &endpoint.tls else { return over(stream, request, &at).await };
        let name = ServerName::try_from(endpoint.host.clone()).map_err(|error| broken(error.to_string()))?;
        let encrypted = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await;
        over(encrypted.map_err(|error| unreached(&at, &error))?, request, &at).await
    };
    timeout(within, posting).await.unwrap_or_else(|_| Err(NoReply::Late { at: at.clone(), within }))
}

fn unreached(at: &str, error: &std::io::Error) -> NoReply {
    NoReply::Unreached { at: at.to_owned(), why: error.to_string() }
}

fn value_of(authorization: Authorization<'_>, at: &str) -> Result<HeaderValue, NoReply> {
    let text = format!("{} {}", authorization.scheme, authorization.secret.expose_secret());
    let why = || "the token is no text for a header".to_owned();
    let mut value = HeaderValue::from_str(&text).map_err(|_| NoReply::Broken { at: at.to_owned(), why: why() })?;
    value.set_sensitive(true);
    Ok(value)
}

async fn over(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Body>,
    at: &str,
) -> Result<Reply, NoReply> {
    let broken = |why: String| NoReply::Broken { at: at.to_owned(), why };
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| broken(error.to_string()))?;
    // It goes with this request.
    let _connection = AbortOnDropHandle::new(tokio::spawn(connection));
    let (parts, body) = sender.send_request(request).await.map_err(|error| broken(error.to_string()))?.into_parts();
    let body = to_bytes(Body::new(body), LONGEST).await.map_err(|error| broken(error.to_string()))?;
    let retry_after = parts.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Ok(Reply { status: parts.status, retry_after: retry_after.map(Duration::from_secs), body: body.to_vec() })
}

/// `192.168.1.5:8086`.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, .. } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one request with these bytes; returns where, and what was asked.
    async fn answering(answer: &'static [u8]) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap().to_string();
        let task = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut heard = vec![0; 4096];
            let count = stream.read(&mut heard).await.unwrap();
            _ = stream.write_all(answer).await;
            String::from_utf8_lossy(&heard[..count]).into_owned()
        });
        (at, task)
    }

    const SOON: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn the_token_goes_along_and_the_body_comes_back() {
        let (at, task) = answering(b"HTTP/1.1 400 Bad Request\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n{}").await;
        let token = SecretString::from("very-secret");
        let reply = get(&at, "/services/mqtt", Some(&token), SOON).await.unwrap();
        let retry_after = Some(Duration::from_secs(7));
        assert_eq!(reply, Reply { status: StatusCode::BAD_REQUEST, retry_after, body: b"{}".to_vec() });
        let asked = task.await.unwrap();
        assert!(asked.starts_with("GET /services/mqtt HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains("authorization: Bearer very-secret\r\n") && asked.contains(&format!("host: {at}\r\n")));
    }

    #[tokio::test]
    async fn whatever_is_there_instead_ends_within_the_deadline_and_is_told_apart() {
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
        let error = get(&nobody, "/", None, SOON).await.unwrap_err();
        assert!(matches!(error, NoReply::Unreached { .. }), "{error}");
        let (at, _task) = answering(b"220 mail.example ESMTP\r\n").await;
        let error = get(&at, "/", None, SOON).await.unwrap_err();
        assert!(matches!(error, NoReply::Broken { .. }), "{error}");
        let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = mute.local_addr().unwrap().to_string();
        let error = get(&at, "/", None, Duration::from_millis(50)).await.unwrap_err();
        assert_eq!(error.to_string(), format!("no answer from {at} within 0.05s"));
    }
}
