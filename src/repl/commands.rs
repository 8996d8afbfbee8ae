//! The commands of the REPL: each declared once, with what it is called with, what it is for and what it does.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::OnceLock;

use super::{Flow, Repl, lesson};
use crate::draw::{self, Format};
use crate::error::{Kind, Problem, Result, nearest};
use crate::lessons::Style;
use crate::netns::NsName;
use crate::process::Program;
use crate::reference::{self, Reference};
use crate::script::read_script;
use crate::terminal::{self, columns};

/// A command.
pub struct Command {
    /// Its name, without the colon.
    pub name: &'static str,
    /// What stands after it.
    pub usage: &'static str,
    /// What it does, in a sentence.
    pub doc: &'static str,
    /// What its argument is.
    pub argument: Argument,
    pub(super) act: fn(&mut Repl, &str) -> Result<Flow>,
}

/// What the argument of a command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// There is none.
    None,
    /// A topic of the reference.
    Topic,
    /// A file.
    File,
    /// A namespace.
    Netns,
    /// `on` or `off`.
    Switch,
    /// A language of lessons.
    Lang,
}

/// Every command that there is in every session.
const COMMANDS: &[Command] = &[
    Command {
        name: "help",
        usage: "[TOPIC]",
        doc: "tells of a noun, a verb, a function or a command; `?TOPIC` is the same",
        argument: Argument::Topic,
        act: |repl, topic| help(repl, topic),
    },
    Command {
        name: "undo",
        usage: "",
        doc: "undoes what the last input changed, and says how; again, and it undoes the one before",
        argument: Argument::None,
        act: |repl, _| {
            repl.undo()?;
            Ok(Flow::On)
        },
    },
    Command {
        name: "draw",
        usage: "[FORM|FILE]",
        doc: "draws the lab: as text, ascii, svg, mermaid, dot or json, or to a file whose name ends so",
        argument: Argument::File,
        act: |repl, argument| draw(repl, argument),
    },
    Command {
        name: "save",
        usage: "FILE",
        doc: "writes the session as a script for `nsx run`; inputs that failed are left out",
        argument: Argument::File,
        act: |repl, file| save(repl, file),
    },
    Command {
        name: "load",
        usage: "FILE",
        doc: "runs a script in this session",
        argument: Argument::File,
        act: |repl, file| load(repl, file),
    },
    Command {
        name: "reset",
        usage: "",
        doc: "throws the lab away and begins with a new one",
        argument: Argument::None,
        act: |_, _| Ok(Flow::Again),
    },
    Command {
        name: "time",
        usage: "[on|off]",
        doc: "says how long each input takes",
        argument: Argument::Switch,
        act: |repl, state| {
            let switched = switch("time", state, repl.settings.time.get())?;
            repl.settings.time.set(switched);
            Ok(Flow::On)
        },
    },
    Command {
        name: "explain",
        usage: "[on|off]",
        doc: "shows each operation as `ip` spells it",
        argument: Argument::Switch,
        act: |repl, state| {
            let switched = switch("explain", state, repl.settings.explain.get())?;
            repl.settings.explain.set(switched);
            Ok(Flow::On)
        },
    },
    Command {
        name: "ns",
        usage: "[NETNS]",
        doc: "makes lines of `ip`, `ping`, `iptables` and their kin mean this namespace; without one, `host`",
        argument: Argument::Netns,
        act: |repl, name| {
            repl.netns = match name {
                "" => NsName::host(),
                name => repl.namespace(name)?,
            };
            Ok(Flow::On)
        },
    },
    Command {
        name: "sh",
        usage: "[NETNS]",
        doc: "opens a shell in a namespace; `!NETNS PROGRAM` runs one program there",
        argument: Argument::Netns,
        act: |repl, name| {
            let shell = std::env::var("SHELL").unwrap_or_else(|_| "/bin/sh".into());
            let name = if name.is_empty() {
                repl.netns.to_string()
            } else {
                name.to_string()
            };
            run(repl, &name, &Program::Words(vec![shell]))
        },
    },
    Command {
        name: "quit",
        usage: "",
        doc: "leaves; so does Ctrl-D",
        argument: Argument::None,
        act: |_, _| Ok(Flow::Leave(0)),
    },
];

