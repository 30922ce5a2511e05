//! The form in which a record is kept, in both places: JSON with a version and a checksum.

use crc::{CRC_32_ISO_HDLC, Crc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::record::Record;

/// The form's version. What is written by a later program is not touched.
pub(super) const VERSION: u32 = 1;
/// No record is longer, bytes.
pub(super) const LONGEST: usize = 256 * 1024;

static CHECKSUM: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// Why what is kept is no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    /// A later version of this program wrote it.
    #[error("written by a later version of givtcp, in form {0}, where this one knows form {VERSION}")]
    Newer(u32),
    /// It is not what was written.
    #[error("damaged: {0}")]
    Damaged(String),
}

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    checksum: String,
    record: &'a RawValue,
}

#[derive(Deserialize)]
struct Kept<'a> {
    checksum: String,
    #[serde(borrow)]
    record: &'a RawValue,
}

/// What every version has.
#[derive(Deserialize)]
struct Any {
    version: u32,
}

pub(super) fn write(record: &Record) -> Result<String, serde_json::Error> {
    let record = serde_json::value::to_raw_value(record)?;
    serde_json::to_string(&Written { version: VERSION, checksum: checksum(record.get()), record: &record })
}

pub(super) fn read(bytes: &[u8]) -> Result<Record, Unreadable> {
    let damaged = |error: serde_json::Error| Unreadable::Damaged(error.to_string());
    if bytes.len() > LONGEST {
        return Err(Unreadable::Damaged(format!("longer than {LONGEST} bytes")));
    }
    match serde_json::from_slice::<Any>(bytes).map_err(damaged)?.version {
        VERSION => {}
        version if version > VERSION => return Err(Unreadable::Newer(version)),
        version => return Err(Unreadable::Damaged(format!("there is no form {version}"))),
    }
    let kept: Kept<'_> = serde_json::from_slice(bytes).map_err(damaged)?;
    if kept.checksum != checksum(kept.record.get()) {
        return Err(Unreadable::Damaged("its checksum is wrong".to_owned()));
    }
    serde_json::from_str(kept.record.get()).map_err(damaged)
}

fn checksum(text: &str) -> String {
    format!("{:08x}", CHECKSUM.checksum(text.as_bytes()))
}
