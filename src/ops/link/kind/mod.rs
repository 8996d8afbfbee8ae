//! The kinds of devices: what `type` can be, and the keys each kind has of its own.
//!
//! A kind is declared once, in a file of this folder: a struct of its keys with [`options!`](crate::options)
//! and a [`Device`] that says its name, what it needs of the kernel, and how its keys become attributes. Its
//! name in the list of [`kinds!`] below makes it a variant of [`Kind`]; everything else follows.

mod bond;
mod bridge;
mod geneve;
mod gre;
mod ip_tunnel;
mod ipvlan;
mod macvlan;
mod plain;
mod tun;
mod value;
mod veth;
mod vlan;
mod vxlan;

use std::cell::RefCell;
use std::os::fd::{AsFd, AsRawFd};

use netlink_packet_core::Nla;
use netlink_packet_route::link::{InfoData, InfoKind, LinkAttribute, LinkInfo, LinkMessage};
use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::find::get;
use super::{Queues, Settings, index};
use crate::error::{Mistake, Part, Problem, Result, nearest};
use crate::netlink::Space;
use crate::netns::{Netns, NsName};
use crate::ops::types::Flag;
use crate::ops::value::{Key, Typed, Value};
use crate::ops::{Args, IfName, Options, World};

pub use bond::Bond;
pub use bridge::Bridge;
pub use geneve::Geneve;
pub use gre::{Gre, Gretap, Ip6gre, Ip6gretap};
pub use ip_tunnel::{Ip6tnl, Ipip, Sit};
pub use ipvlan::Ipvlan;
pub use macvlan::{Macvlan, Macvtap};
pub use plain::{Dummy, Ifb, Vrf, Wireguard};
pub use tun::Tun;
pub use veth::Veth;
pub use vlan::Vlan;
pub use vxlan::Vxlan;

/// What a kind is called and what it needs.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Its name: what `type` says.
    pub name: &'static str,
    /// The option that a kernel with this kind is built with.
    pub config: &'static str,
    /// The kernel's module, where it is one.
    pub module: &'static str,
    /// The kernel's own name for it.
    pub kind: InfoKindOf,
}

/// The kernel's name for a kind.
type InfoKindOf = fn() -> InfoKind;

/// What a kind of device knows of itself beside its keys.
pub(super) trait Device: Options {
    /// Its name and needs.
    const ABOUT: About;

    /// Refuses keys that are missing or contradict each other in a device to be.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// The queues of a device to be, where it settles what was left open of them, without a word of it in the command.
    fn completed(&self, queues: &Queues) -> Queues {
        queues.clone()
    }

    /// A key that is given and that a kernel with this kind may have been built without: its name, and the option.
    fn wants(&self) -> Option<(&'static str, &'static str)> {
        None
    }

    /// The device it sits on: `link DEV`, which `ip` spells before `type`.
    fn lower(&self) -> Option<&IfName> {
        None
    }

    /// The name of the other end, if it has one that was named, and where it is born.
    fn peer(&self) -> Option<(&IfName, Option<&NsName>)> {
        None
    }

    /// How it is made, where that is by no request of `ip link`.
    fn maker(&self) -> Option<&dyn Maker> {
        None
    }

    /// Its keys as attributes of the message.
    fn data(&self, at: &At) -> Result<Option<InfoData>>;
}

/// Makes a device in a way of its own.
pub(super) trait Maker {
    /// The words of `ip` that do the same.
    fn spell(&self, dev: &IfName) -> Vec<String>;

    /// Makes it. It stays only once it is marked, so that there is at no moment one that is nobody's.
    fn make(&self, space: &Space, dev: &IfName, mark: &dyn Fn() -> Result<()>) -> Result<()>;
}

/// Where the names in a request are looked up, and whether the device is being born.
pub(super) struct At<'a> {
    pub world: &'a World,
    pub netns: &'a NsName,
    pub dev: &'a IfName,
    pub birth: bool,
    /// The namespaces that the request names, open until it is made.
    opened: RefCell<Vec<Netns>>,
}

