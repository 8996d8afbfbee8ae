//! The keys of `link set`, which `link add` takes too.

use std::path::Path;
use std::sync::LazyLock;

use netlink_packet_route::link::{AfSpecInet6, AfSpecUnspec, In6AddrGenMode, LinkAttribute, LinkFlags, LinkMessage};
use serde::{Deserialize, Serialize};

use super::find::index;
use super::kind::{At, Kind};
use crate::error::{Part, Problem, Result};
use crate::netns::NsName;
use crate::ops::types::Flag;
use crate::ops::value::{Value, not_wanted};
use crate::ops::world::Coming;
use crate::ops::{Heard, IfName, Mac, Typed, Words, World};
use crate::options;

options! {
    /// What can be set of any device.
    pub struct Settings {
        /// moves it into this namespace
        netns: NsName,
        /// renames it
        name: IfName,
        /// makes it a port of this bridge, bond or vrf
        master: IfName,
        /// takes it out of its master
        nomaster: Flag,
        /// its largest packet, in bytes
        mtu: u32,
        /// its link-layer address
        address: Mac,
        /// how many packets wait before it drops, at most
        txqueuelen: u32,
        /// a text that describes it
        alias: String,
        /// whether it asks for and answers with link-layer addresses
        arp: bool,
        /// whether it takes part in multicast
        multicast: bool,
        /// whether it takes every multicast packet
        allmulticast: bool,
        /// whether it takes every packet, also those for others
        promisc: bool,
        /// how it makes IPv6 addresses of its own when it comes up: eui64, none, stable_secret, random
        addrgenmode: AddrGenMode,
        /// true brings it up, false takes it down
        up: State<true>,
        /// true takes it down, false brings it up
        down: State<false>,
    }
}

/// Whether a device is up, given by the key `up` or by its opposite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct State<const KEY: bool>(pub bool);

impl<const KEY: bool> Typed for State<KEY> {
    const WANTS: &'static str = bool::WANTS;

    fn read(value: &Value) -> Result<Self, String> {
        bool::read(value).map(State)
    }

    fn spell(&self) -> String {
        if self.0 == KEY { "up" } else { "down" }.into()
    }

    fn words(&self, _: &str) -> Vec<String> {
        vec![self.spell()]
    }

    fn of_words(key: &str, words: &mut Words) -> Heard<Option<Value>> {
        Ok(words.take(key).then_some(Value::Bool(true)))
    }
}

/// How a device makes IPv6 addresses of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AddrGenMode(u8);

pub(super) const MODES: [(&str, In6AddrGenMode); 4] = [
    ("eui64", In6AddrGenMode::Eui64),
    ("none", In6AddrGenMode::None),
    ("stable_secret", In6AddrGenMode::StablePrivacy),
    ("random", In6AddrGenMode::Random),
];

impl Typed for AddrGenMode {
    const WANTS: &'static str = "\"eui64\", \"none\", \"stable_secret\" or \"random\"";

    fn read(value: &Value) -> Result<Self, String> {
        let Value::Str(text) = value else {
            return Err(not_wanted::<Self>(value));
        };
        let found = MODES.iter().find(|(name, _)| name == text);
        found
            .map(|(_, mode)| AddrGenMode(u8::from(mode)))
            .ok_or_else(|| not_wanted::<Self>(value))
    }

    fn spell(&self) -> String {
        let found = MODES.iter().find(|(_, mode)| u8::from(mode) == self.0);
        found.map_or_else(|| self.0.to_string(), |(name, _)| name.to_string())
    }
}

impl AddrGenMode {
    fn attribute(self) -> Option<LinkAttribute> {
        let mode = In6AddrGenMode::from(self.0);
        // A kernel without IPv6 makes no addresses, and does not know the word for that.
        static HAS_IPV6: LazyLock<bool> = LazyLock::new(|| Path::new("/proc/sys/net/ipv6").exists());
        let is_said = mode != In6AddrGenMode::None || *HAS_IPV6;
        let spec = AfSpecUnspec::Inet6(vec![AfSpecInet6::AddrGenMode(mode)]);
        is_said.then(|| LinkAttribute::AfSpecUnspec(vec![spec]))
    }
}

impl Settings {
    /// Refuses keys that contradict each other.
    pub(super) fn check(&self) -> Result<()> {
        if self.up.is_some() && self.down.is_some() {
            return Err(Problem::argument("`up` and `down` cannot both be given").at(Part::Key("down".into())));
        }
        if self.master.is_some() && self.nomaster == Some(Flag(true)) {
            return Err(
                Problem::argument("`master` and `nomaster` cannot both be given").at(Part::Key("nomaster".into()))
            );
        }
        if self.alias.as_ref().is_some_and(|alias| alias.len() > 255) {
            return Err(Problem::argument("`alias` has at most 255 bytes").at(Part::Key("alias".into())));
        }
        Ok(())
    }

    /// Refuses what can only be said of a device that exists.
    pub(super) fn check_new(&self) -> Result<()> {
        if self.name.is_some() {
            let message = "`name` renames a device that exists; a new one has the name it is added with";
            return Err(Problem::argument(message).at(Part::Key("name".into())));
        }
        self.check()
    }

