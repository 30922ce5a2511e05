use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const PERIOD: Duration = Duration::from_secs(300);

fn serial() -> Serial {
    Serial::new(*b"SA2114G047")
}

fn projection(retain: bool) -> Projection {
    Projection::new("GivEnergy", serial(), retain, PERIOD)
}

fn tree(leaves: &[(&str, i64)]) -> Tree {
    let leaves = leaves.iter().map(|&(path, value)| Leaf { path: path.into(), payload: value.into() }).collect();
    Tree { serial: serial(), online: true, leaves, left_out: Arc::default(), notices: Arc::default() }
}

/// What is sent now: topic below the inverter's root, payload, and `r` if it is retained.
fn sent(projection: &mut Projection) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some(due) = projection.next() {
        let topic = String::from_utf8(due.topic.to_vec()).unwrap();
        let payload = due.payload.map_or("-".to_owned(), ToString::to_string);
        let topic = topic.strip_prefix("GivEnergy/SA2114G047/").unwrap_or(&topic);
        lines.push(format!("{topic}={payload}{}", if due.retain { " r" } else { "" }));
    }
    lines
}

#[test]
fn only_what_changed_is_sent() {
    let mut projection = projection(true);
    projection.apply(&tree(&[("Power/Power/SOC", 50), ("Power/Power/PV_Power", 1)]));
    assert_eq!(sent(&mut projection), ["Stats/status=online r", "Power/Power/SOC=50 r", "Power/Power/PV_Power=1 r"]);
    projection.apply(&tree(&[("Power/Power/SOC", 50), ("Power/Power/PV_Power", 2)]));
    assert_eq!(sent(&mut projection), ["Power/Power/PV_Power=2 r"]);
    projection.apply(&tree(&[("Power/Power/SOC", 50), ("Power/Power/PV_Power", 2)]));
    assert_eq!(sent(&mut projection), Vec::<String>::new());
}

#[test]
fn the_order_of_the_leaves_does_not_matter() {
    let mut projection = projection(true);
    projection.apply(&tree(&[("a", 1), ("b", 2), ("c", 3)]));
    sent(&mut projection);
    projection.apply(&tree(&[("c", 3), ("a", 1), ("b", 2)]));
    assert_eq!(sent(&mut projection), Vec::<String>::new());
    projection.apply(&tree(&[("b", 4), ("c", 3), ("d", 5), ("a", 1)]));
    assert_eq!(sent(&mut projection), ["b=4 r", "d=5 r"]);
}

#[test]
fn the_newest_value_of_a_topic_is_the_one_that_is_sent() {
    let mut projection = projection(true);
    for value in 0..100 {
        projection.apply(&tree(&[("a", value), ("b", value)]));
        assert!(projection.due() <= 3, "the queue holds each topic once");
    }
    assert_eq!(sent(&mut projection), ["Stats/status=online r", "a=99 r", "b=99 r"]);
}

#[test]
fn the_availability_is_retained_even_if_leaves_are_not() {
    let mut projection = projection(false);
    projection.apply(&tree(&[("a", 1)]));
    assert_eq!(sent(&mut projection), ["Stats/status=online r", "a=1"]);
    projection.apply(&Tree { online: false, ..tree(&[("a", 1)]) });
    assert_eq!(sent(&mut projection), ["Stats/status=offline r"]);
}

#[test]
fn a_leaf_in_the_availabilitys_place_is_not_published() {
    let mut projection = projection(true);
    for value in 0..3 {
        projection.apply(&tree(&[("Stats/status", value), ("a", 1), ("a", 2)]));
    }
    assert_eq!(sent(&mut projection), ["Stats/status=online r", "a=1 r"]);
}

#[test]
fn a_vanished_leaf_is_taken_back_once() {
    let mut projection = projection(true);
    projection.apply(&tree(&[("a", 1), ("b", 2)]));
    sent(&mut projection);
    projection.apply(&tree(&[("b", 2)]));
    assert_eq!(sent(&mut projection), ["a=- r"]);
    projection.apply(&tree(&[("b", 2)]));
    assert_eq!(sent(&mut projection), Vec::<String>::new());
    projection.apply(&tree(&[("a", 1), ("b", 2)]));
    assert_eq!(sent(&mut projection), ["a=1 r"]);
}

#[test]
fn what_was_taken_back_is_so_again_on_a_connection_soon_after_and_then_forgotten() {
    let mut projection = projection(true);
    projection.apply(&tree(&[("a", 1)]));
    sent(&mut projection);
    projection.apply(&tree(&[]));
    sent(&mut projection);
    projection.everything();
    assert_eq!(sent(&mut projection), ["Stats/status=online r", "a=- r"]);
    projection.spread(PERIOD);
    projection.everything();
    assert_eq!(sent(&mut projection), ["Stats/status=online r"]);
}

#[test]
fn a_leaf_that_vanishes_before_it_was_sent_leaves_no_trace() {
    let mut projection = projection(true);
    projection.apply(&tree(&[("a", 1)]));
    projection.apply(&tree(&[("b", 1)]));
    assert_eq!(sent(&mut projection), ["Stats/status=online r", "b=1 r"]);
}

#[test]
fn a_vanished_leaf_that_was_not_retained_is_forgotten() {
    let mut projection = projection(false);
    projection.apply(&tree(&[("a", 1)]));
    sent(&mut projection);
    projection.apply(&tree(&[]));
    assert_eq!(sent(&mut projection), Vec::<String>::new());
}

#[test]
fn a_connection_begins_with_everything() {
    let mut projection = projection(true);
    projection.apply(&tree(&[("a", 1), ("b", 2)]));
    sent(&mut projection);
    projection.apply(&tree(&[("a", 1), ("b", 3)]));
    projection.everything();
    assert_eq!(sent(&mut projection), ["Stats/status=online r", "a=1 r", "b=3 r"]);
}

