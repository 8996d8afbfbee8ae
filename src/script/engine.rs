//! The engine: what a script can call, made of the nouns' declarations.

use std::any::TypeId;
use std::collections::BTreeSet;
use std::rc::Rc;

use rhai::packages::{Package, StandardPackage};
use rhai::{Dynamic, Engine, EvalAltResult, FuncRegistration, Module, NativeCallContext};

use super::handles::{self, NetnsHandle, NounHandle};
use super::imports::{Imports, Resolver};
use super::values::{answer, argument};
use super::{Deed, Shared, builtins, limits, mending, printing, troubles};
use crate::error::{Kind, Problem, Result};
use crate::netns::NsName;
use crate::ops::{Act, Answer, Args, Call, Change, NOUNS, Noun, Op, Place, Value, Verb, netns};

/// The most arguments that any verb takes, and one more so that one too many is told as such.
const ARITY: usize = 4;

pub(super) fn build(shared: &Rc<Shared>, imports: &Rc<Imports>) -> Engine {
    let mut engine = Engine::new_raw();
    StandardPackage::new().register_into_engine(&mut engine);
    engine.set_strict_variables(true);
    engine.set_fail_on_invalid_map_property(false);
    engine.set_module_resolver(Resolver::new(imports.clone()));
    limits::apply(&mut engine, shared);
    register_nouns(&mut engine, shared);
    builtins::register(&mut engine, shared);
    printing::register(&mut engine, shared);
    engine
}

/// Every noun: those of a namespace as properties of its handle, those of the lab as static modules.
fn register_nouns(engine: &mut Engine, shared: &Rc<Shared>) {
    let mut verbs = BTreeSet::new();
    for noun in NOUNS {
        match (noun.place, noun.name.rsplit_once('.')) {
            (Place::Lab, _) => register_module(engine, shared, noun),
            (Place::Namespace, _) if noun.name.is_empty() => register_own(engine, shared, noun),
            (Place::Namespace, None) => {
                engine.register_get(noun.name, move |ns: &mut NetnsHandle| NounHandle::new(&ns.0, noun));
                verbs.extend(noun.verbs.iter().map(|verb| verb.name));
            }
            // A noun within a noun: `bridge.fdb`.
            (Place::Namespace, Some((_, last))) => {
                engine.register_get(last, handles::inner(last));
                verbs.extend(noun.verbs.iter().map(|verb| verb.name));
            }
        }
    }
    for verb in verbs {
        for arity in 0..=ARITY {
            let shared = shared.clone();
            engine.register_raw_fn(
                verb,
                signature::<NounHandle>(arity),
                move |context: NativeCallContext, given| {
                    let handle = given[0].clone_cast::<NounHandle>();
                    shared.at(&context);
                    call(&shared, handle.noun, verb, &handle.netns, &mut given[1..])
                },
            );
        }
    }
}

fn register_module(engine: &mut Engine, shared: &Rc<Shared>, noun: &'static Noun) {
    let mut module = Module::new();
    for verb in noun.verbs {
        let lab = shared.clone();
        // The engine gives the failure of a qualified call no position of its own accord.
        let call = move |context: &NativeCallContext, given: &mut [&mut Dynamic]| {
            lab.at(context);
            call(&lab, noun, verb.name, &NsName::host(), given).map_err(|mut error| {
                error.set_position(context.call_position());
                error
            })
        };
        let (none, one, two) = (call.clone(), call.clone(), call);
        let function = || FuncRegistration::new(verb.name);
        function().set_into_module(&mut module, move |context: NativeCallContext| none(&context, &mut []));
        function().set_into_module(&mut module, move |context: NativeCallContext, mut first: Dynamic| {
            one(&context, &mut [&mut first])
        });
        function().set_into_module(
            &mut module,
            move |context: NativeCallContext, mut first: Dynamic, mut second: Dynamic| {
                two(&context, &mut [&mut first, &mut second])
            },
        );
    }
    engine.register_static_module(noun.name, module.into());
}

