//! Problems in and out of Rhai: how a problem travels through a script, and what an engine's error means
//! to the script's author.

use std::collections::BTreeSet;
use std::sync::Arc;

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, Map, ParseErrorType, Position};

use super::builtins::{self, Builtin, Form, Group};
use super::imports::{Imports, is_standard};
use super::limits::too_long;
use super::resolve;
use super::values::argument;
use crate::diagnostics::{Frame, Report, Source};
use crate::error::{Kind, Part, Problem, name, nearest};
use crate::ops::{Args, NOUNS, Noun, Options, Place};
use crate::options;

/// A problem as the engine's error. A script can catch it, but not an interruption.
#[allow(clippy::boxed_local)] // Problems travel in boxes; the engine keeps them in its own.
pub(super) fn raise(problem: Box<Problem>) -> Box<EvalAltResult> {
    let is_final = problem.kind == Kind::Interrupted;
    let value = Dynamic::from(*problem);
    match is_final {
        true => EvalAltResult::ErrorTerminated(value, Position::NONE).into(),
        false => EvalAltResult::ErrorRuntime(value, Position::NONE).into(),
    }
}

options! {
    /// The keys of `error`.
    struct ErrorOptions {
        /// the line that mends it
        help: String,
        /// the option that is wrong; it is underlined
        key: String,
    }
}

/// An error of a script's own, to be thrown: what `catch (e)` receives of a verb's failure, and drawn like it.
fn error(message: &str, options: &Dynamic) -> Result<Problem, Box<EvalAltResult>> {
    let mut args = Args::of_call(vec![argument(options)]);
    let read = ErrorOptions::take(&mut args).and_then(|options| args.finish(ErrorOptions::KEYS).map(|()| options));
    let options = read.map_err(|mut problem| {
        problem.message = format!("error: {}", problem.message);
        raise(problem)
    })?;
    let part = options.key.map_or(Part::Call, Part::Key);
    Ok(*Problem::argument(message)
        .help(options.help.unwrap_or_default())
        .at(part))
}

/// `error`: it stands with the functions that stand alone.
pub(super) const ERROR: Builtin = Builtin {
    name: "error",
    form: Form::Call("MESSAGE"),
    gives: "an error",
    keys: ErrorOptions::KEYS,
    doc: "An error of a script's own, to be thrown: `catch (e)` receives it as it does a verb's, and uncaught it is drawn alike.

```rhai
fn half(n) {
    if n % 2 != 0 {
        throw error(`${n} is odd`, #{ help: \"give an even number\" });
    }
    n / 2
}
try {
    half(3);
} catch (e) {
    assert_eq(e.message, \"3 is odd\");
}
```",
    register: |engine, _| {
        engine
            .register_fn("error", |message: ImmutableString| *Problem::argument(message.as_str()))
            .register_fn("error", |message: ImmutableString, options: Map| {
                error(&message, &options.into())
            });
    },
};

/// What `catch (e)` can ask of a problem.
pub(super) const GROUP: Group = Group {
    name: "error",
    doc: "What `try { … } catch (e) { … }` receives when an operation fails. Every field is text, empty where there is nothing.

```rhai
try {
    host.link.set(\"eth0\", #{ up: true });
} catch (e) {
    assert_eq(e.errno, \"ENODEV\");
    assert_eq(e.op, \"ip link set eth0 up\");
    print(e.help);
}
```",
    register: |engine, _| {
        engine
            .register_type_with_name::<Problem>("error")
            .register_fn("to_string", |e: &mut Problem| e.message.clone())
            .register_fn("to_debug", |e: &mut Problem| e.message.clone());
    },
    items: &[
        field("code", "Which failure, such as \"NSX012\"; `nsx explain` tells of each.", |engine, _| {
            engine.register_get("code", |e: &mut Problem| e.code());
        }),
        field("op", "The operation, as `ip` would spell it.", |engine, _| {
            engine.register_get("op", |e: &mut Problem| e.op.clone());
        }),
        field("netns", "The namespace it was done in.", |engine, _| {
            engine.register_get("netns", |e: &mut Problem| e.netns.clone());
        }),
        field("errno", "The kernel's name of the error, such as \"EEXIST\".", |engine, _| {
            engine.register_get("errno", |e: &mut Problem| e.errno.map(name).unwrap_or_default());
        }),
        field("kernel", "The kernel's own words, where it gave any.", |engine, _| {
            engine.register_get("kernel", |e: &mut Problem| e.kernel.clone());
        }),
        field("message", "What failed, on what, where: one line.", |engine, _| {
            engine.register_get("message", |e: &mut Problem| e.message.clone());
        }),
        field("cause", "Why, in terms of the lab: what is there, and which line made it so.", |engine, _| {
            engine.register_get("cause", |e: &mut Problem| e.cause.clone());
        }),
        field("help", "What to do about it, where that is known: mostly a line to be typed.", |engine, _| {
            engine.register_get("help", |e: &mut Problem| e.help.clone());
        }),
    ],
};

