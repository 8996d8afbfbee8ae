//! `sysctl`: the kernel parameters of a namespace.

mod command;

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::value::not_wanted;
use super::words::number_or_text;
use super::{Act, Answer, Inverse, Noun, Operation, Place, Typed, Value, Verb, World, exec_in};
use crate::error::{Kind, Problem, Result};
use crate::netns::NsName;

/// A change of a kernel parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "lowercase")]
pub enum Change {
    /// `sysctl -w KEY=VALUE`.
    Set {
        /// Which parameter.
        key: Parameter,
        /// Its new value, as the kernel reads it.
        value: Setting,
    },
}

/// The name of a parameter of the network: `net.ipv4.ip_forward`. Those outside `net.` belong to the machine,
/// not to a namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Parameter(String);

impl Parameter {
    /// Where it is in /proc. As sysctl(8) has it, `.` separates, unless `/` stands first: then a device's name may have dots.
    fn path(&self) -> PathBuf {
        let separator_is_slash = self.0.find(['/', '.']).is_some_and(|at| self.0.as_bytes()[at] == b'/');
        let swapped = |c| match c {
            '.' => '/',
            '/' => '.',
            other => other,
        };
        let inner = if separator_is_slash {
            self.0.clone()
        } else {
            self.0.chars().map(swapped).collect()
        };
        PathBuf::from("/proc/sys").join(inner)
    }
}

impl Typed for Parameter {
    const WANTS: &'static str = "a parameter such as \"net.ipv4.ip_forward\"";

    fn read(value: &Value) -> Result<Self, String> {
        let Value::Str(text) = value else {
            return Err(not_wanted::<Self>(value));
        };
        let words: Vec<&str> = text.split(['.', '/']).collect();
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-@:".contains(c);
        if words.len() < 2 || words.iter().any(|w| w.is_empty() || !w.chars().all(plain)) {
            return Err(not_wanted::<Self>(value));
        }
        if words[0] != "net" {
            return Err(format!(
                "{text:?} belongs to the whole machine: a namespace has only the parameters under \"net.\""
            ));
        }
        Ok(Parameter(text.clone()))
    }

    fn spell(&self) -> String {
        self.0.clone()
    }
}

/// The value of a parameter: text, a number, or true/false for 1/0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Setting(String);

impl Typed for Setting {
    const WANTS: &'static str = "a number, text, or true/false";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Int(n) => Ok(Setting(n.to_string())),
            Value::Bool(flag) => Ok(Setting(u8::from(*flag).to_string())),
            Value::Str(text) => Ok(Setting(text.clone())),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        self.0.clone()
    }

    fn of_word(word: &str) -> Value {
        number_or_text(word)
    }
}

/// The noun's declaration.
pub const NOUN: Noun = Noun {
    name: "sysctl",
    place: Place::Namespace,
    doc: "The kernel parameters of the network, each namespace's own.",
    verbs: &[
        Verb {
            name: "set",
            usage: "KEY VALUE",
            keys: &[],
            doc: "Sets a parameter.

`sysctl -w KEY=VALUE`

```rhai
host.sysctl.set(\"net.ipv4.ip_forward\", 1);
assert_eq(host.sysctl.get(\"net.ipv4.ip_forward\"), \"1\");
```",
            act: Act::Change(|mut args| {
                let key = args.required("the parameter")?;
                let value = args.required("the value")?;
                args.finish(&[])?;
                Ok(super::Change::Sysctl(Change::Set { key, value }))
            }),
        },
        Verb {
            name: "get",
            usage: "KEY",
            keys: &[],
            doc: "The value of a parameter, as text.

`sysctl -n KEY`

```rhai
assert_eq(host.sysctl.get(\"net.ipv4.ip_forward\"), \"0\");
```",
            act: Act::Ask(|world, netns, mut args| {
                let key: Parameter = args.required("the parameter")?;
                args.finish(&[])?;
                let read = world.space(netns)?.within(|| fs::read_to_string(key.path()))?;
                let text = read.map_err(|e| {
                    let op = exec_in(netns, &format!("sysctl -n {}", key.0));
                    let mut problem = refused(&key, e).during(op, netns.as_str());
                    problem.message = format!("sysctl get {} in {netns}: {}", key.0, problem.message);
                    problem
                })?;
                Ok(Answer::Text(text.trim_end().to_string()))
            }),
        },
    ],
    commands: command::COMMANDS,
};

