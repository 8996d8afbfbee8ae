//! Names for numbers, as `ip` has them: devices by index, namespaces by id, and the tables that
//! iproute2 keeps in files.

use std::collections::HashMap;
use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkAttribute, LinkExtentMask, LinkFlags, LinkMessage};
use netlink_packet_route::nsid::{NsidAttribute, NsidMessage};

use crate::error::Result;
use crate::netlink::{Kernel, Space};
use crate::netns;

/// Where iproute2 keeps its names: the machine's own first, then the distribution's.
const FOLDERS: [&str; 2] = ["/etc/iproute2", "/usr/share/iproute2"];

/// One of iproute2's tables of names: some it knows, more (or others) in a file.
pub struct Names {
    file: &'static str,
    known: &'static [(u32, &'static str)],
    read: OnceLock<HashMap<u32, String>>,
}

/// Groups of devices.
pub static GROUPS: Names = Names::new("group", &[(0, "default")]);
/// Routing tables.
pub static TABLES: Names = Names::new("rt_tables", &[(253, "default"), (254, "main"), (255, "local")]);
/// Scopes of addresses and routes.
pub static SCOPES: Names = Names::new(
    "rt_scopes",
    &[
        (0, "global"),
        (200, "site"),
        (253, "link"),
        (254, "host"),
        (255, "nowhere"),
    ],
);
/// Realms of routes.
pub static REALMS: Names = Names::new("rt_realms", &[(0, "unknown")]);
/// Values of the TOS byte.
pub static DSFIELDS: Names = Names::new("rt_dsfield", &[(0, "0")]);
/// Why a device's protocols were put down, by bit.
pub static PROTODOWN_REASONS: Names = Names::new("protodown_reasons", &[]);
/// Who made a route.
pub static PROTOCOLS: Names = Names::new(
    "rt_protos",
    &[
        (0, "unspec"),
        (1, "redirect"),
        (2, "kernel"),
        (3, "boot"),
        (4, "static"),
        (8, "gated"),
        (9, "ra"),
        (10, "mrt"),
        (11, "zebra"),
        (12, "bird"),
        (13, "dnrouted"),
        (14, "xorp"),
        (15, "ntk"),
        (16, "dhcp"),
        (18, "keepalived"),
        (42, "babel"),
        (186, "bgp"),
        (187, "isis"),
        (188, "ospf"),
        (189, "rip"),
        (192, "eigrp"),
    ],
);

/// Protocols over IP, as the C library has them.
pub static PROTOS: Names = Names::new("/etc/protocols", &[]);

