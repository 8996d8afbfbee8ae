//! What has a name in the lab now: namespaces, devices, addresses, routes, parameters.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use netlink_packet_route::link::LinkAttribute;

use super::place::Call;
use crate::netns::{self, NsName};
use crate::ops::names::links;
use crate::ops::{NOUNS, Noun, Place, Verb, addr, route};
use crate::script::Lab;

/// The names of a lab.
pub struct Names<'a>(pub &'a Lab);

impl Names<'_> {
    /// The namespaces, with or without `host`.
    pub fn namespaces(&self, with_host: bool) -> Vec<String> {
        let named = netns::list().unwrap_or_default().into_iter().map(String::from);
        with_host.then(|| "host".to_string()).into_iter().chain(named).collect()
    }

    fn all(&self, netns: Option<&NsName>) -> Vec<NsName> {
        match netns {
            Some(netns) => vec![netns.clone()],
            None => std::iter::once(NsName::host())
                .chain(netns::list().unwrap_or_default())
                .collect(),
        }
    }

    /// The devices of a namespace, or of all.
    pub fn devices(&self, netns: Option<&NsName>) -> Vec<String> {
        let mut devices = BTreeSet::new();
        for netns in self.all(netns) {
            let Ok(space) = self.0.world().kernel.space(&netns) else {
                continue;
            };
            let messages = links(&space).unwrap_or_default();
            let attributes = messages.into_iter().flat_map(|message| message.attributes);
            devices.extend(attributes.filter_map(|attribute| match attribute {
                LinkAttribute::IfName(name) => Some(name),
                _ => None,
            }));
        }
        devices.into_iter().collect()
    }

    /// The addresses of a namespace, or of all, to be reached; or with the length of their prefix.
    pub fn addresses(&self, netns: Option<&NsName>, with_prefix: bool) -> Vec<String> {
        let mut addresses = Vec::new();
        for netns in self.all(netns) {
            let world = self.0.world();
            let Ok(space) = world.kernel.space(&netns) else {
                continue;
            };
            let facts = addr::fact::all(&world.kernel, &space).unwrap_or_default();
            let infos = facts.into_iter().flat_map(|fact| fact.addr_info);
            let reached = infos.filter(|info| with_prefix || !matches!(info.scope.as_str(), "host" | "link"));
            addresses.extend(reached.map(|info| match with_prefix {
                true => format!("{}/{}", info.local, info.prefixlen),
                false => info.local,
            }));
        }
        addresses
    }

    /// Where the routes of a namespace lead.
    pub fn destinations(&self, netns: Option<&NsName>) -> Vec<String> {
        let mut destinations = Vec::new();
        for netns in self.all(netns) {
            let world = self.0.world();
            let Ok(space) = world.kernel.space(&netns) else {
                continue;
            };
            let filter = route::fact::Filter {
                family: None,
                table: route::Table::MAIN,
            };
            let facts = route::fact::all(&world.kernel, &space, &filter).unwrap_or_default();
            destinations.extend(facts.into_iter().map(|fact| fact.dst));
        }
        destinations
    }

    /// The kernel parameters of a namespace's network.
    pub fn parameters(&self, netns: Option<&NsName>) -> Vec<String> {
        let Some(netns) = self.all(netns).into_iter().next() else {
            return Vec::new();
        };
        let mut parameters = Vec::new();
        let walk = || collect(Path::new("/proc/sys/net"), "net", &mut parameters);
        if let Ok(space) = self.0.world().kernel.space(&netns) {
            let _ = space.within(walk);
        }
        parameters
    }

    /// The namespace that a call is of, if that is known.
    pub fn netns_of(&self, call: &Call) -> Option<NsName> {
        let of = call.before.first().filter(|_| !call.is_module)?;
        if of == "host" {
            return Some(NsName::host());
        }
        if let Some(name) = of.strip_prefix('"') {
            return name.trim_end_matches('"').parse().ok();
        }
        self.0
            .variables()
            .into_iter()
            .find(|variable| variable.name == *of)?
            .netns
    }

    /// The kind of value that a variable has, as its fields are listed by: `netns`, `process`.
    pub fn kind_of(&self, variable: &str) -> Option<&'static str> {
        let found = self.0.variables().into_iter().find(|known| known.name == variable)?;
        Some(found.kind.trim_start_matches("an ").trim_start_matches("a "))
    }
}

fn collect(folder: &Path, name: &str, parameters: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(file) = entry.file_name().into_string() else {
            continue;
        };
        // A device's name may have points: sysctl(8) swaps them with slashes.
        let name = format!("{name}.{}", file.replace('.', "/"));
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(&entry.path(), &name, parameters),
            _ => parameters.push(name),
        }
    }
}

/// The declarations of verbs, found by a call.
pub struct Verbs;

impl Verbs {
    /// The verbs of a namespace itself.
    pub fn of_namespace() -> impl Iterator<Item = &'static Verb> {
        let own = NOUNS
            .iter()
            .filter(|noun| noun.name.is_empty() && noun.place == Place::Namespace);
        own.flat_map(|noun| noun.verbs)
    }

    /// The name of the noun that a call is of.
    pub fn noun_of(call: &Call) -> String {
        match call.is_module {
            true => call.before.join("."),
            false => call.before.get(1..).unwrap_or_default().join("."),
        }
    }

    /// The verb that is called.
    pub fn called(call: &Call) -> Option<&'static Verb> {
        if call.before.is_empty() {
            return None;
        }
        let place = if call.is_module { Place::Lab } else { Place::Namespace };
        let name = Verbs::noun_of(call);
        let is_it = |noun: &&&Noun| noun.place == place && noun.name == name;
        NOUNS
            .iter()
            .find(is_it)?
            .verbs
            .iter()
            .find(|verb| verb.name == call.name)
    }
}
