//! What scripts have beside the nouns: functions, words, and the fields of handles. Each is declared once, with its
//! documentation and its registration together, in the module that knows it.

use std::rc::Rc;

use rhai::Engine;

use super::{Shared, handles, proving, troubles};
use crate::ops::Key;

/// Everything there is.
pub const BUILTINS: &[&Group] = &[
    &proving::GROUP,
    &handles::NETNS,
    &handles::PROCESS,
    &handles::CAPTURE,
    &troubles::GROUP,
];

/// What belongs together: the functions that stand alone, or what a value has.
pub struct Group {
    /// The name of the value's type; empty for what stands alone.
    pub name: &'static str,
    /// Markdown: what it is.
    pub doc: &'static str,
    /// What there is.
    pub items: &'static [Builtin],
    /// Makes the type known to the engine.
    pub(super) register: Register,
}

/// One function, word or field.
pub struct Builtin {
    /// Its name.
    pub name: &'static str,
    /// How it is written.
    pub form: Form,
    /// What it gives, in a script author's words; empty for nothing.
    pub gives: &'static str,
    /// The keys of its options.
    pub keys: &'static [Key],
    /// Markdown: what it does, and an example that is run as a test, where one is needed.
    pub doc: &'static str,
    /// Makes it known to the engine.
    pub(super) register: Register,
}

/// How a builtin is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A word of its own.
    Word,
    /// A call with these arguments.
    Call(&'static str),
    /// A field of a value.
    Field,
}

pub(super) type Register = fn(&mut Engine, &Rc<Shared>);

/// For what the engine knows in another way.
pub(super) const ELSEWHERE: Register = |_, _| {};

pub(super) fn register(engine: &mut Engine, shared: &Rc<Shared>) {
    for group in BUILTINS {
        (group.register)(engine, shared);
        for item in group.items {
            (item.register)(engine, shared);
        }
    }
}

/// The names of those that are written in a form.
pub(super) fn names(is: impl Fn(Form) -> bool) -> impl Iterator<Item = &'static str> {
    let items = BUILTINS.iter().flat_map(|group| group.items);
    items.filter(move |item| is(item.form)).map(|item| item.name)
}
