//! Proving and pacing: `assert`, `assert_eq`, `eventually`, `sleep`, `on_exit`.

use std::time::{Duration, Instant};

use rhai::{Array, Dynamic, EvalAltResult, FnPtr, ImmutableString, Map, NativeCallContext, Position};

use super::builtins::{self, Builtin, Form, Group};
use super::troubles::raise;
use super::values::argument;
use super::{Shared, claiming, drawing, handles, printing, troubles};
use crate::error::{Kind, Part, Problem, Result};
use crate::ops::{Span, Typed, Value};

/// The pauses between two tries of `eventually`.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(100));

type Outcome<T> = Result<T, Box<EvalAltResult>>;

/// The functions and words that stand alone.
pub(super) const GROUP: Group = Group {
    name: "",
    doc: "What stands alone. Beside it are [Rhai's own functions](https://rhai.rs/book) of text, numbers, arrays and maps.",
    register: builtins::ELSEWHERE,
    items: &[
        HOST,
        ARGS,
        ASSERT,
        ASSERT_EQ,
        claiming::CLAIM,
        EVENTUALLY,
        SLEEP,
        ON_EXIT,
        PROGRESS,
        EXIT,
        printing::PRINT,
        drawing::DRAW,
        troubles::ERROR,
    ],
};

const HOST: Builtin = Builtin {
    name: "host",
    form: Form::Word,
    gives: "a netns",
    keys: &[],
    doc: "The lab's own root namespace: a machine without a network card, whose `lo` is up.

```rhai
assert_eq(host.name, \"host\");
assert_eq(host.link.show().len(), 1);
```",
    register: handles::register_host,
};

const ARGS: Builtin = Builtin {
    name: "args",
    form: Form::Word,
    gives: "an array of text",
    keys: &[],
    doc:
        "What stood after the script's name: `nsx run lab.rhai 3 fast`. It is known at the top level, not in functions.

```rhai
let count = if args.len() > 0 { parse_int(args[0]) } else { 2 };
assert_eq(count, 2);
```",
    // A constant of the script's scope: the run puts it there.
    register: builtins::ELSEWHERE,
};

const ASSERT: Builtin = Builtin {
    name: "assert",
    form: Form::Call("CONDITION [WHAT]"),
    gives: "",
    keys: &[],
    doc: "Proves that the condition holds. If it does not, the script ends with exit status 1, and the line is shown with what
should have been. It cannot be caught.

```rhai
assert(host.ping(\"127.0.0.1\").ok, \"lo answers\");
```",
    register: |engine, lab| {
        let (one, two) = (lab.clone(), lab.clone());
        engine
            .register_fn("assert", move |condition: Dynamic| assert(&one, &condition, ""))
            .register_fn("assert", move |condition: Dynamic, what: ImmutableString| {
                assert(&two, &condition, &what)
            });
    },
};

const ASSERT_EQ: Builtin = Builtin {
    name: "assert_eq",
    form: Form::Call("LEFT RIGHT [WHAT]"),
    gives: "",
    keys: &[],
    doc: "Proves that two values are the same: numbers by their value, arrays and maps through and through. Else the script
ends as with `assert`, and both are shown.

```rhai
assert_eq(host.sysctl.get(\"net.ipv4.ip_forward\"), \"0\", \"a machine is no router\");
```",
    register: |engine, lab| {
        let (two, three) = (lab.clone(), lab.clone());
        engine
            .register_fn("assert_eq", move |left: Dynamic, right: Dynamic| {
                assert_eq(&two, &left, &right, "")
            })
            .register_fn("assert_eq", move |left: Dynamic, right: Dynamic, what: ImmutableString| {
                assert_eq(&three, &left, &right, &what)
            });
    },
};

const EVENTUALLY: Builtin = Builtin {
    name: "eventually",
    form: Form::Call("DURATION CONDITION"),
    gives: "true or false",
    keys: &[],
    doc: "Tries until the condition, a closure, holds or the time is up; says whether it held.

```rhai
let server = host.start(\"sleep 0.1; echo ready\");
assert(eventually(\"3s\", || server.stdout == \"ready\\n\"), \"the server is ready\");
```",
    register: |engine, lab| {
        let lab = lab.clone();
        engine.register_fn(
            "eventually",
            move |context: NativeCallContext, span: Dynamic, condition: FnPtr| {
                eventually(&context, &lab, read_span("eventually", &span)?, &condition)
            },
        );
    },
};

const SLEEP: Builtin = Builtin {
    name: "sleep",
    form: Form::Call("DURATION"),
    gives: "",
    keys: &[],
    doc: "Waits. To wait for something, `eventually` is better: it goes on as soon as it can.

```rhai
sleep(\"20ms\");
```",
    // Rhai has a sleep of its own, for bare numbers, which nothing interrupts: all three are replaced.
    register: |engine, shared| {
        let lab = shared.clone();
        engine.register_fn("sleep", move |span: Dynamic| sleep(&lab, &span));
        let lab = shared.clone();
        engine.register_fn("sleep", move |span: i64| sleep(&lab, &span.into()));
        let lab = shared.clone();
        engine.register_fn("sleep", move |span: f64| sleep(&lab, &span.into()));
    },
};

const PROGRESS: Builtin = Builtin {
    name: "progress",
    form: Form::Call("DONE TOTAL"),
    gives: "",
    keys: &[],
    doc: "Says how far something long has come. A terminal shows a bar when it takes more than a second; elsewhere nothing is seen.

```rhai
for i in 0..20 {
    netns::add(`ns${i}`);
    progress(i + 1, 20);
}
```",
    register: |engine, shared| {
        let lab = shared.clone();
        engine.register_fn("progress", move |done: i64, total: i64| {
            if let Some(meter) = lab.meter.borrow_mut().as_mut() {
                meter(done.max(0).unsigned_abs(), total.max(0).unsigned_abs());
            }
        });
    },
};