impl<'a> At<'a> {
    pub(super) fn new(world: &'a World, netns: &'a NsName, dev: &'a IfName, birth: bool) -> At<'a> {
        At {
            world,
            netns,
            dev,
            birth,
            opened: RefCell::default(),
        }
    }

    /// The namespace that the key names, as a request names it.
    pub(super) fn open(&self, key: &str, netns: &NsName) -> Result<LinkAttribute> {
        let opened = self.world.space(netns).and_then(|space| space.netns());
        let opened = opened.map_err(|p| p.at(Part::Key(key.into())))?;
        let attribute = LinkAttribute::NetNsFd(opened.as_fd().as_raw_fd());
        self.opened.borrow_mut().push(opened);
        Ok(attribute)
    }

    /// The index of the device that the key names.
    fn index(&self, key: &str, dev: Option<&IfName>) -> Result<Option<u32>> {
        dev.map(|dev| index(self.world, self.netns, dev).map_err(|p| p.at(Part::Key(key.into()))))
            .transpose()
    }

    /// What the device is told already. Some kinds forget what a change does not repeat.
    fn present(&self) -> Result<Option<InfoData>> {
        if self.birth {
            return Ok(None);
        }
        let link = get(self.world, self.netns, self.dev)?;
        let infos = link.attributes.into_iter().find_map(|attribute| match attribute {
            LinkAttribute::LinkInfo(infos) => Some(infos),
            _ => None,
        });
        Ok(infos.into_iter().flatten().find_map(|info| match info {
            LinkInfo::Data(data) => Some(data),
            _ => None,
        }))
    }
}

/// The attributes that a device has, with those that are given in their places.
fn merged<T: Nla>(mut present: Vec<T>, given: Vec<T>) -> Vec<T> {
    present.retain(|old| given.iter().all(|new| new.kind() != old.kind()));
    present.extend(given);
    present
}

/// Refuses a tunnel whose packets say themselves where they go, and that is told so too.
fn says_where(external: Option<Flag>, has_address: bool) -> Result<()> {
    if external == Some(Flag(true)) && has_address {
        let message =
            "`external` leaves it to each packet where it goes: `remote` and `local` cannot be given beside it";
        return Err(Problem::argument(message).at(Part::Key("external".into())));
    }
    Ok(())
}

/// Attributes, or nothing where there are none.
fn some<T>(attributes: impl IntoIterator<Item = Option<T>>, of: fn(Vec<T>) -> InfoData) -> Option<InfoData> {
    let attributes: Vec<T> = attributes.into_iter().flatten().collect();
    (!attributes.is_empty()).then(|| of(attributes))
}

/// Says that a key must be given.
fn required<T>(value: Option<&T>, kind: &str, key: &str, what: &str) -> Result<()> {
    match value {
        Some(_) => Ok(()),
        None => Err(Problem::argument(format!("a {kind} wants `{key}`: {what}")).at(Part::Key("type".into()))),
    }
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident),* $(,)?) => {
        /// What a device is.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type", rename_all = "lowercase")]
        pub enum Kind {
            $($(#[doc = $doc])+ $kind($kind)),*
        }

        /// Every kind there is.
        pub const KINDS: &[About] = &[$($kind::ABOUT),*];

        /// The keys of `link set`: `type`, those that depend on it, and those of every device.
        pub(super) const SET_KEYS: &[&[Key]] = &[&[TYPE], $($kind::KEYS,)* Settings::KEYS];

        /// The keys of `link add`: them, and those of a birth.
        pub(super) const ADD_KEYS: &[&[Key]] = &[&[TYPE], $($kind::KEYS,)* Settings::KEYS, Queues::KEYS];

        /// The kinds that have a key of this name.
        fn with_key(key: &str) -> Vec<&'static str> {
            let kinds = [$(($kind::ABOUT.name, $kind::KEYS)),*];
            let has = |keys: &[Key]| keys.iter().any(|own| own.name == key);
            kinds.iter().filter(|(_, keys)| has(keys)).map(|(name, _)| *name).collect()
        }

        /// The keys of the kind with this name.
        pub(super) fn keys_of(name: &str) -> Option<&'static [&'static [Key]]> {
            $(if name == $kind::ABOUT.name {
                return Some(&[$kind::KEYS]);
            })*
            None
        }

        impl Kind {
            fn read(name: &str, args: &mut Args) -> Option<Result<Kind>> {
                $(if name == $kind::ABOUT.name {
                    return Some($kind::take(args).map(Kind::$kind));
                })*
                None
            }

            /// Its name and needs.
            pub fn about(&self) -> &'static About {
                match self {
                    $(Kind::$kind(_) => &const { $kind::ABOUT }),*
                }
            }

            /// The keys that this kind has beside those of every device.
            pub(super) fn keys(&self) -> &'static [Key] {
                match self {
                    $(Kind::$kind(_) => $kind::KEYS),*
                }
            }

            fn own_words(&self) -> Vec<String> {
                match self {
                    $(Kind::$kind(device) => device.words()),*
                }
            }

            /// Refuses keys that are missing or contradict each other in a device to be.
            pub(super) fn check(&self) -> Result<()> {
                match self {
                    $(Kind::$kind(device) => device.check()),*
                }
            }

            /// The queues of a device to be, where it settles what was left open of them, without a word of it in the command.
            pub(super) fn completed(&self, queues: &Queues) -> Queues {
                match self {
                    $(Kind::$kind(device) => device.completed(queues)),*
                }
            }

            /// The name of the other end, if this kind has one that was named, and where it is born.
            pub(super) fn peer(&self) -> Option<(&IfName, Option<&NsName>)> {
                match self {
                    $(Kind::$kind(device) => device.peer()),*
                }
            }

            fn wants(&self) -> Option<(&'static str, &'static str)> {
                match self {
                    $(Kind::$kind(device) => device.wants()),*
                }
            }

            fn lower(&self) -> Option<&IfName> {
                match self {
                    $(Kind::$kind(device) => device.lower()),*
                }
            }

            /// How it is made, where that is by no request of `ip link`.
            pub(super) fn maker(&self) -> Option<&dyn Maker> {
                match self {
                    $(Kind::$kind(device) => device.maker()),*
                }
            }

            fn data(&self, at: &At) -> Result<Option<InfoData>> {
                match self {
                    $(Kind::$kind(device) => device.data(at)),*
                }
            }
        }
    };
}