fn register_own(engine: &mut Engine, shared: &Rc<Shared>, noun: &'static Noun) {
    for verb in noun.verbs {
        for arity in 0..=ARITY {
            let shared = shared.clone();
            engine.register_raw_fn(
                verb.name,
                signature::<NetnsHandle>(arity),
                move |context: NativeCallContext, given| {
                    let handle = given[0].clone_cast::<NetnsHandle>();
                    shared.at(&context);
                    call(&shared, noun, verb.name, &handle.0, &mut given[1..])
                },
            );
        }
    }
}

fn signature<Handle: 'static>(arity: usize) -> Vec<TypeId> {
    let mut types = vec![TypeId::of::<Handle>()];
    types.resize(arity + 1, TypeId::of::<Dynamic>());
    types
}

/// One call of a verb, from the script's values to the script's value.
pub(super) fn call(
    shared: &Rc<Shared>,
    noun: &'static Noun,
    verb: &str,
    netns: &NsName,
    given: &mut [&mut Dynamic],
) -> Result<Dynamic, Box<EvalAltResult>> {
    let arguments = || given.iter().map(|value| argument(value)).collect::<Vec<_>>();
    let answered = find(noun, verb).and_then(|verb| {
        act(shared, (noun, verb), netns, arguments()).map_err(|problem| {
            let call = mending::Call {
                noun,
                verb,
                netns,
                given: arguments(),
            };
            call.mended(named(problem, noun, verb, netns))
        })
    });
    match answered {
        Ok(Answer::Process(process)) => Ok(Dynamic::from(handles::ProcessHandle::new(shared, process))),
        Ok(Answer::Capture(capture)) => Ok(Dynamic::from(handles::CaptureHandle::new(shared, capture))),
        Ok(other) => Ok(answer(other)),
        Err(problem) => Err(troubles::raise(problem)),
    }
}

fn find(noun: &'static Noun, verb: &str) -> Result<&'static Verb> {
    noun.verbs
        .iter()
        .find(|v| v.name == verb)
        .ok_or_else(|| no_such(noun, verb))
}

/// A noun has no verb, and no noun within it, of this name.
pub(super) fn no_such(noun: &'static Noun, name: &str) -> Box<Problem> {
    let verbs = noun.verbs.iter().map(|verb| verb.name);
    let names: Vec<_> = verbs.chain(noun.inner().map(|(name, _)| name)).collect();
    Problem::new(Kind::Script, format!("{} has no {name}", noun.name)).help(format!("it has {}", names.join(", ")))
}

fn act(
    shared: &Shared,
    (noun, verb): (&'static Noun, &'static Verb),
    netns: &NsName,
    arguments: Vec<Value>,
) -> Result<Answer> {
    match verb.act {
        Act::Ask(ask) => {
            shared.world.settle();
            let call = shared
                .watch
                .is_some()
                .then(|| Call::of(netns, noun, verb, arguments.clone()));
            let answer = ask(&shared.world, netns, Args::of_call(arguments))?;
            if let Some(call) = &call {
                shared.tell(Deed::Asked(call, &answer));
            }
            Ok(answer)
        }
        Act::Change(change) => {
            let op = Op {
                netns: netns.clone(),
                change: change(Args::of_call(arguments))?,
            };
            op.apply(&shared.world)?;
            shared.tell(Deed::Changed(&op));
            Ok(match op.change {
                Change::Netns(netns::Change::Add { name }) => Answer::Netns(name),
                _ => Answer::None,
            })
        }
    }
}

/// An argument's problem knows its key, not the call: the call is named here.
fn named(mut problem: Box<Problem>, noun: &Noun, verb: &Verb, netns: &NsName) -> Box<Problem> {
    if problem.kind == Kind::Argument && problem.netns.is_empty() {
        let words = format!("{} {}", noun.words(), verb.name);
        problem.message = format!("{}: {}", words.trim(), problem.message);
        problem.netns = netns.to_string();
    }
    problem
}
