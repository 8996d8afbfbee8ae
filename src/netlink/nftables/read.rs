//! What the kernel has: chains, rules, the elements of their sets.

use netlink_packet_core::Emitable;
use netlink_packet_netfilter::{NetfilterMessage, NetfilterProtoFamily};
use nix::errno::Errno;

use super::attribute::{Attribute, Attributes, find, walk};
use super::{Chain, Expression, GET_CHAIN, GET_ELEMENTS, GET_RULE, GET_TABLE, Hook, Policy, message, missing, socket};
use crate::error::Result;
use crate::netlink::Space;

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Packets.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A chain as the kernel has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainState {
    /// What happens at its end.
    pub policy: Policy,
    /// To how many packets that happened, if it is counted.
    pub counted: Option<Counted>,
}

/// A rule as the kernel has it.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleState {
    /// Its chain.
    pub chain: String,
    /// Its number within its table.
    pub handle: u64,
    /// What it is made of.
    pub expressions: Vec<Expression>,
    /// Its comment.
    pub comment: Option<String>,
}

/// An element of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// Its value.
    pub key: Vec<u8>,
    /// Whether it is where a range ended, and not of it any more.
    pub end: bool,
}

impl Element {
    pub(super) fn write(&self) -> Attributes {
        let element = Attributes::default().nest(1, Attributes::default().bytes(1, &self.key));
        if self.end { element.number(3, 1) } else { element }
    }

    fn read(attribute: Attribute<'_>) -> Option<Element> {
        let key = find(find(attribute.value, 1)?.value, 1)?.value.to_vec();
        let end = find(attribute.value, 3).is_some_and(|flags| flags.number() & 1 == 1);
        Some(Element { key, end })
    }
}

/// The comment of a table; nothing if it is not there.
///
/// Equivalent: `nft list table inet NAME`.
pub fn table(space: &Space, name: &str) -> Result<Option<Option<String>>> {
    let question = message(GET_TABLE, Attributes::default().text(1, name));
    let comment = |answer: &NetfilterMessage| find(&bytes(answer), 6).and_then(|data| read_comment(data.value));
    match socket(space)?.ask(question) {
        Ok(answers) => Ok(answers.first().map(comment)),
        Err(problem) if problem.errno == Some(Errno::ENOENT) => Ok(None),
        Err(problem) => Err(missing(problem)),
    }
}

/// A chain, of any table and family, that drops what nothing in it accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropping {
    /// Its table's family, as `nft` has it: `ip`, `ip6`, `inet`, `bridge`.
    pub family: &'static str,
    /// Its table.
    pub table: String,
    /// Its name.
    pub chain: String,
}

/// The chains whose policy is to drop what passes a hook.
///
/// Equivalent: `nft list chains`.
pub fn dropping(space: &Space, hook: Hook) -> Result<Vec<Dropping>> {
    let mut question = message(GET_CHAIN, Attributes::default());
    question.header.family = NetfilterProtoFamily::Unspec;
    let answers = socket(space)?.dump(question).map_err(missing)?;
    let drops = |answer: &NetfilterMessage| {
        let bytes = bytes(answer);
        let number = find(find(&bytes, 4)?.value, 1)?.number();
        let is_dropping = number == hook as u32 && find(&bytes, 5)?.number() == Policy::Drop as u32;
        if !is_dropping {
            return None;
        }
        let family = match answer.header.family {
            NetfilterProtoFamily::IPv4 => "ip",
            NetfilterProtoFamily::IPv6 => "ip6",
            NetfilterProtoFamily::Inet => "inet",
            NetfilterProtoFamily::Bridge => "bridge",
            // Of another family the hook's number means something else.
            _ => return None,
        };
        Some(Dropping {
            family,
            table: find(&bytes, 1)?.text(),
            chain: find(&bytes, 3)?.text(),
        })
    };
    Ok(answers.iter().filter_map(drops).collect())
}

/// The state of a chain; nothing if it is not there.
///
/// Equivalent: `nft list chain inet TABLE NAME`.
pub fn chain(space: &Space, chain: &Chain) -> Result<Option<ChainState>> {
    let question = message(
        GET_CHAIN,
        Attributes::default().text(1, chain.table).text(3, chain.name),
    );
    match socket(space)?.ask(question) {
        Ok(answers) => Ok(answers.first().map(|answer| read_chain(&bytes(answer)))),
        Err(problem) if problem.errno == Some(Errno::ENOENT) => Ok(None),
        Err(problem) => Err(missing(problem)),
    }
}

fn read_chain(bytes: &[u8]) -> ChainState {
    let policy = match find(bytes, 5).map(|a| a.number()) {
        Some(0) => Policy::Drop,
        _ => Policy::Accept,
    };
    let counted = find(bytes, 8).and_then(|counter| {
        let count = |kind| find(counter.value, kind).map(|a| a.long());
        Some(Counted {
            bytes: count(1)?,
            packets: count(2)?,
        })
    });
    ChainState { policy, counted }
}

