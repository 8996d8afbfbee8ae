//! `class`: the classes of an htb qdisc. What no filter sends elsewhere goes to the class that the qdisc's
//! `default` names.

mod inverse;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::tc::TcMessage;
use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::bytes::{self, Writer};
use super::clock::{Clock, RateTable, high};
pub use inverse::again;

use super::handle::{ClassId, Parent};
use super::kind::missing;
use super::{Among, ClassFact, is_there, no_parent, shown};
use crate::error::{Problem, Result};
use crate::netns::NsName;
use crate::ops::names::Links;
use crate::ops::value::{Value, not_wanted};
use crate::ops::{
    Act, Answer, Args, Heard, IfName, Inverse, Noun, Operation, Options, Place, Rate, Shape, Size, Typed, Verb, Words,
    World, link, tc,
};
use crate::options;

/// A change of a qdisc's classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "lowercase")]
pub enum Change {
    /// `tc class add dev DEV parent PARENT classid ID htb …`.
    Add(Class),
    /// `tc class replace dev DEV parent PARENT classid ID htb …`.
    Replace(Class),
    /// `tc class del dev DEV classid ID`.
    Del(Gone),
}

/// A class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Class {
    /// The device.
    pub dev: IfName,
    /// The rest.
    pub keys: Keys,
}

/// A class that goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gone {
    /// The device.
    pub dev: IfName,
    /// Which.
    pub which: Which,
}

options! {
    /// The keys of `class add` and `replace`, in tc's order.
    pub struct Keys {
        /// the qdisc or class it belongs to: "1:"
        parent: Parent,
        /// its number: "1:10"
        classid: ClassId,
        /// what its qdisc is: "htb"
        kind: Htb,
        /// how fast it surely is
        rate: Rate,
        /// how fast it may be when others do not use theirs; `rate` if not given
        ceil: Rate,
        /// how much may leave at once
        burst: Size,
        /// how much may leave at once at `ceil`
        cburst: Size,
        /// which classes are served first: lower
        prio: u32,
        /// how many bytes it sends in its turn; its rate / r2q if not given
        quantum: u32,
    }
}

options! {
    /// Which class.
    pub struct Which {
        /// its number: "1:10"
        classid: ClassId,
    }
}

/// The one kind that has classes here: `htb`, which tc spells without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Htb {
    /// Token buckets in a hierarchy.
    Htb,
}

impl Typed for Htb {
    const WANTS: &'static str = "\"htb\"";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Str(text) if text == "htb" => Ok(Htb::Htb),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        "htb".into()
    }

    fn words(&self, _: &str) -> Vec<String> {
        vec![self.spell()]
    }

    fn of_words(_: &str, words: &mut Words) -> Heard<Option<Value>> {
        Ok(words.take("htb").then(|| Self::of_word("htb")))
    }
}

/// The noun's declaration.
pub const NOUN: Noun = Noun {
    name: "class",
    place: Place::Namespace,
    doc: "The classes of an htb qdisc: shares of a device's rate.",
    verbs: &[ADD, REPLACE, DEL, SHOW],
    commands: super::command::CLASS,
};

const ADD: Verb = Verb {
    name: "add",
    usage: "DEV",
    keys: &[Keys::KEYS],
    doc: "Adds a class to an htb qdisc, or to one of its classes.

`tc class add dev DEV parent PARENT classid ID htb rate RATE`

```rhai
host.link.add(\"veth0\", #{ type: \"veth\", peer: \"veth1\" });
host.qdisc.add(\"veth0\", #{ kind: \"htb\", handle: \"1:\", \"default\": \"10\" });
host.class.add(\"veth0\", #{ parent: \"1:\", classid: \"1:10\", kind: \"htb\", rate: \"1mbit\", ceil: \"2mbit\" });
assert_eq(host.class.show(\"veth0\")[0].ceil, 250000, \"bytes a second\");
```",
    act: Act::Change(|args| Ok(crate::ops::Change::Class(Change::Add(class(args)?)))),
};

const REPLACE: Verb = Verb {
    name: "replace",
    usage: "DEV",
    keys: &[Keys::KEYS],
    doc: "Adds a class, or changes the one there is.

`tc class replace dev DEV parent PARENT classid ID htb rate RATE`

```rhai
host.link.add(\"veth0\", #{ type: \"veth\", peer: \"veth1\" });
host.qdisc.add(\"veth0\", #{ kind: \"htb\", handle: \"1:\", \"default\": \"10\" });
host.class.replace(\"veth0\", #{ parent: \"1:\", classid: \"1:10\", kind: \"htb\", rate: \"1mbit\" });
host.class.replace(\"veth0\", #{ parent: \"1:\", classid: \"1:10\", kind: \"htb\", rate: \"2mbit\" });
assert_eq(host.class.show(\"veth0\").map(|class| class.rate), [250000]);
```",
    act: Act::Change(|args| Ok(crate::ops::Change::Class(Change::Replace(class(args)?)))),
};

