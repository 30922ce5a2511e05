use std::time::Duration;

use tokio::time::{Instant, advance, sleep, timeout};

use super::peer::{HR0, IR0, IR60, ONCE, Peer, ROOM, SERIAL, asks, at_once, data, millis, pair, refusal, secs};
use crate::frame::{Ask, Bank, BlockKey, Frame, Serial};
use crate::link::{LinkError, Options, Patience, UNSOLICITED_LIMIT};

/// Answers every read with its base as the value, until the link ends; returns when each request came.
async fn answer_all(mut peer: Peer) -> Vec<Instant> {
    let mut times = Vec::new();
    while let Some(frame) = peer.next().await {
        if let Frame::Request { device, ask: Ask::Read { bank, base, count }, .. } = frame {
            times.push(Instant::now());
            peer.say(&data(BlockKey::new(device, bank, base, count), base)).await;
        }
    }
    times
}

#[tokio::test(start_paused = true)]
async fn a_block_carries_what_the_reply_said() {
    let (mut link, peer, counters) = pair(at_once(), ROOM).await;
    let peer = tokio::spawn(answer_all(peer));
    let block = link.reader.read(IR60, ONCE).await.unwrap();
    assert_eq!((block.key, block.values, block.serial), (IR60, vec![60; 60], Some(SERIAL)));
    link.close(secs(1)).await;
    assert_eq!(peer.await.unwrap().len(), 1);
    let counts = counters.snapshot();
    assert_eq!((counts.requests, counts.replies, counts.unsolicited, counts.reconnects()), (1, 1, 0, 0));
    assert_eq!((counts.bytes_out, counts.bytes_in), (34, 164));
}

#[tokio::test(start_paused = true)]
async fn a_blank_serial_is_not_taken_for_none() {
    let (mut link, mut peer, _) = pair(at_once(), ROOM).await;
    let Frame::Reply { adapter, device, answer, .. } = data(IR0, 1) else { unreachable!() };
    let blank = Frame::Reply { adapter, device, serial: Serial::BLANK, answer };
    let (block, ()) = tokio::join!(link.reader.read(IR0, ONCE), async {
        peer.asked().await;
        peer.say(&blank).await;
    });
    assert_eq!(block.unwrap().serial, Some(Serial::BLANK));
}

#[tokio::test(start_paused = true)]
async fn requests_keep_the_gap_and_the_jitter() {
    let options = Options { seed: 3, ..Options::default() };
    let (mut link, peer, _) = pair(options, ROOM).await;
    let peer = tokio::spawn(answer_all(peer));
    for _ in 0..50 {
        link.reader.read(IR0, ONCE).await.unwrap();
    }
    link.close(secs(1)).await;
    let times = peer.await.unwrap();
    let gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps.len(), 49);
    assert!(gaps.iter().all(|gap| (millis(250)..=millis(352)).contains(gap)), "{gaps:?}");
    assert!(gaps.iter().max() > gaps.iter().min(), "no jitter: {gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_reply_leaves_no_gap_to_wait_for() {
    let (mut link, mut peer, _) = pair(Options::default(), ROOM).await;
    let started = Instant::now();
    tokio::join!(
        async {
            link.reader.read(IR0, ONCE).await.unwrap();
            link.reader.read(HR0, ONCE).await.unwrap();
        },
        async {
            peer.asked().await;
            sleep(secs(1)).await;
            peer.say(&data(IR0, 1)).await;
            let (_, _, at) = peer.asked().await;
            assert!(at - started < millis(1010), "{:?}", at - started);
            peer.say(&data(HR0, 1)).await;
        }
    );
}

#[tokio::test(start_paused = true)]
async fn silence_ends_at_the_deadline_after_the_retries() {
    let (mut link, mut peer, counters) = pair(at_once(), ROOM).await;
    let started = Instant::now();
    let (outcome, times) = tokio::join!(link.reader.read(HR0, Patience::detect(secs(2))), async {
        let mut times = Vec::new();
        for _ in 0..4 {
            times.push(peer.asked().await.2 - started);
        }
        times
    });
    let Err(LinkError::Timeout { key: HR0, waited }) = outcome else { panic!("{outcome:?}") };
    assert!(waited >= millis(9_500) && waited < millis(9_600), "{waited:?}");
    for (attempt, time) in times.iter().enumerate() {
        let due = millis(2_500) * attempt as u32;
        assert!(*time >= due && *time < due + millis(20), "{times:?}");
    }
    assert_eq!((counters.snapshot().requests, counters.snapshot().timeouts), (4, 4));
    assert!(!link.reader.is_lost());
}

