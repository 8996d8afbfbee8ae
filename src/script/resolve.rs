//! Finds calls of functions that do not exist before anything runs.
//!
//! Rhai itself does so for variables. It cannot for functions, since a method may belong to a type that is only
//! known at run time; but a name that no type and no script has is a mistake wherever it stands.

use std::collections::{BTreeSet, HashSet};

use rhai::{AST, ASTNode, Engine, Expr, FuncInfo, Position, Stmt};

use crate::error::{Kind, Problem, nearest};
use crate::ops::{NOUNS, Noun, Place};

/// Words that the engine treats as functions though none is registered for them.
const BUILT_IN: [&str; 10] = [
    "Fn",
    "call",
    "curry",
    "debug",
    "eval",
    "is_def_fn",
    "is_def_var",
    "is_shared",
    "print",
    "type_of",
];

/// The first call of a function that does not exist: where, and the problem with it.
pub(super) fn unknown_call(ast: &AST, engine: &Engine) -> Option<(Position, Box<Problem>)> {
    let mut calls = Calls::default();
    ast.walk(&mut |path| {
        if let Some(node) = path.last() {
            calls.visit(node);
        }
        true
    });
    calls
        .known
        .extend(ast.iter_functions().map(|function| function.name.to_string()));
    calls.known.extend(verbs(None).map(ToString::to_string));
    let suspects: Vec<&Call> = calls.made.iter().filter(|call| !calls.is_known(call)).collect();
    if suspects.is_empty() {
        return None;
    }
    let asked: HashSet<&str> = suspects.iter().map(|call| call.name.as_str()).collect();
    let found: HashSet<String> = collect(engine, |name| asked.contains(name)).into_iter().collect();
    let call = suspects
        .into_iter()
        .find(|call| call.module.is_some() || !found.contains(&call.name))?;
    let problem = match &call.module {
        Some(module) => missing(&format!("{module}::{}", call.name), &call.name, verbs(Some(module))),
        None => {
            let listed = names(engine);
            let known = calls.known.iter().chain(&listed).map(String::as_str);
            missing(&call.name, &call.name, known)
        }
    };
    Some((call.position, problem))
}

/// An import of a module by its name in the script.
pub(super) struct Imported {
    pub path: String,
    pub alias: String,
    pub position: Position,
    /// It stands at the top level, so that the run comes to it unless something fails before.
    pub is_certain: bool,
}

/// The modules that a script imports under a name.
pub(super) fn imported(ast: &AST) -> Vec<Imported> {
    let mut imported = Vec::new();
    ast.walk(&mut |path| {
        if let Some(ASTNode::Stmt(Stmt::Import(import, position))) = path.last()
            && let Expr::StringConstant(from, _) = &import.0
        {
            imported.push(Imported {
                path: from.to_string(),
                alias: import.1.name.to_string(),
                position: *position,
                is_certain: path.len() == 1,
            });
        }
        true
    });
    imported
}

/// The first call of a function that an imported module does not have. Where a name stands for several modules nothing is
/// said.
pub(super) fn unknown_of_module(
    ast: &AST,
    imported: &[Imported],
    alias: &str,
    functions: &[String],
) -> Option<(Position, Box<Problem>)> {
    if alias.is_empty() || imported.iter().filter(|import| import.alias == alias).count() != 1 {
        return None;
    }
    let mut unknown = None;
    ast.walk(&mut |path| {
        if let Some(ASTNode::Stmt(Stmt::FnCall(call, position)) | ASTNode::Expr(Expr::FnCall(call, position))) =
            path.last()
            && let [module] = &call.namespace.path[..]
            && module.name == alias
            && !functions.iter().any(|function| *function == call.name)
        {
            unknown = Some((call.name.to_string(), *position));
        }
        unknown.is_none()
    });
    let (name, position) = unknown?;
    let known = functions.iter().map(String::as_str);
    Some((position, missing(&format!("{alias}::{name}"), &name, known)))
}

/// The names of every function the engine has.
pub(super) fn names(engine: &Engine) -> BTreeSet<String> {
    collect(engine, |_| true).into_iter().collect()
}

/// The names of the engine's functions that are `wanted`. It has some thousand, so only these are copied.
fn collect(engine: &Engine, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let wanted = &wanted;
    let name = |function: FuncInfo<'_>| {
        let name = function.metadata.name.as_str();
        (function.namespace.is_empty() && wanted(name)).then(|| name.to_string())
    };
    engine.collect_fn_metadata(None, name, true)
}

/// The verbs of the lab's module `module`, or of every noun of a namespace.
fn verbs(module: Option<&str>) -> impl Iterator<Item = &'static str> {
    let is_meant = move |noun: &Noun| match module {
        Some(module) => noun.place == Place::Lab && noun.name == module,
        None => noun.place == Place::Namespace,
    };
    NOUNS
        .iter()
        .filter(move |noun| is_meant(noun))
        .flat_map(|noun| noun.verbs.iter().map(|verb| verb.name))
        .collect::<Vec<_>>()
        .into_iter()
}

/// The problem of a function that is nowhere.
pub(super) fn missing<'a>(shown: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Box<Problem> {
    let problem = Problem::new(Kind::Script, format!("there is no function `{shown}`"));
    let known: Vec<&str> = known
        .filter(|known| known.starts_with(|c: char| c.is_ascii_alphabetic()))
        .collect();
    match nearest(name, known) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem,
    }
}

/// One call in the script.
struct Call {
    name: String,
    /// The lab's module it is qualified with.
    module: Option<String>,
    position: Position,
}

/// What a script calls, and the names it gives itself.
#[derive(Default)]
struct Calls {
    made: Vec<Call>,
    known: BTreeSet<String>,
}

impl Calls {
    fn visit(&mut self, node: &ASTNode) {
        match node {
            ASTNode::Stmt(Stmt::FnCall(call, position))
            | ASTNode::Expr(Expr::FnCall(call, position) | Expr::MethodCall(call, position)) => {
                if call.op_token.is_some() {
                    return;
                }
                let module = call.namespace.path.first().map(|part| part.name.to_string());
                // What an imported module has is known when it is loaded.
                let is_labs = |module: &String| NOUNS.iter().any(|n| n.place == Place::Lab && n.name == module);
                if module.as_ref().is_none_or(is_labs) {
                    self.made.push(Call {
                        name: call.name.to_string(),
                        module,
                        position: *position,
                    });
                }
            }
            // A closure kept in a map is called like a method.
            ASTNode::Expr(Expr::Map(map, _)) => self.known.extend(map.0.iter().map(|(key, _)| key.name.to_string())),
            ASTNode::Expr(Expr::Property(property, _)) => {
                self.known.insert(property.2.to_string());
            }
            _ => {}
        }
    }

    fn is_known(&self, call: &Call) -> bool {
        match &call.module {
            Some(module) => verbs(Some(module)).any(|verb| verb == call.name),
            None => {
                self.known.contains(&call.name)
                    || BUILT_IN.contains(&call.name.as_str())
                    || call.name.starts_with("anon$")
            }
        }
    }
}
