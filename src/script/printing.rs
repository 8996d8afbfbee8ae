//! `print`: what came from the kernel reads as the command's own text.

use std::rc::Rc;

use rhai::{Array, Dynamic, Engine, EvalAltResult, Map, NativeCallContext};

use super::Shared;
use super::builtins::{Builtin, Form};
use super::values::{argument, data};
use crate::diagnostics::escaped;
use crate::ops::Shape;

pub(super) const PRINT: Builtin = Builtin {
    name: "print",
    form: Form::Call("VALUE"),
    gives: "",
    keys: &[],
    doc: "Writes a value on standard output, in a line. What `show` returned reads as `ip` prints it.

```rhai
print(host.addr.show());
```",
    register: |engine, _| {
        for name in ["print", "to_string"] {
            engine.register_raw_fn(name, [std::any::TypeId::of::<Array>()], text_of);
            engine.register_raw_fn(name, [std::any::TypeId::of::<Map>()], text_of);
        }
    },
};

/// Takes over what the engine prints.
pub(super) fn register(engine: &mut Engine, shared: &Rc<Shared>) {
    let sink = shared.clone();
    engine.on_print(move |text| write(&sink, &format!("{}\n", escaped(text))));
    let sink = shared.clone();
    engine.on_debug(move |text, source, position| {
        let place = match (source, position.line()) {
            (Some(source), Some(line)) => format!("{source}:{line}: "),
            _ => String::new(),
        };
        write(&sink, &format!("{place}{}\n", escaped(text)));
    });
}

/// Writes to the sink. When nobody reads any more (a closed pipe), the script is stopped as by SIGPIPE: the engine
/// asks at its next step. What runs on exit is not stopped.
pub(super) fn write(shared: &Shared, text: &str) {
    if shared.is_unread.get() || (shared.sink.borrow_mut())(text).is_ok() {
        return;
    }
    shared.is_unread.set(true);
    if !shared.is_leaving.get() {
        shared.world.interrupt.raise(nix::libc::SIGPIPE);
    }
}

/// The text of an array or a map: `ip`'s own where it is facts, else Rhai's.
fn text_of(context: NativeCallContext, given: &mut [&mut Dynamic]) -> Result<Dynamic, Box<EvalAltResult>> {
    let value = &*given[0];
    if let Some(text) = facts_text(value) {
        return Ok(text.into());
    }
    let debug = |item: &Dynamic| {
        context
            .call_native_fn::<Dynamic>("to_debug", (item.clone(),))
            .map(|text| text.to_string())
    };
    let text = if let Some(items) = value.read_lock::<Array>() {
        let items: Vec<_> = items.iter().map(debug).collect::<Result<_, _>>()?;
        format!("[{}]", items.join(", "))
    } else if let Some(map) = value.read_lock::<Map>() {
        let items = map
            .iter()
            .map(|(key, item)| debug(item).map(|item| format!("{key:?}: {item}")));
        format!("#{{{}}}", items.collect::<Result<Vec<_>, _>>()?.join(", "))
    } else {
        String::new()
    };
    Ok(text.into())
}

/// The text of facts, where the value is one or an array of one shape.
pub(super) fn facts_text(value: &Dynamic) -> Option<String> {
    let shape = |value: &Dynamic| Shape::from_number(value.tag()).filter(|shape| *shape != Shape::Plain);
    if let Some(items) = value.read_lock::<Array>() {
        // An array made of facts by `filter` or `+` has no tag of its own.
        let shape = shape(value).or_else(|| items.first().and_then(shape))?;
        let is_pure = items.iter().all(|item| Shape::from_number(item.tag()) == Some(shape));
        return is_pure.then(|| shape.print(items.iter().map(|item| data(argument(item))).collect()))?;
    }
    shape(value)?.print(vec![data(argument(value))])
}
