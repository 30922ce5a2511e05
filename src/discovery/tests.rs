use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::*;
use crate::frame::{Bank, BlockKey};
use crate::plant::INVERTER;

fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

fn nets(plan: &Plan) -> String {
    let left_out: Vec<String> = plan.left_out.iter().map(ToString::to_string).collect();
    format!("{} | {}", plan.searched(), left_out.join(", "))
}

#[test]
fn without_being_asked_the_machines_networks_are_searched_and_of_large_ones_a_part() {
    let plan = Plan::unasked(&[(ip("192.168.1.100"), 24)]);
    assert_eq!(nets(&plan), "192.168.1.0/24 | ");
    let addresses = plan.addresses();
    assert_eq!((addresses.len(), addresses[0], addresses[252]), (253, ip("192.168.1.1"), ip("192.168.1.254")));
    assert!(!addresses.contains(&ip("192.168.1.100")), "this machine is no inverter");
    let plan = Plan::unasked(&[(ip("10.1.7.9"), 8), (ip("10.1.7.9"), 8)]);
    assert_eq!(nets(&plan), "10.1.4.0/22 | 10.0.0.0/8");
    assert_eq!(plan.addresses().len(), 1021);
    assert_eq!(
        nets(&Plan::unasked(&[(ip("192.168.5.7"), 32)])),
        "192.168.5.0/24 | ",
        "as a bridge to one machine has it"
    );
    assert_eq!(Plan::unasked(&[]).addresses(), Vec::<Ipv4Addr>::new());
    let many: Vec<_> = (0..9).map(|n| (Ipv4Addr::new(192, 168, n, 2), 24)).collect();
    assert_eq!(Plan::unasked(&many).subnets.len(), 4);
}

#[test]
fn networks_take_turns_and_what_stands_in_another_is_searched_once() {
    let subnets: Vec<Subnet> =
        ["10.0.0.0/30", "192.168.1.0/29", "192.168.1.4/31"].map(|text| text.parse().unwrap()).into();
    let plan = Plan::asked(&subnets);
    assert_eq!(plan.searched(), "10.0.0.0/30, 192.168.1.0/29");
    let first: Vec<String> = plan.addresses().iter().take(5).map(ToString::to_string).collect();
    assert_eq!(first, ["10.0.0.1", "192.168.1.1", "10.0.0.2", "192.168.1.2", "192.168.1.3"]);
    let one = Plan::asked(&["192.168.1.20".parse().unwrap()]);
    assert_eq!((one.searched().as_str(), one.addresses()), ("192.168.1.20/32", vec![ip("192.168.1.20")]));
}

#[test]
fn the_neighbours_of_where_it_was_are_searched_too() {
    let plan = Plan::unasked(&[(ip("172.17.0.2"), 24)]).and_around(ip("192.168.1.20"));
    assert_eq!(plan.searched(), "192.168.1.0/24, 172.17.0.0/24");
    let known = Plan::unasked(&[(ip("192.168.1.2"), 24)]);
    assert_eq!(known.clone().and_around(ip("192.168.1.20")), known);
}

#[test]
fn what_is_no_network_is_refused_with_what_is_wanted() {
    let error = |text: &str| text.parse::<Subnet>().unwrap_err().to_string();
    for text in ["", "house", "192.168.1", "192.168.1.0/33", "192.168.1.0/-1", "192.168.1.0/", "::1/64", "1.2.3.4/24/2"]
    {
        assert_eq!(error(text), format!("must be a network as 192.168.1.0/24, or an address: {text}"));
    }
    assert_eq!(error("10.0.0.0/15"), "is too large to be searched, at most a /16: 10.0.0.0/15");
    assert_eq!("192.168.1.77/24".parse::<Subnet>().unwrap().to_string(), "192.168.1.0/24");
}

proptest! {
    #[test]
    fn no_address_is_asked_twice_and_none_outside_and_never_too_many(
        machines in prop::collection::vec((any::<u32>(), 0_u8..=40), 0..12),
    ) {
        let machines: Vec<_> = machines.into_iter().map(|(address, length)| (Ipv4Addr::from(address), length)).collect();
        let plan = Plan::unasked(&machines);
        let addresses = plan.addresses();
        let distinct: BTreeSet<_> = addresses.iter().collect();
        prop_assert_eq!(distinct.len(), addresses.len());
        prop_assert!(addresses.len() <= 4 * 1022);
        for address in addresses {
            prop_assert!(plan.subnets.iter().any(|subnet| subnet.contains(address)));
            prop_assert!(!plan.own.contains(&address));
        }
    }
}

fn block(values: Vec<u16>) -> Block {
    Block { key: BlockKey::new(INVERTER, Bank::Holding, 0, 60), values, serial: None, at: Instant::now() }
}

#[test]
fn only_who_tells_an_identity_is_an_inverter() {
    let mut values = vec![0; 60];
    assert_eq!(verdict(Ok(&block(values.clone())), false), Verdict::NoInverter(Otherwise::Nameless));
    values[0] = 0x2001;
    values[13..18].copy_from_slice(&"SA2114G047".parse::<Serial>().unwrap().registers());
    values[21] = 449;
    let Verdict::Inverter { serial, .. } = verdict(Ok(&block(values)), false) else { panic!("an inverter") };
    assert_eq!(serial.to_string(), "SA2114G047");
    let key = BlockKey::new(INVERTER, Bank::Holding, 0, 60);
    let (late, lost) = (LinkError::Timeout { key, waited: Duration::ZERO }, LinkError::Lost(String::new()));
    for (error, spoke, expected) in [
        (&late, false, Otherwise::Mute),
        (&late, true, Otherwise::Strange),
        (&lost, false, Otherwise::Closes),
        (&lost, true, Otherwise::Strange),
        (&LinkError::Refused { key }, false, Otherwise::Nameless),
    ] {
        assert_eq!(verdict(Err(error), spoke), Verdict::NoInverter(expected), "{error} {spoke}");
    }
}

#[test]
fn nothing_found_is_one_line_with_where_who_and_what_to_do() {
    let found =
        |last: u8, how| Found { at: SocketAddr::from(([192, 168, 1, last], 8899)), verdict: Verdict::NoInverter(how) };
    let plan = Plan::unasked(&[(ip("192.168.1.100"), 24), (ip("10.0.0.7"), 16)]);
    let line = nothing_found(&plan, 8899, &[found(40, Otherwise::Strange)], "write its address there");
    insta::assert_snapshot!(line, @"no inverter found in 192.168.1.0/24, 10.0.0.0/22 (port 8899); of 10.0.0.0/16 only a part; 192.168.1.40 answers on 8899, but not as an inverter: it sent what is none of a dongle's frames; write its address there");
    let line = nothing_found(&Plan::unasked(&[]), 8899, &[], "write its address there");
    insta::assert_snapshot!(line, @"no inverter found: this machine is in no network that could be searched; nobody answers on 8899; write its address there");
}
