//! `wg`: the keys and peers of WireGuard devices.

mod command;
pub mod fact;
mod inverse;
mod key;
mod peer;

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{InfoKind, LinkAttribute, LinkInfo, LinkMessage};
use netlink_packet_wireguard::{WireguardAttribute, WireguardCmd, WireguardMessage};
use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::{
    Act, Answer, Args, IfName, Inverse, Noun, Operation, Options, Place, Shape, Typed, Verb, World, exec_in, link,
};
use crate::error::{Mistake, Part, Problem, Result};
use crate::netns::NsName;
use crate::options;

use fact::WgFact;
pub use key::Key;
pub use peer::{AllowedIps, Endpoint, Keepalive, Peer, Peers};

/// A change of a WireGuard device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "lowercase")]
pub enum Change {
    /// `wg set DEV …`.
    Set {
        /// Which device.
        dev: IfName,
        /// What it gets.
        settings: Settings,
    },
}

options! {
    /// The keys of `wg set`.
    pub struct Settings {
        /// the UDP port that it listens on
        listen_port: u16,
        /// a mark for the packets it sends, for `rule`; 0 for none
        fwmark: u32,
        /// its private key, as wg.genkey() makes one
        private_key: Key,
        /// a peer, or an array of them: #{ public_key, endpoint, allowed_ips, persistent_keepalive, preshared_key, remove }
        peer: Peers,
    }
}

/// The noun's declaration.
pub const NOUN: Noun = Noun {
    name: "wg",
    place: Place::Namespace,
    doc: "WireGuard: the keys and peers of the devices that `link.add` makes with `type: \"wireguard\"`.",
    verbs: &[GENKEY, PUBKEY, GENPSK, SET, SHOW],
    commands: command::COMMANDS,
};

const GENKEY: Verb = Verb {
    name: "genkey",
    usage: "",
    keys: &[],
    doc: "A new private key, as text.

`wg genkey`

```rhai
let key = host.wg.genkey();
assert_eq(key.len(), 44);
assert(key != host.wg.genkey(), \"each is new\");
```",
    act: Act::Ask(|_, _, args| {
        args.finish(&[])?;
        Ok(Answer::Text(Key::private()?.spell()))
    }),
};

const PUBKEY: Verb = Verb {
    name: "pubkey",
    usage: "KEY",
    keys: &[],
    doc: "The public key of a private one: what its peers are told.

`echo KEY | wg pubkey`

```rhai
let private_key = \"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=\";
assert_eq(host.wg.pubkey(private_key), \"hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\");
```",
    act: Act::Ask(|_, _, mut args| {
        let key: Key = args.required("the private key")?;
        args.finish(&[])?;
        Ok(Answer::Text(key.public().spell()))
    }),
};

const GENPSK: Verb = Verb {
    name: "genpsk",
    usage: "",
    keys: &[],
    doc: "A new preshared key, as text: a secret that two peers may share beside their keys.

`wg genpsk`

```rhai
assert_eq(host.wg.genpsk().len(), 44);
```",
    act: Act::Ask(|_, _, args| {
        args.finish(&[])?;
        Ok(Answer::Text(Key::preshared()?.spell()))
    }),
};

