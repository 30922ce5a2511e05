//! The same plant behind an RS485 gateway: Modbus TCP, and RTU over TCP.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;
use tokio_modbus::server::{Service, rtu_over_tcp, tcp};
use tokio_modbus::{ExceptionCode, Request, Response, SlaveRequest};
use tokio_util::sync::CancellationToken;

use super::content;
use super::faults::Fault;
use super::server::{ACCEPT_REST, Hub, MOST_CLIENTS};
use super::state::State;
use crate::frame::{Answer, Ask, Bank};

/// What a gateway does when no device answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Absent {
    /// It says so.
    Exception,
    /// It passes the silence on.
    Silence,
}

/// One client's view of the plant.
struct Gateway {
    hub: Arc<Hub>,
    absent: Absent,
    reset: Arc<AtomicBool>,
}

/// A client's connection: it counts among the clients while it lives, and ends when the gateway resets it.
struct Connection {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
    _place: OwnedSemaphorePermit,
}

pub(super) async fn serve_tcp(hub: Arc<Hub>, listener: TcpListener, shutdown: CancellationToken) {
    let places = Arc::new(Semaphore::new(MOST_CLIENTS));
    let connected = |stream, _| std::future::ready(Ok(accept(&hub, &places, stream, Absent::Exception)));
    let server = tcp::Server::new(listener);
    while let Some(ended) = shutdown.run_until_cancelled(server.serve(&connected, |error| client_failed(&error))).await
    {
        rest_after(ended).await;
    }
}

pub(super) async fn serve_rtu(hub: Arc<Hub>, listener: TcpListener, shutdown: CancellationToken) {
    let places = Arc::new(Semaphore::new(MOST_CLIENTS));
    let connected = |stream, _| std::future::ready(Ok(accept(&hub, &places, stream, Absent::Silence)));
    let server = rtu_over_tcp::Server::new(listener);
    while let Some(ended) = shutdown.run_until_cancelled(server.serve(&connected, |error| client_failed(&error))).await
    {
        rest_after(ended).await;
    }
}

/// The listener could not accept; that passes.
async fn rest_after(ended: io::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!("Cannot accept a Modbus client: {error}");
    }
    sleep(ACCEPT_REST).await;
}

fn client_failed(error: &io::Error) {
    tracing::debug!("A Modbus client's connection failed: {error}");
}

/// A place for one more client, or None when all are taken.
fn accept(hub: &Arc<Hub>, places: &Arc<Semaphore>, stream: TcpStream, absent: Absent) -> Option<(Gateway, Connection)> {
    let Ok(place) = Arc::clone(places).try_acquire_owned() else {
        tracing::debug!("Turned a Modbus client away, there are {MOST_CLIENTS} already");
        return None;
    };
    // A client that is gone already is noticed when it is read.
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    let gateway = Gateway { hub: Arc::clone(hub), absent, reset: Arc::clone(&reset) };
    Some((gateway, Connection { stream, reset, _place: place }))
}

// === impl Gateway ===

impl Service for Gateway {
    type Request = SlaveRequest<'static>;
    type Response = Option<Response>;
    type Exception = ExceptionCode;
    type Future = Pin<Box<dyn Future<Output = Result<Option<Response>, ExceptionCode>> + Send>>;

    fn call(&self, asked: Self::Request) -> Self::Future {
        let (hub, absent, reset) = (Arc::clone(&self.hub), self.absent, Arc::clone(&self.reset));
        Box::pin(async move {
            let late = {
                let mut state = hub.state();
                let answers = state.registers().has_device(asked.slave);
                (answers && state.happens(Fault::Late)).then(|| state.between(2.0, 5.0))
            };
            if let Some(late) = late {
                sleep(late).await;
            }
            hub.exchange(|state| exchange(state, asked.slave, &asked.request, absent, &reset)).await
        })
    }
}

fn exchange(
    state: &mut State,
    device: u8,
    request: &Request<'_>,
    absent: Absent,
    reset: &AtomicBool,
) -> Result<Option<Response>, ExceptionCode> {
    if !state.registers().has_device(device) {
        return match absent {
            Absent::Exception => Err(ExceptionCode::GatewayTargetDevice),
            Absent::Silence => Ok(None),
        };
    }
    let is_reset = state.happens(Fault::Reset);
    if is_reset || state.happens(Fault::Silence) {
        reset.fetch_or(is_reset, Ordering::Relaxed);
        if state.rng.bool() {
            let _lost = respond(state, device, request);
        }
        return Ok(None);
    }
    if state.happens(Fault::Error) {
        return Err(ExceptionCode::ServerDeviceBusy);
    }
    respond(state, device, request).map(Some)
}

fn respond(state: &mut State, device: u8, request: &Request<'_>) -> Result<Response, ExceptionCode> {
    match *request {
        Request::ReadHoldingRegisters(base, count) => {
            read(state, device, Bank::Holding, base, count).map(Response::ReadHoldingRegisters)
        }
        Request::ReadInputRegisters(base, count) => {
            read(state, device, Bank::Input, base, count).map(Response::ReadInputRegisters)
        }
        Request::WriteSingleRegister(register, value) => {
            write(state, device, register, value)?;
            Ok(Response::WriteSingleRegister(register, value))
        }
        Request::WriteMultipleRegisters(base, ref values) => {
            for (register, &value) in (base..=u16::MAX).zip(values.iter()) {
                write(state, device, register, value)?;
            }
            Ok(Response::WriteMultipleRegisters(base, values.len() as u16))
        }
        _ => Err(ExceptionCode::IllegalFunction),
    }
}

fn read(state: &mut State, device: u8, bank: Bank, base: u16, count: u16) -> Result<Vec<u16>, ExceptionCode> {
    if !(1..=125).contains(&count) {
        return Err(ExceptionCode::IllegalDataValue);
    }
    match state.execute(device, Ask::Read { bank, base, count }) {
        Some(Answer::Read { mut values, .. }) => {
            content::spoil(state, (device, bank, base), &mut values);
            Ok(values)
        }
        _ => Err(ExceptionCode::IllegalDataAddress),
    }
}

fn write(state: &mut State, device: u8, register: u16, value: u16) -> Result<(), ExceptionCode> {
    match state.execute(device, Ask::Write { register, value }) {
        Some(Answer::Write { .. }) => Ok(()),
        Some(_) => Err(ExceptionCode::IllegalDataValue),
        None => Err(ExceptionCode::IllegalDataAddress),
    }
}

// === impl Connection ===

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.reset.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
