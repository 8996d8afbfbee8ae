//! The script engine: Rhai with a lab's nouns in it.
//!
//! [`Lab`] is one lab being scripted: it evaluates scripts one after another, and what one defines the next ones know.
//! Its nouns come from [`crate::ops::NOUNS`]; nothing of a noun is
//! listed here. What the engine has beside them is declared in [`BUILTINS`], and the modules of the standard library
//! tell of themselves ([`modules()`]).

mod builtins;
mod claiming;
mod drawing;
mod engine;
mod handles;
mod imports;
mod limits;
mod mending;
mod modules;
mod plain;
mod printing;
mod proving;
mod resolve;
mod session;
mod troubles;
mod values;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use rhai::{AST, Array, Dynamic, Engine, EvalAltResult, FnPtr, NativeCallContext, Scope};

use crate::diagnostics::Report;
use crate::error::{Kind, Result};
use crate::ops::{Answer, Call, Line, Op, World, cost, reach};

pub use builtins::{BUILTINS, Builtin, Form, Group};
pub use imports::{Folder, read_script};
pub use limits::confine;
pub use modules::{Function, Module, modules};
pub use plain::{Understood, understand};
pub use session::{Syntax, Variable};

/// Where what a script prints goes. An error means that nobody reads it any more, and ends the script.
pub type Sink = Box<dyn FnMut(&str) -> std::io::Result<()>>;

/// Called with each thing that a script has done in its lab.
pub type Watch = Box<dyn Fn(&Done)>;

/// What a script has done, and where in it that stands.
pub struct Done<'a> {
    /// What.
    pub deed: Deed<'a>,
    /// What asked for it, where that is known.
    pub line: Option<&'a Line>,
}

/// What a script has done.
pub enum Deed<'a> {
    /// A change was carried out.
    Changed(&'a Op),
    /// Something was asked or tried, and answered.
    Asked(&'a Call, &'a Answer),
}

/// Called with how much of something is done, and how much there is to do.
pub type Meter = Box<dyn FnMut(u64, u64)>;

/// How a run of a script ended.
pub enum End {
    /// At its last line, or by `exit(status)`.
    Done(u8),
    /// By failing.
    Failed(Box<Report>),
}

/// The end of a script whose output nobody reads: quiet, with the status that shells give to SIGPIPE.
const UNREAD: End = End::Done(128 + nix::libc::SIGPIPE as u8);

/// What a lab's own functions share.
struct Shared {
    world: World,
    sink: RefCell<Sink>,
    watch: Option<Watch>,
    meter: RefCell<Option<Meter>>,
    exits: RefCell<Vec<FnPtr>>,
    computing: Rc<limits::Computing>,
    /// How many claims held.
    tally: Cell<claiming::Tally>,
    /// Nobody reads what is printed.
    is_unread: Cell<bool>,
    /// The script has ended; what it left for `on_exit` runs.
    is_leaving: Cell<bool>,
}

impl Shared {
    /// Notes which line of which script calls.
    fn at(&self, context: &NativeCallContext) {
        self.computing.begin();
        let line = context.call_position().line().unwrap_or(0);
        self.world.history.at(context.call_source().unwrap_or_default(), line);
    }

    /// Tells whoever watches what was done.
    fn tell(&self, deed: Deed) {
        if let Some(watch) = &self.watch {
            let line = self.world.history.here();
            watch(&Done {
                deed,
                line: line.as_ref(),
            });
        }
    }
}

/// A lab and the engine that scripts it.
pub struct Lab {
    shared: Rc<Shared>,
    engine: Engine,
    imports: Rc<imports::Imports>,
    /// The variables of what was evaluated so far.
    scope: Scope<'static>,
    /// Their functions.
    functions: AST,
}

/// The scope of the first script.
fn first_scope() -> Scope<'static> {
    let mut scope = Scope::new();
    scope.push_constant("args", Array::new());
    scope
}

impl Lab {
    /// A lab in the namespace the process is in, whose `lo` is brought up: a machine without a network card.
    /// Imports are looked for in `folder`.
    pub fn new(folder: Folder, sink: Sink, watch: Option<Watch>) -> Result<Lab> {
        let lab = Lab::at_rest(folder, sink, watch)?;
        Op::lo_up().apply(&lab.shared.world)?;
        Ok(lab)
    }

    /// A lab in which nothing is done yet: to check scripts in. It needs no privilege.
    pub fn at_rest(folder: Folder, sink: Sink, watch: Option<Watch>) -> Result<Lab> {
        Ok(Lab::of(World::new()?, folder, sink, watch))
    }

    /// A lab in a world as it is.
    pub fn of(world: World, folder: Folder, sink: Sink, watch: Option<Watch>) -> Lab {
        let shared = Rc::new(Shared {
            world,
            sink: sink.into(),
            watch,
            meter: RefCell::default(),
            exits: RefCell::default(),
            computing: Rc::default(),
            tally: Cell::default(),
            is_unread: Cell::new(false),
            is_leaving: Cell::new(false),
        });
        let imports = Rc::new(imports::Imports::new(folder));
        let engine = engine::build(&shared, &imports);
        Lab {
            shared,
            engine,
            imports,
            scope: first_scope(),
            functions: AST::empty(),
        }
    }