const ON_EXIT: Builtin = Builtin {
    name: "on_exit",
    form: Form::Call("ACTION"),
    gives: "",
    keys: &[],
    doc: "Keeps a closure for the end of the lab, whatever ends it: an error, `exit`, Ctrl-C. Several run last first.

```rhai
on_exit(|| print(host.link.show()));
```",
    register: |engine, lab| {
        let lab = lab.clone();
        engine.register_fn("on_exit", move |action: FnPtr| lab.exits.borrow_mut().push(action));
    },
};

const EXIT: Builtin = Builtin {
    name: "exit",
    form: Form::Call("[STATUS]"),
    gives: "",
    keys: &[],
    doc: "Ends the script here, with an exit status from 0 to 255; 0.

```rhai
if args.is_empty() {
    print(\"nothing to do\");
    exit();
}
assert(false, \"never reached\");
```",
    register: |engine, _| {
        engine.register_fn("exit", || exit(0)).register_fn("exit", exit);
    },
};

/// The status that a script chose to end with.
#[derive(Clone, Copy)]
struct Chosen(u8);

/// The status that a script chose, if that is what ended it.
pub(super) fn chosen(error: &EvalAltResult) -> Option<u8> {
    match error.unwrap_inner() {
        EvalAltResult::ErrorTerminated(value, _) => value.read_lock::<Chosen>().map(|chosen| chosen.0),
        _ => None,
    }
}

/// Ends the script here. It replaces Rhai's own, whose status the caller does not get.
fn exit(status: i64) -> Outcome<()> {
    let status = u8::try_from(status)
        .map_err(|_| raise(Problem::argument("exit: the status is from 0 to 255").at(Part::Argument(0))))?;
    Err(EvalAltResult::ErrorTerminated(Dynamic::from(Chosen(status)), Position::NONE).into())
}

fn read_span(function: &str, span: &Dynamic) -> Outcome<Duration> {
    Span::read(&argument(span))
        .map(|span| span.0)
        .map_err(|why| raise(Problem::argument(format!("{function}: the duration {why}")).at(Part::Argument(0))))
}

fn sleep(lab: &Shared, span: &Dynamic) -> Outcome<()> {
    let span = read_span("sleep", span)?;
    // A timer is made within the runtime.
    let slept = lab.world.wait(async { tokio::time::sleep(span).await });
    slept.map_err(raise)
}

fn assert(lab: &Shared, condition: &Dynamic, what: &str) -> Outcome<()> {
    match condition.as_bool() {
        Ok(true) => {
            lab.world.tries.settle();
            Ok(())
        }
        Ok(false) => Err(failed(what, "")),
        Err(_) => {
            let message = format!(
                "assert: the condition wants true or false, not {}",
                argument(condition).describe()
            );
            Err(raise(Problem::argument(message).at(Part::Argument(0))))
        }
    }
}

fn assert_eq(lab: &Shared, left: &Dynamic, right: &Dynamic, what: &str) -> Outcome<()> {
    if equal(left, right) {
        lab.world.tries.settle();
        return Ok(());
    }
    let show = |value: &Dynamic| format!("{value:?}");
    Err(failed(what, &format!("left:  {}\nright: {}", show(left), show(right))))
}

/// A failed assertion ends the script: it cannot be caught.
fn failed(what: &str, help: &str) -> Box<EvalAltResult> {
    let message = if what.is_empty() {
        "assertion failed".into()
    } else {
        format!("assertion failed: {what}")
    };
    let problem = Problem::new(Kind::Assertion, message).help(help);
    EvalAltResult::ErrorTerminated(Dynamic::from(*problem), Position::NONE).into()
}

/// Whether two values are the same, numbers by their value, arrays and maps through and through.
pub(super) fn equal(left: &Dynamic, right: &Dynamic) -> bool {
    if let (Some(left), Some(right)) = (left.read_lock::<Array>(), right.read_lock::<Array>()) {
        return left.len() == right.len() && left.iter().zip(right.iter()).all(|(left, right)| equal(left, right));
    }
    if let (Some(left), Some(right)) = (left.read_lock::<Map>(), right.read_lock::<Map>()) {
        return left.len() == right.len()
            && left
                .iter()
                .zip(right.iter())
                .all(|((key, left), (other, right))| key == other && equal(left, right));
    }
    match (argument(left), argument(right)) {
        (Value::Int(left), Value::Float(right)) | (Value::Float(right), Value::Int(left)) => left as f64 == right,
        (Value::Other(_), _) => false,
        (left, right) => left == right,
    }
}

/// Tries until the condition holds or the time is up. The last try begins within the time.
fn eventually(context: &NativeCallContext, lab: &Shared, span: Duration, condition: &FnPtr) -> Outcome<bool> {
    let end = Instant::now() + span;
    let mut pause = PAUSES.0;
    loop {
        let holds: Dynamic = condition.call_within_context(context, ())?;
        match holds.as_bool() {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(_) => {
                let message = format!(
                    "eventually: the condition wants true or false, not {}",
                    argument(&holds).describe()
                );
                return Err(raise(Problem::argument(message).at(Part::Argument(1))));
            }
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        let wait = pause.min(left);
        lab.world
            .kernel
            .block_on(async { lab.world.interrupt.or(tokio::time::sleep(wait)).await })
            .map_err(raise)?;
        pause = (pause * 2).min(PAUSES.1);
    }
}
