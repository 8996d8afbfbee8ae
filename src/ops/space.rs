//! What is done in a namespace itself: `ping`, `traceroute`, `exec`, `start`; and, of their own files, `serve`, `fetch` and
//! `capture`.

mod command;

use std::rc::Rc;
use std::time::Duration;

use serde_json::json;

use super::types::Span;
use super::value::{Value, not_wanted};
use super::{Act, Answer, Args, Noun, Options, Place, Shape, Typed, Verb, World, addr};
use crate::error::{Kind, Part, Problem, Result};
use crate::netns::NsName;
use crate::options;
use crate::probe::{self, ping, traceroute};
use crate::process::{Process, Program};

/// The declaration of the verbs of a namespace itself.
pub const NOUN: Noun = Noun {
    name: "",
    place: Place::Namespace,
    doc: "What is done in a namespace.",
    verbs: &[
        PING,
        TRACEROUTE,
        EXEC,
        START,
        super::serve::SERVE,
        super::serve::FETCH,
        super::capture::CAPTURE,
    ],
    commands: command::COMMANDS,
};

const PING: Verb = Verb {
    name: "ping",
    usage: "TARGET",
    keys: &[PingOptions::KEYS],
    doc: "Sends ICMP echoes and reports what came back. No answer is a result, not an error. The target is an address, or a
namespace: then its first global address.

`ping -c 1 -W 1 TARGET`

The result has `ok`, `transmitted`, `received`, `loss` in percent, `rtt` with `min`, `avg`, `max` in ms, `error` (why there was
no answer, or \"\") and `from` (who answered).

```rhai
let reply = host.ping(\"127.0.0.1\", #{ count: 3, interval: \"10ms\" });
assert(reply.ok, \"lo answers\");
assert_eq(reply.received, 3);
assert_eq(netns::add(\"ns0\").ping(\"10.0.0.1\").error, \"Network is unreachable\");
```",
    act: Act::Ask(ping),
};

const TRACEROUTE: Verb = Verb {
    name: "traceroute",
    usage: "TARGET",
    keys: &[TracerouteOptions::KEYS],
    doc: "The way to a target, hop by hop: an array, the nearest first. The target is an address, or a namespace: then its first
global address.

`traceroute -I -n -q 1 TARGET`

A hop has `ttl` (its distance, from 1), `from` (who answered, or \"\"), `rtt` in ms (or `()`) and `error`: \"\" for a router on
the way and for the target, \"timeout\" where nobody answered, else why it goes no further.

```rhai
let way = host.traceroute(\"127.0.0.1\");
assert_eq(way.map(|hop| hop.from), [\"127.0.0.1\"]);
assert_eq(netns::add(\"ns0\").traceroute(\"10.0.0.1\")[0].error, \"Network is unreachable\");
```",
    act: Act::Ask(traceroute),
};

const EXEC: Verb = Verb {
    name: "exec",
    usage: "COMMAND",
    keys: &[ExecOptions::KEYS],
    doc: "Runs a program to its end: a line for the shell, or an array with the exact words.

`ip netns exec NAME COMMAND`

The result has `ok`, `status`, `stdout`, `stderr`. With `check: true` a failure is an error.

```rhai
let ns0 = netns::add(\"ns0\");
assert_eq(ns0.exec(\"ls /sys/class/net\").stdout, \"lo\\n\");
assert_eq(host.exec([\"echo\", \"two  spaces\"]).stdout, \"two  spaces\\n\");
assert_eq(host.exec(\"exit 3\").status, 3);
```",
    act: Act::Ask(exec),
};

const START: Verb = Verb {
    name: "start",
    usage: "COMMAND",
    keys: &[],
    doc: "Starts a program in the background. The handle has `pid`, `alive`, `stdout`, `stderr`, `stop()` and `wait()`. What still
runs at the end of the lab is ended.

`ip netns exec NAME COMMAND &`

```rhai
let waiting = host.start(\"echo ready; sleep 100\");
assert(eventually(\"2s\", || waiting.stdout == \"ready\\n\"), \"it runs\");
assert(waiting.alive, \"it goes on\");
waiting.stop();
assert(!waiting.alive, \"it has ended\");
```",
    act: Act::Ask(start),
};

options! {
    /// The keys of `ping`.
    struct PingOptions {
        /// how many echoes; 1
        count: u32,
        /// how long to wait for each answer; 1s
        timeout: Span,
        /// the time between two echoes; 1s
        interval: Span,
        /// bytes of payload; 56
        size: u16,
        /// hops it may take
        ttl: u8,
        /// never fragment: too large for the path is an error
        dont_fragment: bool,
    }
}

options! {
    /// The keys of `traceroute`.
    struct TracerouteOptions {
        /// how many hops to go at most; 30
        max_hops: u8,
        /// how long to wait for each hop's answer; 1s
        timeout: Span,
    }
}

options! {
    /// The keys of `exec`.
    struct ExecOptions {
        /// a failure is an error
        check: bool,
        /// the program is killed when it takes longer
        timeout: Span,
    }
}

/// The status of a program that took too long, as timeout(1) has it.
const TIMED_OUT: i32 = 124;

/// What to reach: an address, or a namespace for its first global one.
enum Target {
    Address(probe::Target),
    Netns(NsName),
}

impl Typed for Target {
    const WANTS: &'static str = "an address such as \"10.0.0.1\", or a netns";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Netns(name) => Ok(Target::Netns(name.clone())),
            Value::Str(text) => text.parse().map(Target::Address).map_err(|_| not_wanted::<Self>(value)),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        match self {
            Target::Address(address) => address.to_string(),
            Target::Netns(name) => name.to_string(),
        }
    }
}

impl Target {
    fn address(self, world: &World) -> Result<probe::Target> {
        match self {
            Target::Address(address) => Ok(address),
            Target::Netns(name) => addr::first_global(world, &name).map(Into::into),
        }
    }
}

impl Typed for Program {
    const WANTS: &'static str = "a command line, or an array of words";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Str(line) if line.trim().is_empty() => Err("is empty".into()),
            Value::Str(line) if !line.contains('\0') => Ok(Program::Line(line.clone())),
            Value::List(words) => {
                let words: Vec<String> = words.iter().map(String::read).collect::<Result<_, _>>()?;
                match words.first() {
                    None => Err("is empty".into()),
                    Some(_) if words.iter().any(|word| word.contains('\0')) => Err("has a zero byte in it".into()),
                    Some(_) => Ok(Program::Words(words)),
                }
            }
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        Program::spell(self)
    }
}

