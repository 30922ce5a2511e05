use super::*;

#[test]
fn a_reboot_takes_100_and_nothing_else() {
    let spec = Family::HybridGen1.spec();
    let takes = |register, value| takes(&spec, register, value);
    assert!(takes(163, 100));
    assert!(!takes(163, 1) && !takes(163, 101) && !takes(63, 1840) && !takes(0, 0));
}
