//! What a rule is told by: its keys, their types, and the request they make.

use std::net::IpAddr;

use ipnet::IpNet;
use netlink_packet_route::IpProtocol;
use netlink_packet_route::rule::{RuleAction, RuleAttribute, RuleFlags, RuleMessage, RulePortRange};
use serde::{Deserialize, Serialize};

use crate::error::{Part, Problem, Result};
use crate::ops::names::{self, DSFIELDS, PROTOS};
use crate::ops::route::{Family, Proto as MadeBy, Table};
use crate::ops::types::Flag;
use crate::ops::value::{Value, not_wanted};
use crate::ops::words::number_or_text;
use crate::ops::{Heard, IfName, Prefix, Typed, Words};
use crate::options;

options! {
    /// The keys of `rule add` and `rule del`.
    pub struct Rule {
        /// every packet but those that fit
        not: Flag,
        /// packets from this prefix or address
        from: Prefix,
        /// packets to this prefix or address
        to: Prefix,
        /// packets that came in by this device; \"lo\" for the namespace's own
        iif: IfName,
        /// packets of sockets bound to this device
        oif: IfName,
        /// packets with this firewall mark: a number, or \"0x1/0xff\" with a mask
        fwmark: Mark,
        /// packets with this TOS byte
        tos: Tos,
        /// packets of this protocol: \"tcp\", \"udp\", \"icmp\", or its number
        ipproto: Proto,
        /// packets from this port, or ports \"1000-2000\"
        sport: Ports,
        /// packets to this port, or ports
        dport: Ports,
        /// which rules are asked first: those with the least
        priority: u32,
        /// the table that decides; main if not given
        table: Table,
        /// no route with a prefix of this length or less: 0 leaves out the default route
        suppress_prefixlength: u32,
        /// ask the rule with this priority next; quoted: \"goto\"
        goto: u32,
        /// what happens: lookup in the table (if not given), blackhole, unreachable, prohibit or nop
        kind as "type": Action,
        /// who made it, as for routes: a name of rt_protos, or a number
        protocol: MadeBy,
        /// inet or inet6, where no address says it
        family: Family,
    }
}

options! {
    /// Which rules: the keys of `rule show` and `rule flush`.
    pub struct Among {
        /// those from this prefix, or one within
        from: Prefix,
        /// those to this prefix, or one within
        to: Prefix,
        /// those for this incoming device
        iif: IfName,
        /// those for this outgoing device
        oif: IfName,
        /// those of this priority
        priority: u32,
        /// those that ask this table
        table: Table,
        /// those of this family; inet if neither this nor an address is given
        family: Family,
    }
}

/// A firewall mark and which bits of it count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    mark: u32,
    mask: Option<u32>,
}

impl Typed for Mark {
    const WANTS: &'static str = "a mark: a number, or text such as \"0x1/0xff\"";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Int(_) => u32::read(value).map(|mark| Mark { mark, mask: None }),
            Value::Str(text) => {
                let (mark, mask) = match text.split_once('/') {
                    None => (names::number(text), Some(None)),
                    Some((mark, mask)) => (names::number(mark), names::number(mask).map(Some)),
                };
                mark.zip(mask)
                    .map(|(mark, mask)| Mark { mark, mask })
                    .ok_or_else(|| not_wanted::<Self>(value))
            }
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        match self.mask {
            None => format!("{:#x}", self.mark),
            Some(mask) => format!("{:#x}/{mask:#x}", self.mark),
        }
    }

    fn of_word(word: &str) -> Value {
        number_or_text(word)
    }
}

/// A TOS byte, by number or by the name that iproute2 has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tos(u8);

impl Typed for Tos {
    const WANTS: &'static str = "a TOS byte: a number, or a name such as \"CS1\"";

    fn read(value: &Value) -> Result<Self, String> {
        let wrong = || not_wanted::<Self>(value);
        match value {
            Value::Int(_) => u8::read(value).map(Tos).map_err(|_| wrong()),
            Value::Str(text) => DSFIELDS
                .id(text)
                .or_else(|| names::number(text))
                .and_then(|tos| u8::try_from(tos).ok())
                .map(Tos)
                .ok_or_else(wrong),
            _ => Err(wrong()),
        }
    }

