//! `type veth`: a pair, what enters one end leaves the other.

use netlink_packet_route::link::{InfoData, InfoKind, InfoVeth, LinkAttribute, LinkMessage};

use super::super::{Queues, named};
use super::{About, At, Device};
use crate::error::Result;
use crate::netns::NsName;
use crate::ops::command::{Draft, Grammar};
use crate::ops::value::{Mistaken, Value, not_wanted};
use crate::ops::{Args, Heard, IfName, Mac, Options, Typed, Words};
use crate::options;

options! {
    /// The keys of a veth pair.
    pub struct Veth {
        /// the other end: its name, or #{ name, netns, address, mtu, numtxqueues, numrxqueues }
        peer: Peer,
    }
}

impl Device for Veth {
    const ABOUT: About = About {
        name: "veth",
        config: "CONFIG_VETH",
        module: "veth",
        kind: || InfoKind::Veth,
    };

    /// Where no number is given the kernel makes a queue for each processor and takes all but one away again, which
    /// waits for all processors, at both ends.
    fn completed(&self, queues: &Queues) -> Queues {
        queues.or_one()
    }

    fn peer(&self) -> Option<(&IfName, Option<&NsName>)> {
        let peer = self.peer.as_ref()?;
        Some((peer.name.as_ref()?, peer.netns.as_ref()))
    }

    fn data(&self, at: &At) -> Result<Option<InfoData>> {
        let peer = self.peer.clone().unwrap_or_default();
        Ok(Some(InfoData::Veth(InfoVeth::Peer(peer.message(at)?))))
    }
}

options! {
    /// The other end of a veth pair.
    pub struct Peer {
        /// its name
        name: IfName,
        /// the namespace it is born in; where the near end is, if not given
        netns: NsName,
        /// its link-layer address
        address: Mac,
        /// its largest packet, in bytes
        mtu: u32,
        /// in how many queues it sends; 1 if not given
        numtxqueues: u32,
        /// in how many queues it receives; 1 if not given
        numrxqueues: u32,
    }
}

impl Typed for Peer {
    const WANTS: &'static str = "the peer's name, or a map such as #{ name: \"eth0\", netns: ns0 }";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Str(_) => Ok(Peer {
                name: Some(IfName::read(value)?),
                ..Peer::default()
            }),
            Value::Map(map) => {
                let mut args = Args::new(Vec::new(), map.clone());
                let read = Peer::take(&mut args).and_then(|peer| args.finish(Peer::KEYS).map(|()| peer));
                match read {
                    Ok(peer) if peer.name.is_none() => Err("has no `name`".into()),
                    Ok(peer) => Ok(peer),
                    Err(problem) if problem.help.is_empty() => Err(format!("has a wrong key: {problem}")),
                    Err(problem) => Err(format!("has a wrong key: {problem}; {}", problem.help)),
                }
            }
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn mistaken(value: &Value) -> Option<Mistaken> {
        match value {
            Value::Map(map) => map.get("name").and_then(IfName::mistaken),
            name => IfName::mistaken(name),
        }
    }

    fn spell(&self) -> String {
        Options::words(self).join(" ")
    }

    fn words(&self, key: &str) -> Vec<String> {
        let mut words = vec![key.to_string()];
        words.extend(Options::words(self));
        words
    }

    /// What stands behind `peer` is of the peer, to the end.
    fn of_words(key: &str, words: &mut Words) -> Heard<Option<Value>> {
        if !words.take(key) {
            return Ok(None);
        }
        let mut peer = Draft::new("link", "peer");
        let grammar = Grammar {
            keys: &[Peer::KEYS],
            ..Grammar::default()
        };
        while let Some(word) = words.peek() {
            if peer.take_option(words, &grammar)? {
                continue;
            }
            if peer.call.option("name").is_some() {
                return Err(words
                    .misread(format!("a veth's peer has nothing for `{word}`"))
                    .help("what stands behind `peer` is of the peer; the near end's own stands before `type`"));
            }
            words.next();
            peer.option("name", Value::Str(word.into()), words.last())?;
        }
        let mut options = peer.call.options;
        Ok(Some(match options.as_mut_slice() {
            [(name, value)] if name == "name" => std::mem::replace(value, Value::Unit),
            _ => Value::Map(options.into_iter().collect()),
        }))
    }
}

impl Peer {
    fn message(&self, at: &At) -> Result<LinkMessage> {
        let mut message = self.name.as_ref().map(named).unwrap_or_default();
        if let Some(netns) = &self.netns {
            message.attributes.push(at.open("peer", netns)?);
        }
        message
            .attributes
            .extend(self.address.map(|mac| LinkAttribute::Address(mac.0.to_vec())));
        message.attributes.extend(self.mtu.map(LinkAttribute::Mtu));
        let queues = Queues {
            numtxqueues: self.numtxqueues,
            numrxqueues: self.numrxqueues,
        };
        message.attributes.extend(queues.or_one().attributes());
        Ok(message)
    }
}