const SET: Verb = Verb {
    name: "set",
    usage: "DEV",
    keys: &[Settings::KEYS],
    doc: "Tells a WireGuard device its private key, its port and its peers. Peers that are not named stay as they are; of a
peer that is, what is not named stays. `allowed_ips` are what is sent to the peer, and all that is taken from it.

`wg set DEV listen-port PORT private-key FILE peer KEY endpoint ADDRESS:PORT allowed-ips PREFIX,…`

```rhai
let ns0 = netns::add(\"ns0\");
let ns1 = netns::add(\"ns1\");
ns0.link.add(\"eth0\", #{ type: \"veth\", peer: #{ name: \"eth0\", netns: ns1 }, up: true });
ns1.link.set(\"eth0\", #{ up: true });
ns0.addr.add(\"10.0.0.1/24\", #{ dev: \"eth0\" });
ns1.addr.add(\"10.0.0.2/24\", #{ dev: \"eth0\" });

let keys = [host.wg.genkey(), host.wg.genkey()];
for (ns, i) in [ns0, ns1] {
    let other = 1 - i;
    ns.link.add(\"wg0\", #{ type: \"wireguard\" });
    ns.wg.set(\"wg0\", #{ private_key: keys[i], listen_port: 51820, peer: #{
        public_key: host.wg.pubkey(keys[other]),
        endpoint: `10.0.0.${other + 1}:51820`,
        allowed_ips: `10.1.0.${other + 1}/32`,
    } });
    ns.addr.add(`10.1.0.${i + 1}/24`, #{ dev: \"wg0\" });
    ns.link.set(\"wg0\", #{ up: true });
}
assert(ns0.ping(\"10.1.0.2\", #{ timeout: \"5s\" }).ok, \"through the tunnel\");
```",
    act: Act::Change(|mut args| {
        let dev = args.required("the device")?;
        let settings = Settings::take(&mut args)?;
        args.finish(Settings::KEYS)?;
        if settings == Settings::default() {
            return Err(Problem::argument("wg set changes nothing: no key was given")
                .help("for instance #{ private_key: key, listen_port: 51820 }"));
        }
        Ok(super::Change::Wg(Change::Set { dev, settings }))
    }),
};

const SHOW: Verb = Verb {
    name: "show",
    usage: "[DEV]",
    keys: &[],
    doc: "The WireGuard devices of the namespace, or the one that is named, with their keys and peers. It prints as `wg show`
does, without secrets; the fields have them.

`wg show DEV`

A device has `interface`, `private_key`, `public_key`, `listen_port`, `fwmark` and `peers`; a peer `public_key`,
`preshared_key`, `endpoint`, `allowed_ips`, `latest_handshake` (in seconds since 1970; 0 for never), `transfer_rx`,
`transfer_tx` (in bytes) and `persistent_keepalive` (in seconds).

```rhai
host.link.add(\"wg0\", #{ type: \"wireguard\" });
let key = host.wg.genkey();
let peer = host.wg.pubkey(host.wg.genkey());
host.wg.set(\"wg0\", #{ private_key: key, peer: #{ public_key: peer, allowed_ips: [\"10.1.0.2/32\", \"fd00::/64\"] } });
let wg0 = host.wg.show(\"wg0\");
assert_eq(wg0.public_key, host.wg.pubkey(key));
assert_eq(wg0.peers[0].allowed_ips, [\"10.1.0.2/32\", \"fd00::/64\"]);
```",
    act: Act::Ask(show),
};

fn show(world: &World, netns: &NsName, mut args: Args) -> Result<Answer> {
    let dev: Option<IfName> = args.next("the device")?;
    args.finish(&[])?;
    let words = dev
        .iter()
        .fold("wg show".to_string(), |words, dev| format!("{words} {dev}"));
    let op = |problem: Box<Problem>| problem.during(exec_in(netns, &words), netns.as_str());
    match dev {
        Some(dev) => {
            let fact = device(world, netns, &dev).map_err(op)?;
            Ok(Answer::One(Shape::Wg, super::fact::json(&fact)))
        }
        None => {
            let names = devices(world, netns).map_err(op)?;
            let facts = names.iter().map(|name| device(world, netns, name));
            let facts = facts.collect::<Result<Vec<_>>>().map_err(op)?;
            Ok(Answer::Many(Shape::Wg, facts.iter().map(super::fact::json).collect()))
        }
    }
}

/// The names of the WireGuard devices of a namespace.
fn devices(world: &World, netns: &NsName) -> Result<Vec<IfName>> {
    let space = world.space(netns)?;
    let dumped = space.dump(RouteNetlinkMessage::GetLink(LinkMessage::default()))?;
    let name = |message| {
        let RouteNetlinkMessage::NewLink(link) = message else {
            return None;
        };
        let is_wireguard = link.attributes.iter().any(|attribute| match attribute {
            LinkAttribute::LinkInfo(infos) => infos.contains(&LinkInfo::Kind(InfoKind::Wireguard)),
            _ => false,
        });
        let name = link.attributes.into_iter().find_map(|attribute| match attribute {
            LinkAttribute::IfName(name) => name.parse().ok(),
            _ => None,
        });
        name.filter(|_| is_wireguard)
    };
    Ok(dumped.into_iter().filter_map(name).collect())
}