fn ping(world: &World, netns: &NsName, mut args: Args) -> Result<Answer> {
    let target: Target = args.required("the target")?;
    let options = PingOptions::take(&mut args)?;
    args.finish(PingOptions::KEYS)?;
    if options.count == Some(0) {
        return Err(Problem::argument("`count` is at least 1").at(Part::Key("count".into())));
    }
    let default = ping::Settings::default();
    let settings = ping::Settings {
        count: options.count.unwrap_or(default.count),
        timeout: options.timeout.map_or(default.timeout, |span| span.0),
        interval: options.interval.map_or(default.interval, |span| span.0),
        size: options.size.unwrap_or(default.size),
        ttl: options.ttl,
        dont_fragment: options.dont_fragment.unwrap_or(default.dont_fragment),
    };
    let address = target.address(world)?;
    let report = world.kernel.block_on(async {
        let space = world.space(netns)?;
        let prober = space
            .within(|| ping::open(&address, &settings))?
            .map_err(|e| Problem::system(&format!("ping {address} in {netns}"), e))?;
        world.interrupt.or(prober.run()).await
    })?;
    world.tries.note(netns, address.address, "icmp", report.ok);
    Ok(Answer::One(Shape::Ping, super::fact::json(&report)))
}

fn traceroute(world: &World, netns: &NsName, mut args: Args) -> Result<Answer> {
    let target: Target = args.required("the target")?;
    let options = TracerouteOptions::take(&mut args)?;
    args.finish(TracerouteOptions::KEYS)?;
    if options.max_hops == Some(0) {
        return Err(Problem::argument("`max_hops` is at least 1").at(Part::Key("max_hops".into())));
    }
    let default = traceroute::Settings::default();
    let settings = traceroute::Settings {
        max_hops: options.max_hops.unwrap_or(default.max_hops),
        timeout: options.timeout.map_or(default.timeout, |span| span.0),
    };
    let address = target.address(world)?;
    let trace = world.kernel.block_on(async {
        let space = world.space(netns)?;
        let tracer = space
            .within(|| traceroute::open(&address, &settings))?
            .map_err(|e| Problem::system(&format!("traceroute {address} in {netns}"), e))?;
        world.interrupt.or(tracer.run()).await
    })?;
    let is_there = trace.hops.last().is_some_and(|hop| hop.from == address.to_string());
    world.tries.note(netns, address.address, "icmp", is_there);
    Ok(Answer::Many(
        Shape::Hop,
        trace.hops.iter().map(super::fact::json).collect(),
    ))
}

