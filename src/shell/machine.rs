//! What the commands of a text have made so far: who it is that a line speaks of, and what it takes for granted.

use std::collections::BTreeSet;

use crate::netns::NsName;
use crate::ops::{Call, Value};

/// A device: where it is, and its name.
pub(super) type Device = (NsName, String);

/// The machine as the commands have left it.
#[derive(Clone, Debug, Default)]
pub(super) struct Machine {
    pub netns: BTreeSet<NsName>,
    pub devices: Vec<Device>,
    pairs: Vec<[Device; 2]>,
    pub has_filter: bool,
    pub has_policy: Vec<String>,
    pub has_nat: bool,
    pub sysctls: Vec<String>,
}

impl Machine {
    /// Whether there is anything that a restart would take away.
    pub fn is_bare(&self) -> bool {
        self.netns.is_empty()
            && self.devices.is_empty()
            && !self.has_filter
            && !self.has_nat
            && self.has_policy.is_empty()
    }

    pub fn has(&self, netns: &NsName, dev: &str) -> bool {
        dev == "lo" || self.devices.iter().any(|(there, name)| there == netns && name == dev)
    }

    /// Carries out in thought what a call does.
    pub fn take(&mut self, call: &Call) {
        match (call.noun, call.verb) {
            ("netns", "add") => self.netns.extend(name(call)),
            ("netns", "del") => {
                if let Some(gone) = name(call) {
                    self.netns.remove(&gone);
                    let inside: Vec<Device> = self
                        .devices
                        .iter()
                        .filter(|(there, _)| *there == gone)
                        .cloned()
                        .collect();
                    inside.iter().for_each(|device| self.delete(device));
                }
            }
            ("link", "add") => self.add(call),
            ("link", "set") => self.set(call),
            ("link", "del") => {
                if let Some(dev) = argument(call) {
                    self.delete(&(call.netns.clone(), dev));
                }
            }
            ("filter", "flush") => self.has_filter = false,
            ("filter", "policy") => self.has_policy.extend(argument(call)),
            ("filter", "add" | "insert") => self.has_filter = true,
            ("nat", "flush") => self.has_nat = false,
            ("nat", "masquerade" | "snat" | "dnat" | "redirect") => self.has_nat = true,
            ("sysctl", "set") => self.sysctls.extend(argument(call)),
            _ => {}
        }
    }

    fn add(&mut self, call: &Call) {
        let Some(dev) = argument(call) else { return };
        let here = (
            netns_of(call.option("netns")).unwrap_or_else(|| call.netns.clone()),
            dev,
        );
        let peer = match call.option("peer") {
            Some(Value::Str(name)) => Some((call.netns.clone(), name.clone())),
            Some(Value::Map(peer)) => match peer.get("name") {
                Some(Value::Str(name)) => {
                    let there = netns_of(peer.get("netns")).unwrap_or_else(|| call.netns.clone());
                    Some((there, name.clone()))
                }
                _ => None,
            },
            _ => None,
        };
        if let Some(peer) = peer {
            self.devices.push(peer.clone());
            self.pairs.push([here.clone(), peer]);
        }
        self.devices.push(here);
    }

    fn set(&mut self, call: &Call) {
        let Some(dev) = argument(call) else { return };
        let before = (call.netns.clone(), dev.clone());
        let there = netns_of(call.option("netns")).unwrap_or_else(|| call.netns.clone());
        let name = match call.option("name") {
            Some(Value::Str(name)) => name.clone(),
            _ => dev,
        };
        let after = (there, name);
        let all = self.devices.iter_mut().chain(self.pairs.iter_mut().flatten());
        all.filter(|device| **device == before)
            .for_each(|device| *device = after.clone());
    }

    fn delete(&mut self, device: &Device) {
        let mut gone = vec![device.clone()];
        gone.extend(
            self.pairs
                .iter()
                .filter(|pair| pair.contains(device))
                .flatten()
                .cloned(),
        );
        self.pairs.retain(|pair| !pair.contains(device));
        self.devices.retain(|known| !gone.contains(known));
    }

    /// The devices of the host that are left when the namespaces are gone; one of each pair.
    pub fn left(&self) -> Vec<String> {
        let mut rest = self.clone();
        for netns in &self.netns {
            let mut del = Call::new(&NsName::host(), "netns", "del");
            del.arguments.push(Value::Str(netns.as_str().into()));
            rest.take(&del);
        }
        let mut left = Vec::new();
        while let Some(device) = rest.devices.first().cloned() {
            rest.delete(&device);
            left.extend(device.0.is_host().then_some(device.1));
        }
        left
    }
}

/// The device or name that stands first in a call.
fn argument(call: &Call) -> Option<String> {
    match call.arguments.first() {
        Some(Value::Str(text)) => Some(text.clone()),
        _ => None,
    }
}

fn name(call: &Call) -> Option<NsName> {
    argument(call)?.parse().ok()
}

fn netns_of(value: Option<&Value>) -> Option<NsName> {
    match value {
        Some(Value::Netns(netns)) => Some(netns.clone()),
        _ => None,
    }
}

/// The devices that must be there for a call to be carried out, in its namespace.
pub(super) fn devices_of(call: &Call) -> Vec<String> {
    let mut devices = Vec::new();
    let names_device = match call.noun {
        "link" => call.verb != "add",
        "qdisc" | "class" | "bridge.link" | "bridge.vlan" => true,
        _ => false,
    };
    devices.extend(argument(call).filter(|_| names_device));
    for key in ["dev", "link", "master", "iif", "oif"] {
        if let Some(Value::Str(dev)) = call.option(key) {
            let dev = dev.trim_start_matches('!');
            devices.extend((!dev.ends_with('*')).then(|| dev.to_string()));
        }
    }
    devices
}

/// The namespaces that a call speaks of.
pub(super) fn namespaces_of(call: &Call) -> Vec<NsName> {
    let mut all = vec![call.netns.clone()];
    for (_, value) in &call.options {
        all.extend(netns_of(Some(value)));
        if let Value::Map(map) = value {
            all.extend(netns_of(map.get("netns")));
        }
    }
    all
}
