//! `nsx` and `nsx repl`: a lab to live in.
//!
//! Two threads: the `editor` reads lines, and this one has the lab. While somebody types, this one waits for the editor and
//! serves what runs in the lab, answers the editor's questions (`complete`), and passes on what happens by itself
//! (`events`). A line is a command (`commands`) or a script, which the lab evaluates.

mod commands;
mod complete;
mod editor;
mod events;
mod highlight;
mod input;
mod lesson;
mod names;
mod place;

use std::cell::Cell;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use editor::{Editor, Said};
use events::Events;
use input::Input;
use lesson::Tutor;

use crate::diagnostics::Report;
use crate::error::{Kind, Problem, Result};
use crate::netns::NsName;
use crate::ops::{Done, Inverse, Op};
use crate::process::{Program, in_foreground};
use crate::script::{self, Deed, End, Folder, Lab, Sink, Syntax, Watch};
use crate::terminal::{self, Found, columns};

pub use lesson::{At, Taught, Why};

/// What outlives a lab that is thrown away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Whether each input's time is told.
    pub time: bool,
    /// Whether each operation is shown.
    pub explain: bool,
    /// Where in a lesson somebody is.
    pub lesson: Option<At>,
}

/// How much earlier than an input Ctrl-C may be seen that came after it.
const JUST_NOW: Duration = Duration::from_millis(100);

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With this exit status.
    Done(u8),
    /// By `:reset`: another one is to begin, with these settings.
    Again(Settings),
}

/// What a session begins with.
pub enum Begin<'a> {
    /// Nothing.
    Empty,
    /// In a lab that runs, which has this name.
    Joined(&'a str),
    /// A script: its name and its text.
    Script(&'a str, &'a str),
    /// A lesson, where the settings say that somebody is in it.
    Lesson(Taught),
}

/// Lives in a lab of the namespace that the process is in, until somebody leaves it.
pub fn live(folder: Folder, begin: Begin, settings: Settings) -> Ended {
    let found = Found::here();
    terminal::take_over();
    let ended = match Repl::new(folder, settings) {
        Ok(mut repl) => repl.live(begin, settings.lesson),
        Err(problem) => {
            complain_of(problem);
            Ended::Done(4)
        }
    };
    found.restore();
    ended
}

/// What is switched on, shared with the lab's own watch.
#[derive(Default)]
struct Switches {
    time: Cell<bool>,
    explain: Cell<bool>,
}

/// An input that was evaluated.
struct Past {
    /// As a script has it; nothing, where it failed.
    statement: Option<String>,
    /// Where in the lab's history that begins which it did; nothing, where it did nothing.
    begins: Option<usize>,
}

/// What comes after an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// The next one.
    On,
    /// The end, with this exit status.
    Leave(u8),
    /// Another lab.
    Again,
}

/// A session.
struct Repl {
    lab: Lab,
    syntax: Syntax,
    editor: Option<Editor>,
    events: Events,
    settings: Rc<Switches>,
    past: Vec<Past>,
    /// How many inputs there were.
    count: usize,
    /// The namespace that lines of `ip` and its kin mean.
    netns: NsName,
    /// Who teaches, in a lesson.
    tutor: Option<Tutor>,
    /// Whether the last input may have changed the network.
    acted: bool,
}

