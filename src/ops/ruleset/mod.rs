//! What `nat` and `filter` share: the keys by which a rule picks packets, what it does with them, how it becomes
//! nf_tables expressions, is read back from them, and is spelled.
//!
//! The noun `filter` has the table `nsx_filter` of family `inet`, the noun `nat` has `nsx_nat`: as with iptables'
//! tables, both have a chain `output` and a chain `input`.

mod again;
mod build;
mod command;
mod fact;
mod given;
mod kernel;
mod place;
mod read;
mod state;
mod text;
mod transport;

use serde::{Deserialize, Serialize};

use crate::error::{Part, Problem, Result};
use crate::netlink::nftables::{Chain, Hook};
use crate::ops::Typed;
use crate::options;

pub use again::{Again, lost};
pub use command::{Doing, Said, Told, iptables as read_iptables, nft as read_nft};
pub use fact::RuleFact;
pub use kernel::{carry_out, delete, facts, find, flush, of_chain, policy, set_policy, show};
pub use place::{Addresses, Device, Family, Target};
pub use state::{Comment, Log, States};
pub use text::{END, How, command as spell, nft, nft_remove, prepare, shell};
pub use transport::{IcmpType, Ports, Protocol};

use given::{Given, travels_as_given};

options! {
    /// Which packets a rule is for, and what it notes about them. A packet must meet all that is given.
    pub struct Matches {
        /// The device a packet came in on; of a bridged one, the bridge.
        iif: Device,
        /// The device it goes out on.
        oif: Device,
        /// Its source address.
        saddr: Addresses,
        /// Its destination address.
        daddr: Addresses,
        /// Its transport protocol.
        proto: Protocol,
        /// Its source port; wants `proto`.
        sport: Ports,
        /// Its destination port; wants `proto`.
        dport: Ports,
        /// The kind of ICMP message it is.
        icmp_type: IcmpType,
        /// The state of its connection.
        ct: States,
        /// Its mark.
        mark: u32,
        /// Writes it to the kernel's log.
        log: Log,
        /// Words about the rule.
        comment: Comment,
    }
}

/// What a rule does with a packet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// In a word.
    pub verdict: Verdict,
    /// Where NAT turns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<To>,
}

/// What a rule does, in a word, as `nft` spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The packet goes on.
    Accept,
    /// It is gone without a word.
    Drop,
    /// It is refused: its sender gets an ICMP error.
    Reject,
    /// Its source becomes the address of the device it goes out on.
    Masquerade,
    /// Its source becomes another address.
    Snat,
    /// Its destination becomes another address.
    Dnat,
    /// Its destination becomes this machine.
    Redirect,
}

impl Verdict {
    /// What a rule does that only has a verdict.
    pub fn action(self) -> Action {
        Action {
            verdict: self,
            to: None,
        }
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Accept => "accept",
            Verdict::Drop => "drop",
            Verdict::Reject => "reject",
            Verdict::Masquerade => "masquerade",
            Verdict::Snat => "snat",
            Verdict::Dnat => "dnat",
            Verdict::Redirect => "redirect",
        }
    }
}

/// Where NAT turns a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Given", into = "Given")]
pub enum To {
    /// A port of this machine.
    Port(u16),
    /// An address, perhaps with a port.
    Target(Target),
}

impl To {
    fn given(self) -> Given {
        match self {
            To::Port(port) => port.into(),
            To::Target(target) => target.spell().into(),
        }
    }

    fn port(self) -> Option<u16> {
        match self {
            To::Port(port) => Some(port),
            To::Target(target) => target.port,
        }
    }
}

impl Typed for To {
    const WANTS: &'static str = "a port, or an address such as \"10.1.1.10\" or \"10.1.1.10:80\"";

    fn read(value: &crate::ops::Value) -> Result<Self, String> {
        match value {
            crate::ops::Value::Int(_) => u16::read(value).map(To::Port),
            other => Target::read(other).map(To::Target),
        }
    }

    fn spell(&self) -> String {
        match self {
            To::Port(port) => port.to_string(),
            To::Target(target) => target.spell(),
        }
    }
}

travels_as_given!(To);

/// A rule: which packets, and what happens to them.
#[derive(Clone, Copy, Debug)]
pub struct Rule<'a> {
    /// Its chain.
    pub chain: &'a Chain,
    /// Which packets.
    pub matches: &'a Matches,
    /// What happens.
    pub action: &'a Action,
}

