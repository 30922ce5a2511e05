//! What stands in a lock's file: who holds it or did last, the last fence it may have given, and behind that, which fence is revoked.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crc::{CRC_32_ISO_HDLC, Crc};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::lock::Holder;

/// A record has this many bytes at most, and is always written whole.
const LENGTH: usize = 1024;
/// A fence's digits and the end of their line.
const MARK: usize = 21;
/// Names are cut to so many characters: with each of them escaped a record still has room.
const NAME: usize = 64;

static CHECKSUM: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// What the last holder left, or the present one says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// At least every fence that was given.
    pub fence: u64,
    /// Who holds it, or did last.
    pub holder: Option<Named>,
}

/// A holder, as others may know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Named {
    pub owner: String,
    pub pid: u32,
    pub host: String,
    pub since: Timestamp,
}

// === impl Record ===

impl Record {
    /// `None` if there is none yet, or it is damaged: half written when its process died, or by somebody else.
    pub(super) fn read(file: &File) -> io::Result<Option<Self>> {
        let mut bytes = [0; LENGTH];
        let length = read_at(file, &mut bytes, 0)?;
        Ok(bytes.get(..length).and_then(parse))
    }

    /// For the holder of the lock only.
    pub(super) fn write(&self, file: &File) -> io::Result<()> {
        let text = serde_json::to_string(self)?;
        let line = format!("{:08x} {text}\n", CHECKSUM.checksum(text.as_bytes()));
        let mut bytes = [b' '; LENGTH];
        let room = bytes.get_mut(..line.len()).ok_or(io::ErrorKind::InvalidInput)?;
        room.copy_from_slice(line.as_bytes());
        file.write_all_at(&bytes, 0)
    }
}

fn parse(bytes: &[u8]) -> Option<Record> {
    let line = std::str::from_utf8(bytes).ok()?.lines().next()?;
    let (sum, text) = line.split_once(' ')?;
    let is_whole = u32::from_str_radix(sum, 16).ok()? == CHECKSUM.checksum(text.as_bytes());
    is_whole.then(|| serde_json::from_str(text).ok()).flatten()
}

fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut length = 0;
    while let Some(room) = bytes.get_mut(length..).filter(|room| !room.is_empty()) {
        match file.read_at(room, offset + length as u64) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

// === impl Named ===

impl Named {
    pub(super) fn new(owner: &str, host: &str, since: Timestamp) -> Self {
        let cut = |name: &str| name.chars().take(NAME).collect();
        Self { owner: cut(owner), pid: std::process::id(), host: cut(host), since }
    }

    /// Whether it is the same holder, since whenever.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (&self.owner, self.pid, &self.host) == (&other.owner, other.pid, &other.host)
    }
}

impl From<Named> for Holder {
    fn from(Named { owner, pid, host, since }: Named) -> Self {
        Self { owner, pid, host, since, remaining: None }
    }
}

// === the revocation ===

/// Which fence is revoked, if any ever was.
pub(super) fn revoked(file: &File) -> io::Result<Option<u64>> {
    let mut bytes = [0; MARK];
    let length = read_at(file, &mut bytes, LENGTH as u64)?;
    Ok(bytes.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok()?.trim().parse().ok()))
}

/// Revokes the hold during which this stands in the record as its fence.
pub(super) fn revoke(file: &File, fence: u64) -> io::Result<()> {
    file.write_all_at(format!("{fence:020}\n").as_bytes(), LENGTH as u64)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn holder(owner: &str) -> Record {
        let since = "2026-06-05T12:00:00Z".parse().unwrap();
        Record { fence: u64::MAX, holder: Some(Named::new(owner, "host", since)) }
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_a_revocation_stands_behind_it() {
        let file = tempfile::tempfile().unwrap();
        assert_eq!(Record::read(&file).unwrap(), None);
        revoke(&file, 7).unwrap();
        assert_eq!((Record::read(&file).unwrap(), revoked(&file).unwrap()), (None, Some(7)));
        for record in [holder("poller"), Record { fence: 8, holder: None }] {
            record.write(&file).unwrap();
            assert_eq!((Record::read(&file).unwrap(), revoked(&file).unwrap()), (Some(record), Some(7)));
        }
    }

    #[test]
    fn a_record_has_room_for_any_owner() {
        let file = tempfile::tempfile().unwrap();
        for owner in ["", &"\u{1}".repeat(1000), &"\u{1f50b}".repeat(1000)] {
            holder(owner).write(&file).unwrap();
            assert_eq!(
                Record::read(&file).unwrap().unwrap().holder.unwrap().owner,
                owner.chars().take(64).collect::<String>()
            );
        }
    }

    #[test]
    fn a_damaged_record_is_none() {
        let mut file = tempfile::tempfile().unwrap();
        holder("poller").write(&file).unwrap();
        file.write_all(b"0000").unwrap();
        assert_eq!(Record::read(&file).unwrap(), None);
        file.write_all_at(&[0xff; 4096], 0).unwrap();
        assert_eq!((Record::read(&file).unwrap(), revoked(&file).unwrap()), (None, None));
    }
}
