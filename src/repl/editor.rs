//! The line editor, in a thread of its own: while somebody types, the lab's own thread goes on serving what runs in the
//! lab. What only the lab knows, such as names to complete, the editor asks it for.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter, HistoryHinter};
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{
    Cmd, ColorMode, CompletionType, Config, Context, Event, ExternalPrinter, KeyCode, KeyEvent, Modifiers,
};
use std::borrow::Cow;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{highlight, input};
use crate::script::Syntax;
use crate::state;

/// How many entries the history keeps.
const HISTORY: usize = 10_000;

/// How long the editor waits for the lab's answer. It answers at once, unless it is about to end.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the editor says.
pub enum Said {
    /// A whole input.
    Input(String),
    /// Ctrl-C: the line was given up.
    GivenUp,
    /// Ctrl-D, or the terminal is gone.
    Ended,
    /// How can the word before the cursor go on?
    Complete(Question<Completion>),
    /// What may come next?
    Hint(Question<Option<Suggestion>>),
}

/// A question about the line up to the cursor.
pub struct Question<A> {
    /// The line up to the cursor.
    pub line: String,
    /// Where the answer goes.
    pub answer: Sender<A>,
}

/// How a word can go on.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// Where the word begins.
    pub start: usize,
    /// What can stand in its place: as it is shown, and as it is written.
    pub candidates: Vec<(String, String)>,
}

/// What is shown in grey behind the cursor.
#[derive(Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The text.
    pub text: String,
    /// Whether it can be taken over as it is, by the right arrow.
    pub is_literal: bool,
}

impl Hint for Suggestion {
    fn display(&self) -> &str {
        &self.text
    }

    fn completion(&self) -> Option<&str> {
        self.is_literal.then_some(&self.text)
    }
}

/// The lab's end of the editor.
pub struct Editor {
    prompts: Sender<String>,
    said: UnboundedReceiver<Said>,
    news: Sender<String>,
}

impl Editor {
    /// Starts the editor, with or without colours.
    pub fn start(colour: bool) -> io::Result<Editor> {
        let (prompts, asked) = mpsc::channel::<String>();
        let (say, said) = unbounded_channel();
        let (news, told) = mpsc::channel::<String>();
        thread::Builder::new().name("editor".into()).spawn(move || {
            let Ok(mut line) = open(say.clone(), colour) else {
                let _ = say.send(Said::Ended);
                return;
            };
            if let Ok(mut printer) = line.create_external_printer() {
                // The printer waits until the editor takes what it prints.
                let print = move || told.iter().try_for_each(|text| printer.print(text));
                let _ = thread::Builder::new().name("news".into()).spawn(print);
            }
            let history = history();
            if let Some(path) = &history {
                let _ = line.load_history(path);
            }
            for prompt in asked {
                let read = read(&mut line, &prompt, colour, history.as_ref());
                if say.send(read).is_err() {
                    return;
                }
            }
        })?;
        Ok(Editor { prompts, said, news })
    }

    /// Lets the editor read the next input.
    pub fn prompt(&self, prompt: &str) {
        let _ = self.prompts.send(prompt.to_string());
    }

    /// Waits for what the editor says.
    pub async fn said(&mut self) -> Said {
        self.said.recv().await.unwrap_or(Said::Ended)
    }

    /// Shows a text above the prompt.
    pub fn show(&self, text: String) {
        let _ = self.news.send(text);
    }
}

type Line = rustyline::Editor<Helper, DefaultHistory>;

fn open(say: UnboundedSender<Said>, colour: bool) -> rustyline::Result<Line> {
    let config = Config::builder()
        .max_history_size(HISTORY)?
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        .completion_show_all_if_ambiguous(true)
        .bracketed_paste(true)
        .color_mode(if colour {
            ColorMode::Enabled
        } else {
            ColorMode::Disabled
        })
        .build();
    let mut line = Line::with_config(config)?;
    line.set_helper(Some(Helper {
        say,
        syntax: Syntax::new(),
        history: HistoryHinter::new(),
    }));
    // Nobody could bring nsx back: its own shell is outside the sandbox.
    line.bind_sequence(KeyEvent::ctrl('Z'), Cmd::Noop);
    line.bind_sequence(Event::from(KeyEvent(KeyCode::Enter, Modifiers::ALT)), Cmd::Newline);
    Ok(line)
}

fn read(line: &mut Line, prompt: &str, colour: bool, history: Option<&PathBuf>) -> Said {
    let read = if colour {
        line.readline(&(prompt, format!("\x1b[1;32m{prompt}\x1b[0m")))
    } else {
        line.readline(prompt)
    };
    match read {
        Ok(input) => {
            if !input.trim().is_empty() {
                let _ = line.add_history_entry(&input);
                let _ = history.map(|path| line.append_history(path));
            }
            Said::Input(input)
        }
        Err(ReadlineError::Interrupted) => Said::GivenUp,
        Err(_) => Said::Ended,
    }
}

/// Where the history is kept: $XDG_STATE_HOME/nsx/history.
fn history() -> Option<PathBuf> {
    let path = state::folder()?.join("history");
    // Without it, the first entry could not be appended.
    fs::OpenOptions::new().append(true).create(true).open(&path).ok()?;
    Some(path)
}

/// What the editor asks about a line.
struct Helper {
    say: UnboundedSender<Said>,
    syntax: Syntax,
    history: HistoryHinter,
}

impl Helper {
    /// Asks the lab; nothing if it does not answer.
    fn ask<A>(&self, line: &str, question: fn(Question<A>) -> Said) -> Option<A> {
        let (answer, answered) = mpsc::channel();
        let line = line.to_string();
        self.say.send(question(Question { line, answer })).ok()?;
        answered.recv_timeout(PATIENCE).ok()
    }
}

impl rustyline::Helper for Helper {}

impl Completer for Helper {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let found = self.ask(&line[..pos], Said::Complete).unwrap_or_default();
        let pair = |(display, replacement)| Pair { display, replacement };
        Ok((found.start, found.candidates.into_iter().map(pair).collect()))
    }
}

impl Hinter for Helper {
    type Hint = Suggestion;

    fn hint(&self, line: &str, pos: usize, context: &Context<'_>) -> Option<Suggestion> {
        if line.is_empty() || pos < line.len() {
            return None;
        }
        let of_lab = || self.ask(line, Said::Hint).flatten();
        let of_history = self.history.hint(line, pos, context).map(|text| Suggestion {
            // Several lines would move the screen with each key.
            is_literal: !text.contains('\n'),
            text: text.lines().next().unwrap_or_default().to_string(),
        });
        of_lab().or(of_history).filter(|hint| !hint.text.is_empty())
    }
}

impl Highlighter for Helper {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        Cow::Owned(highlight::line(line))
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\x1b[90m{hint}\x1b[0m"))
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        kind != CmdKind::MoveCursor
    }
}

impl Validator for Helper {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input();
        Ok(if input::is_script(text) && self.syntax.is_incomplete(text) {
            ValidationResult::Incomplete
        } else {
            ValidationResult::Valid(None)
        })
    }
}
