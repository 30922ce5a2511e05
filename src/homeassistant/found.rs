//! What of the topics below Home Assistant's prefix is ours, or GivTCP's of the same inverter: only that is ever emptied.

use serde_json::Value;

use super::{ORIGIN, ids};
use crate::frame::Serial;

/// GivTCP's level between the kind and the id.
pub(super) const GIVTCP_NODE: &str = "GivEnergy";

/// Where notices of ours and of GivTCP may stand.
pub fn kept_topics(prefix: &str) -> Vec<String> {
    vec![format!("{prefix}/device/+/config"), format!("{prefix}/+/{GIVTCP_NODE}/+/config")]
}

/// Whether what stands at a topic was told of this inverter by an earlier run, or by GivTCP with values of ours, and so may
/// be taken back.
pub fn is_left_over(prefix: &str, root: &str, inverter: Serial, topic: &str, payload: &[u8]) -> bool {
    let Some(rest) = topic.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/')) else { return false };
    let Ok(payload) = serde_json::from_slice::<Value>(payload) else { return false };
    let serial = ids::clean(&inverter.to_string());
    match rest.split('/').collect::<Vec<_>>().as_slice() {
        ["device", id, "config"] => {
            let own = id.strip_prefix("givtcp_").and_then(|id| id.strip_prefix(&serial));
            let origin = payload.get("origin").or_else(|| payload.get("o")).and_then(|origin| origin.get("name"));
            own.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
                && origin.and_then(Value::as_str) == Some(ORIGIN)
        }
        [_, node, id, "config"] if *node == GIVTCP_NODE => {
            let values = payload.get("stat_t").and_then(Value::as_str).unwrap_or_default();
            let maker = payload.pointer("/device/manufacturer").and_then(Value::as_str);
            id.strip_prefix(&serial).is_some_and(|rest| rest.starts_with('_'))
                && maker == Some("GivEnergy")
                && values.starts_with(&format!("{root}/{inverter}/"))
        }
        _ => false,
    }
}
