use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, sleep, timeout};

use super::peer::{Given, HR0, IR0, ONCE, ROOM, always, at_once, data, encoded, heartbeat, millis, pair, secs};
use crate::frame::{Frame, Serial};
use crate::link::{Connection, Counters, Kind, LinkError, Options, Patience, open};

#[tokio::test(start_paused = true)]
async fn heartbeats_are_answered_at_once_while_idle_waiting_and_pacing() {
    let options = Options { gap: secs(5), jitter: Duration::ZERO, ..Options::default() };
    let (mut link, mut peer, counters) = pair(options, ROOM).await;
    let answer = Frame::Heartbeat { adapter: Serial::CLIENT, kind: 1 };

    peer.say(&heartbeat()).await;
    assert_eq!(peer.next().await.as_ref(), Some(&answer), "while idle");

    tokio::join!(
        async {
            link.reader.read(IR0, ONCE).await.unwrap();
            link.reader.read(HR0, ONCE).await.unwrap();
        },
        async {
            peer.asked().await;
            let now = Instant::now();
            peer.say(&heartbeat()).await;
            assert_eq!(peer.next().await.as_ref(), Some(&answer), "while waiting for a reply");
            peer.say(&data(IR0, 1)).await;
            sleep(secs(1)).await;
            peer.say(&heartbeat()).await;
            assert_eq!(peer.next().await.as_ref(), Some(&answer), "while pacing");
            assert!(now.elapsed() < millis(1_010), "{:?}", now.elapsed());
            peer.asked().await;
            assert!(now.elapsed() >= secs(5), "a heartbeat does not shorten the gap");
            peer.say(&data(HR0, 1)).await;
        }
    );
    assert_eq!(counters.snapshot().heartbeats, 3);
}

