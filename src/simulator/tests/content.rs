//! Each fault of content: the frame is right, its values are wrong in the way that was asked for.

use super::*;

/// The truth and what was answered for a block, `rounds` times, in standing plant time.
async fn spoilt(name: &str, device: u8, base: u16, rounds: usize) -> (Simulator, Vec<u16>, Vec<Vec<u16>>) {
    let faults = Faults::parse(&format!("{name}=1")).unwrap();
    let simulator = Simulator::new(Options { faults, speed: 0.0, ..quick() });
    let truth = (base..base + 60).map(|register| simulator.get(device, Bank::Input, register).unwrap()).collect();
    let mut peer = peer(&simulator);
    let mut answers = Vec::new();
    for _ in 0..rounds {
        peer.read(device, Bank::Input, base, 60).await;
        // The codec of a client takes only frames with correct CRC and length.
        let (from, Answer::Read { bank, base: first, values }) = peer.next_answer().await else { panic!("no values") };
        assert_eq!((from, bank, first, values.len()), (device, Bank::Input, base, 60));
        answers.push(values);
    }
    (simulator, truth, answers)
}

fn differing(truth: &[u16], answer: &[u16]) -> Vec<(usize, u16, u16)> {
    let pairs = truth.iter().zip(answer).enumerate();
    pairs.filter(|(_, (left, right))| left != right).map(|(at, (&left, &right))| (at, left, right)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_wrong_bit_is_one_bit_of_one_register() {
    let (simulator, truth, answers) = spoilt("bit", 0x11, 0, 20).await;
    for answer in answers {
        let [(_, was, is)] = differing(&truth, &answer)[..] else { panic!("{answer:?}") };
        assert_eq!((was ^ is).count_ones(), 1);
    }
    assert_eq!(simulator.fault_counts()["bit"], 20);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_high_word_is_mostly_one_of_a_counter_and_elsewhere_any_register() {
    let (_, truth, answers) = spoilt("high_word", 0x11, 0, 40).await;
    let places: Vec<usize> = answers.iter().map(|answer| differing(&truth, answer)[0].0).collect();
    assert!(answers.iter().all(|answer| differing(&truth, answer).len() == 1));
    let of_counters = places.iter().filter(|place| [6, 11, 21, 27, 32, 45].contains(place)).count();
    assert!((20..40).contains(&of_counters), "{of_counters}");
    let (_, truth, answers) = spoilt("high_word", 0x32, 60, 10).await;
    assert!(answers.iter().all(|answer| differing(&truth, answer).len() == 1));
}

#[tokio::test(start_paused = true)]
async fn a_register_times_ten_was_not_0() {
    let (_, truth, answers) = spoilt("times_ten", 0x11, 0, 20).await;
    for answer in answers {
        let [(_, was, is)] = differing(&truth, &answer)[..] else { panic!("{answer:?}") };
        assert!(was > 0 && is == was.saturating_mul(10), "{was} {is}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_splice_takes_part_of_another_block_and_leaves_the_front() {
    let (simulator, truth, answers) = spoilt("splice", 0x32, 60, 30).await;
    let blocks = simulator.registers();
    let mut changed = 0;
    for answer in answers {
        let wrong = differing(&truth, &answer);
        changed += usize::from(!wrong.is_empty());
        assert!(answer[0] == truth[0] && wrong.len() < 60);
        let explained = |values: &Vec<u16>| wrong.iter().all(|&(at, _, is)| values.get(at) == Some(&is));
        assert!(blocks.iter().any(|(.., values)| explained(values)), "{wrong:?}");
    }
    assert!(changed > 20, "{changed}");
}

#[tokio::test(start_paused = true)]
async fn a_misaddressed_block_is_whole_that_of_another_address() {
    let (simulator, _, answers) = spoilt("misaddressed", 0x32, 60, 30).await;
    let blocks = simulator.registers();
    let other_battery = blocks.iter().find(|(device, ..)| *device == 0x33).unwrap();
    let from_it = answers.iter().filter(|answer| **answer == other_battery.3).count();
    assert!(from_it > 2, "{from_it}");
    for answer in answers {
        let fits = |values: &Vec<u16>| values[..] == answer[..values.len().min(60)];
        assert!(blocks.iter().any(|(device, _, _, values)| *device != 0x32 && fits(values)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stray_ip_packet_has_what_such_packets_have() {
    let (_, _, answers) = spoilt("ip_packet", 0x11, 0, 3).await;
    for answer in answers {
        assert_eq!(
            (answer[28], answer[35], answer[41], answer[43], answer[59]),
            (0x4c32, 0x4500, 0xc0a8, 0xc0a8, 0x661e)
        );
        assert!([0xe4f9, 0xb619].contains(&answer[40]) && [0x60ef, 0x503c].contains(&answer[50]));
    }
    let simulator = Simulator::new(Options { faults: Faults::parse("ip_packet=1").unwrap(), ..quick() });
    let mut peer = peer(&simulator);
    peer.read(0x11, Bank::Holding, 0, 1).await;
    assert_eq!(peer.next_answer().await.1, Answer::Read { bank: Bank::Holding, base: 0, values: vec![0x2001] });
}

#[tokio::test(start_paused = true)]
async fn a_repeated_block_is_as_it_was_answered_before() {
    let simulator = Simulator::new(Options { faults: Faults::parse("repeat=1").unwrap(), ..quick() });
    let mut peer = peer(&simulator);
    peer.read(0x11, Bank::Holding, 30, 20).await;
    let (_, Answer::Read { values: first, .. }) = peer.next_answer().await else { panic!("no values") };
    assert!(!simulator.fault_counts().contains_key("repeat"));
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(30)).await;
        peer.read(0x11, Bank::Holding, 30, 20).await;
        let (_, Answer::Read { values, .. }) = peer.next_answer().await else { panic!("no values") };
        assert_eq!(values, first);
    }
    assert_ne!(simulator.get(0x11, Bank::Holding, 40), Some(first[10]));
    simulator.set_faults(Faults::default());
    peer.read(0x11, Bank::Holding, 40, 1).await;
    let now = simulator.get(0x11, Bank::Holding, 40).unwrap();
    assert_eq!(peer.next_answer().await.1, Answer::Read { bank: Bank::Holding, base: 40, values: vec![now] });
}

#[tokio::test(start_paused = true)]
async fn under_all_no_fault_of_content_happens_and_under_content_each_does() {
    let count = async |faults: Faults| {
        let simulator = Simulator::new(Options { faults, ..quick() });
        let mut peer = peer(&simulator);
        for _ in 0..300 {
            peer.read(0x11, Bank::Input, 0, 60).await;
            let _ = peer.next_within(Duration::from_secs(6)).await;
        }
        simulator.fault_counts()
    };
    let is_of_content = |name: &&str| Fault::CONTENT.iter().any(|fault| fault.name() == *name);
    assert_eq!(count(Faults::all(0.0)).await.len(), 0);
    assert!(!count(Faults { reset: 0.0, ..Faults::all(0.05) }).await.keys().any(is_of_content));
    assert_eq!(count(Faults::content(0.1)).await.keys().filter(|name| is_of_content(name)).count(), 7);
}
