//! From a line to statements: looks through what stands before a command, and lets its noun read it.

use std::ops::Range;

use super::line::{Connector, Simple, split};
use super::programs::{self, Before, For};
use crate::netns::NsName;
use crate::ops::call::quoted;
use crate::ops::command::Draft;
use crate::ops::{Act, Call, Heard, Misread, Span, Typed, Value, Word, Words};

/// What one command of a line says.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// What it says.
    pub what: What,
    /// Whether it may fail: `|| true`.
    pub may_fail: bool,
    /// Its place in the line, in bytes.
    pub place: Range<usize>,
}

/// What a command says.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A call of a verb.
    Call(Call),
    /// `sleep 1`: a duration.
    Sleep(String),
    /// The machine is restarted.
    Reboot,
    /// A shell in a namespace: what follows is typed there.
    Enter(NsName),
    /// Its end.
    Leave,
}

impl Statement {
    /// The statement as a script has it. `name` says what a namespace is called there.
    pub fn script(&self, name: &dyn Fn(&NsName) -> String) -> String {
        match &self.what {
            What::Call(call) => call.script(name),
            What::Sleep(span) => format!("sleep({})", quoted(span)),
            What::Reboot => "// the machine is restarted".into(),
            What::Enter(netns) => format!("// what follows is typed in {netns}"),
            What::Leave => "// back again".into(),
        }
    }

    /// The call, if it is one.
    pub fn call(&self) -> Option<&Call> {
        match &self.what {
            What::Call(call) => Some(call),
            _ => None,
        }
    }
}

/// Reads a line for a shell in a namespace: each command becomes a statement; none are made of a line that says
/// nothing (a comment, `ip route flush cache`). What is not understood is an error that says where and why.
///
/// What a call asks for has been checked, but nothing has been done: [`Call::op`] is what a change is carried out by, and
/// [`Statement::script`] is how a script says it.
pub fn read(line: &str, netns: &NsName) -> Heard<Vec<Statement>> {
    read_with(line, netns, &|_| None)
}

/// The same, where `variable` says what the variables of the shell hold.
pub fn read_with(line: &str, netns: &NsName, variable: &dyn Fn(&str) -> Option<String>) -> Heard<Vec<Statement>> {
    let (commands, _) = split(line, variable)?;
    let mut statements: Vec<Statement> = Vec::new();
    let mut commands = commands.iter().peekable();
    while let Some(command) = commands.next() {
        let mut pipe = vec![command];
        while pipe.last().is_some_and(|last| last.then == Connector::Pipe) {
            let next = commands.next();
            pipe.push(next.ok_or_else(|| Misread::at(line.len()..line.len(), "a command is missing after `|`"))?);
        }
        let then = pipe.last().map(|last| last.then).unwrap_or_default();
        let mut said = match pipe.as_slice() {
            [only] => Reading::new(only, netns).run(only)?,
            all => piped(all, netns)?,
        };
        if then == Connector::Or {
            let or = commands.next();
            let is_nothing =
                or.is_some_and(|or| matches!(or.words.as_slice(), [one] if ["true", ":"].contains(&one.text.as_str())));
            if !is_nothing {
                let place = or.map_or(command.place(), Simple::place);
                return Err(Misread::at(place, "what is done after a failure is not understood"));
            }
            said.iter_mut().for_each(|statement| statement.may_fail = true);
        }
        statements.extend(said);
        join_last(&mut statements);
    }
    Ok(statements)
}

/// A device that is made and then told more, as nsx spells it where one command cannot say both, is one call.
fn join_last(statements: &mut Vec<Statement>) {
    let [.., first, second] = statements.as_slice() else {
        return;
    };
    let joined = match (first.call(), second.call()) {
        (Some(one), Some(two)) if one.noun == "link" && two.noun == "link" => joined(one, two),
        _ => None,
    };
    if let Some(call) = joined {
        let place = first.place.start..second.place.end;
        statements.truncate(statements.len() - 2);
        statements.push(Statement {
            what: What::Call(call),
            may_fail: false,
            place,
        });
    }
}

/// One call for two, if it is spelled as these two are.
fn joined(one: &Call, two: &Call) -> Option<Call> {
    let mut both = one.clone();
    both.options.extend(two.options.iter().cloned());
    let spell = |call: &Call| Some(call.op().ok()??.spell());
    (spell(&both)? == format!("{} && {}", spell(one)?, spell(two)?)).then_some(both)
}

