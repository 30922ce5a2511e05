use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};
use tokio_modbus::server::{Service, rtu_over_tcp, tcp};
use tokio_modbus::{ExceptionCode, Request, Response, SlaveRequest};

use super::peer::always;
use crate::frame::{Bank, BlockKey};
use crate::link::{Connection, Counters, Kind, LinkError, Options, Patience, TcpConnector, WriteFault, open};

const ONCE: Patience = Patience { deadline: Duration::from_secs(2), retries: 0, pause: Duration::ZERO };
/// Reading this base is never answered.
const SILENT: u16 = 900;
/// Reading this base is answered with one register too few.
const SHORT: u16 = 901;
/// Writing this register is echoed with another value.
const STUBBORN: u16 = 902;
const BOTH: [Kind; 2] = [Kind::ModbusTcp, Kind::RtuOverTcp];

#[derive(Clone)]
struct Bench;

impl Service for Bench {
    type Request = SlaveRequest<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Response, ExceptionCode>> + Send>>;

    /// Each register holds its number; in the holding bank plus the unit's address.
    fn call(&self, SlaveRequest { slave, request }: SlaveRequest<'static>) -> Self::Future {
        let registers = move |base: u16, count, plus: u8| (base..base + count).map(|n| n + u16::from(plus)).collect();
        Box::pin(async move {
            match request {
                Request::ReadInputRegisters(SILENT, _) => std::future::pending().await,
                Request::ReadInputRegisters(SHORT, count) => {
                    Ok(Response::ReadInputRegisters(registers(SHORT, count - 1, 0)))
                }
                Request::ReadInputRegisters(base, count) => Ok(Response::ReadInputRegisters(registers(base, count, 0))),
                Request::ReadHoldingRegisters(base, count) if base < 1000 => {
                    Ok(Response::ReadHoldingRegisters(registers(base, count, slave)))
                }
                Request::WriteSingleRegister(STUBBORN, _) => Ok(Response::WriteSingleRegister(STUBBORN, 1)),
                Request::WriteSingleRegister(register, value) if register < 1000 => {
                    Ok(Response::WriteSingleRegister(register, value))
                }
                _ => Err(ExceptionCode::IllegalDataAddress),
            }
        })
    }
}

async fn connect(address: SocketAddr, kind: Kind, gap: Duration) -> (Connection, Arc<Counters>) {
    let counters = Arc::new(Counters::default());
    let connector = TcpConnector { host: address.ip().to_string(), port: address.port() };
    let options = Options { gap, jitter: Duration::ZERO, ..Options::default() };
    (open(&connector, None, kind, &options, &counters).await.unwrap(), counters)
}

async fn bench(kind: Kind) -> (Connection, Arc<Counters>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let accepted = |stream, _| async move { Ok(Some((Bench, stream))) };
        match kind {
            Kind::RtuOverTcp => rtu_over_tcp::Server::new(listener).serve(&accepted, |_| ()).await,
            _ => tcp::Server::new(listener).serve(&accepted, |_| ()).await,
        }
    });
    connect(address, kind, Duration::from_millis(5)).await
}

/// A connection whose other end the test holds.
async fn by_hand(kind: Kind, gap: Duration) -> (Connection, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (opened, accepted) = tokio::join!(connect(address, kind, gap), listener.accept());
    (opened.0, accepted.unwrap().0)
}

