//! What a lab keeps between one script and the next, and what it tells of itself to whoever lives in it.

use rhai::{AST, Array, Dynamic, Engine, Expr, LexError, Map, Module, ParseErrorType, Scope, Stmt};

use super::handles::NetnsHandle;
use super::plain::is_name;
use super::values::{argument, type_name};
use super::{End, Lab, engine, first_scope, resolve};
use crate::diagnostics::{Report, escaped};
use crate::netns::{self, NsName};
use crate::ops::{Value, World};

/// A variable of a lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// What it is, in a script author's words: `a netns`, `text`.
    pub kind: &'static str,
    /// The namespace it is a handle of, if it is one.
    pub netns: Option<NsName>,
}

impl Lab {
    /// Makes what a script defined known to the next ones: its functions and the modules it imported.
    pub(super) fn keep_definitions(&mut self, name: &str, ast: &AST) {
        if ast.has_functions() {
            let functions = ast.clone_functions_only();
            // Evaluating functions alone runs nothing.
            if let Ok(module) = Module::eval_ast_as_new(Scope::new(), &functions, &self.engine) {
                self.engine.register_global_module(module.into());
            }
            self.functions.combine(functions);
        }
        for (path, alias) in imported(ast) {
            if let Some(module) = self.imports.loaded(name, &path) {
                self.engine.register_static_module(alias, module);
            }
        }
    }

    /// Parses a script as a run of its own would, without the session's variables, functions and modules.
    pub fn check_alone(&self, name: &str, text: &str) -> Result<(), Box<Report>> {
        self.alone().check(name, text)
    }

    /// Evaluates a script as a run of its own in this lab, without the session's variables, functions and modules.
    pub fn evaluate_alone(&self, name: &str, text: &str) -> Result<Dynamic, End> {
        self.alone().evaluate(name, text)
    }

    fn alone(&self) -> Lab {
        Lab {
            shared: self.shared.clone(),
            engine: engine::build(&self.shared, &self.imports),
            imports: self.imports.clone(),
            scope: first_scope(),
            functions: AST::empty(),
        }
    }

    /// Gives each namespace that there is a variable of its name, unless it has one.
    pub fn call_namespaces_by_name(&mut self) {
        let variables = self.variables();
        for netns in netns::list().unwrap_or_default() {
            let name = netns.as_str();
            let is_called = |variable: &Variable| variable.name == name && variable.netns.as_ref() == Some(&netns);
            if is_name(name) && !variables.iter().any(is_called) {
                self.scope.push(name, NetnsHandle(netns.clone()));
            }
        }
    }

    /// The lab's world.
    pub fn world(&self) -> &World {
        &self.shared.world
    }

    /// A value as the REPL shows it: facts as `ip` prints them, text quoted, unless it has several lines. Nothing for `()`.
    pub fn text(&self, value: &Dynamic) -> Option<String> {
        if value.is_unit() {
            return None;
        }
        if let Ok(text) = value.clone().into_string()
            && text.contains('\n')
        {
            return Some(escaped(text.trim_end_matches('\n')).into_owned());
        }
        let is_compound = value.is::<Array>() || value.is::<Map>();
        let form = if is_compound { "to_string" } else { "to_debug" };
        let mut scope = Scope::new();
        scope.push_dynamic("value", value.clone());
        let shown = self
            .engine
            .eval_with_scope::<Dynamic>(&mut scope, &format!("value.{form}()"));
        let text = shown.map_or_else(|_| value.to_string(), |text| text.to_string());
        let is_nothing = text.is_empty() && is_compound;
        Some(if is_nothing {
            "[]".into()
        } else {
            escaped(&text).into_owned()
        })
    }

    /// The variables, each once; those that were defined last come first.
    pub fn variables(&self) -> Vec<Variable> {
        let mut variables: Vec<Variable> = Vec::new();
        for (name, _, value) in self.scope.iter_raw().collect::<Vec<_>>().into_iter().rev() {
            if variables.iter().any(|known| known.name == name) {
                continue;
            }
            let netns = value.read_lock::<NetnsHandle>().map(|handle| handle.0.clone());
            variables.push(Variable {
                name: name.to_string(),
                kind: kind(value),
                netns,
            });
        }
        variables
    }