/// `echo 1 | sudo tee /proc/sys/…`; and what shows something, made shorter by `grep` and its kin.
fn piped(pipe: &[&Simple], netns: &NsName) -> Heard<Vec<Statement>> {
    let (first, last) = (pipe[0], pipe[pipe.len() - 1]);
    let from = Reading::new(first, netns);
    let mut to = Reading::new(last, netns);
    to.look_through()?;
    if from.words.peek() == Some("echo") && to.words.take("tee") {
        to.words.take("-a");
        let target = to.words.value("tee")?;
        let place = first.place().start..last.place().end;
        return to.write(&words_of(&first.words[1..]), target, place);
    }
    let stands = |text: &str| last.words.iter().any(|word| word.text == text);
    if from.words.peek() == Some("echo") && stands("wg") && stands("/dev/stdin") {
        return keyed(first, last, netns);
    }
    let filters = [
        "grep", "egrep", "head", "tail", "less", "more", "cat", "column", "sort", "tee", "nl", "jq",
    ];
    let mut statements = Reading::new(first, netns).run(first)?;
    for simple in &pipe[1..] {
        let program = simple.words.first().map(|word| word.text.as_str()).unwrap_or_default();
        if !filters.contains(&program) {
            return Err(Misread::at(
                simple.place(),
                format!("what `{program}` makes of it is not understood"),
            ));
        }
    }
    let shows = |statement: &Statement| {
        let declared = statement.call().and_then(Call::declared);
        declared.is_some_and(|(_, verb)| matches!(verb.act, Act::Ask(_)))
    };
    if !statements.iter().all(shows) {
        let place = pipe[1].place();
        return Err(Misread::at(place, "only what shows something is read before `|`"));
    }
    statements.truncate(1);
    Ok(statements)
}

/// `echo KEY | wg set DEV private-key /dev/stdin`: the key stands where the file's name does.
fn keyed(first: &Simple, last: &Simple, netns: &NsName) -> Heard<Vec<Statement>> {
    let key = words_of(&first.words[1..]);
    let mut told = last.clone();
    let files = told.words.iter_mut().filter(|word| word.text == "/dev/stdin");
    files.for_each(|word| word.text.clone_from(&key));
    Reading::new(&told, netns).run(&told)
}

fn words_of(words: &[Word]) -> String {
    let words: Vec<&str> = words
        .iter()
        .map(|word| word.text.as_str())
        .filter(|word| *word != "-n")
        .collect();
    words.join(" ")
}

/// A command that is being read.
struct Reading<'a> {
    words: Words<'a>,
    netns: NsName,
    /// Whether the command itself says in which namespace.
    is_inside: bool,
    whole: Range<usize>,
}