    /// In sixteens: `ip` reads no other number here.
    fn spell(&self) -> String {
        format!("{:#04x}", self.0)
    }

    /// `ip` reads numbers here in sixteens.
    fn of_word(word: &str) -> Value {
        let is_number = word.chars().all(|c| c.is_ascii_digit());
        Value::Str(if is_number { format!("0x{word}") } else { word.into() })
    }
}

/// A protocol over IP, by name or number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Proto(u8);

/// Protocols that have a name where the C library's file is missing.
const COMMON: [(&str, u32); 5] = [("icmp", 1), ("tcp", 6), ("udp", 17), ("ipv6-icmp", 58), ("sctp", 132)];

impl Typed for Proto {
    const WANTS: &'static str = "a protocol such as \"tcp\", or its number";

    fn read(value: &Value) -> Result<Self, String> {
        let wrong = || not_wanted::<Self>(value);
        match value {
            Value::Int(_) => u8::read(value).map(Proto).map_err(|_| wrong()),
            Value::Str(text) => PROTOS
                .id(text)
                .or_else(|| COMMON.iter().find(|(name, _)| name == text).map(|(_, id)| *id))
                .and_then(|id| u8::try_from(id).ok())
                .map(Proto)
                .ok_or_else(wrong),
            _ => Err(wrong()),
        }
    }

    fn spell(&self) -> String {
        PROTOS.name(self.0.into())
    }

    fn of_word(word: &str) -> Value {
        number_or_text(word)
    }
}

/// A port, or a range of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    start: u16,
    end: u16,
}

impl Typed for Ports {
    const WANTS: &'static str = "a port, or ports such as \"1000-2000\"";

    fn read(value: &Value) -> Result<Self, String> {
        let (start, end) = match value {
            Value::Int(_) => {
                let port = u16::read(value)?;
                (Ok(port), Ok(port))
            }
            Value::Str(text) => {
                let (start, end) = text.split_once('-').unwrap_or((text, text));
                (start.parse(), end.parse())
            }
            other => return Err(not_wanted::<Self>(other)),
        };
        match (start, end) {
            (Ok(start), Ok(end)) if 0 < start && start <= end => Ok(Ports { start, end }),
            _ => Err(not_wanted::<Self>(value)),
        }
    }

    fn spell(&self) -> String {
        if self.start == self.end {
            self.start.to_string()
        } else {
            format!("{}-{}", self.start, self.end)
        }
    }

    fn of_word(word: &str) -> Value {
        number_or_text(word)
    }
}

impl From<Ports> for RulePortRange {
    fn from(Ports { start, end }: Ports) -> RulePortRange {
        RulePortRange { start, end }
    }
}

/// What happens to the packets of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A table is asked.
    Lookup,
    /// They vanish.
    Blackhole,
    /// They are answered: unreachable.
    Unreachable,
    /// They are answered: prohibited.
    Prohibit,
    /// The next rule is asked.
    Nop,
}

const ACTIONS: [(&str, Action, RuleAction); 5] = [
    ("lookup", Action::Lookup, RuleAction::ToTable),
    ("blackhole", Action::Blackhole, RuleAction::Blackhole),
    ("unreachable", Action::Unreachable, RuleAction::Unreachable),
    ("prohibit", Action::Prohibit, RuleAction::Prohibit),
    ("nop", Action::Nop, RuleAction::Nop),
];

impl Typed for Action {
    const WANTS: &'static str = "lookup, blackhole, unreachable, prohibit or nop";

    fn read(value: &Value) -> Result<Self, String> {
        let found = ACTIONS
            .iter()
            .find(|(name, ..)| matches!(value, Value::Str(text) if text == name));
        found
            .map(|(_, action, _)| *action)
            .ok_or_else(|| not_wanted::<Self>(value))
    }

    fn spell(&self) -> String {
        let found = ACTIONS.iter().find(|(_, action, _)| action == self);
        found.map_or_else(String::new, |(name, ..)| (*name).to_string())
    }

