//! What was met on the way, in words: what it is, why, and the line that mends it.

use std::net::IpAddr;

use ipnet::IpNet;

use super::link::View;
use crate::error::{Mistake, Problem};
use crate::netns::NsName;
use crate::ops::addr::causes::{self as addresses, Held};
use crate::ops::route::causes as routes;
use crate::ops::ruleset::{RuleFact, Verdict};
use crate::ops::{Change, Cidr, Op, Prefix, Typed, World, handle, route};

fn warning(mistake: Mistake, netns: &NsName, message: String, cause: String, help: String) -> Problem {
    let problem = Problem::argument(message).known(mistake).because(cause).help(help);
    *problem.during("", netns.as_str())
}

pub fn device_down(world: &World, netns: &NsName, dev: &str) -> Problem {
    let help = format!("{}.link.set({dev:?}, #{{ up: true }})", handle(netns));
    let cause = routes::down(world, netns, dev);
    warning(
        Mistake::DeviceDown,
        netns,
        format!("{dev} in {netns} is down"),
        cause,
        help,
    )
}

pub fn lo_down(netns: &NsName, to: IpAddr) -> Problem {
    let cause = format!("what {netns} sends to its own address {to} goes by way of lo; a new netns has it down");
    let help = format!("{}.link.set(\"lo\", #{{ up: true }})", handle(netns));
    warning(Mistake::LoDown, netns, format!("lo in {netns} is down"), cause, help)
}

/// The parameter that makes a router.
pub fn forwarding(to: IpAddr) -> &'static str {
    if to.is_ipv4() {
        "net.ipv4.ip_forward"
    } else {
        "net.ipv6.conf.all.forwarding"
    }
}

pub fn no_forwarding(world: &World, netns: &NsName, to: IpAddr) -> Problem {
    let key = forwarding(to);
    let set = world.history.last(|op| match &op.change {
        Change::Sysctl(change) if op.netns == *netns => change.sets(key).then_some(()),
        _ => None,
    });
    let since = set.map_or(", as in every new netns".to_string(), |((), line)| {
        format!(", set {line}")
    });
    let help = format!("{}.sysctl.set({key:?}, 1)", handle(netns));
    let message = format!("{netns} does not forward: it is on the way to {to}");
    warning(
        Mistake::NoForwarding,
        netns,
        message,
        format!("{key} is 0 in {netns}{since}"),
        help,
    )
}

pub fn address_on_port(view: &View, netns: &NsName, dev: &str, bridge: &str) -> Problem {
    let held = view
        .everybody
        .iter()
        .find(|held| held.netns == *netns && held.dev == dev);
    let address = held.and_then(|held| IpNet::new(held.local, held.net.prefix_len()).ok());
    let address_text = address.map_or("its address".to_string(), |address| address.to_string());
    let line = address.and_then(|address| addresses::given(view.world, netns, &Cidr(address), dev));
    let given = line.map_or(String::new(), |line| format!("it was given {line}; "));
    let cause = format!("{given}{dev} is a port of {bridge}, which takes all that comes in on it");
    let ns = handle(netns);
    let help = format!(
        "{ns}.addr.del(\"{address_text}\", #{{ dev: {dev:?} }}); {ns}.addr.add(\"{address_text}\", #{{ dev: {bridge:?} }})"
    );
    let message = format!("{address_text} is on {dev} in {netns}, a port of a bridge");
    warning(Mistake::AddressOnPort, netns, message, cause, help)
}

pub fn no_such_address(view: &View, at: &NsName, next: IpAddr, to: IpAddr) -> Problem {
    let near = view
        .everybody
        .iter()
        .filter(|held| held.local.is_ipv4() == next.is_ipv4() && held.netns != *at);
    let near = near.min_by_key(|held| strsim::damerau_levenshtein(&held.local.to_string(), &next.to_string()));
    let cause = near.map_or_else(String::new, |held| {
        format!("the nearest is {}, on {} in {}", held.local, held.dev, held.netns)
    });
    let (message, help) = if next == to {
        let help = near.map(|held| format!("{}.ping(\"{}\")", handle(at), held.local));
        (format!("nobody in the lab has the address {to}"), help)
    } else {
        let help = near.map(|held| {
            format!(
                "{}.route.replace(\"default\", #{{ via: \"{}\" }})",
                handle(at),
                held.local
            )
        });
        (
            format!("nobody in the lab has {next}, the gateway of {at} to {to}"),
            help,
        )
    };
    warning(Mistake::NoSuchAddress, at, message, cause, help.unwrap_or_default())
}

