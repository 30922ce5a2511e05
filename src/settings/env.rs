//! The layer of `GIVTCP_…` variables: one for each scalar setting, with `__` for each dot, and
//! `GIVTCP_INVERTERS=host,host:port`. An empty variable sets nothing.

use std::collections::BTreeMap;

use super::fault::{Fault, Origin, printable};
use super::keys::{self, INVERTERS};
use super::layer::{Element, Layer, Origins};
use super::scalar;

/// Variables of that prefix that are none of the settings.
const NOT_SETTINGS: [&str; 3] = ["GIVTCP_CAPTURES", "GIVTCP_ADDON_ROOT", "GIVTCP_SUPERVISOR"];

/// The layer, what is wrong with it, and a warning for each variable that is no setting.
pub(super) fn layer(env: &BTreeMap<String, String>, origins: &mut Origins) -> (Layer, Vec<Fault>, Vec<String>) {
    let mut layer = Layer::default();
    let mut faults = Vec::new();
    let mut warnings = Vec::new();
    let ours = env.iter().filter(|(name, _)| name.starts_with("GIVTCP_") && !NOT_SETTINGS.contains(&name.as_str()));
    for (name, text) in ours {
        let key = keys::scalars().find(|key| keys::variable(key.path) == *name);
        match key {
            _ if text.is_empty() => {}
            _ if text.contains('\u{fffd}') => faults.push(Fault::new(Origin::of(name), "", "must be UTF-8 text")),
            Some(key) => layer.set(key.path, text, &origins.add(Origin::of(name))),
            None if *name == keys::variable(INVERTERS) => faults.extend(inverters(name, text, &mut layer, origins)),
            None => warnings.push(unknown(name)),
        }
    }
    (layer, faults, warnings)
}

fn unknown(name: &str) -> String {
    let suggestion = keys::suggested_variable(name).map(|name| format!(" (did you mean {name}?)")).unwrap_or_default();
    format!("{}: is not a setting and has no effect{suggestion}", printable(name))
}

fn inverters(name: &str, text: &str, layer: &mut Layer, origins: &mut Origins) -> Vec<Fault> {
    let id = origins.add(Origin::of(name));
    let mut elements = Vec::new();
    let mut faults = Vec::new();
    for (index, part) in text.split(',').map(str::trim).enumerate() {
        match scalar::address(part) {
            Ok((host, port)) => {
                let mut element = Element::default();
                element.set("host", &host, &id);
                if let Some(port) = port {
                    element.set("port", &port.to_string(), &id);
                }
                elements.push((Some(element), id.clone()));
            }
            Err(want) => {
                let hide = part.contains('@');
                faults.push(Fault::of(want, Origin::of(name), format!("{INVERTERS}[{index}]"), part, hide));
                elements.push((None, id.clone()));
            }
        }
    }
    layer.set_list(INVERTERS, elements, &id);
    faults
}
