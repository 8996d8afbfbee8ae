//! The handles that a script holds: a namespace, a noun of it, a program in the background, a capture.

use std::rc::Rc;

use rhai::{Dynamic, Engine, EvalAltResult, NativeCallContext};

use super::Shared;
use super::builtins::{Builtin, Form, Group, Register};
use super::engine::{self, call};
use super::troubles::raise;
use crate::capture::Capture;
use crate::netns::NsName;
use crate::ops::{Noun, netns};
use crate::process::Process;

/// A namespace: `ns0`, `host`.
#[derive(Clone)]
pub(super) struct NetnsHandle(pub NsName);

/// A noun of a namespace: `ns0.link`.
#[derive(Clone)]
pub(super) struct NounHandle {
    pub netns: NsName,
    pub noun: &'static Noun,
}

/// A program that `start` started.
#[derive(Clone)]
pub(super) struct ProcessHandle {
    shared: Rc<Shared>,
    process: Rc<Process>,
}

/// A capture that `capture` began.
#[derive(Clone)]
pub(super) struct CaptureHandle {
    shared: Rc<Shared>,
    capture: Rc<Capture>,
}

impl CaptureHandle {
    pub(super) fn new(shared: &Rc<Shared>, capture: Rc<Capture>) -> CaptureHandle {
        CaptureHandle {
            shared: shared.clone(),
            capture,
        }
    }
}

impl NounHandle {
    pub(super) fn new(netns: &NsName, noun: &'static Noun) -> NounHandle {
        NounHandle {
            netns: netns.clone(),
            noun,
        }
    }
}

impl ProcessHandle {
    pub(super) fn new(shared: &Rc<Shared>, process: Rc<Process>) -> ProcessHandle {
        ProcessHandle {
            shared: shared.clone(),
            process,
        }
    }
}

/// The getter of a noun within a noun: `bridge.fdb`.
pub(super) fn inner(last: &'static str) -> impl Fn(&mut NounHandle) -> Result<NounHandle, Box<EvalAltResult>> {
    move |outer: &mut NounHandle| {
        let found = outer.noun.inner().find(|(name, _)| *name == last);
        found
            .map(|(_, noun)| NounHandle::new(&outer.netns, noun))
            .ok_or_else(|| raise(engine::no_such(outer.noun, last)))
    }
}

/// What a namespace has beside its nouns.
pub(super) const NETNS: Group = Group {
    name: "netns",
    doc: "A namespace: what `netns::add` and `netns::get` return, and `host`. Beside what stands here it has its nouns: `ns.link`, `ns.route` and so on.",
    register: register_netns,
    items: &[
        Builtin {
            name: "name",
            form: Form::Field,
            gives: "text",
            keys: &[],
            doc: "Its name.",
            register: |engine, _| {
                engine.register_get("name", |ns: &mut NetnsHandle| ns.0.to_string());
            },
        },
        Builtin {
            name: "del",
            form: Form::Call(""),
            gives: "",
            keys: &[],
            doc: "The same as `netns::del` of it.

```rhai
let ns0 = netns::add(\"ns0\");
ns0.del();
assert_eq(netns::list(), []);
```",
            register: register_del,
        },
    ],
};

fn register_netns(engine: &mut Engine, _: &Rc<Shared>) {
    engine
        .register_type_with_name::<NetnsHandle>("netns")
        .register_fn("to_string", |ns: &mut NetnsHandle| ns.0.to_string())
        .register_fn("to_debug", |ns: &mut NetnsHandle| format!("netns({:?})", ns.0.as_str()))
        .register_fn("==", |a: NetnsHandle, b: NetnsHandle| a.0 == b.0)
        .register_fn("!=", |a: NetnsHandle, b: NetnsHandle| a.0 != b.0)
        .register_type_with_name::<NounHandle>("noun")
        .register_fn("to_string", |handle: &mut NounHandle| {
            format!("{}.{}", handle.netns, handle.noun.name)
        })
        .register_fn("to_debug", |handle: &mut NounHandle| {
            format!("{}.{}", handle.netns, handle.noun.name)
        });
}

fn register_del(engine: &mut Engine, shared: &Rc<Shared>) {
    let lab = shared.clone();
    engine.register_fn("del", move |context: NativeCallContext, ns: &mut NetnsHandle| {
        lab.at(&context);
        call(
            &lab,
            &netns::NOUN,
            "del",
            &NsName::host(),
            &mut [&mut Dynamic::from(ns.clone())],
        )
    });
}

/// `host` is a syntax of one word, so that it is known at the top level, in functions, in closures and in modules.
pub(super) fn register_host(engine: &mut Engine, _: &Rc<Shared>) {
    engine
        .register_custom_syntax(["host"], false, |_, _| Ok(Dynamic::from(NetnsHandle(NsName::host()))))
        .expect("one word is a valid syntax");
}

