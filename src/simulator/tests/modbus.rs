//! The gateway's side, on loopback and in real time.

use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio_modbus::ExceptionCode;
use tokio_modbus::client::{Client as _, Context, Reader, Writer, rtu};
use tokio_modbus::prelude::{Slave, SlaveContext};

use super::*;

const DEADLINE: Duration = Duration::from_secs(10);

fn still() -> Simulator {
    // Plant time stands, so that what is read can be compared.
    Simulator::new(Options { speed: 0.0, delay: Duration::from_millis(1), ..quick() })
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Reads every standard block and compares it, writes a setting, and asks for what does not exist.
async fn reads_and_writes(context: &mut Context, simulator: &Simulator) {
    for (device, bank, base, values) in simulator.registers() {
        context.set_slave(Slave(device));
        let count = values.len() as u16;
        let read = match bank {
            Bank::Holding => context.read_holding_registers(base, count),
            Bank::Input => context.read_input_registers(base, count),
            Bank::MeterProduct => continue,
        };
        assert_eq!(timeout(DEADLINE, read).await.unwrap().unwrap(), Ok(values), "{device:#04x} {bank} {base}");
    }
    context.set_slave(Slave(0x11));
    assert_eq!(timeout(DEADLINE, context.write_single_register(116, 55)).await.unwrap().unwrap(), Ok(()));
    assert_eq!(simulator.get(0x11, Bank::Holding, 116), Some(55));
    let slot = context.write_multiple_registers(94, &[130, 500]);
    assert_eq!(timeout(DEADLINE, slot).await.unwrap().unwrap(), Ok(()));
    assert_eq!(simulator.get(0x11, Bank::Holding, 95), Some(500));
    let refused = timeout(DEADLINE, context.write_single_register(110, 101)).await.unwrap().unwrap();
    assert_eq!(refused, Err(ExceptionCode::IllegalDataValue));
    let absent = timeout(DEADLINE, context.read_holding_registers(300, 60)).await.unwrap().unwrap();
    assert_eq!(absent, Err(ExceptionCode::IllegalDataAddress));
}

#[tokio::test]
async fn modbus_tcp_reads_what_the_plant_has() {
    let simulator = still();
    let (listener, address) = listener().await;
    let shutdown = CancellationToken::new();
    let served = tokio::spawn({
        let (simulator, shutdown) = (simulator.clone(), shutdown.clone());
        async move { simulator.serve_modbus_tcp(listener, shutdown).await }
    });
    let mut context = tokio_modbus::client::tcp::connect_slave(address, Slave(0x11)).await.unwrap();
    reads_and_writes(&mut context, &simulator).await;
    context.set_slave(Slave(0x37));
    let absent = timeout(DEADLINE, context.read_input_registers(60, 60)).await.unwrap().unwrap();
    assert_eq!(absent, Err(ExceptionCode::GatewayTargetDevice));
    simulator.set_faults(Faults::parse("reset=1").unwrap());
    let reset = timeout(DEADLINE, context.read_input_registers(60, 60)).await;
    assert!(reset.is_ok(), "a device that does not exist is not reset");
    context.set_slave(Slave(0x11));
    assert!(timeout(DEADLINE, context.read_input_registers(0, 60)).await.unwrap().is_err());
    shutdown.cancel();
    timeout(DEADLINE, served).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn rtu_over_tcp_reads_what_the_plant_has() {
    let simulator = still();
    let (listener, address) = listener().await;
    let shutdown = CancellationToken::new();
    let served = tokio::spawn({
        let (simulator, shutdown) = (simulator.clone(), shutdown.clone());
        async move { simulator.serve_rtu_over_tcp(listener, shutdown).await }
    });
    let stream = TcpStream::connect(address).await.unwrap();
    let mut context = rtu::attach_slave(stream, Slave(0x11));
    reads_and_writes(&mut context, &simulator).await;
    context.set_slave(Slave(0x37));
    let absent = timeout(Duration::from_millis(300), context.read_input_registers(60, 60)).await;
    assert!(absent.is_err(), "{absent:?}");
    context.disconnect().await.unwrap();
    shutdown.cancel();
    timeout(DEADLINE, served).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_dongle_listener_serves_and_ends_when_told() {
    let simulator = still();
    let (listener, address) = listener().await;
    let shutdown = CancellationToken::new();
    let served = tokio::spawn({
        let (simulator, shutdown) = (simulator.clone(), shutdown.clone());
        async move { simulator.serve_dongle(listener, shutdown).await }
    });
    let mut peer = Peer::new(TcpStream::connect(address).await.unwrap());
    peer.read(0x11, Bank::Holding, 0, 1).await;
    assert_eq!(peer.next_answer().await.0, 0x11);
    shutdown.cancel();
    timeout(DEADLINE, served).await.unwrap().unwrap().unwrap();
    assert!(peer.is_closed().await);
    assert_eq!(simulator.clients(), 0);
}