#[test]
fn characters_that_no_topic_may_hold_become_underscores() {
    let mut projection = Projection::new("/home/Giv Energy/", Serial::new(*b"S/#+ \x00\xff047"), true, PERIOD);
    projection.apply(&tree(&[("Stats/Last Updated+#", 1)]));
    assert_eq!(
        sent(&mut projection),
        ["home/Giv_Energy/S___???047/Stats/status=online r", "home/Giv_Energy/S___???047/Stats/Last_Updated__=1 r"]
    );
}

fn hundred_leaves() -> Tree {
    let leaves = (0..100).map(|n| Leaf { path: format!("Power/Power/{n}").into(), payload: n.into() }).collect();
    Tree { serial: serial(), online: true, leaves, left_out: Arc::default(), notices: Arc::default() }
}

#[test]
fn all_is_published_again_once_a_period_and_evenly() {
    let mut projection = projection(true);
    projection.apply(&hundred_leaves());
    projection.spread(Duration::from_secs(17));
    sent(&mut projection);
    let mut all = Vec::new();
    for step in 1..=10 {
        projection.spread(Duration::from_secs(17 + 30 * step));
        let now = sent(&mut projection);
        assert!((1..=25).contains(&now.len()), "{} leaves in a tenth of the period", now.len());
        all.extend(now);
    }
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 101);
}

#[test]
fn a_period_of_zero_publishes_nothing_again() {
    let mut projection = Projection::new("GivEnergy", serial(), true, Duration::ZERO);
    projection.apply(&hundred_leaves());
    sent(&mut projection);
    projection.spread(Duration::from_secs(86400));
    assert_eq!(projection.due(), 0);
}

proptest! {
    #[test]
    fn each_phase_comes_once_in_any_row_of_steps(phase in 0u64..1000, steps in prop::collection::vec(1u64..700, 1..40)) {
        let millis = Duration::from_millis;
        let (mut time, mut turns) = (0, 0);
        for step in &steps {
            let before = time;
            time += step;
            let came = (before..time).any(|t| t % 1000 == phase);
            prop_assert_eq!(falls_within(millis(phase), millis(before), millis(time), millis(1000)), came);
            turns += u64::from(came);
        }
        prop_assert!(turns.abs_diff(time / 1000) <= 1);
    }

    /// A broker that takes what is sent holds, once all is sent, exactly the last tree.
    #[test]
    fn a_broker_that_listens_ends_with_the_last_tree(
        trees in prop::collection::vec((prop::collection::btree_map(0u8..12, 0i64..4, 0..10), 0usize..15, any::<bool>()), 1..30)
    ) {
        let mut projection = projection(true);
        let mut broker = BTreeMap::new();
        let mut time = Duration::ZERO;
        let mut last = BTreeMap::new();
        for (leaves, room, reconnect) in trees {
            let leaves: Vec<_> = leaves.iter().map(|(path, value)| (path.to_string(), *value)).collect();
            last = leaves.iter().cloned().collect();
            projection.apply(&tree(&leaves.iter().map(|(path, value)| (path.as_str(), *value)).collect::<Vec<_>>()));
            time += Duration::from_secs(40);
            projection.spread(time);
            if reconnect {
                projection.everything();
            }
            prop_assert!(projection.due() <= 13);
            listen(&mut projection, &mut broker, room);
        }
        listen(&mut projection, &mut broker, usize::MAX);
        broker.remove("Stats/status");
        prop_assert_eq!(broker, last);
    }
}

fn listen(projection: &mut Projection, broker: &mut BTreeMap<String, i64>, room: usize) {
    for _ in 0..room {
        let Some(due) = projection.next() else { return };
        let topic = String::from_utf8(due.topic.slice("GivEnergy/SA2114G047/".len()..).to_vec()).unwrap();
        match due.payload {
            Some(Payload::Integer(value)) => broker.insert(topic, *value),
            Some(_) => broker.insert(topic, -1),
            None => broker.remove(&topic),
        };
    }
}

#[test]
fn what_a_tree_leaves_out_is_taken_back_once() {
    let mut projection = projection(true);
    let left_out: Arc<[Arc<str>]> = ["x".into(), "y".into()].into();
    let led = |leaves| Tree { left_out: Arc::clone(&left_out), ..tree(leaves) };
    projection.apply(&led(&[("a", 1)]));
    assert_eq!(sent(&mut projection), ["Stats/status=online r", "a=1 r", "x=- r", "y=- r"]);
    projection.apply(&led(&[("a", 2)]));
    assert_eq!(sent(&mut projection), ["a=2 r"]);
    // A device was found, whose leaves are left out too.
    let more = Tree { left_out: ["x".into(), "y".into(), "z".into()].into(), ..tree(&[("a", 2)]) };
    projection.apply(&more);
    assert_eq!(sent(&mut projection), ["z=- r"]);
    // It is led no more.
    projection.apply(&tree(&[("a", 2), ("x", 5)]));
    assert_eq!(sent(&mut projection), ["x=5 r"]);
    projection.apply(&more);
    assert_eq!(sent(&mut projection), ["x=- r"]);
}

#[test]
fn what_is_left_out_is_taken_back_where_nothing_is_retained_any_more() {
    let mut projection = projection(false);
    projection.apply(&Tree { left_out: ["x".into()].into(), ..tree(&[("a", 1)]) });
    assert_eq!(sent(&mut projection), ["Stats/status=online r", "a=1", "x=- r"]);
    projection.spread(PERIOD);
    projection.everything();
    assert_eq!(sent(&mut projection), ["Stats/status=online r", "a=1"]);
}
