//! `ip netns`, read; but for `ip netns exec`, which is about what follows it.

use crate::ops::command::{Command, Draft, Setting};
use crate::ops::value::Value;
use crate::ops::{Heard, Words};

/// What is read here.
pub(super) const COMMANDS: &[Command] = &[Command {
    program: "ip",
    object: "netns",
    read: ip_netns,
}];

/// The verbs of `ip netns`, in the order in which it looks for them.
pub const VERBS: &[(&str, Option<&str>)] = &[
    ("list", Some("list")),
    ("show", Some("list")),
    ("lst", Some("list")),
    ("list-id", None),
    ("help", None),
    ("add", Some("add")),
    ("set", None),
    ("identify", None),
    ("pids", None),
    ("delete", Some("del")),
    ("exec", Some("exec")),
    ("monitor", None),
    ("attach", None),
];

fn ip_netns(words: &mut Words, _: &Setting) -> Heard<Vec<Draft>> {
    let verb = match words.is_empty() {
        true => "list",
        false => words.verb("ip netns", VERBS)?,
    };
    let mut draft = Draft::new("netns", verb);
    if verb != "list" {
        let name = words.value("ip netns")?;
        draft.argument(Value::Str(name.into()), words);
    }
    words.finish()?;
    Ok(draft.into())
}