const fn field(name: &'static str, doc: &'static str, register: builtins::Register) -> Builtin {
    Builtin {
        name,
        form: Form::Field,
        gives: "text",
        keys: &[],
        doc,
        register,
    }
}

/// The report of an error that ended a run of the script called `script`.
pub(super) fn report(error: &EvalAltResult, script: &str, imports: &Imports, engine: &Engine) -> Box<Report> {
    let mut frames = Vec::new();
    let (mut error, mut source) = (error, script.to_string());
    loop {
        match error {
            EvalAltResult::ErrorInFunctionCall(function, of, inner, position) => {
                frames.push(frame(imports, &source, *position, Some(function_name(function))));
                if !of.is_empty() {
                    source = of.clone();
                }
                error = inner;
            }
            EvalAltResult::ErrorInModule(module, inner, position) => {
                frames.push(frame(imports, &source, *position, Some(format!("import {module:?}"))));
                source = module.clone();
                error = inner;
            }
            _ => break,
        }
    }
    frames.push(frame(imports, &source, error.position(), None));
    frames.reverse();
    let text = imports.source(&source).unwrap_or_default();
    let mut problem = problem(error, &text, engine);
    if matches!(error, EvalAltResult::ErrorRuntime(..)) {
        leave_the_library(&mut frames, &mut problem);
    }
    Box::new(Report {
        problem,
        frames,
        warnings: Vec::new(),
    })
}

/// What the standard library throws is about the call of it, and is drawn there.
fn leave_the_library(frames: &mut Vec<Frame>, problem: &mut Problem) {
    let inside = frames.iter().take_while(|frame| is_standard(frame.name())).count();
    if inside == 0 || inside == frames.len() {
        return;
    }
    frames.drain(..inside);
    // How a call inside would be mended is no help outside.
    if !problem.op.is_empty() {
        problem.help.clear();
    }
    // An option may have been handed on under its name; the arguments are others.
    if matches!(problem.part, Part::Argument(_)) {
        problem.part = Part::Call;
    }
}

fn frame(imports: &Imports, source: &str, position: Position, function: Option<String>) -> Frame {
    let text = imports.source(source);
    Frame {
        source: text.map(|text| {
            Arc::new(Source {
                name: source.to_string(),
                text,
            })
        }),
        line: position.line().unwrap_or(0),
        column: position.position().unwrap_or(0),
        function,
    }
}

/// Rhai names closures itself.
fn function_name(name: &str) -> String {
    if name.starts_with("anon$") {
        "a closure".into()
    } else {
        name.to_string()
    }
}

/// The problem that an engine's error stands for.
fn problem(error: &EvalAltResult, text: &str, engine: &Engine) -> Box<Problem> {
    use EvalAltResult as E;
    let limit = |what: &str| Problem::new(Kind::Limit, what);
    let script = |message: String| Problem::new(Kind::Script, message);
    match error {
        E::ErrorRuntime(value, _) | E::ErrorTerminated(value, _) => match value.read_lock::<Problem>() {
            Some(problem) => Box::new(problem.clone()),
            None => script(format!("the script threw {value}")),
        },
        E::ErrorParsing(what, _) => parsing(what, text),
        E::ErrorVariableNotFound(variable, _) => undefined(variable, text),
        E::ErrorFunctionNotFound(signature, _) => no_function(signature, engine),
        E::ErrorDotExpr(message, _) if message.starts_with("Unknown property") => no_property(message),
        E::ErrorTooManyOperations(_) => too_long(),
        E::ErrorStackOverflow(_) => {
            limit("the script's functions call each other too deep: does one call itself without an end?")
        }
        E::ErrorDataTooLarge(what, _) => limit(&format!("too large: {}", plain_words(what).to_lowercase())),
        E::ErrorTooManyVariables(_) => limit("the script has too many variables"),
        E::ErrorTooManyModules(_) => limit("the script imports too many modules"),
        other => {
            let message = match other.unwrap_inner() {
                E::ErrorArithmetic(message, _) => message.clone(),
                E::ErrorMismatchDataType(wanted, given, _) | E::ErrorMismatchOutputType(wanted, given, _) => {
                    format!("wants {}, not {}", plain_words(wanted), plain_words(given))
                }
                inner => {
                    let text = inner.to_string();
                    // The position is drawn, not written.
                    text.rfind(" (line ").map_or(text.clone(), |at| text[..at].to_string())
                }
            };
            script(lower_first(&plain_words(&message)))
        }
    }
}