kinds! {
    /// A bond: several devices as one.
    Bond,
    /// A bridge: a switch in software.
    Bridge,
    /// A device that swallows what it is sent.
    Dummy,
    /// A Geneve tunnel: Ethernet in UDP.
    Geneve,
    /// A GRE tunnel: IP in IPv4.
    Gre,
    /// A GRE tunnel for Ethernet.
    Gretap,
    /// An intermediate functional block: a place for qdiscs on what comes in.
    Ifb,
    /// A GRE tunnel over IPv6.
    Ip6gre,
    /// A GRE tunnel over IPv6 for Ethernet.
    Ip6gretap,
    /// A tunnel of IP in IPv6.
    Ip6tnl,
    /// A tunnel of IPv4 in IPv4.
    Ipip,
    /// Another device's MAC address with an IP address of its own.
    Ipvlan,
    /// A device on another device, with a MAC address of its own.
    Macvlan,
    /// A macvlan whose packets a program reads and writes.
    Macvtap,
    /// A tunnel of IPv6 in IPv4.
    Sit,
    /// A device whose packets a program reads and writes.
    Tun,
    /// A veth pair: what enters one end leaves the other.
    Veth,
    /// A VLAN of another device.
    Vlan,
    /// A VRF: devices with a routing table of their own.
    Vrf,
    /// A VXLAN tunnel: Ethernet in UDP.
    Vxlan,
    /// A WireGuard tunnel: IP in encrypted UDP; its keys and peers are those of `wg.set`.
    Wireguard,
}

const TYPE: Key = Key {
    name: "type",
    wants: "a kind of device such as \"veth\"",
    doc: " what the device is",
    of_words: KindName::of_words,
};

fn names() -> Vec<&'static str> {
    KINDS.iter().map(|about| about.name).collect()
}

/// Nothing may be left over where no `type` is given: a key that only some kinds have says so.
pub(super) fn finish_untyped(args: Args) -> Result<()> {
    let stranger = args.keys_left().next().map(str::to_string);
    let known: Vec<Key> = std::iter::once(TYPE).chain(Settings::KEYS.iter().copied()).collect();
    args.finish(&known).map_err(|problem| {
        let key = stranger.unwrap_or_default();
        match with_key(&key)[..] {
            [] => problem,
            [kind] => Problem::argument(format!("`{key}` is a key of a {kind}, and `type` is not given"))
                .help(format!("say what the device is: #{{ type: \"{kind}\", {key}: … }}"))
                .at(Part::Key(key)),
            ref kinds => Problem::argument(format!("`{key}` wants `type` beside it"))
                .help(format!("it is a key of {}", kinds.join(", ")))
                .at(Part::Key(key)),
        }
    })
}