impl Repl {
    fn new(folder: Folder, settings: Settings) -> Result<Repl> {
        let colour = terminal::is_coloured(&io::stdout());
        let editor = Editor::start(colour).map_err(|e| Problem::system("start the editor", e))?;
        let switches = Rc::new(Switches {
            time: settings.time.into(),
            explain: settings.explain.into(),
        });
        let sink: Sink = Box::new(|text| {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes())?;
            out.flush()
        });
        let explained = switches.clone();
        let watch: Watch = Box::new(move |done: &script::Done| {
            if let (Deed::Changed(op), true) = (&done.deed, explained.explain.get()) {
                show(op);
            }
        });
        let lab = Lab::new(folder, sink, Some(watch))?;
        lab.world().history.keep_inverses();
        lab.world().interrupt.expect_no_echo();
        Ok(Repl {
            lab,
            syntax: Syntax::new(),
            editor: Some(editor),
            events: Events::new(),
            settings: switches,
            past: Vec::new(),
            count: 0,
            netns: NsName::host(),
            tutor: None,
            acted: false,
        })
    }

    fn live(&mut self, begin: Begin, at: Option<At>) -> Ended {
        let mut flow = self.begin(begin, at);
        self.caught_up(true);
        self.acted = false;
        while flow == Flow::On {
            flow = match self.ask() {
                Ok(Some(input)) => self.take(&input),
                Ok(None) => Flow::Leave(0),
                Err(signal) => Flow::Leave(128 + signal as u8),
            };
        }
        self.events.forget();
        for report in self.lab.leave("on_exit") {
            complain(&report);
        }
        match flow {
            Flow::Leave(status) => Ended::Done(status),
            Flow::On | Flow::Again => Ended::Again(self.kept()),
        }
    }

    fn begin(&mut self, begin: Begin, at: Option<At>) -> Flow {
        let own = "a lab of its own: `host` is its machine".to_string();
        let (place, script) = match (begin, at) {
            (Begin::Lesson(taught), Some(at)) => {
                self.tutor = Some(Tutor::new(taught, at));
                let opened = self.begin_lesson();
                return self.or_complain(opened);
            }
            (Begin::Script(name, text), _) => (own, Some((name, text))),
            (Begin::Joined(lab), _) => (format!("in lab {lab}: its namespaces are netns::get(NAME)"), None),
            (Begin::Empty | Begin::Lesson(_), _) => (own, None),
        };
        let version = env!("CARGO_PKG_VERSION");
        self.note(&format!("nsx {version}, {place}. :help tells more."));
        script.map_or(Flow::On, |(name, text)| self.evaluate(name, text))
    }

    fn or_complain(&self, done: Result<Flow>) -> Flow {
        done.unwrap_or_else(|problem| {
            complain_of(problem);
            Flow::On
        })
    }

    /// An input is over; `acted` if it may have changed the network.
    fn caught_up(&mut self, acted: bool) {
        self.events.caught_up(self.lab.world(), acted);
        self.acted |= acted;
    }

    fn prompt(&self) -> String {
        match self.netns.is_host() {
            true => "nsx> ".into(),
            false => format!("nsx {}> ", self.netns),
        }
    }

    /// Waits for the next input, and serves the lab meanwhile. Nothing at the end; the error is a signal that ends it.
    fn ask(&mut self) -> Result<Option<String>, i32> {
        let prompt = self.prompt();
        let Some(editor) = self.editor.as_mut() else {
            return Ok(None);
        };
        editor.prompt(&prompt);
        let mut ctrl_c: Option<Instant> = None;
        loop {
            enum Came {
                Said(Said),
                News(String),
                Signal,
            }
            let world = self.lab.world();
            let came = world.kernel.block_on(async {
                tokio::select! {
                    said = editor.said() => Came::Said(said),
                    news = self.events.news() => Came::News(news),
                    _ = world.interrupt.or(std::future::pending::<()>()) => Came::Signal,
                }
            });
            match came {
                Came::Said(Said::Input(input)) => {
                    // Ctrl-C is a signal only after Enter: it was meant for this input.
                    if ctrl_c.is_some_and(|came| came.elapsed() < JUST_NOW) {
                        world.interrupt.raise(nix::libc::SIGINT);
                    }
                    return Ok(Some(input));
                }
                Came::Said(Said::GivenUp) => editor.prompt(&prompt),
                Came::Said(Said::Ended) => return Ok(None),
                Came::Said(Said::Complete(question)) => {
                    let _ = question
                        .answer
                        .send(complete::complete(&self.lab, &question.line, self.tutor.is_some()));
                }
                Came::Said(Said::Hint(question)) => {
                    let _ = question
                        .answer
                        .send(complete::hint(&self.lab, &question.line, self.tutor.is_some()));
                }
                Came::News(news) => editor.show(format!("-- {news}\n")),
                Came::Signal => match world.interrupt.signal() {
                    Some(nix::libc::SIGINT) | None => {
                        world.interrupt.clear();
                        ctrl_c = Some(Instant::now());
                    }
                    Some(signal) => return Err(signal),
                },
            }
        }
    }

    fn take(&mut self, text: &str) -> Flow {
        let done = match input::read(text) {
            Input::Nothing => self.enter(),
            Input::Command(name, argument) => commands::act(self, name, argument),
            Input::Question(topic) => commands::about(self, topic),
            Input::Program(netns, line) => commands::program(self, netns, line),
            Input::Plain(line) => Ok(self.plain(line)),
            Input::Script(text) => {
                self.count += 1;
                let name = format!("input {}", self.count);
                Ok(self.evaluate(&name, text))
            }
        };
        match self.or_complain(done) {
            Flow::On => {
                let looked = self.look_after();
                self.or_complain(looked)
            }
            flow => flow,
        }
    }

    /// A line of `ip` and its kin: shown as the script that it is, and evaluated.
    fn plain(&mut self, line: &str) -> Flow {
        let understood = match script::understand(line, &self.netns, &self.lab.variables()) {
            Ok(understood) => understood,
            Err(report) => {
                complain(&report);
                return Flow::On;
            }
        };
        if let Some(netns) = understood.netns {
            self.netns = netns;
        }
        if understood.script.is_empty() {
            return Flow::On;
        }
        self.note(&understood.script);
        self.count += 1;
        let name = format!("input {}", self.count);
        self.evaluate(&name, &understood.script)
    }

    /// Evaluates a script and shows its value, or what is wrong.
    fn evaluate(&mut self, name: &str, text: &str) -> Flow {
        let started = self.lab.world().processes.count();
        let before = self.lab.world().history.done().len();
        let start = Instant::now();
        let evaluated = self.lab.evaluate(name, text);
        let took = start.elapsed();
        // A program may have changed what it likes.
        let did = self.lab.world().history.done().len() > before;
        let acted = did || self.lab.world().processes.count() != started;
        let (statement, flow) = match evaluated {
            Ok(value) => {
                if let Some(text) = self.lab.text(&value) {
                    self.print(&text);
                }
                (Some(self.syntax.statement(text)), Flow::On)
            }
            Err(End::Done(status)) => (None, Flow::Leave(status)),
            Err(End::Failed(report)) => {
                complain(&report);
                let signal = self.lab.world().interrupt.signal();
                let ends = signal.filter(|signal| matches!(*signal, nix::libc::SIGTERM | nix::libc::SIGHUP));
                (None, ends.map_or(Flow::On, |signal| Flow::Leave(128 + signal as u8)))
            }
        };
        self.lab.world().interrupt.clear();
        if self.settings.time.get() {
            self.note(&format!("{:.1} ms", took.as_secs_f64() * 1e3));
        }
        let begins = did.then_some(before);
        self.past.push(Past { statement, begins });
        self.caught_up(acted);
        flow
    }

    /// Undoes what the last input did that did anything.
    fn undo(&mut self) -> Result<()> {
        let Some(last) = self.past.iter().rposition(|past| past.begins.is_some()) else {
            self.note("there is nothing to undo");
            return Ok(());
        };
        let begins = self.past.remove(last).begins.unwrap_or_default();
        let history = &self.lab.world().history;
        for Done { op, inverse, .. } in history.forget_after(begins).into_iter().rev() {
            match inverse.unwrap_or_else(|| Inverse::By(Vec::new())) {
                Inverse::By(ops) => {
                    for op in ops {
                        match op.apply(self.lab.world()) {
                            Ok(()) => show(&op),
                            Err(problem) => complain_of(problem),
                        }
                    }
                }
                Inverse::Cannot(why) => complain_of(
                    Problem::new(Kind::Usage, format!("{} cannot be undone: {why}", op.title()))
                        .during(op.spell(), op.netns.as_str()),
                ),
            }
        }
        // What was undone has not happened, and neither has its undoing.
        history.forget_after(begins);
        self.caught_up(true);
        Ok(())
    }

    /// The session as a script.
    fn script(&self) -> String {
        let statements = self.past.iter().filter_map(|past| past.statement.as_deref());
        statements.map(|statement| format!("{statement}\n")).collect()
    }

    /// Says where a script that was saved does not stand on its own, as when an input needs what one that failed defined.
    fn check_saved(&self, file: &str, script: &str) {
        if let Err(report) = self.lab.check_alone(file, script) {
            complain(&report);
        }
    }

    /// The namespace with this name; a variable that is a namespace's handle does too.
    fn namespace(&self, name: &str) -> Result<NsName> {
        let variable = self.lab.variables().into_iter().find(|variable| variable.name == name);
        if let Some(netns) = variable.and_then(|variable| variable.netns) {
            return Ok(netns);
        }
        let named = name.parse::<NsName>();
        let netns = named.map_err(|why| Problem::new(Kind::Usage, format!("{name:?} is no namespace: {why}")))?;
        self.lab.world().kernel.space(&netns)?;
        Ok(netns)
    }

    /// Runs a program with the terminal.
    fn in_foreground(&mut self, netns: &NsName, program: &Program) -> Result<i32> {
        let world = self.lab.world();
        world.settle();
        let space = world.kernel.space(netns)?;
        let ran = world.kernel.block_on(in_foreground(netns, &space.netns()?, program));
        drop(space);
        self.caught_up(true);
        ran.map_err(|e| Problem::system(&format!("run {}", program.spell()), e))
    }

    /// Data, on standard output.
    fn print(&self, text: &str) {
        let mut out = io::stdout().lock();
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    }

    /// A word beside it, on standard error.
    fn note(&self, text: &str) {
        let error = io::stderr();
        let (begin, end) = if terminal::is_coloured(&error) {
            ("\x1b[90m", "\x1b[0m")
        } else {
            ("", "")
        };
        let _ = writeln!(error.lock(), "{begin}{text}{end}");
    }
}

/// An operation as `ip` spells it.
fn show(op: &Op) {
    let _ = writeln!(io::stderr(), "+ {}", op.spell());
}

fn complain(report: &Report) {
    let error = io::stderr();
    let colour = terminal::is_coloured(&error);
    let _ = error.lock().write_all(report.draw(colour, columns()).as_bytes());
}

fn complain_of(problem: Box<Problem>) {
    complain(&Report::from(problem));
}