fn parsing(what: &ParseErrorType, text: &str) -> Box<Problem> {
    match what {
        ParseErrorType::VariableUndefined(variable) => undefined(variable, text),
        ParseErrorType::ModuleUndefined(module) => {
            let problem = Problem::new(Kind::Script, format!("there is no module `{module}`"));
            match nearest(module, NOUNS.iter().map(|noun| noun.name)) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem.help(format!("import it first: import \"{module}\" as {module};")),
            }
        }
        ParseErrorType::ExprTooDeep | ParseErrorType::TooManyFunctions | ParseErrorType::LiteralTooLarge(..) => {
            Problem::new(Kind::Limit, lower_first(&what.to_string()))
        }
        ParseErrorType::Reserved(word) => Problem::new(
            Kind::Script,
            format!("`{word}` is a word of the language and cannot be a name"),
        ),
        ParseErrorType::UnexpectedEOF => Problem::new(Kind::Script, "the script ends in the middle of something")
            .help("is a bracket, a quote or a semicolon missing?"),
        other => Problem::new(Kind::Script, lower_first(&other.to_string())),
    }
}

fn undefined(variable: &str, text: &str) -> Box<Problem> {
    let problem = Problem::new(Kind::Script, format!("there is no variable `{variable}`"));
    let mut known = declared(text);
    let modules = NOUNS.iter().filter(|noun| noun.place == Place::Lab);
    for name in builtins::names(|form| form == Form::Word).chain(modules.map(|noun| noun.name)) {
        known.insert(name);
    }
    match nearest(variable, known) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help(format!("define it first: let {variable} = …;")),
    }
}

/// The names that a script gives with let, const, for, fn, catch, as, and as parameters.
fn declared(text: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .collect();
    for pair in words.windows(2) {
        if ["let", "const", "for", "as", "catch"].contains(&pair[0]) {
            names.insert(pair[1]);
        }
    }
    for function in text.split("fn ").skip(1) {
        let parameters = function
            .split_once('(')
            .and_then(|(_, rest)| rest.split_once(')'))
            .map_or("", |(inside, _)| inside);
        names.extend(parameters.split(',').map(str::trim).filter(|name| !name.is_empty()));
    }
    names
}

/// `signature` is a name and the types it was called with: `pign (netns, &str)`. A function that exists nowhere was
/// found before the run, unless it is another module's; here one is most likely called with what it does not take.
fn no_function(signature: &str, engine: &Engine) -> Box<Problem> {
    let (called, types) = signature
        .split_once(" (")
        .map_or((signature, ""), |(name, types)| (name, types.trim_end_matches(')')));
    let short = called.rsplit("::").next().unwrap_or(called);
    let types = plain_words(types);
    let known = resolve::names(engine);
    if called.contains("::") || !known.contains(short) {
        return resolve::missing(called, short, known.iter().map(String::as_str));
    }
    let given = if types.is_empty() {
        "no arguments".into()
    } else {
        format!("({types})")
    };
    Problem::new(Kind::Script, format!("`{called}` cannot be called with {given}"))
}

/// The engine says: Unknown property 'lnk' - a getter is not registered for type 'netns'.
fn no_property(message: &str) -> Box<Problem> {
    let quoted: Vec<&str> = message.split('\'').skip(1).step_by(2).collect();
    let [property, of] = quoted[..] else {
        return Problem::new(Kind::Script, lower_first(message));
    };
    let problem = Problem::new(Kind::Script, format!("{} has no `{property}`", plain_words(of))).at(Part::Call);
    let last = |noun: &&Noun| noun.name.rsplit('.').next().filter(|name| !name.is_empty());
    let nouns = NOUNS.iter().filter_map(last);
    match nearest(property, nouns.chain(builtins::names(|form| form == Form::Field))) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem,
    }
}

/// Replaces the engine's names of types with a script author's.
fn plain_words(text: &str) -> String {
    const WORDS: [(&str, &str); 17] = [
        ("&str | ImmutableString | String", "text"),
        ("ImmutableString", "text"),
        ("&str", "text"),
        ("string", "text"),
        ("i64", "a number"),
        ("f64", "a number with a fraction"),
        ("bool", "true or false"),
        ("array", "an array"),
        ("Fn", "a function"),
        ("FnPtr", "a function"),
        ("map", "a map"),
        ("netns", "a netns"),
        ("noun", "a noun of a netns"),
        ("process", "a process"),
        ("capture", "a capture"),
        ("error", "an error"),
        ("()", "nothing"),
    ];
    text.split(", ")
        .map(|word| {
            WORDS
                .iter()
                .find(|(engine, _)| *engine == word)
                .map_or(word, |(_, plain)| plain)
        })
        .collect::<Vec<_>>()
        .join(", ")
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
