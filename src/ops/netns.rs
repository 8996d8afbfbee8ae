//! `netns`: the namespaces of a lab.

mod command;

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::causes::Scene;
use super::{Act, Answer, Args, Inverse, Noun, Operation, Place, Verb, World, ip};
use crate::error::{Mend, Part, Problem, Result, nearest};
use crate::netns::{self as spaces, NsName};

pub use command::VERBS;

/// A change of the set of namespaces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "lowercase")]
pub enum Change {
    /// `ip netns add NAME`.
    Add {
        /// The new namespace's name.
        name: NsName,
    },
    /// `ip netns del NAME`.
    Del {
        /// The namespace that goes.
        name: NsName,
    },
}

/// The noun's declaration.
pub const NOUN: Noun = Noun {
    name: "netns",
    place: Place::Lab,
    doc: "The namespaces of the lab.",
    verbs: &[
        Verb {
            name: "add",
            usage: "NAME",
            keys: &[],
            doc: "Makes a namespace and returns its handle. Its `lo` is there and down.

`ip netns add NAME`

```rhai
let ns0 = netns::add(\"ns0\");
assert_eq(ns0.name, \"ns0\");
```",
            act: Act::Change(|mut args| {
                let name = required_name(&mut args)?;
                args.finish(&[])?;
                Ok(super::Change::Netns(Change::Add { name }))
            }),
        },
        Verb {
            name: "del",
            usage: "NAME",
            keys: &[],
            doc: "Deletes a namespace. What was started or is served in it is ended, captures too; when the call returns, its devices and their peers are
gone.

`ip netns del NAME`

```rhai
let ns0 = netns::add(\"ns0\");
host.link.add(\"veth0\", #{ type: \"veth\", peer: #{ name: \"eth0\", netns: ns0 } });
netns::del(\"ns0\");
assert_eq(host.link.show().len(), 1);
```",
            act: Act::Change(|mut args| {
                let name = required_name(&mut args)?;
                args.finish(&[])?;
                Ok(super::Change::Netns(Change::Del { name }))
            }),
        },
        Verb {
            name: "get",
            usage: "NAME",
            keys: &[],
            doc: "The handle of a namespace that exists.

```rhai
netns::add(\"ns0\");
assert_eq(netns::get(\"ns0\").name, \"ns0\");
```",
            act: Act::Ask(|world, _, mut args| {
                let name: NsName = args.required("the name")?;
                args.finish(&[])?;
                world.space(&name).map_err(|problem| problem.at(Part::Argument(0)))?;
                Ok(Answer::Netns(name))
            }),
        },
        Verb {
            name: "list",
            usage: "",
            keys: &[],
            doc: "The names of the namespaces, sorted; `host` is not among them.

`ip netns list`

```rhai
netns::add(\"b\");
netns::add(\"a\");
assert_eq(netns::list(), [\"a\", \"b\"]);
```",
            act: Act::Ask(|_, _, args| {
                args.finish(&[])?;
                let names = spaces::list().map_err(|e| Problem::system("list the namespaces", e))?;
                Ok(Answer::Names(names.into_iter().map(String::from).collect()))
            }),
        },
    ],
    commands: command::COMMANDS,
};

fn required_name(args: &mut Args) -> Result<NsName> {
    let name: NsName = args.required("the name")?;
    if name.is_host() {
        return Err(
            Problem::argument("`host` is the lab's own root namespace: it can be neither made nor deleted")
                .at(Part::Argument(0)),
        );
    }
    Ok(name)
}

impl Operation for Change {
    fn title(&self) -> String {
        match self {
            Change::Add { name } => format!("netns add {name}"),
            Change::Del { name } => format!("netns del {name}"),
        }
    }

    fn spell(&self, netns: &NsName) -> String {
        match self {
            Change::Add { name } => ip(netns, ["netns", "add", name.as_str()]),
            Change::Del { name } => ip(netns, ["netns", "del", name.as_str()]),
        }
    }