/// Every command there is: in a lesson, there are those of lessons too.
pub fn all(is_lesson: bool) -> impl Iterator<Item = &'static Command> {
    let lesson = if is_lesson { lesson::COMMANDS } else { &[] };
    lesson.iter().chain(COMMANDS)
}

/// The command with this name.
pub fn find(name: &str, is_lesson: bool) -> Option<&'static Command> {
    all(is_lesson).find(|command| command.name == name)
}

/// Carries out a command, which may be called by the beginning of its name.
pub fn act(repl: &mut Repl, name: &str, argument: &str) -> Result<Flow> {
    let is_lesson = repl.tutor.is_some();
    let begins: Vec<_> = all(is_lesson)
        .filter(|command| command.name.starts_with(name))
        .collect();
    let command = find(name, is_lesson).or(match begins[..] {
        [only] if !name.is_empty() => Some(only),
        _ => None,
    });
    let Some(command) = command else {
        let problem = Problem::new(Kind::Usage, format!("there is no command `:{name}`"));
        return Err(match nearest(name, all(is_lesson).map(|command| command.name)) {
            Some(near) => problem.help(format!("did you mean `:{near}`?")),
            None => problem.help("`:help` lists them"),
        });
    };
    if command.argument == Argument::None && !argument.is_empty() {
        return Err(Problem::new(
            Kind::Usage,
            format!("`:{}` takes nothing after it", command.name),
        ));
    }
    (command.act)(repl, argument)
}

fn reference() -> &'static Reference {
    static REFERENCE: OnceLock<Reference> = OnceLock::new();
    REFERENCE.get_or_init(Reference::new)
}

/// What can be asked about.
pub fn topics() -> Vec<String> {
    let sections = reference().sections.iter();
    let mut topics: Vec<String> = sections
        .flat_map(|section| {
            let entries = section.entries.iter().map(|entry| entry.topic.clone());
            std::iter::once(section.name.clone()).chain(entries).collect::<Vec<_>>()
        })
        .filter(|topic| !topic.is_empty())
        .collect();
    topics.sort();
    topics.dedup();
    topics
}

fn help(repl: &Repl, topic: &str) -> Result<Flow> {
    if topic.is_empty() {
        repl.print(&overview());
        if let Some(words) = repl.words() {
            // Nearest to the prompt: it is what a learner asks for.
            repl.print(&format!(
                "\n{}\n\n{}",
                words.help_head,
                lesson::overview(words).trim_end()
            ));
        }
        return Ok(Flow::On);
    }
    let command = find(topic.trim_start_matches(':'), repl.tutor.is_some());
    if let Some(command) = command.filter(|_| topic.starts_with(':')) {
        let of_lesson = repl.words().and_then(|words| lesson::doc(words, command.name));
        let doc = of_lesson.unwrap_or(command.doc);
        repl.print(&format!(":{} {}\n{doc}", command.name, command.usage));
        return Ok(Flow::On);
    }
    about(repl, topic)
}

/// What the reference says of a topic, or what there is to ask about.
pub fn about(repl: &Repl, topic: &str) -> Result<Flow> {
    let here = |text: &str| text.replace("`nsx help ", "`?").replace("`nsx help`", "`?`");
    match reference::topic(reference(), topic, columns()) {
        Ok(text) => {
            repl.print(here(&text).trim_end());
            Ok(Flow::On)
        }
        Err(mut problem) => {
            problem.help = here(&problem.help);
            Err(problem)
        }
    }
}

fn overview() -> String {
    let mut text =
        String::from("What is typed is a script, which goes on until it is whole. Beside that there are\n\n");
    let rows = COMMANDS
        .iter()
        .map(|command| (format!(":{} {}", command.name, command.usage), command.doc));
    let others = [
        (
            "!NETNS PROGRAM".to_string(),
            "runs a program in a namespace, with the terminal",
        ),
        (
            "ip, ping, iptables …".to_string(),
            "lines of these are understood; see `:ns`",
        ),
        ("?".to_string(), "lists the language: nouns, verbs, functions, modules"),
    ];
    for (head, doc) in rows.chain(others) {
        text.push_str(&row(&head, doc));
    }
    let keys = "Tab completes, Ctrl-R searches the history, Alt-Enter begins a new line, Ctrl-C gives up the line or \
                interrupts what runs, Ctrl-D leaves.";
    text + "\n" + wide().text(keys).as_str()
}