fn exec(world: &World, netns: &NsName, mut args: Args) -> Result<Answer> {
    let program: Program = args.required("the command")?;
    let options = ExecOptions::take(&mut args)?;
    args.finish(ExecOptions::KEYS)?;
    let ran = world.kernel.block_on(async {
        let process = match begin(world, netns, &program)? {
            Ok(process) => process,
            Err(problem) => return Ok((127, String::new(), format!("{problem}\n"))),
        };
        let limit = options.timeout.map_or(Duration::MAX, |span| span.0);
        let waited = world.interrupt.or(tokio::time::timeout(limit, process.wait())).await;
        if !matches!(waited, Ok(Ok(_))) {
            process.kill();
        }
        let status = waited?.unwrap_or(TIMED_OUT);
        if process.overflowed() {
            let limit = crate::process::OUTPUT_LIMIT >> 20;
            return Err(Problem::new(
                Kind::Limit,
                format!("`{}` wrote more than {limit} MiB", program.spell()),
            )
            .help("send what it writes to a file, or run it with start()"));
        }
        Ok((status, process.stdout(), process.stderr()))
    })?;
    let (status, stdout, stderr) = ran;
    // `ping -c 1 10.0.0.2`, as who knows it writes it.
    for address in program.spell().split_whitespace().filter_map(|word| word.parse().ok()) {
        world.tries.note(netns, address, "icmp", status == 0);
    }
    if status != 0 && options.check == Some(true) {
        let last = stderr.trim_end().lines().last().unwrap_or_default().to_string();
        let message = format!("`{}` in {netns} ended with status {status}", program.spell());
        let message = if last.is_empty() {
            message
        } else {
            format!("{message}: {last}")
        };
        return Err(
            Problem::new(Kind::Command, message).during(super::exec_in(netns, &program.spell()), netns.as_str())
        );
    }
    Ok(Answer::One(
        Shape::Plain,
        json!({ "ok": status == 0, "status": status, "stdout": stdout, "stderr": stderr }),
    ))
}

fn start(world: &World, netns: &NsName, mut args: Args) -> Result<Answer> {
    let program: Program = args.required("the command")?;
    args.finish(&[])?;
    let started = world.kernel.block_on(async { begin(world, netns, &program) })?;
    started.map(Answer::Process)
}

/// Starts a program. The inner error is that of the program itself: not found, not executable.
fn begin(world: &World, netns: &NsName, program: &Program) -> Result<Result<Rc<Process>>> {
    let space = world.space(netns)?;
    let started = world.processes.start(netns, &space.netns()?, program);
    Ok(started.map_err(|e| {
        let mut problem = Problem::system(&program.spell(), e);
        problem.kind = Kind::Command;
        problem
            .during(super::exec_in(netns, &program.spell()), netns.as_str())
            .at(Part::Argument(0))
    }))
}