    /// The names of the functions that scripts defined.
    pub fn functions(&self) -> Vec<String> {
        let functions = self.functions.iter_functions();
        let mut names: Vec<String> = functions
            .map(|function| function.name.to_string())
            .filter(|name| !name.starts_with("anon$"))
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// The modules that scripts imported: the name of each, and its functions.
    pub fn modules(&self) -> Vec<(String, Vec<String>)> {
        let mut modules = std::collections::BTreeMap::<String, Vec<String>>::new();
        for qualified in resolve::names(&self.engine) {
            if let Some((module, function)) = qualified.rsplit_once("::") {
                modules.entry(module.into()).or_default().push(function.into());
            }
        }
        modules.into_iter().collect()
    }
}

/// What a value is, in a script author's words.
fn kind(value: &Dynamic) -> &'static str {
    match argument(value) {
        Value::Unit => "nothing",
        Value::Bool(_) => "true or false",
        Value::Int(_) | Value::Float(_) => "a number",
        Value::Str(_) => "text",
        Value::List(_) => "an array",
        Value::Map(_) => "a map",
        Value::Netns(_) => "a netns",
        Value::Other(_) => match type_name(value) {
            "process" => "a process",
            "capture" => "a capture",
            "function" => "a function",
            _ => "a value",
        },
    }
}

/// The paths that a script imports at its top level, and the names it gives them.
fn imported(ast: &AST) -> Vec<(String, String)> {
    let import = |statement: &Stmt| match statement {
        Stmt::Import(import, _) => match &import.0 {
            Expr::StringConstant(path, _) if !import.1.name.is_empty() => {
                Some((path.to_string(), import.1.name.to_string()))
            }
            _ => None,
        },
        _ => None,
    };
    ast.statements().iter().filter_map(import).collect()
}

/// The syntax of scripts without a lab: what can be said of a text before it runs.
pub struct Syntax(Engine);

impl Syntax {
    /// The syntax of the language.
    pub fn new() -> Syntax {
        let mut engine = Engine::new_raw();
        engine.set_max_expr_depths(128, 64);
        Syntax(engine)
    }

    /// Whether the text is a whole script.
    pub fn is_script(&self, text: &str) -> bool {
        self.0.compile(text).is_ok()
    }

    /// Whether more must follow: the text ends within a call, a block, a string or a comment.
    pub fn is_incomplete(&self, text: &str) -> bool {
        let Err(error) = self.0.compile(text) else {
            // What is no script at all passes only within a comment that goes on.
            return self.0.compile(format!("{text}\n@@@")).is_ok();
        };
        let position = error.position();
        let is_at_end = || {
            let last = text.trim_end();
            let lines = last.lines().count();
            let columns = last.lines().next_back().map_or(0, |line| line.chars().count());
            position.is_none()
                || position.line().is_some_and(|line| {
                    line > lines || (line == lines && position.position().is_some_and(|column| column > columns))
                })
        };
        match error.err_type() {
            ParseErrorType::UnexpectedEOF | ParseErrorType::BadInput(LexError::UnterminatedString) => true,
            ParseErrorType::MissingToken(..) | ParseErrorType::PropertyExpected => is_at_end(),
            _ => false,
        }
    }

    /// The text as a statement that others can follow.
    pub fn statement(&self, text: &str) -> String {
        let text = text.trim_end();
        let goes_on = |text: &str| self.0.compile(format!("{text}\nthis_follows")).is_ok();
        let candidates = [text.to_string(), format!("{text};")];
        let found = candidates.into_iter().find(|candidate| goes_on(candidate));
        // The last line is a comment.
        found.unwrap_or_else(|| format!("{text}\n;"))
    }
}

impl Default for Syntax {
    fn default() -> Syntax {
        Syntax::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_in_the_middle_is_incomplete() {
        let syntax = Syntax::new();
        for text in [
            "ns0.link.add(\"veth0\", #{",
            "ns0.link.add(\"veth0\",",
            "for ns in [1, 2] {",
            "fn f(x) {\n  x",
            "let s = \"abc",
            "let s = `abc",
            "if true { 1 } else",
            "let x =",
            "ns0.",
            "ns0.link.",
            "/* a comment",
            "let x = 1; /* a comment",
            "print(1 +",
            "let x = [1,\n",
        ] {
            assert!(syntax.is_incomplete(text), "{text:?}");
        }
        for text in [
            "",
            "ns0.link.show()",
            "let x = 1;",
            "let x = 1",
            "1 + ) 2",
            "fn f(x) { x }",
            "// a comment",
            "/* a comment */",
            "ns0.link..show()",
            "}",
            "foo bar",
        ] {
            assert!(!syntax.is_incomplete(text), "{text:?}");
        }
    }

    #[test]
    fn statements_can_stand_one_after_another() {
        let syntax = Syntax::new();
        assert_eq!(syntax.statement("host.link.show()"), "host.link.show();");
        assert_eq!(syntax.statement("let x = 1;\n"), "let x = 1;");
        assert_eq!(syntax.statement("fn f() { 1 }"), "fn f() { 1 }");
        assert_eq!(syntax.statement("let x = 1 // one"), "let x = 1 // one\n;");
    }
}
