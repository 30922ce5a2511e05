use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::timeout;

use super::peer::{IR0, ONCE, ROOM, SERIAL, always, asks, at_once, data, pair, refusal, reply, secs};
use crate::frame::{Answer, Ask, Frame};
use crate::link::{Connection, Counts, Echo, LinkError, Options, WriteFault};

#[tokio::test(start_paused = true)]
async fn a_write_given_up_before_its_turn_is_never_sent() {
    let options = Options { gap: secs(5), jitter: Duration::ZERO, ..Options::default() };
    let (mut link, mut peer, _) = pair(options, ROOM).await;
    let (block, ()) = tokio::join!(link.reader.read(IR0, ONCE), async {
        peer.asked().await;
        peer.say(&data(IR0, 1)).await;
    });
    block.unwrap();
    assert!(timeout(secs(1), link.writer.write(0x11, 116, 80, secs(2), always())).await.is_err());
    peer.hears_nothing_for(secs(20)).await;
}

async fn write_answered_by(frames: &[Frame]) -> (Result<Echo, LinkError>, Counts) {
    let (mut link, mut peer, counters) = pair(at_once(), ROOM).await;
    let (outcome, ()) = tokio::join!(link.writer.write(0x11, 116, 80, secs(2), always()), async {
        assert_eq!(peer.asked().await.1, Ask::Write { register: 116, value: 80 });
        for frame in frames {
            peer.say(frame).await;
        }
        peer.hears_nothing_for(secs(10)).await;
    });
    (outcome, counters.snapshot())
}

fn echo(register: u16, value: u16) -> Frame {
    reply(0x11, Answer::Write { register, value })
}

#[tokio::test(start_paused = true)]
async fn a_write_is_confirmed_by_its_own_echo_only() {
    let (outcome, counts) = write_answered_by(&[echo(117, 80), echo(0, 80), echo(116, 80)]).await;
    let echo = outcome.unwrap();
    assert_eq!((echo.device, echo.register, echo.value, echo.serial), (0x11, 116, 80, Some(SERIAL)));
    assert_eq!((counts.foreign_writes, counts.unknown), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_echo_of_another_value_is_an_error() {
    let (outcome, _) = write_answered_by(&[echo(116, 81)]).await;
    let error = outcome.unwrap_err();
    assert_eq!(error, LinkError::Write { device: 0x11, register: 116, value: 80, fault: WriteFault::Mismatch(81) });
    assert_eq!(error.to_string(), "write of 80 to HR 116 at 0x11: the echo says 81");
}

#[tokio::test(start_paused = true)]
async fn a_refused_write_is_an_error() {
    let (outcome, counts) = write_answered_by(&[refusal(6, 116, 80)]).await;
    assert!(matches!(outcome, Err(LinkError::Write { fault: WriteFault::Refused, .. })), "{outcome:?}");
    assert_eq!(counts.refusals, 1);
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_write_is_sent_once() {
    let (outcome, counts) = write_answered_by(&[]).await;
    assert!(matches!(outcome, Err(LinkError::Write { fault: WriteFault::Timeout(_), .. })), "{outcome:?}");
    assert_eq!((counts.requests, counts.timeouts), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_lock_ends_while_it_waits_for_its_turn_is_never_sent() {
    let options = Options { gap: secs(5), jitter: Duration::ZERO, ..Options::default() };
    let (mut link, mut peer, counters) = pair(options, ROOM).await;
    let (block, ()) = tokio::join!(link.reader.read(IR0, ONCE), async {
        peer.asked().await;
        peer.say(&data(IR0, 1)).await;
    });
    block.unwrap();
    let held = Arc::new(AtomicBool::new(true));
    let permit = Arc::clone(&held);
    let permit = Box::new(move || permit.load(Ordering::Relaxed));
    let (outcome, ()) = tokio::join!(link.writer.write(0x11, 116, 80, secs(2), permit), async {
        tokio::time::sleep(secs(1)).await;
        held.store(false, Ordering::Relaxed);
        peer.hears_nothing_for(secs(20)).await;
    });
    let error = outcome.unwrap_err();
    assert!(matches!(error, LinkError::Write { fault: WriteFault::NotPermitted, .. }), "{error}");
    assert_eq!(counters.snapshot().requests, 1, "the read");
    let (outcome, ()) = tokio::join!(link.writer.write(0x11, 20, 1, secs(2), always()), async {
        assert_eq!(peer.asked().await.1, Ask::Write { register: 20, value: 1 });
        peer.say(&echo(20, 1)).await;
    });
    outcome.unwrap();
}

#[tokio::test(start_paused = true)]
async fn reads_and_writes_take_turns_on_the_wire() {
    let (Connection { mut reader, mut writer, line }, mut peer, _) = pair(at_once(), ROOM).await;
    let (block, echoed, ()) =
        tokio::join!(reader.read(IR0, ONCE), writer.write(0x11, 20, 1, secs(2), always()), async {
            assert_eq!(peer.asked().await.1, asks(IR0));
            peer.hears_nothing_for(secs(1)).await;
            peer.say(&data(IR0, 1)).await;
            assert_eq!(peer.asked().await.1, Ask::Write { register: 20, value: 1 });
            peer.say(&echo(20, 1)).await;
        });
    assert!(block.is_ok() && echoed.is_ok());
    line.close(secs(1)).await;
}
