//! Records in Redis too, so that another machine can undo what this one began.

use std::fmt;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use tokio::time::timeout;

use super::document::{self, Unreadable, VERSION};
use super::record::{Record, RecordId};
use super::{Fault, FaultKind, Found};
use crate::frame::Serial;
use crate::redis_server::{RedisServer, RedisServerError, Script};

/// A record that is done stays there so long, so that a machine that was away learns of it; and so does a damaged one.
const DONE_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);
/// All records together may take so long to read.
const READING: Duration = Duration::from_secs(10);
const PREFIX: &str = "givtcp:journal:";
/// Where damaged ones are set aside.
const DAMAGED: &str = "givtcp:journal-damaged:";

/// Keeps a record unless what is there is as far, under a later lease, or of a later version.
const PUT: &str = r"
local kept = redis.call('GET', KEYS[1])
if kept and kept ~= ARGV[4] then
    local read, old = pcall(cjson.decode, kept)
    if read and type(old) == 'table' then
        if (tonumber(old.version) or 0) > tonumber(ARGV[1]) then return 'overtaken' end
        local record = type(old.record) == 'table' and old.record or {}
        local revision, fence = tonumber(record.revision) or 0, tonumber(record.fence) or 0
        if revision >= tonumber(ARGV[2]) or fence > tonumber(ARGV[3]) then return 'overtaken' end
    end
end
if ARGV[5] == '0' then
    redis.call('SET', KEYS[1], ARGV[4])
else
    redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[5])
end
return 'kept'
";

/// Moves what is still this to another key.
const SET_ASIDE: &str = r"
if redis.call('GET', KEYS[1]) == ARGV[1] then
    redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
    redis.call('DEL', KEYS[1])
end
return 'done'
";

/// The other place of a journal.
pub(super) trait Shared: fmt::Debug + Send + Sync + 'static {
    /// Keeps a record there.
    fn put<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<(), NotShared>>;

    /// Everything that is there. What is damaged is set aside.
    fn all(&self) -> BoxFuture<'_, Result<Found, String>>;
}

/// Why a record was not kept there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotShared {
    /// Nobody answers, or it is refused. It may be kept all the same.
    Unreachable(String),
    /// It is there in a later form, or farther under a later lease.
    Overtaken,
}

/// Records in Redis, one key each: `givtcp:journal:<serial>:<id>`.
#[derive(Debug)]
pub(super) struct InRedis {
    server: RedisServer,
    put: Script,
    set_aside: Script,
}

impl InRedis {
    pub(super) fn new(server: RedisServer) -> Self {
        Self { server, put: Script::new(PUT), set_aside: Script::new(SET_ASIDE) }
    }

    async fn read(&self, found: &mut Found) -> Result<(), RedisServerError> {
        for key in self.server.scan(PREFIX).await? {
            let Some((inverter, id)) = whose(&key) else { continue };
            // One that is gone by now was done, and its time was over.
            let Some(text) = self.server.get(&key).await? else { continue };
            let place = format!("{key} in redis at {}", self.server.place());
            let fault = |kind, why: String| Fault { inverter, id, place, kind, why };
            match document::read(text.as_bytes()) {
                Ok(record) if (record.inverter, record.id) == (inverter, id) => found.records.push(record),
                Ok(_) => found.faults.push(fault(FaultKind::Unread, "its key is another record's".to_owned())),
                Err(newer @ Unreadable::Newer(_)) => found.faults.push(fault(FaultKind::Newer, newer.to_string())),
                Err(damaged) => {
                    let aside = key.replacen(PREFIX, DAMAGED, 1);
                    let life = DONE_LIFE.as_millis().to_string();
                    self.server.eval(&self.set_aside, &[&key, &aside], &[&text, &life]).await?;
                    found.faults.push(fault(FaultKind::Damaged, format!("{damaged}; now {aside}")));
                }
            }
        }
        Ok(())
    }
}

impl Shared for InRedis {
    fn put<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<(), NotShared>> {
        async move {
            let failed = |why: &dyn fmt::Display| NotShared::Unreachable(why.to_string());
            let text = document::write(record).map_err(|error| failed(&error))?;
            let life = if record.is_open() { 0 } else { DONE_LIFE.as_millis() };
            let numbers = [VERSION.into(), record.revision, record.fence].map(|each: u64| each.to_string());
            let [version, revision, fence] = &numbers;
            let life = life.to_string();
            let args = [version.as_str(), revision, fence, &text, &life];
            let key = format!("{PREFIX}{}:{}", record.inverter, record.id);
            let answer = self.server.eval(&self.put, &[&key], &args).await.map_err(|error| failed(&error))?;
            match answer.into_text().as_deref() {
                Some("kept") => Ok(()),
                Some("overtaken") => Err(NotShared::Overtaken),
                _ => Err(failed(&self.server.unexpected("EVALSHA"))),
            }
        }
        .boxed()
    }

    fn all(&self) -> BoxFuture<'_, Result<Found, String>> {
        async move {
            let mut found = Found::default();
            match timeout(READING, self.read(&mut found)).await {
                Ok(Ok(())) => Ok(found),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err(format!("redis at {}: not read within {READING:?}", self.server.place())),
            }
        }
        .boxed()
    }
}

/// Whose record a key is.
fn whose(key: &str) -> Option<(Serial, RecordId)> {
    let (serial, id) = key.strip_prefix(PREFIX)?.split_once(':')?;
    Some((serial.parse().ok()?, id.parse().ok()?))
}