impl<'a> Reading<'a> {
    fn new(simple: &'a Simple, netns: &NsName) -> Reading<'a> {
        Reading {
            words: Words::new(&simple.words),
            netns: netns.clone(),
            is_inside: false,
            whole: simple.place(),
        }
    }

    /// Takes what stands before the command: `sudo`, variables, `env`, `time`, `timeout 5`.
    fn look_through(&mut self) -> Heard<()> {
        loop {
            match self.words.peek() {
                Some("sudo" | "doas") => {
                    self.words.next();
                    while let Some(option) = self.words.peek().filter(|word| word.starts_with('-')) {
                        self.words.next();
                        if ["-u", "-g"].contains(&option) {
                            self.words.value(option)?;
                        }
                    }
                }
                Some("env" | "command" | "exec" | "nohup" | "time" | "builtin") => drop(self.words.next()),
                Some("timeout") => {
                    self.words.next();
                    self.words.value("timeout")?;
                }
                Some(word) if assignment(word).is_some() => drop(self.words.next()),
                _ => return Ok(()),
            }
        }
    }

    fn run(mut self, simple: &Simple) -> Heard<Vec<Statement>> {
        self.look_through()?;
        let Some(program) = self.words.peek() else {
            return Ok(Vec::new());
        };
        let is_background = simple.then == Connector::Background;
        let start = self.words.clone();
        self.words.next();
        let program = program.rsplit('/').next().unwrap_or(program);
        let quiet = |target: &str| target == "/dev/null" || target.starts_with('&');
        let written = simple.redirects.iter().find(|redirect| !quiet(&redirect.target.text));
        if let Some(redirect) = written {
            if program == "echo" && redirect.sign.trim_start_matches('1').starts_with('>') {
                let text = words_of(self.words.rest());
                return self.write(&text, &redirect.target.text, self.whole.clone());
            }
            let place = redirect.target.place.clone();
            return Err(Misread::at(place, "what is written to a file is not understood"));
        }
        if let Some(statements) = self.plain(program)? {
            return Ok(statements);
        }
        match programs::find(program, &mut self.words)? {
            For::Inside(netns) if is_shell(&self.words) => Ok(self.one(What::Enter(netns))),
            For::Inside(netns) => {
                self.netns = netns;
                self.is_inside = true;
                self.run(simple)
            }
            For::Reader(command, Before { netns, setting }) => {
                let drafts = (command.read)(&mut self.words, &setting)?;
                if is_background && drafts.iter().any(|draft| !draft.call.noun.is_empty()) {
                    return Err(Misread::at(self.whole, "a change in the background is not understood"));
                }
                let netns = netns.as_ref().unwrap_or(&self.netns);
                drafts
                    .into_iter()
                    .map(|draft| statement(draft, netns, &self.whole))
                    .collect()
            }
            For::Nobody => self.program(start, is_background),
        }
    }

    fn one(&self, what: What) -> Vec<Statement> {
        vec![Statement {
            what,
            may_fail: false,
            place: self.whole.clone(),
        }]
    }

    /// What is no command about networks, and has a meaning here.
    fn plain(&mut self, program: &str) -> Heard<Option<Vec<Statement>>> {
        match program {
            "true" | ":" | "set" | "clear" => Ok(Some(Vec::new())),
            "exit" | "logout" => Ok(Some(self.one(What::Leave))),
            "reboot" => Ok(Some(self.one(What::Reboot))),
            "shutdown" if self.words.peek() == Some("-r") => Ok(Some(self.one(What::Reboot))),
            "sleep" => {
                let time = self.words.value("sleep")?;
                let is_bare = time.ends_with(|c: char| c.is_ascii_digit());
                let span = format!("{time}{}", if is_bare { "s" } else { "" });
                match Span::read(&Value::Str(span.clone())) {
                    Ok(_) => Ok(Some(self.one(What::Sleep(span)))),
                    Err(why) => Err(self.words.misread_last(format!("sleep {why}"))),
                }
            }
            "ls" if self.words.clone().rest().iter().any(|word| is_folder(&word.text)) => {
                let draft = Draft::new("netns", "list");
                Ok(Some(vec![statement(draft, &NsName::host(), &self.whole)?]))
            }
            "cat" => match self.words.peek().and_then(parameter) {
                Some(key) => {
                    let mut draft = Draft::new("sysctl", "get");
                    draft.argument_at(Value::Str(key), self.whole.clone());
                    Ok(Some(vec![statement(draft, &self.netns, &self.whole)?]))
                }
                None => Ok(None),
            },
            "sh" | "bash" if self.words.take("-c") => {
                let line = self.words.value("-c")?;
                let place = self.words.last();
                let inner = read(line, &self.netns).map_err(|misread| Misread { place, ..misread });
                match inner {
                    Err(_) if self.is_inside => {
                        let start = self.words.clone();
                        let mut draft = Draft::new("", "exec");
                        draft.argument(Value::Str(line.into()), &start);
                        Ok(Some(vec![statement(draft, &self.netns, &self.whole)?]))
                    }
                    other => other.map(Some),
                }
            }
            _ => Ok(None),
        }
    }

    /// `echo VALUE > /proc/sys/…`.
    fn write(&self, text: &str, target: &str, place: Range<usize>) -> Heard<Vec<Statement>> {
        let Some(key) = parameter(target) else {
            return Err(Misread::at(
                place,
                format!("what is written to {target} is not understood"),
            ));
        };
        let mut draft = Draft::new("sysctl", "set");
        draft.argument_at(Value::Str(key), place.clone());
        draft.argument_at(crate::ops::number_or_text(text.trim()), place.clone());
        Ok(vec![statement(draft, &self.netns, &place)?])
    }

    /// A program of its own: run in the namespace that the command names; nowhere else unasked.
    fn program(&self, mut words: Words, is_background: bool) -> Heard<Vec<Statement>> {
        let program = words.peek().unwrap_or_default();
        let line: Vec<String> = words.rest().iter().map(|word| shell_word(&word.text)).collect();
        let line = line.join(" ");
        if !self.is_inside {
            let misread = Misread::at(
                self.whole.clone(),
                format!("`{program}` is no command about networks that nsx reads"),
            );
            return Err(misread.help(format!("host.exec({}) would run it", quoted(&line))));
        }
        let serves = [
            "tcpdump",
            "iperf -s",
            "iperf3 -s",
            "nc -l",
            "ncat -l",
            "python -m http",
            "python3 -m http",
        ];
        let goes_on = serves.iter().any(|known| line.starts_with(known)) && !line.contains(" -c ");
        let verb = if is_background || goes_on { "start" } else { "exec" };
        let mut draft = Draft::new("", verb);
        draft.argument_at(Value::Str(line), self.whole.clone());
        Ok(vec![statement(draft, &self.netns, &self.whole)?])
    }
}

/// A word as a shell reads it back; what a shell would expand stays as it is written.
fn shell_word(word: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && !"'\"\\$`&|;<>(){}*?[]#~!".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

fn statement(draft: Draft, netns: &NsName, whole: &Range<usize>) -> Heard<Statement> {
    Ok(Statement {
        what: What::Call(draft.finish(netns, whole)?),
        may_fail: false,
        place: whole.clone(),
    })
}

/// Whether the words only start a shell.
fn is_shell(words: &Words) -> bool {
    let mut words = words.clone();
    let shell = words.next().map(|word| word.rsplit('/').next().unwrap_or(word));
    matches!(shell, Some("bash" | "sh" | "zsh" | "fish" | "dash")) && words.is_empty()
}

/// `NAME=VALUE`, as it stands before a command.
pub(super) fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(of_name);
    is_name.then_some((name, value))
}

/// The parameter that a file of /proc/sys is.
fn parameter(path: &str) -> Option<String> {
    let path = path.strip_prefix("/proc/sys/")?;
    // A device's name may have dots: then `/` separates.
    Some(if path.contains('.') {
        path.into()
    } else {
        path.replace('/', ".")
    })
}

/// Whether a path is the folder of the namespaces' names.
fn is_folder(path: &str) -> bool {
    ["/var/run/netns", "/run/netns"].contains(&path.trim_end_matches('/'))
}