    /// Sets what scripts see as `args`.
    pub fn set_arguments(&mut self, arguments: &[String]) {
        let arguments: Array = arguments.iter().map(|argument| argument.clone().into()).collect();
        self.scope.push_constant("args", arguments);
    }

    /// Parses a script, and the modules it imports, and resolves every name in them. Nothing is run.
    pub fn check(&self, name: &str, text: &str) -> Result<(), Box<Report>> {
        self.compile(name, text).map(|_| ())
    }

    /// Runs a script and what it left for `on_exit`. `name` is the file's, as the user gave it.
    pub fn run(&mut self, name: &str, text: &str) -> End {
        let end = self.evaluate(name, text).map_or_else(|end| end, |_| End::Done(0));
        self.end(name, end)
    }

    /// Keeps the lab, its servers, captures and programs, until a signal comes.
    pub fn stay(&self) {
        let world = &self.shared.world;
        let forever = world.interrupt.or(std::future::pending::<()>());
        let _ = world.kernel.block_on(forever);
    }

    /// What the order of the script has cost it, and what is cheaper.
    pub fn advice(&self) -> Vec<String> {
        cost::advice(&self.shared.world.history)
    }

    /// Shows how far a script says it is with something long.
    pub fn meter(&self, meter: Meter) {
        self.shared.meter.replace(Some(meter));
    }

    /// The lab is left, after the script `name` ended so: what was left for `on_exit` runs; how it ended altogether.
    pub fn end(&self, name: &str, mut end: End) -> End {
        for report in self.leave(name) {
            if matches!(end, End::Done(_)) {
                end = End::Failed(Box::new(report));
            }
        }
        match end {
            End::Done(0) if self.shared.is_unread.get() => UNREAD,
            end => end,
        }
    }

    /// Evaluates a script: the value of its last expression, or how it ended before that. Its variables, functions and
    /// imports stay for the next one, and where it fails, those variables that it came to define.
    pub fn evaluate(&mut self, name: &str, text: &str) -> Result<Dynamic, End> {
        let ast = self.compile(name, text).map_err(End::Failed)?;
        let evaluated = self.engine.eval_ast_with_scope(&mut self.scope, &ast);
        self.keep_definitions(name, &ast);
        if self.shared.is_unread.get() {
            return Err(UNREAD);
        }
        evaluated.map_err(|error| self.failed(name, &error))
    }

    fn failed(&self, name: &str, error: &EvalAltResult) -> End {
        if let Some(status) = proving::chosen(error) {
            return End::Done(status);
        }
        let mut report = self.report(name, error);
        if report.problem.kind == Kind::Assertion {
            if let Some(frame) = report.frames.first() {
                self.shared.world.history.at(frame.name(), frame.line);
            }
            report.warnings = reach::warnings(&self.shared.world);
        }
        End::Failed(report)
    }

    /// The script as the engine has it, every name in it known.
    fn compile(&self, name: &str, text: &str) -> Result<AST, Box<Report>> {
        self.imports.remember(name, text);
        let text = imports::without_shebang(text);
        let compiled = self.engine.compile_with_scope(&self.scope, text);
        let mut ast = compiled.map_err(|error| self.report(name, &error.into()))?;
        ast.set_source(name);
        match resolve::unknown_call(&ast, &self.engine) {
            Some((position, problem)) => {
                Err(self.report(name, &EvalAltResult::ErrorRuntime(Dynamic::from(*problem), position)))
            }
            None => {
                let resolved = self.imports.resolve(&self.engine, name, &ast);
                resolved.map_err(|error| self.report(name, &error))?;
                Ok(ast)
            }
        }
    }

    /// Runs what `on_exit` was given, last first, whatever happened; a signal does not stop it unless it
    /// comes again. What failed of it is told as of the script `name`.
    pub fn leave(&self, name: &str) -> Vec<Report> {
        let mut reports = Vec::new();
        self.shared.is_leaving.set(true);
        self.shared.world.interrupt.clear();
        while let Some(last) = self.next_exit() {
            if let Err(error) = last.call::<Dynamic>(&self.engine, &self.functions, ()) {
                reports.push(*self.report(name, &error));
            }
        }
        claiming::sum_up(&self.shared);
        let world = &self.shared.world;
        let unwritten = world.kernel.block_on(world.captures.end(None));
        reports.extend(unwritten.into_iter().map(Report::from));
        reports
    }

    fn next_exit(&self) -> Option<FnPtr> {
        self.shared.exits.borrow_mut().pop()
    }

    fn report(&self, name: &str, error: &EvalAltResult) -> Box<Report> {
        troubles::report(error, name, &self.imports, &self.engine)
    }
}