    /// Whether they can take a device's connection away.
    pub(in crate::ops) fn takes_away(&self) -> bool {
        let joins = self.master.is_some() || self.netns.is_some();
        let is_other = self.address.is_some() || self.arp == Some(false);
        joins || is_other || self.nomaster == Some(Flag(true)) || self.is_up() == Some(false)
    }

    /// Whether it is to be up, if that is said.
    pub(in crate::ops) fn is_up(&self) -> Option<bool> {
        self.up.map(|up| up.0).or(self.down.map(|down| !down.0))
    }

    /// Notes that the device was brought up, if it was.
    pub(super) fn note_rise(&self, world: &World, netns: &NsName, dev: &IfName) {
        if self.is_up() == Some(true) {
            let dev = Coming::Device(self.name.as_ref().unwrap_or(dev).clone());
            world.comes(self.netns.as_ref().unwrap_or(netns), dev);
        }
    }

    /// The namespace that the device is born in, and what is said of it once it is there.
    pub(super) fn where_born<'a>(&'a self, netns: &'a NsName) -> (&'a NsName, Settings) {
        let rest = Settings {
            netns: None,
            ..self.clone()
        };
        (self.netns.as_ref().unwrap_or(netns), rest)
    }

    /// What can be said in the request that makes the device, and what the kernel ignores there: that has to be
    /// said afterwards. A device that comes up before it knows how to make addresses has made them by then, unless it
    /// `has_no_carrier` at birth.
    pub(super) fn at_birth_and_after(&self, has_no_carrier: bool) -> (Settings, Option<Settings>) {
        let mut birth = self.clone();
        let mut later = Settings {
            alias: birth.alias.take(),
            addrgenmode: birth.addrgenmode.take(),
            ..Settings::default()
        };
        if later == Settings::default() {
            return (birth, None);
        }
        if later.addrgenmode.is_some() && !has_no_carrier {
            (later.up, later.down) = (birth.up.take(), birth.down.take());
        }
        (birth, Some(later))
    }

    /// What has to be said before the device comes up, and that it comes up, where one request cannot say both:
    /// the kernel would bring it up, addresses and all, before it reads how it is to make them.
    pub(super) fn before_rise_and_rise(&self) -> (Settings, Option<Settings>) {
        let mut before = self.clone();
        if self.addrgenmode.is_none() || self.is_up() != Some(true) {
            return (before, None);
        }
        let rise = Settings {
            up: before.up.take(),
            down: before.down.take(),
            ..Settings::default()
        };
        (before, Some(rise))
    }

    /// The settings in the order in which `ip` can be told them: at once, and in a further command where the
    /// device is by then. That is as the requests go, but for a master: `ip` looks for it where the device comes from.
    pub(super) fn apart(&self, new: Option<&Kind>) -> (Settings, Option<Settings>) {
        let (birth, after) = match new {
            Some(kind) => self.at_birth_and_after(kind.has_no_carrier()),
            None => self.before_rise_and_rise(),
        };
        let (mut first, mut later) = (birth, after.unwrap_or_default());
        if first.netns.is_some() {
            later.master = first.master.take();
        }
        let is_more = later != Settings::default();
        (first, is_more.then_some(later))
    }

    /// Puts the settings into a message about a device of `netns`. The new name is not among them: whether a
    /// message names the old device or the new name is its maker's concern.
    pub(super) fn put(&self, message: &mut LinkMessage, at: &At) -> Result<()> {
        let attributes = &mut message.attributes;
        // A device that moves joins a master where it goes.
        let there = self.netns.as_ref().unwrap_or(at.netns);
        if let Some(target) = &self.netns {
            attributes.push(at.open("netns", target)?);
        }
        if let Some(master) = &self.master {
            let index = index(at.world, there, master).map_err(|p| p.at(Part::Key("master".into())))?;
            attributes.push(LinkAttribute::Controller(index));
        }
        if self.nomaster == Some(Flag(true)) {
            attributes.push(LinkAttribute::Controller(0));
        }
        attributes.extend(self.mtu.map(LinkAttribute::Mtu));
        attributes.extend(self.address.map(|mac| LinkAttribute::Address(mac.0.to_vec())));
        attributes.extend(self.txqueuelen.map(LinkAttribute::TxQueueLen));
        attributes.extend(self.alias.clone().map(LinkAttribute::IfAlias));
        attributes.extend(self.addrgenmode.and_then(AddrGenMode::attribute));
        let flags = [
            (LinkFlags::Up, self.is_up()),
            (LinkFlags::Noarp, self.arp.map(|asks| !asks)),
            (LinkFlags::Multicast, self.multicast),
            (LinkFlags::Allmulti, self.allmulticast),
            (LinkFlags::Promisc, self.promisc),
        ];
        for (flag, is_set) in flags {
            if let Some(is_set) = is_set {
                message.header.flags.set(flag, is_set);
                message.header.change_mask |= flag;
            }
        }
        Ok(())
    }
}
