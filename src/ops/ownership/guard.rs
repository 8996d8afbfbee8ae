//! What is not done on the machine: what would cut it off, and what belongs to somebody else.

use std::env;
use std::fs;
use std::net::IpAddr;

use ipnet::IpNet;

use super::{Owner, PROTOCOL, Uplink, journal};
use crate::error::{Kind, Mistake, Problem, Result};
use crate::netlink::nftables;
use crate::netns::NsName;
use crate::ops::qdisc::class;
use crate::ops::{Change, Op, Prefix, World, addr, filter, link, nat, netns, route, rule};

impl Owner {
    /// Refuses what the lab may not do.
    pub(super) fn guard(&self, world: &World, op: &Op) -> Result<()> {
        self.guard_deletion(world, op)?;
        self.guard_table(world, op)?;
        let Some(why) = at_risk(world, op)? else {
            return Ok(());
        };
        match self.uplink {
            Uplink::Guarded => Err(
                Problem::new(Kind::Kernel, format!("{why}: this could cut the machine off"))
                    .known(Mistake::CutsOff)
                    .help(
                        "--allow-uplink does it, and takes all back after 30 s unless `nsx confirm LAB` comes before",
                    ),
            ),
            Uplink::Lent(seconds) => {
                if !self.is_lent.replace(true) {
                    world.interrupt.raise_after(seconds)?;
                }
                Ok(())
            }
        }
    }

    /// What the lab did not make it does not delete: it could not be made again as it was.
    fn guard_deletion(&self, world: &World, op: &Op) -> Result<()> {
        let what = match &op.change {
            Change::Netns(netns::Change::Del { name }) if !self.made.borrow().contains(name) => {
                if world.kernel.open(name).is_err() {
                    return Ok(());
                }
                format!("netns {name}")
            }
            Change::Link(link::Change::Del { dev }) => match link::identity(world, &op.netns, dev)? {
                Some((_, alias)) if !self.mark.is_in(&alias) => format!("{dev} in {}", op.netns),
                _ => return Ok(()),
            },
            _ => return Ok(()),
        };
        Err(Problem::new(Kind::Kernel, format!("{what} is not this lab's"))
            .known(Mistake::NotOurs)
            .help("on the machine itself a lab deletes only what it made"))
    }

    /// A table of somebody else with the name of ours is let alone.
    fn guard_table(&self, world: &World, op: &Op) -> Result<()> {
        let table = match &op.change {
            Change::Nat(_) => nat::TABLE,
            Change::Filter(_) => filter::TABLE,
            _ => return Ok(()),
        };
        let space = world.kernel.space(&op.netns)?;
        match nftables::table(&space, table)? {
            Some(comment) if comment.as_deref() != Some(self.mark.text.as_str()) => {
                let message = format!("{} already has a table inet {table} that is not this lab's", op.netns);
                Err(Problem::new(Kind::Kernel, message)
                    .known(Mistake::NotOurs)
                    .help(format!("nft list table inet {table}")))
            }
            _ => Ok(()),
        }
    }
}

/// Why an operation could cut the machine off.
fn at_risk(world: &World, op: &Op) -> Result<Option<String>> {
    if !op.netns.is_host() {
        return Ok(None);
    }
    let Some(reach) = reach(&op.change) else {
        return Ok(None);
    };
    let carries = |(peer, _): (IpAddr, IpAddr)| format!("carries your ssh connection from {peer}");
    let dev = match reach {
        Reach::Device => journal::device(op),
        Reach::Machine => {
            let uplinks = uplinks(world)?;
            return Ok((!uplinks.is_empty()).then(|| format!("{} carries the default route", uplinks.join(", "))));
        }
        Reach::Ssh(from) => {
            let is_meant = |(peer, _): &(IpAddr, IpAddr)| from.is_none_or(|net| net.contains(peer));
            let connection = ssh().filter(is_meant);
            return Ok(connection.map(|connection| format!("it {}", carries(connection))));
        }
    };
    let Some(dev) = dev else {
        return Ok(None);
    };
    if uplinks(world)?.iter().any(|name| name == dev.as_str()) {
        return Ok(Some(format!("{dev} carries the default route")));
    }
    let Some(connection) = ssh() else {
        return Ok(None);
    };
    let addresses = addr::of_device(world, &NsName::host(), &dev)?;
    let is_own = addresses.iter().any(|info| info.local == connection.1.to_string());
    Ok(is_own.then(|| format!("{dev} {}", carries(connection))))
}

