//! `qdisc`: how a device sends what it has to send, and its classes, `class`.

mod bytes;
pub mod class;
mod clock;
mod command;
pub mod fact;
mod handle;
mod inverse;
mod kind;
mod netem;
mod netem_fact;
mod options;
mod tbf;
mod text;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::tc::{TcHandle, TcMessage};
use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::names::Links;
use super::{Act, Answer, Args, IfName, Inverse, Noun, Operation, Options, Place, Shape, Verb, World, link, tc};
use crate::error::{Mistake, Part, Problem, Result};
use crate::netns::NsName;
use crate::options;

pub use fact::{ClassFact, QdiscFact};
pub use handle::{ClassId, Handle, Parent};
pub use kind::Kind;

/// A change of a device's qdiscs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "lowercase")]
pub enum Change {
    /// `tc qdisc add dev DEV root KIND`.
    Add(Qdisc),
    /// `tc qdisc replace dev DEV root KIND`.
    Replace(Qdisc),
    /// `tc qdisc change dev DEV root KIND`.
    Change(Qdisc),
    /// `tc qdisc del dev DEV root`.
    Del(Spot),
}

impl Change {
    /// Whether a device may send less, later or not at all because of it.
    pub fn holds_back(&self) -> bool {
        match self {
            Change::Add(new) | Change::Replace(new) | Change::Change(new) => new.kind.holds_back(),
            Change::Del(_) => false,
        }
    }
}

/// A qdisc: where, and what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Qdisc {
    /// The device.
    pub dev: IfName,
    /// Where on it.
    pub at: At,
    /// What it is.
    pub kind: Kind,
}

/// A place on a device that a qdisc is taken from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spot {
    /// The device.
    pub dev: IfName,
    /// Where on it.
    pub at: At,
    /// `ingress` or `clsact`, which have a place of their own.
    pub kind: Option<Kind>,
}

options! {
    /// Where on a device.
    pub struct At {
        /// the class it hangs at: "1:10"; the device itself, "root", if not given
        parent: Parent,
        /// its number: "1:"; the kernel finds one if not given
        handle: Handle,
    }
}

options! {
    /// Which qdiscs: the key of `qdisc show`.
    pub struct Among {
        /// those of this device
        dev: IfName,
    }
}

/// The noun's declaration.
pub const NOUN: Noun = Noun {
    name: "qdisc",
    place: Place::Namespace,
    doc: "How a device sends what it has to send: how fast (tbf, htb), how late and with what losses (netem), in which order.",
    verbs: &[ADD, REPLACE, CHANGE, DEL, SHOW],
    commands: command::QDISC,
};

const ADD: Verb = Verb {
    name: "add",
    usage: "DEV",
    keys: kind::KEYS,
    doc: "Gives a device a qdisc. `kind` is tbf, htb, netem, fq_codel, pfifo, bfifo, pfifo_fast, prio, sfq, ingress or clsact, as far as the kernel has it; each has its own keys.

`tc qdisc add dev DEV root KIND`

```rhai
host.link.add(\"veth0\", #{ type: \"veth\", peer: \"veth1\" });
host.qdisc.add(\"veth0\", #{ kind: \"tbf\", rate: \"10mbit\", burst: \"32kb\", latency: \"50ms\" });
assert_eq(host.qdisc.show(\"veth0\")[0].options.rate, 1250000, \"bytes a second\");

try {
    host.qdisc.add(\"veth1\", #{ kind: \"netem\", delay: \"20ms\", jitter: \"5ms\", loss: \"1%\" });
} catch (e) {
    assert_eq(e.code, \"NSX031\", \"this kernel has no netem\");
}
```",
    act: Act::Change(|args| Ok(super::Change::Qdisc(Change::Add(qdisc(args)?)))),
};

const REPLACE: Verb = Verb {
    name: "replace",
    usage: "DEV",
    keys: kind::KEYS,
    doc: "Gives a device a qdisc, whatever it had before.

`tc qdisc replace dev DEV root KIND`

```rhai
host.link.add(\"veth0\", #{ type: \"veth\", peer: \"veth1\" });
host.qdisc.replace(\"veth0\", #{ kind: \"pfifo\", limit: 10 });
host.qdisc.replace(\"veth0\", #{ kind: \"pfifo\", limit: 20 });
assert_eq(host.qdisc.show(\"veth0\")[0].options.limit, 20);
```",
    act: Act::Change(|args| Ok(super::Change::Qdisc(Change::Replace(qdisc(args)?)))),
};

