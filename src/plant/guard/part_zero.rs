use super::Reading;

/// Fewer registers than this may well end at once: two strings without sun.
const LEAST: usize = 4;
/// They are doubted if they are this part of all that told something, or more: a quarter. The output of a three-phase
/// inverter is one.
const PART: usize = 4;

/// Whether one end of a block fell to zeros at once: its first or its last registers, and many that told something
/// among them. At night that is true, and a second read says so.
pub(super) fn is_doubtful(before: &Reading<'_>, after: &Reading<'_>) -> bool {
    let count = after.key.count;
    let told = |place: &u16| before.at(*place).is_some_and(|value| value != 0);
    let silent = |place: &u16| after.at(*place) == Some(0);
    let head = (0..count).take_while(silent).filter(told).count();
    let tail = (0..count).rev().take_while(silent).filter(told).count();
    let fell = head.max(tail);
    fell >= LEAST && fell * PART >= (0..count).filter(told).count()
}