fn device(world: &World, netns: &NsName, dev: &IfName) -> Result<WgFact> {
    let space = world.space(netns)?;
    link::index(world, netns, dev)?;
    let question = message(WireguardCmd::GetDevice, dev);
    let answer = space.wireguard().and_then(|wireguard| wireguard.dump(question));
    answer.map(WgFact::new).map_err(|problem| told(problem, dev))
}

fn message(cmd: WireguardCmd, dev: &IfName) -> WireguardMessage {
    let attributes = vec![WireguardAttribute::IfName(dev.to_string())];
    WireguardMessage { cmd, attributes }
}

/// What a refusal means.
fn told(mut problem: Box<Problem>, dev: &IfName) -> Box<Problem> {
    match problem.errno {
        Some(Errno::ENOENT) => {
            problem.message = "this kernel has no WireGuard".into();
            problem
                .known(Mistake::KernelLacks)
                .because("it was built without CONFIG_WIREGUARD, or wireguard is a module that is not loaded")
                .help("on the machine, as root: `modprobe wireguard`; or a kernel with CONFIG_WIREGUARD")
        }
        Some(Errno::EOPNOTSUPP) => problem.at(Part::Argument(0)).help(format!(
            "{dev} is no WireGuard device: `ip -d link show {dev}` says what it is"
        )),
        _ => problem,
    }
}

/// How many peers go into one request.
const PEERS: usize = 50;

impl Operation for Change {
    fn title(&self) -> String {
        let Change::Set { dev, .. } = self;
        format!("wg set {dev}")
    }

    /// `wg` reads keys from files, one of them in one command.
    fn spell(&self, netns: &NsName) -> String {
        let Change::Set { dev, settings } = self;
        let mut words = vec!["wg".to_string(), "set".to_string(), dev.to_string()];
        for (word, value) in [
            ("listen-port", settings.listen_port.map(|port| port.to_string())),
            ("fwmark", settings.fwmark.map(|mark| mark.to_string())),
            ("private-key", settings.private_key.map(|_| "/dev/stdin".into())),
        ] {
            words.extend(value.into_iter().flat_map(|value| [word.to_string(), value]));
        }
        let peers = settings.peer.iter().flat_map(|peers| &peers.0);
        words.extend(peers.clone().flat_map(Peer::words));
        let with_key = |key: Option<Key>, command: &str| {
            let echo = key.map(|key| format!("echo {} | ", key.spell())).unwrap_or_default();
            format!("{echo}{}", exec_in(netns, command))
        };
        let first = with_key(settings.private_key, &words.join(" "));
        let further = peers.filter_map(|peer| {
            let (public, secret) = (peer.public_key?, peer.preshared_key?);
            let command = format!("wg set {dev} peer {} preshared-key /dev/stdin", public.spell());
            Some(with_key(Some(secret), &command))
        });
        std::iter::once(first).chain(further).collect::<Vec<_>>().join(" && ")
    }

    fn apply(&self, world: &World, netns: &NsName) -> Result<()> {
        let Change::Set { dev, settings } = self;
        link::index(world, netns, dev)?;
        let space = world.space(netns)?;
        let wireguard = space.wireguard().map_err(|problem| told(problem, dev))?;
        let mut request = message(WireguardCmd::SetDevice, dev);
        let device = [
            settings.private_key.map(|key| WireguardAttribute::PrivateKey(key.0)),
            settings.listen_port.map(WireguardAttribute::ListenPort),
            settings.fwmark.map(WireguardAttribute::Fwmark),
        ];
        request.attributes.extend(device.into_iter().flatten());
        let peers = settings.peer.as_ref().map_or(&[][..], |peers| &peers.0);
        let mut chunks = peers.chunks(PEERS);
        loop {
            let chunk = chunks.next().unwrap_or_default();
            if !chunk.is_empty() {
                let peers = chunk.iter().map(Peer::message).collect();
                request.attributes.push(WireguardAttribute::Peers(peers));
            }
            let changed = wireguard.change(request);
            changed.map_err(|problem| told(problem, dev))?;
            if chunks.len() == 0 {
                return Ok(());
            }
            request = message(WireguardCmd::SetDevice, dev);
        }
    }

    fn inverse(&self, world: &World, netns: &NsName) -> Result<Inverse> {
        inverse::of(self, world, netns)
    }
}