const CHANGE: Verb = Verb {
    name: "change",
    usage: "DEV",
    keys: kind::KEYS,
    doc: "Changes a qdisc in place: what waits in it goes on waiting. Its kind stays.

`tc qdisc change dev DEV root KIND`

```rhai
host.link.add(\"veth0\", #{ type: \"veth\", peer: \"veth1\" });
host.qdisc.add(\"veth0\", #{ kind: \"tbf\", rate: \"10mbit\", burst: \"32kb\", latency: \"50ms\" });
host.qdisc.change(\"veth0\", #{ kind: \"tbf\", rate: \"1mbit\", burst: \"32kb\", latency: \"50ms\" });
assert_eq(host.qdisc.show(\"veth0\")[0].options.rate, 125000);
```",
    act: Act::Change(|args| Ok(super::Change::Qdisc(Change::Change(qdisc(args)?)))),
};

const DEL: Verb = Verb {
    name: "del",
    usage: "DEV",
    keys: &[At::KEYS],
    doc: "Takes a qdisc from a device; it has the kernel's own again. `kind` is only needed to take `ingress` or `clsact` away.

`tc qdisc del dev DEV root`

```rhai
host.link.add(\"veth0\", #{ type: \"veth\", peer: \"veth1\" });
host.qdisc.add(\"veth0\", #{ kind: \"pfifo\" });
host.qdisc.del(\"veth0\");
assert_eq(host.qdisc.show(\"veth0\"), []);
```",
    act: Act::Change(|args| Ok(super::Change::Qdisc(Change::Del(spot(args)?)))),
};

const SHOW: Verb = Verb {
    name: "show",
    usage: "[DEV]",
    keys: &[Among::KEYS],
    doc: "The qdiscs of a device, or of all, with the fields of `tc -j qdisc show`: rates in bytes a second, sizes in bytes, times in microseconds (netem's in seconds).

`tc qdisc show dev DEV`

```rhai
host.link.add(\"veth0\", #{ type: \"veth\", peer: \"veth1\" });
host.qdisc.add(\"veth0\", #{ kind: \"htb\", handle: \"1:\", \"default\": \"10\" });
let qdisc = host.qdisc.show(\"veth0\")[0];
assert_eq([qdisc.kind, qdisc.handle, qdisc.root], [\"htb\", \"1:\", true]);
print(host.qdisc.show());
```",
    act: Act::Ask(show),
};

fn qdisc(mut args: Args) -> Result<Qdisc> {
    let dev = args.required("the device")?;
    let at = At::take(&mut args)?;
    let kind = Kind::take(args)?;
    beside(&at, &kind)?;
    Ok(Qdisc { dev, at, kind })
}

/// `ingress` and `clsact` have one place.
fn beside(at: &At, kind: &Kind) -> Result<()> {
    let given = [("parent", at.parent.is_some()), ("handle", at.handle.is_some())];
    match given.iter().find(|(_, is_given)| *is_given) {
        Some((key, _)) if kind.is_beside() => Err(Problem::argument(format!(
            "a qdisc of kind {} has no `{key}`: it is always ffff:, beside the root",
            kind.name()
        ))
        .at(Part::Key((*key).into()))),
        _ => Ok(()),
    }
}

fn spot(mut args: Args) -> Result<Spot> {
    let dev = args.required("the device")?;
    let at = At::take(&mut args)?;
    let is_named = args.keys_left().any(|key| key == "kind");
    if !is_named {
        args.finish(At::KEYS)?;
        return Ok(Spot { dev, at, kind: None });
    }
    let kind = Kind::take(args)?;
    beside(&at, &kind)?;
    Ok(Spot {
        dev,
        at,
        kind: Some(kind),
    })
}

/// The device that is shown, first in order or as a key.
fn shown(args: &mut Args) -> Result<Option<IfName>> {
    let dev = args.next("the device")?;
    Ok(dev.or(Among::take(args)?.dev))
}

