//! Home Assistant's Supervisor: what an app may ask of it, by its token. Its answers are
//! `{"result": "ok", "data": {…}}`, and with another status `{"result": "error", "message": …}`.

use std::net::Ipv4Addr;
use std::time::Duration;

use axum::http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::http::client::{self, NoReply};

/// Where it is, in the network of its apps.
pub const ADDRESS: &str = "supervisor:80";
/// It answers out of what it knows.
const WITHIN: Duration = Duration::from_secs(5);

/// How the Supervisor is asked.
#[derive(Clone, Debug)]
pub struct Supervisor {
    /// Host and port.
    pub at: String,
    /// What it knows this program by.
    pub token: SecretString,
}

/// The broker that Home Assistant uses, with an account for its apps.
#[derive(Clone, Debug)]
pub struct BrokerService {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Whether it wants TLS.
    pub ssl: bool,
    /// The account's name; empty: none is needed.
    pub username: String,
    /// Its password.
    pub password: SecretString,
}

/// Why the Supervisor did not tell.
#[derive(Debug, thiserror::Error)]
pub enum NotTold {
    /// It has none to tell of.
    #[error(
        "Home Assistant knows of no broker: install and start the app \"Mosquitto broker\", or name another one in the options (mqtt)"
    )]
    NoBroker,
    /// This program's manifest or role does not let it ask.
    #[error("the Supervisor does not let this app ask for {0}: update or reinstall the app")]
    NotAllowed(&'static str),
    /// It cannot be reached.
    #[error("the Supervisor cannot be asked: {0}")]
    NoReply(#[from] NoReply),
    /// It answered something else.
    #[error("the Supervisor did not tell {what}: {why}")]
    Otherwise {
        /// What was asked for.
        what: &'static str,
        /// What it said instead.
        why: String,
    },
}

impl Supervisor {
    /// The broker as it is known at this moment: it may be installed later, and its password may change.
    ///
    /// # Errors
    /// There is none, or it cannot be asked.
    pub async fn broker(&self) -> Result<BrokerService, NotTold> {
        let data = match self.ask("/services/mqtt", "the broker").await {
            Err(NotTold::Otherwise { why, .. }) if why.contains("not enabled") => return Err(NotTold::NoBroker),
            asked => asked?,
        };
        broker_of(&data).map_err(|why| NotTold::Otherwise { what: "the broker", why })
    }

    /// The time zone of the house, if it is set.
    ///
    /// # Errors
    /// It cannot be asked.
    pub async fn time_zone(&self) -> Result<Option<String>, NotTold> {
        let data = self.ask("/info", "the time zone").await?;
        Ok(data.get("timezone").and_then(Value::as_str).filter(|zone| !zone.is_empty()).map(str::to_owned))
    }

    /// The networks that the machine itself is in, as address and length of the prefix.
    ///
    /// # Errors
    /// It cannot be asked.
    pub async fn networks(&self) -> Result<Vec<(Ipv4Addr, u8)>, NotTold> {
        Ok(networks_of(&self.ask("/network/info", "the networks").await?))
    }

    async fn ask(&self, path: &str, what: &'static str) -> Result<Value, NotTold> {
        let reply = client::get(&self.at, path, Some(&self.token), WITHIN).await?;
        let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let is_good = answer.get("result").and_then(Value::as_str) == Some("ok");
        match (reply.status, answer.get("data")) {
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => Err(NotTold::NotAllowed(what)),
            (status, Some(data)) if status.is_success() && is_good => Ok(data.clone()),
            (status, _) => {
                let message = answer.get("message").and_then(Value::as_str).unwrap_or_default();
                let message: String = message.chars().filter(|c| !c.is_control()).take(200).collect();
                let message = if message.is_empty() { "no reason given".to_owned() } else { message };
                Err(NotTold::Otherwise { what, why: format!("{} ({message})", status.as_u16()) })
            }
        }
    }
}

/// The port comes as a number, or as text.
fn broker_of(data: &Value) -> Result<BrokerService, String> {
    let text = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let host = crate::settings::parse_host(&text("host")).map_err(|want| format!("its host {want}"))?;
    let port = match data.get("port") {
        Some(Value::Number(port)) => port.as_u64().and_then(|port| u16::try_from(port).ok()),
        Some(Value::String(port)) => port.trim().parse().ok(),
        _ => None,
    };
    let port = port.filter(|port| *port > 0).ok_or("its port is none")?;
    let ssl = data.get("ssl").and_then(Value::as_bool).unwrap_or(false);
    Ok(BrokerService { host, port, ssl, username: text("username"), password: text("password").into() })
}

/// Addresses come with the length of their prefix, in a list or, as older ones were, as one text.
fn networks_of(data: &Value) -> Vec<(Ipv4Addr, u8)> {
    let interfaces = data.get("interfaces").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_up = |interface: &&Value| {
        ["enabled", "connected"].iter().all(|name| interface.get(name).and_then(Value::as_bool) != Some(false))
    };
    let mut networks = Vec::new();
    for ipv4 in interfaces.iter().filter(is_up).filter_map(|interface| interface.get("ipv4")) {
        for name in ["address", "ip_address"] {
            let texts = match ipv4.get(name) {
                Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
                Some(Value::String(text)) => vec![text.as_str()],
                _ => Vec::new(),
            };
            networks.extend(texts.into_iter().filter_map(parse_network));
        }
    }
    networks.sort_unstable();
    networks.dedup();
    networks
}

fn parse_network(text: &str) -> Option<(Ipv4Addr, u8)> {
    let (address, length) = text.split_once('/')?;
    Some((address.parse().ok()?, length.parse().ok().filter(|length| *length <= 32)?))
}

impl PartialEq for BrokerService {
    fn eq(&self, other: &Self) -> bool {
        let key = |service: &Self| (service.host.clone(), service.port, service.ssl, service.username.clone());
        key(self) == key(other) && self.password.expose_secret() == other.password.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(answer: &Value) -> Result<(String, u16, bool, String), String> {
        broker_of(answer).map(|broker| (broker.host, broker.port, broker.ssl, broker.username))
    }

    #[test]
    fn a_port_is_taken_as_a_number_and_as_text() {
        let mut answer = json!({
            "addon": "core_mosquitto", "host": "core-mosquitto", "port": 1883, "ssl": false, "username": "addons",
            "password": "p", "protocol": "3.1.1",
        });
        let good = Ok(("core-mosquitto".to_owned(), 1883, false, "addons".to_owned()));
        assert_eq!(service(&answer), good);
        answer["port"] = json!("1883");
        assert_eq!(service(&answer), good);
        for port in [json!(0), json!(70_000), json!("many"), json!(null), json!(-1), json!([1883])] {
            answer["port"] = port;
            assert_eq!(service(&answer), Err("its port is none".to_owned()));
        }
        assert!(service(&json!({ "port": 1883 })).unwrap_err().starts_with("its host "));
        assert!(
            !format!("{:?}", broker_of(&json!({ "host": "h", "port": 1, "password": "geheim" }))).contains("geheim")
        );
    }

    #[test]
    fn networks_are_those_of_interfaces_that_are_up_in_either_spelling() {
        let answer = json!({ "interfaces": [
            { "interface": "end0", "enabled": true, "connected": true, "ipv4": { "address": ["192.168.1.100/24"], "gateway": "192.168.1.1" } },
            { "interface": "wlan0", "enabled": false, "ipv4": { "address": ["192.168.7.100/24"] } },
            { "interface": "eth1", "ipv4": { "ip_address": "10.0.0.7/22" } },
            { "interface": "eth2", "ipv4": null },
            { "interface": "eth3", "ipv4": { "address": ["nonsense", "1.2.3.4", "1.2.3.4/99", 7] } },
        ], "docker": { "address": "172.30.32.0/23" } });
        let lan = (Ipv4Addr::new(192, 168, 1, 100), 24);
        assert_eq!(networks_of(&answer), [(Ipv4Addr::new(10, 0, 0, 7), 22), lan]);
        for nonsense in [json!(null), json!({ "interfaces": 7 }), json!({ "interfaces": [[], 1] })] {
            assert_eq!(networks_of(&nonsense), []);
        }
    }
}