#[tokio::test(start_paused = true)]
async fn a_probe_is_repeated_at_once_and_once() {
    let (mut link, mut peer, _) = pair(at_once(), ROOM).await;
    let started = Instant::now();
    let outcome = link.reader.read(IR60, Patience::PROBE).await;
    assert!(matches!(outcome, Err(LinkError::Timeout { .. })));
    assert!(started.elapsed() >= secs(1) && started.elapsed() < millis(1020), "{:?}", started.elapsed());
    peer.asked().await;
    peer.asked().await;
    peer.hears_nothing_for(secs(5)).await;
}

#[tokio::test(start_paused = true)]
async fn the_deadline_begins_when_the_request_is_transmitted() {
    let options = Options { gap: secs(5), jitter: Duration::ZERO, ..Options::default() };
    let (mut link, mut peer, _) = pair(options, ROOM).await;
    tokio::join!(
        async {
            link.reader.read(IR0, ONCE).await.unwrap();
            link.reader.read(HR0, ONCE).await.unwrap();
        },
        async {
            peer.asked().await;
            peer.say(&data(IR0, 1)).await;
            peer.asked().await;
            sleep(millis(1_900)).await;
            peer.say(&data(HR0, 1)).await;
        }
    );
}

#[tokio::test(start_paused = true)]
async fn a_late_reply_is_not_taken_for_the_next() {
    let (mut link, mut peer, counters) = pair(at_once(), ROOM).await;
    let ((), ()) = tokio::join!(
        async {
            assert!(matches!(link.reader.read(IR0, ONCE).await, Err(LinkError::Timeout { .. })));
            let block = link.reader.read(HR0, ONCE).await.unwrap();
            assert_eq!((block.key, block.values[0]), (HR0, 2));
        },
        async {
            peer.asked().await;
            assert_eq!(peer.asked().await.1, asks(HR0));
            peer.say(&data(IR0, 1)).await;
            peer.say(&data(HR0, 2)).await;
        }
    );
    let late = link.reader.try_unsolicited().unwrap();
    assert_eq!((late.key, late.values[0]), (IR0, 1));
    assert_eq!(counters.snapshot().unsolicited, 1);
}