fn show(world: &World, netns: &NsName, mut args: Args) -> Result<Answer> {
    let dev = shown(&mut args)?;
    args.finish(Among::KEYS)?;
    let op = || tc(netns, ["qdisc", "show"]);
    let index = dev
        .map(|dev| link::index(world, netns, &dev).map_err(|p| p.during(op(), netns.as_str())))
        .transpose()?;
    let messages = qdiscs(world, netns)?;
    let links = match index {
        Some(_) => None,
        None => Some(Links::read(&*world.space(netns)?)?),
    };
    let facts = messages
        .iter()
        .filter(|message| index.is_none_or(|index| message.header.index == index.cast_signed()))
        .map(|message| super::fact::json(&QdiscFact::new(message, links.as_ref())));
    Ok(Answer::Many(Shape::Qdisc, facts.collect()))
}

/// Every qdisc of a namespace.
fn qdiscs(world: &World, netns: &NsName) -> Result<Vec<TcMessage>> {
    let space = world.space(netns)?;
    let dumped = space.dump(RouteNetlinkMessage::GetQueueDiscipline(TcMessage::default()))?;
    let only_qdiscs = |message| match message {
        RouteNetlinkMessage::NewQueueDiscipline(qdisc) => Some(qdisc),
        _ => None,
    };
    Ok(dumped.into_iter().filter_map(only_qdiscs).collect())
}

/// Whether there is what something is to hang at.
fn is_there(world: &World, netns: &NsName, index: u32, parent: Parent) -> Result<bool> {
    let Parent::Class(class) = parent else { return Ok(true) };
    let index_of = |message: &TcMessage| message.header.index.cast_unsigned();
    let qdiscs = qdiscs(world, netns)?;
    let mut handles = qdiscs.iter().filter(|qdisc| index_of(qdisc) == index);
    let is_qdisc = handles.any(|qdisc| qdisc.header.handle.major == class.major);
    if class.minor == 0 || !is_qdisc {
        return Ok(is_qdisc);
    }
    let classes = class::classes(world, netns, index)?;
    Ok(classes.iter().any(|known| known.header.handle == class.netlink()))
}

impl At {
    /// As words of a tc command.
    fn spelled(&self) -> Vec<String> {
        let mut words = match self.parent {
            None | Some(Parent::Root) => vec!["root".to_string()],
            Some(parent) => super::Typed::words(&parent, "parent"),
        };
        words.extend(
            self.handle
                .iter()
                .flat_map(|handle| super::Typed::words(handle, "handle")),
        );
        words
    }

    fn put(&self, message: &mut TcMessage) {
        message.header.parent = self.parent.unwrap_or(Parent::Root).netlink();
        message.header.handle = self.handle.map_or(TcHandle::UNSPEC, Handle::netlink);
    }
}

/// The place of `ingress` and `clsact`.
fn put_beside(message: &mut TcMessage) {
    message.header.parent = TcHandle::INGRESS;
    message.header.handle = TcHandle {
        major: u16::MAX,
        minor: 0,
    };
}

impl Qdisc {
    fn words(&self, verb: &str) -> Vec<String> {
        let mut words: Vec<_> = ["qdisc", verb, "dev", self.dev.as_str()].map(String::from).into();
        if !self.kind.is_beside() {
            words.extend(self.at.spelled());
        }
        words.extend(self.kind.words());
        words
    }

    fn message(&self, index: u32) -> TcMessage {
        let mut message = TcMessage::with_index(index.cast_signed());
        match self.kind.is_beside() {
            true => put_beside(&mut message),
            false => self.at.put(&mut message),
        }
        bytes::put(&mut message, self.kind.name(), self.kind.options());
        message
    }

    fn send(&self, world: &World, netns: &NsName, flags: u16) -> Result<()> {
        let index = link::index(world, netns, &self.dev)?;
        let space = world.space(netns)?;
        let sent = space.change(RouteNetlinkMessage::NewQueueDiscipline(self.message(index)), flags);
        sent.map_err(|problem| self.explain(world, netns, index, flags, problem))
    }

