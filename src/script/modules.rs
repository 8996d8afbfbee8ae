//! What the modules of the standard library say of themselves: `//!` before all, `///` before each function.

use rhai::{Engine, FnAccess};

use super::imports::STD;

/// A module of the standard library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Its path: `std/topology`.
    pub name: &'static str,
    /// Markdown: what it is for.
    pub doc: String,
    /// Its functions, in the order of the source. Those without documentation are its own affair.
    pub functions: Vec<Function>,
}

/// A function of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The names of its parameters.
    pub parameters: Vec<String>,
    /// Markdown: what it does, and an example.
    pub doc: String,
}

/// The modules of the standard library, those that say something of themselves.
pub fn modules() -> Vec<Module> {
    let modules = STD.iter().map(|(name, text)| read(name, text));
    modules
        .filter(|module| !module.doc.is_empty() || !module.functions.is_empty())
        .collect()
}

fn read(name: &'static str, text: &str) -> Module {
    let mut engine = Engine::new_raw();
    engine.set_max_expr_depths(0, 0);
    let ast = engine
        .compile(text)
        .unwrap_or_else(|error| panic!("{name} is no Rhai: {error}"));
    let mut functions: Vec<_> = ast
        .iter_functions()
        .filter(|function| function.access == FnAccess::Public && !function.comments.is_empty())
        .map(|function| Function {
            name: function.name.to_string(),
            parameters: function.params.iter().map(ToString::to_string).collect(),
            doc: plain(&function.comments.join("\n"), "///"),
        })
        .collect();
    functions.sort_by_key(|function| {
        let head = format!("fn {}({})", function.name, function.parameters.join(", "));
        (text.find(&head), head)
    });
    Module {
        name,
        doc: plain(ast.doc(), "//!"),
        functions,
    }
}

/// The text of a comment, without its signs.
fn plain(comment: &str, sign: &str) -> String {
    let lines = comment.lines().map(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix(sign).unwrap_or(line);
        line.strip_prefix(' ').unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join("\n").trim().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_tells_of_itself() {
        let module = read(
            "std/x",
            "//! What it is.\n//!\n//! More.\n\n/// Doubles.\n///\n///     indented\nfn double(n, options) { host.ping(n) }\n
             /// Once.\nfn again() { 1 }\n\nfn silent() { 2 }\n\n/// Its own.\nprivate fn own() { 3 }",
        );
        assert_eq!(module.doc, "What it is.\n\nMore.");
        let names: Vec<_> = module.functions.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["double", "again"]);
        assert_eq!(module.functions[0].parameters, ["n", "options"]);
        assert_eq!(module.functions[0].doc, "Doubles.\n\n    indented");
    }
}