#[tokio::test(start_paused = true)]
async fn a_reply_of_another_count_or_device_is_not_taken() {
    let (mut link, mut peer, _) = pair(at_once(), ROOM).await;
    let (block, ()) = tokio::join!(link.reader.read(IR0, ONCE), async {
        peer.asked().await;
        peer.say(&data(BlockKey { count: 30, ..IR0 }, 1)).await;
        peer.say(&data(BlockKey { device: 0x32, ..IR0 }, 2)).await;
        peer.say(&data(BlockKey { bank: Bank::Holding, ..IR0 }, 3)).await;
        peer.say(&data(IR0, 4)).await;
    });
    assert_eq!(block.unwrap().values[0], 4);
    let others: Vec<_> = std::iter::from_fn(|| link.reader.try_unsolicited()).map(|block| block.values[0]).collect();
    assert_eq!(others, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_late_reply_in_the_rest_before_the_retry_is_taken() {
    let (mut link, mut peer, counters) = pair(at_once(), ROOM).await;
    let (block, ()) = tokio::join!(link.reader.read(IR0, Patience::live(secs(2))), async {
        peer.asked().await;
        sleep(millis(2_200)).await;
        peer.say(&data(HR0, 1)).await;
        peer.say(&data(IR0, 2)).await;
        peer.hears_nothing_for(secs(5)).await;
    });
    assert_eq!(block.unwrap().values[0], 2);
    assert_eq!(counters.snapshot().requests, 1);
    assert_eq!(link.reader.try_unsolicited().map(|block| block.key), Some(HR0), "what else arrived is kept");
}

#[tokio::test(start_paused = true)]
async fn a_late_reply_during_the_retry_is_taken() {
    let (mut link, mut peer, _) = pair(at_once(), ROOM).await;
    let (block, ()) = tokio::join!(link.reader.read(IR0, Patience::live(secs(2))), async {
        peer.asked().await;
        peer.asked().await;
        peer.say(&data(IR0, 1)).await;
        peer.say(&data(IR0, 2)).await;
    });
    assert_eq!(block.unwrap().values[0], 1);
    sleep(millis(1)).await;
    assert_eq!(link.reader.try_unsolicited().map(|block| block.values[0]), Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_block_that_came_before_it_was_asked_for_is_not_taken_for_the_reply() {
    let (mut link, mut peer, _) = pair(at_once(), ROOM).await;
    peer.say(&data(IR0, 1)).await;
    sleep(secs(1)).await;
    let outcome = link.reader.read(IR0, Patience::live(secs(2))).await;
    assert!(matches!(outcome, Err(LinkError::Timeout { .. })), "{outcome:?}");
    assert_eq!(link.reader.try_unsolicited().map(|block| block.values[0]), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_matched_without_its_count_and_not_retried() {
    let (mut link, mut peer, counters) = pair(at_once(), ROOM).await;
    let (outcome, ()) = tokio::join!(link.reader.read(HR0, Patience::detect(secs(2))), async {
        peer.asked().await;
        peer.say(&refusal(4, 0, 0)).await;
        peer.say(&refusal(3, 60, 0)).await;
        sleep(secs(1)).await;
        peer.say(&refusal(3, 0, 0)).await;
        peer.hears_nothing_for(secs(5)).await;
    });
    assert_eq!(outcome, Err(LinkError::Refused { key: HR0 }));
    assert_eq!((counters.snapshot().refusals, counters.snapshot().unsolicited), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn what_others_asked_for_is_delivered() {
    let (mut link, mut peer, _) = pair(at_once(), ROOM).await;
    let (block, ()) = tokio::join!(link.reader.unsolicited(), async {
        sleep(secs(30)).await;
        peer.say(&data(IR60, 7)).await;
    });
    assert_eq!(block.map(|block| (block.key, block.values[0])), Some((IR60, 7)));
    assert!(timeout(secs(5), link.reader.unsolicited()).await.is_err());
    peer.say(&data(IR0, 8)).await;
    assert_eq!(link.reader.unsolicited().await.map(|block| block.key), Some(IR0), "a dropped wait loses nothing");
    drop(peer);
    assert_eq!(link.reader.unsolicited().await, None);
    assert!(link.reader.is_lost());
}

#[tokio::test(start_paused = true)]
async fn of_too_many_unsolicited_blocks_the_oldest_are_dropped_and_counted() {
    let (mut link, mut peer, counters) = pair(at_once(), 1 << 16).await;
    for value in 0..70 {
        peer.say(&data(IR60, value)).await;
    }
    sleep(millis(10)).await;
    let values: Vec<_> = std::iter::from_fn(|| link.reader.try_unsolicited()).map(|block| block.values[0]).collect();
    assert_eq!(values, (6..70).collect::<Vec<_>>());
    assert_eq!(values.len(), UNSOLICITED_LIMIT);
    assert_eq!((counters.snapshot().unsolicited, counters.snapshot().unsolicited_dropped), (70, 6));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_frees_its_turn() {
    let (mut link, mut peer, _) = pair(at_once(), ROOM).await;
    assert!(timeout(millis(100), link.reader.read(IR0, ONCE)).await.is_err());
    let started = Instant::now();
    let (block, ()) = tokio::join!(link.reader.read(HR0, ONCE), async {
        assert_eq!(peer.asked().await.1, asks(IR0));
        assert_eq!(peer.asked().await.1, asks(HR0));
        peer.say(&data(IR0, 1)).await;
        peer.say(&data(HR0, 2)).await;
    });
    assert_eq!(block.unwrap().values[0], 2);
    assert!(started.elapsed() < millis(10), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_late_reply_while_the_retry_is_paced_is_taken() {
    let options = Options { gap: secs(5), jitter: Duration::ZERO, ..Options::default() };
    let (mut link, mut peer, counters) = pair(options, ROOM).await;
    let (block, ()) = tokio::join!(link.reader.read(IR0, Patience::live(secs(2))), async {
        peer.asked().await;
        sleep(secs(3)).await;
        peer.say(&data(IR0, 1)).await;
        peer.hears_nothing_for(secs(20)).await;
    });
    assert_eq!(block.unwrap().values[0], 1);
    assert_eq!((counters.snapshot().requests, counters.snapshot().unsolicited), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_waited_in_the_socket_while_the_process_slept_counts() {
    let (mut link, mut peer, _) = pair(at_once(), ROOM).await;
    let (block, ()) = tokio::join!(link.reader.read(IR0, ONCE), async {
        peer.asked().await;
        peer.say(&data(IR0, 5)).await;
        advance(secs(30)).await;
    });
    assert_eq!(block.unwrap().values[0], 5);
}
