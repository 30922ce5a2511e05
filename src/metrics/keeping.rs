//! How an inverter is kept: its link, locks, data that were not believed, commands, and the broker.

use super::Kept;
use super::text::{Family, Page};
use crate::fleet::Standing;
use crate::link::Counts;
use crate::mqtt::MqttCounters;
use crate::plant::{Rejection, Snapshot};
use crate::vitals::Vitals;

/// A counter of a link.
type OfLink = (Family, fn(&Counts) -> u64);

const LINK: [OfLink; 13] = [
    (Family::counter("givtcp_link_connections_total", "Connections to the inverter that were made"), |c| c.connects),
    (Family::counter("givtcp_link_requests_total", "Requests that were sent, repeated ones included"), |c| c.requests),
    (Family::counter("givtcp_link_replies_total", "Replies that were waited for, refusals included"), |c| c.replies),
    (Family::counter("givtcp_link_timeouts_total", "Requests that were not answered in time"), |c| c.timeouts),
    (Family::counter("givtcp_link_refusals_total", "Replies that were refusals"), |c| c.refusals),
    (Family::counter("givtcp_link_crc_errors_total", "Frames with a wrong checksum"), |c| c.crc_errors),
    (Family::counter("givtcp_link_resyncs_total", "Times that garbage or a cut frame was skipped"), |c| c.resyncs),
    (Family::counter("givtcp_link_unknown_frames_total", "Frames that mean nothing"), |c| c.unknown),
    (Family::counter("givtcp_link_unsolicited_frames_total", "Frames that nobody waited for"), |c| c.unsolicited),
    (Family::counter("givtcp_link_foreign_writes_total", "Writes of others that were seen"), |c| c.foreign_writes),
    (Family::counter("givtcp_link_heartbeats_total", "Heartbeats that were answered"), |c| c.heartbeats),
    (Family::counter("givtcp_link_received_bytes_total", "Bytes that arrived"), |c| c.bytes_in),
    (Family::counter("givtcp_link_sent_bytes_total", "Bytes that were sent"), |c| c.bytes_out),
];
const REPLY: Family = Family::histogram("givtcp_link_reply_seconds", "How long replies took");
const CONNECTED: Family = Family::gauge("givtcp_link_connected", "1 while there is a connection to the inverter");
const HELD: Family =
    Family::gauge("givtcp_inverter_held", "1 while this process has the inverter, 0 while it stands by");
const UP: Family = Family::gauge("givtcp_inverter_up", "1 while the inverter is read, by this process");
const MEMBERS: Family = Family::gauge("givtcp_group_members", "Processes that share the inverter, this one included");
const ASKED: Family =
    Family::counter("givtcp_lock_requests_total", "How often a lock was asked for, by what came of it");
const WAITED: Family =
    Family::histogram("givtcp_lock_wait_seconds", "How long locks for reading and writing were waited for");
const COMMANDS: Family =
    Family::counter("givtcp_commands_total", "Commands, by the way they came and what became of them");
const TOOK: Family =
    Family::histogram("givtcp_command_seconds", "How long it took until the outcome of a command was told");
const LIMIT: Family = Family::gauge("givtcp_register_writes_limit", "Registers that commands may write in a day");

const POLLED: Family = Family::gauge("givtcp_last_poll_timestamp_seconds", "When something was last read");
const POLLS: Family = Family::counter("givtcp_polls_total", "Polls that brought data");
const SKIPPED: Family = Family::counter("givtcp_skipped_polls_total", "Polls that got no lock in time");
const STALE: Family = Family::gauge("givtcp_stale_blocks", "Blocks of registers that are due and could not be read");
const REJECTED: Family = Family::counter("givtcp_rejected_blocks_total", "Data that were not believed, by reason");
const WRITES: Family = Family::counter("givtcp_register_writes_total", "Registers that were written, ever");
const TODAY: Family = Family::gauge("givtcp_register_writes_today", "Registers that commands wrote today");

const BROKER: Family = Family::gauge("givtcp_mqtt_connected", "1 while the broker holds the connection");
/// A counter of a session with the broker.
type OfBroker = (Family, fn(&MqttCounters) -> u64);
const SESSION: [OfBroker; 4] = [
    (
        Family::counter("givtcp_mqtt_connections_total", "Connections that the broker acknowledged"),
        MqttCounters::connects,
    ),
    (
        Family::counter("givtcp_mqtt_messages_total", "Messages that were handed to the network"),
        MqttCounters::published,
    ),
    (
        Family::counter("givtcp_mqtt_failed_messages_total", "Messages that were lost with a connection, or refused"),
        MqttCounters::failed,
    ),
    (
        Family::counter("givtcp_mqtt_dropped_events_total", "Events that no broker was told of"),
        MqttCounters::events_dropped,
    ),
];

pub(super) fn add(page: &mut Page, inverter: &str, kept: &Kept<'_>) {
    let Vitals { link, phase, hold, locks, members, snapshots, mqtt, daily_writes, .. } = kept.vitals;
    let own = [("inverter", inverter)];
    let counts = link.snapshot();
    for (family, of) in &LINK {
        page.add(family, &own, of(&counts) as f64);
    }
    page.add_durations(&REPLY, &own, &link.latency().distribution());
    let is_held = hold.borrow().standing == Standing::Holding;
    let is_connected = is_held && phase.borrow().doing == crate::inverter::Doing::Connected;
    page.add(&CONNECTED, &own, flag(is_connected));
    page.add(&HELD, &own, flag(is_held));
    page.add(&UP, &own, flag(is_held && kept.vitals.fresh().is_some()));
    page.add(&MEMBERS, &own, *members.borrow() as f64);
    for ((lock, outcome), times) in locks.counts().asked() {
        page.add(&ASKED, &[own[0], ("lock", lock), ("outcome", outcome)], times as f64);
    }
    page.add_durations(&WAITED, &own, &locks.counts().waits().distribution());
    for ((by, outcome), times) in kept.orders.counts() {
        page.add(&COMMANDS, &[own[0], ("by", by), ("outcome", outcome)], times as f64);
    }
    page.add_durations(&TOOK, &own, &kept.orders.took().distribution());
    page.add(&LIMIT, &own, f64::from(*daily_writes));
    if let Some(session) = mqtt {
        page.add(&BROKER, &own, flag(session.contact().is_some_and(|contact| contact.connected)));
        for (family, of) in &SESSION {
            page.add(family, &own, of(session) as f64);
        }
    }
    // Counters do not grow old.
    if let Some(snapshot) = snapshots.borrow().as_deref() {
        add_reading(page, own[0], snapshot);
    }
}

fn add_reading(page: &mut Page, own: (&str, &str), snapshot: &Snapshot) {
    let stats = &snapshot.stats;
    page.add_some(&POLLED, &[own], stats.last_updated.map(|at| at.as_millisecond() as f64 / 1000.0));
    page.add(&POLLS, &[own], stats.cycles as f64);
    page.add(&SKIPPED, &[own], stats.skipped_cycles as f64);
    page.add(&STALE, &[own], stats.stale_blocks as f64);
    for reason in Rejection::ALL {
        page.add(&REJECTED, &[own, ("reason", reason.name())], stats.rejections.of(reason) as f64);
    }
    page.add(&WRITES, &[own], stats.writes as f64);
    page.add(&TODAY, &[own], f64::from(stats.writes_today));
}

pub(super) fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}
