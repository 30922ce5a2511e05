//! The demo's own broker: in memory, on 127.0.0.1, for nobody else.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, bail};
use mqtt5::broker::config::{StorageBackend, StorageConfig};
use mqtt5::broker::{BrokerConfig, MqttBroker};
use tokio::net::TcpListener;

/// Starts it and says on which port: the one that is wanted if it is free, else any.
pub(super) async fn start(wanted: u16) -> anyhow::Result<u16> {
    let port = free_port(wanted).await?;
    let storage =
        StorageConfig { backend: StorageBackend::Memory, enable_persistence: false, ..StorageConfig::default() };
    let config = BrokerConfig::default()
        .with_bind_address(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .with_max_clients(64)
        .with_max_packet_size(1 << 20)
        .with_sys_topics_enabled(false)
        .with_storage(storage);
    let mut broker = MqttBroker::with_config(config).await.context("the demo's broker does not start")?;
    let mut ready = broker.ready_receiver();
    tokio::spawn(async move {
        if let Err(error) = broker.run().await {
            tracing::error!("the demo's broker ended: {error}");
        }
    });
    match tokio::time::timeout(Duration::from_secs(5), ready.wait_for(|ready| *ready)).await {
        Ok(Ok(_)) => Ok(port),
        _ => bail!("the demo's broker did not start within 5s on port {port}"),
    }
}

/// This port of 127.0.0.1 if it is free, else another.
pub(super) async fn free_port(wanted: u16) -> anyhow::Result<u16> {
    for port in [wanted, 0] {
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            return Ok(listener.local_addr()?.port());
        }
    }
    bail!("no free port on 127.0.0.1")
}
