//! Imports: `std/…` from the binary, everything else from the folder of the script that was run, and never
//! from outside it.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::sys::stat::Mode;
use rhai::{AST, Dynamic, Engine, EvalAltResult, FnAccess, Module, Position, Scope, Shared as Counted};

use super::resolve;
use super::troubles::raise;
use crate::error::{Kind, Problem, Result, nearest};

/// The largest script that is read.
const LARGEST: u64 = 1 << 20;

/// The modules in the binary.
pub(super) const STD: &[(&str, &str)] = &[
    ("std/check", include_str!("../../stdlib/check.rhai")),
    ("std/container", include_str!("../../stdlib/container.rhai")),
    ("std/internet", include_str!("../../stdlib/internet.rhai")),
    ("std/options", include_str!("../../stdlib/options.rhai")),
    ("std/subnet", include_str!("../../stdlib/subnet.rhai")),
    ("std/topology", include_str!("../../stdlib/topology.rhai")),
];

/// Whether a source is in the binary.
pub(super) fn is_standard(source: &str) -> bool {
    source.starts_with("std/")
}

/// The folder that imports come from, held open: it stays the same one whatever is mounted over its path.
pub struct Folder {
    descriptor: OwnedFd,
    shown: PathBuf,
}

impl Folder {
    /// The folder `path`.
    pub fn open(path: &Path) -> io::Result<Folder> {
        let place = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        let descriptor = open(
            place,
            OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC,
            Mode::empty(),
        )?;
        Ok(Folder {
            descriptor,
            shown: path.to_path_buf(),
        })
    }

    /// Reads a file beneath the folder; the kernel refuses whatever leads out of it.
    fn read(&self, path: &Path) -> io::Result<String> {
        let how = OpenHow::new()
            .flags(OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)
            .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS);
        read_script(File::from(openat2(self.descriptor.as_fd(), path, how)?))
    }
}

/// Reads a script: a regular file or a pipe of UTF-8 text, not too large.
pub fn read_script(file: impl Read) -> io::Result<String> {
    let mut text = String::new();
    file.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::other(format!("larger than {} KiB", LARGEST >> 10)));
    }
    Ok(text)
}

/// The text without a first line `#!…`, its line kept so that positions stay.
pub(super) fn without_shebang(text: &str) -> &str {
    match text.strip_prefix("#!") {
        Some(rest) => rest.find('\n').map_or("", |end| &rest[end..]),
        None => text,
    }
}

/// The text without the lines that are comments, positions kept. Half of the standard library is documentation, which the
/// engine would read for longer than the rest: it keeps what stands before a function.
fn without_comments(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    for line in text.lines() {
        if !line.trim_start().starts_with("//") {
            code.push_str(line);
        }
        code.push('\n');
    }
    code
}

/// The sources of a run, and the modules made of them.
pub(super) struct Imports {
    folder: Folder,
    sources: RefCell<HashMap<String, Arc<str>>>,
    parsed: RefCell<HashMap<PathBuf, AST>>,
    resolved: RefCell<HashSet<PathBuf>>,
    modules: RefCell<HashMap<PathBuf, Counted<Module>>>,
    in_progress: RefCell<Vec<PathBuf>>,
}

impl Imports {
    pub(super) fn new(folder: Folder) -> Imports {
        Imports {
            folder,
            sources: RefCell::default(),
            parsed: RefCell::default(),
            resolved: RefCell::default(),
            modules: RefCell::default(),
            in_progress: RefCell::default(),
        }
    }

    /// Keeps a source's text, so that errors in it can be drawn.
    pub(super) fn remember(&self, name: &str, text: &str) {
        self.sources.borrow_mut().insert(name.to_string(), text.into());
    }

    /// The text of a source.
    pub(super) fn source(&self, name: &str) -> Option<Arc<str>> {
        self.sources.borrow().get(name).cloned()
    }

    /// The file that `import "path"` in `source` means, as a path beneath the folder.
    fn locate(&self, source: Option<&str>, path: &str) -> PathBuf {
        let mut file = PathBuf::from(path);
        if file.extension() != Some(OsStr::new("rhai")) {
            file.as_mut_os_string().push(".rhai");
        }
        // The importing file is shown as the folder and then its path beneath it.
        let importer = source.and_then(|source| Path::new(source).strip_prefix(&self.folder.shown).ok());
        normal(&importer.and_then(Path::parent).unwrap_or(Path::new("")).join(file))
    }