#[tokio::test(start_paused = true)]
async fn bad_frames_are_counted_and_the_request_goes_on_waiting() {
    let (mut link, mut peer, counters) = pair(at_once(), ROOM).await;
    let mut wrong = encoded(&data(IR0, 1));
    wrong[60] ^= 1;
    let (block, ()) = tokio::join!(link.reader.read(IR0, ONCE), async {
        peer.asked().await;
        peer.stream.write_all(b"garbage").await.unwrap();
        peer.stream.write_all(&wrong).await.unwrap();
        peer.say(&Frame::Null { device: 0x32 }).await;
        peer.say(&data(IR0, 2)).await;
    });
    assert_eq!(block.unwrap().values[0], 2);
    let counts = counters.snapshot();
    assert_eq!((counts.crc_errors, counts.resyncs, counts.unknown, counts.unsolicited), (1, 1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_cut_frame_is_given_up_after_two_seconds() {
    let (mut link, mut peer, counters) = pair(at_once(), ROOM).await;
    peer.stream.write_all(&encoded(&data(IR0, 1))[..100]).await.unwrap();
    sleep(millis(1_900)).await;
    assert_eq!(counters.snapshot().resyncs, 0);
    sleep(millis(200)).await;
    assert_eq!(counters.snapshot().resyncs, 1);
    let (block, ()) = tokio::join!(link.reader.read(HR0, ONCE), async {
        peer.asked().await;
        peer.say(&data(HR0, 2)).await;
    });
    assert_eq!(block.unwrap().values[0], 2);
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_comes_in_pieces_is_not_given_up() {
    let (mut link, mut peer, counters) = pair(at_once(), ROOM).await;
    for piece in encoded(&data(IR0, 1)).chunks(41) {
        peer.stream.write_all(piece).await.unwrap();
        sleep(millis(1_500)).await;
    }
    assert_eq!(link.reader.try_unsolicited().map(|block| block.key), Some(IR0));
    assert_eq!(counters.snapshot().resyncs, 0);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_lost_after_ten_seconds() {
    let (mut link, mut peer, _) = pair(at_once(), 16).await;
    let started = Instant::now();
    let outcome = link.reader.read(IR0, ONCE).await;
    let waited = started.elapsed();
    assert!(matches!(&outcome, Err(LinkError::Lost(why)) if why.contains("took nothing")), "{outcome:?}");
    assert!(waited >= secs(10) && waited < millis(10_010), "{waited:?}");
    assert!(link.reader.is_lost());
    assert_eq!(link.reader.read(IR0, ONCE).await, outcome, "and stays lost");
    assert!(link.writer.write(0x11, 20, 1, secs(2), always()).await.is_err());
    assert_eq!(peer.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn heartbeats_behind_a_stuck_socket_do_not_pile_up() {
    let (link, mut peer, counters) = pair(at_once(), 16).await;
    let (pipe, ()) = tokio::join!(
        timeout(secs(8), async {
            loop {
                peer.stream.write_all(&encoded(&heartbeat())).await.unwrap();
                sleep(millis(10)).await;
            }
        }),
        sleep(secs(8))
    );
    assert!(pipe.is_err());
    assert!((20..40).contains(&counters.snapshot().heartbeats), "{:?}", counters.snapshot());
    assert!(counters.snapshot().unknown > 500);
    drop(link);
}

#[tokio::test(start_paused = true)]
async fn a_closed_connection_fails_the_request_that_waits() {
    let (mut link, mut peer, _) = pair(at_once(), ROOM).await;
    let started = Instant::now();
    let (outcome, ()) = tokio::join!(link.reader.read(IR0, Patience::detect(secs(2))), async {
        peer.asked().await;
        drop(peer);
    });
    assert_eq!(outcome, Err(LinkError::Lost("closed by the other side".to_owned())));
    assert!(link.reader.is_lost());
    assert!(started.elapsed() < millis(10));
}

#[tokio::test(start_paused = true)]
async fn closing_ends_our_half_and_waits_for_the_other() {
    let (link, mut peer, _) = pair(at_once(), ROOM).await;
    let started = Instant::now();
    let ((), ()) = tokio::join!(link.close(secs(2)), async {
        assert_eq!(peer.next().await, None);
        sleep(millis(100)).await;
        drop(peer);
    });
    assert!(started.elapsed() >= millis(100) && started.elapsed() < millis(110), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn closing_is_bounded() {
    let (link, _peer, _) = pair(at_once(), ROOM).await;
    let started = Instant::now();
    link.close(secs(2)).await;
    assert!(started.elapsed() < millis(300), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn closing_fails_the_request_that_waits() {
    let (Connection { mut reader, line, .. }, mut peer, _) = pair(at_once(), ROOM).await;
    let (outcome, ()) = tokio::join!(reader.read(IR0, ONCE), async {
        peer.asked().await;
        line.close(secs(1)).await;
    });
    assert_eq!(outcome, Err(LinkError::Lost("closed".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_connection_closes_the_stream() {
    let (link, mut peer, _) = pair(at_once(), ROOM).await;
    drop(link);
    assert_eq!(timeout(secs(1), peer.next()).await, Ok(None));
}

/// Sends the same bytes without pause; like a socket it lets others have their turn now and then.
#[derive(Debug)]
struct Flood {
    bytes: Vec<u8>,
    at: usize,
    reads: usize,
}

impl AsyncRead for Flood {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        self.reads += 1;
        if self.reads.is_multiple_of(64) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        while buffer.remaining() > 0 {
            buffer.put_slice(&[self.bytes[self.at]]);
            self.at = (self.at + 1) % self.bytes.len();
        }
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn what_floods_with_nothing_that_is_a_frame_is_left() {
    let flood = tokio::io::join(tokio::io::repeat(b'x'), tokio::io::sink());
    let counters = Arc::new(Counters::default());
    let mut link = open(&Given::new(flood), None, Kind::Dongle, &at_once(), &counters).await.unwrap();
    let patient = Patience { deadline: secs(60), ..ONCE };
    let outcome = timeout(secs(5), link.reader.read(HR0, patient)).await;
    assert_eq!(outcome, Ok(Err(LinkError::Lost("sent 65536 bytes that are no frame".to_owned()))));
}

#[tokio::test]
async fn a_flood_outruns_no_deadline_and_no_caller_that_gives_up() {
    let bytes = [&b"xx"[..], &encoded(&Frame::Null { device: 0x32 })].concat();
    let flood = tokio::io::join(Flood { bytes, at: 0, reads: 0 }, tokio::io::sink());
    let counters = Arc::new(Counters::default());
    let mut link = open(&Given::new(flood), None, Kind::Dongle, &at_once(), &counters).await.unwrap();
    let patient = Patience { deadline: secs(60), ..ONCE };
    assert!(timeout(millis(20), link.reader.read(HR0, patient)).await.is_err());
    let patience = Patience { deadline: millis(50), ..ONCE };
    let outcome = timeout(secs(5), link.reader.read(IR0, patience)).await;
    assert!(matches!(outcome, Ok(Err(LinkError::Timeout { .. }))), "{outcome:?}");
    link.close(secs(1)).await;
    assert!(counters.snapshot().resyncs > 0);
}