const DEL: Verb = Verb {
    name: "del",
    usage: "DEV",
    keys: &[Which::KEYS],
    doc: "Removes a class.

`tc class del dev DEV classid ID`

```rhai
host.link.add(\"veth0\", #{ type: \"veth\", peer: \"veth1\" });
host.qdisc.add(\"veth0\", #{ kind: \"htb\", handle: \"1:\" });
host.class.add(\"veth0\", #{ parent: \"1:\", classid: \"1:10\", kind: \"htb\", rate: \"1mbit\" });
host.class.del(\"veth0\", #{ classid: \"1:10\" });
assert_eq(host.class.show(\"veth0\"), []);
```",
    act: Act::Change(|mut args| {
        let dev = args.required("the device")?;
        let which = Which::take(&mut args)?;
        args.finish(Which::KEYS)?;
        match which.classid {
            Some(_) => Ok(crate::ops::Change::Class(Change::Del(Gone { dev, which }))),
            None => Err(missing("classid", "which class", "1:10")),
        }
    }),
};

const SHOW: Verb = Verb {
    name: "show",
    usage: "[DEV]",
    keys: &[Among::KEYS],
    doc: "The classes of a device, or of all, with the fields that `tc -j class show` has had since it writes classes as JSON: rates in bytes a second, bursts in bytes.

`tc class show dev DEV`

```rhai
host.link.add(\"veth0\", #{ type: \"veth\", peer: \"veth1\" });
host.qdisc.add(\"veth0\", #{ kind: \"htb\", handle: \"1:\" });
host.class.add(\"veth0\", #{ parent: \"1:\", classid: \"1:10\", kind: \"htb\", rate: \"1mbit\", prio: 1 });
let class = host.class.show(\"veth0\")[0];
assert_eq([class.handle, class.root, class.prio], [\"1:10\", true, 1]);
```",
    act: Act::Ask(show),
};

fn class(mut args: Args) -> Result<Class> {
    let dev = args.required("the device")?;
    let mut keys = Keys::take(&mut args)?;
    args.finish(Keys::KEYS)?;
    if keys.parent.is_none() {
        return Err(missing("parent", "the qdisc or class it belongs to", "1:"));
    }
    if keys.classid.is_none() {
        return Err(missing("classid", "its number", "1:10"));
    }
    if keys.rate.is_none() {
        return Err(missing("rate", "how fast it surely is", "1mbit"));
    }
    keys.kind = Some(Htb::Htb);
    Ok(Class { dev, keys })
}

/// The classes of a device.
pub(super) fn classes(world: &World, netns: &NsName, index: u32) -> Result<Vec<TcMessage>> {
    let all = TcMessage::with_index(index.cast_signed());
    let dumped = world.space(netns)?.dump(RouteNetlinkMessage::GetTrafficClass(all))?;
    let only_classes = |message| match message {
        RouteNetlinkMessage::NewTrafficClass(class) => Some(class),
        _ => None,
    };
    Ok(dumped.into_iter().filter_map(only_classes).collect())
}

fn show(world: &World, netns: &NsName, mut args: Args) -> Result<Answer> {
    let dev = shown(&mut args)?;
    args.finish(Among::KEYS)?;
    let facts = match dev {
        Some(dev) => {
            let op = tc(netns, ["class", "show", "dev", dev.as_str()]);
            let index = link::index(world, netns, &dev).map_err(|p| p.during(op, netns.as_str()))?;
            let classes = classes(world, netns, index)?;
            classes.iter().map(|class| ClassFact::new(class, None)).collect()
        }
        None => {
            // The kernel lists the classes of one device at a time.
            let messages = crate::ops::names::links(&*world.space(netns)?)?;
            let links = Links::of(&messages);
            let mut facts = Vec::new();
            for message in &messages {
                let classes = classes(world, netns, message.header.index)?;
                facts.extend(classes.iter().map(|class| ClassFact::new(class, Some(&links))));
            }
            facts
        }
    };
    Ok(Answer::Many(
        Shape::Class,
        facts.iter().map(crate::ops::fact::json).collect(),
    ))
}