impl Rule<'_> {
    /// Finds what contradicts itself, before the kernel is asked.
    pub fn check(&self) -> Result<()> {
        self.family()?;
        self.check_devices()?;
        let protocol = self.protocol();
        let ports = [("sport", &self.matches.sport), ("dport", &self.matches.dport)];
        let ported = ports.iter().find(|(_, ports)| ports.is_some()).map(|(key, _)| *key);
        let translated = self.action.to.and_then(To::port).map(|_| "to");
        match (ported, translated, protocol) {
            (Some(key), _, None) => Err(wants_protocol(
                key,
                format!("`{key}` wants `proto`: tcp and udp have ports"),
            )),
            (None, Some(key), None) => Err(wants_protocol(
                key,
                format!("`{key}` with a port wants `proto`: tcp and udp have ports"),
            )),
            (Some(_), _, Some(p)) | (_, Some(_), Some(p)) if !p.has_ports() => {
                let message = format!(
                    "`proto` wants a protocol that has ports, as `tcp` and `udp`, not {:?}",
                    p.spell()
                );
                Err(Problem::argument(message).at(Part::Key("proto".into())))
            }
            _ => Ok(()),
        }
    }

    /// The protocol, which a kind of ICMP message implies.
    fn protocol(&self) -> Option<Protocol> {
        let implied = || {
            self.matches
                .icmp_type
                .as_ref()
                .and(self.family().ok().flatten())
                .map(Protocol::icmp)
        };
        self.matches.proto.or_else(implied)
    }

    /// Which packets, in the words in which the kernel's rule is read: a kind of ICMP message has its name, and says the
    /// protocol too.
    fn as_listed(&self) -> Matches {
        let mut matches = self.matches.clone();
        matches.proto = self.protocol();
        if let (Ok(Some(family)), Some(icmp_type)) = (self.family(), &mut matches.icmp_type)
            && let Some(number) = icmp_type.number(family)
        {
            *icmp_type = IcmpType::of(family, number);
        }
        matches
    }

    /// The one family the rule is for, if its keys say one.
    pub fn family(&self) -> Result<Option<Family>> {
        let m = self.matches;
        let target = self.action.to.and_then(|to| match to {
            To::Target(target) => Some(Family::of(target.address)),
            To::Port(_) => None,
        });
        let said = [
            ("saddr", m.saddr.map(|a| a.family())),
            ("daddr", m.daddr.map(|a| a.family())),
            ("to", target),
            ("proto", m.proto.and_then(Protocol::family)),
        ];
        let mut said = said
            .iter()
            .filter_map(|(key, family)| family.map(|family| (*key, family)));
        let first = said.next();
        if let (Some((key, family)), Some((other, second))) =
            (first, said.find(|(_, f)| Some(*f) != first.map(|x| x.1)))
        {
            let message = format!("`{other}` is of {}, and `{key}` of {}", second.name(), family.name());
            return Err(Problem::argument(message)
                .at(Part::Key(other.into()))
                .help("make it two rules, one for each"));
        }
        let Some(icmp_type) = &m.icmp_type else {
            return Ok(first.map(|(_, family)| family));
        };
        self.icmp_family(icmp_type, first.map(|(_, family)| family)).map(Some)
    }

    /// The family of a kind of ICMP message: that which the other keys say, or the first that has it.
    fn icmp_family(&self, icmp_type: &IcmpType, said: Option<Family>) -> Result<Family> {
        let at = || Part::Key("icmp_type".into());
        if let Some(proto) = self.matches.proto.filter(|proto| proto.family().is_none()) {
            let message = format!(
                "`icmp_type` wants `proto` to be icmp or icmpv6, not {:?}",
                proto.spell()
            );
            return Err(Problem::argument(message).at(Part::Key("proto".into())));
        }
        let families = said.map_or(vec![Family::V4, Family::V6], |family| vec![family]);
        families
            .into_iter()
            .find(|family| icmp_type.number(*family).is_some())
            .ok_or_else(|| {
                let family = said.map_or("", Family::name);
                Problem::argument(format!(
                    "`icmp_type` {:?} is no message of {family}'s ICMP",
                    icmp_type.spell()
                ))
                .at(at())
            })
    }

    /// A packet has no outgoing device before it is routed, and one made here came in on none.
    fn check_devices(&self) -> Result<()> {
        let m = self.matches;
        let never = |key: &str, why: &str| {
            let message = format!("`{key}` never matches in chain {}: {why}", self.chain.name);
            Err(Problem::argument(message).at(Part::Key(key.into())))
        };
        match self.chain.hook {
            Hook::Prerouting if m.oif.is_some() => never("oif", "where a packet goes out is not known there"),
            Hook::Input if m.oif.is_some() => never("oif", "its packets stay on this machine"),
            Hook::Output if m.iif.is_some() => never("iif", "its packets are made on this machine"),
            _ => Ok(()),
        }
    }
}

fn wants_protocol(key: &str, message: String) -> Box<Problem> {
    Problem::argument(message)
        .at(Part::Key(key.into()))
        .help("add proto: \"tcp\" or proto: \"udp\"")
}
