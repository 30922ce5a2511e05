//! The dongle's side, over memory and in paused time.

mod content;
mod families;
mod faults;
mod modbus;
mod time;

use bytes::BytesMut;
use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::time::timeout;
use tokio_util::codec::{Decoder, Encoder, Framed};

use super::*;
use crate::frame::{Answer, Ask, DongleCodec, Frame, FrameError};

/// The codec, sending frames by value.
#[derive(Default)]
struct Codec(DongleCodec);

impl Decoder for Codec {
    type Item = Result<Frame, FrameError>;
    type Error = io::Error;

    fn decode(&mut self, src: &mut BytesMut) -> io::Result<Option<Self::Item>> {
        self.0.decode(src)
    }
}

impl Encoder<Frame> for Codec {
    type Error = io::Error;

    fn encode(&mut self, frame: Frame, dst: &mut BytesMut) -> io::Result<()> {
        self.0.encode(&frame, dst)
    }
}

/// A client as a test writes it.
struct Peer<S>(Framed<S, Codec>);

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    fn new(stream: S) -> Self {
        Self(Framed::new(stream, Codec::default()))
    }

    async fn ask(&mut self, device: u8, ask: Ask) {
        self.0.send(Frame::Request { adapter: Serial::CLIENT, device, ask }).await.unwrap();
    }

    async fn read(&mut self, device: u8, bank: Bank, base: u16, count: u16) {
        self.ask(device, Ask::Read { bank, base, count }).await;
    }

    async fn write(&mut self, register: u16, value: u16) {
        self.ask(0x11, Ask::Write { register, value }).await;
    }

    /// What comes next within `within`; None if nothing does, or the connection is closed.
    async fn next_within(&mut self, within: Duration) -> Option<Result<Frame, FrameError>> {
        timeout(within, self.0.next()).await.ok()?.map(Result::unwrap)
    }

    async fn next(&mut self) -> Option<Result<Frame, FrameError>> {
        self.next_within(Duration::from_secs(1)).await
    }

    async fn next_answer(&mut self) -> (u8, Answer) {
        match self.next().await {
            Some(Ok(Frame::Reply { device, answer, .. })) => (device, answer),
            other => panic!("no answer but {other:?}"),
        }
    }

    async fn is_closed(&mut self) -> bool {
        matches!(timeout(Duration::from_secs(1), self.0.next()).await, Ok(None))
    }
}

fn quick() -> Options {
    Options { delay_jitter: Duration::ZERO, ..Options::default() }
}

fn peer(simulator: &Simulator) -> Peer<DuplexStream> {
    Peer::new(simulator.connect())
}

#[tokio::test(start_paused = true)]
async fn the_first_settings_block_names_a_hybrid_gen_1_and_its_serial() {
    let simulator = Simulator::new(quick());
    let mut peer = peer(&simulator);
    peer.read(0x11, Bank::Holding, 0, 60).await;
    let Some(Ok(Frame::Reply { adapter, device, serial, answer: Answer::Read { bank, base, values } })) =
        peer.next().await
    else {
        panic!("no answer")
    };
    assert_eq!((device, bank, base, values.len()), (0x11, Bank::Holding, 0, 60));
    assert_eq!((values[0], values[19], values[21]), (0x2001, 449, 449));
    assert_eq!(Serial::from_registers(values[13..18].try_into().unwrap()).to_string(), "SD2227G101");
    assert_eq!((serial.to_string().as_str(), adapter.to_string().as_str()), ("SD2227G101", "WF2227G301"));
    assert!(serial.is_plausible() && adapter.is_plausible());
    assert_eq!(values[35..40], [26, 6, 5, 9, 0]);
    assert_eq!(values[55], 346);
}

#[tokio::test(start_paused = true)]
async fn every_block_is_answered_with_the_registers_as_they_are() {
    let simulator = Simulator::new(quick());
    let mut peer = peer(&simulator);
    for (device, bank, base, values) in simulator.registers() {
        peer.read(device, bank, base, values.len() as u16).await;
        let answered = peer.next_answer().await;
        let now: Vec<u16> =
            (base..).take(values.len()).map(|register| simulator.get(device, bank, register).unwrap()).collect();
        assert_eq!(answered, (device, Answer::Read { bank, base, values: now }));
    }
}