impl Keys {
    /// What the kernel is sent.
    fn options(&self, clock: Clock) -> Vec<u8> {
        const PARMS: u16 = 1;
        const CTAB: u16 = 3;
        const RTAB: u16 = 4;
        const RATE64: u16 = 6;
        const CEIL64: u16 = 7;
        const MTU: u32 = 1600;
        let rate = self.rate.map_or(0, |rate| rate.0);
        let ceil = self.ceil.map_or(rate, |ceil| ceil.0);
        // As much as is sent between two ticks of the kernel's timers, and a packet.
        let burst = |given: Option<Size>, rate: u64| {
            let least = (rate / clock.hz + u64::from(MTU)).min(u32::MAX.into()) as u32;
            given.map(|size| size.0).filter(|size| *size > 0).unwrap_or(least)
        };
        let table = |rate| RateTable::new(clock, rate, MTU);
        let parms = Writer::default()
            .raw(&table(rate).spec())
            .raw(&table(ceil).spec())
            .numbers([
                clock.sending(rate, burst(self.burst, rate)),
                clock.sending(ceil, burst(self.cburst, ceil)),
                self.quantum.unwrap_or(0),
                0,
                self.prio.unwrap_or(0),
            ])
            .done();
        Writer::default()
            .maybe(RATE64, high(rate))
            .maybe(CEIL64, high(ceil))
            .attribute(PARMS, &parms)
            .attribute(RTAB, &table(rate).bytes())
            .attribute(CTAB, &table(ceil).bytes())
            .done()
    }
}

impl Class {
    fn words(&self, verb: &str) -> Vec<String> {
        let mut words: Vec<_> = ["class", verb, "dev", self.dev.as_str()].map(String::from).into();
        words.extend(self.keys.words());
        words
    }

    fn send(&self, world: &World, netns: &NsName, flags: u16) -> Result<()> {
        let index = link::index(world, netns, &self.dev)?;
        let mut message = TcMessage::with_index(index.cast_signed());
        let parent = self.keys.parent.unwrap_or(Parent::Root);
        message.header.parent = parent.netlink();
        message.header.handle = self.keys.classid.map(ClassId::netlink).unwrap_or_default();
        bytes::put(&mut message, "htb", Some(self.keys.options(Clock::get())));
        let space = world.space(netns)?;
        let sent = space.change(RouteNetlinkMessage::NewTrafficClass(message), flags);
        sent.map_err(|problem| match problem.errno {
            Some(Errno::EEXIST) => problem.help(format!(
                "there is one already; to change it: {netns}.class.replace({:?}, …)",
                self.dev.as_str()
            )),
            _ if matches!(is_there(world, netns, index, parent), Ok(false)) => no_parent(problem, parent, &self.dev),
            _ => problem,
        })
    }
}

impl Gone {
    fn words(&self) -> Vec<String> {
        let mut words: Vec<_> = ["class", "del", "dev", self.dev.as_str()].map(String::from).into();
        words.extend(self.which.words());
        words
    }

    fn send(&self, world: &World, netns: &NsName) -> Result<()> {
        let index = link::index(world, netns, &self.dev)?;
        let mut message = TcMessage::with_index(index.cast_signed());
        message.header.handle = self.which.classid.map(ClassId::netlink).unwrap_or_default();
        let space = world.space(netns)?;
        let sent = space.change(RouteNetlinkMessage::DelTrafficClass(message), 0);
        sent.map_err(|problem: Box<Problem>| match problem.errno {
            Some(Errno::EBUSY) => problem.help("classes of its own, or a filter, still use it"),
            _ => problem,
        })
    }
}

impl Operation for Change {
    fn title(&self) -> String {
        let (verb, dev) = match self {
            Change::Add(class) => ("add", &class.dev),
            Change::Replace(class) => ("replace", &class.dev),
            Change::Del(gone) => ("del", &gone.dev),
        };
        format!("class {verb} {dev}")
    }

    fn spell(&self, netns: &NsName) -> String {
        tc(
            netns,
            match self {
                Change::Add(class) => class.words("add"),
                Change::Replace(class) => class.words("replace"),
                Change::Del(gone) => gone.words(),
            },
        )
    }

    fn apply(&self, world: &World, netns: &NsName) -> Result<()> {
        match self {
            Change::Add(class) => class.send(world, netns, NLM_F_CREATE | NLM_F_EXCL),
            Change::Replace(class) => class.send(world, netns, NLM_F_CREATE),
            Change::Del(gone) => gone.send(world, netns),
        }
    }

    fn inverse(&self, world: &World, netns: &NsName) -> Result<Inverse> {
        inverse::of(self, world, netns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_spelled_as_tc_has_it() {
        let keys = Keys {
            parent: "1:".parse().ok(),
            classid: "1:10".parse().ok(),
            kind: Some(Htb::Htb),
            rate: "1mbit".parse().ok(),
            ceil: "2mbit".parse().ok(),
            prio: Some(1),
            ..Keys::default()
        };
        let change = Change::Add(Class {
            dev: "eth0".parse().unwrap(),
            keys,
        });
        assert_eq!(
            change.spell(&NsName::host()),
            "tc class add dev eth0 parent 1: classid 1:10 htb rate 1mbit ceil 2mbit prio 1"
        );
    }
}