pub fn other_link(view: &View, at: &NsName, dev: &str, held: &Held, next: IpAddr) -> Problem {
    let message = format!("{next} is not on the link of {dev} in {at}");
    let net = view
        .everybody
        .iter()
        .find(|own| own.netns == *at && own.dev == dev && own.net.contains(&next));
    let why = net.map_or(String::new(), |own| {
        format!("{at} looks for it there because {} is on {dev}; ", own.net)
    });
    let cause = format!("{why}{next} is on {} in {}", held.dev, held.netns);
    warning(
        Mistake::OtherLink,
        at,
        message,
        cause,
        format!("{}.link.show()", handle(&held.netns)),
    )
}

/// A route that a line added and that is not there any more, because its device went down.
pub fn route_lost(view: &View, at: &NsName, to: IpAddr, here: &[Held]) -> Option<Problem> {
    let covers = |prefix: &Prefix| match prefix {
        Prefix::Default => true,
        Prefix::Net(net) => net.contains(&to),
    };
    let said = |op: &Op| match &op.change {
        Change::Route(route::Change::Add(route) | route::Change::Replace(route))
            if op.netns == *at && covers(&route.to) =>
        {
            Some(Some(route.clone()))
        }
        Change::Route(route::Change::Del(route)) if op.netns == *at && covers(&route.to) => Some(None),
        Change::Route(route::Change::Flush(_)) if op.netns == *at => Some(None),
        _ => None,
    };
    let (route, line) = view.world.history.last(said)?;
    let route = route?;
    let via = route.way.via;
    let held = here.iter().find(|held| {
        route.way.dev.as_ref().is_some_and(|dev| dev.as_str() == held.dev)
            || via.is_some_and(|via| held.net.contains(&via))
    })?;
    if !held.is_up {
        return Some(device_down(view.world, at, &held.dev));
    }
    let (dest, dev) = (route.to.spell(), &held.dev);
    let went = view.world.history.last(|op| match &op.change {
        Change::Link(change) if op.netns == *at => change.puts_down(dev).then_some(()),
        _ => None,
    });
    let went = went.map_or(format!("{dev} was down since"), |((), down)| {
        format!("{dev} was brought down {down}")
    });
    let cause = format!("the route to {dest} was added {line}; {went}, and the kernel dropped its routes");
    let way = match via {
        Some(via) => format!("via: \"{via}\""),
        None => format!("dev: {dev:?}"),
    };
    let help = format!("{}.route.add({dest:?}, #{{ {way} }})", handle(at));
    let message = format!("{at} has lost its route to {dest}");
    Some(warning(Mistake::RouteLost, at, message, cause, help))
}

/// No route: an address beside the other's is missing, or a gateway.
pub fn no_route(
    view: &View,
    at: &NsName,
    to: IpAddr,
    here: &[Held],
    beside: Option<(String, IpNet)>,
    is_answer: bool,
) -> Problem {
    let answer = if is_answer { ", to answer by" } else { "" };
    let message = format!("{at} has no route to {to}{answer}");
    let cidr = |held: &Held| {
        IpNet::new(held.local, held.net.prefix_len()).map_or(String::new(), |net| format!("{net} on {}", held.dev))
    };
    let has: Vec<String> = here.iter().map(cidr).collect();
    let cause = match has.len() {
        0 => format!("{at} has no address that packets could come from"),
        1 => format!("{at} has {}, whose subnet does not cover {to}", has[0]),
        _ => format!("{at} has {}: no subnet covers {to}", has.join(", ")),
    };
    let ns = handle(at);
    let near = view
        .everybody
        .iter()
        .find(|held| held.netns != *at && here.iter().any(|own| own.net.contains(&held.local) && own.is_up));
    let help = match (beside, near) {
        (Some((dev, free)), _) => format!("{ns}.addr.add(\"{free}\", #{{ dev: {dev:?} }})"),
        (None, Some(near)) => format!("{ns}.route.add(\"default\", #{{ via: \"{}\" }})", near.local),
        (None, None) => format!("{ns}.route.show()"),
    };
    warning(Mistake::NoRoute, at, message, cause, help)
}