    /// The module that `import "path"` in `source` stands for, if it was loaded already.
    pub(super) fn loaded(&self, source: &str, path: &str) -> Option<Counted<Module>> {
        self.modules.borrow().get(&self.file(Some(source), path)).cloned()
    }

    fn load(&self, engine: &Engine, source: Option<&str>, path: &str) -> Result<Counted<Module>, Box<EvalAltResult>> {
        let file = self.file(source, path);
        if let Some(module) = self.modules.borrow().get(&file) {
            return Ok(module.clone());
        }
        self.guard(path, &file)?;
        let (name, ast) = self.parse(engine, path, &file)?;
        self.in_progress.borrow_mut().push(file.clone());
        let known = match self.resolved.borrow().contains(&file) {
            true => Ok(()),
            false => unknown_call(&ast, engine),
        };
        let made = known.and_then(|()| Module::eval_ast_as_new(Scope::new(), &ast, engine));
        self.in_progress.borrow_mut().pop();
        let module = made.map_err(|error| EvalAltResult::ErrorInModule(name, error, Position::NONE))?;
        let module = Counted::new(module);
        self.modules.borrow_mut().insert(file, module.clone());
        Ok(module)
    }

    /// Resolves what a script calls of the modules that it imports, and the names in those; nothing of them is run. An
    /// import that cannot be read is left to the run where that may not come to it.
    pub(super) fn resolve(&self, engine: &Engine, source: &str, ast: &AST) -> Result<(), Box<EvalAltResult>> {
        let imported = resolve::imported(ast);
        for import in &imported {
            let file = self.file(Some(source), &import.path);
            let resolved = self
                .guard(&import.path, &file)
                .and_then(|()| self.resolve_one(engine, &import.path, file));
            match resolved {
                Ok(functions) => {
                    let calls = resolve::unknown_of_module(ast, &imported, &import.alias, &functions);
                    if let Some((position, problem)) = calls {
                        return Err(EvalAltResult::ErrorRuntime(Dynamic::from(*problem), position).into());
                    }
                }
                Err(_) if !import.is_certain => {}
                Err(mut error) => {
                    error.set_position(import.position);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// The names of a module's functions, once the names in it are resolved.
    fn resolve_one(&self, engine: &Engine, path: &str, file: PathBuf) -> Result<Vec<String>, Box<EvalAltResult>> {
        let (name, ast) = self.parse(engine, path, &file)?;
        if self.resolved.borrow_mut().insert(file.clone()) {
            self.in_progress.borrow_mut().push(file);
            let resolved = unknown_call(&ast, engine).and_then(|()| self.resolve(engine, &name, &ast));
            self.in_progress.borrow_mut().pop();
            resolved.map_err(|error| EvalAltResult::ErrorInModule(name, error, Position::NONE))?;
        }
        let functions = ast
            .iter_functions()
            .filter(|function| function.access == FnAccess::Public);
        Ok(functions.map(|function| function.name.to_string()).collect())
    }

    /// The file that a path means in a source.
    fn file(&self, source: Option<&str>, path: &str) -> PathBuf {
        if is_standard(path) {
            PathBuf::from(path)
        } else {
            self.locate(source, path)
        }
    }

    /// Refuses a module that is just being imported: it would import itself for ever.
    fn guard(&self, path: &str, file: &PathBuf) -> Result<(), Box<EvalAltResult>> {
        let in_progress = self.in_progress.borrow();
        if !in_progress.contains(file) {
            return Ok(());
        }
        let chain: Vec<_> = in_progress
            .iter()
            .chain([file])
            .map(|f| f.display().to_string())
            .collect();
        Err(raise(failed(
            path,
            &format!("it imports itself: {}", chain.join(" → ")),
        )))
    }

    /// The name of a module as messages have it, and the module as the engine has it; parsed once.
    fn parse(&self, engine: &Engine, path: &str, file: &Path) -> Result<(String, AST), Box<EvalAltResult>> {
        let name = if is_standard(path) {
            path.to_string()
        } else {
            self.folder.shown.join(file).display().to_string()
        };
        if let Some(ast) = self.parsed.borrow().get(file) {
            return Ok((name, ast.clone()));
        }
        let text = if is_standard(path) {
            shipped(path)
        } else {
            self.read_module(path, file)
        };
        let text = text.map_err(raise)?;
        self.remember(&name, &text);
        let compiled = match is_standard(path) {
            true => engine.compile(without_comments(&text)),
            false => engine.compile(without_shebang(&text)),
        };
        let mut ast =
            compiled.map_err(|error| EvalAltResult::ErrorInModule(name.clone(), error.into(), Position::NONE))?;
        ast.set_source(&name);
        self.parsed.borrow_mut().insert(file.to_path_buf(), ast.clone());
        Ok((name, ast))
    }

    fn read_module(&self, path: &str, file: &Path) -> Result<String> {
        self.folder.read(file).map_err(|error| match error.raw_os_error() {
            Some(nix::libc::EXDEV) => failed(path, "it is outside the folder of the script that was run")
                .help("put it beside the script: imports are read from there and from std/ only"),
            Some(nix::libc::ENOENT) => failed(
                path,
                &format!("there is no file {}", self.folder.shown.join(file).display()),
            ),
            _ if error.kind() == io::ErrorKind::InvalidData => failed(path, "it is no UTF-8 text"),
            _ => failed(path, &error.to_string()),
        })
    }
}

/// The first call of a function that does not exist, as the engine's error.
fn unknown_call(ast: &AST, engine: &Engine) -> Result<(), Box<EvalAltResult>> {
    match resolve::unknown_call(ast, engine) {
        Some((position, problem)) => Err(EvalAltResult::ErrorRuntime(Dynamic::from(*problem), position).into()),
        None => Ok(()),
    }
}

fn shipped(path: &str) -> Result<String> {
    let name = path.trim_end_matches(".rhai");
    if let Some((_, text)) = STD.iter().find(|(module, _)| *module == name) {
        return Ok(text.to_string());
    }
    let problem = failed(path, "the standard library has no such module");
    let names: Vec<&str> = STD.iter().map(|(module, _)| *module).collect();
    Err(match nearest(name, names.iter().copied()) {
        Some(near) => problem.help(format!("did you mean {near:?}?")),
        None => problem.help(format!("it has {}", names.join(", "))),
    })
}

fn failed(path: &str, why: &str) -> Box<Problem> {
    Problem::new(Kind::Import, format!("import {path:?}: {why}"))
}

/// The path without `.` and without `..` where a folder stands before it; a `..` that leads out stays, for the
/// kernel to refuse.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(normal.components().next_back(), Some(Component::Normal(_))) => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

/// The engine's way to [`Imports`].
pub(super) struct Resolver(Rc<Imports>);

impl Resolver {
    pub(super) fn new(imports: Rc<Imports>) -> Resolver {
        Resolver(imports)
    }
}

impl rhai::ModuleResolver for Resolver {
    fn resolve(
        &self,
        engine: &Engine,
        source: Option<&str>,
        path: &str,
        position: Position,
    ) -> Result<Counted<Module>, Box<EvalAltResult>> {
        self.0.load(engine, source, path).map_err(|mut error| {
            error.set_position(position);
            error
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_made_plain_but_never_lead_in_again() {
        assert_eq!(normal(Path::new("a/./b/../c")), Path::new("a/c"));
        assert_eq!(normal(Path::new("../a")), Path::new("../a"));
        assert_eq!(normal(Path::new("a/../../b")), Path::new("../b"));
    }

    #[test]
    fn comments_leave_their_lines() {
        assert_eq!(
            without_comments("//! A\nlet x = 1; // one\n  // b\n"),
            "\nlet x = 1; // one\n\n"
        );
        for (name, text) in STD {
            assert!(!text.contains("/*"), "{name} has no comments of another kind");
        }
    }

    #[test]
    fn a_first_line_for_the_kernel_is_passed_over() {
        assert_eq!(without_shebang("#!/usr/bin/env nsx\nlet x = 1;"), "\nlet x = 1;");
        assert_eq!(without_shebang("#!x"), "");
        assert_eq!(without_shebang("let x = 1;"), "let x = 1;");
    }
}