#[tokio::test]
async fn blocks_are_read_without_a_serial() {
    for kind in BOTH {
        let (mut link, counters) = bench(kind).await;
        let input = BlockKey::new(0x11, Bank::Input, 60, 60);
        let block = link.reader.read(input, ONCE).await.unwrap();
        assert_eq!((block.key, block.values, block.serial), (input, (60..120).collect(), None), "{kind:?}");
        for unit in [0x32, 0x11] {
            let holding = BlockKey::new(unit, Bank::Holding, 0, 5);
            let block = link.reader.read(holding, ONCE).await.unwrap();
            let unit = u16::from(unit);
            assert_eq!(block.values, (unit..unit + 5).collect::<Vec<_>>(), "{kind:?}");
        }
        assert_eq!((counters.snapshot().requests, counters.snapshot().replies), (3, 3));
        link.close(Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn an_exception_is_a_refusal_and_keeps_the_connection() {
    for kind in BOTH {
        let (mut link, counters) = bench(kind).await;
        let key = BlockKey::new(0x11, Bank::Holding, 1000, 60);
        assert_eq!(link.reader.read(key, Patience::detect(ONCE.deadline)).await, Err(LinkError::Refused { key }));
        assert!(link.reader.read(BlockKey { base: 0, ..key }, ONCE).await.is_ok(), "{kind:?}");
        assert_eq!((counters.snapshot().requests, counters.snapshot().refusals), (2, 1));
    }
}

#[tokio::test]
async fn a_meter_product_is_refused_and_never_sent() {
    for kind in BOTH {
        let (mut link, mut peer) = by_hand(kind, Duration::ZERO).await;
        let key = BlockKey::new(0x01, Bank::MeterProduct, 60, 9);
        assert_eq!(link.reader.read(key, ONCE).await, Err(LinkError::Unsupported { key }));
        let mut byte = [0];
        assert!(timeout(Duration::from_millis(50), peer.read(&mut byte)).await.is_err(), "{kind:?}");
        assert!(!link.reader.is_lost());
    }
}

#[tokio::test]
async fn a_timeout_drops_the_connection_and_is_not_retried() {
    for kind in BOTH {
        let (mut link, counters) = bench(kind).await;
        let key = BlockKey::new(0x11, Bank::Input, SILENT, 1);
        let patience = Patience { deadline: Duration::from_millis(50), retries: 3, pause: Duration::ZERO };
        let outcome = link.reader.read(key, patience).await;
        assert!(matches!(outcome, Err(LinkError::Timeout { .. })), "{kind:?}: {outcome:?}");
        assert!(link.reader.is_lost());
        assert_eq!(counters.snapshot().requests, 1);
        let next = link.reader.read(BlockKey { base: 0, ..key }, ONCE).await;
        assert!(matches!(next, Err(LinkError::Lost(_))), "{kind:?}: {next:?}");
        assert_eq!(link.reader.unsolicited().await, None);
    }
}

#[tokio::test]
async fn a_reply_of_another_length_drops_the_connection() {
    for kind in BOTH {
        let (mut link, _) = bench(kind).await;
        let outcome = link.reader.read(BlockKey::new(0x11, Bank::Input, SHORT, 5), ONCE).await;
        assert_eq!(outcome, Err(LinkError::Lost("a reply does not fit its request".to_owned())), "{kind:?}");
        assert!(link.reader.is_lost());
    }
}

#[tokio::test]
async fn writes_are_confirmed_by_their_echo() {
    for kind in BOTH {
        let (mut link, _) = bench(kind).await;
        let deadline = Duration::from_secs(2);
        let echo = link.writer.write(0x11, 116, 80, deadline, always()).await.unwrap();
        assert_eq!((echo.register, echo.value, echo.serial), (116, 80, None), "{kind:?}");
        let error = link.writer.write(0x11, STUBBORN, 80, deadline, always()).await.unwrap_err();
        assert!(matches!(error, LinkError::Write { fault: WriteFault::Mismatch(1), .. }), "{kind:?}: {error:?}");
        let error = link.writer.write(0x11, 1000, 80, deadline, always()).await.unwrap_err();
        assert!(matches!(error, LinkError::Write { fault: WriteFault::Refused, .. }), "{kind:?}: {error:?}");
        let error = link.writer.write(0x11, 116, 90, deadline, Box::new(|| false)).await.unwrap_err();
        assert!(matches!(error, LinkError::Write { fault: WriteFault::NotPermitted, .. }), "{kind:?}: {error:?}");
        assert!(!link.reader.is_lost(), "{kind:?}");
    }
}

#[tokio::test]
async fn requests_keep_the_gap() {
    let (mut link, _) = bench(Kind::ModbusTcp).await;
    let started = Instant::now();
    for _ in 0..5 {
        link.reader.read(BlockKey::new(0x11, Bank::Input, 0, 1), ONCE).await.unwrap();
    }
    assert!(started.elapsed() >= Duration::from_millis(20), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_byte_that_nobody_asked_for_drops_the_connection() {
    for kind in BOTH {
        let (mut link, mut peer) = by_hand(kind, Duration::ZERO).await;
        peer.write_all(&[0x11]).await.unwrap();
        assert_eq!(timeout(Duration::from_secs(2), link.reader.unsolicited()).await, Ok(None), "{kind:?}");
        let outcome = link.reader.read(BlockKey::new(0x11, Bank::Input, 0, 1), ONCE).await;
        assert_eq!(outcome, Err(LinkError::Lost("bytes arrived unasked".to_owned())), "{kind:?}");
    }
}

#[tokio::test]
async fn an_idle_connection_that_the_other_side_ends_is_lost() {
    for kind in BOTH {
        let (mut link, peer) = by_hand(kind, Duration::ZERO).await;
        drop(peer);
        assert_eq!(timeout(Duration::from_secs(2), link.reader.unsolicited()).await, Ok(None), "{kind:?}");
        assert!(link.reader.is_lost());
    }
}

#[tokio::test]
async fn closing_ends_the_stream() {
    for kind in BOTH {
        let (link, mut peer) = by_hand(kind, Duration::ZERO).await;
        link.close(Duration::from_secs(1)).await;
        let mut byte = [0];
        let read = timeout(Duration::from_secs(2), peer.read(&mut byte)).await;
        assert!(matches!(read, Ok(Ok(0))), "{kind:?}: {read:?}");
    }
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_named_in_the_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let counters = Arc::new(Counters::default());
    let connector = TcpConnector { host: "127.0.0.1".to_owned(), port };
    let error = open(&connector, None, Kind::Dongle, &Options::default(), &counters).await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot connect to 127.0.0.1:{port}: ")), "{error}");
    assert_eq!(counters.snapshot().connects, 0);
}
