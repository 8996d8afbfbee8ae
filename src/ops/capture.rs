//! `capture`: what passes a device, counted and kept.

use super::types::IfName;
use super::value::{Value, not_wanted};
use super::{Act, Answer, Args, Options, Typed, Verb, World, link};
use crate::capture::{ANY, Filter, Settings, Tap};
use crate::error::{Part, Problem, Result};
use crate::netns::NsName;
use crate::options;

/// The declaration of the verb; it stands among those of a namespace itself.
pub(super) const CAPTURE: Verb = Verb {
    name: "capture",
    usage: "DEV",
    keys: &[CaptureOptions::KEYS],
    doc: "Captures what passes a device, in both directions, or all devices: \"any\". The handle has `packets`, `dropped`,
`file`, `alive` and `stop()`. With `file` the packets are written for tcpdump and Wireshark to read; without it they are counted. What
goes on at the end of the lab ends then, with its file complete.

`tcpdump -i DEV -U -w FILE FILTER`

The filter is in tcpdump's words: `ip`, `ip6`, `arp`, `icmp`, `icmp6`, `tcp`, `udp`; `host ADDRESS`, `net PREFIX`, `port NUMBER`,
`portrange FIRST-LAST`, each with `src` or `dst` before it; `and`, `or`, `not` and brackets. As for tcpdump, `and` and `or` bind alike,
from the left. It looks behind VLAN tags and IPv6's extension headers.

The file is a plain one, new or overwritten, made with your own permissions; its path is relative to the folder that nsx was started in.

```rhai
let ns0 = netns::add(\"ns0\");
host.link.add(\"veth0\", #{ type: \"veth\", peer: #{ name: \"eth0\", netns: ns0 }, up: true });
ns0.link.set(\"eth0\", #{ up: true });
host.addr.add(\"10.0.0.1/24\", #{ dev: \"veth0\" });
ns0.addr.add(\"10.0.0.2/24\", #{ dev: \"eth0\" });

let echoes = ns0.capture(\"eth0\", #{ filter: \"icmp and host 10.0.0.1\", file: \"echoes.pcap\" });
host.ping(ns0);
assert_eq(echoes.packets, 2, \"the echo and its answer\");
echoes.stop();
```",
    act: Act::Ask(capture),
};

options! {
    /// The keys of `capture`.
    struct CaptureOptions {
        /// the file to write; without one the packets are only counted
        file: String,
        /// which packets; all of them
        filter: Filter,
        /// how many packets, and it ends
        count: u32,
        /// bytes kept of each packet; 262144
        snaplen: u32,
    }
}

impl Typed for Filter {
    const WANTS: &'static str = "a filter such as \"icmp and host 10.0.0.1\"";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Str(text) => text.parse(),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        self.as_str().to_string()
    }
}

fn capture(world: &World, netns: &NsName, mut args: Args) -> Result<Answer> {
    let device: IfName = args.required("the device")?;
    let options = CaptureOptions::take(&mut args)?;
    args.finish(CaptureOptions::KEYS)?;
    for (key, number) in [("count", options.count), ("snaplen", options.snaplen)] {
        let most = 1 << 20;
        if number == Some(0) {
            return Err(Problem::argument(format!("`{key}` is at least 1")).at(Part::Key(key.into())));
        }
        if key == "snaplen" && number > Some(most) {
            return Err(Problem::argument(format!("`snaplen` is at most {most}")).at(Part::Key(key.into())));
        }
    }
    let spelling = format!("tcpdump -i {device}");
    if device.as_str() != ANY {
        link::index(world, netns, &device).map_err(|problem| {
            problem
                .at(Part::Argument(0))
                .during(super::exec_in(netns, &spelling), netns.as_str())
        })?;
    }
    let settings = Settings {
        file: options.file,
        filter: options.filter,
        count: options.count,
        snaplen: options.snaplen,
    };
    let _runtime = world.kernel.enter();
    world
        .space(netns)?
        .within(|| Tap::open(device.as_str()))?
        .map_err(|e| Problem::system(&format!("capture on {device} in {netns}"), e))
        .and_then(|tap| world.captures.start(netns, tap, settings))
        .map(Answer::Capture)
        .map_err(|problem| problem.during(super::exec_in(netns, &spelling), netns.as_str()))
}