#[tokio::test(start_paused = true)]
async fn batteries_have_their_own_serials_and_what_does_not_exist_is_silent() {
    let simulator = Simulator::new(Options { meter: false, ..quick() });
    let mut peer = peer(&simulator);
    for (device, serial) in [(0x32, "BG2227G201"), (0x33, "BG2227G202")] {
        peer.read(device, Bank::Input, 110, 5).await;
        let (_, Answer::Read { values, .. }) = peer.next_answer().await else { panic!("no values") };
        assert_eq!(Serial::from_registers(values.try_into().unwrap()).to_string(), serial);
    }
    for (device, bank, base) in [
        (0x34, Bank::Input, 60),
        (0x01, Bank::Input, 60),
        (0x01, Bank::MeterProduct, 60),
        (0x11, Bank::Holding, 240),
        (0x11, Bank::Holding, 300),
        (0xa0, Bank::Input, 60),
    ] {
        peer.read(device, bank, base, 5).await;
        assert_eq!(peer.next().await, None, "{device:#04x} {bank} {base}");
    }
}

#[tokio::test(start_paused = true)]
async fn gen_1_mirrors_the_inverter_at_0x31_and_answers_zeros_for_the_battery_controller() {
    let simulator = Simulator::new(quick());
    let mut peer = peer(&simulator);
    peer.read(0x31, Bank::Holding, 0, 1).await;
    assert_eq!(peer.next_answer().await.1, Answer::Read { bank: Bank::Holding, base: 0, values: vec![0x2001] });
    peer.read(0x31, Bank::Input, 60, 60).await;
    assert_eq!(peer.next_answer().await.1, Answer::Read { bank: Bank::Input, base: 60, values: vec![0; 60] });
}

#[tokio::test(start_paused = true)]
async fn a_write_is_echoed_and_has_its_effect() {
    let simulator = Simulator::new(quick());
    let mut peer = peer(&simulator);
    peer.write(116, 55).await;
    assert_eq!(peer.next_answer().await, (0x11, Answer::Write { register: 116, value: 55 }));
    assert_eq!(simulator.get(0x11, Bank::Holding, 116), Some(55));
}

#[tokio::test(start_paused = true)]
async fn a_value_out_of_range_and_an_installers_register_are_refused() {
    let simulator = Simulator::new(quick());
    let mut peer = peer(&simulator);
    for (register, value) in [(110, 101), (94, 1260), (163, 1), (63, 1840), (313, 50)] {
        let before = simulator.get(0x11, Bank::Holding, register);
        peer.write(register, value).await;
        let refusal = Answer::Error { function: 6, base: register, count: value };
        assert_eq!(peer.next_answer().await, (0x11, refusal));
        assert_eq!(simulator.get(0x11, Bank::Holding, register), before);
    }
}