/// The devices that carry the machine's default routes. One that a lab made is not the machine's.
fn uplinks(world: &World) -> Result<Vec<String>> {
    route::defaults(world, &NsName::host(), PROTOCOL)
}

/// Whose connection a change can take away.
enum Reach {
    /// That of the device that it is about.
    Device,
    /// The machine's.
    Machine,
    /// The present ssh connection; only from there, if that is said.
    Ssh(Option<IpNet>),
}

fn reach(change: &Change) -> Option<Reach> {
    match change {
        Change::Link(link::Change::Set { settings, .. }) if settings.takes_away() => Some(Reach::Device),
        Change::Addr(addr::Change::Del { .. } | addr::Change::Flush { .. }) => Some(Reach::Device),
        // One more default route can be the one that is taken.
        Change::Route(route::Change::Add(route) | route::Change::Replace(route) | route::Change::Del(route)) => {
            match (route.is_default(), route.to) {
                (true, _) => Some(Reach::Machine),
                // Two halves take everything from the default route.
                (false, Prefix::Net(net)) if net.prefix_len() == 1 => Some(Reach::Machine),
                (false, Prefix::Net(net)) => Some(Reach::Ssh(Some(net))),
                (false, Prefix::Default) => None,
            }
        }
        Change::Route(route::Change::Flush(among)) if among.has_default() => Some(match among.dev {
            Some(_) => Reach::Device,
            None => Reach::Machine,
        }),
        Change::Rule(rule::Change::Flush(_)) => Some(Reach::Machine),
        Change::Qdisc(change) if change.holds_back() => Some(Reach::Device),
        Change::Class(class::Change::Add(_) | class::Change::Replace(_)) => Some(Reach::Device),
        Change::Filter(filter::Change::Policy { chain, policy }) if filter::shuts_out(*chain, *policy) => {
            Some(Reach::Ssh(None))
        }
        _ => None,
    }
}

/// The present ssh connection: the other machine's address, and this one's. sudo keeps it from us; the shell above sudo
/// still has it.
fn ssh() -> Option<(IpAddr, IpAddr)> {
    let own = env::var("SSH_CONNECTION").ok();
    let above = || ancestors().find_map(|pid| variable(pid, "SSH_CONNECTION"));
    connection(&own.or_else(above)?)
}

fn connection(text: &str) -> Option<(IpAddr, IpAddr)> {
    let mut words = text.split_whitespace();
    let (peer, _, own) = (words.next()?, words.next()?, words.next()?);
    let plain = |text: &str| {
        text.split('%')
            .next()
            .unwrap_or_default()
            .parse::<IpAddr>()
            .ok()
            .map(|a| a.to_canonical())
    };
    Some((plain(peer)?, plain(own)?))
}

/// The process ids from this process's own upwards.
fn ancestors() -> impl Iterator<Item = i32> {
    let own = fs::read_link("/proc/self")
        .ok()
        .and_then(|link| link.to_str()?.parse().ok());
    std::iter::successors(own, |pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, fields) = stat.rsplit_once(')')?;
        fields.split_whitespace().nth(1)?.parse().ok().filter(|pid| *pid > 0)
    })
}

fn variable(pid: i32, name: &str) -> Option<String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let text = String::from_utf8_lossy(&environment).into_owned();
    let of = |entry: &str| Some(entry.strip_prefix(name)?.strip_prefix('=')?.to_string());
    text.split('\0').find_map(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ssh_connection_is_read() {
        let read = |text| connection(text).map(|(peer, own)| (peer.to_string(), own.to_string()));
        let both = |peer: &str, own: &str| Some((peer.to_string(), own.to_string()));
        assert_eq!(read("10.0.0.9 51000 10.0.0.1 22"), both("10.0.0.9", "10.0.0.1"));
        assert_eq!(read("fe80::1%eth0 51000 fe80::2%eth0 22"), both("fe80::1", "fe80::2"));
        assert_eq!(
            read("::ffff:10.0.0.9 1 ::ffff:10.0.0.1 22"),
            both("10.0.0.9", "10.0.0.1")
        );
        assert_eq!(read("10.0.0.9"), None);
        assert_eq!(read(""), None);
    }
}