/// The name of a kind that nsx knows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct KindName(pub String);

impl Typed for KindName {
    const WANTS: &'static str = TYPE.wants;

    fn read(value: &Value) -> Result<Self, String> {
        let name = String::read(value)?;
        if names().contains(&name.as_str()) {
            return Ok(KindName(name));
        }
        Err(match nearest(&name, names()) {
            Some(near) => format!("{name:?} is no kind of device: did you mean {near:?}?"),
            None => format!("{name:?} is no kind of device; they are {}", names().join(", ")),
        })
    }

    fn spell(&self) -> String {
        self.0.clone()
    }
}

impl Kind {
    /// Takes `type`, if it is given, and the keys that belong to it.
    pub(super) fn take(args: &mut Args) -> Result<Option<Kind>> {
        let Some(KindName(name)) = args.key("type")? else {
            return Ok(None);
        };
        Kind::read(&name, args).transpose()
    }

    /// Takes `type` and the keys that belong to it, for a device to be.
    pub(super) fn take_new(args: &mut Args) -> Result<Kind> {
        let missing = || {
            Problem::argument("`type` is missing: what the device is")
                .help(format!("its values are {}", names().join(", ")))
        };
        Kind::take(args)?.ok_or_else(missing)
    }

    /// Nothing may be left over: an unknown key is answered with those of the kind and the `others` that `link set` has not.
    pub(super) fn finish_args(&self, args: Args, others: &[Key]) -> Result<()> {
        let name = self.about().name;
        let own = || self.keys().iter().chain(others);
        let all: Vec<Key> = own().chain(Settings::KEYS).copied().collect();
        let known: Vec<_> = own().map(|key| key.name).collect();
        let stranger = args.keys_left().next().map(str::to_string);
        args.finish(&all).map_err(|mut problem| {
            if stranger.is_some_and(|key| nearest(&key, all.iter().map(|key| key.name)).is_none()) {
                problem.help = match known.is_empty() {
                    true => format!("a {name} has no keys but those of `link set`"),
                    false => format!("a {name} has {}; and the keys of `link set`", known.join(", ")),
                };
            }
            problem
        })
    }

    /// Whether it has no carrier at birth: a veth gets one when its peer comes up.
    pub(super) fn has_no_carrier(&self) -> bool {
        matches!(self, Kind::Veth(_))
    }

    /// `link eth0`, which stands before `type`.
    pub(super) fn lower_words(&self) -> Vec<String> {
        self.lower()
            .map(|dev| vec!["link".to_string(), dev.to_string()])
            .unwrap_or_default()
    }

    /// `type veth peer name veth1`.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = vec!["type".to_string(), self.about().name.to_string()];
        words.extend(self.own_words());
        words
    }

    /// Puts the kind into a message about a device.
    pub(super) fn put(&self, message: &mut LinkMessage, at: &At) -> Result<()> {
        if let Some(lower) = at.index("link", self.lower())? {
            message.attributes.push(LinkAttribute::Link(lower));
        }
        let mut info = vec![LinkInfo::Kind((self.about().kind)())];
        info.extend(self.data(at)?.map(LinkInfo::Data));
        message.attributes.push(LinkAttribute::LinkInfo(info));
        Ok(())
    }

    /// Says so where the kernel knows no such kind.
    pub(super) fn missing(&self, mut problem: Box<Problem>) -> Box<Problem> {
        // A kind that is there can refuse too, and then says why.
        let is_unknown = problem.errno == Some(Errno::EOPNOTSUPP)
            && (problem.kernel.is_empty() || problem.kernel == "Unknown device type");
        if !is_unknown {
            return problem;
        }
        if let (Some((key, config)), "") = (self.wants(), problem.kernel.as_str()) {
            problem.message = format!("this kernel has no `{key}`");
            return problem
                .at(Part::Key(key.into()))
                .known(Mistake::KernelLacks)
                .because(format!("it was built without {config}"))
                .help(format!("it needs a kernel with {config}"));
        }
        let About {
            name, config, module, ..
        } = self.about();
        problem.message = format!("this kernel has no devices of type {name}");
        problem
            .at(Part::Key("type".into()))
            .known(Mistake::KernelLacks)
            .because(format!(
                "it needs a kernel with {config}; where that is a module, {module} is not loaded"
            ))
            .help(format!("on the machine, as root: modprobe {module}"))
    }
}
