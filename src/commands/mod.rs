//! The subcommands, one a file. They and the REPL are the only ones that print.

mod check;
mod clean;
mod completions;
mod down;
mod exec;
mod explain;
mod export;
mod graph;
mod help;
mod import;
mod junit;
mod learn;
mod lesson;
mod ls;
mod machine;
mod man;
mod manner;
mod progress;
mod repl;
mod run;
mod test;
mod up;

use std::io::Write;

use crate::cli::{Cli, Command, Repl};
use crate::diagnostics::Report;
use crate::error::{Kind, Problem, Result};
use crate::lab::LabName;
use crate::sandbox;
use crate::terminal::{self, columns};

/// Carries out the command line; the exit status.
pub fn dispatch(cli: Cli) -> u8 {
    if let Err(problem) = sandbox::refuse_setuid() {
        return complain_of(problem);
    }
    match cli.command.unwrap_or(Command::Repl(Repl { file: None, lab: None })) {
        Command::Repl(options) => repl::repl(&options),
        Command::Run(run) => run::run(&run),
        Command::Up(up) => up::up(&up),
        Command::Ls(ls) => ls::ls(&ls),
        Command::Exec(exec) => exec::exec(&exec),
        Command::Shell(shell) => exec::shell(&shell),
        Command::Down(down) => down::down(&down),
        Command::Confirm(confirm) => down::confirm(&confirm),
        Command::Clean => clean::clean(),
        Command::Learn(learn) => learn::learn(&learn),
        Command::Lesson(lesson) => lesson::lesson(&lesson),
        Command::Test(test) => test::test(&test),
        Command::Check(check) => check::check(&check),
        Command::Graph(graph) => graph::graph(&graph),
        Command::Export(options) => export::export(&options),
        Command::Import(options) => import::import(&options),
        Command::Explain(explain) => explain::explain(&explain),
        Command::Help(help) => help::help(&help),
        Command::Man(options) => man::man(&options),
        Command::Completions(options) => completions::completions(&options),
    }
}

/// How problems are told on standard error.
#[derive(Clone, Copy)]
struct Complaints {
    is_json: bool,
}

impl Complaints {
    /// As JSON, an object a line, or drawn.
    fn new(is_json: bool) -> Complaints {
        Complaints { is_json }
    }

    /// Tells of a report; its exit status.
    fn draw(self, report: &Report) -> u8 {
        let error = std::io::stderr();
        let text = match self.is_json {
            true => format!("{}\n", report.json()),
            false => report.draw(terminal::is_coloured(&error), columns()),
        };
        // Nobody to tell is no reason to fail otherwise.
        let _ = error.lock().write_all(text.as_bytes());
        report.problem.kind.exit_status()
    }

    /// Tells of a problem that has no place in a script.
    fn about(self, problem: Box<Problem>) -> u8 {
        self.draw(&Report::from(problem))
    }
}

/// Draws a problem that has no place in a script.
fn complain_of(problem: Box<Problem>) -> u8 {
    Complaints::new(false).about(problem)
}

/// A lab's name as it was given.
fn lab_name(text: &str) -> Result<LabName> {
    text.parse().map_err(|why: String| Problem::new(Kind::Usage, why))
}

/// Writes a line of data on standard output.
fn say(line: &str) {
    // Nobody to tell is no reason to fail.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Writes a line about what happened on standard error.
fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