impl Names {
    const fn new(file: &'static str, known: &'static [(u32, &'static str)]) -> Names {
        Names {
            file,
            known,
            read: OnceLock::new(),
        }
    }

    /// The name of `id`, if it has one.
    pub fn get(&self, id: u32) -> Option<&str> {
        self.all().get(&id).map(String::as_str)
    }

    /// The name of `id`, or the number itself.
    pub fn name(&self, id: u32) -> String {
        self.get(id).map_or_else(|| id.to_string(), str::to_string)
    }

    /// The number called `name`.
    pub fn id(&self, name: &str) -> Option<u32> {
        self.all().iter().find(|(_, known)| *known == name).map(|(id, _)| *id)
    }

    fn all(&self) -> &HashMap<u32, String> {
        self.read.get_or_init(|| {
            let mut names: HashMap<u32, String> =
                self.known.iter().map(|(id, name)| (*id, (*name).to_string())).collect();
            if self.file.starts_with('/') {
                protocols(&fs::read_to_string(self.file).unwrap_or_default(), &mut names);
                return names;
            }
            for path in files(self.file) {
                names.extend(entries(&fs::read_to_string(path).unwrap_or_default()));
            }
            names
        })
    }
}

/// The files of a table: the one of its name, and those in the folder of its name.
fn files(name: &str) -> Vec<PathBuf> {
    let first = |name: &str| {
        FOLDERS
            .iter()
            .map(|folder| Path::new(folder).join(name))
            .find(|path| path.exists())
    };
    let mut files: Vec<PathBuf> = first(name).into_iter().collect();
    for entry in first(&format!("{name}.d"))
        .and_then(|folder| fs::read_dir(folder).ok())
        .into_iter()
        .flatten()
        .flatten()
    {
        let file = entry.file_name();
        if file
            .to_str()
            .is_some_and(|file| !file.starts_with('.') && file.len() > 5 && file.ends_with(".conf"))
        {
            files.push(entry.path());
        }
    }
    files
}

/// The lines `NUMBER NAME` of a file; like iproute2, up to the first that is none.
fn entries(text: &str) -> Vec<(u32, String)> {
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map_while(|line| {
            let mut words = line.split_whitespace();
            Some((number(words.next()?)?, words.next()?.to_string()))
        })
        .collect()
}

/// The lines `NAME NUMBER ALIASES…` of the C library's file; the first name of a number holds.
fn protocols(text: &str, names: &mut HashMap<u32, String>) {
    for line in text.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        if let (Some(name), Some(Ok(id))) = (words.next(), words.next().map(str::parse)) {
            names.entry(id).or_insert_with(|| name.to_string());
        }
    }
}

/// A number, decimal or `0x…`.
pub fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// The names of a namespace's devices, by index.
#[derive(Debug, Default)]
pub struct Links(HashMap<u32, (String, bool)>);

impl Links {
    /// Those of the namespace as it is now.
    pub fn read(space: &Space) -> Result<Links> {
        Ok(Links::of(&links(space)?))
    }

    /// Those of a dump that was read already.
    pub fn of(messages: &[LinkMessage]) -> Links {
        let named = |message: &LinkMessage| {
            let name = message.attributes.iter().find_map(|attribute| match attribute {
                LinkAttribute::IfName(name) => Some(name.clone()),
                _ => None,
            })?;
            Some((
                message.header.index,
                (name, message.header.flags.contains(LinkFlags::Up)),
            ))
        };
        Links(messages.iter().filter_map(named).collect())
    }

    /// The name of the device `index`, if there is one.
    pub fn get(&self, index: u32) -> Option<&str> {
        self.0.get(&index).map(|(name, _)| name.as_str())
    }

    /// The name of the device `index`; `if7` where there is none, which a race or another namespace's
    /// index can bring about.
    pub fn name(&self, index: u32) -> String {
        match self.get(index) {
            Some(name) => name.to_string(),
            None if index == 0 => "*".to_string(),
            None => format!("if{index}"),
        }
    }

