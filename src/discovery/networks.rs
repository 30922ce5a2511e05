use std::net::Ipv4Addr;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use nix::sys::socket::SockaddrIn;

use crate::homeassistant::supervisor::Supervisor;
use crate::settings::Settings;

/// Interfaces that lead to containers and virtual machines of this machine, by the beginnings of their names.
const INNER: [&str; 9] = ["docker", "br-", "veth", "hassio", "virbr", "cni", "flannel", "lxc", "podman"];

/// Addresses of a machine with the lengths of their prefixes, or why they are not known.
pub type Machines = Result<Vec<(Ipv4Addr, u8)>, String>;

/// The addresses of this machine in local networks. In an app of Home Assistant these are the machine's that it runs on,
/// as the Supervisor tells: an app has a network of its own, with no inverter in it.
pub async fn networks(settings: &Settings) -> Machines {
    match &settings.supervisor {
        Some(of) => {
            let supervisor = Supervisor { at: of.at.clone(), token: of.token.clone() };
            supervisor.networks().await.map_err(|error| error.to_string())
        }
        None => of_interfaces(),
    }
}

fn of_interfaces() -> Machines {
    let interfaces =
        getifaddrs().map_err(|error| format!("the interfaces of this machine cannot be listed: {error}"))?;
    let mut networks = Vec::new();
    for interface in interfaces {
        let is_up = interface.flags.contains(InterfaceFlags::IFF_UP | InterfaceFlags::IFF_RUNNING);
        let leads_elsewhere =
            interface.flags.intersects(InterfaceFlags::IFF_LOOPBACK | InterfaceFlags::IFF_POINTOPOINT);
        let is_inner = INNER.iter().any(|beginning| interface.interface_name.starts_with(beginning));
        if !is_up || leads_elsewhere || is_inner {
            continue;
        }
        let address = interface.address.as_ref().and_then(|address| address.as_sockaddr_in()).map(SockaddrIn::ip);
        let mask = interface.netmask.as_ref().and_then(|mask| mask.as_sockaddr_in()).map(SockaddrIn::ip);
        let (Some(address), Some(mask)) = (address, mask) else { continue };
        // No dongle is on the internet, and whoever is there wants no knocking.
        if address.is_private() || address.is_link_local() {
            networks.push((address, u32::from(mask).leading_ones() as u8));
        }
    }
    networks.sort_unstable();
    networks.dedup();
    Ok(networks)
}
