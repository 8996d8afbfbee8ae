//! nf_tables: tables, chains and rules as messages, transactions, and reading them back.
//!
//! What a rule means is not known here, only what it is made of ([`Expression`]).

pub mod attribute;
mod expression;
mod read;

use netlink_packet_core::{NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage};
use netlink_packet_netfilter::nftables::NfTablesMessage;
use netlink_packet_netfilter::none::ControlMessage;
use netlink_packet_netfilter::{NetfilterHeader, NetfilterMessage, NetfilterProtoFamily};
use nix::errno::Errno;

use super::{Refusal, Socket, Space};
use crate::error::{Kind, Problem, Result};
use attribute::{Attributes, find, walk};

pub use expression::{CT_STATE, Expression, Header, NatKind, Register, Relation, meta};
pub use read::{ChainState, Counted, Dropping, Element, RuleState, chain, dropping, elements, rules, table};

/// The kernel's number of the nf_tables subsystem.
const SUBSYSTEM: u16 = 10;

const NEW_TABLE: u8 = 0;
const GET_TABLE: u8 = 1;
const DELETE_TABLE: u8 = 2;
const NEW_CHAIN: u8 = 3;
const GET_CHAIN: u8 = 4;
const NEW_RULE: u8 = 6;
const GET_RULE: u8 = 7;
const DELETE_RULE: u8 = 8;
const NEW_SET: u8 = 9;
const NEW_ELEMENTS: u8 = 12;
const GET_ELEMENTS: u8 = 13;
const GET_GENERATION: u8 = 16;

/// What a packet passes and where: the hooks of family `inet`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// On the way in, before it is known whether it is for this machine.
    Prerouting = 0,
    /// To this machine.
    Input = 1,
    /// Through this machine.
    Forward = 2,
    /// From this machine.
    Output = 3,
    /// On the way out.
    Postrouting = 4,
}

/// A base chain: where it hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Its table, of family `inet`.
    pub table: &'static str,
    /// Its name.
    pub name: &'static str,
    /// `filter` or `nat`.
    pub kind: &'static str,
    /// Where packets enter it.
    pub hook: Hook,
    /// Its place among other chains of that hook.
    pub priority: i32,
}

/// What happens to a packet at a chain's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// It is dropped.
    Drop = 0,
    /// It goes on.
    Accept = 1,
}

/// A set without a name, that belongs to one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Set {
    /// The number by which a lookup in the same transaction calls it.
    pub id: u32,
    /// The number that `nft` has for the type of its values, so that it can list them.
    pub key_type: u32,
    /// The bytes of a value.
    pub key_length: u32,
    /// Whether there are ranges among its elements.
    pub ranges: bool,
    /// Its elements; those of a set with ranges come as beginnings and (exclusive) ends.
    pub elements: Vec<Element>,
}

/// The name under which a set is made: the kernel numbers it.
pub const SET_NAME: &str = "__set%d";

const ANONYMOUS: u32 = 1;
const CONSTANT: u32 = 2;
const INTERVAL: u32 = 4;

/// Changes that are carried out together or not at all.
#[derive(Clone, Debug, Default)]
pub struct Batch(Vec<Message>);

#[derive(Clone, Debug)]
struct Message {
    kind: u8,
    flags: u16,
    attributes: Attributes,
}

impl Batch {
    fn push(&mut self, kind: u8, flags: u16, attributes: Attributes) {
        self.0.push(Message {
            kind,
            flags,
            attributes,
        });
    }

    /// Makes the table, if it is not there.
    ///
    /// Equivalent: `nft add table inet NAME { comment "…" ; }`.
    pub fn table(&mut self, name: &str, comment: Option<&str>) {
        let mut attributes = Attributes::default().text(1, name).number(2, 0);
        if let Some(comment) = comment {
            attributes = attributes.bytes(6, &read::write_comment(comment));
        }
        self.push(NEW_TABLE, NLM_F_CREATE, attributes);
    }

    /// Removes a table with all that is in it.
    ///
    /// Equivalent: `nft delete table inet NAME`.
    pub fn delete_table(&mut self, name: &str) {
        self.push(DELETE_TABLE, 0, Attributes::default().text(1, name));
    }

    /// Makes the chain; its packets that meet no verdict are counted. One that is there already gets a fresh
    /// counter, so ask [`chain`] first.
    ///
    /// Equivalent: `nft add chain inet TABLE NAME { type … hook … priority … ; }`.
    pub fn chain(&mut self, chain: &Chain) {
        let counter = Attributes::default().long(1, 0).long(2, 0);
        self.push(NEW_CHAIN, NLM_F_CREATE, chain.attributes().nest(8, counter));
    }

    /// Sets the policy of a chain that is there or made in this batch.
    ///
    /// Equivalent: `nft chain inet TABLE NAME { policy POLICY ; }`.
    pub fn policy(&mut self, chain: &Chain, policy: Policy) {
        self.push(NEW_CHAIN, NLM_F_CREATE, chain.attributes().number(5, policy as u32));
    }

    /// Makes a rule's set. It stands before the rule.
    pub fn set(&mut self, table: &str, set: &Set) {
        let flags = ANONYMOUS | CONSTANT | if set.ranges { INTERVAL } else { 0 };
        let size = Attributes::default().number(1, set.elements.len() as u32);
        let attributes = Attributes::default()
            .text(1, table)
            .text(2, SET_NAME)
            .number(3, flags)
            .number(4, set.key_type)
            .number(5, set.key_length)
            .nest(9, size)
            .number(10, set.id);
        self.push(NEW_SET, NLM_F_CREATE, attributes);
        let elements = set
            .elements
            .iter()
            .fold(Attributes::default(), |list, element| list.nest(1, element.write()));
        let attributes = Attributes::default()
            .text(1, table)
            .text(2, SET_NAME)
            .number(4, set.id)
            .nest(3, elements);
        self.push(NEW_ELEMENTS, NLM_F_CREATE, attributes);
    }

