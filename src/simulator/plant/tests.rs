use super::*;

#[test]
fn a_clock_register_changes_its_field_and_a_day_too_many_becomes_the_last() {
    let clock = "2026-01-31T10:20:30".parse().unwrap();
    let shows = |field, value| clock_with(clock, field, value).map(|time| time.to_string());
    assert_eq!(shows(0, 27).unwrap(), "2027-01-31T10:20:30");
    assert_eq!(shows(1, 2).unwrap(), "2026-02-28T10:20:30");
    assert_eq!(shows(2, 1).unwrap(), "2026-01-01T10:20:30");
    assert_eq!(shows(3, 0).unwrap(), "2026-01-31T00:20:30");
    assert_eq!(shows(5, 59).unwrap(), "2026-01-31T10:20:59");
}

#[test]
fn an_impossible_clock_is_refused() {
    let clock = "2026-01-31T10:20:30".parse().unwrap();
    for (field, value) in [(0, 100), (0, 65_535), (1, 0), (1, 13), (2, 32), (3, 24), (4, 60), (5, 60), (6, 1)] {
        assert_eq!(clock_with(clock, field, value), None, "{field} {value}");
    }
}

#[test]
fn packs_lie_apart_around_the_stacks_soc() {
    let three = packs(&[160.0, 186.0, 160.0]);
    let whole: f64 = three.iter().map(|pack| pack.design).sum();
    let mean = three.iter().map(|pack| pack.design * pack.lead).sum::<f64>() / whole;
    assert!(mean.abs() < 1e-9);
    assert!(three[0].lead - three[1].lead > 1.5);
    assert!(packs(&[52.0])[0].lead.abs() < 1e-9 && packs(&[]).is_empty());
}