    /// `ip` looks up in the table that `table` names without being told so.
    fn words(&self, _: &str) -> Vec<String> {
        match self {
            Action::Lookup => Vec::new(),
            _ => vec![self.spell()],
        }
    }

    fn of_words(key: &str, words: &mut Words) -> Heard<Option<Value>> {
        if words.take(key) {
            return words.value(key).map(|word| Some(Self::of_word(word)));
        }
        let is_one = |word: &&str| ACTIONS[1..].iter().any(|(name, ..)| name == word);
        Ok(match words.peek().filter(is_one) {
            Some(_) => words.next().map(Self::of_word),
            None => None,
        })
    }
}

/// The network that a prefix names, if it is not every one.
fn network(prefix: Option<&Prefix>) -> Option<IpNet> {
    match prefix {
        Some(Prefix::Net(net)) => Some(*net),
        _ => None,
    }
}

/// The family of what is given; an error where that is two.
fn family(given: Option<Family>, from: Option<&Prefix>, to: Option<&Prefix>) -> Result<Family> {
    let mut family = given;
    for (key, prefix) in [("from", from), ("to", to)] {
        let of_address = network(prefix).map(|net| Family::of(&net.addr()));
        match (family, of_address) {
            (Some(known), Some(other)) if known != other => {
                let message = format!("`{key}` is of family {}, the rest of {}", other.spell(), known.spell());
                return Err(Problem::argument(message).at(Part::Key(key.into())));
            }
            _ => family = family.or(of_address),
        }
    }
    Ok(family.unwrap_or(Family::Inet))
}

impl Rule {
    pub(super) fn family(&self) -> Family {
        family(self.family, self.from.as_ref(), self.to.as_ref()).unwrap_or(Family::Inet)
    }

    /// Refuses what could only fail, or what would not mean what it says.
    pub(super) fn check(&self) -> Result<()> {
        family(self.family, self.from.as_ref(), self.to.as_ref())?;
        if self.goto.is_some() && self.kind.is_some() {
            return Err(
                Problem::argument("`goto` says what happens; `type` cannot stand beside it")
                    .at(Part::Key("type".into())),
            );
        }
        if self.table == Some(Table::All) {
            return Err(Problem::argument("`table` wants one table").at(Part::Key("table".into())));
        }
        Ok(())
    }

    /// The words after the verb. `ip` has no word for the family there.
    pub(super) fn words(&self) -> Vec<String> {
        let rule = Rule {
            family: None,
            ..self.clone()
        };
        crate::ops::Options::words(&rule)
    }

    /// Gives the rule this protocol number, unless it has another.
    pub fn mark(&mut self, protocol: u8) {
        self.protocol.get_or_insert(MadeBy(protocol));
    }