/// A line of the overview: a command, and what it is for.
pub(super) fn row(head: &str, doc: &str) -> String {
    wide().paragraph(&format!("  {head:21}  "), doc) + "\n"
}

fn wide() -> Style {
    Style {
        colour: false,
        width: columns() - 1,
    }
}

fn switch(name: &str, state: &str, now: bool) -> Result<bool> {
    match state {
        "on" => Ok(true),
        "off" => Ok(false),
        "" => Ok(!now),
        _ => Err(Problem::new(
            Kind::Usage,
            format!("`:{name}` is on or off, not `{state}`"),
        )),
    }
}

fn needs_file(name: &str, file: &str) -> Result<()> {
    if file.is_empty() {
        return Err(
            Problem::new(Kind::Usage, format!("`:{name}` wants a file")).help(format!("for instance :{name} lab.rhai"))
        );
    }
    Ok(())
}

/// Writes a file that is not there yet.
fn write_new(file: &str, bytes: &[u8]) -> Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).open(file);
    let written = made.and_then(|mut made| made.write_all(bytes));
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Problem::new(Kind::Usage, format!("{file} is there already")).help("give another name")
        }
        _ => Problem::new(Kind::Usage, format!("cannot write {file}: {}", plain(&error))),
    })
}

fn draw(repl: &Repl, argument: &str) -> Result<Flow> {
    let render = |format, colour| draw::render(repl.lab.world(), format, columns(), colour);
    if let Some(format) = Format::of_file(argument) {
        write_new(argument, &render(format, false)?)?;
        repl.note(&format!("drawn in {argument}"));
        return Ok(Flow::On);
    }
    let format = match argument {
        "" => Format::for_terminal(),
        name => name.parse().map_err(|why: String| Problem::new(Kind::Usage, why))?,
    };
    if format == Format::Png {
        return Err(Problem::new(Kind::Usage, "a PNG is nothing for a terminal").help("give it a file: :draw lab.png"));
    }
    let picture = render(format, terminal::is_coloured(&io::stdout()))?;
    repl.print(String::from_utf8_lossy(&picture).trim_end());
    Ok(Flow::On)
}

fn save(repl: &Repl, file: &str) -> Result<Flow> {
    needs_file("save", file)?;
    let script = repl.script();
    write_new(file, script.as_bytes())?;
    let lines = script.lines().count();
    repl.note(&format!(
        "{lines} {} in {file}",
        if lines == 1 { "line" } else { "lines" }
    ));
    repl.check_saved(file, &script);
    Ok(Flow::On)
}

fn load(repl: &mut Repl, file: &str) -> Result<Flow> {
    needs_file("load", file)?;
    let read = fs::File::open(Path::new(file)).and_then(read_script);
    let text = read.map_err(|error| Problem::new(Kind::Usage, format!("cannot read {file}: {}", plain(&error))))?;
    Ok(repl.evaluate(file, &text))
}

/// An error of the system without its number.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

/// `!ns0 PROGRAM`.
pub fn program(repl: &mut Repl, netns: &str, line: &str) -> Result<Flow> {
    if line.is_empty() {
        return Err(Problem::new(Kind::Usage, format!("`!{netns}` wants a program"))
            .help(format!("for instance !{netns} ip addr; a shell: :sh {netns}")));
    }
    run(repl, netns, &Program::Line(line.to_string()))
}

fn run(repl: &mut Repl, netns: &str, program: &Program) -> Result<Flow> {
    let netns = repl.namespace(netns)?;
    let status = repl.in_foreground(&netns, program)?;
    if status != 0 {
        repl.note(&format!("status {status}"));
    }
    Ok(Flow::On)
}

#[cfg(test)]
mod tests {
    use super::super::input;
    use super::*;

    #[test]
    fn commands_are_told_from_scripts() {
        for command in COMMANDS {
            assert_eq!(
                input::read(&format!(":{}", command.name)),
                input::Input::Command(command.name, "")
            );
            assert!(!command.doc.is_empty());
        }
        assert!(topics().iter().any(|topic| topic == "route.add"));
    }
}