    fn explain(&self, world: &World, netns: &NsName, index: u32, flags: u16, problem: Box<Problem>) -> Box<Problem> {
        let parent = self.at.parent.unwrap_or(Parent::Root);
        let is_made = flags & NLM_F_CREATE != 0;
        match problem.errno {
            Some(Errno::ENOENT) if is_made && matches!(is_there(world, netns, index, parent), Ok(false)) => {
                no_parent(problem, parent, &self.dev)
            }
            Some(Errno::ENOENT) if is_made => self.missing(problem),
            Some(Errno::ENOENT) => problem.help(format!("there is none to change; {netns}.qdisc.add(…) makes one")),
            Some(Errno::EEXIST) => problem.help(format!(
                "{} has a qdisc there already; to change it: {netns}.qdisc.replace({:?}, …)",
                self.dev,
                self.dev.as_str()
            )),
            _ => problem,
        }
    }

    /// The kernel knows no such kind.
    fn missing(&self, mut problem: Box<Problem>) -> Box<Problem> {
        let name = self.kind.name();
        let config = self.kind.config();
        problem.message = format!("this kernel has no qdisc of kind {name}");
        let cause = format!("it needs a kernel with {config}; where that is a module, sch_{name} is not loaded");
        let problem = problem
            .at(Part::Key("kind".into()))
            .known(Mistake::KernelLacks)
            .because(cause);
        problem.help(format!("on the machine, as root: modprobe sch_{name}"))
    }
}

/// What something was to hang at is not there.
fn no_parent(mut problem: Box<Problem>, parent: Parent, dev: &IfName) -> Box<Problem> {
    let spelled = super::Typed::spell(&parent);
    let (what, help) = match parent {
        Parent::Class(class) if class.minor > 0 => ("class", "class.add makes one"),
        _ => ("qdisc", "qdisc.add makes one, with `handle`"),
    };
    problem.message = format!("there is no {what} {spelled} on {dev}");
    problem.at(Part::Key("parent".into())).help(help)
}

impl Spot {
    fn words(&self) -> Vec<String> {
        let mut words: Vec<_> = ["qdisc", "del", "dev", self.dev.as_str()].map(String::from).into();
        match &self.kind {
            Some(kind) if kind.is_beside() => words.push(kind.name().into()),
            _ => words.extend(self.at.spelled()),
        }
        words
    }

    fn send(&self, world: &World, netns: &NsName) -> Result<()> {
        let index = link::index(world, netns, &self.dev)?;
        let mut message = TcMessage::with_index(index.cast_signed());
        match &self.kind {
            Some(kind) if kind.is_beside() => put_beside(&mut message),
            _ => self.at.put(&mut message),
        }
        let space = world.space(netns)?;
        let sent = space.change(RouteNetlinkMessage::DelQueueDiscipline(message), 0);
        sent.map_err(|problem| match problem.errno {
            Some(Errno::ENOENT | Errno::EINVAL) => {
                problem.help(format!("{} has no qdisc there but the kernel's own", self.dev))
            }
            _ => problem,
        })
    }
}

impl Operation for Change {
    fn title(&self) -> String {
        let (verb, dev) = match self {
            Change::Add(qdisc) => ("add", &qdisc.dev),
            Change::Replace(qdisc) => ("replace", &qdisc.dev),
            Change::Change(qdisc) => ("change", &qdisc.dev),
            Change::Del(spot) => ("del", &spot.dev),
        };
        format!("qdisc {verb} {dev}")
    }

    fn spell(&self, netns: &NsName) -> String {
        tc(
            netns,
            match self {
                Change::Add(qdisc) => qdisc.words("add"),
                Change::Replace(qdisc) => qdisc.words("replace"),
                Change::Change(qdisc) => qdisc.words("change"),
                Change::Del(spot) => spot.words(),
            },
        )
    }

    fn apply(&self, world: &World, netns: &NsName) -> Result<()> {
        match self {
            Change::Add(qdisc) => qdisc.send(world, netns, NLM_F_CREATE | NLM_F_EXCL),
            Change::Replace(qdisc) => qdisc.send(world, netns, NLM_F_CREATE | NLM_F_REPLACE),
            Change::Change(qdisc) => qdisc.send(world, netns, 0),
            Change::Del(spot) => spot.send(world, netns),
        }
    }

    fn inverse(&self, world: &World, netns: &NsName) -> Result<Inverse> {
        inverse::of(self, world, netns)
    }
}