    /// Whether the device `index` is known to be administratively down.
    pub fn is_down(&self, index: u32) -> bool {
        self.0.get(&index).is_some_and(|(_, up)| !up)
    }
}

/// Every device of a namespace, as the kernel reports it.
pub fn links(space: &Space) -> Result<Vec<LinkMessage>> {
    let mut request = LinkMessage::default();
    request
        .attributes
        .push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    let only_links = |message| match message {
        RouteNetlinkMessage::NewLink(link) => Some(link),
        _ => None,
    };
    Ok(space
        .dump(RouteNetlinkMessage::GetLink(request))?
        .into_iter()
        .filter_map(only_links)
        .collect())
}

/// The names of the namespaces that `space` knows by one of the ids `wanted`.
///
/// The lab's own namespace has no name, as `ip` sees it. It is asked for first, because where it is
/// the only one wanted (every leaf of a star) a walk through all the names would find nothing.
pub fn namespaces(kernel: &Kernel, space: &Space, wanted: &[i32]) -> HashMap<i32, String> {
    let mut names = HashMap::new();
    let mut wanted: Vec<i32> = wanted.iter().copied().filter(|id| *id >= 0).collect();
    if wanted.is_empty() {
        return names;
    }
    let home = nsid(space, kernel.home().as_fd().as_raw_fd());
    wanted.retain(|id| Some(*id) != home);
    // The folder's own order: of two names for one namespace `ip` shows the first it meets.
    for entry in fs::read_dir(netns::DIR).into_iter().flatten().flatten() {
        if wanted.is_empty() {
            break;
        }
        let id = File::open(entry.path())
            .ok()
            .and_then(|file| nsid(space, file.as_raw_fd()));
        if let Some(id) = id.filter(|id| wanted.contains(id)) {
            wanted.retain(|other| *other != id);
            names.insert(id, entry.file_name().to_string_lossy().into_owned());
        }
    }
    names
}

/// The id that `space` has for the open namespace `fd`. None too where `fd` is no namespace.
fn nsid(space: &Space, fd: i32) -> Option<i32> {
    let mut request = NsidMessage::default();
    request.attributes.push(NsidAttribute::Fd(fd.cast_unsigned()));
    let answer = space.ask(RouteNetlinkMessage::GetNsId(request)).ok()?;
    answer.into_iter().find_map(|message| match message {
        RouteNetlinkMessage::NewNsId(nsid) => nsid.attributes.into_iter().find_map(|attribute| match attribute {
            NsidAttribute::Id(id) => Some(id).filter(|id| *id >= 0),
            _ => None,
        }),
        _ => None,
    })
}

/// An address as the C library writes it. Rust writes `::10.0.0.1`, which a sit tunnel gives itself,
/// as `::a00:1`.
pub fn address(address: IpAddr) -> String {
    match address {
        IpAddr::V6(v6) => match v6.segments() {
            [0, 0, 0, 0, 0, 0, high, low] if high != 0 => {
                format!("::{}", Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
            }
            _ => v6.to_string(),
        },
        IpAddr::V4(v4) => v4.to_string(),
    }
}

/// A link-layer address: `02:00:00:00:00:09`.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .join(":")
}

/// The family's name: `inet`, `inet6`, as `ip` calls it.
pub fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "inet" } else { "inet6" }
}

/// For serde: a flag that is absent where it does not hold.
pub fn is_false(flag: &bool) -> bool {
    !flag
}

/// For serde: a flag that `ip -j` gives as a name with the value null.
pub mod presence {
    use serde::de::IgnoredAny;
    use serde::{Deserialize, Deserializer, Serializer};

    /// The name stands for itself.
    pub fn serialize<S: Serializer>(_: &bool, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_unit()
    }

    /// Where the name stands, the flag holds.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
        IgnoredAny::deserialize(from).map(|_| true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_up_to_the_first_corrupt_line() {
        let text = "# comment\n\n0x10\tAF11\n  7 seven # why\nbroken\n8 eight\n";
        assert_eq!(entries(text), [(16, "AF11".to_string()), (7, "seven".to_string())]);
    }

    #[test]
    fn the_first_name_of_a_protocol_holds() {
        let mut names = HashMap::new();
        protocols("# comment\nip\t0\tIP # why\nhopopt 0\nbroken\ntcp 6 TCP\n", &mut names);
        assert_eq!(names, HashMap::from([(0, "ip".to_string()), (6, "tcp".to_string())]));
    }

    #[test]
    fn names_are_known_without_a_file() {
        assert_eq!(
            (
                TABLES.name(254).as_str(),
                TABLES.id("local"),
                TABLES.name(77_777).as_str()
            ),
            ("main", Some(255), "77777")
        );
        assert_eq!(SCOPES.name(253), "link");
        assert_eq!(PROTOCOLS.name(2), "kernel");
    }

    #[test]
    fn addresses_are_written_as_the_c_library_writes_them() {
        let cases = [
            "::",
            "::1",
            "::10.0.0.1",
            "::ffff:10.0.0.1",
            "fe80::1",
            "::1:0:0:1",
            "2001:db8::1:0:0:1",
            "10.0.0.1",
        ];
        for text in cases {
            assert_eq!(address(text.parse().unwrap()), text);
        }
    }

    #[test]
    fn an_unknown_device_has_a_name_too() {
        assert_eq!(Links::default().name(7), "if7");
        assert_eq!(Links::default().name(0), "*");
        assert!(!Links::default().is_down(7));
    }
}