/// The value of a parameter of a namespace, if it has it.
pub fn read(world: &World, netns: &NsName, key: &str) -> Option<String> {
    let path = Parameter(key.to_string()).path();
    let read = world.space(netns).ok()?.within(|| fs::read_to_string(path)).ok()?;
    Some(read.ok()?.trim().to_string())
}

impl Change {
    /// Whether it sets this parameter.
    pub(super) fn sets(&self, key: &str) -> bool {
        let Change::Set { key: set, .. } = self;
        set.path() == Parameter(key.to_string()).path()
    }
}

impl Operation for Change {
    fn title(&self) -> String {
        let Change::Set { key, value } = self;
        format!("sysctl set {} = {}", key.0, value.0)
    }

    fn spell(&self, netns: &NsName) -> String {
        let Change::Set { key, value } = self;
        exec_in(
            netns,
            &format!("sysctl -w {}", super::shell_word(&format!("{}={}", key.0, value.0))),
        )
    }

    fn apply(&self, world: &World, netns: &NsName) -> Result<()> {
        let Change::Set { key, value } = self;
        let written = world.space(netns)?.within(|| {
            // Without O_CREAT: /proc answers that with "permission denied" where there is no such parameter.
            use std::io::Write;
            fs::OpenOptions::new()
                .write(true)
                .open(key.path())?
                .write_all(value.0.as_bytes())
        })?;
        written.map_err(|e| refused(key, e))
    }

    fn inverse(&self, world: &World, netns: &NsName) -> Result<Inverse> {
        let Change::Set { key, .. } = self;
        let read = world.kernel.space(netns)?.within(|| fs::read_to_string(key.path()))?;
        let value = Setting(read.map_err(|e| refused(key, e))?.trim_end().to_string());
        let others = if is_forwarding(key) {
            with_forwarding(world, netns, &value)?
        } else {
            Vec::new()
        };
        let first = Change::Set {
            key: key.clone(),
            value,
        };
        Ok(Inverse::changes(netns, [first].into_iter().chain(others)))
    }
}

/// Whether a parameter is the one that makes a machine a router: the kernel then sets others along with it.
fn is_forwarding(key: &Parameter) -> bool {
    [
        "/proc/sys/net/ipv4/ip_forward",
        "/proc/sys/net/ipv4/conf/all/forwarding",
    ]
    .contains(&key.path().to_str().unwrap_or_default())
}

/// What is to be set again after forwarding, because the kernel changes it along: whether redirects are heeded, and those
/// devices that forward otherwise than the machine as a whole.
fn with_forwarding(world: &World, netns: &NsName, whole: &Setting) -> Result<Vec<Change>> {
    const FOLDER: &str = "/proc/sys/net/ipv4/conf";
    let read = |dev: &str, name: &str| {
        let text = fs::read_to_string(format!("{FOLDER}/{dev}/{name}")).ok()?;
        let key = Parameter(format!("net/ipv4/conf/{dev}/{name}"));
        let value = Setting(text.trim_end().to_string());
        Some(Change::Set { key, value })
    };
    let others = world.kernel.space(netns)?.within(|| {
        let devices = fs::read_dir(FOLDER).into_iter().flatten().flatten();
        let names = devices
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| name != "all");
        let otherwise = |change: &Change| {
            let Change::Set { value, .. } = change;
            value != whole
        };
        let forwarding = names.filter_map(|dev| read(&dev, "forwarding")).filter(otherwise);
        read("all", "accept_redirects")
            .into_iter()
            .chain(forwarding)
            .collect::<Vec<_>>()
    })?;
    Ok(others)
}

fn refused(key: &Parameter, error: std::io::Error) -> Box<Problem> {
    let errno = error.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
    if error.kind() != ErrorKind::NotFound {
        let problem = Problem::kernel(errno, "");
        return match errno {
            Errno::EINVAL => problem.help("the kernel does not take this value"),
            Errno::EACCES | Errno::EPERM => problem.help("this parameter cannot be changed from inside a lab"),
            _ => problem,
        };
    }
    let bridge = key.0.starts_with("net.bridge.") || key.0.starts_with("net/bridge/");
    let kind = if bridge { Kind::Missing } else { Kind::Kernel };
    let mut problem = Problem::new(kind, format!("this kernel has no parameter {} here", key.0));
    problem.errno = Some(errno);
    if bridge {
        return problem
            .help("the kernel lacks br_netfilter (CONFIG_BRIDGE_NETFILTER): as root, `modprobe br_netfilter`");
    }
    problem.help("`sysctl -a` lists what there is; a device's own parameters are there while the device is")
}
