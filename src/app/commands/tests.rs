use bytes::Bytes;
use tokio::time::sleep;

use super::*;
use crate::control::orders;
use crate::mqtt::Answers;

fn arrival(answers: &Answers, name: &str, payload: &str) -> Arrival {
    Arrival {
        serial: "SD2227G101".parse().unwrap(),
        name: name.to_owned(),
        payload: Bytes::from(payload.to_owned()),
        retained: false,
        expires: None,
        answers: answers.clone(),
    }
}

/// The name, the code or else the outcome, and the id of each answer.
fn told(next: &mut impl FnMut() -> Option<(String, String)>) -> Vec<(String, String, Option<String>)> {
    let mut all = Vec::new();
    while let Some((name, json)) = next() {
        let report: Report = serde_json::from_str(&json).unwrap();
        let word = match &report.outcome {
            Outcome::Refused { code, .. } => code.to_string(),
            other => other.word().to_owned(),
        };
        all.push((name, word, report.id));
    }
    all
}

/// A desk that is served, and an inverter that takes a second for each command.
fn served() -> (Arc<Desk>, Arc<Mutex<Vec<String>>>) {
    let (way_in, inbox) = orders();
    let (desk, done) = (Arc::new(Desk::default()), Arc::<Mutex<Vec<String>>>::default());
    let (serving, doing) = (Arc::clone(&desk), Arc::clone(&done));
    tokio::spawn(async move { serving.serve(&way_in).await });
    tokio::spawn(async move {
        let mut inbox = inbox.take().await;
        loop {
            let given = inbox.next().await;
            sleep(Duration::from_secs(1)).await;
            doing.lock().unwrap().push(given.order.to_string());
            let report = Report::new("it", if given.order.dry_run { Outcome::Planned } else { Outcome::Applied });
            given.answer(report);
        }
    });
    (desk, done)
}

#[tokio::test(start_paused = true)]
async fn of_a_flood_the_first_and_the_newest_are_carried_out_and_all_are_answered() {
    let (desk, done) = served();
    let (answers, mut next) = Answers::to_test();
    desk.take(arrival(&answers, "setBatteryReserve", "10"));
    tokio::task::yield_now().await;
    for percent in (11..=50).cycle().take(499) {
        desk.take(arrival(&answers, "setBatteryReserve", &percent.to_string()));
        assert!(desk.state.lock().unwrap().waiting.len() <= 1);
    }
    desk.take(arrival(&answers, "SETbatteryRESERVE", "60"));
    sleep(Duration::from_secs(5)).await;
    assert_eq!(*done.lock().unwrap(), ["reserve 10 % (by mqtt)", "reserve 60 % (by mqtt)"]);
    let told = told(&mut next);
    let of = |word: &str| told.iter().filter(|(_, told, _)| told == word).count();
    assert_eq!((told.len(), of("superseded"), of("applied")), (501, 499, 2));
}

