//! Each fault by its name does what it says.

use super::*;

fn faulty(text: &str) -> Simulator {
    Simulator::new(Options { faults: Faults::parse(text).unwrap(), ..quick() })
}

async fn first_of(text: &str) -> (Simulator, Peer<DuplexStream>, Option<Result<Frame, FrameError>>) {
    let simulator = faulty(text);
    let mut peer = peer(&simulator);
    peer.read(0x11, Bank::Input, 0, 60).await;
    let first = peer.next_within(Duration::from_millis(150)).await;
    (simulator, peer, first)
}

fn truth(simulator: &Simulator) -> Answer {
    let values = (0..60).map(|register| simulator.get(0x11, Bank::Input, register).unwrap()).collect();
    Answer::Read { bank: Bank::Input, base: 0, values }
}

fn answer_of(item: Option<Result<Frame, FrameError>>) -> Answer {
    match item {
        Some(Ok(Frame::Reply { answer, .. })) => answer,
        other => panic!("no answer but {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_no_answer() {
    let (simulator, mut peer, first) = first_of("silence=1").await;
    assert_eq!(first, None);
    assert_eq!(peer.next_within(Duration::from_secs(20)).await, None);
    assert_eq!(simulator.fault_counts(), BTreeMap::from([("silence", 1)]));
}

#[tokio::test(start_paused = true)]
async fn a_delayed_answer_makes_the_next_wait() {
    let simulator = faulty("delay=1");
    let mut peer = peer(&simulator);
    let begun = Instant::now();
    peer.read(0x11, Bank::Input, 0, 1).await;
    peer.read(0x11, Bank::Input, 1, 1).await;
    let _ = answer_of(peer.next_within(Duration::from_secs(9)).await);
    let first = begun.elapsed().as_secs_f64();
    assert!((0.6..=3.1).contains(&first), "{first}");
    let _ = answer_of(peer.next_within(Duration::from_secs(9)).await);
    assert!(begun.elapsed().as_secs_f64() - first >= 0.6);
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_lets_others_pass() {
    let (simulator, mut peer, first) = first_of("late=1").await;
    assert_eq!(first, None);
    simulator.set_faults(Faults::default());
    peer.read(0x11, Bank::Holding, 0, 1).await;
    assert!(matches!(peer.next_answer().await.1, Answer::Read { bank: Bank::Holding, .. }));
    let late = answer_of(peer.next_within(Duration::from_secs(5)).await);
    assert!(matches!(late, Answer::Read { bank: Bank::Input, .. }));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_crc_is_wrong_and_the_next_frame_is_whole() {
    let (simulator, mut peer, first) = first_of("crc=1").await;
    assert!(matches!(first, Some(Err(FrameError::Crc { .. }))), "{first:?}");
    simulator.set_faults(Faults::default());
    peer.read(0x11, Bank::Input, 0, 60).await;
    assert_eq!(answer_of(peer.next().await), truth(&simulator));
}

#[tokio::test(start_paused = true)]
async fn a_cut_frame_is_no_answer_and_does_not_swallow_the_next() {
    for seed in 0..20 {
        let simulator = Simulator::new(Options { seed, faults: Faults::parse("cut=1").unwrap(), ..quick() });
        let mut peer = peer(&simulator);
        peer.read(0x11, Bank::Input, 0, 60).await;
        assert!(!matches!(peer.next().await, Some(Ok(_))));
        simulator.set_faults(Faults::default());
        peer.read(0x11, Bank::Input, 0, 60).await;
        let mut next = peer.next().await;
        while matches!(next, Some(Err(_))) {
            next = peer.next().await;
        }
        assert_eq!(answer_of(next), truth(&simulator), "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn garbage_stands_before_a_whole_frame() {
    let (simulator, mut peer, first) = first_of("garbage=1").await;
    assert!(matches!(first, Some(Err(FrameError::Garbage(_)))), "{first:?}");
    assert_eq!(answer_of(peer.next().await), truth(&simulator));
}

#[tokio::test(start_paused = true)]
async fn a_foreign_answer_comes_too_and_is_true() {
    let (simulator, mut peer, first) = first_of("foreign=1").await;
    assert_eq!(answer_of(first), truth(&simulator));
    let (device, Answer::Read { bank, base, values }) = peer.next_answer().await else { panic!("no values") };
    assert!(simulator.registers().contains(&(device, bank, base, values)));
}

#[tokio::test(start_paused = true)]
async fn an_error_reply_has_the_count_or_0() {
    let simulator = faulty("error=1");
    let mut peer = peer(&simulator);
    let mut counts = std::collections::BTreeSet::new();
    for _ in 0..20 {
        peer.read(0x11, Bank::Input, 0, 60).await;
        let Answer::Error { function: 4, base: 0, count } = peer.next_answer().await.1 else { panic!("no error") };
        counts.insert(count);
    }
    assert_eq!(counts, std::collections::BTreeSet::from([0, 60]));
}

#[tokio::test(start_paused = true)]
async fn a_block_of_zeros_has_a_correct_crc() {
    let (_, _, first) = first_of("zeros=1").await;
    assert_eq!(answer_of(first), Answer::Read { bank: Bank::Input, base: 0, values: vec![0; 60] });
}

#[tokio::test(start_paused = true)]
async fn a_reset_closes_the_connection_that_asked_and_no_other() {
    let simulator = faulty("reset=1");
    let (mut asking, mut other) = (peer(&simulator), peer(&simulator));
    asking.read(0x11, Bank::Input, 0, 60).await;
    assert!(asking.is_closed().await);
    assert_eq!(simulator.clients(), 1);
    simulator.set_faults(Faults::default());
    other.read(0x11, Bank::Input, 0, 60).await;
    assert_eq!(answer_of(other.next().await), truth(&simulator));
}

#[tokio::test(start_paused = true)]
async fn a_late_write_is_echoed_at_once_and_has_its_effect_4_s_later() {
    let simulator = faulty("write_late=1");
    let mut peer = peer(&simulator);
    peer.write(116, 55).await;
    assert_eq!(peer.next_answer().await.1, Answer::Write { register: 116, value: 55 });
    tokio::time::sleep(Duration::from_millis(3900)).await;
    assert_eq!(simulator.get(0x11, Bank::Holding, 116), Some(80));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(simulator.get(0x11, Bank::Holding, 116), Some(55));
}

#[tokio::test(start_paused = true)]
async fn an_ignored_write_is_echoed_and_has_no_effect() {
    let simulator = faulty("write_ignored=1");
    let mut peer = peer(&simulator);
    peer.write(116, 55).await;
    assert_eq!(peer.next_answer().await.1, Answer::Write { register: 116, value: 55 });
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(simulator.get(0x11, Bank::Holding, 116), Some(80));
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_write_may_have_had_its_effect_or_not() {
    let simulator = faulty("silence=1");
    let mut peer = peer(&simulator);
    let mut applied = 0;
    for value in 20..60 {
        peer.write(116, value).await;
        assert_eq!(peer.next().await, None);
        applied += u32::from(simulator.get(0x11, Bank::Holding, 116) == Some(value));
    }
    assert!((5..35).contains(&applied), "{applied}");
}

#[tokio::test(start_paused = true)]
async fn a_device_that_does_not_exist_is_silent_whatever_the_faults() {
    let simulator = faulty("all=1");
    let mut peer = peer(&simulator);
    peer.read(0x37, Bank::Input, 60, 60).await;
    assert_eq!(peer.next_within(Duration::from_secs(20)).await, None);
    assert_eq!(simulator.clients(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_about_how_often_it_happens() {
    let simulator = faulty("zeros=0.2");
    let mut peer = peer(&simulator);
    for _ in 0..500 {
        peer.read(0x11, Bank::Input, 0, 60).await;
        peer.next_answer().await;
    }
    let zeros = simulator.fault_counts()["zeros"];
    assert!((70..130).contains(&zeros), "{zeros}");
}
