//! `claim`: what a post, or somebody, says; compared with what is. A claim that does not hold is told, and the script goes
//! on.

use std::rc::Rc;

use rhai::{Array, Dynamic, EvalAltResult, ImmutableString, NativeCallContext};

use super::Shared;
use super::builtins::{Builtin, Form};
use super::printing::{facts_text, write};
use super::proving::equal;

/// How many claims held, and how many did not.
#[derive(Clone, Copy, Default)]
pub(super) struct Tally {
    held: u32,
    failed: u32,
}

pub(super) const CLAIM: Builtin = Builtin {
    name: "claim",
    form: Form::Call("FACT SAID [WHAT]"),
    gives: "true or false",
    keys: &[],
    doc: "Compares what is with what is said of it, and says whether they agree. Unlike `assert_eq`, it lets the script go on: a
claim that does not hold is told on standard output, and a last line says how many did. `nsx import` makes claims of what a
post shows.

Values are compared as `assert_eq` does. An array that is said must be part of an array that is; of what `show` returned,
each text that is said must stand in what it prints.

```rhai
assert(claim(host.ping(\"127.0.0.1\").ok, true, \"lo answers\"));
assert(claim(host.addr.show(), [\"inet 127.0.0.1/8\", \"mtu 65536\"], \"what lo is like\"));
assert(!claim(netns::list(), [\"ns0\"], \"there is ns0\"), \"there is not\");
```",
    register: |engine, lab| {
        let shared = lab.clone();
        engine.register_fn("claim", move |context: NativeCallContext, is: Dynamic, said: Dynamic, what: ImmutableString| {
            claim(&context, &shared, &is, &said, &what)
        });
        let shared = lab.clone();
        engine.register_fn("claim", move |context: NativeCallContext, is: Dynamic, said: Dynamic| {
            claim(&context, &shared, &is, &said, "")
        });
    },
};

fn claim(
    context: &NativeCallContext,
    shared: &Rc<Shared>,
    is: &Dynamic,
    said: &Dynamic,
    what: &str,
) -> Result<bool, Box<EvalAltResult>> {
    let text = facts_text(is);
    let missing = missing(is, said, text.as_deref());
    let mut tally = shared.tally.get();
    let Some(missing) = missing else {
        tally.held += 1;
        shared.tally.set(tally);
        return Ok(true);
    };
    tally.failed += 1;
    shared.tally.set(tally);
    let shown = |value: &Dynamic| {
        let debug = context.call_native_fn::<Dynamic>("to_debug", (value.clone(),));
        debug.map_or_else(|_| format!("{value:?}"), |text| text.to_string())
    };
    let place = if what.is_empty() {
        context.call_position().to_string()
    } else {
        what.to_string()
    };
    let here = text.unwrap_or_else(|| shown(is));
    let said = missing.clone().into_string().unwrap_or_else(|_| shown(&missing));
    let here = here.trim_end().replace('\n', "\n          ");
    write(
        shared,
        &format!("claim does not hold: {place}\n    said: {said}\n    here: {here}\n"),
    );
    Ok(false)
}

/// What is said and is not so; nothing where all is.
fn missing(is: &Dynamic, said: &Dynamic, text: Option<&str>) -> Option<Dynamic> {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let printed = text.map(|text| text.lines().map(plain).collect::<Vec<_>>());
    let stands = |phrase: &Dynamic| match (&printed, phrase.read_lock::<ImmutableString>()) {
        (Some(lines), Some(phrase)) => lines.iter().any(|line| line.contains(&plain(&phrase))),
        _ => false,
    };
    let Some(phrases) = said.read_lock::<Array>() else {
        let holds = match printed {
            Some(_) => stands(said),
            None => equal(is, said),
        };
        return (!holds).then(|| said.clone());
    };
    let is = is.read_lock::<Array>();
    let holds = |phrase: &Dynamic| match (&printed, &is) {
        (Some(_), _) => stands(phrase),
        (None, Some(items)) => items.iter().any(|item| equal(item, phrase)),
        (None, None) => false,
    };
    let wrong: Vec<String> = phrases
        .iter()
        .filter(|phrase| !holds(phrase))
        .map(ToString::to_string)
        .collect();
    (!wrong.is_empty()).then(|| wrong.join(", ").into())
}

/// Says how many claims held, if there were any.
pub(super) fn sum_up(shared: &Shared) {
    let Tally { held, failed } = shared.tally.get();
    let text = match (held, failed) {
        (0, 0) => return,
        (held, 0) => format!("claims: all {held} hold\n"),
        (held, failed) => format!("claims: {held} hold, {failed} do not\n"),
    };
    write(shared, &text);
}
