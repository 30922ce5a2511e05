use std::time::Duration;

use tokio::time::{Instant, advance};
use tracing::Level;

use super::form::Form;
use super::repeats::{Repeats, Times};
use crate::settings::{LogFormat, LogSettings};

/// Without the time before it.
fn line(form: &Form, level: Level, body: &str) -> Option<String> {
    form.line(level, body, Instant::now()).map(|line| line[25..].to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_line_that_repeats_is_counted_and_told_after_longer_and_longer_times() {
    let form = Form::new(&LogSettings::default(), false);
    let mut written = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3600) {
        let now = begun.elapsed().as_secs();
        if now.is_multiple_of(3) {
            written.extend(line(&form, Level::WARN, "no answer").map(|line| (now, line)));
        }
        written.extend(form.due(Instant::now()).into_iter().map(|line| (now, line[25..].to_owned())));
        advance(Duration::from_secs(1)).await;
    }
    let at: Vec<u64> = written.iter().map(|(now, _)| *now).collect();
    assert_eq!(at, [0, 5, 15, 35, 75, 155, 315, 635, 1235, 1835, 2435, 3035]);
    assert_eq!(written[0].1, "no answer\n");
    assert_eq!(written[1].1, "no answer (again, within 5s)\n");
    assert_eq!(written[11].1, "no answer (200 times more within 600s)\n");
    // No line is lost: what is not told yet is told at the end.
    let last = form.all_counted(Instant::now());
    assert!(last.len() == 1 && last[0].ends_with("no answer (188 times more within 565s)\n"), "{last:?}");
    assert!(form.all_counted(Instant::now()).is_empty());
    advance(Duration::from_secs(700)).await;
    assert_eq!(line(&form, Level::WARN, "no answer").as_deref(), Some("no answer\n"), "a new one by then");
}

#[tokio::test(start_paused = true)]
async fn other_lines_details_and_long_ones_are_written_each_time() {
    let form = Form::new(&LogSettings::default(), false);
    let long = "x".repeat(3000);
    for _ in 0..3 {
        assert!(line(&form, Level::DEBUG, "read").is_some());
        assert!(line(&form, Level::INFO, &long).is_some());
    }
    assert!(line(&form, Level::INFO, "read").is_some() && line(&form, Level::WARN, "read").is_some());
    assert!(line(&form, Level::WARN, "read").is_none());
    form.set(&LogSettings { repeats: true, ..LogSettings::default() });
    assert!((0..3).all(|_| line(&form, Level::WARN, "read").is_some()));
}

#[tokio::test(start_paused = true)]
async fn what_is_counted_has_a_bound_and_no_count_is_lost_by_it() {
    let mut repeats = Repeats::default();
    let now = Instant::now();
    let first = |text: &str, repeats: &mut Repeats| repeats.take(Level::INFO, text, now) == Some(Times::default());
    // Two of each: all of these have a count to be told.
    for number in 0..64 {
        assert!(first(&format!("line {number}"), &mut repeats));
        assert!(!first(&format!("line {number}"), &mut repeats));
    }
    assert!((0..3).all(|_| first("one more", &mut repeats)), "there is no room to count it");
    assert_eq!(repeats.all_counted(now).len(), 64);
    for number in 0..1000 {
        assert!(first(&format!("another {number}"), &mut repeats));
    }
    assert!(!first("another 999", &mut repeats) && first("line 0", &mut repeats), "the oldest made room");
}

#[test]
fn serial_numbers_are_short_above_debug_unless_they_are_asked_for() {
    let form = Form::new(&LogSettings::default(), false);
    let body = "inverter SA2114G047 at givtcp/SA2114G047/x, EMS2252123, sa2114g047 xSA2114G047";
    let short = "inverter SA...047 at givtcp/SA...047/x, EM...123, sa...047 xSA2114G047\n";
    assert_eq!(line(&form, Level::INFO, body).as_deref(), Some(short));
    assert_eq!(line(&form, Level::ERROR, body).as_deref(), Some(short));
    assert_eq!(line(&form, Level::DEBUG, body), Some(format!("{body}\n")));
    form.set(&LogSettings { serials: true, repeats: true, ..LogSettings::default() });
    assert_eq!(line(&form, Level::INFO, body), Some(format!("{body}\n")));
}

#[test]
fn a_list_that_names_modules_says_nothing_of_the_others() {
    for (level, others) in [("givtcp::link=debug", "info"), ("warn,givtcp::link=debug", "warn"), ("off", "off")] {
        let filter = super::filter(level).to_string();
        assert!(filter.split(',').any(|directive| directive == others), "{level}: {filter}");
    }
}

#[test]
fn what_is_told_whatever_is_logged_has_the_form_of_the_others() {
    let form = Form::new(&LogSettings::default(), false);
    assert_eq!(&form.told("off, after info")[24..], "  INFO off, after info\n");
    form.set(&LogSettings { format: LogFormat::Json, ..LogSettings::default() });
    let told: serde_json::Value = serde_json::from_str(&form.told("off, after info")).unwrap();
    assert_eq!((&told["level"], &told["message"]), (&"INFO".into(), &"off, after info".into()));
}

#[test]
fn every_event_is_one_line() {
    let form = Form::new(&LogSettings::default(), false);
    assert_eq!(line(&form, Level::INFO, "a\nb\n").as_deref(), Some("a\\nb\n"));
}

#[tokio::test(start_paused = true)]
async fn json_has_time_message_keys_and_counts() {
    let form = Form::new(&LogSettings { format: LogFormat::Json, ..LogSettings::default() }, true);
    let body = r#"{"level":"WARN","message":"no answer\nSA2114G047","inverter.name":"a"}"#;
    let parse = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let first = parse(&form.line(Level::WARN, body, Instant::now()).unwrap());
    assert!(first["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    assert_eq!((&first["message"], &first["inverter.name"]), (&"no answer\nSA...047".into(), &"a".into()));
    assert!(form.line(Level::WARN, body, Instant::now()).is_none());
    assert!(form.line(Level::WARN, body, Instant::now()).is_none());
    advance(Duration::from_secs(5)).await;
    let told = parse(&form.due(Instant::now())[0]);
    assert_eq!((&told["repeated"], &told["within_seconds"]), (&2.into(), &5.into()));
    assert_eq!(told["message"], first["message"]);
}