/// A private address was sent out as it is, and nobody out there can answer it.
pub fn no_translation(view: &View, at: &NsName, router: &NsName, to: IpAddr) -> Problem {
    let net = view
        .everybody
        .iter()
        .find(|held| held.local == to)
        .map_or(IpNet::from(to), |held| held.net);
    let message = format!("{at} has no route to {to}, to answer by");
    let cause = format!("{to} is a private address, and {router} passed its packets on without changing it to its own");
    let help = format!("{}.nat.masquerade(\"{net}\")", handle(router));
    warning(Mistake::NoRoute, at, message, cause, help)
}

/// What a chain has dropped.
pub struct Drops {
    chain: String,
    packets: u64,
    /// The rule that did; else it was the policy.
    rule: Option<u64>,
}

impl Drops {
    pub fn of(fact: &RuleFact) -> Option<Drops> {
        let drops = match (&fact.policy, &fact.action) {
            (Some(policy), _) => policy == "drop",
            (None, Some(action)) => matches!(action.verdict, Verdict::Drop | Verdict::Reject),
            (None, None) => false,
        };
        drops.then(|| Drops {
            chain: fact.chain.clone(),
            packets: fact.packets.unwrap_or(0),
            rule: fact.handle,
        })
    }

    fn message(&self, netns: &NsName) -> String {
        let s = if self.packets == 1 { "" } else { "s" };
        let how = if self.rule.is_some() {
            "a rule of"
        } else {
            "the policy of"
        };
        format!(
            "{how} the chain {} in {netns} dropped {} packet{s}",
            self.chain, self.packets
        )
    }

    fn cause(&self, world: &World, netns: &NsName) -> String {
        let chain = &self.chain;
        if let Some(handle) = self.rule {
            return format!("the rule with handle {handle} of {chain} drops what it fits");
        }
        let set = world.history.last(|op| match &op.change {
            Change::Filter(change) if op.netns == *netns => change.sets_policy(chain).then_some(()),
            _ => None,
        });
        let line = set.map_or(String::new(), |((), line)| format!(", set {line}"));
        format!("the policy of {chain} is drop{line}: only what a rule accepts goes on")
    }

    fn accept(&self, netns: &NsName, keys: &str) -> String {
        let (ns, chain) = (handle(netns), &self.chain);
        match self.rule {
            Some(rule) => format!("{ns}.filter.del({chain:?}, {rule})"),
            None => format!("{ns}.filter.add({chain:?}, #{{ {keys}, verdict: \"accept\" }})"),
        }
    }

    /// In a namespace that the packet begins or ends in.
    pub fn at_an_end(&self, netns: &NsName, proto: &str, is_answer: bool) -> Problem {
        let keys = match is_answer {
            true => "ct: [\"established\", \"related\"]".to_string(),
            false => format!("proto: {proto:?}"),
        };
        let cause = match self.rule {
            Some(handle) => format!("the rule with handle {handle} drops what it fits"),
            None => "its policy is drop: only what a rule accepts goes on".to_string(),
        };
        warning(
            Mistake::DroppedHere,
            netns,
            self.message(netns),
            cause,
            self.accept(netns, &keys),
        )
    }

    /// On a router.
    pub fn of_forwarded(&self, world: &World, netns: &NsName, (iif, oif): (&str, &str)) -> Problem {
        let mut help = self.accept(netns, &format!("iif: {iif:?}, oif: {oif:?}"));
        if self.rule.is_none() {
            let answers = self.accept(netns, "ct: [\"established\", \"related\"]");
            help = format!("{help}; {answers}");
        }
        warning(
            Mistake::ForwardDrop,
            netns,
            self.message(netns),
            self.cause(world, netns),
            help,
        )
    }

    /// In a bridge.
    pub fn of_bridged(&self, world: &World, netns: &NsName, bridge: &str) -> Problem {
        let cause = format!(
            "{}; net.bridge.bridge-nf-call-iptables is 1 in {netns}, so that what {bridge} forwards meets this chain too",
            self.cause(world, netns)
        );
        let help = self.accept(netns, &format!("iif: {bridge:?}, oif: {bridge:?}"));
        warning(Mistake::ForwardDrop, netns, self.message(netns), cause, help)
    }
}
