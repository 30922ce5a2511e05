//! What Redis carries out in one step, and the value that says who holds a lock.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use crate::lock::Holder;
use crate::redis_server::Script;

/// Before the resource.
pub(super) const KEY: &str = "givtcp:lock:";
/// The last fence of any lock: one key, whatever the number of resources.
pub(super) const FENCE: &str = "givtcp:lock_fence";
/// Tokens whose attempts were taken back before they came, for a life each.
const VOID: &str = "givtcp:lock_void:";
/// The end of a value whose hold was revoked.
const REVOKED: &str = r#","revoked":true}"#;

/// Takes a lock that nobody holds: `{1, fence}`, or `{0, milliseconds that the holder's life still lasts}`. The fence is
/// greater than the last, than the least that is asked for, and not less than the server's time in µs, so that a server
/// that was emptied does not go back. An attempt that was taken back before it came takes nothing.
const ACQUIRE: &str = r"
local time = redis.call('TIME')
local last = math.max(tonumber(redis.call('GET', KEYS[2])) or 0, tonumber(ARGV[2]))
local fence = string.format('%.0f', math.max(time[1] * 1000000 + time[2], last + 1))
if redis.call('EXISTS', KEYS[3]) == 1 then return {0, 0} end
if not redis.call('SET', KEYS[1], ARGV[3] .. fence .. ARGV[4], 'NX', 'PX', ARGV[1]) then
  return {0, redis.call('PTTL', KEYS[1])}
end
redis.call('SET', KEYS[2], fence)
return {1, fence}";

/// Lengthens a hold: 1; 0 if it is another's or nobody's; 2 if it was revoked, whose life goes on and ends.
const RENEW: &str = r"
local value = redis.call('TYPE', KEYS[1]).ok == 'string' and redis.call('GET', KEYS[1])
if not value or string.sub(value, 1, #ARGV[1]) ~= ARGV[1] then return 0 end
if string.sub(value, -#ARGV[3]) == ARGV[3] then return 2 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1";

/// Ends a hold and says so to those who wait: 1; 0 if it is another's or nobody's.
const RELEASE: &str = r"
local value = redis.call('TYPE', KEYS[1]).ok == 'string' and redis.call('GET', KEYS[1])
if not value or string.sub(value, 1, #ARGV[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1";

/// As [`RELEASE`], of an attempt that perhaps has not come yet: it will not succeed when it comes.
const TAKE_BACK: &str = r"
local value = redis.call('TYPE', KEYS[1]).ok == 'string' and redis.call('GET', KEYS[1])
if not value or string.sub(value, 1, #ARGV[1]) ~= ARGV[1] then
  redis.call('SET', KEYS[2], '', 'PX', ARGV[4])
  return 0
end
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1";

/// Marks the present hold and says so to its holder: 1; 0 if nobody holds it. Its life ends when it would have.
const REVOKE: &str = r"
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
local life = redis.call('PTTL', KEYS[1])
if string.sub(value, -#ARGV[2]) ~= ARGV[2] then
  value = string.sub(value, 1, -2) .. ARGV[2]
  if life > 0 then redis.call('SET', KEYS[1], value, 'PX', life) else redis.call('SET', KEYS[1], value) end
end
redis.call('PUBLISH', ARGV[1], ARGV[3])
return 1";

/// The value and its life. What is of another type than ours is held by somebody too: an empty value.
const LOOK: &str = r"
local kind = redis.call('TYPE', KEYS[1]).ok
local value = kind == 'string' and redis.call('GET', KEYS[1]) or kind ~= 'none' and ''
return {value, redis.call('PTTL', KEYS[1])}";

/// All of them.
#[derive(Debug)]
pub(super) struct Scripts {
    pub acquire: Script,
    pub renew: Script,
    pub release: Script,
    pub take_back: Script,
    pub revoke: Script,
    pub look: Script,
}

/// A value around its fence, which Redis gives.
pub(super) struct Value {
    pub head: String,
    pub tail: String,
}

#[derive(Deserialize)]
struct Named {
    owner: String,
    pid: u32,
    host: String,
    since: Timestamp,
}

impl Default for Scripts {
    fn default() -> Self {
        Self {
            acquire: Script::new(ACQUIRE),
            renew: Script::new(RENEW),
            release: Script::new(RELEASE),
            take_back: Script::new(TAKE_BACK),
            revoke: Script::new(REVOKE),
            look: Script::new(LOOK),
        }
    }
}

impl Value {
    pub(super) fn new(token: &str, owner: &str, host: &str, since: Timestamp) -> Self {
        let named = serde_json::json!({ "owner": owner, "pid": std::process::id(), "host": host, "since": since });
        let tail = named.to_string().replacen('{', ",", 1);
        Self { head: format!("{}\"fence\":", mark(token)), tail }
    }
}

/// Where the value of a resource stands.
pub(super) fn key(resource: &str) -> String {
    format!("{KEY}{resource}")
}

/// Where it stands that an attempt was taken back.
pub(super) fn void(token: &str) -> String {
    format!("{VOID}{token}")
}

/// How the value of a hold begins, and no other's.
pub(super) fn mark(token: &str) -> String {
    format!("{{\"token\":\"{token}\",")
}

/// How a value ends that was revoked.
pub(super) const fn revoked() -> &'static str {
    REVOKED
}

/// Whether a value is that of a hold, and was not revoked.
pub(super) fn is_held(value: &str, token: &str) -> bool {
    value.starts_with(&mark(token)) && !value.ends_with(REVOKED)
}

/// Whom a value names. One that cannot be read is held by somebody all the same.
pub(super) fn holder(value: &str, remaining: Option<Duration>, now: Timestamp) -> Holder {
    let unknown = || Named { owner: "unknown".to_owned(), pid: 0, host: "unknown".to_owned(), since: now };
    let Named { owner, pid, host, since } = serde_json::from_str(value).unwrap_or_else(|_| unknown());
    Holder { owner, pid, host, since, remaining }
}