/// What a program in the background has.
pub(super) const PROCESS: Group = Group {
    name: "process",
    doc: "A program in the background: what `ns.start` returns.

```rhai
let server = host.start(\"echo ready; sleep 100\");
assert(eventually(\"3s\", || server.stdout == \"ready\\n\"), \"it is ready\");
server.stop();
assert_eq(server.wait(), 143, \"128 and the number of SIGTERM\");
```",
    register: |engine, _| {
        let text = |handle: &mut ProcessHandle| format!("process {}", handle.process.pid);
        engine
            .register_type_with_name::<ProcessHandle>("process")
            .register_fn("to_string", text)
            .register_fn("to_debug", text);
    },
    items: &[
        field("pid", "a number", "Its process id, as the lab sees it.", |engine, _| {
            engine.register_get("pid", |handle: &mut ProcessHandle| i64::from(handle.process.pid));
        }),
        field("alive", "true or false", "Whether it still runs.", |engine, _| {
            engine.register_get("alive", |handle: &mut ProcessHandle| {
                let _runtime = handle.shared.world.kernel.enter();
                handle.process.alive()
            });
        }),
        field(
            "stdout",
            "text",
            "What it has written on standard output so far.",
            |engine, _| {
                engine.register_get("stdout", |handle: &mut ProcessHandle| handle.process.stdout());
            },
        ),
        field(
            "stderr",
            "text",
            "What it has written on standard error so far.",
            |engine, _| {
                engine.register_get("stderr", |handle: &mut ProcessHandle| handle.process.stderr());
            },
        ),
        Builtin {
            name: "stop",
            form: Form::Call(""),
            gives: "",
            keys: &[],
            doc: "Ends it and what it started: SIGTERM, and SIGKILL after two seconds.",
            register: |engine, _| {
                engine.register_fn("stop", |handle: &mut ProcessHandle| {
                    handle.shared.world.kernel.block_on(handle.process.stop());
                });
            },
        },
        Builtin {
            name: "wait",
            form: Form::Call(""),
            gives: "a number",
            keys: &[],
            doc: "Waits for its end: the exit status, or 128 and the number of the signal that ended it.",
            register: |engine, _| {
                engine.register_fn("wait", |handle: &mut ProcessHandle| {
                    let waited = handle.shared.world.wait(handle.process.wait());
                    waited.map(i64::from).map_err(raise)
                });
            },
        },
    ],
};

/// What a capture has.
pub(super) const CAPTURE: Group = Group {
    name: "capture",
    doc: "A capture that goes on: what `ns.capture` returns.

```rhai
let seen = host.capture(\"lo\", #{ filter: \"icmp\", count: 2 });
host.ping(\"127.0.0.1\");
assert_eq(seen.packets, 2, \"the echo and its answer\");
assert(!seen.alive, \"its count is reached\");
```",
    register: |engine, _| {
        let text =
            |handle: &mut CaptureHandle| format!("capture on {} in {}", handle.capture.device, handle.capture.netns);
        engine
            .register_type_with_name::<CaptureHandle>("capture")
            .register_fn("to_string", text)
            .register_fn("to_debug", text);
    },
    items: &[
        field("packets", "a number", "Packets so far.", |engine, _| {
            engine.register_get("packets", |handle: &mut CaptureHandle| handle.capture.packets() as i64);
        }),
        field(
            "dropped",
            "a number",
            "Packets that were lost because they came faster than they were read.",
            |engine, _| {
                engine.register_get("dropped", |handle: &mut CaptureHandle| handle.capture.dropped() as i64);
            },
        ),
        field(
            "file",
            "text",
            "The file it writes; empty if it only counts.",
            |engine, _| {
                engine.register_get("file", |handle: &mut CaptureHandle| handle.capture.file.clone());
            },
        ),
        field("alive", "true or false", "Whether it goes on.", |engine, _| {
            engine.register_get("alive", |handle: &mut CaptureHandle| handle.capture.alive());
        }),
        Builtin {
            name: "stop",
            form: Form::Call(""),
            gives: "",
            keys: &[],
            doc: "Ends it. Its file is complete then; one that could not be written is an error.",
            register: |engine, _| {
                engine.register_fn("stop", |handle: &mut CaptureHandle| {
                    let stopped = handle.shared.world.kernel.block_on(handle.capture.stop());
                    stopped.map_err(raise)
                });
            },
        },
    ],
};

const fn field(name: &'static str, gives: &'static str, doc: &'static str, register: Register) -> Builtin {
    Builtin {
        name,
        form: Form::Field,
        gives,
        keys: &[],
        doc,
        register,
    }
}
