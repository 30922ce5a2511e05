//! The whole program's way in, over sockets, on each transport.

use std::time::Duration;

use givtcp::app::App;
use givtcp::control::{By, Command, Order, Outcome};
use givtcp::frame::Bank;
use givtcp::settings::{InverterSettings, Settings, Transport};
use givtcp::simulator::{Options, Simulator};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::host::quick;

#[tokio::test]
async fn over_every_transport_commands_of_one_register_and_of_several_are_applied() {
    let shutdown = CancellationToken::new();
    let _served_until_the_end = shutdown.clone().drop_guard();
    let (mut plants, mut inverters) = (Vec::new(), Vec::new());
    for (number, transport) in [(1, Transport::Dongle), (2, Transport::ModbusTcp), (3, Transport::RtuOverTcp)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let plant = Simulator::new(Options { plant: number, ..quick() });
        let (served, token) = (plant.clone(), shutdown.clone());
        tokio::spawn(async move {
            match transport {
                Transport::Dongle => served.serve_dongle(listener, token).await,
                Transport::ModbusTcp => served.serve_modbus_tcp(listener, token).await,
                Transport::RtuOverTcp => served.serve_rtu_over_tcp(listener, token).await,
            }
        });
        plants.push(plant);
        let host = "127.0.0.1".to_owned();
        inverters.push(InverterSettings::at(host, Some(port), transport));
    }
    // What must survive a power cut is not kept in memory, where the system's directory for such things may be.
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut settings = Settings { inverters, data_dir: directory.path().to_owned(), ..Settings::default() };
    settings.mqtt.enabled = false;
    settings.timezone = Some("UTC".to_owned());
    let app = App::start(&settings).unwrap();
    let begun = Instant::now();
    for (plant, (orders, newest)) in plants.iter().zip(app.orders.iter().zip(&app.snapshots)) {
        while newest.borrow().as_ref().is_none_or(|snapshot| snapshot.stats.cycles < 1) {
            assert!(begun.elapsed() < Duration::from_secs(60));
            sleep(Duration::from_millis(50)).await;
        }
        let slot = r#"{"start": "01:15", "finish": "04:45", "chargeToPercent": 77}"#;
        for (name, payload) in [("setBatteryReserve", "37"), ("setChargeSlot1", slot)] {
            // What takes longer than an order may wait is told as such: it is asked again.
            let mut report = None;
            for _ in 0..3 {
                let order = Order::new(Command::parse(name, payload).unwrap(), By::Api);
                let told = orders.give(order).await;
                let is_done = told.outcome.is_done();
                report = Some(told);
                if is_done {
                    break;
                }
                sleep(Duration::from_secs(3)).await;
            }
            let report = report.unwrap();
            assert!(matches!(report.outcome, Outcome::Applied | Outcome::Unchanged), "{report}");
        }
        let holds = |register| plant.get(0x11, Bank::Holding, register);
        assert_eq!([110, 20, 94, 95, 116].map(holds), [37, 1, 115, 445, 77].map(Some));
    }
    app.stop().await;
}