    pub(super) fn message(&self, is_new: bool) -> RuleMessage {
        let mut message = RuleMessage::default();
        let header = &mut message.header;
        header.family = self.family().netlink();
        header.tos = self.tos.map_or(0, |tos| tos.0);
        if self.not == Some(Flag(true)) {
            header.flags |= RuleFlags::Invert;
        }
        let action = self
            .kind
            .and_then(|kind| ACTIONS.iter().find(|(_, action, _)| *action == kind))
            .map(|(_, _, action)| *action)
            .or(self.goto.map(|_| RuleAction::Goto));
        header.action = action.unwrap_or(if is_new {
            RuleAction::ToTable
        } else {
            RuleAction::Unspec
        });
        let attributes = &mut message.attributes;
        if let Some(net) = network(self.from.as_ref()) {
            header.src_len = net.prefix_len();
            attributes.push(RuleAttribute::Source(net.addr()));
        }
        if let Some(net) = network(self.to.as_ref()) {
            header.dst_len = net.prefix_len();
            attributes.push(RuleAttribute::Destination(net.addr()));
        }
        let looks_up = header.action == RuleAction::ToTable;
        match self.table.or((is_new && looks_up).then_some(Table::MAIN)) {
            Some(Table::Id(id)) if id > 255 => attributes.push(RuleAttribute::Table(id)),
            Some(Table::Id(id)) => header.table = id as u8,
            Some(Table::All) | None => {}
        }
        attributes.extend(self.iif.as_ref().map(|dev| RuleAttribute::Iifname(dev.to_string())));
        attributes.extend(self.oif.as_ref().map(|dev| RuleAttribute::Oifname(dev.to_string())));
        if let Some(mark) = self.fwmark {
            attributes.push(RuleAttribute::FwMark(mark.mark));
            attributes.extend(mark.mask.map(RuleAttribute::FwMask));
        }
        attributes.extend(
            self.ipproto
                .map(|proto| RuleAttribute::IpProtocol(IpProtocol::from(proto.0))),
        );
        attributes.extend(self.sport.map(|ports| RuleAttribute::SourcePortRange(ports.into())));
        attributes.extend(
            self.dport
                .map(|ports| RuleAttribute::DestinationPortRange(ports.into())),
        );
        attributes.extend(self.priority.map(RuleAttribute::Priority));
        attributes.extend(self.suppress_prefixlength.map(RuleAttribute::SuppressPrefixLen));
        attributes.extend(self.goto.map(RuleAttribute::Goto));
        attributes.extend(self.protocol.map(|by| RuleAttribute::Protocol(by.0.into())));
        message
    }
}

impl Among {
    pub(super) fn family(&self) -> Family {
        family(self.family, self.from.as_ref(), self.to.as_ref()).unwrap_or(Family::Inet)
    }

    pub(super) fn check(&self) -> Result<()> {
        family(self.family, self.from.as_ref(), self.to.as_ref()).map(|_| ())
    }

    pub(super) fn words(&self) -> Vec<String> {
        let among = Among {
            family: None,
            ..self.clone()
        };
        crate::ops::Options::words(&among)
    }

    /// Whether a rule of this family is meant.
    pub(super) fn fits(&self, rule: &RuleMessage) -> bool {
        let find = |wanted: &dyn Fn(&RuleAttribute) -> bool| rule.attributes.iter().any(wanted);
        let within = |wanted: Option<IpNet>, length: u8, address: Option<IpAddr>| {
            wanted.is_none_or(|net| net.prefix_len() <= length && address.is_some_and(|a| net.contains(&a)))
        };
        let source = rule.attributes.iter().find_map(|attribute| match attribute {
            RuleAttribute::Source(address) => Some(*address),
            _ => None,
        });
        let destination = rule.attributes.iter().find_map(|attribute| match attribute {
            RuleAttribute::Destination(address) => Some(*address),
            _ => None,
        });
        let device = |wanted: &Option<IfName>, of: fn(String) -> RuleAttribute| {
            wanted
                .as_ref()
                .is_none_or(|dev| rule.attributes.contains(&of(dev.to_string())))
        };
        within(network(self.from.as_ref()), rule.header.src_len, source)
            && within(network(self.to.as_ref()), rule.header.dst_len, destination)
            && device(&self.iif, RuleAttribute::Iifname)
            && device(&self.oif, RuleAttribute::Oifname)
            && self.priority.is_none_or(|wanted| match wanted {
                0 => !has_priority(rule),
                _ => find(&|attribute| *attribute == RuleAttribute::Priority(wanted)),
            })
            && self.table.is_none_or(|wanted| match wanted {
                Table::All => true,
                Table::Id(id) => table(rule) == id,
            })
    }
}

/// Whether a rule has a priority: all have but the one of priority 0.
pub(super) fn has_priority(rule: &RuleMessage) -> bool {
    rule.attributes
        .iter()
        .any(|attribute| matches!(attribute, RuleAttribute::Priority(_)))
}

/// The number of the table that a rule asks; 0 for none.
pub(super) fn table(rule: &RuleMessage) -> u32 {
    let attribute = rule.attributes.iter().find_map(|attribute| match attribute {
        RuleAttribute::Table(table) => Some(*table),
        _ => None,
    });
    attribute.unwrap_or_else(|| rule.header.table.into())
}
