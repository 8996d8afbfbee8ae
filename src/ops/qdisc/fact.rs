//! What there is: qdiscs and classes, as tc(8) shows them.

use std::fmt;

use netlink_packet_route::tc::{TcAttribute, TcHandle, TcMessage};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::bytes::{find, kind, long, number, options};
use super::clock::Clock;
use super::text::{rate, size};
use super::{handle, options as of_kind};
use crate::ops::names::{Links, is_false};

/// A qdisc, with the fields of `tc -j qdisc show`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QdiscFact {
    /// What it is.
    pub kind: String,
    /// Its number: `1:`.
    pub handle: String,
    /// The device; absent where it was asked for by device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dev: Option<String>,
    /// Whether it is the device's own.
    #[serde(default, skip_serializing_if = "is_false")]
    pub root: bool,
    /// The class it hangs at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// How many use it, if not one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refcnt: Option<u32>,
    /// Whether the device does its work.
    #[serde(default, skip_serializing_if = "is_false")]
    pub offloaded: bool,
    /// What its kind has beside that; an empty map for a kind that is not known.
    #[serde(default)]
    pub options: Json,
}

/// Where a qdisc or class hangs: whether at the root, or at which class.
fn place(parent: TcHandle) -> (bool, Option<String>) {
    let is_root = parent == TcHandle::ROOT;
    let is_class = !is_root && parent != TcHandle::UNSPEC;
    (is_root, is_class.then(|| handle::print(parent)))
}

impl QdiscFact {
    pub(super) fn new(message: &TcMessage, links: Option<&Links>) -> QdiscFact {
        let (root, parent) = place(message.header.parent);
        let kind = kind(message).unwrap_or_default();
        QdiscFact {
            kind: kind.to_string(),
            handle: format!("{:x}:", message.header.handle.major),
            dev: links.map(|links| links.name(message.header.index.cast_unsigned())),
            root,
            parent,
            refcnt: Some(message.header.info).filter(|count| *count != 1),
            offloaded: message
                .attributes
                .iter()
                .any(|attribute| matches!(attribute, TcAttribute::HwOffload(on) if *on > 0)),
            options: of_kind::read(kind, &options(message).unwrap_or_default()),
        }
    }
}

impl fmt::Display for QdiscFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "qdisc {} {} ", self.kind, self.handle)?;
        head(f, self.dev.as_ref(), self.root, self.parent.as_ref())?;
        if let Some(count) = self.refcnt {
            write!(f, "refcnt {count} ")?;
        }
        if self.offloaded {
            f.write_str("offloaded ")?;
        }
        f.write_str(&of_kind::print(&self.kind, &self.options))
    }
}

fn head(f: &mut fmt::Formatter<'_>, dev: Option<&String>, root: bool, parent: Option<&String>) -> fmt::Result {
    if let Some(dev) = dev {
        write!(f, "dev {dev} ")?;
    }
    match parent {
        _ if root => f.write_str("root "),
        Some(parent) => write!(f, "parent {parent} "),
        None => Ok(()),
    }
}

/// A class, with the fields of `tc -j class show`. tc learnt to write it so after 6.1, whose classes are text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassFact {
    /// What its qdisc is.
    pub class: String,
    /// Its number: `1:10`.
    pub handle: String,
    /// The device; absent where it was asked for by device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dev: Option<String>,
    /// Whether its parent is the qdisc.
    #[serde(default, skip_serializing_if = "is_false")]
    pub root: bool,
    /// Its parent: a class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The qdisc that was put into it: `0x14`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaf: Option<String>,
    /// Which classes are served first; a class with classes of its own has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prio: Option<u32>,
    /// What it is sure of, in bytes a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<u64>,
    /// What it may borrow up to, in bytes a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceil: Option<u64>,
    /// How many bytes may leave at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
    /// How many bytes may leave at once when it borrows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cburst: Option<u32>,
}

impl ClassFact {
    pub(super) fn new(message: &TcMessage, links: Option<&Links>) -> ClassFact {
        let (root, parent) = place(message.header.parent);
        let kind = kind(message).unwrap_or_default();
        let fact = ClassFact {
            class: kind.to_string(),
            handle: handle::print(message.header.handle),
            dev: links.map(|links| links.name(message.header.index.cast_unsigned())),
            root,
            parent,
            leaf: Some(message.header.info >> 16)
                .filter(|leaf| *leaf > 0)
                .map(|leaf| format!("{leaf:#x}")),
            ..ClassFact::default()
        };
        let options = options(message).filter(|_| kind == "htb").unwrap_or_default();
        fact.with_htb(&options).unwrap_or(fact)
    }

    fn with_htb(&self, bytes: &[u8]) -> Option<ClassFact> {
        const PARMS: u16 = 1;
        const RATE64: u16 = 6;
        const CEIL64: u16 = 7;
        let clock = Clock::get();
        let parms = find(bytes, PARMS)?;
        let field = |index| number(parms, index);
        let rate = long(bytes, RATE64).unwrap_or(field(2)?.into());
        let ceil = long(bytes, CEIL64).unwrap_or(field(5)?.into());
        let (burst, cburst, level, prio) = (field(6)?, field(7)?, field(9)?, field(10)?);
        Some(ClassFact {
            prio: (level == 0).then_some(prio),
            rate: Some(rate),
            ceil: Some(ceil),
            burst: Some(clock.sent(rate, burst)),
            cburst: Some(clock.sent(ceil, cburst)),
            ..self.clone()
        })
    }
}

impl fmt::Display for ClassFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "class {} {} ", self.class, self.handle)?;
        head(f, self.dev.as_ref(), self.root, self.parent.as_ref())?;
        if let Some(leaf) = &self.leaf {
            write!(f, "leaf {}: ", leaf.trim_start_matches("0x"))?;
        }
        if let Some(prio) = self.prio {
            write!(f, "prio {prio} ")?;
        }
        let rates = [("rate", self.rate), ("ceil", self.ceil)];
        for (word, value) in rates {
            value.map_or(Ok(()), |value| write!(f, "{word} {} ", rate(value)))?;
        }
        let bursts = [("burst", self.burst), ("cburst", self.cburst)];
        bursts
            .into_iter()
            .try_for_each(|(word, value)| value.map_or(Ok(()), |value| write!(f, "{word} {} ", size(value))))
    }
}