    fn apply(&self, world: &World, _: &NsName) -> Result<()> {
        match self {
            Change::Add { name } => world
                .kernel
                .add_netns(name, || match &world.owner {
                    Some(owner) => owner.made(spaces::own_cookie()?),
                    None => Ok(()),
                })
                .map_err(|e| match e.raw_os_error() {
                    Some(errno) => Problem::kernel(Errno::from_raw(errno), ""),
                    None => Problem::system("netns add", e),
                }),
            Change::Del { name } => delete(world, name),
        }
    }

    fn inverse(&self, _: &World, netns: &NsName) -> Result<Inverse> {
        Ok(match self {
            Change::Add { name } => Inverse::changes(netns, [Change::Del { name: name.clone() }]),
            Change::Del { name } => Inverse::Cannot(format!("all that was in {name} is gone with it")),
        })
    }
}

/// `netns add`: what made the one there is.
pub(super) fn exists(scene: &Scene, problem: &mut Problem) -> bool {
    let super::Change::Netns(Change::Add { name }) = scene.change else {
        return false;
    };
    problem.part = Part::Argument(0);
    problem.message = format!("there is a netns {name} already");
    problem.cause = match what_became(scene.world, name) {
        Some((true, line)) => format!("{name} was made {line}"),
        _ if scene.world.owner.is_some() => format!("{name} is the machine's own, or another lab's"),
        _ => format!("no line of the script made {name}: a program that it runs may have"),
    };
    problem.mend = Some(Mend::Verb("get"));
    true
}

/// `netns add`: which limit is reached.
pub(super) fn too_many(_: &Scene, problem: &mut Problem) -> bool {
    let limit = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_string();
    if problem.errno == Some(Errno::ENOSPC) {
        let most = limit("/proc/sys/user/max_net_namespaces");
        problem.cause =
            format!("a user may have so many network namespaces: {most} here, and maybe fewer outside the lab");
        problem.help = "as root, `sysctl -w user.max_net_namespaces=NUMBER` on the machine raises the limit".into();
    } else {
        let most = limit("/proc/sys/fs/file-max");
        problem.cause = format!("a process may have so many open files (`ulimit -n`), and the machine {most}");
        problem.help = "start nsx from a shell in which `ulimit -n` says more".into();
    }
    true
}

/// There is no such namespace: whether it was deleted, or which name is near.
pub(super) fn missing(world: &World, name: &NsName, problem: Box<Problem>) -> Box<Problem> {
    let names = spaces::list().unwrap_or_default();
    let has = match names.len() {
        0 => "there is none but host".to_string(),
        1 => format!("there is only {}", names[0]),
        2..8 => format!(
            "there are {}",
            names.iter().map(NsName::as_str).collect::<Vec<_>>().join(", ")
        ),
        count => format!("there are {count}, and none of that name"),
    };
    let problem = match what_became(world, name) {
        Some((false, line)) => {
            return problem
                .because(format!("{name} was deleted {line}"))
                .help(made_again(name));
        }
        _ => problem.because(has),
    };
    match nearest(name.as_str(), names.iter().map(NsName::as_str)) {
        Some(near) => problem.mend(Mend::Part(near.to_string())),
        None => problem.help(made_again(name)),
    }
}

fn made_again(name: &NsName) -> String {
    format!("netns::add({:?})", name.as_str())
}

/// Whether the last that was done to a namespace was to make it (or else to delete it), and by which line.
fn what_became(world: &World, name: &NsName) -> Option<(bool, String)> {
    world.history.last(|op| match &op.change {
        super::Change::Netns(Change::Add { name: made }) if made == name => Some(true),
        super::Change::Netns(Change::Del { name: gone }) if gone == name => Some(false),
        _ => None,
    })
}

/// First the programs and servers go, then the name, then the devices (with them their peers).
pub(super) fn delete(world: &World, name: &NsName) -> Result<()> {
    let space = world.parting(name).map_err(|problem| problem.at(Part::Argument(0)))?;
    world.kernel.block_on(world.processes.end(Some(name)));
    world.kernel.block_on(world.servers.end(name));
    let unwritten = world.kernel.block_on(world.captures.end(Some(name)));
    spaces::remove(name).map_err(|e| Problem::system("remove its name", e))?;
    world.kernel.give_up(space)?;
    unwritten.into_iter().next().map_or(Ok(()), Err)
}