/// The rules of a table, chain by chain in their order; none if it is not there.
///
/// Equivalent: `nft -a list table inet TABLE`.
pub fn rules(space: &Space, table: &str) -> Result<Vec<RuleState>> {
    let question = message(GET_RULE, Attributes::default().text(1, table));
    let answers = socket(space)?.dump(question).map_err(missing)?;
    // Older kernels answer with the rules of every table.
    let ours = |bytes: &Vec<u8>| find(bytes, 1).is_some_and(|name| name.text() == table);
    Ok(answers
        .iter()
        .map(bytes)
        .filter(ours)
        .filter_map(|bytes| read_rule(&bytes))
        .collect())
}

fn read_rule(bytes: &[u8]) -> Option<RuleState> {
    let expressions = find(bytes, 4).map_or(&[][..], |list| list.value);
    Some(RuleState {
        chain: find(bytes, 2)?.text(),
        handle: find(bytes, 3)?.long(),
        expressions: walk(expressions).map(|e| Expression::read(e.value)).collect(),
        comment: find(bytes, 7).and_then(|data| read_comment(data.value)),
    })
}

/// The elements of a set, sorted. Nothing if it is gone meanwhile.
pub fn elements(space: &Space, table: &str, set: &str) -> Result<Option<Vec<Element>>> {
    let question = message(GET_ELEMENTS, Attributes::default().text(1, table).text(2, set));
    match socket(space)?.dump(question) {
        Ok(answers) => {
            let answers: Vec<Vec<u8>> = answers.iter().map(bytes).collect();
            let lists = answers.iter().filter_map(|bytes| find(bytes, 3));
            let mut elements: Vec<Element> = lists.flat_map(|l| walk(l.value)).filter_map(Element::read).collect();
            // Where one range ends and the next begins at once, the end comes first.
            elements.sort_by(|a, b| (&a.key, !a.end).cmp(&(&b.key, !b.end)));
            Ok(Some(elements))
        }
        Err(problem) if problem.errno == Some(Errno::ENOENT) => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// The attributes of a message. The crate knows some of them by type and others not; here they are read alike.
fn bytes(message: &NetfilterMessage) -> Vec<u8> {
    let mut bytes = vec![0; message.inner.buffer_len()];
    message.inner.emit(&mut bytes);
    bytes
}

/// A rule's user data, as `nft` writes it: type, length, text with its zero.
const COMMENT: u8 = 0;

pub(super) fn write_comment(comment: &str) -> Vec<u8> {
    let mut data = vec![COMMENT, comment.len() as u8 + 1];
    data.extend(comment.as_bytes());
    data.push(0);
    data
}

fn read_comment(mut data: &[u8]) -> Option<String> {
    while let [kind, length, rest @ ..] = data {
        let value = rest.get(..*length as usize)?;
        if *kind == COMMENT {
            let text = value.split(|b| *b == 0).next()?;
            return Some(String::from_utf8_lossy(text).into_owned());
        }
        data = &rest[*length as usize..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_read_as_it_was_written() {
        let expressions = vec![
            Expression::Counter { packets: 1, bytes: 84 },
            Expression::Verdict { code: 0 },
        ];
        let list = expressions
            .iter()
            .fold(Attributes::default(), |list, e| list.nest(1, e.write()));
        let comment = write_comment("no ssh");
        let message = Attributes::default()
            .text(1, "t")
            .text(2, "input")
            .long(3, 7)
            .nest(4, list)
            .bytes(7, &comment);
        let rule = read_rule(message.as_bytes()).unwrap();
        let comment = Some("no ssh".to_string());
        assert_eq!(
            rule,
            RuleState {
                chain: "input".into(),
                handle: 7,
                expressions,
                comment
            }
        );
        for cut in 0..message.as_bytes().len() {
            read_rule(&message.as_bytes()[..cut]);
        }
        assert_eq!(read_comment(&[9, 1, 0, 0, 2, b'x', 0]), Some("x".into()));
        assert_eq!(read_comment(&[0, 200, b'x']), None);
    }

    #[test]
    fn a_chain_without_counter_has_none() {
        let counter = Attributes::default().long(1, 252).long(2, 3);
        let message = Attributes::default().number(5, 0).nest(8, counter);
        let counted = Some(Counted { packets: 3, bytes: 252 });
        assert_eq!(
            read_chain(message.as_bytes()),
            ChainState {
                policy: Policy::Drop,
                counted
            }
        );
        assert_eq!(
            read_chain(&[]),
            ChainState {
                policy: Policy::Accept,
                counted: None
            }
        );
    }

    #[test]
    fn an_element_is_read_as_it_was_written() {
        let element = Element {
            key: vec![0, 80],
            end: true,
        };
        let list = Attributes::default().nest(1, element.write());
        assert_eq!(Element::read(find(list.as_bytes(), 1).unwrap()), Some(element));
    }
}