#[tokio::test(start_paused = true)]
async fn the_clock_runs_and_can_be_set() {
    let simulator = Simulator::new(quick());
    let mut peer = peer(&simulator);
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(simulator.inverter_clock().to_string(), "2026-06-05T09:01:01");
    for (register, value) in [(36, 2), (37, 28), (38, 23), (40, 30)] {
        peer.write(register, value).await;
        assert_eq!(peer.next_answer().await, (0x11, Answer::Write { register, value }));
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    let clock = simulator.inverter_clock();
    assert_eq!((clock.month(), clock.day(), clock.hour(), clock.minute()), (2, 28, 23, 1));
    assert_eq!(simulator.get(0x11, Bank::Holding, 37), Some(28));
    assert_eq!(simulator.plant_time().month(), 6);
    peer.write(36, 13).await;
    assert_eq!(peer.next_answer().await.1, Answer::Error { function: 6, base: 36, count: 13 });
}

#[tokio::test(start_paused = true)]
async fn an_answer_takes_its_time_and_the_next_waits_for_it() {
    let simulator = Simulator::new(Options { delay: Duration::from_millis(100), ..quick() });
    let (mut first, mut second) = (peer(&simulator), peer(&simulator));
    let begun = Instant::now();
    first.read(0x11, Bank::Input, 0, 1).await;
    second.read(0x11, Bank::Input, 1, 1).await;
    first.next_answer().await;
    assert_eq!(begun.elapsed().as_millis(), 100);
    first.next_answer().await;
    assert_eq!(begun.elapsed().as_millis(), 200);
}

#[tokio::test(start_paused = true)]
async fn every_client_hears_every_answer() {
    let simulator = Simulator::new(quick());
    let (mut asking, mut listening) = (peer(&simulator), peer(&simulator));
    assert_eq!(simulator.clients(), 2);
    asking.read(0x32, Bank::Input, 60, 60).await;
    let heard = listening.next_answer().await;
    assert_eq!(asking.next_answer().await, heard);
    drop(listening);
    asking.read(0x11, Bank::Input, 0, 60).await;
    asking.next_answer().await;
    assert_eq!(simulator.clients(), 1);
}

#[tokio::test(start_paused = true)]
async fn heartbeats_come_on_time_and_whoever_answers_none_is_dropped() {
    let simulator = Simulator::new(quick());
    let (mut lively, mut dead) = (peer(&simulator), peer(&simulator));
    let begun = Instant::now();
    let minutes = Duration::from_secs(600);
    for beat in 1..=5 {
        let heard = lively.next_within(minutes).await;
        assert_eq!(heard, Some(Ok(Frame::Heartbeat { adapter: simulator.dongle_serial(), kind: 1 })));
        assert_eq!(begun.elapsed(), beat * Duration::from_secs(180));
        lively.0.send(Frame::Heartbeat { adapter: Serial::CLIENT, kind: 1 }).await.unwrap();
    }
    for _ in 0..3 {
        assert!(matches!(dead.next().await, Some(Ok(Frame::Heartbeat { .. }))));
    }
    assert!(dead.is_closed().await);
    assert_eq!(simulator.clients(), 1);
}

#[tokio::test(start_paused = true)]
async fn garbage_from_a_client_does_not_stop_it() {
    let simulator = Simulator::new(quick());
    let mut stream = simulator.connect();
    tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut peer = Peer::new(stream);
    peer.read(0x11, Bank::Holding, 0, 1).await;
    assert_eq!(peer.next_answer().await.0, 0x11);
}

#[tokio::test(start_paused = true)]
async fn a_register_set_by_hand_stays_until_it_is_released() {
    let simulator = Simulator::new(Options { speed: 60.0, ..quick() });
    simulator.set(0x11, Bank::Input, 59, 200);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(simulator.get(0x11, Bank::Input, 59), Some(200));
    simulator.release();
    assert!(simulator.get(0x11, Bank::Input, 59).unwrap() <= 100);
    simulator.set_soc(30.0);
    assert_eq!(simulator.get(0x11, Bank::Input, 59), Some(30));
}

#[tokio::test(start_paused = true)]
async fn a_capture_is_served_and_what_it_has_not_is_silent() {
    let capture = "rx: 595900010032010257463231323547333136000000000000001e1104534132313134473034370000000600010df20e710ef60000093ba496";
    let simulator = Simulator::from_capture(capture, quick()).unwrap();
    assert_eq!(simulator.inverter_serial().to_string(), "SA2114G047");
    let mut peer = peer(&simulator);
    peer.read(0x11, Bank::Input, 0, 6).await;
    let values = vec![1, 3570, 3697, 3830, 0, 2363];
    assert_eq!(peer.next_answer().await, (0x11, Answer::Read { bank: Bank::Input, base: 0, values }));
    peer.read(0x11, Bank::Input, 0, 7).await;
    assert_eq!(peer.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_plant_and_another_number_other_serials() {
    let options = Options { seed: 7, speed: 600.0, ..quick() };
    let (first, second) = (Simulator::new(options.clone()), Simulator::new(options.clone()));
    let third = Simulator::new(Options { plant: 2, ..options });
    for _ in 0..20 {
        let _ = first.registers();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(first.registers(), second.registers());
    assert_ne!(first.inverter_serial(), third.inverter_serial());
    assert_eq!(first.power_now(), third.power_now());
}
