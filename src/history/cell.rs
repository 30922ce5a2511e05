//! What is known of a value in a stretch of time, and how it is written in few bytes: pure.

use super::series::COUNT;

/// One value in a stretch of time, in whole steps of its series. Two of them join to what would have come of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// How many readings.
    pub count: u32,
    /// Their sum.
    pub sum: i64,
    /// The least.
    pub min: i32,
    /// The greatest.
    pub max: i32,
}

/// All series in one stretch of time; absent where nothing was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row(pub [Option<Cell>; COUNT]);

impl Cell {
    /// Of one reading.
    pub fn of(value: i32) -> Self {
        Self { count: 1, sum: i64::from(value), min: value, max: value }
    }

    /// With the readings of another.
    pub fn join(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        self.sum as f64 / f64::from(self.count.max(1))
    }
}

impl Row {
    /// With the readings of another.
    pub fn join(&mut self, other: &Self) {
        for (own, other) in self.0.iter_mut().zip(&other.0) {
            match (own, other) {
                (_, None) => {}
                (Some(own), Some(other)) => own.join(*other),
                (own @ None, Some(_)) => *own = *other,
            }
        }
    }

    /// For each series that is there its place, then count, sum, and the extremes as distances from the rounded mean, all as
    /// numbers of variable length.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        for (place, cell) in self.0.iter().enumerate() {
            let Some(cell) = cell else { continue };
            put(&mut bytes, place as u64);
            put(&mut bytes, u64::from(cell.count));
            put_signed(&mut bytes, cell.sum);
            let mean = cell.sum / i64::from(cell.count.max(1));
            put_signed(&mut bytes, mean - i64::from(cell.min));
            put_signed(&mut bytes, i64::from(cell.max) - mean);
        }
        bytes
    }

    /// What was encoded; `None` if these bytes are nothing of the kind. Series that this version does not know are left out.
    pub fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut row = Self::default();
        while !bytes.is_empty() {
            let place = take(&mut bytes)?;
            let count = u32::try_from(take(&mut bytes)?).ok().filter(|count| *count > 0)?;
            let sum = take_signed(&mut bytes)?;
            let mean = sum / i64::from(count);
            let min = i32::try_from(mean.checked_sub(take_signed(&mut bytes)?)?).ok()?;
            let max = i32::try_from(mean.checked_add(take_signed(&mut bytes)?)?).ok()?;
            if let Some(cell) = usize::try_from(place).ok().and_then(|place| row.0.get_mut(place)) {
                *cell = Some(Cell { count, sum, min, max });
            }
        }
        Some(row)
    }
}

fn put(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn put_signed(bytes: &mut Vec<u8>, value: i64) {
    put(bytes, ((value << 1) ^ (value >> 63)) as u64);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn take_signed(bytes: &mut &[u8]) -> Option<i64> {
    let value = take(bytes)?;
    Some((value >> 1) as i64 ^ -((value & 1) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row() -> impl Strategy<Value = Row> {
        let values = || proptest::collection::vec(any::<i32>(), 0..6);
        proptest::collection::vec(values(), COUNT).prop_map(|all| {
            let mut row = Row::default();
            for (cell, values) in row.0.iter_mut().zip(all) {
                *cell = values.into_iter().map(Cell::of).reduce(|mut one, other| {
                    one.join(other);
                    one
                });
            }
            row
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(row in row()) {
            prop_assert_eq!(Row::decode(&row.encode()), Some(row));
        }

        #[test]
        fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            _ = Row::decode(&bytes);
        }

        #[test]
        fn parts_join_to_the_whole_in_any_order(one in row(), two in row(), three in row()) {
            let join = |rows: [&Row; 3]| rows.iter().fold(Row::default(), |mut all, row| { all.join(row); all });
            prop_assert_eq!(join([&one, &two, &three]), join([&three, &one, &two]));
        }
    }

    #[test]
    fn a_usual_row_is_short() {
        let mut row = Row::default();
        for cell in &mut row.0 {
            *cell = Some(Cell { count: 20, sum: 60_000, min: 2_800, max: 3_200 });
        }
        assert!(row.encode().len() <= COUNT * 9, "{}", row.encode().len());
    }
}