    /// Adds a rule at the chain's end, or before the rule with the handle `before`.
    ///
    /// Equivalent: `nft add rule inet TABLE CHAIN …`, `nft insert rule inet TABLE CHAIN position HANDLE …`.
    pub fn rule(&mut self, chain: &Chain, expressions: &[Expression], comment: Option<&str>, before: Option<u64>) {
        let list = expressions
            .iter()
            .fold(Attributes::default(), |list, e| list.nest(1, e.write()));
        let mut attributes = Attributes::default()
            .text(1, chain.table)
            .text(2, chain.name)
            .nest(4, list);
        if let Some(comment) = comment {
            attributes = attributes.bytes(7, &read::write_comment(comment));
        }
        match before {
            Some(handle) => self.push(NEW_RULE, NLM_F_CREATE, attributes.long(6, handle)),
            None => self.push(NEW_RULE, NLM_F_CREATE | NLM_F_APPEND, attributes),
        }
    }

    /// Removes the rule with this handle.
    ///
    /// Equivalent: `nft delete rule inet TABLE CHAIN handle N`.
    pub fn delete_rule(&mut self, chain: &Chain, handle: u64) {
        let attributes = Attributes::default()
            .text(1, chain.table)
            .text(2, chain.name)
            .long(3, handle);
        self.push(DELETE_RULE, 0, attributes);
    }

    /// Removes every rule of a table; its chains and their policies stay.
    ///
    /// Equivalent: `nft flush table inet TABLE`.
    pub fn flush(&mut self, table: &str) {
        self.push(DELETE_RULE, 0, Attributes::default().text(1, table));
    }

    /// Carries the batch out in a namespace.
    pub fn commit(&self, space: &Space) -> Result<(), Refusal> {
        let socket = socket(space).map_err(Refusal::whole)?;
        available(space).map_err(Refusal::whole)?;
        let changes = self.0.iter().map(|change| {
            let message = message(change.kind, change.attributes.clone());
            framed(message, NLM_F_REQUEST | NLM_F_ACK | change.flags)
        });
        let bound = |control| {
            let header = NetfilterHeader::new(NetfilterProtoFamily::Unspec, 0, SUBSYSTEM);
            framed(NetfilterMessage::new(header, control), NLM_F_REQUEST)
        };
        let (begin, end) = (bound(ControlMessage::BatchBegin), bound(ControlMessage::BatchEnd));
        socket.transact(begin, changes.collect(), end)
    }

    /// The index of the expression, in the rule that `refusal` is about, that the kernel points at.
    pub fn refused_expression(&self, refusal: &Refusal) -> Option<usize> {
        const HEADERS: usize = 16 + 4;
        let change = self.0.get(refusal.index?).filter(|change| change.kind == NEW_RULE)?;
        let list = find(change.attributes.as_bytes(), 4)?;
        let offset = refusal.offset?.checked_sub(HEADERS + list.start + 4)?;
        walk(list.value).position(|e| (e.start..e.start + 4 + e.value.len()).contains(&offset))
    }

    /// Whether the change that `refusal` is about is the making of a chain or its table.
    pub fn refused_place(&self, refusal: &Refusal) -> bool {
        let change = refusal.index.and_then(|index| self.0.get(index));
        change.is_some_and(|change| matches!(change.kind, NEW_TABLE | NEW_CHAIN))
    }
}

impl Chain {
    fn attributes(&self) -> Attributes {
        let hook = Attributes::default()
            .number(1, self.hook as u32)
            .number(2, self.priority as u32);
        Attributes::default()
            .text(1, self.table)
            .text(3, self.name)
            .nest(4, hook)
            .text(7, self.kind)
    }
}

/// Asks for the ruleset's generation. A batch that may not be made at all is refused as a whole, in a way that
/// answers none of its changes; this question gets the answer.
fn available(space: &Space) -> Result<()> {
    let question = message(GET_GENERATION, Attributes::default());
    socket(space)?.ask(question).map(|_| ()).map_err(missing)
}

/// The namespace's nfnetlink socket.
fn socket(space: &Space) -> Result<&Socket<NetfilterMessage>> {
    space.netfilter().map_err(missing)
}

/// A kernel without nf_tables refuses all of it with EINVAL; one without nfnetlink has no such socket.
fn missing(problem: Box<Problem>) -> Box<Problem> {
    if !matches!(problem.errno, Some(Errno::EINVAL | Errno::EPROTONOSUPPORT)) {
        return problem;
    }
    let mut missing = Problem::new(Kind::Missing, "this kernel has no nf_tables");
    missing.errno = problem.errno;
    missing.kernel = problem.kernel;
    missing.help("it needs CONFIG_NF_TABLES and CONFIG_NF_TABLES_INET (modprobe nf_tables)")
}

fn message(message_type: u8, attributes: Attributes) -> NetfilterMessage {
    let header = NetfilterHeader::new(NetfilterProtoFamily::Inet, 0, 0);
    NetfilterMessage::new(
        header,
        NfTablesMessage::Other {
            message_type,
            attributes: attributes.into_nlas(),
        },
    )
}

fn framed(message: NetfilterMessage, flags: u16) -> NetlinkMessage<NetfilterMessage> {
    let mut header = NetlinkHeader::default();
    header.flags = flags;
    NetlinkMessage::new(header, message.into())
}