#[tokio::test(start_paused = true)]
async fn commands_of_different_kinds_keep_their_order_and_have_a_bound() {
    let (desk, done) = served();
    let (answers, mut next) = Answers::to_test();
    for (name, payload) in [("setChargeStart1", "01:00"), ("setChargeEnd1", "02:00"), ("setChargeStart2", "03:00")] {
        desk.take(arrival(&answers, name, payload));
    }
    desk.take(arrival(&answers, "setDischargeTarget", r#"{"slot": 1, "dischargeToPercent": 20}"#));
    desk.take(arrival(&answers, "setDischargeTarget", r#"{"slot": 2, "dischargeToPercent": 20}"#));
    sleep(Duration::from_secs(20)).await;
    let order: Vec<String> = done.lock().unwrap().clone();
    assert_eq!(order.len(), 5, "{order:?}");
    assert!(order[0].contains("01:00") && order[1].contains("02:00") && order[2].contains("03:00"), "{order:?}");
    assert_eq!(told(&mut next).len(), 5);
    let desk = Desk::default();
    for (kind, (name, numbers)) in [("setChargeTarget", 10), ("setDischargeTarget", 10), ("setExportTarget", 3)]
        .into_iter()
        .flat_map(|(name, most)| (1..=most).map(move |number| (name, number)))
        .chain((1..=10).map(|number| ("setChargeSlot", number)))
        .enumerate()
    {
        let payload = if name == "setChargeSlot" { r#"{"start": "01:00", "finish": "02:00"}"# } else { "20" };
        desk.take(arrival(&answers, &format!("{name}{numbers}"), payload));
        assert_eq!(desk.state.lock().unwrap().waiting.len(), (kind + 1).min(MOST_WAITING));
    }
    assert_eq!(told(&mut next), [("setChargeSlot10".to_owned(), "busy".to_owned(), None)]);
}

#[tokio::test(start_paused = true)]
async fn an_id_counts_once_in_ten_minutes() {
    let (desk, done) = served();
    let (answers, mut next) = Answers::to_test();
    let send = || desk.take(arrival(&answers, "setBatteryReserve", r#"{"reservePercent": 20, "id": "a"}"#));
    send();
    sleep(Duration::from_secs(5)).await;
    send();
    sleep(Duration::from_secs(594)).await;
    send();
    assert_eq!(done.lock().unwrap().len(), 1);
    let applied = |id: &str| ("setBatteryReserve".to_owned(), "applied".to_owned(), Some(id.to_owned()));
    let duplicate = || ("setBatteryReserve".to_owned(), "duplicate".to_owned(), Some("a".to_owned()));
    assert_eq!(told(&mut next), [applied("a"), duplicate(), duplicate()]);
    sleep(Duration::from_secs(2)).await;
    send();
    sleep(Duration::from_secs(5)).await;
    assert_eq!(told(&mut next), [applied("a")]);
    for number in 0..2 * MOST_IDS {
        let payload = format!(r#"{{"reservePercent": 20, "id": {number}}}"#);
        desk.take(arrival(&answers, "setBatteryReserve", &payload));
    }
    assert!(desk.state.lock().unwrap().ids.len() <= MOST_IDS);
}

#[tokio::test(start_paused = true)]
async fn another_command_with_an_id_that_came_before_is_carried_out() {
    let (desk, done) = served();
    let (answers, _next) = Answers::to_test();
    for (name, payload) in [
        ("forceCharge", r#"{"duration": 30, "id": 7, "dry_run": "true"}"#),
        ("forceCharge", r#"{"duration": 30, "id": 7}"#),
        ("forceCharge", r#"{"duration": 30, "id": "7"}"#),
        ("forceCharge", r#"{"duration": "Cancel", "id": 7}"#),
        ("forceExport", r#"{"duration": 30, "id": 7}"#),
    ] {
        desk.take(arrival(&answers, name, payload));
        sleep(Duration::from_secs(10)).await;
    }
    let done: Vec<String> = done.lock().unwrap().clone();
    assert_eq!(done.len(), 4, "{done:?}");
    assert!(done[0].contains("dry run") && done[2] != done[1], "{done:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_retained_expired_or_not_understood_is_not_carried_out_and_says_why() {
    let (desk, done) = served();
    let (answers, mut next) = Answers::to_test();
    let now = Instant::now();
    desk.take(arrival(&answers, "setChargeRate", "1000"));
    tokio::task::yield_now().await;
    desk.take(Arrival { expires: Some(now), ..arrival(&answers, "setBatteryReserve", "20") });
    // Its turn comes when that of the first one is over.
    let late = Arrival { expires: Some(now + Duration::from_millis(500)), ..arrival(&answers, "setChargeRate", "2") };
    desk.take(late);
    let early = now + Duration::from_secs(60);
    desk.take(Arrival { expires: Some(early), ..arrival(&answers, "setBatteryCutoff", "5") });
    desk.take(Arrival { retained: true, ..arrival(&answers, "setBatteryReserve", r#"{"id": 7}"#) });
    desk.take(arrival(&answers, "setBatteryReserve", "much"));
    desk.take(arrival(&answers, "openTheDoor", "1"));
    desk.take(Arrival { payload: Bytes::from_static(b"\xff"), ..arrival(&answers, "syncDateTime", "") });
    desk.take(arrival(&answers, "setBatteryReserve", r#"{"reservePercent": 20, "id": []}"#));
    desk.take(arrival(&answers, "setBatteryReserve", &"9".repeat(100_000)));
    desk.take(arrival(&answers, "setBatteryReserve", r#"{"reservePercent": 30, "dry_run": true}"#));
    sleep(Duration::from_secs(10)).await;
    let told = told(&mut next);
    let words: Vec<_> = told.iter().map(|(_, word, _)| word.as_str()).collect();
    let mut sorted = words.clone();
    sorted.sort_unstable();
    let wanted = [
        "applied", "applied", "expired", "expired", "invalid", "invalid", "invalid", "invalid", "invalid", "planned",
        "retained",
    ];
    assert_eq!(sorted, wanted);
    assert!(told.contains(&("setBatteryReserve".to_owned(), "retained".to_owned(), Some("7".to_owned()))));
    assert_eq!(done.lock().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn commands_are_wanted_while_the_inverter_is_held() {
    let (hold, its) = watch::channel(Hold::default());
    let (sender, mut wanted) = watch::channel(false);
    let following = tokio::spawn(follow(its, sender));
    for (standing, holds) in [(Standing::Holding, true), (Standing::Waiting, false), (Standing::Holding, true)] {
        hold.send_modify(|hold| hold.standing = standing);
        wanted.wait_for(|wanted| *wanted == holds).await.unwrap();
    }
    drop(hold);
    following.await.unwrap();
    assert!(!*wanted.borrow());
}
